/* SPDX-License-Identifier: MIT */
/* Attention of one new token a sequence: its query against the KV cache. Memory-bound: the
 * cache is read once, each key and value serves all query heads of its group. */
#include "workloads/attention_decode/attention_decode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/cblas.h"
#include "workloads/dnnl.h"
#include "workloads/isa.h"

ISA_DECLARE(const struct attention_decode_simd, attention_decode_simd);

extern const struct workload workload_attention_decode;

enum { BATCH, HEADS, KV_HEADS, HEAD_DIM, KV_LEN, WINDOW };

static struct attention attention_of(const struct problem *p)
{
    const int64_t *n = p->shape.n;

    return (struct attention){.dtype = p->dtype, .batch = n[BATCH], .heads = n[HEADS],
                              .kv_heads = n[KV_HEADS], .head_dim = n[HEAD_DIM], .q_len = 1,
                              .kv_len = n[KV_LEN], .window = n[WINDOW], .causal = true};
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

    return attention_valid(&a, "attention_decode", why);
}

static void operation(const struct problem *p, struct operation *op)
{
    struct attention a = attention_of(p);

    attention_operation(&a, "attn_decode", op);
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    struct attention a = attention_of(p);
    double factor = workload_error_bound(&workload_attention_decode, p, ATTENTION_OUT, 0, 1);

    attention_reference(&a, factor, in, want[ATTENTION_OUT], scale[ATTENTION_OUT]);
}

/* ---- ours ----------------------------------------------------------------------------- */

static int simd_prepare(struct call *call, struct why *why)
{
    struct attention a = attention_of(call->problem);

    return attention_scratch(
        call, ISA_PICK(attention_decode_simd)->scratch_bytes(&a, call->threads), why);
}

static int simd(struct call *call, struct why *why)
{
    struct attention a = attention_of(call->problem);
    const struct buffer *arg = call->arg;

    (void)why;
    ISA_PICK(attention_decode_simd)
        ->run(&a, arg[ATTENTION_Q].data, arg[ATTENTION_K].data, arg[ATTENTION_V].data,
              arg[ATTENTION_OUT].data, call->self, call->threads);
    return 0;
}

/* ---- composition of library products -------------------------------------------------- */

/* Two batched products, over all sequences and key heads: scores [group, keys] = q [group, d]
 * times k^T, out = p [group, keys] times v [keys, d]. */
struct composed {
    float *score;
    uint16_t *half; /* probabilities as bf16 for bf16 problems */
    struct onednn *scores, *values;
    int64_t first, keys;
};

static void composed_release(struct call *call)
{
    struct composed *c = call->self;

    if (!c)
        return;
    onednn_free(c->scores);
    onednn_free(c->values);
    free(c->score);
    free(c->half);
    free(c);
    call->self = NULL;
}

static const void *seen(const struct call *call, const struct attention *a, int which,
                        const struct composed *c)
{
    return (const char *)call->arg[which].data +
           (size_t)(c->first * a->kv_heads * a->head_dim) * dtype_bytes(a->dtype);
}

static int composed_products(struct call *call, const struct attention *a, struct composed *c,
                             struct why *why)
{
    int64_t d = a->head_dim, g = a->heads / a->kv_heads, step = a->kv_heads * d;
    enum dtype t = a->dtype;
    int64_t b = a->batch, h = a->kv_heads, n = c->keys, whole = a->kv_len * step;
    struct onednn_tensor q = {t, 4, {b, h, g, d}, {0}, false};
    struct onednn_tensor k = {t, 4, {b, h, d, n}, {whole, d, 1, step}, false};
    struct onednn_tensor v = {t, 4, {b, h, n, d}, {whole, d, step, 1}, false};
    struct onednn_tensor score = {DTYPE_F32, 4, {b, h, g, n}, {0}, false};
    struct onednn_tensor p = {t, 4, {b, h, g, n}, {0}, false};
    const void *const of_scores[] = {call->arg[ATTENTION_Q].data, seen(call, a, ATTENTION_K, c),
                                     c->score};
    const void *const of_values[] = {c->half ? (void *)c->half : c->score,
                                     seen(call, a, ATTENTION_V, c),
                                     call->arg[ATTENTION_OUT].data};
    int status;

    if ((status = onednn_matmul(&c->scores, &q, &k, &score, 1, 0, call->threads, why)) ||
        (status = onednn_matmul(&c->values, &p, &v, &q, 1, 0, call->threads, why)) ||
        (status = onednn_bind(c->scores, of_scores, why)))
        return status;
    return onednn_bind(c->values, of_values, why);
}

