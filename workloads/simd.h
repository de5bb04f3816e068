/* SPDX-License-Identifier: MIT */
/* Vectors of the instruction set that this file is compiled for (see isa.h), by the
 * compiler's vector types: `vf` holds VF floats, `vd` VD doubles. The CPU's counterpart of
 * devices/dialect.h. Only X_simd.c rooms include it. */
#ifndef OFFLOAD_BENCH_SIMD_H
#define OFFLOAD_BENCH_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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
    vf v = vf_set(rest);

    memcpy(&v, p, n * sizeof *p);
    return v;
}

static inline void vf_store_n(float *p, vf v, size_t n)
{
    memcpy(p, &v, n * sizeof *p);
}

/* Lane by lane: a where the mask (result of a comparison, 0 or -1) is set, else b. */
static inline vf vf_if(vi mask, vf a, vf b)
{
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
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

/* bfloat16: the upper half of a float; stores round to nearest even (no NaN care: a NaN
 * whose payload lies in the lower half becomes infinity). */
static inline vf vf_load_bf16(const uint16_t *p)
{
    vh h;

    memcpy(&h, p, sizeof h);
    return (vf)(__builtin_convertvector(h, vu) << 16);
}

static inline void vf_store_bf16(uint16_t *p, vf v)
{
    vu bits = (vu)v;
    vh h = __builtin_convertvector((bits + 0x7fff + (bits >> 16 & 1)) >> 16, vh);

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

static inline void vf_store_f16(uint16_t *p, vf v)
{
#if defined(__AVX512F__)
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph((__m512)v, 0));
#elif defined(__F16C__)
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph((__m256)v, 0));
#else
    vu bits = (vu)v, sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    vu normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13;
    vu subnormal = (vu)((vf)magnitude + 0.5f) - 0x3f000000;
    vu result = (vu)vf_if((vi)(magnitude < 0x38800000), (vf)subnormal, (vf)normal);
    vh h;

    result = (vu)vf_if((vi)(magnitude >= 0x477ff000), (vf)(0x7c00 + (vu){0}), (vf)result);
    h = __builtin_convertvector(sign | result, vh);
    memcpy(p, &h, sizeof h);
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

/* e^x for x <= 88, relative error below 3e-7 (about 2 ulp); below -87 the result is 0.
 * Cody-Waite reduction to |r| <= ln(2)/2, then a degree-6 polynomial (Taylor, the tail is
 * r^7/5040 < 1.2e-7 relative), then the exponent by integer addition. */
static inline vf vf_exp(vf x)
{
    const vf round = vf_set(0x1.8p23f); /* adding it leaves the nearest integer below */
    vf n = x * 0x1.715476p0f + round - round;
    vf r = x - n * 0x1.62e4p-1f - n * 0x1.7f7d1cp-20f;
    vf e = 1.0f + r * (1.0f + r * (0.5f + r * (0x1.555556p-3f + r * (0x1.555556p-5f +
           r * (0x1.111112p-7f + r * 0x1.6c16c2p-10f)))));
    vf scaled = (vf)((vi)e + (__builtin_convertvector(n, vi) << 23));

    return vf_if(x < -87.0f, vf_set(0.0f), scaled);
}

#endif
