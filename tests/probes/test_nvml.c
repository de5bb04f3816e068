/* SPDX-License-Identifier: MIT */
/* The NVML probe against a made-up NVML (tests/emulator/nvml.c), found below a root of its
 * own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "probes/nvml_library.h"
#include "probes/probe.h"
#include "tests/probes/root.h"

extern const struct probe probe_nvml;

static char root[64] = "/tmp/offload-nvml-XXXXXX";

static int make_root(void **state)
{
    (void)state;
    return root_make(root, (const struct stand_in[]){{"libnvidia-ml.so.1", "libnvml.so"},
                                                     {"libcuda.so.1", "libcontext.so"},
                                                     {NULL, NULL}});
}

static int remove_root(void **state)
{
    (void)state;
    return root_remove(root);
}

static const struct nvml *library_or_skip(void)
{
    const struct nvml *nvml = nvml_library(root, NULL);

    if (!nvml) {
        print_message("no emulator; hint: make test\n");
        skip();
    }
    return nvml;
}

static double value_of(const struct metric *metric, int metrics, const double *value,
                       const char *name)
{
    for (int i = 0; i < metrics; i++)
        if (strcmp(metric[i].name, name) == 0)
            return value[i];
    fail_msg("no metric '%s'", name);
    return NAN;
}

static void test_probe_reads_the_gpu(void **state)
{
    const struct metric *metric;
    double value[PROBE_METRICS];
    int metrics;
    void *self;

    (void)state;
    library_or_skip();
    assert_int_equal(probe_nvml.open(&self, root, &metric, &metrics, NULL), 0);
    assert_int_equal(probe_nvml.start(self, NULL), 0);
    assert_int_equal(probe_nvml.stop(self, value), 0);
    assert_true(fabs(value_of(metric, metrics, value, "energy") - 5) < 1e-9);
    assert_true(value_of(metric, metrics, value, "power") == 250.5);
    assert_true(isnan(value_of(metric, metrics, value, "power_limit"))); /* not supported */
    assert_true(value_of(metric, metrics, value, "sm_clock_before") == 1.41e9);
    assert_true(value_of(metric, metrics, value, "memory_clock") == 1.215e9);
    assert_true(value_of(metric, metrics, value, "temperature") == 61);
    assert_true(value_of(metric, metrics, value, "held_by_heat") == 0);
    assert_true(value_of(metric, metrics, value, "pcie_generation") == 4);
    assert_true(value_of(metric, metrics, value, "pcie_width") == 16);
    probe_nvml.close(self);
}

static void test_throttle_reasons(void **state)
{
    static const struct {
        const char *reasons;
        int is_hot, is_starved;
    } cases[] = {{"0x1", 0, 0},  {"0x2", 0, 0},  {"0x4", 0, 1}, {"0x20", 1, 0},
                 {"0x40", 1, 0}, {"0x80", 0, 1}, {"0x8", 1, 0}, {"0x64", 1, 1}};
    const struct nvml *nvml = library_or_skip();
    struct gpu_state gpu;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("OFFLOAD_EMULATOR_THROTTLE", cases[i].reasons, 1);
        assert_int_equal(nvml_read(nvml, &gpu, NULL), 0);
        assert_true(gpu.is_hot == cases[i].is_hot);
        assert_true(gpu.is_starved == cases[i].is_starved);
        assert_int_equal(nvml_is_throttled(nvml), cases[i].is_hot || cases[i].is_starved);
    }
    unsetenv("OFFLOAD_EMULATOR_THROTTLE");
}

static void test_absences_say_why(void **state)
{
    const struct nvml *nvml = library_or_skip();
    struct gpu_state gpu;
    struct why why = {{0}};

    (void)state;
    setenv("OFFLOAD_EMULATOR_NO_CONTEXT", "1", 1);
    assert_int_equal(nvml_read(nvml, &gpu, &why), STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "no CUDA context"));
    assert_false(nvml_is_throttled(nvml));
    unsetenv("OFFLOAD_EMULATOR_NO_CONTEXT");
    setenv("OFFLOAD_EMULATOR_NVML_BUS", "0000:af:00.0", 1);
    assert_int_equal(nvml_read(nvml, &gpu, &why), STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "0000:3b:00.0"));
    unsetenv("OFFLOAD_EMULATOR_NVML_BUS");
    assert_null(nvml_library("/nowhere", &why));
    assert_non_null(strstr(why.text, "NVIDIA driver"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe_reads_the_gpu),
        cmocka_unit_test(test_throttle_reasons),
        cmocka_unit_test(test_absences_say_why),
    };

    return cmocka_run_group_tests_name("nvml", tests, make_root, remove_root);
}
