/* SPDX-License-Identifier: MIT */
/* 16-bit floating types: every one of their values through base/half.h, rounding against its
 * definition, and the vectors of each instruction set this processor has against base/half.h;
 * with them the error of the vector exponentials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/random.h"
#include "tests/base/vectors.h"
#include "workloads/isa.h"

ISA_DECLARE(const struct vectors, vectors_simd);

static const struct vectors *const vectors[ISAS] = {
    [ISA_baseline] = &vectors_simd_baseline,
#if defined(__x86_64__)
    [ISA_avx2] = &vectors_simd_avx2,
    [ISA_avx512] = &vectors_simd_avx512,
    [ISA_avx512bf16] = &vectors_simd_avx512bf16,
#endif
};

enum { VALUES = 65536, SAMPLES = 1 << 20 };

static uint16_t narrow(enum dtype dtype, float value)
{
    return dtype == DTYPE_F16 ? half_from_float(value) : bfloat_from_float(value);
}

static float widen(enum dtype dtype, uint16_t bits)
{
    return dtype == DTYPE_F16 ? float_from_half(bits) : float_from_bfloat(bits);
}

/* The value by its definition: sign, exponent, fraction. */
static double defined(enum dtype dtype, uint16_t bits)
{
    int fraction_bits = dtype == DTYPE_F16 ? 10 : 7, bias = dtype == DTYPE_F16 ? 15 : 127;
    int fraction = bits & ((1 << fraction_bits) - 1);
    int exponent = (bits & 0x7fff) >> fraction_bits, top = 2 * bias + 1;
    double sign = bits & 0x8000 ? -1 : 1;

    if (exponent == top)
        return fraction ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexp(fraction, 1 - bias - fraction_bits);
    return sign * ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
}

static void each_value(enum dtype dtype)
{
    for (int i = 0; i < VALUES; i++) {
        uint16_t bits = (uint16_t)i;
        double want = defined(dtype, bits);
        float value = widen(dtype, bits);

        if (isnan(want)) {
            assert_true(isnan(value));
            assert_true(isnan(widen(dtype, narrow(dtype, value))));
            continue;
        }
        assert_true(value == want && !signbit(value) == !signbit(want));
        assert_int_equal(narrow(dtype, value), bits);
    }
}

/* Between each two neighbours: just below, at and just above the middle. */
static void each_middle(enum dtype dtype)
{
    int largest = dtype == DTYPE_F16 ? 0x7bff : 0x7f7f;

    for (int i = 0; i < largest; i++) {
        float below = widen(dtype, (uint16_t)i), above = widen(dtype, (uint16_t)(i + 1));
        float middle = (float)(((double)below + (double)above) / 2);

        assert_int_equal(narrow(dtype, middle), i + (i & 1)); /* ties to the even one */
        assert_int_equal(narrow(dtype, nextafterf(middle, 0)), i);
        assert_int_equal(narrow(dtype, nextafterf(middle, INFINITY)), i + 1);
        assert_int_equal(narrow(dtype, -middle), 0x8000 + i + (i & 1));
    }
}

static void test_values(void **state)
{
    (void)state;
    each_value(DTYPE_F16);
    each_value(DTYPE_BF16);
}

static void test_rounding(void **state)
{
    (void)state;
    each_middle(DTYPE_F16);
    each_middle(DTYPE_BF16);
    assert_int_equal(half_from_float(65519), 0x7bff);
    assert_int_equal(half_from_float(65520), 0x7c00);
    assert_int_equal(bfloat_from_float(3.4e38f), 0x7f80);
}

/* All of e4m3 by its definition; between neighbours the nearest, ties to the even one. */
static void test_e4m3(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        int exponent = i >> 3 & 15, fraction = i & 7;
        double size = exponent ? ldexp(8 + fraction, exponent - 10) : ldexp(fraction, -9);
        float value = float_from_e4m3((uint8_t)i);

        if ((i & 0x7f) == 0x7f) {
            assert_true(isnan(value) && isnan(float_from_e4m3(e4m3_from_float(value))));
            continue;
        }
        assert_true(value == (i & 0x80 ? -size : size) && !signbit(value) == !(i & 0x80));
        assert_int_equal(e4m3_from_float(value), i);
    }
    for (int i = 0; i < 0x7e; i++) {
        float middle = (float_from_e4m3((uint8_t)i) + float_from_e4m3((uint8_t)(i + 1))) / 2;

        assert_int_equal(e4m3_from_float(middle), i + (i & 1));
        assert_int_equal(e4m3_from_float(nextafterf(middle, 0)), i);
        assert_int_equal(e4m3_from_float(nextafterf(middle, INFINITY)), i + 1);
        assert_int_equal(e4m3_from_float(-middle), 0x80 + i + (i & 1));
    }
    assert_true(float_from_e4m3(0x7e) == 448);
    assert_int_equal(e4m3_from_float(1e9f), 0x7e);
    assert_int_equal(e4m3_from_float(-INFINITY), 0xfe);
}

