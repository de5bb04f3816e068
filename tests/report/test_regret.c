/* SPDX-License-Identifier: MIT */
/* Regret of curves small enough to be done by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "report/regret.h"

#define assert_near(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static struct crossover_point at(double size, double ratio)
{
    return (struct crossover_point){.size = size, .log_ratio = {log(ratio), 0, 0}};
}

static void test_a_smooth_curve_costs_nothing(void **state)
{
    struct crossover_point p[] = {at(1, 0.25), at(2, 0.5), at(4, 0.9), at(8, 2), at(16, 4)};
    struct regret r;

    (void)state;
    regret_find(p, 5, &r);
    assert_int_equal(r.sizes, 5);
    assert_int_equal(r.right, 5); /* at 4: halfway (in logarithms) between 0.5 and 2 is no gain */
    assert_near(r.mean, 0);
}

/* Left out, the tooth at 4 is not foreseen: offload is advised where the CPU is twice as fast. */
static void test_a_tooth_is_lost(void **state)
{
    struct crossover_point p[] = {at(1, 2), at(2, 2), at(4, 0.5), at(8, 8), at(16, 8)};
    struct regret r;

    (void)state;
    regret_find(p, 5, &r);
    assert_int_equal(r.right, 3); /* at 2 the tooth next door drags the advice to the bar's edge */
    assert_near(r.worst, 1);
    assert_near(r.mean, (1.0 + 1.0) / 5);
}

static void test_two_sizes_say_nothing(void **state)
{
    struct crossover_point p[] = {at(1, 2), at(2, 2)};
    struct regret r;

    (void)state;
    regret_find(p, 2, &r);
    assert_int_equal(r.sizes, 0);
    assert_true(isnan(r.mean) && isnan(r.worst));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_smooth_curve_costs_nothing),
        cmocka_unit_test(test_a_tooth_is_lost),
        cmocka_unit_test(test_two_sizes_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
