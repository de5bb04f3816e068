/* SPDX-License-Identifier: MIT */
/* What the projection knows of an operation by its name, and how a call is made ready for the
 * models: which pipe multiplies, how many bytes an element has, what cannot be projected. */
#include "projection/model.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static const struct op_kind kinds[] = {
    {"gemm", MODEL_MATRIX, 0, 0, 0, 1, false, 0, LABOUR_FLOPS, false},
    {"gemm_bias", MODEL_MATRIX, 0, 0, 0, 1, false, 0, LABOUR_FLOPS, false},
    {"bmm", MODEL_MATRIX, 0, 0, 0, 1, true, 0, LABOUR_FLOPS, false},
    {"batched_gemm", MODEL_MATRIX, 0, 0, 0, 1, true, 0, LABOUR_FLOPS, false},
    {"gemv", MODEL_MATRIX, 0, 0, 0, 1, false, 0, LABOUR_FLOPS, false},
    {"attn_prefill", MODEL_PREFILL, 0, 0, 0, 2, false, 0, LABOUR_FLOPS, false},
    {"attention_prefill", MODEL_PREFILL, 0, 0, 0, 2, false, 0, LABOUR_FLOPS, false},
    {"attn_decode", MODEL_DECODE, 0, 0, 0, 2, false, 0, LABOUR_FLOPS, false},
    {"attention_decode", MODEL_DECODE, 0, 0, 0, 2, false, 0, LABOUR_FLOPS, false},
    {"softmax", MODEL_ROWS, 1, 1, 5, 1, false, 2, LABOUR_FLOPS, false},
    {"layernorm", MODEL_ROWS, 1, 1, 8, 1, false, 1, LABOUR_FLOPS, false},
    {"rmsnorm", MODEL_ROWS, 1, 1, 5, 1, false, 1, LABOUR_NORM, false},
    {"add", MODEL_MAP, 2, 1, 1, 1, false, 0, LABOUR_FLOPS, false},
    {"sub", MODEL_MAP, 2, 1, 1, 1, false, 0, LABOUR_FLOPS, false},
    {"mul", MODEL_MAP, 2, 1, 1, 1, false, 0, LABOUR_FLOPS, false},
    {"div", MODEL_MAP, 2, 1, 8, 1, false, 0, LABOUR_FLOPS, false},
    {"pow", MODEL_MAP, 2, 1, 60, 1, false, 0, LABOUR_FLOPS, false},
    {"add_scalar", MODEL_MAP, 1, 1, 1, 1, false, 0, LABOUR_FLOPS, true},
    {"sub_scalar", MODEL_MAP, 1, 1, 1, 1, false, 0, LABOUR_FLOPS, true},
    {"mul_scalar", MODEL_MAP, 1, 1, 1, 1, false, 0, LABOUR_FLOPS, true},
    {"div_scalar", MODEL_MAP, 1, 1, 1, 1, false, 0, LABOUR_FLOPS, true},
    {"pow_scalar", MODEL_MAP, 1, 1, 2, 1, false, 0, LABOUR_FLOPS, true},
    {"relu", MODEL_MAP, 1, 1, 1, 1, false, 0, LABOUR_FLOPS, true},
    {"gelu", MODEL_MAP, 1, 1, 20, 1, false, 0, LABOUR_FLOPS, true},
    {"tanh", MODEL_MAP, 1, 1, 15, 1, false, 0, LABOUR_FLOPS, false},
    {"sigmoid", MODEL_MAP, 1, 1, 10, 1, false, 0, LABOUR_FLOPS, false},
    {"exp", MODEL_MAP, 1, 1, 8, 1, false, 0, LABOUR_FLOPS, false},
    {"sqrt", MODEL_MAP, 1, 1, 8, 1, false, 0, LABOUR_FLOPS, false},
    {"silu", MODEL_MAP, 1, 1, 10, 1, false, 0, LABOUR_FLOPS, false},
    {"silu_mul", MODEL_MAP, 2, 1, 11, 1, false, 0, LABOUR_GATE, false},
    {"swiglu", MODEL_MAP, 2, 1, 11, 1, false, 0, LABOUR_GATE, false},
    {"rope", MODEL_MAP, 1, 1, 4, 1, false, 0, LABOUR_ROPE, false},
    {"copy", MODEL_MAP, 1, 1, 0, 1, false, 0, LABOUR_FLOPS, false},
    {"stream_copy", MODEL_MAP, 1, 1, 0, 1, false, 0, LABOUR_FLOPS, false},
    {"stream_scale", MODEL_MAP, 1, 1, 1, 1, false, 0, LABOUR_FLOPS, false},
    {"stream_mul", MODEL_MAP, 1, 1, 1, 1, false, 0, LABOUR_FLOPS, false},
    {"scale_repeat", MODEL_MAP, 1, 1, 1, 1, false, 0, LABOUR_FLOPS, false},
    {"stream_add", MODEL_MAP, 2, 1, 1, 1, false, 0, LABOUR_FLOPS, false},
    {"stream_triad", MODEL_MAP, 2, 1, 2, 1, false, 0, LABOUR_FLOPS, false},
    {"stream_init", MODEL_MAP, 0, 1, 0, 1, false, 0, LABOUR_FLOPS, false},
    {"scale_matrix", MODEL_MAP, 1, 0.5, 2, 1, false, 0, LABOUR_FLOPS, false},
    {"compute_scale", MODEL_REDUCE, 1, 0, 2, 2, false, 0, LABOUR_FLOPS, false},
    {"sum", MODEL_REDUCE, 1, 0, 1, 2, false, 0, LABOUR_FLOPS, false},
    {"max", MODEL_REDUCE, 1, 0, 1, 2, false, 0, LABOUR_FLOPS, false},
    {"argmax", MODEL_REDUCE, 1, 0, 2, 2, false, 0, LABOUR_FLOPS, false},
    {"norm2", MODEL_REDUCE, 1, 0, 2, 2, false, 0, LABOUR_FLOPS, false},
    {"dot", MODEL_REDUCE, 2, 0, 2, 2, false, 0, LABOUR_FLOPS, false},
    {"stream_dot", MODEL_REDUCE, 2, 0, 2, 2, false, 0, LABOUR_FLOPS, false},
    {"stream_read", MODEL_REDUCE, 1, 0, 1, 1, false, 0, LABOUR_FLOPS, false},
    {"embedding", MODEL_GATHER, 1, 1, 0, 1, false, 0, LABOUR_GATHER, false},
    {"launch", MODEL_LAUNCH, 0, 0, 0, 1, false, 0, LABOUR_FLOPS, false},
    {"upload", MODEL_COPY, 0, 0, 0, 0, false, 0, LABOUR_FLOPS, false},
    {"download", MODEL_COPY, 0, 0, 0, 0, false, 0, LABOUR_FLOPS, false},
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
