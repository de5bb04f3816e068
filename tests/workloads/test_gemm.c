/* SPDX-License-Identifier: MIT */
/* Products of 8-bit types: the reference against plain loops, what it may differ by, and which
 * sums do not fit. (Every variant against the reference: test_every.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/half.h"
#include "base/random.h"
#include "workloads/gemm/gemm.h"

enum { M = 5, N = 7, K = 300, BATCH = 2 };

/* c = 2 a b' - 3 c, both batches. */
static void check_reference(enum dtype dtype)
{
    static uint8_t a[BATCH * M * K], b[BATCH * N * K], c[BATCH * M * N * sizeof(int32_t)];
    static double want[BATCH * M * N], scale[BATCH * M * N];
    struct gemm g = {.dtype = dtype, .batch = BATCH, .m = M, .n = N, .k = K, .tb = true,
                     .alpha = 2, .beta = -3, .a = a, .b = b};

    random_fill(dtype, a, BATCH * M * K, 1);
    random_fill(dtype, b, BATCH * N * K, 2);
    random_fill(dtype_product(dtype), c, BATCH * M * N, 3);
    gemm_reference(&g, c, want, scale);
    for (int i = 0; i < BATCH * M * N; i++) {
        int batch = i / (M * N), row = i / N % M, column = i % N;
        double before = element_get(dtype_product(dtype), c, i), sum = 0, size = 0;

        for (int k = 0; k < K; k++) {
            double term = element_get(dtype, a, (batch * M + row) * K + k) *
                          element_get(dtype, b, (batch * N + column) * K + k);

            sum += term;
            size += fabs(term);
        }
        assert_true(want[i] == 2 * sum - 3 * before); /* exact: few bits, few terms */
        assert_true(scale[i] == 2 * size + 3 * fabs(before));
    }
}

static void test_reference(void **state)
{
    (void)state;
    check_reference(DTYPE_I8);
    check_reference(DTYPE_E4M3);
}

/* One row, b as [k,n]: long enough for threads to share the terms, with an uneven rest. */
static void test_shared_terms(void **state)
{
    enum { TERMS = 703, COLUMNS = 131 };
    static double a[TERMS], b[TERMS * COLUMNS], c[COLUMNS], scratch[4096], want[COLUMNS],
        scale[COLUMNS];
    static const enum dtype dtype[] = {DTYPE_F32, DTYPE_F64};

    (void)state;
    for (int i = 0; i < 6; i++) {
        enum dtype d = dtype[i % 2];
        struct gemm g = {.dtype = d, .batch = 1, .m = 1, .n = COLUMNS, .k = TERMS, .alpha = 2,
                         .beta = i < 4 ? -3 : 0, .a = a, .b = b, .c = c};

        random_fill(d, a, TERMS, 1);
        random_fill(d, b, TERMS * COLUMNS, 2);
        random_fill(d, c, COLUMNS, 3);
        gemm_reference(&g, c, want, scale);
        if (g.beta == 0)
            memset(c, 0xff, sizeof c);
        gemm_simd_run(&g, scratch, sizeof scratch, 1 + i / 2);
        for (int j = 0; j < COLUMNS; j++)
            assert_true(fabs(element_get(d, c, j) - want[j]) <=
                        (d == DTYPE_F32 ? 0x1p-20 : 0x1p-48) * scale[j]);
    }
}

static void test_bounds(void **state)
{
    const struct workload *w = workload_find("gemm");
    struct problem p = {.dtype = DTYPE_I8, .shape = {{64, 64, 64, 0, 1, 1, 0}}};

    (void)state;
    assert_int_equal(workload_arg_dtype(w, &p, 0), DTYPE_I8);
    assert_int_equal(workload_arg_dtype(w, &p, 2), DTYPE_I32);
    assert_int_equal(workload_arg_bytes(w, &p, 2), 64 * 64 * 4);
    assert_true(w->cost(&p).bytes_read == 2 * 64 * 64 && w->cost(&p).bytes_written == 4 * 64 * 64);
    assert_true(workload_error_bound(w, &p, 2, 1000, 1e6) == 0); /* integers are exact */
    p.dtype = DTYPE_E4M3;
    assert_int_equal(workload_arg_dtype(w, &p, 2), DTYPE_BF16);
    /* half a unit in the last place of bf16, and less than 1 % of what was added up */
    assert_true(workload_error_bound(w, &p, 2, 1, 0) >= 0x1p-8);
    assert_true(workload_error_bound(w, &p, 2, 0, 1) < 0.01);
}

static void test_sums_fit(void **state)
{
    const struct workload *w = workload_find("gemm");
    struct problem p = {.dtype = DTYPE_I8, .shape = {{1, 1, 131071, 0, 1, 1, 0}}};
    struct why why = {{0}};

    (void)state;
    assert_int_equal(workload_problem_check(w, &p, &why), 0);
    p.shape.n[2]++;
    assert_int_equal(workload_problem_check(w, &p, &why), STATUS_INVALID);
    assert_non_null(strstr(why.text, "may not fit the 32 bits"));
    p.dtype = DTYPE_F32;
    assert_int_equal(workload_problem_check(w, &p, &why), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_shared_terms),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_sums_fit),
    };

    return cmocka_run_group_tests_name("8-bit products", tests, NULL, NULL);
}
