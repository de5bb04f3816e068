/* SPDX-License-Identifier: MIT */
/* Provider rooms: each library is here with a version or absent with what to install, and
 * what they compute through our tables is right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "workloads/cblas.h"
#include "workloads/dnnl.h"
#include "workloads/provider.h"

static void test_list(void **state)
{
    struct provider_row row[PROVIDERS_MOST];
    int rows = provider_list(row, PROVIDERS_MOST);

    (void)state;
    assert_true(rows >= CBLAS_LIBRARIES + 2);
    for (int i = 0; i < rows; i++) {
        assert_non_null(row[i].name);
        if (row[i].is_found)
            assert_true(row[i].version[0] != '\0');
        else
            assert_non_null(strstr(row[i].missing.text, "hint: install"));
    }
    assert_int_equal(provider_list(row, 1), 1);
}

static void test_cblas(void **state)
{
    const double a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8};
    double c[4];

    (void)state;
    for (int i = 0; i < CBLAS_LIBRARIES; i++) {
        struct why why = {{0}};
        const struct cblas *library;

        if (cblas_open(&cblas[i], &why)) {
            print_message("%s\n", why.text);
            continue;
        }
        library = cblas_use(&cblas[i], 2);
        assert_true(library->ddot(4, a, 1, b, 1) == 70);
        assert_int_equal(library->idamax(4, a, 1), 3);
        library->dgemm(CBLAS_ROW_MAJOR, CBLAS_NO_TRANS, CBLAS_TRANS, 2, 2, 2, 1, a, 2, b, 2, 0,
                       c, 2);
        assert_true(c[0] == 17 && c[1] == 23 && c[2] == 39 && c[3] == 53);
    }
}

/* The primitive run on these slots. */
static void run(struct onednn *p, const void *const *slot)
{
    struct why why;

    assert_int_equal(onednn_bind(p, slot, &why), 0);
    assert_int_equal(onednn_run(p, 2, &why), 0);
    onednn_free(p);
}

static void test_onednn(void **state)
{
    const struct onednn_tensor matrix = {.dtype = DTYPE_F32, .rank = 2, .n = {2, 3}};
    const struct onednn_tensor one = {.dtype = DTYPE_F32, .rank = 2, .n = {1, 1}};
    const struct onednn_tensor wide = {.dtype = DTYPE_F64, .rank = 2, .n = {2, 3}};
    const float x[] = {1, 2, 3, 4, 5, 6}, scale[] = {1, 1, 1}, shift[] = {0, 1, 2};
    float y[6];
    struct onednn *p, *next;
    struct why why = {{0}};

    (void)state;
    if (onednn_available(NULL, &why)) {
        print_message("%s\n", why.text);
        assert_non_null(strstr(why.text, "hint: "));
        skip();
    }
    assert_int_equal(onednn_reduce(&p, ONEDNN_SUM, &matrix, &one, 2, &why), 0);
    assert_int_equal(onednn_run(p, 2, &why), STATUS_INVALID); /* nothing bound yet */
    run(p, (const void *[]){x, y});
    assert_true(y[0] == 21);
    assert_int_equal(onednn_reduce(&p, ONEDNN_MAX, &matrix, &one, 2, &why), 0);
    run(p, (const void *[]){x, y});
    assert_true(y[0] == 6);
    assert_int_equal(onednn_binary(&p, ONEDNN_MUL, &matrix, &matrix, &matrix, 2, &why), 0);
    run(p, (const void *[]){x, x, y});
    assert_true(y[5] == 36);
    assert_int_equal(onednn_binary(&p, ONEDNN_ADD, &matrix, &matrix, &matrix, 2, &why), 0);
    assert_int_equal(onednn_bind(p, (const void *[]){x, x, y}, &why), 0);
    assert_int_equal(onednn_swish(&next, &matrix, &matrix, 2, &why), 0);
    assert_int_equal(onednn_bind(next, (const void *[]){y, y}, &why), 0);
    onednn_then(p, next); /* y = swish(2 x) */
    run(p, (const void *[]){NULL, NULL, NULL});
    assert_true(fabsf(y[1] - 4 / (1 + expf(-4))) < 1e-6f);
    assert_int_equal(onednn_softmax(&p, &matrix, &matrix, 2, &why), 0);
    run(p, (const void *[]){x, y});
    assert_true(fabsf(y[0] + y[1] + y[2] - 1) < 1e-6f && y[2] > y[1]);
    assert_int_equal(onednn_layernorm(&p, &matrix, &matrix, 0, 2, &why), 0);
    run(p, (const void *[]){x, scale, shift, y});
    assert_true(fabsf(y[1] - 1) < 1e-5f && fabsf(y[5] - 2 - sqrtf(1.5f)) < 1e-5f);
    assert_int_equal(onednn_softmax(&p, &wide, &wide, 2, &why), STATUS_UNAVAILABLE);
    assert_null(p);
}

/* The leak checker itself dies on the thread-local storage of BLAS libraries that were opened
 * at run time; the other checks of a sanitized build stay on, leaks are looked for by the
 * tests that open none. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_cblas),
        cmocka_unit_test(test_onednn),
    };

    return cmocka_run_group_tests_name("providers", tests, NULL, NULL);
}
