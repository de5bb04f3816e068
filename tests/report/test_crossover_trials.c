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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "report/crossover.h"
#include "report/stats.h"

enum { TRIALS = 1000, POINTS = 200, ROUNDS_MOST = 135, TRUTHS = 3 };

/* Per side and round: spread of the logarithm, of Student's t with so many degrees of freedom (0:
 * normal); share of samples that something disturbs. Rounds of a first look; of the CPU's times, a
 * drift of its own within a measurement, which makes its rounds depend on each other. */
struct noise {
    double cpu, gpu;
    int freedom;
    double contaminated;
    int rounds;
    double drift;
    double whole; /* share of measurements that something disturbs from beginning to end */
};

static const struct noise usual = {0.04, 0.04, 0, 0.05, 15, 0, 0};
static struct noise noise;

/* By how much something disturbs a sample on average; the disturbance that both sides of a round
 * share. */
static const double hit = 0.5, common = 0.15;

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

/* A cache ends, or a library changes its kernel: a jump over the bar, flat on both sides. */
static double jump(const struct curve *c, double x)
{
    return x < c->at[0] ? -0.05 - 0.4 * c->slope : 0.05 + 0.4 * c->slope;
}

/* Near the bar at all sizes: 1.5 % for each factor of e. */
static double flat(const struct curve *c, double x)
{
    return 0.015 * (x - c->at[0]);
}

/* Between the first two sizes, and between the last two of the net. */
static double at_first(const struct curve *c, double x)
{
    return c->slope * (x - log(1.5));
}

