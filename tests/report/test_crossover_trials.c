/* SPDX-License-Identifier: MIT */
/* Do the brackets hold? Curves whose crossings are known, times with the noise of a shared
 * machine (lognormal, contamination, a disturbance common to both sides of a round), the search
 * as a sweep runs it; a thousand seeded trials of each kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "report/crossover.h"
#include "report/stats.h"

enum { TRIALS = 1000, POINTS = 200, ROUNDS_MOST = 135, TRUTHS = 3 };

/* Per side and round: spread of the logarithm; share of samples that something disturbs, and by
 * how much on average; the disturbance that both sides of a round share. */
static const double spread = 0.04, contaminated = 0.05, hit = 0.5, common = 0.15;

static const struct crossover_range range = {1, 8192, 0.02};

static uint64_t state;

static double uniform(void)
{
    return ((double)(random_next(&state) >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* ---- curves: ln(CPU / GPU) over ln(size), above the bar -------------------------------- */

struct curve {
    double (*height)(const struct curve *, double x);
    double slope, at[TRUTHS]; /* ln of the sizes at which it crosses the bar */
    int crossings;
    double spread_of_gpu; /* of the projection's error, in logarithms; 0: measured */
    double error_of_gpu;
};

static double straight(const struct curve *c, double x)
{
    return c->slope * (x - c->at[0]);
}

/* Through three zeros, slope at the middle one as asked for. */
static double wave(const struct curve *c, double x)
{
    double scale = (c->at[1] - c->at[0]) * (c->at[2] - c->at[1]);

    return 1.5 * tanh(c->slope * (x - c->at[0]) * (x - c->at[1]) * (x - c->at[2]) / scale / -1.5);
}

/* Comes up to the bar and leaves it again. */
static double touching(const struct curve *c, double x)
{
    return -c->slope * (x - c->at[0]) * (x - c->at[0]);
}

/* Stays a tenth below the bar at least. */
static double apart(const struct curve *c, double x)
{
    return -0.1 - c->slope * fabs(x - c->at[0]);
}

static struct curve curve_of(double (*height)(const struct curve *, double), int crossings)
{
    struct curve c = {.height = height, .crossings = crossings,
                      .slope = 0.4 + 1.2 * uniform()};

    c.at[0] = log(30) + uniform() * log(4000.0 / 30);
    if (crossings == 3) {
        c.at[0] = log(6) + uniform() * log(4);
        c.at[1] = c.at[0] + log(5) + uniform() * log(2);
        c.at[2] = c.at[1] + log(5) + uniform() * log(2);
    }
    return c;
}

/* ---- measuring it ----------------------------------------------------------------------- */

static double disturbed(void)
{
    return spread * normal() + (uniform() < contaminated ? log1p(-hit * log(uniform())) : 0);
}

/* Logarithm of CPU time over GPU time in each of `rounds` rounds. The GPU of a projection has no
 * noise but is wrong by one factor everywhere. */
struct measured {
    double size, ratio[ROUNDS_MOST];
    int rounds;
};

static void measure(struct measured *m, const struct curve *c, double size, int rounds)
{
    double drift = 0, cpu, gpu;

    *m = (struct measured){.size = size, .rounds = rounds};
    for (int j = 0; j < rounds; j++) {
        drift = 0.8 * drift + common * 0.6 * normal();
        cpu = c->height(c, log(size)) + drift + disturbed();
        gpu = c->spread_of_gpu > 0 ? c->error_of_gpu : drift + disturbed();
        m->ratio[j] = log1p(VERDICT_TIE) + cpu - gpu;
    }
}

struct bench {
    const struct curve *curve;
    struct measured m[POINTS];
    struct crossover_point p[POINTS];
};

static void judge(void *from, size_t i, double alpha, struct crossover_point *p)
{
    const struct bench *bench = from;
    const struct measured *m = &bench->m[i];
    double work[ROUNDS_MOST], half = 1.2816 * bench->curve->spread_of_gpu;

    memcpy(work, m->ratio, sizeof work);
    *p = (struct crossover_point){.size = m->size, .rounds = (size_t)m->rounds};
    p->log_ratio = crossover_interval(work, (size_t)m->rounds, alpha);
    p->sure = (struct estimate){p->log_ratio.value, p->log_ratio.value - half,
                                p->log_ratio.value + half};
    p->log_ratio.low -= half;
    p->log_ratio.high += half;
}

static int by_size(const void *a, const void *b)
{
    double x = ((const struct measured *)a)->size, y = ((const struct measured *)b)->size;

    return (x > y) - (x < y);
}

struct found {
    struct crossing x;
    size_t sizes, samples;
};

static struct found search(const struct curve *c)
{
    static struct bench bench;
    struct measured *m = bench.m;
    struct found o = {.sizes = 0};

    bench.curve = c;
    for (;;) {
        struct crossover_question q = crossover_net(bench.p, o.sizes, &range);
        size_t at = 0;

        if (q.wish == WISH_NOTHING)
            q = crossover_next(bench.p, o.sizes, &range);
        if (q.wish == WISH_NOTHING)
            break;
        while (at < o.sizes && m[at].size != q.size)
            at++;
        if (at == o.sizes)
            o.sizes++;
        assert_true(o.sizes < POINTS);
        measure(&m[at], c, q.size,
                q.wish == WISH_ROUNDS ? (int)q.rounds : crossover_look[0]);
        o.samples += (size_t)m[at].rounds;
        qsort(m, o.sizes, sizeof *m, by_size);
        crossover_settle(bench.p, o.sizes, judge, &bench);
    }
    crossover_find(bench.p, o.sizes, &o.x);
    return o;
}

/* ---- trials ------------------------------------------------------------------------------ */

struct tally {
    size_t held, undecided;
    double width[TRIALS], sizes[TRIALS], samples[TRIALS];
    size_t widths;
};

static bool holds(const struct curve *c, const struct crossing *x)
{
    if (x->changes != c->crossings)
        return false;
    for (int i = 0; i < c->crossings; i++)
        if (!(log(x->change[i].low) <= c->at[i] && c->at[i] <= log(x->change[i].high)))
            return false;
    return true;
}

static void run(struct tally *t, double (*height)(const struct curve *, double), int crossings,
                double spread_of_gpu)
{
    *t = (struct tally){0};
    state = 20261123;
    for (int i = 0; i < TRIALS; i++) {
        struct curve c = curve_of(height, crossings);
        struct found o;

        c.spread_of_gpu = spread_of_gpu;
        c.error_of_gpu = spread_of_gpu * normal();
        o = search(&c);
        t->held += holds(&c, &o.x);
        t->undecided += o.x.kind == CROSSOVER_UNDECIDED;
        t->sizes[i] = (double)o.sizes;
        t->samples[i] = (double)o.samples;
        for (int k = 0; k < o.x.changes && t->widths < TRIALS; k++)
            t->width[t->widths++] = o.x.change[k].high / o.x.change[k].low - 1;
    }
}

static double tell(const char *what, struct tally *t)
{
    double width = stats_median(t->width, t->widths);

    print_message("%s: %.1f %% of %d trials hold, %zu undecided; median bracket +%.1f %%, "
                  "%.0f sizes, %.0f rounds\n",
                  what, 100.0 * (double)t->held / TRIALS, TRIALS, t->undecided, 100 * width,
                  stats_median(t->sizes, TRIALS), stats_median(t->samples, TRIALS));
    return width;
}

static struct tally tally;

/* Two sizes that the last look can just tell from the bar at the middle slope of 1 are 3.3 % apart
 * (2 x 2.65 x 1.25 x 5.7 % / sqrt(135)); three times that is needlessly wide. */
static const double widest = 0.1;

static void test_one_crossing(void **ignored)
{
    (void)ignored;
    run(&tally, straight, 1, 0);
    assert_true(tell("one crossing", &tally) <= widest);
    assert_true(tally.held >= 0.95 * TRIALS);
}

static void test_several_crossings(void **ignored)
{
    (void)ignored;
    run(&tally, wave, 3, 0);
    assert_true(tell("three crossings", &tally) <= widest);
    assert_true(tally.held >= 0.95 * TRIALS);
}

static void test_no_crossing(void **ignored)
{
    (void)ignored;
    run(&tally, apart, 0, 0);
    tell("no crossing", &tally);
    assert_true(tally.held >= 0.95 * TRIALS);
    assert_true(tally.undecided <= 0.05 * TRIALS);
}

/* Equal in one point: any crossing that is reported is false. */
static void test_touching(void **ignored)
{
    (void)ignored;
    run(&tally, touching, 0, 0);
    tell("touching", &tally);
    assert_true(tally.held >= 0.95 * TRIALS);
}

/* A projection that is off by the same factor at all sizes: its 80 % interval sets the bracket
 * (+47 % at the middle slope), and what disturbs the CPU no longer cancels. */
static void test_projected(void **ignored)
{
    (void)ignored;
    run(&tally, straight, 1, 0.15);
    assert_true(tell("projected, one crossing", &tally) <= 1.0);
    assert_true(tally.held >= CROSSOVER_PROJECTED * TRIALS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_crossing), cmocka_unit_test(test_several_crossings),
        cmocka_unit_test(test_no_crossing),  cmocka_unit_test(test_touching),
        cmocka_unit_test(test_projected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
