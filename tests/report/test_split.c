/* SPDX-License-Identifier: MIT */
/* The best cut of a call against trying every one; where it pays and where nothing may be said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "report/format.h"
#include "report/report.h"
#include "report/stats.h"

enum { TRIALS = 1000, DRAWS = 200 };

static uint64_t seed = 3;

static double uniform(double low, double high)
{
    return low + (high - low) * ((double)(random_next(&seed) >> 11) + 0.5) * 0x1p-53;
}

static struct estimate around(double us)
{
    return (struct estimate){us, us * uniform(0.7, 1), us * uniform(1, 1.4)};
}

static struct split_parts draw(void)
{
    struct split_parts p = {.length = 2 + (int64_t)random_below(&seed, 3000),
                            .cpu_us = around(exp(uniform(3, 9))),
                            .cpu_fixed = random_below(&seed, 2) ? 0 : uniform(0, 1.2),
                            .gpu_fixed_us = around(exp(uniform(0, 8))),
                            .gpu_shared_us = around(exp(uniform(0, 9)))};

    p.cpu_shared = fmax(1 - p.cpu_fixed, 0);
    return p;
}

/* The model, spelled out anew. Nothing on a side takes it no time. */
static double time_of(const struct split_parts *p, double cpu, double fixed, double shared,
                      int64_t k)
{
    double f = (double)k / (double)p->length;
    double on_cpu = k == 0           ? 0
                    : k == p->length ? cpu
                                     : cpu * p->cpu_fixed + cpu * p->cpu_shared * f;
    double on_gpu = k == p->length ? 0 : fixed + shared * (1 - f);

    return fmax(on_cpu, on_gpu);
}

static void test_equals_trying_every_cut(void **state)
{
    int inside = 0;

    (void)state;
    for (int i = 0; i < TRIALS; i++) {
        struct split_parts p = draw();
        struct split_best best = split_find(&p);
        double cpu = p.cpu_us.value, fixed = p.gpu_fixed_us.value, shared = p.gpu_shared_us.value;
        double least = INFINITY, alone = fmin(cpu, fixed + shared);

        for (int64_t k = 0; k <= p.length; k++)
            least = fmin(least, time_of(&p, cpu, fixed, shared, k));
        assert_true(best.units >= 1 && best.units < p.length);
        assert_true(fabs(fmin(best.us.value, alone) - least) <= 1e-9 * least);
        assert_true(fabs(alone / best.gain.value - best.us.value) <= 1e-9 * best.us.value);
        inside += least < alone;
    }
    assert_true(inside > TRIALS / 4); /* both kinds were tried */
    assert_true(inside < TRIALS * 9 / 10);
}

static double within(struct estimate e)
{
    return uniform(e.low, e.high);
}

/* Whatever the parts are within their intervals, the gain of that cut lies within its own. */
static void test_interval_holds(void **state)
{
    (void)state;
    for (int i = 0; i < TRIALS; i++) {
        struct split_parts p = draw();
        struct split_best best = split_find(&p);

        assert_int_equal(best.pays, best.gain.low > 1 + VERDICT_TIE);
        for (int n = 0; n < DRAWS; n++) {
            double cpu = within(p.cpu_us), fixed = within(p.gpu_fixed_us),
                   shared = within(p.gpu_shared_us);
            double us = time_of(&p, cpu, fixed, shared, best.units);
            double gain = fmin(cpu, fixed + shared) / us;

            assert_true(gain >= best.gain.low * (1 - 1e-9) && gain <= best.gain.high * (1 + 1e-9));
            assert_true(us >= best.us.low * (1 - 1e-9) && us <= best.us.high * (1 + 1e-9));
        }
    }
}

static struct split_parts parts(double cpu, double fixed, double shared, double noise)
{
    return (struct split_parts){1000,
                                {cpu, cpu * (1 - noise), cpu * (1 + noise)}, 0, 1,
                                {fixed, fixed * (1 - noise), fixed * (1 + noise)},
                                {shared, shared * (1 - noise), shared * (1 + noise)}};
}

