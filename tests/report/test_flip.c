/* SPDX-License-Identifier: MIT */
/* At every flip the verdict really is another one: the input is changed in the records, which
 * are then judged anew; just before it, it is still the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "report/report.h"

enum { PROBLEMS = 400 };

/* One problem on the CPU at full and at half the threads, and on a projected GPU. */
struct problem_us {
    double cpu, cpu_half, kernel, upload, activation, download;
    double gpu_hour, energy;
};

static struct results results;
static struct report report;
static struct record record[6];

static struct estimate about(double us)
{
    return (struct estimate){us, 0.9 * us, 1.15 * us};
}

static struct record *add(int n, const char *variant, const char *device)
{
    struct record *r = &record[results.records++];

    record_init(r);
    snprintf(r->workload.text, sizeof r->workload.text, "gemm");
    snprintf(r->variant.text, sizeof r->variant.text, "%s", variant);
    snprintf(r->device.text, sizeof r->device.text, "%s", device);
    r->shape = json_pack("{s:i}", "n", n);
    r->judged = 1;
    r->upload_bytes = 8e6;
    r->stationary_bytes = 7e6;
    r->download_bytes = 1e3;
    return r;
}

static void add_cpu(int n, int threads, double us)
{
    struct record *r = add(n, "simd", "cpu");

    r->threads = threads;
    for (int i = 0; i < 10; i++)
        series_push(&r->wall_ns, us * 1e3 * (1 + 0.002 * (i - 4.5)));
}

static void add_gpu(int n, const struct problem_us *p)
{
    struct record *r = add(n, "model", "fast");

    r->kind = RECORD_PROJECTION;
    r->device_kind = DEVICE_CUDA;
    r->evidence = EVIDENCE_PROJECTED;
    r->time_us = about(p->kernel);
    r->launch_us = (struct estimate){5, 5, 5};
    r->upload_us = about(p->upload);
    r->activation_us = about(p->activation);
    r->download_us = about(p->download);
}

static void forget(void)
{
    report_release(&report);
    for (size_t i = 0; i < results.records; i++)
        record_release(&record[i]);
    json_decref(results.header);
    results = (struct results){.record = record};
}

static void judge(const struct problem_us *p)
{
    forget();
    results.header = json_pack(
        "{s:s,s:[{s:s,s:f,s:f}],s:{s:f,s:{s:f},s:f,s:f}}", "schema", RESULTS_SCHEMA, "gpus", "id",
        "fast", "link_bytes_per_s", 1e10, "tdp_w", 300.0, "prices", "cpu_per_hour", 1.0,
        "gpu_per_hour", "*", p->gpu_hour, "energy_per_kwh", p->energy, "cpu_watt", 100.0);
    add_cpu(1, 4, p->cpu);
    add_cpu(1, 2, p->cpu_half);
    add_gpu(1, p);
    assert_int_equal(report_build(&results, &report, NULL), 0);
}

static const struct verdict *at(enum placement placement)
{
    const struct verdict *v = report_verdict(&report, report.contest, "fast", placement);

    assert_non_null(v);
    return v;
}

/* The problem with one input moved to `to`, as a user would see it measured. */
static struct problem_us changed(const struct problem_us *p, const struct flip *f, double to)
{
    struct problem_us q = *p;
    double link = to / f->from, exponent = log(p->cpu_half / p->cpu) / log(2);

    if (f->kind == FLIP_LINK) {
        q.upload /= link;
        q.activation /= link;
        q.download /= link;
    } else if (f->kind == FLIP_RESIDENT) {
        q.upload *= 1 - to;
        q.activation *= 1 - to;
    } else if (f->kind == FLIP_THREADS) {
        q.cpu *= pow(to / f->from, -fmin(exponent, 1));
        q.cpu_half = q.cpu * pow(2, exponent); /* the faster of both would be judged */
    } else if (f->kind == FLIP_GPU_PRICE) {
        q.gpu_hour = to;
    } else if (f->kind == FLIP_ENERGY_PRICE) {
        q.energy = to;
    }
    return q;
}

static enum decision decision_with(const struct problem_us *p, const struct flip *f, double to,
                                   enum placement placement)
{
    struct problem_us q = changed(p, f, to);

    judge(&q);
    return flip_is_price(f) ? at(placement)->money.decision : at(placement)->decision;
}

/* Just short of the flip: half a percent, or one thread. */
static double just_before(const struct flip *f)
{
    double step = f->to > f->from ? 1 : -1;

    if (f->kind == FLIP_THREADS)
        return f->to - step;
    if (f->kind == FLIP_RESIDENT)
        return 1 - (1 - f->to) * 1.005;
    return f->to * (1 - 0.005 * step);
}

/* There, but for rounding. */
static double just_behind(const struct flip *f)
{
    double step = f->to > f->from ? 1 : -1;

    if (f->kind == FLIP_THREADS)
        return f->to;
    if (f->kind == FLIP_RESIDENT)
        return 1 - (1 - f->to) * (1 - 1e-9);
    return f->to * (1 + 1e-9 * step);
}

/* Within a placement: resident shares of `once` and `every`, not of what is there already. */
static bool is_input(const struct flip *f, enum placement placement)
{
    return f->kind != FLIP_CALLS && f->kind != FLIP_SIZE && !f->is_relative &&
           (f->kind != FLIP_RESIDENT || placement != PLACEMENT_RESIDENT);
}

