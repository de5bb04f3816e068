/* SPDX-License-Identifier: MIT */
/* Timelines and lifetimes from records whose answer is known by arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "report/ledger.h"
#include "tests/report/judging.h"

#define assert_near(a, b) assert_true(fabs((a) - (b)) <= 1e-6 * fabs(1.0 * (b)))

static int begin(void **state)
{
    (void)state;
    results = (struct results){.record = record};
    results.header = json_pack("{s:s,s:s}", "kind", "header", "schema", RESULTS_SCHEMA);
    return 0;
}

/* Three rounds of `us` each. */
static struct record *add(enum record_kind kind, const char *device, double us)
{
    struct record *r = &record[results.records++];

    record_init(r);
    r->kind = kind;
    strcpy(r->workload.text, "gemm");
    strcpy(r->variant.text, "tiles");
    strcpy(r->device.text, device);
    r->device_kind = strcmp(device, "cpu") ? DEVICE_CUDA : DEVICE_CPU;
    r->shape = json_pack("{s:i}", "n", 8);
    r->judged = kind == RECORD_CELL || kind == RECORD_PROJECTION;
    r->upload_bytes = 8e6;
    r->stationary_bytes = 7e6;
    r->download_bytes = 1e6;
    for (int i = 0; i < 3 && us > 0; i++)
        series_push(&r->wall_ns, 1e3 * us);
    return r;
}

static struct record *add_placement(enum placement placement, enum memory memory, double us)
{
    struct record *r = add(RECORD_PLACEMENT, "cuda:0", us);

    r->placement = placement;
    r->memory = memory;
    r->calls = 1;
    return r;
}

/* CPU 1000 us; GPU 100 us in place, 900 or 600 us with everything moved, 210 us with weights
 * sent once for 10 calls (which takes 100 us), 50,000 us for a process's first call. */
static void add_measured(void)
{
    struct record *r;

    add(RECORD_CELL, "cpu", 1000);
    add(RECORD_CELL, "cuda:0", 100);
    add_placement(PLACEMENT_EVERY, MEMORY_PAGEABLE, 900);
    r = add_placement(PLACEMENT_EVERY, MEMORY_PINNED, 600);
    r->ledger_ns[LEDGER_UPLOAD] = 400e3;
    r->ledger_ns[LEDGER_KERNEL] = 182e3;
    r->parts_ns = 601e3;
    r = add_placement(PLACEMENT_ONCE, MEMORY_PAGEABLE, 210);
    r->calls = 10;
    r->shared_ns = 100e3;
    add_placement(PLACEMENT_OVERLAPPED, MEMORY_PINNED, 450);
    r = add(RECORD_COLD, "cuda:0", 50000);
    r->placement = PLACEMENT_EVERY;
}

static void test_residual(void **state)
{
    const struct ledger_row *row = NULL;

    (void)state;
    add_measured();
    judge();
    assert_int_equal(report.ledgers, 5); /* no cell among them */
    for (size_t i = 0; i < report.ledgers; i++)
        if (report.ledger[i].record->memory == MEMORY_PINNED &&
            report.ledger[i].record->placement == PLACEMENT_EVERY)
            row = &report.ledger[i];
    assert_non_null(row);
    assert_near(row->whole_ns, 600e3);
    assert_near(row->wall_ns, 601e3);
    assert_near(row->sum_ns, 582e3);
    assert_near(ledger_residual(row), 19.0 / 601);
    assert_string_equal(ledger_title(row->record).text, "every, pinned");
}

/* Of five timelines the one of a first call and two warm ones are over a millisecond. */
/* A damaged file's times give no row, rather than one that misses by "nan %". */
static void test_impossible_times_have_no_ledger(void **state)
{
    static const double odd[] = {0, -5, INFINITY, -INFINITY};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct record *r = add_placement(PLACEMENT_EVERY, (enum memory)i, 100);

        r->ledger_ns[LEDGER_KERNEL] = 1e3;
        r->parts_ns = odd[i];
    }
    add_placement(PLACEMENT_ONCE, MEMORY_PINNED, 100)->ledger_ns[LEDGER_UPLOAD] = INFINITY;
    add_placement(PLACEMENT_ONCE, MEMORY_PAGEABLE, 100)->ledger_ns[LEDGER_KERNEL] = 1e3;
    judge();
    assert_int_equal(report.ledgers, 1);
}

static void test_summary_counts(void **state)
{
    struct text said = {0};
    struct record *r;

    (void)state;
    add_measured();
    record[2].ledger_ns[LEDGER_KERNEL] = 2200e3; /* more than the call */
    record[2].parts_ns = 2e6;
    r = add_placement(PLACEMENT_RESIDENT, MEMORY_PAGEABLE, 1980);
    r->ledger_ns[LEDGER_KERNEL] = 1990e3;
    r->parts_ns = 2e6;
    record[6].ledger_ns[LEDGER_CONTEXT] = 49e6;
    judge();
    ledger_summary(&report, &said);
    assert_non_null(strstr(said.data, "6 timelines of device calls, 3 of them over 1 ms: in 2 of"));
    assert_non_null(strstr(said.data, "the worst misses -10.0 %"));
    assert_non_null(strstr(said.data, "1 of 2 are more than 5 % from the median whole call"));
    text_release(&said);
}

