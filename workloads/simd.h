/* SPDX-License-Identifier: MIT */
/* Vectors of the instruction set that this file is compiled for (see isa.h), by the
 * compiler's vector types: `vf` holds VF floats, `vd` VD doubles. The CPU's counterpart of
 * devices/dialect.h. Only X_simd.c rooms include it. */
#ifndef OFFLOAD_BENCH_SIMD_H
#define OFFLOAD_BENCH_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/terms.h"

/* The header of all extensions takes gcc 0.2 s to read, in each of 14 rooms. */
#if defined(__AVX__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

/* For a function with an enum dtype or bool argument that every caller gives as a constant:
 * one source, one specialised copy for each. */
#define SIMD_INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__)
#define SIMD_BYTES 64
#elif defined(__AVX2__)
#define SIMD_BYTES 32
#else
#define SIMD_BYTES 16
#endif

enum { VF = SIMD_BYTES / 4, VD = SIMD_BYTES / 8 };

typedef float vf __attribute__((vector_size(SIMD_BYTES)));
typedef double vd __attribute__((vector_size(SIMD_BYTES)));
typedef int32_t vi __attribute__((vector_size(SIMD_BYTES)));
typedef uint32_t vu __attribute__((vector_size(SIMD_BYTES)));
typedef uint16_t vh __attribute__((vector_size(SIMD_BYTES / 2))); /* VF 16-bit values */

static inline vf vf_set(float x)
{
    return x - (vf){0};
}

static inline vd vd_set(double x)
{
    return x - (vd){0};
}

static inline vf vf_load(const float *p)
{
    vf v;

    memcpy(&v, p, sizeof v);
    return v;
}

