/* SPDX-License-Identifier: MIT */
/* The assumptions: every parameter that no timing fits has one for every generation, and what
 * rests on them is as uncertain as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "projection/parameters.h"

static void test_every_unfitted_parameter_has_one(void **state)
{
    struct knob knob[KNOBS];
    struct parameters p;
    int n = knobs_list(knob), found = 0;

    (void)state;
    parameters_init(&p);
    for (int i = 0; i < n; i++) {
        const struct assumption *a;

        if (knob[i].who != WHO_F)
            continue;
        a = assumption_find(knob[i].name, (enum family)(knob[i].family < 0 ? 0 : knob[i].family));
        if (!a)
            fail_msg("'%s' has no assumption for '%s'", knob[i].name, family_name(knob[i].family));
        assert_true(*knob_value(&p, &knob[i]) == a->value);
        assert_true(*knob_value((struct parameters *)parameters_builtin(), &knob[i]) == a->value);
        found++;
    }
    assert_int_equal(found, 8 + 3 * FAMILIES);
}

static void test_no_two_speak_of_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < assumption_count(); i++)
        for (int j = 0; j < i; j++)
            if (strcmp(assumption_at(i)->name, assumption_at(j)->name) == 0)
                assert_int_equal(assumption_at(i)->families & assumption_at(j)->families, 0);
    assert_null(assumption_at(assumption_count()));
    assert_null(assumption_find("no such", FAMILY_ADA));
}

static void test_a_copy_is_as_uncertain_as_the_link(void **state)
{
    const struct gpu *gpu = gpu_find("a100-sxm-80gb", NULL);
    const struct assumption *share = assumption_find("pageable_share", gpu->family);
    double link_us = 1e9 / gpu->link_bytes_per_s * 1e6;
    struct forecast f, launch;
    struct operation op = {.op = "launch", .dtype = DTYPE_F32};
    const struct assumption *cost = assumption_find("launch_us", gpu->family);

    (void)state;
    assert_int_equal(project_transfer(gpu, 1e9, MEMORY_PAGEABLE, &f, NULL), 0);
    assert_true(f.time_us.low < 1.001 * link_us / share->high &&
                f.time_us.low > 0.9 * link_us / share->high);
    assert_true(f.time_us.high > 0.999 * link_us / share->low &&
                f.time_us.high < 1.1 * link_us / share->low);
    assert_non_null(strstr(f.why, "rests on assumptions: pageable_share 0.35 (0.15 to 0.7)"));
    assert_null(strstr(f.why, "pinned_share"));
    assert_int_equal(project(gpu, &op, TIMING_LAUNCH, &launch, NULL), 0);
    assert_true(launch.time_us.high - launch.time_us.value >= 0.99 * (cost->high - cost->value));
    assert_non_null(strstr(launch.why, "launch_us"));
}

static void test_start_up_is_its_range(void **state)
{
    const struct assumption *a = assumption_find("startup_us", FAMILY_OTHER);
    struct estimate us = project_startup_us();

    (void)state;
    assert_true(us.value == a->value && us.low == a->low && us.high == a->high);
    assert_true(us.low < us.value && us.value < us.high);
}

static void test_influences_move_the_time(void **state)
{
    const struct gpu *gpu = gpu_find("t4", NULL);
    struct operation op = {.op = "gemm", .dtype = DTYPE_F16, .m = 4096, .n = 4096, .k = 4096};
    struct influence influence[INFLUENCES];
    struct forecast f;
    int n = project_influences(gpu, &op, TIMING_KERNEL, influence), board = 0;

    (void)state;
    assert_int_equal(project(gpu, &op, TIMING_KERNEL, &f, NULL), 0);
    for (int i = 0; i < n; i++) {
        assert_true(influence[i].low_us <= f.time_us.value * 1.000001);
        assert_true(influence[i].high_us >= f.time_us.value * 0.999999);
        board += strcmp(influence[i].assumption->name, "board_watts") == 0;
        assert_string_not_equal(influence[i].assumption->name, "copy_us");
    }
    assert_int_equal(board, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_unfitted_parameter_has_one),
        cmocka_unit_test(test_no_two_speak_of_the_same),
        cmocka_unit_test(test_a_copy_is_as_uncertain_as_the_link),
        cmocka_unit_test(test_start_up_is_its_range),
        cmocka_unit_test(test_influences_move_the_time),
    };

    return cmocka_run_group_tests_name("assumption", tests, NULL, NULL);
}
