/* SPDX-License-Identifier: MIT */
/* Attention in tiles with an online softmax (Dao et al., FlashAttention, arXiv 2205.14135).
 * A work item is a run of rows (query-major, the query heads of one key head side by side),
 * in TILES tiles of LANES rows. Scores are made transposed, rows along the vector lanes: keys
 * are then read as they lie, largest element, sum and rescaling need no shuffles, and the
 * probabilities feed the second product column by column. Vectors of rows that see nothing
 * of a group of keys are skipped, so a causal tile costs little more than its triangle.
 * With AVX-512 BF16, bf16 goes through dot products of pairs (two neighbours along the summed
 * axis in one 32-bit word); everything else is computed in f32. */
#include "workloads/attention_prefill/attention_prefill.h"

#include <math.h>
#include <omp.h>

#include "workloads/attention_row.h"
#include "workloads/isa.h"

#define INLINE static inline __attribute__((always_inline))
#if defined(__AVX512BF16__)
enum { HAS_PAIRS = 1 };
#else
enum { HAS_PAIRS = 0 };
#endif

/* UNIT x NV accumulators keep both multiply units busy and fit 16 or 32 registers. */
enum { NV = SIMD_BYTES == 64 ? 4 : 2, LANES = NV * VF, UNIT = 4, KEYS = 64, TILES = 8 };

/* Below every score, and so far below that scaling it keeps it so. */
static const float nothing = -1e30f;

struct room {
    float k[KEYS * ATTENTION_DIM], v[KEYS * ATTENTION_DIM], p[KEYS * LANES];
    float alpha[LANES], row[VF * ATTENTION_DIM];
    struct tile {
        float q[ATTENTION_DIM * LANES], out[LANES * ATTENTION_DIM];
        float top[LANES], sum[LANES];
        int32_t first[LANES], end[LANES]; /* both never fall from lane to lane */
        int rows;
    } tile[TILES];
} __attribute__((aligned(4096)));

/* What all work items share. */
struct plan {
    const struct attention *a;
    const void *q, *k, *v;
    void *out;
    bool pairs;
    int depth, cols; /* words along head_dim of q and k; of a row of v and out, padded */
    int tiles;       /* of an item */
    int64_t rows, items; /* of one key head */
};

/* c + a * b; with pairs, two products a lane. */
INLINE vf multiply_add(bool pairs, float a, vf b, vf c)
{
#if defined(__AVX512BF16__)
    if (pairs)
        return (vf)_mm512_dpbf16_ps((__m512)c, (__m512bh)_mm512_set1_ps(a), (__m512bh)b);
#endif
    (void)pairs;
    return c + a * b;
}

/* c[u][0 ... nv-1 vectors] = by[u] c[u] + sum_s a[u * a_row + s * a_step] b[s * b_step ...];
 * `by` NULL: c starts at 0. */
INLINE void product(bool pairs, int nv, const float *a, int a_row, int a_step, const float *b,
                    int b_step, int depth, float *c, int c_step, const float *by)
{
    vf sum[UNIT][NV];

#pragma GCC unroll 8
    for (int u = 0; u < UNIT; u++)
#pragma GCC unroll 8
        for (int i = 0; i < nv; i++)
            sum[u][i] = by ? by[u] * vf_load(c + u * c_step + i * VF) : vf_set(0);
    for (int s = 0; s < depth; s++, a += a_step, b += b_step) {
#pragma GCC unroll 8
        for (int u = 0; u < UNIT; u++)
#pragma GCC unroll 8
            for (int i = 0; i < nv; i++)
                sum[u][i] = multiply_add(pairs, a[u * a_row], vf_load(b + i * VF), sum[u][i]);
    }
#pragma GCC unroll 8
    for (int u = 0; u < UNIT; u++)
#pragma GCC unroll 8
        for (int i = 0; i < nv; i++)
            vf_store(c + u * c_step + i * VF, sum[u][i]);
}

INLINE void product_n(bool pairs, int nv, const float *a, int a_row, int a_step, const float *b,
                      int b_step, int depth, float *c, int c_step, const float *by)
{
    switch (nv) {
    case 1: product(pairs, 1, a, a_row, a_step, b, b_step, depth, c, c_step, by); break;
    case 2: product(pairs, 2, a, a_row, a_step, b, b_step, depth, c, c_step, by); break;
    case 3: product(pairs, NV < 3 ? NV : 3, a, a_row, a_step, b, b_step, depth, c, c_step, by);
            break;
    default: product(pairs, NV, a, a_row, a_step, b, b_step, depth, c, c_step, by);
    }
}

/* ---- packing -------------------------------------------------------------------------- */

