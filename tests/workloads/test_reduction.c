/* SPDX-License-Identifier: MIT */
/* The reductions of every instruction set of this processor where the generic test does not
 * look: ties of argmax inside vectors, across blocks and across threads; tails of every
 * length; the error of a long sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/half.h"
#include "workloads/isa.h"
#include "workloads/reduction/reduction.h"

ISA_DECLARE(const struct reduction_simd, reduction_simd);

enum { MOST = 300000 };

static const struct reduction_simd *const table[] = {
#if defined(__x86_64__)
    &reduction_simd_baseline, &reduction_simd_avx2, &reduction_simd_avx512,
    &reduction_simd_avx512bf16
#else
    &reduction_simd_baseline
#endif
};
static const enum dtype dtypes[] = {DTYPE_F32, DTYPE_F64, DTYPE_F16, DTYPE_BF16};
static double array[MOST]; /* room for every dtype */

/* -1 everywhere but 2 at the places, -1 meaning none; where is the first? */
static void check_argmax(int64_t n, int64_t one, int64_t two)
{
    for (int isa = 0; isa <= (int)isa_best(); isa++)
        for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
            struct reduction r;

            for (int64_t i = 0; i < n; i++)
                element_set(dtypes[d], array, i, i == one || i == two ? 2 : -1);
            r = table[isa]->op[REDUCTION_ARGMAX][dtypes[d]](array, NULL, n, 3);
            assert_int_equal(r.at, one < 0 ? 0 : one);
            assert_true(r.value == (one < 0 ? -1 : 2));
            r = table[isa]->op[REDUCTION_MAX][dtypes[d]](array, NULL, n, 3);
            assert_true(r.value == (one < 0 ? -1 : 2));
        }
}

static void test_argmax_ties(void **state)
{
    (void)state;
    check_argmax(1, -1, -1);
    check_argmax(100, -1, -1);
    check_argmax(MOST, -1, -1);         /* all equal: the first of all */
    check_argmax(100, 3, 4);            /* one vector */
    check_argmax(5000, 4095, 4096);     /* two blocks */
    check_argmax(MOST, 99999, 100352);  /* two threads */
    check_argmax(MOST, MOST - 2, MOST - 1);
    check_argmax(MOST, 0, MOST - 1);
}

static void test_every_length(void **state)
{
    (void)state;
    for (int64_t n = 1; n < 700; n += n < 140 ? 1 : 37) {
        check_argmax(n, n - 1, -1);
        for (int isa = 0; isa <= (int)isa_best(); isa++)
            for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
                double sum = 0, squares = 0;

                for (int64_t i = 0; i < n; i++) { /* exact in every type */
                    element_set(dtypes[d], array, i, (double)(i % 7 - 3));
                    sum += (double)(i % 7 - 3);
                    squares += (double)((i % 7 - 3) * (i % 7 - 3));
                }
                assert_true(table[isa]->op[REDUCTION_SUM][dtypes[d]](array, NULL, n, 2).value ==
                            sum);
                assert_true(table[isa]->op[REDUCTION_DOT][dtypes[d]](array, array, n, 2).value ==
                            squares);
                assert_true(table[isa]->op[REDUCTION_NORM2][dtypes[d]](array, NULL, n, 2).value ==
                            squares);
            }
    }
}

/* Equal terms round alike, so a running f32 sum of them drifts with n. With blocks the drift ends
 * at the terms of one lane in one block: 16384 / (8 chains x 4 lanes) = 512 at most, and
 * 512 x 2^-25 = 1.5e-5. */
static void test_long_sum(void **state)
{
    int64_t n = 2 * MOST; /* the room holds twice as many floats */
    double want = (double)n * (double)0.1f;

    (void)state;
    for (int64_t i = 0; i < n; i++)
        ((float *)array)[i] = 0.1f;
    for (int isa = 0; isa <= (int)isa_best(); isa++) {
        double got = table[isa]->op[REDUCTION_SUM][DTYPE_F32](array, NULL, n, 1).value;

        assert_true(fabs(got - want) / want < 1.5e-5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_argmax_ties),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_long_sum),
    };

    return cmocka_run_group_tests_name("reductions", tests, NULL, NULL);
}
