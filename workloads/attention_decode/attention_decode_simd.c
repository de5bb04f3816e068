/* SPDX-License-Identifier: MIT */
/* One query a sequence against its KV cache: bound by reading the cache, so every key and
 * value is read once, in the order in which they lie. A task is a span of one sequence's
 * keys with all its heads; it keeps, per query head, the largest score, the sum and the
 * weighted values. Long sequences are cut into several spans, merged at the end.
 * Scores of 16 (key, head) pairs are accumulated in 16 vectors, which one tree of shuffles
 * turns into 16 sums; with AVX-512 BF16, bf16 scores are pair products. */
#include "workloads/attention_decode/attention_decode.h"

#include <math.h>

#include "workloads/attention_row.h"
#include "workloads/isa.h"

#define INLINE static inline __attribute__((always_inline))
#if defined(__AVX512BF16__)
enum { HAS_PAIRS = 1 };
#else
enum { HAS_PAIRS = 0 };
#endif

enum { KEYS = 128, SUMS = 16, COLS = 4 * VF, SPAN_LEAST = 128, SPANS_A_THREAD = 4,
       AHEAD = 8 };

static const float nothing = -1e30f;

struct plan {
    const struct attention *a;
    const void *q, *k, *v;
    void *out;
    int64_t first, keys, spans;   /* keys that the query sees; spans of a sequence */
    int group, depth, cols;       /* heads a key head; words of q and k; padded row of v */
    float scale;                  /* log2(e) / sqrt(head_dim) */
    float *room;
    size_t room_floats;           /* of one span */
};

/* Scratch of one span. */
struct span {
    float *q, *out, *top, *sum; /* [heads][depth or cols], [heads] */
    float *p, *alpha;           /* [group][KEYS], [group] */
};

static struct span span_of(const struct plan *plan, int64_t number)
{
    size_t heads = (size_t)plan->a->heads, row = heads * (size_t)plan->cols;
    float *at = plan->room + (size_t)number * plan->room_floats;

    return (struct span){.q = at,
                         .out = at + row,
                         .p = at + 2 * row,
                         .top = at + 2 * row + (size_t)plan->group * KEYS,
                         .sum = at + 2 * row + (size_t)plan->group * KEYS + heads,
                         .alpha = at + 2 * row + (size_t)plan->group * KEYS + 2 * heads};
}

/* ---- vectors -------------------------------------------------------------------------- */

/* dtype_bytes, but known to the compiler: a call here would cost the registers' contents. */
INLINE int64_t element_bytes(enum dtype dtype)
{
    return dtype == DTYPE_F32 ? 4 : 2;
}

/* Elements i ... i + n - 1 (n < VF), then zeros: vf_get_n, but without a way through memory,
 * which every row of a head_dim like 80 would take. */
INLINE vf load_some(enum dtype dtype, const void *p, int64_t i, int n)
{
#if SIMD_BYTES == 64
    __mmask16 some = (__mmask16)((1u << n) - 1);
    __m256i half;

    if (dtype == DTYPE_F32)
        return (vf)_mm512_maskz_loadu_ps(some, (const float *)p + i);
    half = _mm256_maskz_loadu_epi16(some, (const uint16_t *)p + i);
    return vf_get(dtype, &half, 0);
#else
    return vf_get_n(dtype, p, i, (size_t)n, 0);
#endif
}

/* Elements i ... of a row that ends at `end`. */
INLINE vf load_row(enum dtype dtype, const void *p, int64_t at, int i, int end)
{
    return i + VF <= end ? vf_get(dtype, p, at + i)
                         : load_some(dtype, p, at + i, end - i);
}

/* Ask for a cache line, which need not exist. */
INLINE void prefetch(const void *p, int64_t bytes)
{
    __builtin_prefetch((const char *)p + bytes);
}

INLINE vf multiply_add(bool pairs, vf a, vf b, vf c)
{
#if defined(__AVX512BF16__)
    if (pairs)
        return (vf)_mm512_dpbf16_ps((__m512)c, (__m512bh)a, (__m512bh)b);
#endif
    (void)pairs;
    return c + a * b;
}

/* ---- one block of keys with the heads of one key head --------------------------------- */

/* Scores of `rows` heads with SUMS / rows keys from element `at` on; the last `missing` keys
 * are not there (an earlier one is read again instead). p[row * KEYS + key]. */