static void test_known_answers(void **state)
{
    struct split_parts even = parts(1000, 0, 1000, 0), small = parts(1000, 10, 20, 0),
                       noisy = parts(1000, 0, 6000, 0.08), quiet = parts(1000, 0, 6000, 0.001);
    struct split_best best = split_find(&even);

    (void)state;
    assert_int_equal(best.units, 500);
    assert_true(best.pays && best.gain.value == 2 && best.gain.low == 2 && best.gain.high == 2);
    best = split_find(&small); /* 2 % on the CPU save 2 % of the GPU's time at most */
    assert_false(best.pays);
    assert_true(best.gain.value < 1.05);
    best = split_find(&noisy); /* 1.17 at the middle, but not at the ends */
    assert_false(best.pays);
    assert_true(best.gain.value > 1.1 && best.gain.low < 1.05);
    assert_true(split_find(&quiet).pays);
    even.gpu_fixed_us = estimate_missing();
    assert_false(split_find(&even).pays);
    assert_true(isnan(split_find(&even).gain.value));
}

/* ---- from records ------------------------------------------------------------------------ */

static struct results results;
static struct report report;
static struct record record[2];

static struct record *add(int i, const char *device)
{
    struct record *r = &record[i];

    record_init(r);
    snprintf(r->workload.text, sizeof r->workload.text, "gemm");
    snprintf(r->device.text, sizeof r->device.text, "%s", device);
    snprintf(r->split_axis.text, sizeof r->split_axis.text, "m");
    r->shape = json_pack("{s:i}", "m", 1000);
    r->judged = 1;
    r->cache = CACHE_COLD;
    r->flops = 1e9;
    r->bytes_read = r->upload_bytes = 40e6;
    r->bytes_written = r->download_bytes = 0;
    r->stationary_bytes = r->whole_stationary_bytes = r->whole_upload_bytes = r->whole_bytes = 0;
    r->split_length = 1000;
    return r;
}

/* `us` of the CPU, at the ceiling named; of the kernel; of the upload. Every number is sure. */
static void set(double cpu_us, const char *bound, double kernel_us, double upload_us)
{
    struct record *r;

    results = (struct results){.record = record, .records = 2};
    results.header =
        json_pack("{s:s,s:[{s:s,s:f,s:{s:f}},{s:s,s:f,s:{s:f}}]}", "schema", RESULTS_SCHEMA,
                  "gpus", "id", "cpu", "memory_bytes_per_s",
                  strcmp(bound, "memory") == 0 ? 40e6 / (cpu_us * 1e-6) : 1e12, "peak_flops_per_s",
                  "f32", strcmp(bound, "compute") == 0 ? 1e9 / (cpu_us * 1e-6) : 1e13, "id", "fast",
                  "memory_bytes_per_s", 1e12, "peak_flops_per_s", "f32", 1e13);
    r = add(0, "cpu");
    for (int i = 0; i < 10; i++)
        series_push(&r->wall_ns, cpu_us * 1e3);
    r = add(1, "fast");
    r->kind = RECORD_PROJECTION;
    r->device_kind = DEVICE_CUDA;
    r->evidence = EVIDENCE_PROJECTED;
    r->time_us = estimate_exact(kernel_us);
    r->launch_us = estimate_exact(5);
    r->upload_us = r->activation_us = estimate_exact(upload_us);
    snprintf(r->bound.text, sizeof r->bound.text, "compute");
}

static void judge(void)
{
    assert_int_equal(report_build(&results, &report, NULL), 0);
}

static const struct split *at(enum placement placement)
{
    for (size_t i = 0; i < report.splits; i++)
        if (report.split[i].verdict->placement == placement)
            return &report.split[i];
    return NULL;
}

static int forget(void **state)
{
    (void)state;
    report_release(&report);
    for (size_t i = 0; i < results.records; i++)
        record_release(&record[i]);
    json_decref(results.header);
    results = (struct results){0};
    return 0;
}

#define assert_near(a, b) assert_true(fabs((a) - (b)) <= 2e-3 * fabs(b))

static void test_shared_arithmetic(void **state)
{
    const struct split *s;

    set(6000, "compute", 3000, 0);
    judge();
    s = at(PLACEMENT_RESIDENT);
    assert_non_null(s);
    assert_true(s->is_over_gpu);
    assert_near(s->share, 3005.0 / 9000);
    assert_near(s->best.us.value, 6000 * 3005.0 / 9000);
    assert_near(s->best.gain.value, 9000.0 / 6000);
    assert_string_equal(s->text, "33 % of m on the CPU, the rest on fast, each with its piece in "
                                 "place: 1.50x as fast as fast alone (1.50-1.50x; projected, "
                                 "derived from the parts)");
    forget(state);
    set(3000, "compute", 6000, 0);
    judge();
    assert_false(at(PLACEMENT_RESIDENT)->is_over_gpu);
    assert_non_null(strstr(at(PLACEMENT_RESIDENT)->text, "as fast as the CPU alone"));
}