static int composed_memory(struct call *call, const struct attention *a, struct why *why)
{
    struct composed *c = call->self = calloc(1, sizeof *c);
    size_t scores;
    int64_t end;

    if (!c)
        return why_fail(why, STATUS_MEMORY, "out of memory");
    attention_span(a, 0, &c->first, &end);
    c->keys = end - c->first;
    scores = (size_t)(a->batch * a->heads * c->keys);
    c->score = malloc(scores * sizeof *c->score);
    if (a->dtype == DTYPE_BF16)
        c->half = malloc(scores * sizeof *c->half);
    if (!c->score || (a->dtype == DTYPE_BF16 && !c->half))
        return why_fail(why, STATUS_MEMORY, "cannot allocate %.1f MiB of scores",
                        (double)scores * sizeof *c->score / 0x1p20);
    return 0;
}

static int onednn_prepare(struct call *call, struct why *why)
{
    struct attention a = attention_of(call->problem);
    int status = composed_memory(call, &a, why);

    if (!status)
        status = composed_products(call, &a, call->self, why);
    if (status)
        composed_release(call);
    return status;
}

static int onednn(struct call *call, struct why *why)
{
    struct attention a = attention_of(call->problem);
    struct composed *c = call->self;
    int status = onednn_run(c->scores, call->threads, why);

    if (status)
        return status;
    ISA_PICK(attention_decode_simd)
        ->softmax(a.batch * a.heads, c->keys, a.head_dim, c->score, c->half, call->threads);
    return onednn_run(c->values, call->threads, why);
}

static bool onednn_fits(const struct problem *p)
{
    return p->dtype == DTYPE_F32 || p->dtype == DTYPE_BF16;
}

static bool blas_fits(const struct problem *p)
{
    return p->dtype == DTYPE_F32;
}

static int blas_prepare(struct call *call, struct why *why)
{
    struct attention a = attention_of(call->problem);
    int status = composed_memory(call, &a, why);

    if (status)
        composed_release(call);
    return status;
}

static int blas(struct call *call, struct why *why)
{
    struct attention a = attention_of(call->problem);
    struct composed *c = call->self;
    const struct cblas *lib = cblas_use(call->variant->data, call->threads);
    int d = (int)a.head_dim, group = (int)(a.heads / a.kv_heads), n = (int)c->keys;
    int step = (int)a.kv_heads * d;

    (void)why;
    for (int64_t i = 0; i < a.batch * a.kv_heads; i++) {
        int64_t b = i / a.kv_heads, g = i % a.kv_heads, at = b * a.kv_len * step + g * d;
        const float *q = (const float *)call->arg[ATTENTION_Q].data + i * group * d;
        const float *k = (const float *)seen(call, &a, ATTENTION_K, c) + at;
        const float *v = (const float *)seen(call, &a, ATTENTION_V, c) + at;
        float *out = (float *)call->arg[ATTENTION_OUT].data + i * group * d;

        lib->sgemm(CBLAS_ROW_MAJOR, CBLAS_NO_TRANS, CBLAS_TRANS, group, n, d, 1, q, d, k, step,
                   0, c->score, n);
        ISA_PICK(attention_decode_simd)
            ->softmax(group, n, d, c->score, NULL, call->threads);
        lib->sgemm(CBLAS_ROW_MAJOR, CBLAS_NO_TRANS, CBLAS_NO_TRANS, group, d, n, 1, c->score, n,
                   v, step, 0, out, d);
    }
    return 0;
}

/* ---- devices -------------------------------------------------------------------------- */

/* Query heads that a work-group takes at once: their outputs stay in registers. */
static int64_t heads_at_once(const struct attention *a)
{
    int64_t group = a->heads / a->kv_heads, most = a->head_dim > 128 ? 4 : 8;

    return group < most ? group : most;
}

static int64_t head_groups(const struct attention *a)
{
    int64_t group = a->heads / a->kv_heads, at_once = heads_at_once(a);

    return a->kv_heads * ((group + at_once - 1) / at_once);
}

static int64_t keys_seen(const struct attention *a)
{
    int64_t first, end;

    attention_span(a, 0, &first, &end);
    return end - first;
}

/* Spans of a sequence: enough work-groups to fill a GPU (6 of 128 work-items with 26 KiB of
 * local memory fit a multiprocessor), two a core on a host processor, and at least 128 keys
 * a span. */