/* n (a multiple of 8) elements from `at` on, as floats, then zeros up to a whole vector. */
INLINE void row_as(enum dtype dtype, const void *p, int64_t at, int n, float *out)
{
    int c = 0;

    for (; c + VF <= n; c += VF)
        vf_store(out + c, vf_get(dtype, p, at + c));
    if (c < n)
        vf_store(out + c, vf_get_n(dtype, p, at + c, (size_t)(n - c), 0));
}

static void row_fetch(enum dtype dtype, const void *p, int64_t at, int n, float *out)
{
    if (dtype == DTYPE_F32)
        row_as(DTYPE_F32, p, at, n, out);
    else if (dtype == DTYPE_BF16)
        row_as(DTYPE_BF16, p, at, n, out);
    else
        row_as(DTYPE_F16, p, at, n, out);
}

/* Words with x in the lower and y in the upper half, element by element; y may be NULL. */
static void row_pair(const uint16_t *x, const uint16_t *y, int n, int padded, float *out)
{
    for (int c = 0; c < n; c++) {
        uint32_t word = x[c] | (uint32_t)(y ? y[c] : 0) << 16;

        memcpy(out + c, &word, sizeof word);
    }
    memset(out + n, 0, sizeof *out * (size_t)(padded - n));
}

/* Ask for a row of n bytes that will be packed with the next tile; it need not exist. */
INLINE void row_prefetch(const void *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch((const char *)p + i, 0, 2);
}

/* Keys and values `from` ... `from` + n - 1 of the head whose first element is `start`. */
static void pack_keys(struct room *x, const struct plan *plan, int64_t start, int64_t from, int n)
{
    const struct attention *a = plan->a;
    int64_t step = a->kv_heads * a->head_dim;
    int dim = (int)a->head_dim, up = (n + UNIT - 1) / UNIT * UNIT;
    size_t element = dtype_bytes(a->dtype), bytes = (size_t)dim * element;

    for (int j = 0; j < n; j++) {
        int64_t at = start + (from + j) * step;
        size_t ahead = (size_t)(at + KEYS * step) * element;
        float *k = x->k + j * plan->depth;

        row_prefetch((const char *)plan->k + ahead, bytes);
        row_prefetch((const char *)plan->v + ahead, bytes);

        if (!plan->pairs) {
            row_fetch(a->dtype, plan->k, at, dim, k);
            row_fetch(a->dtype, plan->v, at, dim, x->v + j * plan->cols);
            continue;
        }
        memcpy(k, (const uint16_t *)plan->k + at, sizeof(uint16_t) * (size_t)dim);
        if (j % 2 == 0) {
            const uint16_t *v = (const uint16_t *)plan->v + at;

            row_pair(v, j + 1 < n ? v + step : NULL, dim, plan->cols,
                     x->v + j / 2 * plan->cols);
        }
    }
    for (int j = n; j < up; j++) {
        memset(x->k + j * plan->depth, 0, sizeof *x->k * (size_t)plan->depth);
        if (!plan->pairs || j % 2 == 0)
            memset(x->v + (plan->pairs ? j / 2 : j) * plan->cols, 0,
                   sizeof *x->v * (size_t)plan->cols);
    }
}

/* Element of q and out where row `row` of key head (b, g) begins. */
static int64_t row_at(const struct attention *a, int64_t b, int64_t g, int64_t row)
{
    int64_t group = a->heads / a->kv_heads;

    return ((b * a->q_len + row / group) * a->heads + g * group + row % group) * a->head_dim;
}

/* VF rows as columns of a tile; scattered element by element this took a twentieth of the
 * whole time. */
static void columns_put(const float *row, int depth, float *q)
{
    for (int c = 0; c < depth; c += VF) {
        vf part[VF];

        for (int r = 0; r < VF; r++)
            part[r] = vf_load(row + r * ATTENTION_DIM + c);
        vf_transpose(part);
        for (int r = 0; r < VF; r++)
            vf_store(q + (c + r) * LANES, part[r]);
    }
}

static void tile_init(struct room *x, struct tile *t, const struct plan *plan, int64_t b,
                      int64_t g, int64_t row)
{
    const struct attention *a = plan->a;
    int64_t group = a->heads / a->kv_heads, first, end;

    t->rows = (int)(plan->rows - row < LANES ? plan->rows - row : LANES);
    for (int r = 0; r < LANES; r++) {
        /* lanes without a row repeat the last one */
        int64_t own = row + (r < t->rows ? r : t->rows - 1), at = row_at(a, b, g, own);
        float *to = x->row + r % VF * ATTENTION_DIM;

        attention_span(a, own / group, &first, &end);
        t->first[r] = (int32_t)first;
        t->end[r] = (int32_t)end;
        t->top[r] = nothing;
        t->sum[r] = 0;
        if (plan->pairs)
            memcpy(to, (const uint16_t *)plan->q + at, sizeof *to * (size_t)plan->depth);
        else
            row_fetch(a->dtype, plan->q, at, plan->depth, to);
        if (r % VF == VF - 1)
            columns_put(x->row, plan->depth, t->q + r - (VF - 1));
    }
    memset(t->out, 0, sizeof *t->out * (size_t)(LANES * plan->cols));
}

