/* SPDX-License-Identifier: MIT */
/* The reference takes ROWS rows (query heads that share a key/value head) through all their
 * keys in three passes, scores, softmax, values, so that each key and value is converted to
 * double once for ROWS of them. Its two inner loops exist per instruction set because they
 * are the longest part of checking a prefill. */
#include "workloads/attention.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/half.h"
#include "base/random.h"
#include "workloads/isa.h"

enum { ROWS = 8 };

int attention_scratch(struct call *call, size_t bytes, struct why *why)
{
    bytes = (bytes + 4095) / 4096 * 4096;
    call->self = aligned_alloc(4096, bytes);
    return call->self ? 0 : why_fail(why, STATUS_MEMORY, "cannot allocate %.1f MiB of scratch",
                                     (double)bytes / 0x1p20);
}

void attention_scratch_release(struct call *call)
{
    free(call->self);
}

int64_t attention_q_count(const struct attention *a)
{
    return a->batch * a->q_len * a->heads * a->head_dim;
}

int64_t attention_kv_count(const struct attention *a)
{
    return a->batch * a->kv_len * a->kv_heads * a->head_dim;
}

double attention_pairs(const struct attention *a)
{
    double pairs = 0;

    for (int64_t i = 0; i < a->q_len; i++) {
        int64_t first, end;

        attention_span(a, i, &first, &end);
        pairs += (double)(end - first);
    }
    return pairs;
}

struct cost attention_cost(const struct attention *a)
{
    double element = (double)dtype_bytes(a->dtype), q = (double)attention_q_count(a);
    int64_t first, end;

    attention_span(a, 0, &first, &end);
    return (struct cost){
        .flops = 4.0 * (double)(a->batch * a->heads * a->head_dim) * attention_pairs(a),
        .bytes_read = element * (q + 2.0 * (double)(a->batch * (a->kv_len - first) *
                                                    a->kv_heads * a->head_dim)),
        .bytes_written = element * q,
    };
}

bool attention_valid(const struct attention *a, const char *workload, struct why *why)
{
    if (a->heads % a->kv_heads)
        why_fail(why, STATUS_INVALID, "%s: heads (%" PRId64 ") is no multiple of kv_heads (%"
                 PRId64 ")", workload, a->heads, a->kv_heads);
    else if (a->head_dim % 8 || a->head_dim > ATTENTION_DIM)
        why_fail(why, STATUS_INVALID, "%s: head_dim is %" PRId64 ", must be a multiple of 8 and "
                 "at most %d", workload, a->head_dim, ATTENTION_DIM);
    else if (a->q_len > a->kv_len)
        why_fail(why, STATUS_INVALID, "%s: q_len (%" PRId64 ") is more than kv_len (%" PRId64
                 "): the queries are the last positions of the keys", workload, a->q_len,
                 a->kv_len);
    else if (a->window > 0 && !a->causal)
        why_fail(why, STATUS_INVALID, "%s: a window needs causal=yes", workload);
    else
        return true;
    return false;
}

void attention_operation(const struct attention *a, const char *op, struct operation *o)
{
    o->op = op;
    o->batch = a->batch;
    o->heads = a->heads;
    o->kv_heads = a->kv_heads;
    o->head_dim = a->head_dim;
    o->q_len = a->q_len;
    o->kv_len = a->kv_len;
    o->causal = a->causal;
    o->window = a->window;
    o->kv_dtype = a->dtype;
}

static bool is_marked(const struct attention *a, int64_t j)
{
    int64_t back = a->kv_len - 1 - j;

    return j == 0 || back % ATTENTION_MARK_EVERY == 0 ||
           (a->window > 0 && (back == a->window || back == a->window - 1));
}

void attention_fill_values(const struct attention *a, void *data, uint64_t seed)
{
    int64_t row = a->kv_heads * a->head_dim;

    random_fill(a->dtype, data, attention_kv_count(a), seed);
    for (int64_t j = 0; j < a->batch * a->kv_len; j++)
        for (int64_t c = 0; is_marked(a, j % a->kv_len) && c < row; c++)
            element_set(a->dtype, data, j * row + c,
                        ATTENTION_MARK_BY * element_get(a->dtype, data, j * row + c));
}

/* ---- the reference -------------------------------------------------------------------- */

#define INLINE static inline __attribute__((always_inline))