static inline vd vd_load(const double *p)
{
    vd v;

    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vf_store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

static inline void vd_store(double *p, vd v)
{
    memcpy(p, &v, sizeof v);
}

/* First n (0 ... VF) elements, the others `rest`. */
static inline vf vf_load_n(const float *p, size_t n, float rest)
{
#if SIMD_BYTES == 64
    return (vf)_mm512_mask_loadu_ps((__m512)vf_set(rest), (__mmask16)((1u << n) - 1), p);
#else
    vf v = vf_set(rest);

    memcpy(&v, p, n * sizeof *p);
    return v;
#endif
}

static inline void vf_store_n(float *p, vf v, size_t n)
{
#if SIMD_BYTES == 64
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
    memcpy(p, &v, n * sizeof *p);
#endif
}

/* Lane by lane: a where the mask (result of a comparison, 0 or -1) is set, else b. */
static inline vf vf_if(vi mask, vf a, vf b)
{
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

static inline vf vf_abs(vf v)
{
    return (vf)((vi)v & 0x7fffffff);
}

static inline vf vf_max(vf a, vf b)
{
#if SIMD_BYTES == 64
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif SIMD_BYTES == 32
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__SSE__)
    return (vf)_mm_max_ps((__m128)a, (__m128)b);
#else
    return vf_if(a > b, a, b);
#endif
}

/* bfloat16: the upper half of a float; stores round to nearest even. No NaN care: a NaN
 * whose payload lies in the lower half becomes infinity. The instruction of avx512bf16 keeps
 * NaN, but stores subnormal numbers (below 2^-126) as 0. */
static inline vf vf_load_bf16(const uint16_t *p)
{
    vh h;

    memcpy(&h, p, sizeof h);
    return (vf)(__builtin_convertvector(h, vu) << 16);
}

static inline vh vh_bf16(vf v)
{
#if defined(__AVX512BF16__)
    return (vh)_mm512_cvtneps_pbh((__m512)v);
#else
    vu bits = (vu)v;

    return __builtin_convertvector((bits + 0x7fff + (bits >> 16 & 1)) >> 16, vh);
#endif
}

static inline void vf_store_bf16(uint16_t *p, vf v)
{
    vh h = vh_bf16(v);

    memcpy(p, &h, sizeof h);
}

/* IEEE half precision, by F16C where there is one. */
static inline vf vf_load_f16(const uint16_t *p)
{
#if defined(__AVX512F__)
    return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif defined(__F16C__)
    return (vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#else
    vh h;
    vu bits, magnitude;
    vf normal, subnormal;

    memcpy(&h, p, sizeof h);
    bits = __builtin_convertvector(h, vu);
    magnitude = bits & 0x7fff;
    normal = (vf)((magnitude << 13) + 0x38000000 + ((vu)(magnitude >= 0x7c00) & 0x38000000));
    subnormal = __builtin_convertvector((vi)magnitude, vf) * 0x1p-24f;
    return (vf)((vu)vf_if((vi)(magnitude < 0x400), subnormal, normal) | (bits & 0x8000) << 16);
#endif
}

static inline vh vh_f16(vf v)
{
#if defined(__AVX512F__)
    return (vh)_mm512_cvtps_ph((__m512)v, 0);
#elif defined(__F16C__)
    return (vh)_mm256_cvtps_ph((__m256)v, 0);
#else
    vu bits = (vu)v, sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    vu normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13;
    vu subnormal = (vu)((vf)magnitude + 0.5f) - 0x3f000000;
    vu result = (vu)vf_if((vi)(magnitude < 0x38800000), (vf)subnormal, (vf)normal);

    result = (vu)vf_if((vi)(magnitude >= 0x477ff000), (vf)(0x7c00 + (vu){0}), (vf)result);
    result = (vu)vf_if((vi)(magnitude > 0x7f800000), (vf)(0x7e00 + (vu){0}), (vf)result);
    return __builtin_convertvector(sign | result, vh);
#endif
}

static inline void vf_store_f16(uint16_t *p, vf v)
{
    vh h = vh_f16(v);

    memcpy(p, &h, sizeof h);
}

/* Address of element i of an array of `dtype` (f32, f16, bf16). */
SIMD_INLINE void *simd_at(enum dtype dtype, const void *array, int64_t i)
{
    return (char *)array + i * (dtype == DTYPE_F32 ? 4 : 2);
}

/* Elements i ... i+VF-1 of an array of `dtype` (f32, f16, bf16) as floats, and back. */
SIMD_INLINE vf vf_get(enum dtype dtype, const void *array, int64_t i)
{
    if (dtype == DTYPE_F16)
        return vf_load_f16((const uint16_t *)array + i);
    if (dtype == DTYPE_BF16)
        return vf_load_bf16((const uint16_t *)array + i);
    return vf_load((const float *)array + i);
}

SIMD_INLINE void vf_put(enum dtype dtype, void *array, int64_t i, vf v)
{
    if (dtype == DTYPE_F16)
        vf_store_f16((uint16_t *)array + i, v);
    else if (dtype == DTYPE_BF16)
        vf_store_bf16((uint16_t *)array + i, v);
    else
        vf_store((float *)array + i, v);
}

/* The same for the first n (0 ... VF) of them; the others are read as `rest`. */
SIMD_INLINE vf vf_get_n(enum dtype dtype, const void *array, int64_t i, size_t n, float rest)
{
    uint16_t part[VF] = {0};
    float value[VF];

    if (dtype == DTYPE_F32)
        return vf_load_n((const float *)array + i, n, rest);
    memcpy(part, (const uint16_t *)array + i, n * sizeof *part);
    vf_store(value, vf_get(dtype, part, 0));
    for (size_t k = n; k < VF; k++)
        value[k] = rest;
    return vf_load(value);
}

SIMD_INLINE void vf_put_n(enum dtype dtype, void *array, int64_t i, vf v, size_t n)
{
    uint16_t part[VF];

    if (dtype == DTYPE_F32) {
        vf_store_n((float *)array + i, v, n);
        return;
    }
    vf_put(dtype, part, 0, v);
    memcpy((uint16_t *)array + i, part, n * sizeof *part);
}

/* vf_put past the caches, for results that would not be found there anyway: the line is not
 * read first. The address must be a multiple of what is stored (SIMD_BYTES for f32, half of
 * it otherwise); simd_fence() before others may read. */
SIMD_INLINE void vf_stream(enum dtype dtype, void *array, int64_t i, vf v)
{
#if SIMD_BYTES == 64
    if (dtype == DTYPE_F32)
        _mm512_stream_ps((float *)array + i, (__m512)v);
    else
        _mm256_stream_si256((__m256i *)((uint16_t *)array + i),
                            (__m256i)(dtype == DTYPE_F16 ? vh_f16(v) : vh_bf16(v)));
#elif SIMD_BYTES == 32
    if (dtype == DTYPE_F32)
        _mm256_stream_ps((float *)array + i, (__m256)v);
    else
        _mm_stream_si128((__m128i *)((uint16_t *)array + i),
                         (__m128i)(dtype == DTYPE_F16 ? vh_f16(v) : vh_bf16(v)));
#else
    vf_put(dtype, array, i, v);
#endif
}

SIMD_INLINE void vf_result(enum dtype dtype, bool is_streamed, void *array, int64_t i, vf v)
{
    if (is_streamed)
        vf_stream(dtype, array, i, v);
    else
        vf_put(dtype, array, i, v);
}

static inline void simd_fence(void)
{
#if defined(__SSE__)
    _mm_sfence();
#endif
}

/* v as the rows of a square matrix, in place: its columns. By halves: blocks off the diagonal
 * change places, then the same within each block. */
static inline void vf_transpose(vf v[VF])
{
#if defined(__clang__)
    for (int r = 0; r < VF; r++)
        for (int c = 0; c < r; c++) {
            float x = v[r][c];

            v[r][c] = v[c][r];
            v[c][r] = x;
        }
#else
#pragma GCC unroll 4
    for (int d = VF / 2; d > 0; d /= 2) {
        vi low, high;

        for (int l = 0; l < VF; l++) {
            low[l] = l & d ? VF + l - d : l;
            high[l] = l & d ? VF + l : l + d;
        }
#pragma GCC unroll 16
        for (int r = 0; r < VF; r++)
            if (!(r & d)) {
                vf a = v[r], b = v[r + d];

                v[r] = __builtin_shuffle(a, b, low);
                v[r + d] = __builtin_shuffle(a, b, high);
            }
    }
#endif
}

/* Sum and largest of all elements. Unrolled trees that the compiler turns into shuffles. */
static inline float vf_reduce_add(vf v)
{
#if SIMD_BYTES == 64
    return _mm512_reduce_add_ps((__m512)v);
#else
    float part[VF];

    memcpy(part, &v, sizeof v);
    for (int half = VF / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            part[i] += part[i + half];
    return part[0];
#endif
}

static inline float vf_reduce_max(vf v)
{
#if SIMD_BYTES == 64
    return _mm512_reduce_max_ps((__m512)v);
#else
    float part[VF];

    memcpy(part, &v, sizeof v);
    for (int half = VF / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            part[i] = part[i] > part[i + half] ? part[i] : part[i + half];
    return part[0];
#endif
}

static inline double vd_reduce_add(vd v)
{
    double part[VD];

    memcpy(part, &v, sizeof v);
    for (int half = VD / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            part[i] += part[i + half];
    return part[0];
}

/* e^x, relative error below 3e-7 (about 2 ulp) where the result is a normal number. From
 * -87.33 down the result fades to 0 (AVX-512: through the subnormal numbers), above 88.72 it
 * is infinite. NaN stays NaN. Cody-Waite reduction to |r| <= ln(2)/2, then a degree-6
 * polynomial (Taylor, the tail is r^7/5040 < 1.2e-7 relative), then the exponent. */
static inline vf vf_exp(vf x)
{
#if SIMD_BYTES == 64
    vf near = (vf)_mm512_min_ps(_mm512_set1_ps(104), _mm512_max_ps(_mm512_set1_ps(-104), (__m512)x));
    vf n = (vf)_mm512_roundscale_ps((__m512)(near * 0x1.715476p0f), 0);
#else
    const vf round = vf_set(0x1.8p23f); /* adding it leaves the nearest integer below */
    vf near = x, n = x * 0x1.715476p0f + round - round;
#endif
    vf r = near - n * 0x1.62e4p-1f - n * 0x1.7f7d1cp-20f;
    vf e = 1.0f + r * (1.0f + r * (0.5f + r * (0x1.555556p-3f + r * (0x1.555556p-5f +
           r * (0x1.111112p-7f + r * 0x1.6c16c2p-10f)))));
#if SIMD_BYTES == 64
    return (vf)_mm512_scalef_ps((__m512)e, (__m512)n);
#else
    vf scaled = (vf)((vi)e + (__builtin_convertvector(n, vi) << 23));

    scaled = vf_if(x < -87.33f, vf_set(0.0f), scaled);
    return vf_if(x > 88.72f, vf_set(__builtin_inff()), scaled);
#endif
}

/* 2^t, relative error below 2e-7 where the result is a normal number; 0 for very small t
 * (below -126 but for AVX-512) and -infinity, infinite from 128 up, NaN stays NaN. The cheapest exponential: e^x is
 * vf_exp2(x * LOG2_E) where an error of |x| 2^-24 more does not matter, as in a softmax,
 * whose x - max has it already. Polynomial: degree 5, relative minimax on [0, 1],
 * exact at 0 (rescaling by 2^0 again and again must not drift). */
#define LOG2_E 0x1.715476p0f
static inline vf vf_exp2(vf t)
{
#if SIMD_BYTES == 64
    vf f = (vf)_mm512_reduce_ps((__m512)t, _MM_FROUND_TO_NEG_INF); /* t - floor(t); 0 if infinite */
#else
    const vf round = vf_set(0x1.8p23f);
    vf n = t - 0.5f + round - round, f = t - n;
#endif
    vf e = 1.0f + f * (0x1.62e4bap-1f + f * (0x1.ebdb56p-3f + f * (0x1.c91ce6p-5f +
           f * (0x1.277856p-7f + f * 0x1.e974fap-10f))));
#if SIMD_BYTES == 64
    return (vf)_mm512_scalef_ps((__m512)e, (__m512)t); /* e * 2^floor(t) */
#else
    vf scaled = (vf)((vi)e + (__builtin_convertvector(n, vi) << 23));

    scaled = vf_if(t < -126.0f, vf_set(0.0f), scaled);
    return vf_if(t >= 128.0f, vf_set(__builtin_inff()), scaled);
#endif
}

/* Lane i of the result: lanes i and i ^ h of a (bit h of i clear) or b (set), added. */
SIMD_INLINE vf vf_fold(vf a, vf b, int h)
{
    vi lane = {0, 1, 2, 3,
#if SIMD_BYTES >= 32
               4, 5, 6, 7,
#endif
#if SIMD_BYTES >= 64
               8, 9, 10, 11, 12, 13, 14, 15,
#endif
    };
    vi is_b = (lane & h) != 0;

    return __builtin_shuffle(a, b, (lane & ~is_b) | (((lane ^ h) + VF) & is_b)) +
           __builtin_shuffle(a, b, ((lane ^ h) & ~is_b) | ((lane + VF) & is_b));
}

#define VF_FOLD(h)                                                                     \
    if (VF > (h)) {                                                                    \
        _Pragma("GCC unroll 8")                                                        \
        for (int i = 0; i < (h); i++)                                                  \
            x[i] = vf_fold(x[i], x[i + (h)], h);                                       \
    }

/* Element i of the result: the sum of the lanes of x[i], i < VF. Spelt out, or the compiler
 * leaves x, and with it the caller's accumulators, in memory. */
SIMD_INLINE vf vf_sums(vf *x)
{
    VF_FOLD(8)
    VF_FOLD(4)
    VF_FOLD(2)
    VF_FOLD(1)
    return x[0];
}

static inline vd vd_sums(const vd *x)
{
    vd sums;

    for (int i = 0; i < VD; i++)
        sums[i] = vd_reduce_add(x[i]);
    return sums;
}

/* Ask for the line of element i, soon to be read, into the second-level cache. Beyond the end
 * of the array it does nothing. */
SIMD_INLINE void vf_ask(enum dtype dtype, const void *array, int64_t i)
{
    __builtin_prefetch(simd_at(dtype, array, i), 0, 2);
}

#endif
