/* SPDX-License-Identifier: MIT */
/* The sampler on trials whose durations and failures are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "harness/sampler.h"

static void spin_ns(int64_t ns)
{
    for (int64_t end = clock_ns() + ns; clock_ns() < end;)
        ;
}

static int spin_20us(struct call *call, struct why *why)
{
    (void)call, (void)why;
    spin_ns(20000);
    return 0;
}

static int spin_200us(struct call *call, struct why *why)
{
    (void)call, (void)why;
    spin_ns(200000);
    return 0;
}

static int fail_late(struct call *call, struct why *why)
{
    static int calls;

    (void)call;
    spin_ns(20000);
    return ++calls < 200 ? 0 : why_fail(why, STATUS_DEVICE, "worn out");
}

static const struct variant fast = {.name = "fast", .run = spin_20us};
static const struct variant slow = {.name = "slow", .run = spin_200us};
static const struct variant late = {.name = "late", .run = fail_late};

static struct device host;

static int open_host(void **state)
{
    (void)state;
    return device_open(&host, "cpu", NULL);
}

static int close_host(void **state)
{
    (void)state;
    device_close(&host);
    return 0;
}

static struct trial ready(const struct variant *v)
{
    return (struct trial){.device = &host, .variant = v, .copies = 1};
}

static void test_times_and_leaving(void **state)
{
    struct trial a = ready(&fast), b = ready(&slow);
    struct trial *trial[] = {&a, &b};
    struct sample_set set[2] = {{0}};
    struct sampler_limits limits = sampler_defaults(1);

    (void)state;
    sampler_run(trial, set, 2, &limits, 3);
    assert_true(sample_set_fastest_ns(&set[0]) >= 20000);
    assert_true(sample_set_fastest_ns(&set[0]) < 60000);
    assert_true(sample_set_fastest_ns(&set[1]) >= 200000);
    assert_true(set[0].calls > 10 && set[0].calls <= 51); /* samples of about 1 ms */
    assert_string_equal(set[1].stop, "hopeless");
    assert_int_equal(set[1].wall_ns.n, 3);
    assert_true(set[0].wall_ns.n >= (size_t)limits.rounds_least);
    assert_int_equal(set[0].kernel_ns.n, 0); /* no device clock on the CPU */
    for (int i = 0; i < 2; i++)
        sample_set_release(&set[i]);
}

static void test_failing_trial_leaves_the_others(void **state)
{
    struct trial a = ready(&fast), b = ready(&late);
    struct trial *trial[] = {&a, &b};
    struct sample_set set[2] = {{0}};
    struct sampler_limits limits = sampler_defaults(1);

    (void)state;
    limits.precision = 0;
    limits.rounds_most = 12;
    sampler_run(trial, set, 2, &limits, 3);
    assert_int_equal(set[0].status, 0);
    assert_int_equal(set[0].wall_ns.n, 12);
    assert_string_equal(set[0].stop, "rounds");
    assert_int_equal(set[1].status, STATUS_DEVICE);
    assert_string_equal(set[1].why.text, "worn out");
    assert_true(set[1].wall_ns.n < 12);
    for (int i = 0; i < 2; i++)
        sample_set_release(&set[i]);
}

/* Rounds of three trials with a seed; the places are written to `place`. */
static void places(uint64_t seed, double *place, int rounds)
{
    struct trial t[3] = {ready(&fast), ready(&fast), ready(&fast)};
    struct trial *trial[] = {&t[0], &t[1], &t[2]};
    struct sample_set set[3] = {{0}};
    struct sampler_limits limits = sampler_defaults(100);

    limits.precision = 0;
    limits.sample_ns = 0;
    limits.rounds_least = limits.rounds_most = rounds;
    limits.hopeless = INFINITY;
    sampler_run(trial, set, 3, &limits, seed);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(set[i].calls, 1);
        assert_int_equal(set[i].position.n, rounds);
        memcpy(place + i * rounds, set[i].position.value, (size_t)rounds * sizeof *place);
        sample_set_release(&set[i]);
    }
}

static void test_order_is_random_and_seeded(void **state)
{
    enum { ROUNDS = 16 };
    double one[3 * ROUNDS], same[3 * ROUNDS], other[3 * ROUNDS], sum = 0;

    (void)state;
    places(1, one, ROUNDS);
    places(1, same, ROUNDS);
    places(2, other, ROUNDS);
    assert_memory_equal(one, same, sizeof one);
    assert_memory_not_equal(one, other, sizeof one);
    for (int r = 0; r < ROUNDS; r++) { /* each round holds the places 0, 1, 2 */
        assert_true(one[r] + one[ROUNDS + r] + one[2 * ROUNDS + r] == 3);
        sum += one[r];
    }
    assert_true(sum > 0 && sum < 2 * ROUNDS); /* the first trial moves about */
}

/* A CUDA device whose work is done at once. */
static int no_mark(struct device *d, struct mark *m, struct why *why)
{
    (void)d, (void)m, (void)why;
    return 0;
}

static double no_time(struct device *d, struct mark *from, struct mark *to)
{
    (void)d, (void)from, (void)to;
    return NAN;
}

static int no_wait(struct device *d, struct why *why)
{
    (void)d, (void)why;
    return 0;
}

static int looks;

/* Held back for good from the eighth look on. */
static bool hot_later(const void *to)
{
    assert_ptr_equal(to, &looks);
    return ++looks >= 8;
}

static void test_throttled_samples_are_repeated_and_marked(void **state)
{
    static const struct device_ops ops = {
        .mark = no_mark, .elapsed_ns = no_time, .sync = no_wait};
    struct device gpu = {.ops = &ops, .kind = DEVICE_CUDA};
    struct trial a = {.device = &gpu, .variant = &fast, .copies = 1};
    struct trial *trial[] = {&a};
    struct sample_set set = {0};
    struct sampler_limits limits = sampler_defaults(100);

    (void)state;
    looks = 0;
    limits.precision = 0;
    limits.rounds_least = limits.rounds_most = 10;
    limits.is_throttled = hot_later;
    limits.to = &looks;
    sampler_run(trial, &set, 1, &limits, 1);
    assert_int_equal(set.wall_ns.n, 10);
    assert_true(set.throttled.n >= 3 && set.throttled.n < 10);
    assert_true(set.contended.n >= set.throttled.n); /* set aside like any disturbance */
    assert_true(set.throttled.value[set.throttled.n - 1] == 9);
    assert_true(looks >= 5 + 3 * (int)set.throttled.n); /* each was tried three times */
    sample_set_release(&set);
}

static void test_overhead(void **state)
{
    double ns = sampler_overhead_ns(&host);

    (void)state;
    assert_true(ns >= 0 && ns < 1e5); /* the figure itself is a benchmark's matter */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_and_leaving),
        cmocka_unit_test(test_failing_trial_leaves_the_others),
        cmocka_unit_test(test_order_is_random_and_seeded),
        cmocka_unit_test(test_throttled_samples_are_repeated_and_marked),
        cmocka_unit_test(test_overhead),
    };

    return cmocka_run_group_tests_name("sampler", tests, open_host, close_host);
}