/* A CPU that waits for its memory gains nothing from a GPU that is fed from the same memory; from
 * one that has its piece in place it does. */
static void test_one_memory_feeds_both(void **state)
{
    set(4000, "memory", 120, 4000);
    judge();
    assert_true(report.splittable > 0);
    assert_null(at(PLACEMENT_EVERY));
    forget(state);
    set(4000, "compute", 120, 4000);
    judge();
    assert_near(at(PLACEMENT_EVERY)->best.us.value, 4000 * 4125.0 / (4000 + 4110));
    forget(state);
    set(4000, "memory", 4000, 4000);
    judge();
    assert_near(at(PLACEMENT_RESIDENT)->best.gain.value, 8000.0 / 4005);
}

/* 1010 us of 3015 are an upload that both pieces need whole, or none is. */
static void test_what_both_need_is_sent_whole(void **state)
{
    for (int whole = 0; whole < 2; whole++) {
        double fixed = whole ? 1015 : 15, shared = 3015 - fixed;

        set(3000, "compute", 2000, 1010);
        record[0].whole_upload_bytes = record[1].whole_upload_bytes = whole ? 40e6 : 0;
        judge();
        assert_near(at(PLACEMENT_EVERY)->best.us.value,
                    3000 * (fixed + shared) / (3000 + shared));
        if (!whole)
            forget(state);
    }
}

/* Where memory bounds, what every piece reads takes every piece its time. */
static void test_what_both_need_is_read_twice(void **state)
{
    double free_us;

    set(4000, "memory", 4000, 0);
    judge();
    free_us = at(PLACEMENT_RESIDENT)->best.us.value;
    forget(state);
    set(4000, "memory", 4000, 0);
    record[0].whole_bytes = record[1].whole_bytes = 10e6;
    judge();
    assert_near(free_us, 2002.5);
    /* 1000 + 3000 f = 5 + 4000 (1 - f): a GPU bound by arithmetic does not wait for memory */
    assert_near(at(PLACEMENT_RESIDENT)->best.us.value, 1000 + 3000 * 3005.0 / 7000);
}

static void test_nothing_is_said(void **state)
{
    set(90, "compute", 90, 0); /* too short to shrink */
    judge();
    assert_int_equal(report.splits, 0);
    forget(state);
    set(110, "compute", 90, 0); /* the GPU's is */
    judge();
    assert_int_equal(report.splits, 0);
    forget(state);
    set(6000, "compute", 100, 0); /* one piece in sixty */
    judge();
    assert_true(report.splittable > 0 && report.splits == 0);
    forget(state);
    set(6000, "compute", 6000, 0); /* an old file, or a workload without the axis */
    record[0].split_length = record[1].split_length = 0;
    judge();
    assert_true(report.splittable == 0 && report.splits == 0);
    forget(state);
    set(6000, "compute", 6000, 0);
    judge();
    assert_int_equal(report.splits, 3);
    forget(state);
    set(6000, "compute", 6000, 0); /* noise hides it */
    record[1].time_us = (struct estimate){6000, 1000, 36000};
    judge();
    assert_true(report.splittable > 0 && report.splits == 0);
}

static bool says(const char *format, const char *words)
{
    struct text text = {0};
    bool is_said;

    assert_int_equal(format_find(format)->write(&report, &text, NULL), 0);
    is_said = strstr(text.data, words) != NULL;
    text_release(&text);
    return is_said;
}

static void test_formats_say_it(void **state)
{
    set(6000, "compute", 3000, 0);
    judge();
    assert_true(says("text", "33 % of m on the CPU"));
    assert_true(says("markdown", "| 33 % of m"));
    assert_true(says("html", "33&nbsp;% of m</td>"));
    assert_true(says("json", "\"cpu_units\": 334,") && says("json", "\"against\": \"gpu\"") &&
                says("json", "\"basis\": \"derived\""));
    forget(state);
    set(6000, "compute", 100, 0);
    judge();
    assert_false(says("text", "shared") || says("html", "Better shared"));
    assert_true(says("json", "\"splits\": []"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_trying_every_cut),
        cmocka_unit_test(test_interval_holds),
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test_teardown(test_shared_arithmetic, forget),
        cmocka_unit_test_teardown(test_one_memory_feeds_both, forget),
        cmocka_unit_test_teardown(test_what_both_need_is_sent_whole, forget),
        cmocka_unit_test_teardown(test_what_both_need_is_read_twice, forget),
        cmocka_unit_test_teardown(test_nothing_is_said, forget),
        cmocka_unit_test_teardown(test_formats_say_it, forget),
    };

    return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