static void test_verdicts_use_measured_placements(void **state)
{
    const struct contest *contest;
    const struct verdict *v;

    (void)state;
    add_measured();
    judge();
    contest = &report.contest[0];
    v = report_verdict(&report, contest, "cuda:0", PLACEMENT_EVERY);
    assert_near(v->gpu_us.value, 600); /* the fastest memory */
    assert_int_equal(v->placed->memory, MEMORY_PINNED);
    v = report_verdict(&report, contest, "cuda:0", PLACEMENT_ONCE);
    assert_near(v->gpu_us.value, 210);
    assert_near(v->calls, 10);
    v = report_verdict(&report, contest, "cuda:0", PLACEMENT_OVERLAPPED);
    assert_near(v->speedup.value, 1000.0 / 450);
    assert_null(report_verdict(&report, contest, "cuda:0", PLACEMENT_MAPPED));
    assert_null(report_verdict(&report, contest, "cuda:0", PLACEMENT_RESIDENT)->placed);
}

/* A call in the long run takes 210 - 100 / 10 = 200 us, so set-up is 49,800 us. One call: 50
 * times slower; a second holds 1000 CPU calls, 1e6 / 249,800; the flip is at 49800 / 800. */
static void test_lifetimes(void **state)
{
    const struct lifetime *l;

    (void)state;
    add_measured();
    judge();
    l = &report.lifetime[0];
    assert_int_equal(report.lifetimes, 1);
    assert_near(l->call_us.value, 200);
    assert_near(l->setup_us.value, 49800);
    assert_false(l->is_assumed);
    assert_near(l->speedup[LIFETIME_COLD].value, 0.02);
    assert_int_equal(l->decision[LIFETIME_COLD], DECISION_STAY);
    assert_near(l->calls[LIFETIME_SECOND], 1000);
    assert_near(l->speedup[LIFETIME_SECOND].value, 1e6 / 249800);
    assert_int_equal(l->decision[LIFETIME_SECOND], DECISION_OFFLOAD);
    assert_near(l->speedup[LIFETIME_SERVICE].value, 5);
    assert_near(l->flip.value, 63);
}

/* The shortest set-up is the first call without the longest later one. Three samples: the range. */
static void test_setup_is_as_uncertain_as_the_calls(void **state)
{
    struct record *once = NULL;

    (void)state;
    add_measured();
    for (size_t i = 0; i < results.records; i++)
        if (record[i].kind == RECORD_PLACEMENT && record[i].placement == PLACEMENT_ONCE)
            once = &record[i];
    assert_non_null(once);
    once->wall_ns.value[0] = 200e3;
    once->wall_ns.value[2] = 230e3;
    judge();
    assert_near(report.lifetime[0].call_us.low, 190);
    assert_near(report.lifetime[0].call_us.high, 220);
    assert_near(report.lifetime[0].setup_us.low, 50000 - 220);
    assert_near(report.lifetime[0].setup_us.high, 50000 - 190);
}

static void test_missing_first_call_is_said(void **state)
{
    const struct lifetime *l;

    (void)state;
    add(RECORD_CELL, "cpu", 1000);
    add(RECORD_CELL, "cuda:0", 100);
    add_placement(PLACEMENT_EVERY, MEMORY_PAGEABLE, 300);
    judge();
    l = &report.lifetime[0];
    assert_true(isnan(l->setup_us.value) && isnan(l->speedup[LIFETIME_COLD].value));
    assert_int_equal(l->decision[LIFETIME_COLD], DECISION_UNDECIDED);
    assert_near(l->speedup[LIFETIME_SERVICE].value, 1000.0 / 300);
    assert_non_null(strstr(l->why, "no first call"));
}

static void test_assumptions_are_labelled(void **state)
{
    struct record *r;
    const struct lifetime *l;

    (void)state;
    add(RECORD_CELL, "cpu", 1000);
    r = add(RECORD_PROJECTION, "h100", 0);
    r->evidence = EVIDENCE_PROJECTED;
    r->time_us = r->launch_us = (struct estimate){50, 50, 50};
    r->upload_us = (struct estimate){800, 800, 800};
    r->activation_us = r->download_us = (struct estimate){50, 50, 50};
    r->setup_us = (struct estimate){1e5, 5e4, 2e5};
    judge();
    l = &report.lifetime[0];
    assert_true(l->is_assumed);
    assert_int_equal(l->evidence, EVIDENCE_PROJECTED);
    assert_near(l->call_us.value, 200);
    assert_near(l->setup_us.value, 1e5 + 750); /* the weights are sent too */
    assert_near(l->flip.value, floor(100750 / 800.0) + 1);
    assert_int_equal(report.ledgers, 0);
}

/* Emulated devices have timelines, and no say. */
static void test_software_has_a_ledger_and_no_verdict(void **state)
{
    (void)state;
    add_measured();
    for (size_t i = 1; i < results.records; i++)
        record[i].evidence = EVIDENCE_SOFTWARE;
    judge();
    assert_int_equal(report.ledgers, 5);
    assert_int_equal(report.lifetimes, 0);
    assert_int_equal(report.verdicts, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_residual),
        TEST(test_impossible_times_have_no_ledger), TEST(test_summary_counts),
        TEST(test_verdicts_use_measured_placements),
        TEST(test_lifetimes),
        TEST(test_setup_is_as_uncertain_as_the_calls),
        TEST(test_missing_first_call_is_said),
        TEST(test_assumptions_are_labelled),
        TEST(test_software_has_a_ledger_and_no_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