static void test_e4m3_inputs_are_not_zero(void **state)
{
    enum { N = 100000 };
    static uint8_t bits[N];

    (void)state;
    random_fill(DTYPE_E4M3, bits, N, 1);
    for (int i = 0; i < N; i++)
        assert_true((bits[i] & 0x7f) > 0 && fabs(element_get(DTYPE_E4M3, bits, i)) <= 1);
}

/* vf_get of every value, VF at a time and one by one (an odd count). */
static void loads_agree(const struct vectors *v, enum dtype dtype)
{
    static uint16_t bits[VALUES];
    static float got[VALUES];

    for (int i = 0; i < VALUES; i++)
        bits[i] = (uint16_t)i;
    v->load(dtype, bits, got, VALUES - 1);
    for (int i = 0; i < VALUES - 1; i++) {
        float want = widen(dtype, bits[i]);

        assert_true(isnan(want) ? isnan(got[i]) : got[i] == want && signbit(got[i]) == signbit(want));
    }
}

/* Floats of every exponent, among them ties, infinities and the largest. */
static float sample(int i)
{
    uint64_t state = (uint64_t)i;
    uint32_t bits = (uint32_t)random_next(&state);
    float value;

    if (i % 4 == 0)
        bits = (bits & 0xffff0000u) | 0x8000u; /* a tie of bfloat16 */
    else if (i % 4 == 1)
        bits = (bits & 0xffffe000u) | 0x1000u; /* a tie of half */
    else if (i % 4 == 2)
        bits = (bits & 0x8fffffffu) | 0x30000000u; /* the exponents of half */
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void stores_agree(const struct vectors *v, enum isa isa, enum dtype dtype)
{
    float *x = malloc(SAMPLES * sizeof *x);
    uint16_t *got = malloc(SAMPLES * sizeof *got);

    assert_non_null(x);
    assert_non_null(got);
    for (int i = 0; i < SAMPLES; i++)
        x[i] = sample(i);
    v->store(dtype, x, got, SAMPLES - 1);
    for (int i = 0; i < SAMPLES - 1; i++) {
        uint16_t want = narrow(dtype, x[i]);

        if (isnan(x[i])) /* bfloat16: a NaN with its payload in the lower half is no promise */
            assert_true(dtype == DTYPE_BF16 || isnan(widen(dtype, got[i])));
        else if (isa == ISA_avx512bf16 && dtype == DTYPE_BF16 && fabsf(x[i]) < 0x1p-126f)
            assert_int_equal(got[i] & 0x7fff, 0); /* as simd.h says */
        else
            assert_int_equal(got[i], want);
    }
    free(x);
    free(got);
}

static double worst(void (*f)(const float *, float *, int64_t), double (*want)(double),
                    float from, float to)
{
    static float x[SAMPLES], y[SAMPLES];
    double largest = 0;

    for (int i = 0; i < SAMPLES; i++)
        x[i] = from + (to - from) * ((float)i / SAMPLES);
    f(x, y, SAMPLES - 1);
    for (int i = 0; i < SAMPLES - 1; i++)
        largest = fmax(largest, fabs(y[i] / want((double)x[i]) - 1));
    return largest;
}

static void exponential_ends(void (*f)(const float *, float *, int64_t), float least, float most)
{
    float x[] = {0, -INFINITY, INFINITY, NAN, least, most, -1e30f, 1e30f}, y[8];

    f(x, y, 8);
    assert_true(fabsf(y[0] - 1) < 2e-7f);
    assert_true(y[1] == 0 && isinf(y[2]) && isnan(y[3]));
    assert_true(y[4] >= 0 && y[4] < 0x1p-125f && isinf(y[5]) && y[6] == 0 && isinf(y[7]));
}

static void test_vectors(void **state)
{
    enum isa best = isa_best();

    (void)state;
    for (int isa = 0; isa <= (int)best && vectors[isa]; isa++) {
        const struct vectors *v = vectors[isa];
        double e = worst(v->exp, exp, -87.3f, 88.7f), e2 = worst(v->exp2, exp2, -125.9f, 127.9f);

        loads_agree(v, DTYPE_F16);
        loads_agree(v, DTYPE_BF16);
        stores_agree(v, (enum isa)isa, DTYPE_F16);
        stores_agree(v, (enum isa)isa, DTYPE_BF16);
        print_message("%s: exp within %.3g, exp2 within %.3g\n", isa_name((enum isa)isa), e, e2);
        assert_true(e < 3e-7 && e2 < 2e-7);
        exponential_ends(v->exp, -88, 89);
        exponential_ends(v->exp2, -127, 128);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_e4m3),
        cmocka_unit_test(test_e4m3_inputs_are_not_zero),
        cmocka_unit_test(test_vectors),
    };

    return cmocka_run_group_tests_name("16-bit types and vectors", tests, NULL, NULL);
}