static int check_flips(const struct problem_us *p, enum placement placement, int seen[])
{
    struct flips flips;
    enum decision by_time, by_cost;
    double before = 0;

    judge(p);
    flips = at(placement)->flips;
    by_time = at(placement)->decision;
    by_cost = at(placement)->money.decision;
    for (int i = 0; i < flips.n; i++) {
        const struct flip *f = &flips.at[i];
        enum decision now = flip_is_price(f) ? by_cost : by_time;

        assert_true(isnan(f->factor) || f->factor >= before); /* nearest first */
        before = isnan(f->factor) ? INFINITY : f->factor;
        if (!is_input(f, placement))
            continue;
        seen[f->kind]++;
        assert_int_not_equal(f->decision, now);
        if (decision_with(p, f, just_behind(f), placement) != f->decision)
            fail_msg("%s: %g to %g", flip_kind_name(f->kind), f->from, f->to);
        assert_int_equal(decision_with(p, f, just_before(f), placement), now);
    }
    return flips.n;
}

static double draw(uint64_t *state, double low, double high)
{
    return low * pow(high / low, (double)random_below(state, 10000) / 1e4);
}

static void test_flips_really_flip(void **state)
{
    uint64_t seed = 11;
    int seen[FLIP_KINDS] = {0};

    (void)state;
    for (int i = 0; i < PROBLEMS; i++) {
        double cpu = draw(&seed, 20, 20000), gain = draw(&seed, 1.1, 2);
        struct problem_us p = {.cpu = cpu, .cpu_half = cpu * gain,
                               .kernel = draw(&seed, 5, 2000), .upload = draw(&seed, 500, 5000),
                               .activation = draw(&seed, 10, 400), .download = draw(&seed, 5, 200),
                               .gpu_hour = draw(&seed, 0.5, 20), .energy = draw(&seed, 0.05, 1)};

        check_flips(&p, PLACEMENT_RESIDENT, seen);
        check_flips(&p, PLACEMENT_ONCE, seen);
        check_flips(&p, PLACEMENT_EVERY, seen);
    }
    forget();
    for (int k = 0; k < FLIP_KINDS; k++)
        if (k != FLIP_CALLS && k != FLIP_SIZE && seen[k] < 20)
            fail_msg("'%s' was checked %d times only", flip_kind_name((enum flip_kind)k), seen[k]);
}

/* The placement's formula, tried with one call after the other. */
static void test_calls_are_what_a_search_finds(void **state)
{
    const struct problem_us p = {.cpu = 400, .cpu_half = 700, .kernel = 20, .upload = 5000,
                                 .activation = 100, .download = 10, .gpu_hour = 1, .energy = 1};
    const struct flip *f = NULL;
    double n = ONCE_CALLS, gpu_high, cpu_low;

    (void)state;
    judge(&p);
    assert_int_equal(at(PLACEMENT_ONCE)->decision, DECISION_OFFLOAD);
    cpu_low = at(PLACEMENT_ONCE)->cpu_us.low;
    for (int i = 0; i < at(PLACEMENT_ONCE)->flips.n; i++)
        if (at(PLACEMENT_ONCE)->flips.at[i].kind == FLIP_CALLS)
            f = &at(PLACEMENT_ONCE)->flips.at[i];
    assert_non_null(f);
    do {
        n--;
        gpu_high = 5 + 1.15 * (20 + 100 + 10 + (5000 - 100) / n);
    } while (cpu_low / gpu_high > 1 + VERDICT_TIE);
    assert_true(f->to == n);
    assert_int_equal(f->decision, DECISION_UNDECIDED);
    forget();
}

static void test_other_sizes(void **state)
{
    const struct problem_us small = {.kernel = 20, .upload = 10, .activation = 10, .download = 10};
    const struct flip *f = NULL;

    (void)state;
    forget();
    results.header = json_pack("{s:s,s:[{s:s}]}", "schema", RESULTS_SCHEMA, "gpus", "id", "fast");
    for (int n = 1; n <= 100; n *= 10) {
        add_cpu(n, 4, 10.0 * n);
        add_gpu(n, &small);
    }
    assert_int_equal(report_build(&results, &report, NULL), 0);
    for (int i = 0; i < at(PLACEMENT_RESIDENT)->flips.n; i++)
        if (at(PLACEMENT_RESIDENT)->flips.at[i].kind == FLIP_SIZE)
            f = &at(PLACEMENT_RESIDENT)->flips.at[i];
    assert_non_null(f);
    assert_string_equal(f->axis, "n");
    assert_true(f->from == 1 && f->to == 10 && f->factor == 10);
    assert_int_equal(f->decision, DECISION_OFFLOAD);
    forget();
}

static enum decision above_seven(const void *at, double input)
{
    (void)at;
    return input > 7 ? DECISION_OFFLOAD : DECISION_STAY;
}

static void test_search(void **state)
{
    double to = flip_search(above_seven, NULL, 1, 1e6, DECISION_STAY);

    (void)state;
    assert_true(to > 7 && to < 7 * (1 + 1e-9));
    assert_true(isnan(flip_search(above_seven, NULL, 1, 6, DECISION_STAY)));
    to = flip_search(above_seven, NULL, 100, 1e-3, DECISION_OFFLOAD);
    assert_true(to <= 7 && to > 7 * (1 - 1e-9));
    assert_true(isnan(flip_search(above_seven, NULL, NAN, 100, DECISION_STAY)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flips_really_flip),
        cmocka_unit_test(test_calls_are_what_a_search_finds),
        cmocka_unit_test(test_other_sizes),
        cmocka_unit_test(test_search),
    };

    results.record = record;
    return cmocka_run_group_tests_name("flip", tests, NULL, NULL);
}
