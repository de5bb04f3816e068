/* SPDX-License-Identifier: MIT */
/* Reductions of one array: each thread takes contiguous spans and goes through them in
 * blocks. Inside a block CHAINS independent vectors hide the latency of the additions; the
 * blocks' results are added up in double, so that the error of a sum grows with the block,
 * not with n. argmax looks for the block with the largest element first and for the place
 * inside that block last: one comparison a vector instead of an index a vector. */
#include "workloads/reduction/reduction.h"

#include <omp.h>

#include "workloads/isa.h"
#include "workloads/simd.h"

/* BLOCK: elements; long against the cost of folding it, short against f32's 24 bits.
 * SCAN: argmax reads one block again, so its blocks are shorter.
 * THREAD_BYTES: below this a second thread costs more to wake (1-2 us) than it saves.
 * FREE_BYTES: from here on no private cache holds a thread's part, and the array is dealt out
 * in shares of SHARE_BYTES to whoever is free: a thread that lost its processor for a while
 * then holds up one share, not half of the array. */
enum { BLOCK = 16384, SCAN = 4096, CHAINS = 8, SHARES_MOST = 1024 };
enum { THREAD_BYTES = 64 << 10, FREE_BYTES = 8 << 20, SHARE_BYTES = 1 << 20 };

typedef struct reduction span_function(const void *x, const void *y, int64_t n);

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Sums add up; of two largest the first stays unless the second is larger. */
static struct reduction fold(const struct reduction *part, int parts, enum reduction_op op)
{
    struct reduction all = part[0];

    for (int i = 1; i < parts; i++) {
        bool is_top = op == REDUCTION_MAX || op == REDUCTION_ARGMAX;

        if (!is_top)
            all.value += part[i].value;
        else if (part[i].at >= 0 && part[i].value > all.value)
            all = part[i];
    }
    return all;
}

struct whole {
    span_function *span;
    enum reduction_op op;
    size_t elem_bytes;
    const char *x, *y;
    int64_t n;
};

/* Share `i` of `shares`, in whole cache lines. */
static struct reduction share(const struct whole *w, int i, int shares)
{
    int64_t chunk = (w->n / shares + 256) / 256 * 256;
    int64_t first = smaller(i * chunk, w->n), count = smaller(chunk, w->n - first);
    struct reduction part = {0, -1};

    if (count > 0) {
        part = w->span(w->x + (size_t)first * w->elem_bytes, w->y + (size_t)first * w->elem_bytes,
                       count);
        part.at += first;
    }
    return part;
}

/* The shares are folded in order: the result does not depend on who took which. */
static struct reduction split(const struct whole *w, int threads)
{
    struct reduction part[SHARES_MOST];
    int64_t bytes = w->n * (int64_t)w->elem_bytes;
    int team = (int)smaller(smaller(threads, SHARES_MOST), bytes / THREAD_BYTES);
    bool free_for_all = bytes >= FREE_BYTES;
    int shares = free_for_all ? (int)smaller(SHARES_MOST, bytes / SHARE_BYTES) : team;

    if (team <= 1)
        return w->span(w->x, w->y, w->n);
#pragma omp parallel num_threads(team)
    {
        if (free_for_all) {
#pragma omp for schedule(dynamic, 1) nowait
            for (int i = 0; i < shares; i++)
                part[i] = share(w, i, shares);
        } else { /* always the same part for the same thread: it may still lie in its cache */
            for (int i = omp_get_thread_num(); i < shares; i += omp_get_num_threads())
                part[i] = share(w, i, shares);
        }
    }
    return fold(part, shares, w->op);
}

static inline vd vd_max(vd a, vd b)
{
#if SIMD_BYTES == 64
    return (vd)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif SIMD_BYTES == 32
    return (vd)_mm256_max_pd((__m256d)a, (__m256d)b);
#elif defined(__SSE2__)
    return (vd)_mm_max_pd((__m128d)a, (__m128d)b);
#else
    return a > b ? a : b;
#endif
}