/* ---- one tile of rows against one tile of keys ---------------------------------------- */

/* First vector of rows that sees key j or a later one. */
INLINE int vector_from(const struct tile *t, int64_t j)
{
    int v = 0;

    while (v < NV - 1 && t->end[v * VF + VF - 1] <= j)
        v++;
    return v;
}

INLINE void scores(bool pairs, struct room *x, const struct tile *t, int64_t from, int n,
                   int depth)
{
    for (int j = 0; j < n; j += UNIT) {
        int v = vector_from(t, from + j);

        product_n(pairs, NV - v, x->k + j * depth, depth, 1, t->q + v * VF, LANES, depth,
                  x->p + j * LANES + v * VF, LANES, NULL);
    }
}

/* Scores that a row does not see, also those never computed. */
static void mask(struct room *x, const struct tile *t, int64_t from, int n)
{
    for (int v = 0; v < NV; v++) {
        vi first, end;

        memcpy(&first, t->first + v * VF, sizeof first);
        memcpy(&end, t->end + v * VF, sizeof end);
        for (int j = 0; j < n; j++) {
            float *p = x->p + j * LANES + v * VF;
            vi at = (int32_t)(from + j) + (vi){0};

            vf_store(p, vf_if((at >= first) & (at < end), vf_load(p), vf_set(attention_unseen)));
        }
    }
}

/* Two vectors of floats as bf16 pairs, `low` in the lower halves. */
INLINE vf pair_up(vf low, vf high)
{
#if defined(__AVX512BF16__)
    __m512i l = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)low));
    __m512i h = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)high));

    return (vf)_mm512_or_si512(l, _mm512_slli_epi32(h, 16));
#else
    return low + high;
#endif
}

/* n (a multiple of UNIT) keys of scores to probabilities; alpha: what the rows' older sums
 * are worth now. `scale` is log2(e) / sqrt(head_dim). */
INLINE void softmax(bool pairs, struct room *x, struct tile *t, int n, float scale)
{
    vf top[NV], sum[NV];

    for (int v = 0; v < NV; v++) {
        top[v] = vf_set(attention_unseen);
        sum[v] = vf_set(0);
    }
    for (int j = 0; j < n; j++)
#pragma GCC unroll 8
        for (int v = 0; v < NV; v++)
            top[v] = vf_max(top[v], vf_load(x->p + j * LANES + v * VF));
    for (int v = 0; v < NV; v++) {
        vf old = vf_load(t->top + v * VF);

        top[v] = vf_max(old, top[v] * scale);
        vf_store(t->top + v * VF, top[v]);
        vf_store(x->alpha + v * VF, vf_exp2(old - top[v]));
    }
    for (int j = 0; j < n; j += 2)
#pragma GCC unroll 8
        for (int v = 0; v < NV; v++) {
            float *p = x->p + j * LANES + v * VF;
            vf one = vf_exp2(vf_load(p) * scale - top[v]);
            vf two = vf_exp2(vf_load(p + LANES) * scale - top[v]);

            sum[v] += one + two;
            if (pairs)
                vf_store(x->p + j / 2 * LANES + v * VF, pair_up(one, two));
            else {
                vf_store(p, one);
                vf_store(p + LANES, two);
            }
        }
    for (int v = 0; v < NV; v++)
        vf_store(t->sum + v * VF, vf_load(t->sum + v * VF) * vf_load(x->alpha + v * VF) + sum[v]);
}

/* out = alpha out + p v, for each four rows over the keys that any of them sees. */
INLINE void values(bool pairs, struct room *x, struct tile *t, int64_t from, int n, int cols)
{
    int step = pairs ? 2 : 1;

    for (int c = 0; c < cols; c += NV * VF)
        for (int r = 0; r < LANES; r += UNIT) {
            int64_t low = t->first[r] - from, high = t->end[r + UNIT - 1] - from;
            int begin = low > 0 ? (int)low / 2 * 2 : 0, end = high < n ? (int)high : n;
            int left = (cols - c) / VF;

            if (begin < end)
                product_n(pairs, left < NV ? left : NV, x->p + begin / step * LANES + r, 1,
                          LANES, x->v + begin / step * cols + c, cols,
                          (end - begin + step - 1) / step, t->out + r * cols + c, cols,
                          x->alpha + r);
        }
}