static double at_last(const struct curve *c, double x)
{
    return c->slope * (x - log(7000));
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

static double student(int freedom)
{
    double z = normal(), squares = 0;

    for (int i = 0; i < freedom; i++) {
        double y = normal();

        squares += y * y;
    }
    return freedom ? z / sqrt(squares / freedom) : z;
}

static double disturbed(double spread)
{
    return spread * student(noise.freedom) +
           (uniform() < noise.contaminated ? log1p(-hit * log(uniform())) : 0);
}

/* Logarithm of CPU time over GPU time in each of `rounds` rounds. The GPU of a projection has no
 * noise but is wrong by one factor everywhere. */
struct measured {
    double size, ratio[ROUNDS_MOST];
    int rounds;
    size_t repeats;
    double before;
};

static void measure(struct measured *m, const struct curve *c, double size, int rounds)
{
    double drift = 0, own = noise.drift > 0 ? noise.drift * normal() : 0, cpu, gpu, off = 0;

    if (m->size == size) {
        double work[ROUNDS_MOST];

        m->repeats++;
        memcpy(work, m->ratio, sizeof work);
        m->before = stats_median(work, (size_t)m->rounds);
    } else {
        *m = (struct measured){.size = size};
    }
    m->rounds = rounds;
    if (noise.whole > 0 && uniform() < noise.whole)
        off = log1p(-hit * log(uniform())) * (uniform() < 0.5 ? -1 : 1);
    for (int j = 0; j < rounds; j++) {
        drift = 0.8 * drift + common * 0.6 * normal();
        if (noise.drift > 0)
            own = 0.9 * own + noise.drift * sqrt(1 - 0.9 * 0.9) * normal();
        cpu = c->height(c, log(size)) + drift + own + off + disturbed(noise.cpu);
        gpu = c->spread_of_gpu > 0 ? c->error_of_gpu : drift + disturbed(noise.gpu);
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
    *p = (struct crossover_point){.size = m->size, .rounds = (size_t)m->rounds,
                                  .repeats = m->repeats, .before = m->before};
    p->log_ratio = crossover_interval(work, (size_t)m->rounds, alpha);
    p->excess = crossover_excess((size_t)m->rounds, alpha);
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
            m[o.sizes++].size = 0;
        assert_true(o.sizes < POINTS);
        measure(&m[at], c, q.size,
                q.wish == WISH_ROUNDS ? (int)q.rounds : noise.rounds);
        o.samples += (size_t)m[at].rounds;
        qsort(m, o.sizes, sizeof *m, by_size);
        crossover_settle(bench.p, o.sizes, judge, &bench);
    }
    crossover_find(bench.p, o.sizes, &o.x);
    return o;
}

/* ---- trials ------------------------------------------------------------------------------ */

struct tally {
    size_t held, honest, undecided;
    double width[TRIALS], sizes[TRIALS], samples[TRIALS];
    size_t widths;
};

static bool is_within(double at, const struct crossover_stretch *change)
{
    return log(change->low) <= at && at <= log(change->high);
}

static bool holds(const struct curve *c, const struct crossing *x)
{
    if (x->changes != c->crossings)
        return false;
    for (int i = 0; i < c->crossings; i++)
        if (!is_within(c->at[i], &x->change[i]))
            return false;
    return true;
}

/* Of one crossing: it may remain undecided, but nothing false may be said. */
static bool is_honest(const struct curve *c, const struct crossing *x)
{
    return x->changes == 0 ? x->kind == CROSSOVER_UNDECIDED : holds(c, x);
}

static void run_in(struct noise n, struct tally *t,
                   double (*height)(const struct curve *, double), int crossings,
                   double spread_of_gpu)
{
    *t = (struct tally){0};
    state = 20261123;
    noise = n;
    for (int i = 0; i < TRIALS; i++) {
        struct curve c = curve_of(height, crossings);
        struct found o;

        c.spread_of_gpu = spread_of_gpu;
        c.error_of_gpu = spread_of_gpu * normal();
        if (height == at_first || height == at_last)
            c.at[0] = height == at_first ? log(1.5) : log(7000);
        o = search(&c);
        t->held += holds(&c, &o.x);
        t->honest += is_honest(&c, &o.x);
        t->undecided += o.x.kind == CROSSOVER_UNDECIDED;
        t->sizes[i] = (double)o.sizes;
        t->samples[i] = (double)o.samples;
        for (int k = 0; k < o.x.changes && t->widths < TRIALS; k++)
            t->width[t->widths++] = o.x.change[k].high / o.x.change[k].low - 1;
    }
}

static void run(struct tally *t, double (*height)(const struct curve *, double), int crossings,
                double spread_of_gpu)
{
    run_in(usual, t, height, crossings, spread_of_gpu);
}

static double tell(const char *what, struct tally *t)
{
    double width = stats_median(t->width, t->widths);
    char bracket[40] = "no bracket";

    if (t->widths)
        snprintf(bracket, sizeof bracket, "median bracket +%.1f %%", 100 * width);
    print_message("%s: %.1f %% of %d trials hold, %.1f %% say nothing false, %zu undecided; %s, "
                  "%.0f sizes, %.0f rounds\n",
                  what, 100.0 * (double)t->held / TRIALS, TRIALS,
                  100.0 * (double)(t->honest > t->held ? t->honest : t->held) / TRIALS,
                  t->undecided, bracket,
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

/* Shapes that a fitted line would pass over. A jump of at least 36 % is found to the resolution. */
static void test_adverse_curves(void **ignored)
{
    (void)ignored;
    run(&tally, jump, 1, 0);
    assert_true(tell("a jump", &tally) <= 2 * range.resolution);
    assert_true(tally.held >= 0.95 * TRIALS);
    run(&tally, at_first, 1, 0);
    assert_true(tell("at the first sizes", &tally) <= 1.01); /* 1 and 2 are neighbours */
    assert_true(tally.held >= 0.95 * TRIALS);
    run(&tally, at_last, 1, 0);
    assert_true(tell("at the last sizes", &tally) <= widest);
    assert_true(tally.honest >= 0.95 * TRIALS);
    run(&tally, flat, 1, 0);
    tell("nearly flat", &tally);
    assert_true(tally.honest >= 0.95 * TRIALS);
}

/* Two in a hundred measurements are off by half as a whole, to either side, and their rounds agree
 * with each other. A bracket that rested on one measurement would be false in five to nine of a
 * hundred trials. */
static void test_whole_measurements_disturbed(void **ignored)
{
    static const struct {
        const char *name;
        double (*height)(const struct curve *, double);
        int crossings;
        double widest;
    } cases[] = {
        {"one crossing, 2 % of measurements off", straight, 1, 0.1},
        {"three crossings, 2 % of measurements off", wave, 3, 0.1},
        {"no crossing, 2 % of measurements off", apart, 0, 0},
        {"touching, 2 % of measurements off", touching, 0, 0},
    };
    struct noise off = usual;

    (void)ignored;
    off.whole = 0.02;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double width;

        run_in(off, &tally, cases[i].height, cases[i].crossings, 0);
        width = tell(cases[i].name, &tally);
        assert_true(tally.held >= 0.98 * TRIALS);
        if (cases[i].crossings)
            assert_true(width <= cases[i].widest);
    }
}

/* Noise that the usual one is not: Student's t with two degrees of freedom, which has no variance;
 * a third of the samples disturbed; one side twenty times as noisy; first looks of three rounds;
 * rounds that follow each other. The brackets become wider, not false. */
static void test_adverse_noise(void **ignored)
{
    static const struct {
        const char *name;
        struct noise noise;
        double widest;
    } cases[] = {
        {"heavy tails", {0.04, 0.04, 2, 0.05, 15, 0, 0}, 0.2},
        {"a third disturbed", {0.04, 0.04, 0, 0.33, 15, 0, 0}, 0.4},
        {"one noisy side", {0.01, 0.2, 0, 0.05, 15, 0, 0}, 0.4},
        {"three rounds", {0.04, 0.04, 0, 0.05, 3, 0, 0}, 0.2},
        {"dependent rounds", {0.04, 0.04, 0, 0.05, 15, 0.03, 0}, 0.2},
    };

    (void)ignored;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_in(cases[i].noise, &tally, straight, 1, 0);
        assert_true(tell(cases[i].name, &tally) <= cases[i].widest);
        assert_true(tally.honest >= 0.95 * TRIALS);
        assert_true(tally.undecided <= 0.05 * TRIALS);
    }
}

/* Three rounds of which two were set aside say nothing of how many would do: they are taken again.
 * As many quiet ones that spread so much are not, as no look would decide them. */
static void test_disturbed_sizes_are_taken_again(void **ignored)
{
    struct crossover_point p[] = {
        {.size = 198, .log_ratio = {-2, -2.1, -1.9}, .sure = {-2, -2, -2}, .rounds = 45},
        {.size = 200, .log_ratio = {0.5, -9, 9}, .sure = {0.5, 0.5, 0.5}, .rounds = 3,
         .set_aside = 2, .excess = INFINITY},
        {.size = 203, .log_ratio = {2, 1.9, 2.1}, .sure = {2, 2, 2}, .rounds = 45}};
    struct crossover_question q = crossover_next(p, 3, &range);

    (void)ignored;
    assert_true(q.wish == WISH_ROUNDS && q.size == 200 && q.rounds == crossover_look[0]);
    p[1].set_aside = 0;
    p[1].excess = 1;
    q = crossover_next(p, 3, &range);
    assert_false(q.wish == WISH_ROUNDS && q.size == 200);
    p[1].excess = crossover_excess(3, 0.001); /* too few to tell how they spread */
    assert_true(p[1].excess > 5 && p[1].excess < 8);
    p[1].log_ratio = (struct estimate){0.5, -2.5, 3.5};
    q = crossover_next(p, 3, &range);
    assert_true(q.wish == WISH_ROUNDS && q.size == 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_crossing), cmocka_unit_test(test_several_crossings),
        cmocka_unit_test(test_no_crossing),  cmocka_unit_test(test_touching),
        cmocka_unit_test(test_projected),     cmocka_unit_test(test_adverse_curves),
        cmocka_unit_test(test_adverse_noise),
        cmocka_unit_test(test_whole_measurements_disturbed),
        cmocka_unit_test(test_disturbed_sizes_are_taken_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