static inline double vd_reduce_max(vd v)
{
    double part[VD];

    memcpy(part, &v, sizeof v);
    for (int half = VD / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            part[i] = part[i] > part[i + half] ? part[i] : part[i + half];
    return part[0];
}

/* Lowest lane that equals `x`, or -1. */
#define FIND(name, vec, width, scalar)                                                 \
    static inline int name(vec v, scalar x)                                            \
    {                                                                                  \
        scalar part[width];                                                            \
        int found = -1;                                                                \
                                                                                       \
        memcpy(part, &v, sizeof v);                                                    \
        for (int i = width - 1; i >= 0; i--)                                           \
            found = part[i] == x ? i : found;                                          \
        return found;                                                                  \
    }

#if SIMD_BYTES == 64
static inline int vf_find(vf v, float x)
{
    unsigned mask = _mm512_cmp_ps_mask((__m512)v, _mm512_set1_ps(x), _CMP_EQ_OQ);

    return mask ? __builtin_ctz(mask) : -1;
}

static inline int vd_find(vd v, double x)
{
    unsigned mask = _mm512_cmp_pd_mask((__m512d)v, _mm512_set1_pd(x), _CMP_EQ_OQ);

    return mask ? __builtin_ctz(mask) : -1;
}
#else
FIND(vf_find, vf, VF, float)
FIND(vd_find, vd, VD, double)
#endif

/* step(s, a, b): what one vector of x (and y) adds to the running vector s. */
#define SUM_STEP(s, a, b) ((s) + (a))
#define DOT_STEP(s, a, b) ((s) + (a) * (b))
#define NORM_STEP(s, a, b) ((s) + (a) * (a))

#define ADD(name, elem, vec, width, load, reduce, step)                                \
    static struct reduction name(const void *from, const void *and, int64_t n)         \
    {                                                                                  \
        const elem *x = from, *y = and;                                                \
        double total = 0;                                                              \
                                                                                       \
        (void)y;                                                                       \
        for (int64_t block; n > 0; n -= block, x += block, y += block) {               \
            vec s[CHAINS] = {{0}};                                                     \
            int64_t i = 0;                                                             \
                                                                                       \
            block = smaller(n, BLOCK);                                                 \
            for (; i + CHAINS * width <= block; i += CHAINS * width)                   \
                _Pragma("GCC unroll 8")                                                \
                for (int c = 0; c < CHAINS; c++)                                       \
                    s[c] = step(s[c], load(x + i + c * width), load(y + i + c * width)); \
            for (; i + width <= block; i += width)                                     \
                s[0] = step(s[0], load(x + i), load(y + i));                           \
            if (i < block) {                                                           \
                elem a[width] = {0}, b[width] = {0};                                   \
                                                                                       \
                memcpy(a, x + i, (size_t)(block - i) * sizeof *a);                     \
                memcpy(b, y + i, (size_t)(block - i) * sizeof *b);                     \
                s[1] = step(s[1], load(a), load(b));                                   \
            }                                                                          \
            total += reduce(((s[0] + s[1]) + (s[2] + s[3])) +                          \
                            ((s[4] + s[5]) + (s[6] + s[7])));                          \
        }                                                                              \
        return (struct reduction){total, 0};                                           \
    }

/* Largest of n >= 1 elements, the tail padded with the first element. */
#define TOP(name, elem, vec, width, scalar, load, larger, reduce)                      \
    static scalar name(const elem *x, int64_t n)                                       \
    {                                                                                  \
        elem a[width];                                                                 \
        int64_t i = 0, rest = n % width;                                               \
        vec s[CHAINS];                                                                 \
                                                                                       \
        for (int c = 0; c < width; c++)                                                \
            a[c] = x[c < rest ? n - rest + c : 0];                                     \
        for (int c = 0; c < CHAINS; c++)                                               \
            s[c] = load(a);                                                            \
        for (; i + CHAINS * width <= n; i += CHAINS * width)                           \
            _Pragma("GCC unroll 8")                                                    \
            for (int c = 0; c < CHAINS; c++)                                           \
                s[c] = larger(s[c], load(x + i + c * width));                          \
        for (; i + width <= n; i += width)                                             \
            s[0] = larger(s[0], load(x + i));                                          \
        for (int half = CHAINS / 2; half > 0; half /= 2)                               \
            for (int c = 0; c < half; c++)                                             \
                s[c] = larger(s[c], s[c + half]);                                      \
        return reduce(s[0]);                                                           \
    }

#define MAX_SPAN(name, elem, top)                                                      \
    static struct reduction name(const void *x, const void *y, int64_t n)              \
    {                                                                                  \
        (void)y;                                                                       \
        return (struct reduction){top(x, n), 0};                                       \
    }

#define ARGMAX_SPAN(name, elem, width, scalar, load, top_of, find)                     \
    static struct reduction name(const void *from, const void *y, int64_t n)           \
    {                                                                                  \
        const elem *x = from;                                                          \
        scalar top = top_of(x, smaller(n, SCAN));                                      \
        int64_t at = 0, i, end;                                                        \
                                                                                       \
        (void)y;                                                                       \
        for (int64_t b = SCAN; b < n; b += SCAN) {                                     \
            scalar next = top_of(x + b, smaller(n - b, SCAN));                         \
                                                                                       \
            at = next > top ? b : at;                                                  \
            top = next > top ? next : top;                                             \
        }                                                                              \
        end = smaller(n, at + SCAN);                                                   \
        for (i = at; i + width <= end; i += width) {                                   \
            int lane = find(load(x + i), top);                                         \
                                                                                       \
            if (lane >= 0)                                                             \
                return (struct reduction){top, i + lane};                              \
        }                                                                              \
        /* not among the whole vectors: the last `width` elements hold it */           \
        if (end >= width)                                                              \
            i = end - width + find(load(x + end - width), top);                        \
        else {                                                                         \
            elem a[width];                                                             \
                                                                                       \
            for (int c = 0; c < width; c++)                                            \
                a[c] = x[c < end ? c : end - 1];                                       \
            i = find(load(a), top);                                                    \
        }                                                                              \
        return (struct reduction){top, i};                                             \
    }

#define ENTRY(name, span, op, elem)                                                    \
    static struct reduction name(const void *x, const void *y, int64_t n, int threads) \
    {                                                                                  \
        struct whole w = {span, op, sizeof(elem), x, y ? y : x, n};                    \
                                                                                       \
        return split(&w, threads);                                                     \
    }

#define TOPS(dtype, elem, vec, width, scalar, load, larger, reduce, find)              \
    TOP(dtype##_top, elem, vec, width, scalar, load, larger, reduce)                   \
    MAX_SPAN(dtype##_max_span, elem, dtype##_top)                                      \
    ARGMAX_SPAN(dtype##_argmax_span, elem, width, scalar, load, dtype##_top, find)     \
    ENTRY(dtype##_max, dtype##_max_span, REDUCTION_MAX, elem)                          \
    ENTRY(dtype##_argmax, dtype##_argmax_span, REDUCTION_ARGMAX, elem)

#define SUMS(dtype, elem, vec, width, load, reduce, sum_step, dot_step, norm_step)     \
    ADD(dtype##_sum_span, elem, vec, width, load, reduce, sum_step)                    \
    ADD(dtype##_dot_span, elem, vec, width, load, reduce, dot_step)                    \
    ADD(dtype##_norm2_span, elem, vec, width, load, reduce, norm_step)                 \
    ENTRY(dtype##_sum, dtype##_sum_span, REDUCTION_SUM, elem)                          \
    ENTRY(dtype##_dot, dtype##_dot_span, REDUCTION_DOT, elem)                          \
    ENTRY(dtype##_norm2, dtype##_norm2_span, REDUCTION_NORM2, elem)

SUMS(f32, float, vf, VF, vf_load, vf_reduce_add, SUM_STEP, DOT_STEP, NORM_STEP)
SUMS(f64, double, vd, VD, vd_load, vd_reduce_add, SUM_STEP, DOT_STEP, NORM_STEP)
SUMS(f16, uint16_t, vf, VF, vf_load_f16, vf_reduce_add, SUM_STEP, DOT_STEP, NORM_STEP)
TOPS(f32, float, vf, VF, float, vf_load, vf_max, vf_reduce_max, vf_find)
TOPS(f64, double, vd, VD, double, vd_load, vd_max, vd_reduce_max, vd_find)
TOPS(f16, uint16_t, vf, VF, float, vf_load_f16, vf_max, vf_reduce_max, vf_find)
TOPS(bf16, uint16_t, vf, VF, float, vf_load_bf16, vf_max, vf_reduce_max, vf_find)

#ifdef __AVX512BF16__
/* Two products a lane and instruction, added in f32; a sum is a dot product with ones. */
static inline __m512bh load_pairs(const uint16_t *p)
{
    return (__m512bh)_mm512_loadu_si512(p);
}

#define PAIR_SUM(s, a, b)                                                              \
    (vf)_mm512_dpbf16_ps((__m512)(s), a, (__m512bh)_mm512_set1_epi16(0x3f80))
#define PAIR_DOT(s, a, b) (vf)_mm512_dpbf16_ps((__m512)(s), a, b)
#define PAIR_NORM(s, a, b) (vf)_mm512_dpbf16_ps((__m512)(s), a, a)
SUMS(bf16, uint16_t, vf, 32, load_pairs, vf_reduce_add, PAIR_SUM, PAIR_DOT, PAIR_NORM)
#else
SUMS(bf16, uint16_t, vf, VF, vf_load_bf16, vf_reduce_add, SUM_STEP, DOT_STEP, NORM_STEP)
#endif

#define ROW(op)                                                                        \
    {                                                                                  \
        [DTYPE_F32] = f32_##op, [DTYPE_F64] = f64_##op, [DTYPE_F16] = f16_##op,        \
        [DTYPE_BF16] = bf16_##op                                                       \
    }

const struct reduction_simd ISA_SYMBOL(reduction_simd) = {
    .op = {[REDUCTION_SUM] = ROW(sum), [REDUCTION_DOT] = ROW(dot), [REDUCTION_MAX] = ROW(max),
           [REDUCTION_ARGMAX] = ROW(argmax), [REDUCTION_NORM2] = ROW(norm2)},
};
