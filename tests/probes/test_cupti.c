/* SPDX-License-Identifier: MIT */
/* The CUPTI probes against a made-up CUPTI (tests/emulator/cupti.c), which is strict about
 * the order of calls; planning stays the real library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <jansson.h>
#include <math.h>

#include "base/trace.h"
#include "probes/cuda_context.h"
#include "probes/probe.h"
#include "tests/probes/root.h"

extern const struct probe probe_cupti_activity, probe_cupti_counters;

static char root[64] = "/tmp/offload-cupti-XXXXXX";

static struct observed {
    const struct probe *probe;
    void *self;
    const struct metric *metric;
    int metrics, passes;
    double value[PROBE_METRICS];
    struct why why;
} seen;

static int make_root(void **state)
{
    (void)state;
    return root_make(root, (const struct stand_in[]){{"libcupti.so", "libcupti.so"},
                                                     {"libcuda.so.1", "libcontext.so"},
                                                     {NULL, NULL}});
}

static int remove_root(void **state)
{
    (void)state;
    return root_remove(root);
}

static int findings(void)
{
    char path[128];
    void *library;
    int (*count)(void);

    snprintf(path, sizeof path, "%s/usr/lib/libcupti.so", root);
    library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    assert_non_null(library);
    *(void **)&count = dlsym(library, "emulator_findings");
    assert_non_null(count);
    dlclose(library);
    return count();
}

static void open_or_skip(const struct probe *probe)
{
    seen = (struct observed){.probe = probe};
#ifdef __SANITIZE_ADDRESS__ /* ends the program at the first dlopen with RTLD_DEEPBIND */
    if (probe == &probe_cupti_counters) {
        print_message("NVIDIA's libnvperf_host.so cannot be opened under AddressSanitizer\n");
        skip();
    }
#endif
    if (probe->open(&seen.self, root, &seen.metric, &seen.metrics, &seen.why) != 0) {
        print_message("%s\n", seen.why.text);
        skip();
    }
}

/* All passes over nothing, as the observer does; the status of the first failure. */
static int observe(const struct probe_subject *subject)
{
    int again = PROBE_AGAIN;

    for (int i = 0; i < PROBE_METRICS; i++)
        seen.value[i] = NAN;
    if (seen.probe->aim)
        seen.probe->aim(seen.self, subject);
    for (seen.passes = 0; again == PROBE_AGAIN; seen.passes++) {
        int status = seen.probe->start(seen.self, &seen.why);

        if (status)
            return status;
        again = seen.probe->stop(seen.self, seen.value);
        assert_true(seen.passes < 50);
    }
    return again;
}

static double value_of(const char *name)
{
    for (int i = 0; i < seen.metrics; i++)
        if (strcmp(seen.metric[i].name, name) == 0)
            return seen.value[i];
    fail_msg("no metric '%s'", name);
    return NAN;
}

static void assert_near(double value, double want)
{
    if (!(fabs(value - want) <= 1e-9 * fabs(want) + 1e-12))
        fail_msg("%g, not %g", value, want);
}

static const struct probe_subject gemm_f32 = {DTYPE_F32, 2e9, 1e6};

static void test_activity_adds_up(void **state)
{
    (void)state;
    open_or_skip(&probe_cupti_activity);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(observe(&gemm_f32), 0);
        assert_int_equal(seen.passes, 1);
        assert_near(value_of("kernel_time"), 1.5e-3);
        assert_near(value_of("kernels"), 2);
        assert_near(value_of("copy_time"), 2e-6);
        assert_near(value_of("copied"), 4096);
        assert_near(value_of("fill_time"), 1e-6);
        assert_near(value_of("launch_call"), 8e-6);
        assert_near(value_of("launch_latency"), 40e-6);
        assert_near(value_of("cupti_overhead"), 3e-6);
        assert_near(value_of("dropped"), 0);
    }
    seen.probe->close(seen.self);
    assert_int_equal(findings(), 0);
}

static void test_buffers_are_bounded_and_drops_counted(void **state)
{
    (void)state;
    open_or_skip(&probe_cupti_activity);
    setenv("OFFLOAD_EMULATOR_HOLD", "1", 1);
    assert_int_equal(observe(&gemm_f32), 0);
    assert_near(value_of("dropped"), 7);
    unsetenv("OFFLOAD_EMULATOR_HOLD");
    assert_int_equal(observe(&gemm_f32), 0); /* all buffers came back */
    assert_near(value_of("kernels"), 2);
    assert_near(value_of("dropped"), 0);
    seen.probe->close(seen.self);
    assert_int_equal(findings(), 0);
}

/* Kernels and copies stand in the trace, on our clock and with their names escaped. */
static void test_activity_is_traced(void **state)
{
    char path[128];
    json_t *trace, *event;
    size_t i, kernels = 0, others = 0;
    json_int_t track;

    (void)state;
    open_or_skip(&probe_cupti_activity);
    snprintf(path, sizeof path, "%s/trace.json", root);
    assert_int_equal(trace_open(path, NULL), 0);
    assert_int_equal(observe(&gemm_f32), 0);
    trace_close();
    trace = json_load_file(path, 0, NULL);
    assert_true(json_is_array(trace));
    json_array_foreach(trace, i, event) {
        const char *category = json_string_value(json_object_get(event, "cat"));

        if (!category)
            continue;
        others++;
        track = json_integer_value(json_object_get(event, "tid"));
        if (strcmp(category, "copy") == 0) /* each on its own stream's line */
            assert_int_equal(track, TRACK_STREAM + 8);
        if (strcmp(category, "fill") == 0)
            assert_int_equal(track, TRACK_STREAM + 9);
        if (strcmp(category, "driver") == 0)
            assert_int_equal(track, TRACK_DRIVER);
        if (strcmp(category, "kernel") != 0)
            continue;
        kernels++;
        assert_string_equal(json_string_value(json_object_get(event, "name")),
                            "void gemm<\"tile\">(float *)");
        assert_int_equal(track, TRACK_STREAM + 7);
        assert_true(json_number_value(json_object_get(event, "ts")) > 0);
        assert_true(json_number_value(json_object_get(event, "ts")) < 5e6);
    }
    assert_int_equal(kernels, 2);
    assert_int_equal(others, 2 + 2 + 1 + 1); /* kernels, launches, copy, fill */
    json_decref(trace);
    seen.probe->close(seen.self);
}