static int64_t spans(const struct attention *a, const struct device_facts *facts)
{
    int64_t units = facts->compute_units > 0 ? facts->compute_units : 1;
    int64_t wanted = units * (facts->is_host_processor ? 2 : 6);
    int64_t n = (wanted + head_groups(a) * a->batch - 1) / (head_groups(a) * a->batch);
    int64_t most = (keys_seen(a) + 127) / 128;

    return n < most ? n : most;
}

static size_t scratch_bytes(const struct problem *p, const struct device_facts *facts)
{
    struct attention a = attention_of(p);
    int64_t n = spans(&a, facts);

    return n == 1 ? 0
                  : (size_t)(n * a.batch * a.heads * (a.head_dim + 2)) * sizeof(float);
}

static void span_step(const struct attention *a, int64_t n, struct step *step)
{
    *step = (struct step){.kernel = "attention_decode_span",
                          .groups = {n, head_groups(a), a->batch},
                          .group = {128, 1, 1}};
    snprintf(step->defines, sizeof step->defines, "-DHEAD_DIM=%d -DGROUP=%d -DHEADS=%d%s",
             (int)a->head_dim, (int)(a->heads / a->kv_heads), (int)heads_at_once(a),
             n == 1 ? " -DWHOLE" : "");
    step_buffer(step, ATTENTION_Q);
    step_buffer(step, ATTENTION_K);
    step_buffer(step, ATTENTION_V);
    step_buffer(step, ATTENTION_OUT);
    step_scratch(step);
    step_int(step, a->kv_heads);
    step_int(step, a->kv_len);
    step_int(step, a->kv_len - keys_seen(a));
    step_float(step, 1 / sqrt((double)a->head_dim));
}

/* step[1] puts together what the `n` spans of step[0] left in the scratch. How many steps. */
static int join_step(struct step *step, int64_t n)
{
    step[1].group[0] = 128;
    step[1].group[1] = step[1].group[2] = 1;
    memcpy(step[1].defines, step[0].defines, sizeof step[1].defines);
    step_scratch(&step[1]);
    step_buffer(&step[1], ATTENTION_OUT);
    step_int(&step[1], n);
    return 2;
}

static int steps(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    struct attention a = attention_of(p);
    int64_t n = spans(&a, facts);

    span_step(&a, n, &step[0]);
    if (n == 1)
        return 1;
    step[1] = (struct step){.kernel = "attention_decode_merge", .groups = {a.heads, a.batch, 1}};
    return join_step(step, n);
}

/* ---- CUDA ----------------------------------------------------------------------------- */

/* A block takes 16 query heads of a key head through one span, SPANS_MOST of them at most. */
enum { TENSOR_HEADS = 16, TENSOR_WARPS = 4, SPANS_MOST = 512 };

static bool tensor_fits(const struct problem *p)
{
    struct attention a = attention_of(p);

    return attention_tensor_fits(&a);
}

static int64_t tensor_parts(const struct attention *a)
{
    return a->kv_heads * ((a->heads / a->kv_heads + TENSOR_HEADS - 1) / TENSOR_HEADS);
}

/* As many as make one wave: three blocks of 33 KiB fit the smallest multiprocessor but
 * Turing's. A span has at least two tiles of 64 keys. */
static int64_t tensor_spans(const struct attention *a, const struct device_facts *facts)
{
    int64_t blocks = tensor_parts(a) * a->batch, most = (keys_seen(a) + 127) / 128;
    int64_t n = 3 * (int64_t)facts->compute_units / blocks;

    n = n < most ? n : most;
    return n < 1 ? 1 : n < SPANS_MOST ? n : SPANS_MOST;
}

static size_t tensor_scratch_bytes(const struct problem *p, const struct device_facts *facts)
{
    struct attention a = attention_of(p);
    int64_t n = tensor_spans(&a, facts);

    return n == 1 ? 0 : (size_t)(n * a.batch * a.heads * (a.head_dim + 2)) * sizeof(float);
}

