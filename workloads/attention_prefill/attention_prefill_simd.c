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

#include "workloads/attention_prefill/attention_tile.h"
#include "workloads/isa.h"

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

/* c[u][0 ... nv-1 vectors] = sum_s a[u * a_row + s * a_step] b[s * b_step ...]; `onto`: added
 * to what c has. */
INLINE void product(bool pairs, bool onto, int nv, const float *a, int a_row, int a_step,
                    const float *b, int b_step, int depth, float *c, int c_step)
{
    vf sum[UNIT][NV];

#pragma GCC unroll 8
    for (int u = 0; u < UNIT; u++)
#pragma GCC unroll 8
        for (int i = 0; i < nv; i++)
            sum[u][i] = onto ? vf_load(c + u * c_step + i * VF) : vf_set(0);
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

INLINE void product_n(bool pairs, bool onto, int nv, const float *a, int a_row, int a_step,
                      const float *b, int b_step, int depth, float *c, int c_step)
{
    switch (nv) {
    case 1: product(pairs, onto, 1, a, a_row, a_step, b, b_step, depth, c, c_step); break;
    case 2: product(pairs, onto, 2, a, a_row, a_step, b, b_step, depth, c, c_step); break;
    case 3: product(pairs, onto, NV < 3 ? NV : 3, a, a_row, a_step, b, b_step, depth, c, c_step);
            break;
    default: product(pairs, onto, NV, a, a_row, a_step, b, b_step, depth, c, c_step);
    }
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

        ask_some(x);
        product_n(pairs, false, NV - v, x->k + j * depth, depth, 1, t->q + v * VF, LANES, depth,
                  x->p + j * LANES + v * VF, LANES);
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

/* Take exponents against the scaled scores `top`, from now on. */
static void tile_raise(struct tile *t, const vf top[NV], int cols)
{
    float alpha[LANES];

    for (int v = 0; v < NV; v++) {
        vf by = vf_exp2(vf_load(t->top + v * VF) - top[v]);

        vf_store(t->top + v * VF, top[v]);
        vf_store(t->sum + v * VF, vf_load(t->sum + v * VF) * by);
        vf_store(alpha + v * VF, by);
    }
    for (int r = 0; r < LANES; r++)
        for (float *out = t->out + r * cols; out < t->out + (r + 1) * cols; out += VF)
            vf_store(out, t->is_fresh ? vf_set(0) : vf_load(out) * alpha[r]);
    t->is_fresh = false;
}

/* n (a multiple of UNIT) keys of scores to probabilities. `scale` is log2(e) / sqrt(head_dim). */
INLINE void softmax(bool pairs, struct room *x, struct tile *t, int n, float scale, int cols)
{
    vf top[NV], sum[NV], over = vf_set(nothing);

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

        over = vf_max(over, top[v] * scale - old);
        top[v] = vf_max(old, top[v] * scale);
    }
    if (t->is_fresh || vf_reduce_max(over) > lead)
        tile_raise(t, top, cols);
    for (int v = 0; v < NV; v++)
        top[v] = vf_load(t->top + v * VF);
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
        vf_store(t->sum + v * VF, vf_load(t->sum + v * VF) + sum[v]);
}

/* out += p v, for each four rows over the keys that any of them sees. */
INLINE void values(bool pairs, struct room *x, struct tile *t, int64_t from, int n, int cols)
{
    int step = pairs ? 2 : 1;

    for (int c = 0; c < cols; c += NV * VF)
        for (int r = 0; r < LANES; r += UNIT) {
            int64_t low = t->first[r] - from, high = t->end[r + UNIT - 1] - from;
            int begin = low > 0 ? (int)low / 2 * 2 : 0, end = high < n ? (int)high : n;
            int left = (cols - c) / VF;

            if (begin < end)
                product_n(pairs, true, left < NV ? left : NV, x->p + begin / step * LANES + r, 1,
                          LANES, x->v + c * KEYS + begin / step * LANES, LANES,
                          (end - begin + step - 1) / step, t->out + r * cols + c, cols);
        }
}

INLINE void tile_keys(bool pairs, struct room *x, struct tile *t, const struct plan *plan,
                      int64_t from, int n)
{
    float scale = (float)(M_LOG2E / sqrt((double)plan->a->head_dim));
    int64_t seen = t->end[LANES - 1] - from;
    int up = ((seen < n ? (int)seen : n) + UNIT - 1) / UNIT * UNIT;

    if (seen <= 0 || t->first[0] >= from + n)
        return;
    scores(pairs, x, t, from, up, plan->depth);
    if (t->end[0] < from + up || t->first[LANES - 1] > from)
        mask(x, t, from, up);
    softmax(pairs, x, t, up, scale, plan->cols);
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
    int64_t row = number * plan->tiles * LANES, begin, end = 0;
    int64_t start = (b * a->kv_len * a->kv_heads + g) * a->head_dim;
    int tiles = 0;

    for (; tiles < plan->tiles && row + tiles * LANES < plan->rows; tiles++) {
        tile_init(&x->tile[tiles], plan, b, g, row + tiles * LANES);
        end = x->tile[tiles].end[LANES - 1];
    }
    begin = x->tile[0].first[0] / KEYS * KEYS;
    for (int64_t from = begin; from < end; from += KEYS) {
        int n = (int)(end - from < KEYS ? end - from : KEYS);

        pack_keys(x, plan, start, from, n);
        for (int t = 0; t < tiles; t++) {
            if (from == begin)
                tile_fetch(x, &x->tile[t], plan);
            if (from == begin && t + 1 < tiles)
                tile_ask(x, &x->tile[t + 1], plan, plan->q);
            if (from + KEYS >= end)
                tile_ask(x, &x->tile[t], plan, plan->out);
            if (HAS_PAIRS && plan->pairs)
                tile_keys_pairs(x, &x->tile[t], plan, from, n);
            else
                tile_keys_words(x, &x->tile[t], plan, from, n);
        }
    }
    for (int t = 0; t < tiles; t++)
        tile_put(&x->tile[t], plan);
}

/* As many tiles an item as leave every thread a few items. */
static void plan_init(struct plan *plan, const struct attention *a, int threads)
{
    int64_t tiles;

    plan->a = a;
    plan->pairs = HAS_PAIRS && a->dtype == DTYPE_BF16;
    plan->depth = (int)(plan->pairs ? a->head_dim / 2 : a->head_dim);
    plan->cols = whole((int)a->head_dim);
    plan->rows = a->q_len * (a->heads / a->kv_heads);
    tiles = (plan->rows + LANES - 1) / LANES * a->batch * a->kv_heads / (4 * threads);
    plan->tiles = tiles < 1 ? 1 : tiles > TILES ? TILES : (int)tiles;
    plan->items = (plan->rows + plan->tiles * LANES - 1) / (plan->tiles * LANES);
}

static size_t scratch_bytes(const struct attention *a, int threads)
{
    struct plan plan = {0};

    plan_init(&plan, a, threads);
    return room_bytes(&plan) * (size_t)threads;
}

static void run(const struct attention *a, const void *q, const void *k, const void *v,
                void *out, void *scratch, int threads)
{
    struct plan plan = {.q = q, .k = k, .v = v, .out = out};
    int64_t heads = a->batch * a->kv_heads;

    plan_init(&plan, a, threads);
#pragma omp parallel num_threads(threads)
    {
        struct room *x = room_init(scratch, &plan, omp_get_thread_num());

        /* the longest items first: the last ones then end together */
#pragma omp for schedule(dynamic, 1)
        for (int64_t i = 0; i < plan.items * heads; i++)
            item(x, &plan, i % heads, plan.items - 1 - i / heads);
    }
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