static void test_counters_over_all_passes(void **state)
{
    (void)state;
    open_or_skip(&probe_cupti_counters);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(observe(&gemm_f32), 0);
        assert_true(seen.passes > 1);
        assert_near(value_of("gpu_time"), 100e-9);
        assert_near(value_of("sm_active"), 50);
        assert_near(value_of("fp_ops_f32"), 100 + 100 + 2 * 100);
        assert_near(value_of("tensor_ops_tf32"), 100);
        assert_near(value_of("fp_ops"), 400 + 100);
        assert_near(value_of("stall_memory"), 2);
        assert_true(isnan(value_of("fp_ops_f64"))); /* not of this type: not read */
    }
    seen.probe->close(seen.self);
    assert_int_equal(findings(), 0);
}

static void test_work_and_chip_choose_the_counters(void **state)
{
    static const struct probe_subject launch = {DTYPE_F32, 0, 0};

    (void)state;
    open_or_skip(&probe_cupti_counters);
    assert_int_equal(observe(&launch), 0);
    assert_int_equal(seen.passes, 1);
    assert_true(isnan(value_of("fp_ops")) && isnan(value_of("occupancy")));
    setenv("OFFLOAD_EMULATOR_CHIP", "GA10B", 1); /* a board: DRAM is the system's */
    assert_int_equal(observe(&launch), 0);
    assert_near(value_of("dram_bytes"), 32 * 100);
    unsetenv("OFFLOAD_EMULATOR_CHIP");
    seen.probe->close(seen.self);
    assert_int_equal(findings(), 0);
}

static void test_a_cell_that_fails_leaves_no_session(void **state)
{
    (void)state;
    open_or_skip(&probe_cupti_counters);
    seen.probe->aim(seen.self, &gemm_f32);
    assert_int_equal(seen.probe->start(seen.self, &seen.why), 0);
    assert_int_equal(seen.probe->stop(seen.self, seen.value), PROBE_AGAIN); /* and no more */
    assert_int_equal(observe(&gemm_f32), 0);
    seen.probe->close(seen.self);
    assert_int_equal(findings(), 0);
}

/* What was started is stopped, also when its range cannot be ended. */
static void test_a_range_that_does_not_end(void **state)
{
    (void)state;
    open_or_skip(&probe_cupti_counters);
    setenv("OFFLOAD_EMULATOR_FAIL_POP", "1", 1);
    assert_int_equal(observe(&gemm_f32), STATUS_DEVICE);
    unsetenv("OFFLOAD_EMULATOR_FAIL_POP");
    assert_int_equal(observe(&gemm_f32), 0);
    seen.probe->close(seen.self);
    assert_int_equal(findings(), 0);
}

static void test_refusals_say_what_helps(void **state)
{
    static const struct {
        const char *fault, *words;
    } cases[] = {{"1", "NVreg_RestrictProfilingToAdminUsers=0"},
                 {"busy", "another profiler holds the GPU"},
                 {"old", "it is too old"}};

    (void)state;
    open_or_skip(&probe_cupti_counters);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("OFFLOAD_EMULATOR_NO_COUNTERS", cases[i].fault, 1);
        assert_int_equal(observe(&gemm_f32), STATUS_UNAVAILABLE);
        if (!strstr(seen.why.text, cases[i].words))
            fail_msg("'%s' does not say '%s'", seen.why.text, cases[i].words);
        assert_true(strlen(seen.why.text) < 160); /* a record's room for it */
    }
    unsetenv("OFFLOAD_EMULATOR_NO_COUNTERS");
    setenv("OFFLOAD_EMULATOR_NO_CONTEXT", "1", 1);
    assert_int_equal(observe(&gemm_f32), STATUS_UNAVAILABLE);
    unsetenv("OFFLOAD_EMULATOR_NO_CONTEXT");
    assert_int_equal(observe(&gemm_f32), 0); /* permission came back */
    seen.probe->close(seen.self);
    open_or_skip(&probe_cupti_activity); /* times need no permission */
    setenv("OFFLOAD_EMULATOR_NO_COUNTERS", "1", 1);
    assert_int_equal(observe(&gemm_f32), 0);
    unsetenv("OFFLOAD_EMULATOR_NO_COUNTERS");
    seen.probe->close(seen.self);
    assert_int_equal(findings(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activity_adds_up),
        cmocka_unit_test(test_buffers_are_bounded_and_drops_counted),
        cmocka_unit_test(test_activity_is_traced),
        cmocka_unit_test(test_counters_over_all_passes),
        cmocka_unit_test(test_work_and_chip_choose_the_counters),
        cmocka_unit_test(test_a_cell_that_fails_leaves_no_session),
        cmocka_unit_test(test_a_range_that_does_not_end),
        cmocka_unit_test(test_refusals_say_what_helps),
    };

    return cmocka_run_group_tests_name("cupti", tests, make_root, remove_root);
}
