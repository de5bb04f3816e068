/* SPDX-License-Identifier: MIT */
/* A duel: rows open and check, medians leave contended samples out, ratios pair rounds, goals
 * are judged. Times are made up, not measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/duel.h"

static struct duel duel;

static int setup(void **state)
{
    static struct device host;
    static const char *const only[] = {"simd", "openblas", NULL};
    struct problem problem = {.dtype = DTYPE_F32, .shape = {{4, 8, 16, 0, 0, 1, 0}}};
    struct why why = {{0}};

    *state = &host;
    return device_open(&host, "cpu", &why) ||
           duel_open(&duel, workload_find("gemm"), &problem, &host, only, 0, 1, 1, &why);
}

static int teardown(void **state)
{
    duel_close(&duel);
    device_close(*state);
    return 0;
}

/* `ns` per round; `contended` rounds by number, -1 at the end. */
static void put(int row, const double *ns, size_t n, const int *contended)
{
    struct sample_set *set = &duel.set[row];

    series_clear(&set->wall_ns);
    series_clear(&set->contended);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(series_push(&set->wall_ns, ns[i]), 0);
    for (; *contended >= 0; contended++)
        assert_int_equal(series_push(&set->contended, *contended), 0);
}

static void test_median(void **state)
{
    const double ns[] = {10, 90, 20, 30};
    const int one[] = {1, -1}, two[] = {1, 3, -1};
    bool contended;

    (void)state;
    put(0, ns, 4, one);
    assert_true(duel_median_ns(&duel, &duel.row[0], &contended) == 20);
    assert_false(contended);
    put(0, ns, 4, two); /* too few are left: all count */
    assert_true(duel_median_ns(&duel, &duel.row[0], &contended) == 25);
    assert_true(contended);
}

static void test_ratio_and_goal(void **state)
{
    const double ours[] = {2, 4, 6}, other[] = {1, 8, 3};
    const int none[] = {-1};
    struct duel_goal met[] = {{"simd", "openblas", 2.0}, {0}};
    struct duel_goal missed[] = {{"simd", NULL, 1.5}, {"absent", NULL, 1}, {0}};
    FILE *file = tmpfile();

    (void)state;
    if (duel.rows < 2) /* no OpenBLAS here */
        skip();
    put(0, ours, 3, none);
    put(1, other, 3, none);
    assert_true(duel_ratio(&duel, &duel.row[0], &duel.row[1]) == 2);
    assert_ptr_equal(duel_find(&duel, "simd"), &duel.row[0]);
    assert_ptr_equal(duel_best_provider(&duel), &duel.row[1]);
    assert_int_equal(duel_print(&duel, met, file), 0);
    assert_int_equal(duel_print(&duel, missed, file), 1);
    fclose(file);
}

static void test_run(void **state)
{
    const int none[] = {-1};
    struct why why = {{0}};

    (void)state;
    for (int i = 0; i < duel.rows; i++)
        put(i, NULL, 0, none);
    assert_int_equal(duel_run(&duel, 2, 2, 1, &why), 0);
    assert_true(duel.set[0].wall_ns.n == 2 && duel_median_ns(&duel, &duel.row[0], NULL) > 0);
    assert_true(duel.row[0].error <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_ratio_and_goal),
        cmocka_unit_test(test_run),
    };

    return cmocka_run_group_tests_name("duel", tests, setup, teardown);
}
