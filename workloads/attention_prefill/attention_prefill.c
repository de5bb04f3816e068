/* SPDX-License-Identifier: MIT */
/* Attention of a prompt: many queries against all keys before them. Compute-bound: the two
 * products are 4 head_dim flops a visible pair, and no n x n matrix is kept, but in the
 * compositions of library products, which are here because they are what a user without an
 * attention kernel would run. */
#include "workloads/attention_prefill/attention_prefill.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "workloads/cblas.h"
#include "workloads/dnnl.h"
#include "workloads/isa.h"

ISA_DECLARE(const struct attention_prefill_simd, attention_prefill_simd);

extern const struct workload workload_attention_prefill;

enum { BATCH, HEADS, KV_HEADS, HEAD_DIM, Q_LEN, KV_LEN, CAUSAL, WINDOW };

static struct attention attention_of(const struct problem *p)
{
    const int64_t *n = p->shape.n;

    return (struct attention){.dtype = p->dtype, .batch = n[BATCH], .heads = n[HEADS],
                              .kv_heads = n[KV_HEADS], .head_dim = n[HEAD_DIM],
                              .q_len = n[Q_LEN], .kv_len = n[KV_LEN], .window = n[WINDOW],
                              .causal = n[CAUSAL]};
}

static int64_t q_count(const struct problem *p)
{
    struct attention a = attention_of(p);

    return attention_q_count(&a);
}

static int64_t kv_count(const struct problem *p)
{
    struct attention a = attention_of(p);

    return attention_kv_count(&a);
}

static void fill_values(const struct problem *p, void *data, uint64_t seed)
{
    struct attention a = attention_of(p);

    attention_fill_values(&a, data, seed);
}

static struct cost cost(const struct problem *p)
{
    struct attention a = attention_of(p);

    return attention_cost(&a);
}

/* Whichever there is more of: sequences, or heads in groups that share keys and values. */
static unsigned split(const struct problem *p)
{
    return p->shape.n[BATCH] >= p->shape.n[KV_HEADS] ? 1u << BATCH : 1u << HEADS | 1u << KV_HEADS;
}

static double length(const struct problem *p)
{
    return (double)p->shape.n[KV_LEN];
}

static bool valid(const struct problem *p, struct why *why)
{
    struct attention a = attention_of(p);

    return attention_valid(&a, "attention_prefill", why);
}

static void operation(const struct problem *p, struct operation *op)
{
    struct attention a = attention_of(p);

    attention_operation(&a, "attn_prefill", op);
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    struct attention a = attention_of(p);
    double factor = workload_error_bound(&workload_attention_prefill, p, ATTENTION_OUT, 0, 1);

    attention_reference(&a, factor, in, want[ATTENTION_OUT], scale[ATTENTION_OUT]);
}

/* ---- ours ----------------------------------------------------------------------------- */

static int simd_prepare(struct call *call, struct why *why)
{
    struct attention a = attention_of(call->problem);

    return attention_scratch(
        call, ISA_PICK(attention_prefill_simd)->scratch_bytes(&a, call->threads), why);
}

static int simd(struct call *call, struct why *why)
{
    struct attention a = attention_of(call->problem);
    const struct buffer *arg = call->arg;

    (void)why;
    ISA_PICK(attention_prefill_simd)
        ->run(&a, arg[ATTENTION_Q].data, arg[ATTENTION_K].data, arg[ATTENTION_V].data,
              arg[ATTENTION_OUT].data, call->self, call->threads);
    return 0;
}

/* ---- compositions of library products ------------------------------------------------- */

/* A block of BLOCK queries of one head against the keys that the block sees. Without blocks
 * the masked half would be computed too; smaller ones make the products inefficient. Heads go
 * to the threads, each product runs on one: that spares a barrier after every product. */
enum { BLOCK = 256 };

/* Of one thread: the scores of one block, for bf16 also its probabilities, and oneDNN's
 * products, one pair for each block of queries (their keys differ). */
struct lane {
    float *score;
    uint16_t *half;
    struct onednn **scores, **values;
};

struct composed {
    int lanes;
    int64_t blocks;
    struct lane *lane;
};

static int64_t block_rows(const struct attention *a, int64_t i)
{
    return a->q_len - i < BLOCK ? a->q_len - i : BLOCK;
}

/* Keys 0 ... that the last query of the block at i sees. */
static int64_t block_keys(const struct attention *a, int64_t i)
{
    int64_t first, end;

    attention_span(a, i + block_rows(a, i) - 1, &first, &end);
    return end;
}