INLINE void tile_keys(bool pairs, struct room *x, struct tile *t, const struct plan *plan,
                      int64_t from, int n)
{
    float scale = (float)(M_LOG2E / sqrt((double)plan->a->head_dim));
    int up = (n + UNIT - 1) / UNIT * UNIT;

    if (t->end[LANES - 1] <= from || t->first[0] >= from + n)
        return;
    scores(pairs, x, t, from, up, plan->depth);
    if (t->end[0] < from + up || t->first[LANES - 1] > from)
        mask(x, t, from, up);
    softmax(pairs, x, t, up, scale);
    values(pairs, x, t, from, up, plan->cols);
}

static void tile_keys_words(struct room *x, struct tile *t, const struct plan *plan,
                            int64_t from, int n)
{
    tile_keys(false, x, t, plan, from, n);
}

static void tile_keys_pairs(struct room *x, struct tile *t, const struct plan *plan,
                            int64_t from, int n)
{
    tile_keys(true, x, t, plan, from, n);
}

/* ---- items ---------------------------------------------------------------------------- */

static void item(struct room *x, const struct plan *plan, int64_t bg, int64_t number)
{
    const struct attention *a = plan->a;
    int64_t b = bg / a->kv_heads, g = bg % a->kv_heads;
    int64_t row = number * plan->tiles * LANES, from, end = 0;
    int64_t start = (b * a->kv_len * a->kv_heads + g) * a->head_dim;
    int tiles = 0;

    for (; tiles < plan->tiles && row + tiles * LANES < plan->rows; tiles++) {
        tile_init(x, &x->tile[tiles], plan, b, g, row + tiles * LANES);
        end = x->tile[tiles].end[LANES - 1];
    }
    for (from = x->tile[0].first[0] / KEYS * KEYS; from < end; from += KEYS) {
        int n = (int)(end - from < KEYS ? end - from : KEYS);

        pack_keys(x, plan, start, from, n);
        for (int t = 0; t < tiles; t++)
            if (HAS_PAIRS && plan->pairs)
                tile_keys_pairs(x, &x->tile[t], plan, from, n);
            else
                tile_keys_words(x, &x->tile[t], plan, from, n);
    }
    for (int t = 0; t < tiles; t++)
        for (int r = 0; r < x->tile[t].rows; r++)
            attention_row_put(a->dtype, plan->out, row_at(a, b, g, row + t * LANES + r),
                    (int)a->head_dim, x->tile[t].out + r * plan->cols, 1 / x->tile[t].sum[r]);
}

/* As many tiles an item as leave every thread a few items. */
static void plan_init(struct plan *plan, const struct attention *a, int threads)
{
    int64_t tiles;

    plan->a = a;
    plan->pairs = HAS_PAIRS && a->dtype == DTYPE_BF16;
    plan->depth = (int)(plan->pairs ? a->head_dim / 2 : a->head_dim);
    plan->cols = (int)(a->head_dim + VF - 1) / VF * VF;
    plan->rows = a->q_len * (a->heads / a->kv_heads);
    tiles = (plan->rows + LANES - 1) / LANES * a->batch * a->kv_heads / (4 * threads);
    plan->tiles = tiles < 1 ? 1 : tiles > TILES ? TILES : (int)tiles;
    plan->items = (plan->rows + plan->tiles * LANES - 1) / (plan->tiles * LANES);
}

static size_t scratch_bytes(const struct attention *a, int threads)
{
    (void)a;
    return sizeof(struct room) * (size_t)threads;
}

static void run(const struct attention *a, const void *q, const void *k, const void *v,
                void *out, void *scratch, int threads)
{
    struct plan plan = {.q = q, .k = k, .v = v, .out = out};
    int64_t heads = a->batch * a->kv_heads;

    plan_init(&plan, a, threads);
    /* the longest items first: the last ones then end together */
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int64_t i = 0; i < plan.items * heads; i++)
        item((struct room *)scratch + omp_get_thread_num(), &plan, i % heads,
             plan.items - 1 - i / heads);
}

/* ---- between the products of a composition -------------------------------------------- */

static void softmax_rows(const struct attention *a, int64_t i, int64_t rows, int64_t keys,
                         float *score, uint16_t *half)
{
    float scale = (float)(M_LOG2E / sqrt((double)a->head_dim));

    for (int64_t r = 0; r < rows; r++) {
        int64_t first, end;

        attention_span(a, i + r, &first, &end);
        attention_softmax_row(score + r * keys, half ? half + r * keys : NULL, first, end, keys, scale);
    }
}

const struct attention_prefill_simd ISA_SYMBOL(attention_prefill_simd) = {
    .scratch_bytes = scratch_bytes,
    .run = run,
    .softmax = softmax_rows,
};