/* n elements from `at` on, as double. */
INLINE void fetch(enum dtype dtype, const void *array, int64_t at, int64_t n, double *out)
{
    const float *f32 = (const float *)array + at;
    const uint16_t *bf16 = (const uint16_t *)array + at;

    if (dtype == DTYPE_F32)
        for (int64_t c = 0; c < n; c++)
            out[c] = f32[c];
    else if (dtype == DTYPE_BF16)
        for (int64_t c = 0; c < n; c++) {
            union { uint32_t bits; float value; } x = {(uint32_t)bf16[c] << 16};

            out[c] = x.value;
        }
    else
        for (int64_t c = 0; c < n; c++)
            out[c] = element_get(dtype, array, at + c);
}

INLINE double dot(const double *x, const double *y, int64_t n)
{
    double sum = 0;

#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < n; c++)
        sum += x[c] * y[c];
    return sum;
}

/* score[r] = q[r] . k; returns k . k */
INLINE double dots(const double *q, const double *k, int64_t dim, double *score)
{
    for (int r = 0; r < ROWS; r++)
        score[r] = dot(q + r * ATTENTION_DIM, k, dim);
    return dot(k, k, dim);
}

/* out[r] += p[r] v, size[r] += weight[r] |v| */
INLINE void add(double *out, double *size, const double *v, int64_t dim, const double *p,
                const double *weight)
{
    for (int r = 0; r < ROWS; r++, out += ATTENTION_DIM, size += ATTENTION_DIM) {
        double by = p[r], by_size = weight[r];

#pragma omp simd
        for (int64_t c = 0; c < dim; c++) {
            out[c] += by * v[c];
            size[c] += by_size * fabs(v[c]);
        }
    }
}

struct inner {
    void (*fetch)(enum dtype, const void *array, int64_t at, int64_t n, double *out);
    double (*dots)(const double *q, const double *k, int64_t dim, double *score);
    void (*add)(double *out, double *size, const double *v, int64_t dim, const double *p,
                const double *weight);
};

#define INNER(name, target)                                                            \
    target static void fetch_##name(enum dtype dtype, const void *array, int64_t at,   \
                                    int64_t n, double *out)                            \
    {                                                                                  \
        fetch(dtype, array, at, n, out);                                               \
    }                                                                                  \
    target static double dots_##name(const double *q, const double *k, int64_t dim,    \
                                     double *score)                                    \
    {                                                                                  \
        return dots(q, k, dim, score);                                                 \
    }                                                                                  \
    target static void add_##name(double *out, double *size, const double *v,          \
                                  int64_t dim, const double *p, const double *weight)  \
    {                                                                                  \
        add(out, size, v, dim, p, weight);                                             \
    }                                                                                  \
    static const struct inner inner_##name = {fetch_##name, dots_##name, add_##name};

INNER(baseline, )
#if defined(__x86_64__)
INNER(avx2, __attribute__((target("avx2,fma"))))
INNER(avx512, __attribute__((target("avx512f,avx512vl,avx512dq,fma,prefer-vector-width=512"))))
#endif

static const struct inner *inner_best(void)
{
#if defined(__x86_64__)
    if (isa_best() >= ISA_avx512)
        return &inner_avx512;
    if (isa_best() >= ISA_avx2)
        return &inner_avx2;
#endif
    return &inner_baseline;
}

/* One block of rows: row r is query `i[r]`, query head `head[r]`, with `weight` and `p` for
 * every key of the block's span. */
struct block {
    double q[ROWS][ATTENTION_DIM], out[ROWS][ATTENTION_DIM], size[ROWS][ATTENTION_DIM];
    double q_norm[ROWS], off[ROWS];
    int64_t at[ROWS], first[ROWS], end[ROWS]; /* at: element of q and out; -1: no row */
    int64_t from, to;                         /* keys that any row sees */
    double *p, *weight;                       /* [key - from][ROWS] */
};

/* Rows ROWS * number ... of the group of heads that reads (batch b, key head g). */
static void block_init(struct block *x, const struct attention *a, const void *q, int64_t b,
                       int64_t g, int64_t number)
{
    int64_t group = a->heads / a->kv_heads;

    x->from = a->kv_len;
    x->to = 0;
    for (int r = 0; r < ROWS; r++) {
        int64_t row = ROWS * number + r, i = row / group;

        x->at[r] = -1;
        x->first[r] = x->end[r] = 0;
        for (int64_t c = 0; c < ATTENTION_DIM; c++)
            x->q[r][c] = x->out[r][c] = x->size[r][c] = 0;
        if (i >= a->q_len)
            continue;
        x->at[r] = ((b * a->q_len + i) * a->heads + g * group + row % group) * a->head_dim;
        fetch(a->dtype, q, x->at[r], a->head_dim, x->q[r]);
        x->q_norm[r] = sqrt(dot(x->q[r], x->q[r], a->head_dim));
        attention_span(a, i, &x->first[r], &x->end[r]);
        x->from = x->first[r] < x->from ? x->first[r] : x->from;
        x->to = x->end[r] > x->to ? x->end[r] : x->to;
    }
}