static void lane_release(struct lane *lane, int64_t blocks)
{
    for (int64_t n = 0; n < blocks; n++) {
        onednn_free(lane->scores ? lane->scores[n] : NULL);
        onednn_free(lane->values ? lane->values[n] : NULL);
    }
    free(lane->scores);
    free(lane->values);
    free(lane->score);
    free(lane->half);
}

static void composed_release(struct call *call)
{
    struct composed *c = call->self;

    for (int t = 0; c && t < c->lanes; t++)
        lane_release(&c->lane[t], c->blocks);
    if (c)
        free(c->lane);
    free(c);
    call->self = NULL;
}

static bool lane_init(struct lane *lane, const struct attention *a, int64_t blocks)
{
    size_t scores = (size_t)(block_rows(a, 0) * a->kv_len);

    lane->score = malloc(scores * sizeof *lane->score);
    lane->half = a->dtype == DTYPE_BF16 ? malloc(scores * sizeof *lane->half) : NULL;
    lane->scores = calloc((size_t)blocks, sizeof *lane->scores);
    lane->values = calloc((size_t)blocks, sizeof *lane->values);
    return lane->score && lane->scores && lane->values &&
           (lane->half || a->dtype != DTYPE_BF16);
}

static int composed_prepare(struct call *call, struct why *why)
{
    struct attention a = attention_of(call->problem);
    struct composed *c = call->self = calloc(1, sizeof *c);
    bool is_whole = c && (c->lane = calloc((size_t)call->threads, sizeof *c->lane));

    if (is_whole) {
        c->lanes = call->threads;
        c->blocks = (a.q_len + BLOCK - 1) / BLOCK;
    }
    for (int t = 0; is_whole && t < c->lanes; t++)
        is_whole = lane_init(&c->lane[t], &a, c->blocks);
    if (is_whole)
        return 0;
    composed_release(call);
    return why_fail(why, STATUS_MEMORY, "cannot allocate the scores of %d queries for each of "
                    "%d threads", BLOCK, call->threads);
}

/* Where head h of query i (for k and v: its key head, key 0) begins. */
static void *head_at(const struct call *call, const struct attention *a, int which, int64_t b,
                     int64_t i, int64_t h)
{
    bool is_kv = which == ATTENTION_K || which == ATTENTION_V;
    int64_t row = is_kv ? b * a->kv_len * a->kv_heads + h / (a->heads / a->kv_heads)
                        : (b * a->q_len + i) * a->heads + h;

    return (char *)call->arg[which].data +
           (size_t)(row * a->head_dim) * dtype_bytes(a->dtype);
}

static int onednn_block(const struct attention *a, int64_t i, struct onednn **scores,
                        struct onednn **values, struct why *why)
{
    int64_t rows = block_rows(a, i), keys = block_keys(a, i), d = a->head_dim;
    int64_t q_step = a->heads * d, kv_step = a->kv_heads * d;
    enum dtype t = a->dtype;
    struct onednn_tensor q = {t, 2, {rows, d}, {q_step, 1}, false};
    struct onednn_tensor k = {t, 2, {d, keys}, {1, kv_step}, false};
    struct onednn_tensor v = {t, 2, {keys, d}, {kv_step, 1}, false};
    struct onednn_tensor score = {DTYPE_F32, 2, {rows, keys}, {0}, false};
    struct onednn_tensor p = {t, 2, {rows, keys}, {0}, false};
    int status = onednn_matmul(scores, &q, &k, &score, 1, 0, 1, why);

    return status ? status : onednn_matmul(values, &p, &v, &q, 1, 0, 1, why);
}

static int onednn_prepare(struct call *call, struct why *why)
{
    struct attention a = attention_of(call->problem);
    int status = composed_prepare(call, why);
    struct composed *c = call->self;

    for (int t = 0; !status && t < c->lanes; t++)
        for (int64_t n = 0; !status && n < c->blocks; n++)
            status = onednn_block(&a, n * BLOCK, &c->lane[t].scores[n], &c->lane[t].values[n],
                                  why);
    if (status)
        composed_release(call);
    return status;
}

/* One block of queries, by oneDNN's or by CBLAS's products. */
static int onednn_head(const struct call *call, const struct attention *a, struct lane *lane,
                       int64_t n, int64_t b, int64_t h, struct why *why)
{
    struct onednn *scores = lane->scores[n], *values = lane->values[n];
    int64_t i = n * BLOCK;
    const void *const of_scores[] = {head_at(call, a, ATTENTION_Q, b, i, h),
                                     head_at(call, a, ATTENTION_K, b, 0, h), lane->score};
    const void *const of_values[] = {lane->half ? (void *)lane->half : lane->score,
                                     head_at(call, a, ATTENTION_V, b, 0, h),
                                     head_at(call, a, ATTENTION_OUT, b, i, h)};
    int status;

    if ((status = onednn_bind(scores, of_scores, why)) || (status = onednn_run(scores, 1, why)))
        return status;
    ISA_PICK(attention_prefill_simd)
        ->softmax(a, i, block_rows(a, i), block_keys(a, i), lane->score, lane->half);
    status = onednn_bind(values, of_values, why);
    return status ? status : onednn_run(values, 1, why);
}

