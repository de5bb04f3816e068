/* SPDX-License-Identifier: MIT */
/* What the projection knows of an operation by its name, and how a call is made ready for the
 * models: which pipe multiplies, how many bytes an element has, what cannot be projected. */
#include "projection/model.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static const struct op_kind kinds[] = {
    {.name = "gemm", .model = MODEL_MATRIX},
    {.name = "gemm_bias", .model = MODEL_MATRIX},
    {.name = "bmm", .model = MODEL_MATRIX, .is_batched = true},
    {.name = "batched_gemm", .model = MODEL_MATRIX, .is_batched = true},
    {.name = "gemv", .model = MODEL_MATRIX},
    {.name = "attn_prefill", .model = MODEL_PREFILL},
    {.name = "attention_prefill", .model = MODEL_PREFILL},
    {.name = "attn_decode", .model = MODEL_DECODE},
    {.name = "attention_decode", .model = MODEL_DECODE},
    {.name = "softmax", .model = MODEL_ROWS, .reads = 1, .writes = 1, .flops = 5,
     .rereads = 2},
    {.name = "layernorm", .model = MODEL_ROWS, .reads = 1, .writes = 1, .flops = 8,
     .rereads = 1},
    {.name = "rmsnorm", .model = MODEL_ROWS, .reads = 1, .writes = 1, .flops = 5,
     .rereads = 1, .labour = LABOUR_NORM},
    {.name = "add", .model = MODEL_MAP, .reads = 2, .writes = 1, .flops = 1},
    {.name = "sub", .model = MODEL_MAP, .reads = 2, .writes = 1, .flops = 1},
    {.name = "mul", .model = MODEL_MAP, .reads = 2, .writes = 1, .flops = 1},
    {.name = "div", .model = MODEL_MAP, .reads = 2, .writes = 1, .flops = 8},
    {.name = "pow", .model = MODEL_MAP, .reads = 2, .writes = 1, .flops = 60},
    {.name = "add_scalar", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 1,
     .takes_scalar = true},
    {.name = "sub_scalar", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 1,
     .takes_scalar = true},
    {.name = "mul_scalar", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 1,
     .takes_scalar = true},
    {.name = "div_scalar", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 1,
     .takes_scalar = true},
    {.name = "pow_scalar", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 2,
     .takes_scalar = true},
    {.name = "relu", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 1,
     .takes_scalar = true},
    {.name = "gelu", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 20,
     .takes_scalar = true},
    {.name = "tanh", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 15},
    {.name = "sigmoid", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 10},
    {.name = "exp", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 8},
    {.name = "sqrt", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 8},
    {.name = "silu", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 10},
    {.name = "silu_mul", .model = MODEL_MAP, .reads = 2, .writes = 1, .flops = 11,
     .labour = LABOUR_GATE},
    {.name = "swiglu", .model = MODEL_MAP, .reads = 2, .writes = 1, .flops = 11,
     .labour = LABOUR_GATE},
    {.name = "rope", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 4,
     .labour = LABOUR_ROPE},
    {.name = "copy", .model = MODEL_MAP, .reads = 1, .writes = 1},
    {.name = "stream_copy", .model = MODEL_MAP, .reads = 1, .writes = 1},
    {.name = "stream_scale", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 1},
    {.name = "stream_mul", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 1},
    {.name = "scale_repeat", .model = MODEL_MAP, .reads = 1, .writes = 1, .flops = 1},
    {.name = "stream_add", .model = MODEL_MAP, .reads = 2, .writes = 1, .flops = 1},
    {.name = "stream_triad", .model = MODEL_MAP, .reads = 2, .writes = 1, .flops = 2},
    {.name = "stream_init", .model = MODEL_MAP, .writes = 1},
    {.name = "scale_matrix", .model = MODEL_MAP, .reads = 1, .writes = 0.5, .flops = 2},
    {.name = "compute_scale", .model = MODEL_REDUCE, .reads = 1, .flops = 2,
     .further_kernels = 1, .labour = LABOUR_AMAX},
    {.name = "sum", .model = MODEL_REDUCE, .reads = 1, .flops = 1,
     .further_kernels = 1},
    {.name = "max", .model = MODEL_REDUCE, .reads = 1, .flops = 1,
     .further_kernels = 1},
    {.name = "argmax", .model = MODEL_REDUCE, .reads = 1, .flops = 2,
     .further_kernels = 1},
    {.name = "norm2", .model = MODEL_REDUCE, .reads = 1, .flops = 2,
     .further_kernels = 1},
    {.name = "dot", .model = MODEL_REDUCE, .reads = 2, .flops = 2,
     .further_kernels = 1},
    {.name = "stream_dot", .model = MODEL_REDUCE, .reads = 2, .flops = 2,
     .further_kernels = 1},
    {.name = "stream_read", .model = MODEL_REDUCE, .reads = 1, .flops = 1},
    {.name = "embedding", .model = MODEL_GATHER, .reads = 1, .writes = 1,
     .labour = LABOUR_GATHER},
    {.name = "launch", .model = MODEL_LAUNCH},
    {.name = "upload", .model = MODEL_COPY},
    {.name = "download", .model = MODEL_COPY},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

