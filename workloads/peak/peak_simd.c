/* SPDX-License-Identifier: MIT */
/* The arithmetic and the reading rate of this processor. fma: CHAINS independent vectors, so
 * that the latency of a multiply-add (4 cycles, two a cycle) is hidden; all operands stay in
 * registers. read: CHAINS running sums, so that additions never bound it. */
#include "workloads/peak/peak.h"

#include <omp.h>

#include "base/half.h"
#include "workloads/isa.h"
#include "workloads/simd.h"

/* 12 of 16 registers would do as well; 8 divide PEAK_LANES and 4 cycles x 2 need 8. */
enum { CHAINS = SIMD_BYTES == 64 ? 16 : 8 };

/* One batch: CHAINS vectors of accumulators, kept in registers. */
#define FMA(name, elem, vec, width, load, store)                                       \
    static void name##_batch(const elem *x, elem *out, int64_t rounds)                 \
    {                                                                                  \
        vec s[CHAINS], factor = (elem)PEAK_FACTOR - (vec){0};                          \
        vec term = (elem)PEAK_TERM - (vec){0};                                         \
                                                                                       \
        for (int c = 0; c < CHAINS; c++)                                               \
            s[c] = load(x + c * width);                                                \
        for (int64_t r = 0; r < rounds; r++)                                           \
            _Pragma("GCC unroll 16")                                                   \
            for (int c = 0; c < CHAINS; c++)                                           \
                s[c] = s[c] * factor + term;                                           \
        for (int c = 0; c < CHAINS; c++)                                               \
            store(out + c * width, s[c]);                                              \
    }                                                                                  \
                                                                                       \
    static void name(const struct peak_call *p)                                        \
    {                                                                                  \
        const elem *x = p->x;                                                          \
        elem *out = p->out;                                                            \
                                                                                       \
        _Pragma("omp parallel for num_threads(p->threads) schedule(static)")           \
        for (int64_t i = 0; i < p->lanes; i += CHAINS * width)                         \
            name##_batch(x + i, out + i, p->rounds);                                   \
    }

FMA(f32_fma, float, vf, VF, vf_load, vf_store)
FMA(f64_fma, double, vd, VD, vd_load, vd_store)

#ifdef __AVX512BF16__
static void bf16_batch(const uint16_t *x, uint16_t *out, int64_t rounds)
{
    /* lower half 1/2, upper half 1/4 */
    const __m512bh weight = (__m512bh)_mm512_set1_epi32(0x3e803f00);
    __m512bh pair[CHAINS];
    __m512 s[CHAINS];

    for (int c = 0; c < CHAINS; c++) {
        s[c] = _mm512_setzero_ps();
        pair[c] = (__m512bh)_mm512_loadu_si512(x + c * 2 * VF);
    }
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 16
        for (int c = 0; c < CHAINS; c++)
            s[c] = _mm512_dpbf16_ps(s[c], pair[c], weight);
    for (int c = 0; c < CHAINS; c++)
        vf_store_bf16(out + c * VF, (vf)s[c]);
}

static void bf16_fma(const struct peak_call *p)
{
    const uint16_t *x = p->x;
    uint16_t *out = p->out;

#pragma omp parallel for num_threads(p->threads) schedule(static)
    for (int64_t i = 0; i < p->lanes; i += CHAINS * VF)
        bf16_batch(x + 2 * i, out + i, p->rounds);
}
#endif

#define READ(name, elem, vec, width, load, one, reduce)                                    \
    static double name##_span(const elem *x, int64_t n, int64_t rounds)                \
    {                                                                                  \
        double sum = 0;                                                                \
                                                                                       \
        for (int64_t r = 0; r < rounds; r++) {                                         \
            vec s[8] = {{0}};                                                          \
            int64_t i = 0;                                                             \
                                                                                       \
            __asm__ volatile("" : : "r"(x) : "memory"); /* every round really reads */ \
            for (; i + 8 * width <= n; i += 8 * width)                                 \
                _Pragma("GCC unroll 8")                                                \
                for (int c = 0; c < 8; c++)                                            \
                    s[c] += load(x + i + c * width);                                   \
            for (; i < n; i++)                                                         \
                s[0][0] += one(x[i]);                                                  \
            sum += reduce(((s[0] + s[1]) + (s[2] + s[3])) +                            \
                          ((s[4] + s[5]) + (s[6] + s[7])));                            \
        }                                                                              \
        return sum;                                                                    \
    }                                                                                  \
                                                                                       \
    static double name(const void *from, int64_t n, int64_t rounds, int threads)       \
    {                                                                                  \
        const elem *x = from;                                                          \
        double sum = 0;                                                                \
                                                                                       \
        _Pragma("omp parallel num_threads(threads) reduction(+ : sum)")                \
        {                                                                              \
            int64_t chunk = (n / omp_get_num_threads() + 1024) / 1024 * 1024;          \
            int64_t first = omp_get_thread_num() * chunk, count = n - first;           \
                                                                                       \
            if (count > 0)                                                             \
                sum += name##_span(x + first, count < chunk ? count : chunk, rounds);  \
        }                                                                              \
        return sum;                                                                    \
    }

#define ITSELF(x) (x)
READ(f32_read, float, vf, VF, vf_load, ITSELF, vf_reduce_add)
READ(f64_read, double, vd, VD, vd_load, ITSELF, vd_reduce_add)
READ(bf16_read, uint16_t, vf, VF, vf_load_bf16, float_from_bfloat, vf_reduce_add)

const struct peak_simd ISA_SYMBOL(peak_simd) = {
    .fma = {[DTYPE_F32] = f32_fma, [DTYPE_F64] = f64_fma,
#ifdef __AVX512BF16__
            [DTYPE_BF16] = bf16_fma,
#endif
    },
    .read = {[DTYPE_F32] = f32_read, [DTYPE_F64] = f64_read, [DTYPE_BF16] = bf16_read},
};
