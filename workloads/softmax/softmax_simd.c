/* SPDX-License-Identifier: MIT */
/* Softmax rows, each element read once from memory. A row goes by in chunks that stay in the
 * first-level cache: largest element of the chunk, then its exponentials, kept as floats in a
 * scratch row, and their sum, put together with the sum so far as in the online softmax
 * (Milakov & Gimelshein, arXiv 1805.02867); at the end each chunk is scaled by its own factor.
 * Rows too long for the scratch row compute their exponentials twice; a few long rows are
 * shared out among the threads. */
#include <float.h>
#include <math.h>
#include <omp.h>

#include "workloads/isa.h"
#include "workloads/rows.h"
#include "workloads/simd.h"

enum { X, Y };
enum {
    CHUNK = 2048,          /* floats: chunk and scratch are 16 KiB, half a first-level cache */
    SCRATCH = 65536,       /* floats of a scratch row, on the stack: 256 KiB */
    SPLIT = 65536,         /* shortest row worth two barriers: about 15 us of work */
    MOST_THREADS = 256,
};

/* Largest element so far, and sum of e^(x - top). */
struct total {
    float top, sum;
};

/* -FLT_MAX, not -infinity: masked elements (-infinity) then give 0, not NaN. */
static const struct total nothing = {-FLT_MAX, 0};

static struct total total_add(struct total a, struct total b)
{
    float top = a.top > b.top ? a.top : b.top;

    return (struct total){top, a.sum * expf(a.top - top) + b.sum * expf(b.top - top)};
}

SIMD_INLINE float chunk_top(enum dtype d, const void *x, int64_t from, int64_t to)
{
    vf top[4];
    int64_t c = from;

    for (int u = 0; u < 4; u++)
        top[u] = vf_set(-FLT_MAX);
    for (; c + 4 * VF <= to; c += 4 * VF)
        for (int u = 0; u < 4; u++)
            top[u] = vf_max(top[u], vf_get(d, x, c + u * VF));
    for (; c + VF <= to; c += VF)
        top[0] = vf_max(top[0], vf_get(d, x, c));
    top[1] = vf_max(top[1], vf_get_n(d, x, c, (size_t)(to - c), -FLT_MAX));
    return vf_reduce_max(vf_max(vf_max(top[0], top[1]), vf_max(top[2], top[3])));
}

/* Exponentials of a chunk to scratch[0 ...] unless it is NULL. */
SIMD_INLINE float chunk_exp(enum dtype d, const void *x, int64_t from, int64_t to, float top,
                            float *scratch)
{
    vf sum[2] = {vf_set(0), vf_set(0)}, e;
    int64_t c = from;

    for (; c + 2 * VF <= to; c += 2 * VF)
        for (int u = 0; u < 2; u++) {
            e = vf_exp2((vf_get(d, x, c + u * VF) - top) * LOG2_E);
            sum[u] += e;
            if (scratch)
                vf_store(scratch + (c - from) + u * VF, e);
        }
    for (; c < to; c += VF) {
        size_t n = to - c < VF ? (size_t)(to - c) : VF;

        e = vf_exp2((vf_get_n(d, x, c, n, -INFINITY) - top) * LOG2_E);
        sum[0] += e;
        if (scratch)
            vf_store_n(scratch + (c - from), e, n);
    }
    return vf_reduce_add(sum[0] + sum[1]);
}

/* Totals of columns from ... to; the top of each chunk to tops[] and its exponentials to
 * scratch[], unless these are NULL. */
SIMD_INLINE struct total pass(enum dtype d, const void *x, int64_t from, int64_t to,
                              float *tops, float *scratch)
{
    struct total all = nothing;

    for (int64_t c = from; c < to; c += CHUNK) {
        int64_t end = to - c < CHUNK ? to : c + CHUNK;
        struct total chunk = {.top = chunk_top(d, x, c, end)};

        chunk.sum = chunk_exp(d, x, c, end, chunk.top, scratch ? scratch + (c - from) : NULL);
        if (tops)
            tops[(c - from) / CHUNK] = chunk.top;
        all = total_add(all, chunk);
    }
    return all;
}

