/* SPDX-License-Identifier: MIT */
#include "report/crossover.h"

#include <math.h>

#include "report/stats.h"

const int crossover_look[CROSSOVER_LOOKS] = {15, 45, 135};

const char *crossover_kind_name(enum crossover_kind kind)
{
    static const char *const spelling[] = {
#define X(value, text) text,
        CROSSOVER_KIND_MAP(X)
#undef X
    };
    return spelling[kind];
}

enum decision crossover_decision(const struct crossover_point *p)
{
    if (p->log_ratio.low > log1p(VERDICT_TIE))
        return DECISION_OFFLOAD;
    return p->log_ratio.high < log1p(VERDICT_TIE) ? DECISION_STAY : DECISION_UNDECIDED;
}

/* ---- intervals ----------------------------------------------------------------------- */

/* What disturbs a measurement from its beginning to its end leaves rounds that agree with each
 * other; only another measurement tells. */
static void hear_both(struct crossover_point *p)
{
    bool is_offload = p->log_ratio.value > log1p(VERDICT_TIE);

    p->is_contradicted = p->repeats > 0 && crossover_decision(p) != DECISION_UNDECIDED &&
                         (p->before > log1p(VERDICT_TIE)) != is_offload;
    if (p->is_contradicted) {
        p->log_ratio.low = fmin(p->log_ratio.low, p->before);
        p->log_ratio.high = fmax(p->log_ratio.high, p->before);
    }
}

void crossover_settle(struct crossover_point *point, size_t points,
                      void (*judge)(void *from, size_t i, double alpha, struct crossover_point *),
                      void *from)
{
    size_t open = points, before = points + 1;

    while (open > 0 && open < before) {
        before = open;
        open = 0;
        for (size_t i = 0; i < points; i++) {
            judge(from, i, (1 - STATS_CONFIDENCE) / (double)(before * CROSSOVER_LOOKS), &point[i]);
            hear_both(&point[i]);
            open += crossover_decision(&point[i]) == DECISION_UNDECIDED;
        }
    }
}

/* P(T > t) of Student's t with whole degrees of freedom (Abramowitz & Stegun, Handbook of
 * Mathematical Functions, 1964, 26.7.3 and 26.7.4). */
static double student_tail(double t, int freedom)
{
    double theta = atan(t / sqrt(freedom)), c = cos(theta), s = sin(theta);
    double term = freedom % 2 ? c : 1, sum = 0;

    for (int i = freedom % 2 ? 3 : 2; i <= freedom; i += 2) {
        sum += term;
        term *= c * c * (i - 1) / i;
    }
    return freedom % 2 ? 0.5 - (theta + s * sum) / M_PI : 0.5 - s * sum / 2;
}

/* Where `tail`, falling, takes the value alpha. */
static double quantile(double (*tail)(double, int), int freedom, double alpha)
{
    double low = 0, high = 1;

    while (tail(high, freedom) > alpha && high < 1e9)
        high *= 2;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;

        *(tail(middle, freedom) > alpha ? &low : &high) = middle;
    }
    return high;
}

static double normal_tail(double z, int unused)
{
    (void)unused;
    return erfc(z / sqrt(2)) / 2;
}

double crossover_widening(double alpha)
{
    return quantile(normal_tail, 0, alpha) / quantile(normal_tail, 0, (1 - STATS_CONFIDENCE) / 2);
}

static struct estimate student_interval(const double *value, size_t n, double alpha)
{
    double mean = 0, square = 0, half;

    for (size_t i = 0; i < n; i++)
        mean += value[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (value[i] - mean) * (value[i] - mean);
    half = quantile(student_tail, (int)n - 1, alpha) *
           sqrt(square / (double)(n - 1) / (double)n);
    return (struct estimate){mean, mean - half, mean + half};
}

/* Not even the whole range is sure enough. */
static bool is_few(size_t n, double alpha)
{
    return exp2(-(double)n) > alpha;
}

double crossover_excess(size_t n, double alpha)
{
    if (n < 2)
        return INFINITY;
    return is_few(n, alpha) ? quantile(student_tail, (int)n - 1, alpha) /
                                  quantile(normal_tail, 0, alpha)
                            : 1;
}

struct estimate crossover_interval(double *value, size_t n, double alpha)
{
    if (n < 2)
        return (struct estimate){n ? value[0] : NAN, -INFINITY, INFINITY};
    if (is_few(n, alpha))
        return student_interval(value, n, alpha);
    return stats_median_interval(value, n, 1 - 2 * alpha);
}

/* ---- changes ------------------------------------------------------------------------- */

static void add(struct crossover_stretch *list, int *count, struct crossover_stretch stretch)
{
    if (*count < CROSSOVER_STRETCHES)
        list[(*count)++] = stretch;
}

static enum crossover_kind kind_of(const struct crossing *x, enum decision winner)
{
    if (x->changes)
        return x->changes > 1 ? CROSSOVER_SEVERAL : CROSSOVER_ONE;
    if (x->doubts || winner == DECISION_UNDECIDED)
        return CROSSOVER_UNDECIDED;
    return winner == DECISION_OFFLOAD ? CROSSOVER_ALWAYS : CROSSOVER_NEVER;
}

void crossover_find(const struct crossover_point *point, size_t points, struct crossing *x)
{
    struct crossover_stretch s = {-INFINITY, -INFINITY, DECISION_UNDECIDED, DECISION_UNDECIDED};
    bool in_doubt = false;

    *x = (struct crossing){.kind = CROSSOVER_UNDECIDED};
    for (size_t i = 0; i < points; i++) {
        enum decision d = crossover_decision(&point[i]);

        if (d == DECISION_UNDECIDED) {
            in_doubt = true;
            continue;
        }
        s.high = point[i].size;
        s.after = d;
        if (s.before != DECISION_UNDECIDED && s.before != d)
            add(x->change, &x->changes, s);
        else if (in_doubt)
            add(x->doubt, &x->doubts, s);
        in_doubt = false;
        s.low = s.high;
        s.before = d;
    }
    s.high = INFINITY;
    s.after = DECISION_UNDECIDED;
    if (in_doubt)
        add(x->doubt, &x->doubts, s);
    x->kind = kind_of(x, s.before);
}

const struct crossover_stretch *crossing_doubt_below(const struct crossing *found)
{
    for (int i = 0; i < found->doubts; i++)
        if (isinf(found->doubt[i].low))
            return &found->doubt[i];
    return NULL;
}

const struct crossover_stretch *crossing_doubt_above(const struct crossing *found)
{
    for (int i = 0; i < found->doubts; i++)
        if (isinf(found->doubt[i].high))
            return &found->doubt[i];
    return NULL;
}
