/* SPDX-License-Identifier: MIT */
/* Our own product. op(a), the smaller and the hotter operand, is packed into panels of four
 * rows; b is read where it lies: as [n,k] (weights) by dot products along it, as [k,n] by
 * outer products. So a skinny product reads b once, in order, without packing it, where a
 * library made for squares copies it first. Threads share the tiles of the output. */
#include "workloads/gemm/gemm.h"

#include <omp.h>

#include "workloads/isa.h"
#include "workloads/simd.h"

/* A tile is TILE_ROWS x SPAN outputs, or FEW rows and WIDE_SUMS outputs at most; BLOCK_ROWS
 * rows of op(a) are packed at a time, by one thread when they are FEW. Chunks are CHUNK_BYTES of a line of b, half of it when the rows of
 * op(a) would not fit CACHE_BYTES. Prefetching AHEAD = 16 steps before the use gave 15 percent
 * on AMD Zen 5, 8 or 32 steps less. */
enum { TILE_ROWS = 32, SPAN = 96, WIDE_SPAN = 2048, WIDE_SUMS = 8192, BLOCK_ROWS = 512, FEW = 16, DEPTH = 256,
       CHUNK_BYTES = 4096, CACHE_BYTES = 32 << 10, AHEAD = 16, AHEAD_TERMS = 4,
       SMALL = 1 << 16, SPLIT_MOST = 16, SPLIT_TERMS = 64 };
/* How many lines are fetched meanwhile; a stream fetches its own. */
enum next { NEXT_NONE, NEXT_LINE, NEXT_PAIR, NEXT_STREAM = 4 };

/* A stream's own lines are soon needed; of others only the second cache has room for them. */
#define ASK(p, kind) ((kind) == NEXT_STREAM ? __builtin_prefetch(p) : __builtin_prefetch(p, 0, 2))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static inline int64_t round_up(int64_t n, int64_t step)
{
    return (n + step - 1) / step * step;
}

/* Rows that a panel of 0 ... 4 rows occupies. */
static inline int width_of(int rows)
{
    return rows == 3 ? 4 : rows;
}


/* Tiles of few rows and many columns: see tile_rows. Their sums stay in the first cache. */
static inline bool is_wide(const struct gemm *g)
{
    return !g->tb && g->m <= FEW;
}

static inline int wide_span(const struct gemm *g)
{
    return (int)MIN(WIDE_SUMS / (g->m < 3 ? g->m : round_up(g->m, 4)) / 64 * 64, WIDE_SPAN);
}

#define T(name) f32_##name
#define ELEM float
#define REAL float
#define VEC vf
#define LANES VF
#define SET(x) vf_set(x)
#define GET(p) vf_load(p)
#define PUT(p, v) vf_store(p, v)
#define TOTAL(v) vf_reduce_add(v)
#define TOTALS(v) vf_sums(v)
#define LOAD(p) vf_load(p)
#define TERM float
#define WIDE vf
#define STEP VF
#define LOAD_TERM(p) vf_load(p)
#define LOAD_WIDE(p) vf_load(p)
#define MADD(sum, w, x) ((sum) + (w) * (x))
#define CONVERT(to, from) vf_store(to, vf_load(from))
#define WRITE(p, v) vf_store(p, v)
#include "workloads/gemm/gemm_kernels.h"

#define T(name) f64_##name
#define ELEM double
#define REAL double
#define VEC vd
#define LANES VD
#define SET(x) vd_set(x)
#define GET(p) vd_load(p)
#define PUT(p, v) vd_store(p, v)
#define TOTAL(v) vd_reduce_add(v)
#define TOTALS(v) vd_sums(v)
#define LOAD(p) vd_load(p)
#define TERM double
#define WIDE vd
#define STEP VD
#define LOAD_TERM(p) vd_load(p)
#define LOAD_WIDE(p) vd_load(p)
#define MADD(sum, w, x) ((sum) + (w) * (x))
#define CONVERT(to, from) vd_store(to, vd_load(from))
#define WRITE(p, v) vd_store(p, v)
#include "workloads/gemm/gemm_kernels.h"

#define T(name) f16_##name
#define ELEM uint16_t
#define REAL float
#define VEC vf
#define LANES VF
#define SET(x) vf_set(x)
#define GET(p) vf_load(p)
#define PUT(p, v) vf_store(p, v)
#define TOTAL(v) vf_reduce_add(v)
#define TOTALS(v) vf_sums(v)
#define LOAD(p) vf_load_f16(p)
#define TERM float
#define WIDE vf
#define STEP VF
#define LOAD_TERM(p) vf_load(p)
#define LOAD_WIDE(p) vf_load_f16(p)
#define MADD(sum, w, x) ((sum) + (w) * (x))
#define CONVERT(to, from) vf_store(to, vf_load_f16(from))
#define WRITE(p, v) vf_store_f16(p, v)
#include "workloads/gemm/gemm_kernels.h"

/* bf16 as [n,k] has an instruction of its own in AVX-512 BF16: 32 products at a time. As
 * [k,n] its pairs would lie in different rows, so the outer products widen to f32. */