/* Columns from ... to of y = scratch * factor; asks for those of `next`, the next row. */
SIMD_INLINE void scale(enum dtype d, bool streamed, const float *scratch, void *y, int64_t from,
                       int64_t to, float factor, const void *next)
{
    int64_t c = from;

    for (; c + VF <= to; c += VF) {
        if (streamed)
            vf_ask(d, next, c);
        vf_result(d, streamed, y, c, vf_load(scratch + c) * factor);
    }
    vf_put_n(d, y, c, vf_load_n(scratch + c, (size_t)(to - c), 0) * factor, (size_t)(to - c));
}

/* y = e^(x - top) / sum. */
SIMD_INLINE void again(enum dtype d, bool streamed, const void *x, void *y, int64_t from,
                       int64_t to, struct total all)
{
    float factor = 1 / all.sum;
    int64_t c = from;

    for (; c + VF <= to; c += VF)
        vf_result(d, streamed, y, c, vf_exp2((vf_get(d, x, c) - all.top) * LOG2_E) * factor);
    vf_put_n(d, y, c,
             vf_exp2((vf_get_n(d, x, c, (size_t)(to - c), 0) - all.top) * LOG2_E) * factor,
             (size_t)(to - c));
}

/* What one thread does at a time: columns from ... to of a row. */
struct part {
    int64_t row, from, to;
    float *scratch;
    struct total all; /* of the whole row, between the two passes over a shared one */
};

SIMD_INLINE void row(enum dtype d, bool streamed, const struct rows *r, const struct part *p)
{
    const void *x = simd_at(d, r->arg[X], p->row * r->cols);
    void *y = simd_at(d, r->arg[Y], p->row * r->cols);
    float tops[SCRATCH / CHUNK];
    struct total all;

    if (r->cols > SCRATCH) {
        again(d, streamed, x, y, 0, r->cols, pass(d, x, 0, r->cols, NULL, NULL));
    } else {
        all = pass(d, x, 0, r->cols, tops, p->scratch);
        for (int64_t c = 0; c < r->cols; c += CHUNK)
            scale(d, streamed, p->scratch, y, c, r->cols - c < CHUNK ? r->cols : c + CHUNK,
                  expf(tops[c / CHUNK] - all.top) / all.sum, simd_at(d, x, r->cols));
    }
    if (streamed)
        simd_fence();
}

SIMD_INLINE void part_pass(enum dtype d, bool streamed, const struct rows *r, struct part *p)
{
    (void)streamed;
    p->all = pass(d, simd_at(d, r->arg[X], p->row * r->cols), p->from, p->to, NULL, NULL);
}

SIMD_INLINE void part_again(enum dtype d, bool streamed, const struct rows *r,
                            const struct part *p)
{
    again(d, streamed, simd_at(d, r->arg[X], p->row * r->cols),
          simd_at(d, r->arg[Y], p->row * r->cols), p->from, p->to, p->all);
    if (streamed)
        simd_fence();
}

/* One row by all threads. */
static void split(const struct rows *r, int64_t i)
{
    struct total total[MOST_THREADS];
    int threads = r->threads < MOST_THREADS ? r->threads : MOST_THREADS;

#pragma omp parallel num_threads(threads)
    {
        int me = omp_get_thread_num(), parts = omp_get_num_threads();
        int64_t each = (r->cols / parts + VF - 1) / VF * VF, from = me * each, to = from + each;
        struct part part = {.row = i, .from = from < r->cols ? from : r->cols,
                            .to = to < r->cols && me + 1 < parts ? to : r->cols};

        ROWS_SPECIALISE(part_pass, r, &part);
        total[me] = part.all;
#pragma omp barrier
        part.all = nothing;
        for (int t = 0; t < parts; t++)
            part.all = total_add(part.all, total[t]);
        ROWS_SPECIALISE(part_again, r, &part);
    }
}

static void run(const struct rows *r)
{
    if (r->rows < r->threads && r->cols >= SPLIT) {
        for (int64_t i = 0; i < r->rows; i++)
            split(r, i);
        return;
    }
#pragma omp parallel num_threads(r->threads)
    {
        float scratch[SCRATCH];

#pragma omp for schedule(static)
        for (int64_t i = 0; i < r->rows; i++) {
            struct part part = {.row = i, .to = r->cols, .scratch = scratch};

            ROWS_SPECIALISE(row, r, &part);
        }
    }
}

const struct rows_simd ISA_SYMBOL(softmax_simd) = {.run = run};
