/* SPDX-License-Identifier: MIT */
/* What attention_prefill_simd.c keeps of its operands: tiles of LANES rows of queries as
 * columns and of results, KEYS keys and values at a time, packed; and how they get there. */
#ifndef OFFLOAD_BENCH_ATTENTION_TILE_H
#define OFFLOAD_BENCH_ATTENTION_TILE_H

#include "workloads/attention.h"
#include "workloads/attention_row.h"

#define INLINE static inline __attribute__((always_inline))
#if defined(__AVX512BF16__)
enum { HAS_PAIRS = 1 };
#else
enum { HAS_PAIRS = 0 };
#endif

/* UNIT x NV accumulators keep both multiply units busy and fit 16 or 32 registers. Values lie
 * in panels LANES wide, or the rows of a wide head would meet in the first-level cache. */
enum { NV = SIMD_BYTES == 64 ? 4 : 2, LANES = NV * VF, UNIT = 4, KEYS = 64, TILES = 8,
       ASKS = 2 * KEYS + 2 * TILES * LANES };

/* Below every score, and so far below that scaling it keeps it so. */
static const float nothing = -1e30f;

/* By how much (as a power of two) scores may exceed what exponents are taken against, before
 * all is rescaled: the sums of probabilities still fit a float a hundred times over. */
static const float lead = 16;

struct tile {
    float *q, *out; /* whole(depth) x LANES, LANES x cols; out is set when no longer fresh */
    bool is_fresh;
    float top[LANES], sum[LANES];
    int64_t at[LANES]; /* elements of q and out where the rows begin */
    int32_t first[LANES], end[LANES]; /* both never fall from lane to lane */
    int rows;
};

/* Of one thread. What depends on head_dim stands close together behind it: tiles as far apart
 * as the largest head needs shared the same places of the second-level cache. */