#define T(name) bf16_##name
#define ELEM uint16_t
#define REAL float
#define VEC vf
#define LANES VF
#define SET(x) vf_set(x)
#define GET(p) vf_load(p)
#define PUT(p, v) vf_store(p, v)
#define TOTAL(v) vf_reduce_add(v)
#define TOTALS(v) vf_sums(v)
#define LOAD(p) vf_load_bf16(p)
#ifdef __AVX512BF16__
#define TERM uint16_t
#define WIDE __m512bh
#define STEP (2 * VF)
#define LOAD_TERM(p) ((__m512bh)_mm512_loadu_si512(p))
#define LOAD_WIDE(p) ((__m512bh)_mm512_loadu_si512(p))
#define MADD(sum, w, x) ((vf)_mm512_dpbf16_ps((__m512)(sum), w, x))
#define CONVERT(to, from) memcpy(to, from, STEP * sizeof *(to))
#else
#define TERM float
#define WIDE vf
#define STEP VF
#define LOAD_TERM(p) vf_load(p)
#define LOAD_WIDE(p) vf_load_bf16(p)
#define MADD(sum, w, x) ((sum) + (w) * (x))
#define CONVERT(to, from) vf_store(to, vf_load_bf16(from))
#endif
#define WRITE(p, v) vf_store_bf16(p, v)
#include "workloads/gemm/gemm_kernels.h"

static const struct {
    void (*pack)(const struct gemm *, int64_t i, int rows, void *packed);
    void (*tile)(const struct gemm *, const void *packed, int64_t i, int rows, int64_t j,
                 int cols);
} kind[DTYPES] = {
    [DTYPE_F32] = {f32_pack, f32_tile},
    [DTYPE_F64] = {f64_pack, f64_tile},
    [DTYPE_F16] = {f16_pack, f16_tile},
    [DTYPE_BF16] = {bf16_pack, bf16_tile},
};

/* One row with so few columns that threads had short pieces of b's rows: they share the terms
 * and read whole rows. Sums of parts must not be rounded: not in 16-bit types. */
static bool is_split(const struct gemm *g, int threads)
{
    return g->m == 1 && is_wide(g) && g->n <= WIDE_SPAN && g->k >= SPLIT_TERMS * threads &&
           g->n * g->k > SMALL && threads > 1 && threads <= SPLIT_MOST &&
           (g->dtype == DTYPE_F32 || g->dtype == DTYPE_F64);
}

/* Columns from ... to of the result. */
static void join(const struct gemm *g, double part[SPLIT_MOST][WIDE_SPAN], int parts,
                 int64_t from, int64_t to)
{
    if (g->dtype == DTYPE_F32)
        for (int64_t j = from; j < to; j++) {
            float sum = 0, *c = (float *)g->c + j;

            for (int i = 0; i < parts; i++)
                sum += ((const float *)part[i])[j];
            *c = (float)g->alpha * sum + (g->beta != 0 ? (float)g->beta * *c : 0);
        }
    else
        for (int64_t j = from; j < to; j++) {
            double sum = 0, *c = (double *)g->c + j;

            for (int i = 0; i < parts; i++)
                sum += part[i][j];
            *c = g->alpha * sum + (g->beta != 0 ? g->beta * *c : 0);
        }
}

static void split(const struct gemm *g, void *scratch, int threads)
{
    double part[SPLIT_MOST][WIDE_SPAN];
    int64_t bytes = g->dtype == DTYPE_F32 ? sizeof(float) : sizeof(double);

    kind[g->dtype].pack(g, 0, 1, scratch);
#pragma omp parallel num_threads(threads)
    {
        int me = omp_get_thread_num(), team = omp_get_num_threads();
        int64_t from = g->k / 4 * me / team * 4;
        int64_t to = me + 1 < team ? g->k / 4 * (me + 1) / team * 4 : g->k;
        struct gemm own = *g;

        own.k = to - from;
        own.b = (const char *)g->b + from * g->n * bytes;
        own.c = part[me];
        own.alpha = 1;
        own.beta = 0;
        kind[g->dtype].tile(&own, (const char *)scratch + from * bytes, 0, 1, 0, (int)g->n);
#pragma omp barrier
        join(g, part, team, g->n * me / team, g->n * (me + 1) / team);
    }
}

static void product(const struct gemm *g, void *scratch, int threads)
{
    if (is_split(g, threads)) {
        split(g, scratch, threads);
        return;
    }
    /* as many tiles along n as threads can share evenly */
    int64_t most = is_wide(g) ? wide_span(g) : SPAN, shared = most * threads;
    int64_t tiles = (g->n + shared - 1) / shared * threads;
    int64_t span = MIN(round_up((g->n + tiles - 1) / tiles, g->tb ? 4 : 16), most);
    int64_t n = g->tb || is_wide(g) ? span : SPAN;

    if (g->m <= FEW)
        for (int64_t i = 0; i < g->m; i += 4)
            kind[g->dtype].pack(g, i, (int)MIN(g->m - i, 4), scratch);
#pragma omp parallel num_threads(threads) if (g->m * g->n * g->k > SMALL)
    for (int64_t i0 = 0; i0 < g->m; i0 += BLOCK_ROWS) {
        int64_t end = MIN(i0 + BLOCK_ROWS, g->m);

        if (g->m > FEW) {
#pragma omp for schedule(static)
            for (int64_t i = i0; i < end; i += 4)
                kind[g->dtype].pack(g, i, (int)MIN(end - i, 4), scratch);
        }
#pragma omp for collapse(2) schedule(static) nowait
        for (int64_t j = 0; j < g->n; j += n)
            for (int64_t i = i0; i < end; i += TILE_ROWS)
                kind[g->dtype].tile(g, scratch, i, (int)MIN(end - i, TILE_ROWS), j,
                                    (int)MIN(g->n - j, n));
        if (end < g->m) { /* before the next rows overwrite the packed ones */
#pragma omp barrier
        }
    }
}

const struct gemm_simd ISA_SYMBOL(gemm_simd) = {.product = product};