INLINE void scores(const struct plan *plan, enum dtype dtype, bool pairs, int rows,
                   const float *q, int64_t at, int64_t step, int missing, float *p)
{
    enum dtype as = pairs ? DTYPE_F32 : dtype;
    int64_t bytes = element_bytes(as), ahead = AHEAD * step * element_bytes(dtype);
    const char *k = (const char *)plan->k;
    int keys = SUMS / rows, depth = plan->depth;
    vf sum[SUMS];
    float result[SUMS];
    const void *key[SUMS];

#pragma GCC unroll 16
    for (int j = 0; j < keys; j++)
        key[j] = k + (size_t)element_bytes(dtype) *
                         (size_t)(at + (j < keys - missing ? j : keys - missing - 1) * step);
#pragma GCC unroll 16
    for (int i = 0; i < SUMS; i++)
        sum[i] = vf_set(0);
    for (int c = 0; c < depth; c += VF) {
        vf part[4];

#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
            part[r] = vf_load(q + r * plan->cols + c);
#pragma GCC unroll 16
        for (int j = 0; j < keys; j++) {
            vf x = load_row(as, key[j], 0, c, depth);

            prefetch(key[j], c * bytes + ahead);

#pragma GCC unroll 4
            for (int r = 0; r < rows; r++)
                sum[r * keys + j] = multiply_add(pairs, x, part[r], sum[r * keys + j]);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < SUMS; i += VF)
        vf_store(result + i, vf_sums(sum + i));
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        memcpy(p + r * KEYS, result + r * keys, sizeof *p * (size_t)keys);
}

INLINE void block_scores(const struct plan *plan, enum dtype dtype, bool pairs, int rows,
                         const float *q, int64_t at, int n, float *p)
{
    int64_t step = plan->a->kv_heads * plan->a->head_dim;
    int keys = SUMS / rows;

    for (int j = 0; j < n; j += keys)
        scores(plan, dtype, pairs, rows, q, at + j * step, step,
               j + keys > n ? j + keys - n : 0, p + j);
}

/* n scores to probabilities; their row's largest element and sum go on; alpha: what the
 * older sums are worth now. */
INLINE void block_softmax(float *p, int n, float scale, float *top, float *sum, float *alpha)
{
    vf largest = vf_set(nothing), part = vf_set(0);
    float old = *top, now;
    int up = (n + VF - 1) / VF * VF;
    vf change = vf_set(0);

    for (int j = n; j < up; j++)
        p[j] = -1e37f;
    for (int j = 0; j < up; j += VF)
        largest = vf_max(largest, vf_load(p + j));
    now = vf_reduce_max(largest) * scale;
    now = now > old ? now : old;
    for (int j = 0; j < up; j += VF) {
        vf e = vf_exp2(vf_load(p + j) * scale - now);

        part += e;
        vf_store(p + j, e);
    }
    change = vf_exp2(vf_set(old - now));
    *alpha = change[0];
    *top = now;
    *sum = *sum * *alpha + vf_reduce_add(part);
}

/* out[r] = alpha[r] out[r] + sum_j p[r][j] v[j], `vectors` vectors of columns from c on. */
INLINE void values(const struct plan *plan, enum dtype dtype, int rows, int vectors, int c,
                   int64_t at, int n, const float *p, const float *alpha, float *out)
{
    int64_t step = plan->a->kv_heads * plan->a->head_dim;
    int64_t bytes = element_bytes(dtype), ahead = AHEAD * step * bytes;
    int dim = (int)plan->a->head_dim;
    vf sum[4][4];

#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int i = 0; i < vectors; i++)
            sum[r][i] = alpha[r] * vf_load(out + r * plan->cols + c + i * VF);
    for (int j = 0; j < n; j++, at += step) {
#pragma GCC unroll 4
        for (int i = 0; i < vectors; i++)
            prefetch(plan->v, (at + c + i * VF) * bytes + ahead);
#pragma GCC unroll 4
        for (int i = 0; i < vectors; i++) {
            /* only a last vector alone may end beyond the row */
            vf v = vectors > 1 ? vf_get(dtype, plan->v, at + c + i * VF)
                               : load_row(dtype, plan->v, at, c, dim);

#pragma GCC unroll 4
            for (int r = 0; r < rows; r++)
                sum[r][i] += p[r * KEYS + j] * v;
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int i = 0; i < vectors; i++)
            vf_store(out + r * plan->cols + c + i * VF, sum[r][i]);
}

INLINE void block_values(const struct plan *plan, enum dtype dtype, int rows, int64_t at,
                         int n, const float *p, const float *alpha, float *out)
{
    int dim = (int)plan->a->head_dim, c = 0;

    for (; c + COLS <= dim; c += COLS)
        values(plan, dtype, rows, 4, c, at, n, p, alpha, out);
    for (; c < dim; c += VF)
        values(plan, dtype, rows, 1, c, at, n, p, alpha, out);
}

/* The first AHEAD rows of what is read next; later ones are asked for on the way. */
INLINE void ask(const struct plan *plan, enum dtype dtype, const void *p, int64_t at)
{
    int64_t bytes = element_bytes(dtype), step = plan->a->kv_heads * plan->a->head_dim * bytes;

    for (int j = 0; j < AHEAD; j++)
        for (int64_t i = 0; i < plan->a->head_dim * bytes; i += 64)
            prefetch(p, at * bytes + j * step + i);
}

/* Heads in fours, then what is left of 2 and 1. */
INLINE void block(const struct plan *plan, enum dtype dtype, bool pairs, struct span *s,
                  int head, int64_t at, int n)
{
    int group = plan->group, r = 0;
    float *q = s->q + head * plan->cols, *out = s->out + head * plan->cols;

    ask(plan, dtype, plan->v, at);
    for (; r + 4 <= group; r += 4)
        block_scores(plan, dtype, pairs, 4, q + r * plan->cols, at, n, s->p + r * KEYS);
    if (group - r >= 2) {
        block_scores(plan, dtype, pairs, 2, q + r * plan->cols, at, n, s->p + r * KEYS);
        r += 2;
    }
    if (group - r)
        block_scores(plan, dtype, pairs, 1, q + r * plan->cols, at, n, s->p + r * KEYS);
    for (r = 0; r < group; r++)
        block_softmax(s->p + r * KEYS, n, plan->scale, s->top + head + r, s->sum + head + r,
                      s->alpha + r);
    ask(plan, dtype, plan->k, at + plan->a->head_dim); /* of the next head */
    for (r = 0; r + 4 <= group; r += 4)
        block_values(plan, dtype, 4, at, n, s->p + r * KEYS, s->alpha + r, out + r * plan->cols);
    if (group - r >= 2) {
        block_values(plan, dtype, 2, at, n, s->p + r * KEYS, s->alpha + r, out + r * plan->cols);
        r += 2;
    }
    if (group - r)
        block_values(plan, dtype, 1, at, n, s->p + r * KEYS, s->alpha + r, out + r * plan->cols);
}

/* ---- spans ---------------------------------------------------------------------------- */

INLINE void span_init(const struct plan *plan, enum dtype dtype, bool pairs, struct span *s,
                      int64_t b)
{
    const struct attention *a = plan->a;
    int dim = (int)a->head_dim;

    memset(s->out, 0, sizeof *s->out * (size_t)(a->heads * plan->cols));
    for (int64_t h = 0; h < a->heads; h++) {
        int64_t at = (b * a->heads + h) * dim;
        float *q = s->q + h * plan->cols;

        s->top[h] = nothing;
        s->sum[h] = 0;
        if (pairs) {
            memset(q, 0, sizeof *q * (size_t)plan->cols);
            memcpy(q, (const uint16_t *)plan->q + at, sizeof(uint16_t) * (size_t)dim);
        } else
            for (int c = 0; c < dim; c += VF)
                vf_store(q + c, load_row(dtype, plan->q, at, c, dim));
    }
}

INLINE void span_run(const struct plan *plan, enum dtype dtype, bool pairs, int64_t number)
{
    const struct attention *a = plan->a;
    struct span s = span_of(plan, number);
    int64_t b = number / plan->spans, i = number % plan->spans;
    int64_t from = plan->first + plan->keys * i / plan->spans;
    int64_t to = plan->first + plan->keys * (i + 1) / plan->spans;

    span_init(plan, dtype, pairs, &s, b);
    for (; from < to; from += KEYS)
        for (int64_t g = 0; g < a->kv_heads; g++)
            block(plan, dtype, pairs, &s, (int)g * plan->group,
                  ((b * a->kv_len + from) * a->kv_heads + g) * a->head_dim,
                  (int)(to - from < KEYS ? to - from : KEYS));
}

static void span_f32(const struct plan *plan, int64_t number)
{
    span_run(plan, DTYPE_F32, false, number);
}

static void span_f16(const struct plan *plan, int64_t number)
{
    span_run(plan, DTYPE_F16, false, number);
}

static void span_bf16(const struct plan *plan, int64_t number)
{
    span_run(plan, DTYPE_BF16, HAS_PAIRS, number);
}

/* The spans of one head, each worth 2^(its largest score) against the others. */
static void merge(const struct plan *plan, int64_t b, int64_t h)
{
    float row[ATTENTION_DIM] = {0}, top = nothing, sum = 0;
    int64_t dim = plan->a->head_dim;

    for (int64_t i = 0; i < plan->spans; i++) {
        float own = span_of(plan, b * plan->spans + i).top[h];

        top = own > top ? own : top;
    }
    for (int64_t i = 0; i < plan->spans; i++) {
        struct span s = span_of(plan, b * plan->spans + i);
        float by = vf_exp2(vf_set(s.top[h] - top))[0];

        sum += by * s.sum[h];
        for (int c = 0; c < plan->cols; c += VF)
            vf_store(row + c, vf_load(row + c) + by * vf_load(s.out + h * plan->cols + c));
    }
    attention_row_put(plan->a->dtype, plan->out, (b * plan->a->heads + h) * dim, (int)dim, row, 1 / sum);
}

static void plan_init(struct plan *plan, const struct attention *a, int threads)
{
    int64_t end, most;

    plan->a = a;
    attention_span(a, 0, &plan->first, &end);
    plan->keys = end - plan->first;
    most = (plan->keys + SPAN_LEAST - 1) / SPAN_LEAST;
    plan->spans = (SPANS_A_THREAD * threads + a->batch - 1) / a->batch;
    plan->spans = plan->spans < most ? plan->spans : most;
    plan->group = (int)(a->heads / a->kv_heads);
    plan->depth = (int)(HAS_PAIRS && a->dtype == DTYPE_BF16 ? a->head_dim / 2 : a->head_dim);
    plan->cols = (int)(a->head_dim + VF - 1) / VF * VF;
    plan->scale = (float)(M_LOG2E / sqrt((double)a->head_dim));
    plan->room_floats = 2 * (size_t)a->heads * (size_t)plan->cols +
                        (size_t)plan->group * (KEYS + 1) + 2 * (size_t)a->heads;
    plan->room_floats = (plan->room_floats + 31) / 32 * 32;
}

static size_t scratch_bytes(const struct attention *a, int threads)
{
    struct plan plan = {0};

    plan_init(&plan, a, threads);
    return (size_t)(a->batch * plan.spans) * plan.room_floats * sizeof(float);
}

static void run(const struct attention *a, const void *q, const void *k, const void *v,
                void *out, void *scratch, int threads)
{
    static void (*const span[DTYPES])(const struct plan *, int64_t) = {
        [DTYPE_F32] = span_f32, [DTYPE_F16] = span_f16, [DTYPE_BF16] = span_bf16};
    struct plan plan = {.q = q, .k = k, .v = v, .out = out, .room = scratch};

    plan_init(&plan, a, threads);
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(dynamic, 1)
        for (int64_t i = 0; i < a->batch * plan.spans; i++)
            span[a->dtype](&plan, i);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < a->batch * a->heads; i++)
            merge(&plan, i / a->heads, i % a->heads);
    }
}

/* ---- between the products of a composition -------------------------------------------- */

static void softmax_rows(int64_t rows, int64_t keys, int64_t head_dim, float *score,
                         uint16_t *half, int threads)
{
    float scale = (float)(M_LOG2E / sqrt((double)head_dim));

#pragma omp parallel for num_threads(threads)
    for (int64_t r = 0; r < rows; r++)
        attention_softmax_row(score + r * keys, half ? half + r * keys : NULL, 0, keys, keys, scale);
}

const struct attention_decode_simd ISA_SYMBOL(attention_decode_simd) = {
    .scratch_bytes = scratch_bytes,
    .run = run,
    .softmax = softmax_rows,
};
