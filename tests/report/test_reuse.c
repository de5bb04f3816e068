/* SPDX-License-Identifier: MIT */
/* N* from the parts against trying every n. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "report/reuse.h"
#include "report/stats.h"

enum { TRIALS = 1000, ROUNDS = 31, CALLS_MOST = 3000 };

static uint64_t state = 7;

static double uniform(void)
{
    return ((double)(random_next(&state) >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

struct truth {
    double cpu, shared, call;
};

/* The CPU is 1.2 to 10 times as slow as a call; up to about a thousand calls to pay. */
static struct truth truth_of(void)
{
    struct truth t = {.call = exp(log(5) + 5 * uniform())};

    t.cpu = t.call * (1.2 + 8.8 * uniform() * uniform());
    t.shared = (t.cpu - t.call) * exp(uniform() * log(1000));
    return t;
}

/* Try every n. `noise`: spread of the logarithm of a call's time; the sums of both sides are
 * sampled ROUNDS times for each n, and their medians compared. */
static double brute_force(const struct truth *t, double noise)
{
    for (int n = 1; n <= CALLS_MOST; n++) {
        double cpu[ROUNDS], gpu[ROUNDS];

        for (int i = 0; i < ROUNDS; i++) {
            cpu[i] = n * t->cpu * exp(noise / sqrt(n) * normal());
            gpu[i] = t->shared * exp(noise * normal()) +
                     n * t->call * exp(noise / sqrt(n) * normal());
        }
        if (stats_median(cpu, ROUNDS) > stats_median(gpu, ROUNDS))
            return n;
    }
    return INFINITY;
}

static struct estimate measured(double us, double noise)
{
    double sample[ROUNDS];

    for (int i = 0; i < ROUNDS; i++)
        sample[i] = us * exp(noise * normal());
    return stats_median_interval(sample, ROUNDS, STATS_CONFIDENCE);
}

static struct reuse_parts parts_of(const struct truth *t, double noise)
{
    return (struct reuse_parts){measured(t->cpu, noise), measured(t->shared, noise),
                                measured(t->call, noise), measured(t->call, noise)};
}

static void test_agrees_with_trying_every_n(void **ignored)
{
    (void)ignored;
    for (int i = 0; i < TRIALS; i++) {
        struct truth t = truth_of();
        struct reuse_parts p = parts_of(&t, 0);

        assert_true(reuse_calls(&p).value == brute_force(&t, 0));
    }
}

/* With a noise of 1 % on each call, for the CPU at least half as slow again as the GPU. */
static void test_agrees_under_noise(void **ignored)
{
    int agree = 0, held = 0, trials = 0;

    (void)ignored;
    while (trials < TRIALS) {
        struct truth t = truth_of();
        struct reuse_parts p;
        struct estimate n;
        double tried, exact = floor(t.shared / (t.cpu - t.call)) + 1;

        if (t.cpu < 1.5 * t.call || exact > 300)
            continue;
        trials++;
        p = parts_of(&t, 0.01);
        n = reuse_calls(&p);
        tried = brute_force(&t, 0.01);
        agree += fabs(n.value - tried) <= fmax(1, 0.05 * tried);
        held += n.low <= exact && exact <= n.high;
    }
    print_message("N* agrees with trying every n in %.1f %% of %d trials, its interval holds the "
                  "truth in %.1f %%\n", 100.0 * agree / TRIALS, TRIALS, 100.0 * held / TRIALS);
    assert_true(agree >= 0.95 * TRIALS);
    assert_true(held >= 0.95 * TRIALS);
}

static void test_never_has_a_reason(void **ignored)
{
    struct reuse_parts slow = {{10, 9, 11}, {100, 90, 110}, {20, 18, 22}, {15, 14, 16}};
    struct reuse_parts link = {{10, 9, 11}, {100, 90, 110}, {20, 18, 22}, {5, 4, 6}};
    struct reuse_parts perhaps = {{10, 8, 12}, {100, 90, 110}, {11, 10, 12}, {11, 10, 12}};
    char why[300];

    (void)ignored;
    assert_true(isnan(reuse_calls(&slow).value) && isinf(reuse_calls(&slow).low));
    reuse_why(&slow, why, sizeof why);
    assert_non_null(strstr(why, "even with its data in place"));
    reuse_why(&link, why, sizeof why);
    assert_non_null(strstr(why, "15.0 us of it for what every call sends"));
    reuse_why(&perhaps, why, sizeof why);
    assert_true(reuse_calls(&perhaps).low == 46); /* 90 / (12 - 10) + 1 */
    assert_non_null(strstr(why, "from 46 calls on"));
}

static void test_unknown_parts(void **ignored)
{
    struct reuse_parts p = {{10, 9, 11}, {NAN, NAN, NAN}, {5, 4, 6}, {5, 4, 6}};
    char why[300];

    (void)ignored;
    assert_true(isnan(reuse_calls(&p).value) && isnan(reuse_calls(&p).low));
    reuse_why(&p, why, sizeof why);
    assert_string_equal(why, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_trying_every_n),
        cmocka_unit_test(test_agrees_under_noise),
        cmocka_unit_test(test_never_has_a_reason),
        cmocka_unit_test(test_unknown_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