struct room {
    float p[KEYS * LANES], row[VF * ATTENTION_DIM];
    float *k, *v;          /* KEYS x depth; panels of KEYS x LANES */
    const char *ask[ASKS]; /* rows soon needed, the most urgent one last */
    int asks, ask_bytes;
    struct tile tile[TILES];
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

/* n padded to whole vectors. */
INLINE int whole(int n)
{
    return (n + VF - 1) / VF * VF;
}

/* ---- rows asked for ahead -------------------------------------------------------------- */

/* A row of x->ask_bytes; it need not exist. */
INLINE void ask_later(struct room *x, const void *row)
{
    x->ask[x->asks++] = row;
}

/* A few at a time, between products: asked for all at once, 64 keys and values held the thread
 * up. Together with the compact tiles this saved a twentieth of the whole time. */
INLINE void ask_some(struct room *x)
{
    for (int n = 0; n < 4 && x->asks > 0; n++) {
        const char *row = x->ask[--x->asks];

        for (int i = 0; i < x->ask_bytes; i += 64)
            __builtin_prefetch(row + i, 0, 2);
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

/* Row j of x->v, panel by panel; with pairs, of the words of rows j and j + 1 (if `two`). */
static void values_put(struct room *x, const struct plan *plan, int64_t at, int j, bool two)
{
    const struct attention *a = plan->a;
    const uint16_t *v = (const uint16_t *)plan->v + at;
    int dim = (int)a->head_dim;

    for (int c = 0; c < dim; c += LANES) {
        int n = dim - c < LANES ? dim - c : LANES;
        float *to = x->v + c * KEYS + (plan->pairs ? j / 2 : j) * LANES;

        if (plan->pairs)
            row_pair(v + c, two ? v + c + a->kv_heads * dim : NULL, n, whole(n), to);
        else
            row_fetch(a->dtype, plan->v, at + c, n, to);
    }
}

/* Keys and values `from` ... `from` + n - 1 of the head whose first element is `start`; asks
 * for the next KEYS. */
static void pack_keys(struct room *x, const struct plan *plan, int64_t start, int64_t from, int n)
{
    const struct attention *a = plan->a;
    int64_t step = a->kv_heads * a->head_dim;
    int dim = (int)a->head_dim, up = (n + UNIT - 1) / UNIT * UNIT;
    size_t element = dtype_bytes(a->dtype);

    x->asks = 0;
    for (int j = 0; j < n; j++) {
        int64_t at = start + (from + j) * step;
        size_t ahead = (size_t)(at + KEYS * step) * element;
        float *k = x->k + j * plan->depth;

        ask_later(x, (const char *)plan->k + ahead);
        ask_later(x, (const char *)plan->v + ahead);
        if (plan->pairs)
            memcpy(k, (const uint16_t *)plan->k + at, sizeof(uint16_t) * (size_t)dim);
        else
            row_fetch(a->dtype, plan->k, at, dim, k);
        if (!plan->pairs || j % 2 == 0)
            values_put(x, plan, at, j, j + 1 < n);
    }
    for (int j = n; j < up; j++) {
        memset(x->k + j * plan->depth, 0, sizeof *x->k * (size_t)plan->depth);
        if (!plan->pairs || j % 2 == 0)
            for (int c = 0; c < plan->cols; c += LANES)
                memset(x->v + c * KEYS + (plan->pairs ? j / 2 : j) * LANES, 0,
                       sizeof *x->v * LANES);
    }
}

/* Ask for the tile's rows of q or out, soon. */
static void tile_ask(struct room *x, const struct tile *t, const struct plan *plan, const void *p)
{
    size_t element = dtype_bytes(plan->a->dtype);

    for (int r = 0; r < t->rows; r++)
        ask_later(x, (const char *)p + (size_t)t->at[r] * element);
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

/* Which rows the tile from `row` of key head (b, g) on holds, and what they see. */
static void tile_init(struct tile *t, const struct plan *plan, int64_t b, int64_t g, int64_t row)
{
    const struct attention *a = plan->a;
    int64_t group = a->heads / a->kv_heads, query = row / group, head = row % group;

    *t = (struct tile){.q = t->q, .out = t->out, .is_fresh = true};
    t->rows = (int)(plan->rows - row < LANES ? plan->rows - row : LANES);
    for (int r = 0; r < LANES; r++) {
        int64_t first, end;

        attention_span(a, query, &first, &end);
        t->first[r] = (int32_t)first;
        t->end[r] = (int32_t)end;
        t->top[r] = nothing;
        t->at[r] = ((b * a->q_len + query) * a->heads + g * group + head) * a->head_dim;
        /* lanes without a row repeat the last one */
        if (r + 1 < t->rows && ++head == group) {
            head = 0;
            query++;
        }
    }
}

static void tile_fetch(struct room *x, struct tile *t, const struct plan *plan)
{
    const struct attention *a = plan->a;

    for (int r = 0; r < LANES; r++) {
        float *to = x->row + r % VF * ATTENTION_DIM;

        if (plan->pairs)
            memcpy(to, (const uint16_t *)plan->q + t->at[r], sizeof *to * (size_t)plan->depth);
        else
            row_fetch(a->dtype, plan->q, t->at[r], plan->depth, to);
        if (r % VF == VF - 1)
            columns_put(x->row, plan->depth, t->q + r - (VF - 1));
    }
}

static void tile_put(const struct tile *t, const struct plan *plan)
{
    for (int r = 0; r < t->rows; r++)
        attention_row_put(plan->a->dtype, plan->out, t->at[r], (int)plan->a->head_dim,
                          t->out + r * plan->cols, 1 / t->sum[r]);
}

/* Floats of one thread's keys, values and tiles; a multiple of a page. */
static size_t plan_words(const struct plan *plan)
{
    int panels = (plan->cols + LANES - 1) / LANES * LANES;
    size_t words = (size_t)(KEYS * (plan->depth + panels) +
                            plan->tiles * LANES * (whole(plan->depth) + plan->cols));

    return (words + 1023) / 1024 * 1024;
}

static size_t room_bytes(const struct plan *plan)
{
    return sizeof(struct room) + sizeof(float) * plan_words(plan);
}

static struct room *room_init(void *scratch, const struct plan *plan, int thread)
{
    struct room *x = (struct room *)((char *)scratch + (size_t)thread * room_bytes(plan));
    float *at = (float *)(x + 1);

    x->asks = 0;
    x->ask_bytes = (int)plan->a->head_dim * (int)dtype_bytes(plan->a->dtype);
    for (int t = 0; t < plan->tiles; t++, at += LANES * plan->cols) {
        x->tile[t].q = at;
        x->tile[t].out = at += LANES * whole(plan->depth);
    }
    x->k = at;
    x->v = at + KEYS * plan->depth;
    return x;
}

#endif