static int tensor(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    struct attention a = attention_of(p);
    int64_t n = tensor_spans(&a, facts);

    if (!facts_have_tensor_cores(facts, a.dtype))
        return 0;
    step[0] = (struct step){.kernel = "attention_decode_tensor",
                            .groups = {n, tensor_parts(&a), a.batch},
                            .group = {32 * TENSOR_WARPS, 1, 1}};
    snprintf(step->defines, sizeof step->defines,
             "-DHEAD_DIM=%d -DGROUP=%d -DWARPS=%d -DSPANS=%d%s", (int)a.head_dim,
             (int)(a.heads / a.kv_heads), TENSOR_WARPS, SPANS_MOST, n == 1 ? " -DWHOLE" : "");
    step_buffer(step, ATTENTION_Q);
    step_buffer(step, ATTENTION_K);
    step_buffer(step, ATTENTION_V);
    step_buffer(step, ATTENTION_OUT);
    step_scratch(step);
    step_int(step, a.kv_heads);
    step_int(step, a.kv_len);
    step_int(step, a.kv_len - keys_seen(&a));
    step_float(step, M_LOG2E / sqrt((double)a.head_dim));
    if (n == 1)
        return 1;
    step[1] = (struct step){.kernel = "attention_decode_join",
                            .groups = {a.batch * a.heads, 1, 1}};
    return join_step(step, n);
}

/* ---- the description ------------------------------------------------------------------ */

/* Awkward: heads in groups of 1, 2, 3, 4, lengths that end inside every block and span, a
 * window, more sequences than threads. */
static const struct shape smoke[] = {
    {{1, 4, 1, 64, 301, 0}},  {{3, 6, 2, 80, 77, 0}}, {{2, 4, 2, 128, 65, 0}},
    {{1, 7, 1, 72, 200, 33}}, {{2, 2, 2, 64, 1, 0}},
    {{1, 20, 1, 64, 150, 0}},
};

static const struct sweep sweeps[] = {
    /* 32 query heads on 8 key heads, as in an 8-billion model */
    {.name = "context", .mul = {0, 0, 0, 0, 1}, .add = {1, 32, 8, 128, 0, 0}},
    {.name = "batch", .mul = {1}, .add = {0, 32, 8, 128, 2048, 0}},
    {0},
};

#define BLAS(row, library, label)                                                      \
    {.name = row, .on = DEVICE_CPU, .provider = label, .data = &cblas[library],        \
     .available = cblas_available, .fits = blas_fits, .prepare = blas_prepare,         \
     .run = blas, .release = composed_release,                                         \
     .note = "two library products a key head, our softmax between them"}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .prepare = simd_prepare, .run = simd,
     .release = attention_scratch_release},
    {.name = "composed", .on = DEVICE_CPU, .provider = "oneDNN", .fits = onednn_fits,
     .available = onednn_available, .prepare = onednn_prepare, .run = onednn,
     .release = composed_release,
     .note = "two batched library products, made beforehand, our softmax between them"},
    BLAS("composed-openblas", CBLAS_OPENBLAS, "OpenBLAS"),
    BLAS("composed-mkl", CBLAS_MKL, "MKL"),
    BLAS("composed-aocl", CBLAS_AOCL, "AOCL"),
    {.name = "split", .on = DEVICE_OPENCL, .steps = steps, .scratch_bytes = scratch_bytes},
    {.name = "tensor", .on = DEVICE_CUDA, .fits = tensor_fits, .steps = tensor,
     .scratch_bytes = tensor_scratch_bytes,
     .note = "on tensor cores, the query heads of a key head as rows, keys split over blocks"},
    {0},
};

const struct workload workload_attention_decode = {
    .name = "attention_decode",
    .brief = "attention of one query a sequence to its KV cache, grouped-query heads",
    .dtypes = 1u << DTYPE_F32 | 1u << DTYPE_F16 | 1u << DTYPE_BF16,
    .axis = {{"batch", "sequences", NULL, 1, 1},
             {"heads", "query heads", NULL, AXIS_REQUIRED, 1},
             {"kv_heads", "key and value heads", NULL, AXIS_REQUIRED, 1},
             {"head_dim", "elements of a head", NULL, AXIS_REQUIRED, 8},
             {"kv_len", "keys and values in the cache, the new token's included", NULL,
              AXIS_REQUIRED, 1},
             {"window", "keys that a query sees at most; 0: all", NULL, 0, 0}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "q", .type = DTYPE_SAME, .flow = FLOW_IN, .count = q_count},
             {.name = "k", .type = DTYPE_SAME, .flow = FLOW_IN, .trait = ARG_STATIONARY,
              .count = kv_count},
             {.name = "v", .type = DTYPE_SAME, .flow = FLOW_IN, .trait = ARG_STATIONARY,
              .count = kv_count, .fill = fill_values},
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
