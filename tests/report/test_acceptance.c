/* SPDX-License-Identifier: MIT */
/* The checks of gpu-check on records made up for each: what is right passes, what is off by a
 * factor is named, what was not looked at says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/acceptance.h"

enum { RECORDS = 8 };

static struct record made[RECORDS];
static struct results results;
static struct acceptance acceptance;

/* A CUDA cell of 100 us by events and 110 us by the wall. */
static struct record *make(const char *workload, const char *variant, const char *provider)
{
    struct record *r = &made[results.records++];

    record_init(r);
    r->kind = RECORD_CELL;
    r->device_kind = DEVICE_CUDA;
    r->evidence = EVIDENCE_MEASURED;
    r->outcome = OUTCOME_OK;
    r->dtype = DTYPE_F32;
    r->error = 0.1;
    r->flops = 2e9;
    r->bytes_read = 2e7;
    r->bytes_written = 1e7;
    snprintf(r->workload.text, sizeof r->workload.text, "%s", workload);
    snprintf(r->variant.text, sizeof r->variant.text, "%s", variant);
    snprintf(r->provider.text, sizeof r->provider.text, "%s", provider);
    snprintf(r->device.text, sizeof r->device.text, "cuda:0");
    series_push(&r->kernel_ns, 100e3);
    series_push(&r->wall_ns, 110e3);
    return r;
}

static void observe(struct record *r, const char *probe, const char *name, double value)
{
    struct measure m = {.value = value};

    snprintf(m.probe.text, sizeof m.probe.text, "%s", probe);
    snprintf(m.name.text, sizeof m.name.text, "%s", name);
    record_observe(r, &m);
}

static int begin(void **state)
{
    (void)state;
    memset(made, 0, sizeof made);
    results = (struct results){.record = made};
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < results.records; i++)
        record_release(&made[i]);
    acceptance_release(&acceptance);
    return 0;
}

/* Judge, and find the only check of that name. */
static const struct check *judged(const char *name)
{
    const struct check *found = NULL;

    acceptance_release(&acceptance);
    assert_int_equal(acceptance_judge(&acceptance, &results, NULL), 0);
    for (size_t i = 0; i < acceptance.checks; i++)
        if (strcmp(acceptance.check[i].name, name) == 0) {
            if (found)
                fail_msg("two checks of '%s'", name);
            found = &acceptance.check[i];
        }
    return found;
}

static void assert_result(const char *name, enum acceptance_result want)
{
    const struct check *check = judged(name);

    if (!check)
        fail_msg("no check '%s'", name);
    if (check->result != want)
        fail_msg("%s: %s, not %s: %s", name, acceptance_name(check->result),
                 acceptance_name(want), check->says);
}

static void test_results(void **state)
{
    struct record *r = make("softmax", "own", "");

    (void)state;
    assert_result("result", ACCEPTANCE_PASS);
    r->outcome = OUTCOME_WRONG;
    snprintf(r->why.text, sizeof r->why.text, "element 3 is off");
    assert_result("result", ACCEPTANCE_FAIL);
    assert_non_null(strstr(judged("result")->says, "element 3"));
    assert_null(judged("event and wall")); /* a wrong result is not timed */
    r->outcome = OUTCOME_SKIPPED;
    assert_result("result", ACCEPTANCE_ABSENT);
    r->device_kind = DEVICE_CPU;
    assert_null(judged("result"));
}

static void test_clocks_agree(void **state)
{
    struct record *r = make("softmax", "own", "");

    (void)state;
    assert_result("event and wall", ACCEPTANCE_PASS);
    assert_result("event and activity", ACCEPTANCE_ABSENT); /* nobody looked */
    observe(r, "cupti_activity", "kernel_time", 95e-6);
    observe(r, "cupti_activity", "copy_time", 0);
    observe(r, "cupti_activity", "fill_time", 0);
    observe(r, "cupti_activity", "dropped", 0);
    assert_result("event and activity", ACCEPTANCE_PASS);
    assert_result("records", ACCEPTANCE_PASS);
    r->measure[0].value = 10e-6;
    assert_result("event and activity", ACCEPTANCE_FAIL);
    r->measure[3].value = 2;
    assert_result("records", ACCEPTANCE_FAIL);
    r->wall_ns.value[0] = 50e3; /* the device cannot take longer than the wall */
    assert_result("event and wall", ACCEPTANCE_FAIL);
    r->evidence = EVIDENCE_SOFTWARE; /* times prove nothing there */
    assert_null(judged("event and wall"));
    assert_result("result", ACCEPTANCE_PASS);
}

