/* SPDX-License-Identifier: MIT */
/* Other names of operations: those of BLAS, PyTorch, ONNX and the papers on kernels. An
 * operation that is only akin moves the same bytes by much the same work as the one whose
 * timings stand for it. */
#include "projection/model.h"

#include <strings.h>

static const struct synonym synonyms[] = {
    /* products */
    {"matmul", "gemm", false}, {"mm", "gemm", false}, {"dense", "gemm", false},
    {"linear", "gemm_bias", false}, {"addmm", "gemm_bias", false},
    {"fully_connected", "gemm_bias", false}, {"batch_matmul", "bmm", false},
    {"batched_matmul", "bmm", false}, {"baddbmm", "bmm", false}, {"gemm_batched", "bmm", false},
    {"gemm_strided_batched", "bmm", false}, {"mv", "gemv", false}, {"matvec", "gemv", false},
    /* attention */
    {"attention", "attn_prefill", false}, {"sdpa", "attn_prefill", false},
    {"scaled_dot_product_attention", "attn_prefill", false},
    {"flash_attention", "attn_prefill", false}, {"flash_attn", "attn_prefill", false},
    {"context_attention", "attn_prefill", false}, {"flash_decoding", "attn_decode", false},
    {"generation_attention", "attn_decode", false}, {"paged_attention", "attn_decode", true},
    /* rows */
    {"log_softmax", "softmax", true}, {"layer_norm", "layernorm", false},
    {"rms_norm", "rmsnorm", false}, {"group_norm", "layernorm", true},
    {"groupnorm", "layernorm", true}, {"instance_norm", "layernorm", true},
    {"batch_norm", "layernorm", true}, {"batchnorm", "layernorm", true},
    {"l2_normalize", "rmsnorm", true},
    /* one element from one */
    {"neg", "relu", true}, {"abs", "relu", true}, {"sign", "relu", true},
    {"square", "relu", true}, {"clamp", "relu", true}, {"clip", "relu", true},
    {"round", "relu", true}, {"floor", "relu", true}, {"ceil", "relu", true},
    {"relu6", "relu", true}, {"leaky_relu", "relu", true}, {"prelu", "relu", true},
    {"hardtanh", "relu", true}, {"hardswish", "relu", true}, {"hardsigmoid", "relu", true},
    {"log", "exp", true}, {"log2", "exp", true}, {"log10", "exp", true}, {"log1p", "exp", true},
    {"exp2", "exp", true}, {"expm1", "exp", true}, {"sin", "exp", true}, {"cos", "exp", true},
    {"rsqrt", "sqrt", true}, {"reciprocal", "sqrt", true}, {"logistic", "sigmoid", false},
    {"swish", "silu", false}, {"erf", "gelu", true}, {"elu", "gelu", true},
    {"selu", "gelu", true}, {"celu", "gelu", true}, {"mish", "gelu", true},
    {"softplus", "gelu", true}, {"quick_gelu", "gelu", true}, {"gelu_tanh", "gelu", true},
    {"scale", "mul_scalar", false}, {"scal", "stream_scale", false},
    {"dropout", "relu", true}, {"clone", "copy", false}, {"contiguous", "copy", false},
    {"memcpy", "copy", false}, {"memcpy_d2d", "copy", false}, {"cat", "copy", true},
    {"concat", "copy", true}, {"concatenate", "copy", true}, {"stack", "copy", true},
    {"split", "copy", true}, {"transpose", "copy", true}, {"permute", "copy", true},
    {"cast", "copy", true}, {"to", "copy", true}, {"fill", "stream_init", false},
    {"zero", "stream_init", false}, {"zeros", "stream_init", false},
    {"memset", "stream_init", false},
    /* one element from two */
    {"subtract", "sub", false}, {"multiply", "mul", false}, {"divide", "div", false},
    {"maximum", "add", true}, {"minimum", "add", true}, {"where", "add", true},
    {"masked_fill", "add", true}, {"axpy", "stream_triad", false},
    {"triad", "stream_triad", false}, {"silu_and_mul", "silu_mul", false},
    {"geglu", "swiglu", true}, {"reglu", "swiglu", true}, {"gelu_and_mul", "swiglu", true},
    {"glu", "swiglu", true}, {"rotary_embedding", "rope", false},
    /* one value from many */
    {"reduce_sum", "sum", false}, {"reduce_max", "max", false}, {"mean", "sum", true},
    {"min", "max", false}, {"prod", "sum", true}, {"amax", "max", false},
    {"amin", "max", false}, {"argmin", "argmax", false}, {"asum", "sum", true},
    {"norm", "norm2", false}, {"nrm2", "norm2", false}, {"var", "norm2", true},
    {"std", "norm2", true}, {"vdot", "dot", false},
    /* rows of a table; the host link */
    {"gather", "embedding", true}, {"index_select", "embedding", true},
    {"memcpy_h2d", "upload", false}, {"h2d", "upload", false},
    {"memcpy_d2h", "download", false}, {"d2h", "download", false},
};

enum { SYNONYMS = sizeof synonyms / sizeof *synonyms };

const struct synonym *synonym_at(int i)
{
    return i >= 0 && i < SYNONYMS ? &synonyms[i] : NULL;
}

const struct synonym *synonym_find(const char *name)
{
    for (int i = 0; name && i < SYNONYMS; i++)
        if (strcasecmp(synonyms[i].name, name) == 0)
            return &synonyms[i];
    return NULL;
}