static int blas_head(const struct call *call, const struct attention *a, struct lane *lane,
                     int64_t n, int64_t b, int64_t h, struct why *why)
{
    const struct cblas *lib = call->variant->data;
    int64_t i = n * BLOCK;
    int rows = (int)block_rows(a, i), keys = (int)block_keys(a, i), d = (int)a->head_dim;
    int q_step = (int)a->heads * d, kv_step = (int)a->kv_heads * d;

    (void)why;
    lib->sgemm(CBLAS_ROW_MAJOR, CBLAS_NO_TRANS, CBLAS_TRANS, rows, keys, d, 1,
               head_at(call, a, ATTENTION_Q, b, i, h), q_step,
               head_at(call, a, ATTENTION_K, b, 0, h), kv_step, 0, lane->score, keys);
    ISA_PICK(attention_prefill_simd)->softmax(a, i, rows, keys, lane->score, NULL);
    lib->sgemm(CBLAS_ROW_MAJOR, CBLAS_NO_TRANS, CBLAS_NO_TRANS, rows, d, keys, 1, lane->score,
               keys, head_at(call, a, ATTENTION_V, b, 0, h), kv_step, 0,
               head_at(call, a, ATTENTION_OUT, b, i, h), q_step);
    return 0;
}

static int composed(struct call *call, struct why *why)
{
    struct attention a = attention_of(call->problem);
    struct composed *c = call->self;
    int failed = 0;

    if (call->variant->data)
        cblas_use(call->variant->data, 1);
#pragma omp parallel num_threads(c->lanes)
    {
        struct lane *lane = &c->lane[omp_get_thread_num()];
        struct why own = {{0}};
        int status = 0;

#pragma omp for schedule(dynamic, 1)
        for (int64_t h = 0; h < a.batch * a.heads; h++)
            for (int64_t n = 0; n < c->blocks && !status; n++)
                status = (call->variant->data ? blas_head : onednn_head)(
                    call, &a, lane, n, h / a.heads, h % a.heads, &own);
        if (status)
#pragma omp critical(composed_failed)
        {
            failed = status;
            *why = own;
        }
    }
    return failed;
}

static bool onednn_fits(const struct problem *p)
{
    return p->dtype == DTYPE_F32 || p->dtype == DTYPE_BF16;
}

static bool blas_fits(const struct problem *p)
{
    return p->dtype == DTYPE_F32;
}

/* ---- devices -------------------------------------------------------------------------- */

/* What both kernels take; scores are scaled by `factor` / sqrt(head_dim). */
static void step_arguments(struct step *step, const struct attention *a, double factor)
{
    step_buffer(step, ATTENTION_Q);
    step_buffer(step, ATTENTION_K);
    step_buffer(step, ATTENTION_V);
    step_buffer(step, ATTENTION_OUT);
    step_int(step, a->heads);
    step_int(step, a->kv_heads);
    step_int(step, a->q_len);
    step_int(step, a->kv_len);
    step_int(step, a->causal);
    step_int(step, a->window);
    step_float(step, factor / sqrt((double)a->head_dim));
}

static int steps(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    struct attention a = attention_of(p);
    enum { QUERIES = 64 };

    *step = (struct step){.kernel = "attention_prefill",
                          .groups = {(a.q_len + QUERIES - 1) / QUERIES, a.heads, a.batch},
                          .group = {256, 1, 1}};
    /* OpenCL promises 32 KiB of local memory only */
    snprintf(step->defines, sizeof step->defines, "-DHEAD_DIM=%d -DCHUNK=%d", (int)a.head_dim,
             facts->local_bytes >= 40 << 10 ? 32 : 16);
    step_arguments(step, &a, 1);
    return 1;
}

static bool tensor_fits(const struct problem *p)
{
    struct attention a = attention_of(p);

    return attention_tensor_fits(&a);
}

/* Blocks of `warps` warps, 16 queries each. */
static int tensor_steps(const struct problem *p, const struct device_facts *facts, int warps,
                        struct step *step)
{
    struct attention a = attention_of(p);