/* p: scores; weight: their error bounds over u32, but for the distance to the largest. */
static void block_scores(struct block *x, const struct attention *a, const void *k,
                         int64_t start, const struct inner *inner)
{
    double root = 1 / sqrt((double)a->head_dim), key[ATTENTION_DIM];
    double error = (4 * sqrt((double)a->head_dim) + 8) * root;

    for (int64_t j = x->from; j < x->to; j++) {
        double *p = x->p + (j - x->from) * ROWS, *weight = x->weight + (j - x->from) * ROWS;
        double k_norm;

        inner->fetch(a->dtype, k, start + j * a->kv_heads * a->head_dim, a->head_dim, key);
        k_norm = sqrt(inner->dots(x->q[0], key, a->head_dim, p));
        for (int r = 0; r < ROWS; r++) {
            p[r] *= root;
            weight[r] = error * x->q_norm[r] * k_norm;
        }
    }
}

/* Row r of p from scores to probabilities, of weight to p (1 + |e| / F); both 0 for keys
 * that the row does not see. */
static void block_softmax(struct block *x, int r, double factor)
{
    double top = -INFINITY, sum = 0, unit = dtype_roundoff(DTYPE_F32) / factor;
    double *p = x->p + r, *weight = x->weight + r;

    for (int64_t j = x->first[r] - x->from; j < x->end[r] - x->from; j++)
        top = fmax(top, p[j * ROWS]);
    for (int64_t j = x->first[r] - x->from; j < x->end[r] - x->from; j++) {
        weight[j * ROWS] = unit * (weight[j * ROWS] + 4 * (top - p[j * ROWS]));
        sum += p[j * ROWS] = exp(p[j * ROWS] - top);
    }
    x->off[r] = 0;
    for (int64_t j = 0; j < x->to - x->from; j++) {
        bool seen = j >= x->first[r] - x->from && j < x->end[r] - x->from;

        p[j * ROWS] = seen ? p[j * ROWS] / sum : 0;
        x->off[r] += seen ? p[j * ROWS] * weight[j * ROWS] : 0;
        weight[j * ROWS] = seen ? p[j * ROWS] * (1 + weight[j * ROWS]) : 0;
    }
}

static void block_finish(struct block *x, const struct attention *a, const void *v,
                         int64_t start, const struct inner *inner)
{
    double value[ATTENTION_DIM];

    for (int64_t j = x->from; j < x->to; j++) {
        inner->fetch(a->dtype, v, start + j * a->kv_heads * a->head_dim, a->head_dim, value);
        inner->add(x->out[0], x->size[0], value, a->head_dim, x->p + (j - x->from) * ROWS,
                   x->weight + (j - x->from) * ROWS);
    }
}

void attention_reference(const struct attention *a, double factor, const void *const *in,
                         double *want, double *scale)
{
    const struct inner *inner = inner_best();
    int64_t blocks = (a->q_len * (a->heads / a->kv_heads) + ROWS - 1) / ROWS;

#pragma omp parallel
    {
        struct block *x = malloc(sizeof *x);
        double *room = malloc(sizeof *room * 2 * ROWS * (size_t)a->kv_len);

        if (!x || !room)
            abort(); /* a few MiB: a machine without them cannot have held the arguments */
        x->p = room;
        x->weight = room + ROWS * a->kv_len;
#pragma omp for collapse(2) schedule(dynamic)
        for (int64_t bg = 0; bg < a->batch * a->kv_heads; bg++)
            for (int64_t n = 0; n < blocks; n++) {
                int64_t b = bg / a->kv_heads, g = bg % a->kv_heads;
                int64_t start = (b * a->kv_len * a->kv_heads + g) * a->head_dim;

                block_init(x, a, in[ATTENTION_Q], b, g, n);
                block_scores(x, a, in[ATTENTION_K], start, inner);
                for (int r = 0; r < ROWS; r++)
                    block_softmax(x, r, factor);
                block_finish(x, a, in[ATTENTION_V], start, inner);
                for (int r = 0; r < ROWS; r++)
                    for (int64_t c = 0; x->at[r] >= 0 && c < a->head_dim; c++) {
                        want[x->at[r] + c] = x->out[r][c];
                        scale[x->at[r] + c] =
                            x->size[r][c] + fabs(x->out[r][c]) * x->off[r];
                    }
            }
        free(x);
        free(room);
    }
}

bool attention_tensor_fits(const struct attention *a)
{
    return (a->dtype == DTYPE_F16 || a->dtype == DTYPE_BF16) &&
           (a->head_dim == 64 || a->head_dim == 128);
}
