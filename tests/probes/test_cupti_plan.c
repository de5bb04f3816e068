/* SPDX-License-Identifier: MIT */
/* The plan of hardware counters resolves on every chip that CUPTI plans for. Needs CUPTI of
 * CUDA 12.6 or newer, no GPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "probes/cupti_plan.h"

enum { CHIPS = 256 };

static const struct cupti *cupti;
static struct cupti_plan plan;

static int open_library(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__ /* ends the program at the first dlopen with RTLD_DEEPBIND */
    print_message("NVIDIA's libnvperf_host.so cannot be opened under AddressSanitizer\n");
    return 0;
#endif
    cupti = cupti_library("/", NULL);
    return 0;
}

static int chips_or_skip(const char **chip)
{
    int chips = cupti ? cupti_chips(cupti, chip, CHIPS, NULL) : -1;

    if (chips < 0)
        skip();
    return chips;
}

static const struct counter *find(const char *name)
{
    for (int i = 0; i < plan.counters; i++)
        if (strcmp(plan.counter[i].metric.name, name) == 0)
            return &plan.counter[i];
    return NULL;
}

static void expect(const char *chip, const char *const *name)
{
    for (; *name; name++)
        if (!find(*name))
            fail_msg("%s has no '%s'", chip, *name);
}

/* Xavier: CUPTI 13.0 lists it and refuses it. */
static bool is_refused(const char *chip)
{
    return strcmp(chip, "GV11B") == 0;
}

static void test_every_chip_resolves(void **state)
{
    static const char *const needed[COUNTER_SETS][16] = {
        [COUNTERS_COMPUTE] = {"gpu_time", "sm_active", "tensor_active", "dram_bytes", "l2_bytes",
                              "fp_ops_f32", "fp_ops_f64", "fp_ops_f16", "occupancy",
                              "stall_memory", "stall_barrier", "stall_math"},
        [COUNTERS_MEMORY] = {"gpu_time", "sm_active", "dram_bytes", "l2_bytes", "fp_ops_f32",
                             "occupancy", "stall_memory"},
        [COUNTERS_OVERHEAD] = {"gpu_time", "sm_active", "dram_bytes", "l2_bytes"}};
    const char *chip[CHIPS];
    int chips = chips_or_skip(chip), planned = 0;

    (void)state;
    for (int i = 0; i < chips; i++)
        for (int set = 0; set < COUNTER_SETS; set++) {
            struct why why = {{0}};
            int status = cupti_plan_make(&plan, cupti, chip[i], NULL, (enum counter_set)set,
                                         COUNTERS_ALL_DTYPES, &why);

            assert_int_equal(cupti_chip_check(cupti, chip[i], NULL), status);
            if (status == STATUS_UNAVAILABLE && is_refused(chip[i])) {
                assert_non_null(strstr(why.text, "(CUPTI_ERROR_NOT_SUPPORTED)"));
                continue;
            }
            if (status)
                fail_msg("%s: %s", chip[i], why.text);
            expect(chip[i], needed[set]);
            assert_in_range(plan.passes, 1, 32);
            for (int c = 0; c < plan.counters; c++)
                assert_in_range(plan.counter[c].passes, 1, plan.passes);
            cupti_plan_release(&plan);
            planned++;
        }
    assert_true(planned >= 3 * (chips - 1));
}

static void test_a_cell_reads_its_own_type(void **state)
{
    const char *chip[CHIPS];

    (void)state;
    chips_or_skip(chip);
    assert_int_equal(
        cupti_plan_make(&plan, cupti, "GA100", NULL, COUNTERS_COMPUTE, DTYPE_F32, NULL), 0);
    assert_non_null(find("tensor_ops_tf32"));
    assert_null(find("tensor_ops_f16"));
    assert_null(find("fp_ops_f64"));
    cupti_plan_release(&plan);
    assert_int_equal(
        cupti_plan_make(&plan, cupti, "GH100", NULL, COUNTERS_COMPUTE, DTYPE_E4M3, NULL), 0);
    assert_non_null(find("tensor_ops_e4m3")); /* without it fp8 would seem to compute nothing */
    cupti_plan_release(&plan);
}

static void test_a_metric_adds_up_its_counters(void **state)
{
    const char *chip[CHIPS];
    double term[COUNTER_TERMS], value[PROBE_METRICS];
    const struct counter *ops;

    (void)state;
    chips_or_skip(chip);
    assert_int_equal(
        cupti_plan_make(&plan, cupti, "GH100", NULL, COUNTERS_COMPUTE, DTYPE_F32, NULL), 0);
    for (int i = 0; i < plan.terms; i++)
        term[i] = 10;
    cupti_plan_values(&plan, term, value);
    ops = find("fp_ops_f32");
    assert_non_null(ops);
    assert_true(value[ops - plan.counter] == 40); /* add + mul + 2 fma */
    cupti_plan_release(&plan);
}

static void test_unknown_chips_are_named(void **state)
{
    const char *chip[CHIPS];
    struct why why = {{0}};

    (void)state;
    chips_or_skip(chip);
    assert_int_equal(
        cupti_plan_make(&plan, cupti, "GH10", NULL, COUNTERS_COMPUTE, DTYPE_F32, &why),
        STATUS_INVALID);
    assert_non_null(strstr(why.text, "did you mean 'GH100'"));
}

static void test_work_decides_the_set(void **state)
{
    (void)state;
    assert_int_equal(counter_set_for(2e9, 1e6), COUNTERS_COMPUTE);
    assert_int_equal(counter_set_for(1e6, 2e6), COUNTERS_MEMORY);
    assert_int_equal(counter_set_for(0, 2e6), COUNTERS_MEMORY);
    assert_int_equal(counter_set_for(0, 0), COUNTERS_OVERHEAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_chip_resolves),
        cmocka_unit_test(test_a_cell_reads_its_own_type),
        cmocka_unit_test(test_a_metric_adds_up_its_counters),
        cmocka_unit_test(test_unknown_chips_are_named),
        cmocka_unit_test(test_work_decides_the_set),
    };

    return cmocka_run_group_tests_name("cupti plan", tests, open_library, NULL);
}