    if (!facts_have_tensor_cores(facts, a.dtype))
        return 0;
    *step = (struct step){.kernel = "attention_prefill_tensor",
                          .groups = {(a.q_len + 16 * warps - 1) / (16 * warps), a.heads, a.batch},
                          .group = {32 * warps, 1, 1}};
    snprintf(step->defines, sizeof step->defines, "-DHEAD_DIM=%d -DWARPS=%d", (int)a.head_dim,
             warps);
    step_arguments(step, &a, M_LOG2E);
    return 1;
}

static int tensor(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    return tensor_steps(p, facts, 8, step);
}

static int tensor_64(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    return tensor_steps(p, facts, 4, step);
}

/* ---- the description ------------------------------------------------------------------ */

/* Awkward: odd lengths, heads in groups, windows, a chunk that ends a longer context, rows
 * that end inside every tile size. */
static const struct shape smoke[] = {
    {{1, 4, 1, 64, 37, 37, 1, 0}}, {{1, 1, 1, 80, 70, 131, 1, 0}},
    {{2, 2, 1, 128, 9, 23, 0, 0}}, {{1, 2, 1, 64, 67, 90, 1, 20}},
    {{1, 3, 1, 72, 1, 1, 1, 0}},     {{1, 2, 1, 64, 150, 210, 1, 70}},
};

static const struct sweep sweeps[] = {
    /* 32 query heads on 8 key heads, as in an 8-billion model; all keys are the prompt's */
    {.name = "prompt", .mul = {0, 0, 0, 0, 1, 1}, .add = {1, 32, 8, 128, 0, 0, 1, 0}},
    {.name = "batch", .mul = {1}, .add = {0, 32, 8, 128, 256, 256, 1, 0}},
    {0},
};

static const char *const causal[] = {"no", "yes", NULL};

#define COMPOSED_NOTE                                                                  \
    "library products of 256 queries of a head with the keys that they see, our softmax " \
    "between them, heads side by side; keeps the scores of 256 queries a thread"
#define BLAS(row, library, label)                                                      \
    {.name = row, .on = DEVICE_CPU, .provider = label, .data = &cblas[library],        \
     .available = cblas_available, .fits = blas_fits, .prepare = composed_prepare,     \
     .run = composed, .release = composed_release, .note = COMPOSED_NOTE}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .prepare = simd_prepare, .run = simd,
     .release = attention_scratch_release},
    {.name = "composed", .on = DEVICE_CPU, .provider = "oneDNN", .fits = onednn_fits,
     .available = onednn_available, .prepare = onednn_prepare, .run = composed,
     .release = composed_release, .note = COMPOSED_NOTE "; primitives are made beforehand"},
    BLAS("composed-openblas", CBLAS_OPENBLAS, "OpenBLAS"),
    BLAS("composed-mkl", CBLAS_MKL, "MKL"),
    BLAS("composed-aocl", CBLAS_AOCL, "AOCL"),
    {.name = "tiled", .on = DEVICE_OPENCL, .steps = steps},
    {.name = "tensor", .on = DEVICE_CUDA, .fits = tensor_fits, .steps = tensor,
     .note = "on tensor cores, 128 queries share the keys that a block reads"},
    {.name = "tensor-64", .on = DEVICE_CUDA, .fits = tensor_fits, .steps = tensor_64,
     .note = "on tensor cores, 64 queries share the keys that a block reads"},
    {0},
};

const struct workload workload_attention_prefill = {
    .name = "attention_prefill",
    .brief = "attention of a prompt's queries to all keys before them, grouped-query heads",
    .dtypes = 1u << DTYPE_F32 | 1u << DTYPE_F16 | 1u << DTYPE_BF16,
    .axis = {{"batch", "sequences", NULL, 1, 1},
             {"heads", "query heads", NULL, AXIS_REQUIRED, 1},
             {"kv_heads", "key and value heads", NULL, AXIS_REQUIRED, 1},
             {"head_dim", "elements of a head", NULL, AXIS_REQUIRED, 8},
             {"q_len", "queries: the last positions", NULL, AXIS_REQUIRED, 1},
             {"kv_len", "keys and values", NULL, AXIS_REQUIRED, 1},
             {"causal", "does a query see only keys up to its own position?", causal, 1, 0},
             {"window", "keys that a query sees at most; 0: all", NULL, 0, 0}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "q", .type = DTYPE_SAME, .flow = FLOW_IN, .count = q_count},
             {.name = "k", .type = DTYPE_SAME, .flow = FLOW_IN, .count = kv_count},
             {.name = "v", .type = DTYPE_SAME, .flow = FLOW_IN, .count = kv_count,
              .fill = fill_values},
             {.name = "out", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = q_count}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .roundings = 1,
    .valid = valid,
    .operation = operation,
    .cut = workload_cut_outermost,
    .split = split,
};