const struct op_kind *op_kind_at(int i)
{
    return i >= 0 && i < KINDS ? &kinds[i] : NULL;
}

const struct op_kind *op_kind_find(const char *name)
{
    const struct synonym *synonym;

    for (int i = 0; i < KINDS; i++) /* a name that this table gave */
        if (kinds[i].name == name)
            return &kinds[i];
    for (int i = 0; name && i < KINDS; i++)
        if (strcasecmp(kinds[i].name, name) == 0)
            return &kinds[i];
    synonym = synonym_find(name);
    return synonym ? op_kind_find(synonym->of) : NULL;
}

/* A pipe's rate; 16-bit types that a GPU has no matrix cores for run at its vector rate. */
static void pipe_choose(struct work *w)
{
    const struct gpu *g = w->gpu;
    enum dtype dtype = w->op->dtype;
    double rate = g->flops_per_s[dtype], f16 = g->flops_per_s[DTYPE_F16];

    if (isnan(f16))
        f16 = g->flops_per_s[DTYPE_BF16];
    w->is_tensor = dtype != DTYPE_F32 || g->flops_per_s[DTYPE_F32] > g->vector_flops_per_s;
    switch (w->op->precision) {
    case PRECISION_TF32:
        rate = g->tf32_flops_per_s;
        w->is_tensor = true;
        break;
    case PRECISION_FP8:
    case PRECISION_FP8_BLOCK:
        rate = g->fp8_flops_per_s;
        w->element_bytes = w->weight_bytes = 1;
        break;
    case PRECISION_SMOOTH:
        rate = g->flops_per_s[DTYPE_I8];
        w->weight_bytes = 1;
        break;
    case PRECISION_I8_WEIGHT:
        w->weight_bytes = 1;
        break;
    case PRECISION_I4_WEIGHT:
        w->weight_bytes = 0.5;
        break;
    case PRECISION_DP4A:
        rate = 4 * g->vector_flops_per_s;
        w->is_tensor = false;
        break;
    case PRECISION_FP4:
        rate = strstr(g->arch.text, "Blackwell") ? 2 * g->fp8_flops_per_s : NAN; /* NVIDIA */
        w->element_bytes = w->weight_bytes = 0.5;
        break;
    default:
        break;
    }
    if (w->op->precision == PRECISION_PLAIN && dtype == DTYPE_F16 && isnan(rate))
        rate = f16;
    if (w->op->precision == PRECISION_PLAIN && isnan(rate) &&
        (dtype == DTYPE_F16 || dtype == DTYPE_BF16)) {
        rate = g->vector_flops_per_s;
        w->is_tensor = false;
    }
    w->pipe_flops_per_s = rate / g->dies;
}

