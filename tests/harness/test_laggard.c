/* SPDX-License-Identifier: MIT */
/* Which CPU variants a sweep leaves out at larger sizes, by records of known times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "harness/laggard.h"

struct told {
    const char *variant;
    int64_t size;
    double ms;
    int threads;
};

static void make(struct record *r, const struct told *t)
{
    record_init(r);
    snprintf(r->workload.text, sizeof r->workload.text, "gemm");
    snprintf(r->sweep.text, sizeof r->sweep.text, "square");
    snprintf(r->variant.text, sizeof r->variant.text, "%s", t->variant);
    r->device_kind = DEVICE_CPU;
    r->evidence = EVIDENCE_MEASURED;
    r->outcome = OUTCOME_OK;
    r->dtype = DTYPE_F32;
    r->size = t->size;
    r->threads = t->threads;
    r->straw = strcmp(t->variant, "reference") == 0;
    series_push(&r->wall_ns, 5 * t->ms * 1e6); /* disturbed: the fastest counts */
    series_push(&r->wall_ns, t->ms * 1e6);
}

/* The laggards at `size` on two threads, joined by blanks. */
static void expect(const struct told *told, size_t n, int64_t size, const char *names)
{
    struct laggard_place at = {"gemm", "square", DTYPE_F32, size, 2};
    struct record record[16];
    struct results results = {.record = record, .records = n};
    struct laggard out[LAGGARDS];
    char got[200] = "";
    int found;

    for (size_t i = 0; i < n; i++)
        make(&record[i], &told[i]);
    found = laggards_find(&results, &at, out);
    for (int i = 0; i < found; i++) {
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.40s", i ? " " : "",
                 out[i].variant.text);
        assert_non_null(strstr(out[i].why.text, "times as long as the fastest"));
    }
    assert_string_equal(got, names);
    for (size_t i = 0; i < n; i++)
        record_release(&record[i]);
}

static void test_the_slow_leave(void **state)
{
    static const struct told told[] = {
        {"fast", 512, 5, 2}, {"near", 512, 14, 2}, {"slow", 512, 16, 2}, {"worse", 512, 90, 2}};

    (void)state;
    expect(told, 4, 1024, "slow worse");
    expect(told, 4, 512, "slow worse");
    expect(told, 4, 511, ""); /* what a larger size showed says nothing of smaller ones */
}

static void test_short_calls_do_not_count(void **state)
{
    static const struct told told[] = {{"fast", 118, 0.01, 2}, {"parallel", 118, 30, 2}};

    (void)state;
    expect(told, 2, 1024, "");
}

static void test_the_largest_size_counts(void **state)
{
    static const struct told better[] = {{"fast", 256, 4, 2}, {"slow", 256, 20, 2},
                                         {"fast", 512, 30, 2}, {"slow", 512, 60, 2}};
    static const struct told worse[] = {{"fast", 512, 30, 2}, {"slow", 512, 200, 2},
                                        {"fast", 1024, 250, 2}};

    (void)state;
    expect(better, 4, 1024, "");
    expect(worse, 3, 2048, "slow"); /* left out at 1024, and still */
}

/* Looked at twice: the best of both; other threads are another question. */
static void test_looks_are_one(void **state)
{
    static const struct told told[] = {{"fast", 512, 5, 2}, {"slow", 512, 40, 2},
                                       {"slow", 512, 14, 2}, {"fast", 512, 1, 1}};

    (void)state;
    expect(told, 4, 1024, "");
}

/* The plain reference is timed, never tried: neither late nor what others are held against. */
static void test_weak_baselines_do_not_count(void **state)
{
    static const struct told late[] = {{"fast", 512, 5, 2}, {"reference", 512, 900, 2}};
    static const struct told fast[] = {{"only", 512, 50, 2}, {"reference", 512, 5, 2}};

    (void)state;
    expect(late, 2, 1024, "");
    expect(fast, 2, 1024, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_slow_leave),
        cmocka_unit_test(test_short_calls_do_not_count),
        cmocka_unit_test(test_the_largest_size_counts),
        cmocka_unit_test(test_looks_are_one),
        cmocka_unit_test(test_weak_baselines_do_not_count),
    };

    return cmocka_run_group_tests_name("laggard", tests, NULL, NULL);
}