static void test_counters(void **state)
{
    struct record *r = make("gemm", "tiled", "");
    struct measure no = {.value = NAN, .probe = {"cupti_counters"}, .name = {"gpu_time"},
                         .why = "no permission (ERR_NVGPUCTRPERM)"};

    (void)state;
    record_observe(r, &no);
    assert_result("counters", ACCEPTANCE_ABSENT);
    assert_non_null(strstr(judged("counters")->says, "ERR_NVGPUCTRPERM"));
    r->measures = 0;
    observe(r, "cupti_counters", "gpu_time", 1e-4);
    observe(r, "cupti_counters", "fp_ops", 2.1e9);
    observe(r, "cupti_counters", "tensor_ops_tf32", 0);
    assert_result("counters", ACCEPTANCE_PASS);
    assert_result("no tf32", ACCEPTANCE_PASS);
    r->measure[1].is_suspect = true;
    r->measure[2].value = 2e9; /* all of it on tensor cores */
    assert_result("counters", ACCEPTANCE_FAIL);
    assert_result("no tf32", ACCEPTANCE_FAIL);
    snprintf(r->variant.text, sizeof r->variant.text, "cublaslt-tf32");
    assert_null(judged("no tf32")); /* it says so itself */
}

static void test_link(void **state)
{
    struct record *r = make("transfer", "copy", "");

    (void)state;
    r->memory = MEMORY_PINNED;
    r->bytes_read = 64e6;
    r->wall_ns.value[0] = 64e6 / 25e9 * 1e9;
    r->kernel_ns.n = 0;
    assert_result("link", ACCEPTANCE_ABSENT);
    observe(r, "nvml", "pcie_generation", 4);
    observe(r, "nvml", "pcie_width", 16);
    assert_result("link", ACCEPTANCE_PASS); /* 25 of 31.5 GB/s */
    r->measure[1].value = 8;
    assert_result("link", ACCEPTANCE_FAIL); /* 25 of 15.8 GB/s */
    r->measure[0].value = 6;
    r->measure[1].value = 16;
    assert_result("link", ACCEPTANCE_SLOW); /* 25 of 121 GB/s */
}

static void test_ledger(void **state)
{
    struct record *r = make("softmax", "own", "");

    (void)state;
    r->kind = RECORD_PLACEMENT;
    r->ledger_ns[LEDGER_LAUNCH] = 4e3;
    r->ledger_ns[LEDGER_KERNEL] = 100e3;
    assert_result("ledger", ACCEPTANCE_PASS);
    r->ledger_ns[LEDGER_UPLOAD] = 60e3; /* counted twice */
    assert_result("ledger", ACCEPTANCE_FAIL);
}

static void test_rivals_and_roofs(void **state)
{
    struct record *own = make("gemm", "tiled", ""), *vendors;

    (void)state;
    assert_result("cuBLASLt", ACCEPTANCE_ABSENT);
    vendors = make("gemm", "cublaslt", "cuBLASLt");
    vendors->kernel_ns.value[0] = 60e3;
    assert_result("cuBLASLt", ACCEPTANCE_PASS);
    own->kernel_ns.value[0] = 150e3;
    own->wall_ns.value[0] = 160e3;
    assert_result("cuBLASLt", ACCEPTANCE_SLOW);
    make("attention_prefill", "own", "");
    assert_result("attention", ACCEPTANCE_ABSENT); /* no stream */
    make("stream", "triad", "")->flops = 0;
    assert_result("attention", ACCEPTANCE_PASS);
    made[2].kernel_ns.value[0] = 900e3;
    made[2].wall_ns.value[0] = 900e3;
    assert_result("attention", ACCEPTANCE_SLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_results, begin, end),
        cmocka_unit_test_setup_teardown(test_clocks_agree, begin, end),
        cmocka_unit_test_setup_teardown(test_counters, begin, end),
        cmocka_unit_test_setup_teardown(test_link, begin, end),
        cmocka_unit_test_setup_teardown(test_ledger, begin, end),
        cmocka_unit_test_setup_teardown(test_rivals_and_roofs, begin, end),
    };

    return cmocka_run_group_tests_name("acceptance", tests, NULL, NULL);
}