static int sizes_check(const struct work *w, struct why *why)
{
    const struct operation *op = w->op;
    const char *missing = NULL;

    switch (w->kind->model) {
    case MODEL_MATRIX:
        missing = op->m < 1 ? "m" : op->n < 1 ? "n" : op->k < 1 ? "k" : NULL;
        break;
    case MODEL_PREFILL:
    case MODEL_DECODE:
        missing = op->heads < 1 ? "heads" : op->head_dim < 1 ? "head_dim" :
                  op->kv_len < 1 && op->q_len < 1 ? "kv_len" : NULL;
        break;
    case MODEL_ROWS:
    case MODEL_MAP:
    case MODEL_REDUCE:
    case MODEL_GATHER:
        missing = op->rows < 1 && op->m < 1 ? "rows" : op->cols < 1 && op->k < 1 ? "cols" : NULL;
        break;
    case MODEL_COPY:
        missing = op->cols < 1 ? "cols" : NULL;
        break;
    default:
        break;
    }
    if (w->kind->model == MODEL_COPY && !(w->gpu->link_bytes_per_s > 0))
        return why_fail(why, STATUS_UNAVAILABLE, "the datasheet of '%s' gives no host link "
                        "(link_gen and link_lanes)", w->gpu->id.text);
    if (missing)
        return why_fail(why, STATUS_UNAVAILABLE, "'%s' needs '%s' to be at least 1",
                        w->kind->name, missing);
    if (op->kv_heads > op->heads && w->kind->model <= MODEL_DECODE && w->kind->model != MODEL_MATRIX)
        return why_fail(why, STATUS_UNAVAILABLE, "%lld kv_heads cannot share %lld heads: at most "
                        "as many", (long long)op->kv_heads, (long long)op->heads);
    return 0;
}

/* What the GPU must hold at once, where the sizes tell; paged caches may be longer than it. */
static double operand_bytes(const struct work *w)
{
    const struct operation *op = w->op;
    double m = (double)op->m, n = (double)op->n, k = (double)op->k;
    double rows = fmax((double)op->rows, m), cols = fmax((double)op->cols, k);

    switch (w->kind->model) {
    case MODEL_MATRIX:
        return fmax((double)op->batch, 1) *
               ((m * k + m * n) * w->element_bytes + k * n * w->weight_bytes);
    case MODEL_ROWS:
    case MODEL_MAP:
    case MODEL_REDUCE:
        return rows * cols * w->element_bytes;
    default:
        return 0;
    }
}

/* Twice: datasheets say GB for GiB, and results may take the place of operands. */
static int memory_check(const struct work *w, struct why *why)
{
    double bytes = operand_bytes(w);

    return bytes <= 2 * w->gpu->memory_bytes
               ? 0
               : why_fail(why, STATUS_UNAVAILABLE, "its operands, %.3g GB, do not fit the %.3g GB "
                          "of '%s'", bytes * 1e-9, w->gpu->memory_bytes * 1e-9, w->gpu->id.text);
}

int work_init(struct work *w, const struct gpu *gpu, const struct operation *op,
              enum timing timing, struct why *why)
{
    const struct op_kind *kind = op_kind_find(op->op);
    int status;

    if (!kind)
        return why_fail(why, STATUS_UNAVAILABLE, "no model for the operation '%s'",
                        op->op ? op->op : "");
    *w = (struct work){.gpu = gpu, .op = op, .kind = kind, .timing = timing,
                       .units = gpu->units / gpu->dies,
                       .dram_bytes_per_s = gpu->memory_bytes_per_s / gpu->dies,
                       .l2_bytes = gpu->l2_bytes / gpu->dies,
                       .element_bytes = (double)dtype_bytes(op->dtype)};
    w->weight_bytes = w->element_bytes;
    pipe_choose(w);
    if (kind->model <= MODEL_DECODE && !(w->pipe_flops_per_s > 0))
        return why_fail(why, STATUS_UNAVAILABLE, "the datasheet of '%s' gives no rate for this "
                        "dtype", gpu->id.text);
    status = sizes_check(w, why);
    return status ? status : memory_check(w, why);
}
