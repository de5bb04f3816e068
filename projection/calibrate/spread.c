/* SPDX-License-Identifier: MIT */
/* Coordinate descent on the logarithm of the standard deviations. Every GPU counts alike in a
 * class, and every group of samples alike within it, however many rows its source published;
 * GPUs of the other standing count a quarter. */
#include "projection/calibrate/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP_ROWS = 200, ROUNDS = 30 };

/* The share of calls that the deviations aim at: 80 % times 14 / 13, because the next GPU is
 * not one of these 13 (conformal prediction's correction for n: Vovk et al. 2005);
 * what the other standing counts; what a factor e away from the pull's deviation costs. */
static const double aim = 0.86, other_standing = 0.25, pull = 0.03;
static const double least_sigma = 0.02, most_sigma = 0.7, step_first = 0.5, step_least = 0.03;
static const double normal_90 = 1.2816;

struct row {
    const struct residual *of;
    double squared_share[CAUSES], off, weight;
    enum class class;
};

struct sigmas {
    double of[KINDREDS][CAUSES];
};

/* Where the pull of all classes together starts from. */
static const struct sigmas start = {
    .of = {{0.10, 0.08, 0.20, 0.15, 0.2, 0.15}, {0.12, 0.10, 0.25, 0.18, 0.3, 0.2},
           {0.15, 0.13, 0.30, 0.20, 0.3, 0.25}}};

/* Interval score of the rows of one class (CLASSES: of all), and the pull. */
static double score(const struct row *row, size_t n, enum class class, const struct sigmas *s,
                    const struct sigmas *towards)
{
    double sum = 0, weights = 0, cost = 0;

    for (size_t i = 0; i < n; i++) {
        const struct row *x = &row[i];
        double variance = least_sigma * least_sigma, half;

        if ((class != CLASSES && x->class != class) || x->weight == 0)
            continue;
        for (int c = 0; c < CAUSE_LINK; c++)
            variance += x->squared_share[c] * s->of[x->of->kindred[c]][c] *
                        s->of[x->of->kindred[c]][c];
        half = normal_90 * sqrt(variance);
        sum += x->weight * (2 * half + 2 / (1 - aim) * fmax(x->off - half, 0));
        weights += x->weight;
    }
    for (int k = 0; k < KINDREDS; k++)
        for (int c = 0; c < CAUSE_LINK; c++) {
            double far = log(s->of[k][c] / towards->of[k][c]);

            cost += pull * far * far;
        }
    return (weights > 0 ? sum / weights : 0) + cost;
}

/* One deviation to `value`; no nearer kindred may err more than a farther one. */
static struct sigmas turned(const struct sigmas *s, int kindred, int cause, double value)
{
    struct sigmas t = *s;

    t.of[kindred][cause] = fmin(fmax(value, least_sigma), most_sigma);
    for (int k = kindred + 1; k < KINDREDS; k++)
        t.of[k][cause] = fmax(t.of[k][cause], t.of[k - 1][cause]);
    for (int k = kindred - 1; k >= 0; k--)
        t.of[k][cause] = fmin(t.of[k][cause], t.of[k + 1][cause]);
    return t;
}

static struct sigmas descend(const struct row *row, size_t n, enum class class,
                             const struct sigmas *towards, int causes)
{
    struct sigmas s = *towards;
    double step[KINDREDS][CAUSES], best = score(row, n, class, &s, towards);

    for (int i = 0; i < KINDREDS * CAUSES; i++)
        step[i / CAUSES][i % CAUSES] = step_first;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < KINDREDS * causes; i++) {
            int k = i / causes, c = i % causes, sign = 1;
            bool is_better = false;

            for (; step[k][c] >= step_least && !is_better && sign >= -1; sign -= 2) {
                struct sigmas t = turned(&s, k, c, s.of[k][c] * exp(sign * step[k][c]));
                double now = score(row, n, class, &t, towards);

                is_better = now < best - 1e-9;
                if (is_better) {
                    best = now;
                    s = t;
                }
            }
            step[k][c] *= is_better ? 1.3 : 0.5;
        }
    return s;
}

/* By fold, then group, then how far off. */
static int compare_rows(const void *a, const void *b)
{
    const struct residual *x = ((const struct row *)a)->of, *y = ((const struct row *)b)->of;

    if (x->fold != y->fold)
        return x->fold < y->fold ? -1 : 1;
    if (x->sample->group != y->sample->group)
        return x->sample->group - y->sample->group;
    return (x->log_ratio > y->log_ratio) - (x->log_ratio < y->log_ratio);
}

/* At most GROUP_ROWS evenly spread residuals of each group and fold, and what each group of a
 * GPU, class and fold shall weigh. */
static size_t rows_choose(const struct residuals *r, const struct samples *s, struct row *row)
{
    int (*count)[FOLDS] = calloc(GROUPS, sizeof *count);
    int (*seen)[FOLDS] = calloc(GROUPS, sizeof *seen);
    size_t n = 0;

    for (size_t i = 0; count && seen && i < r->n; i++)
        count[r->residual[i].sample->group][r->residual[i].fold]++;
    for (size_t i = 0; count && seen && i < r->n; i++) {
        const struct residual *e = &r->residual[i];
        int g = e->sample->group, all = count[g][e->fold], nth = seen[g][e->fold]++;
        int64_t keep = all < GROUP_ROWS ? all : GROUP_ROWS;

        if ((nth + 1) * keep / all == nth * keep / all || s->group[g].weight == 0)
            continue;
        row[n] = (struct row){.of = e, .off = fabs(e->log_ratio), .weight = 1.0 / (double)keep,
                              .class = class_of(e->region.model, e->region.type)};
        for (int c = 0; c < CAUSES; c++)
            row[n].squared_share[c] = e->region.share[c] * e->region.share[c];
        n++;
    }
    free(count);
    free(seen);
    qsort(row, n, sizeof *row, compare_rows);
    return n;
}

/* Give every GPU the weight 1 in each class and fold. */
static void rows_weigh(struct row *row, size_t n)
{
    struct sum {
        const struct gpu *gpu;
        double of[CLASSES][FOLDS];
    } *sum = calloc(64, sizeof *sum);

    for (int pass = 0; sum && pass < 2; pass++)
        for (size_t i = 0; i < n; i++) {
            int g = 0;

            while (g < 63 && sum[g].gpu && sum[g].gpu != row[i].of->sample->gpu)
                g++;
            sum[g].gpu = row[i].of->sample->gpu;
            if (pass == 0)
                sum[g].of[row[i].class][row[i].of->fold] += row[i].weight;
            else
                row[i].weight /= sum[g].of[row[i].class][row[i].of->fold];
        }
    free(sum);
}

static void standing_weigh(struct row *row, size_t n, enum standing standing, double others)
{
    for (size_t i = 0; i < n; i++)
        if (standing_of(row[i].of->sample->gpu) != standing)
            row[i].weight *= others;
}

/* A host's launches know no standing: theirs come from all GPUs alike. A chip's power is known
 * from all classes together. */
static void standing_make(struct intervals *t, struct row *row, size_t n,
                          enum standing standing)
{
    struct sigmas host = descend(row, n, CLASSES, &start, CAUSE_LINK), all;

    standing_weigh(row, n, standing, other_standing);
    all = descend(row, n, CLASSES, &start, CAUSE_LINK);
    for (int k = 0; k < KINDREDS; k++)
        all.of[k][CAUSE_LAUNCH] = host.of[k][CAUSE_LAUNCH];
    for (int c = 0; c < CLASSES; c++) {
        struct sigmas own = descend(row, n, (enum class)c, &all, CAUSE_LAUNCH);

        memcpy(t->sigma[standing][c], own.of, sizeof own.of);
    }
    standing_weigh(row, n, standing, 1 / other_standing);
}

/* Of the variance of a class, what lies between groups rather than within: the medians' mean
 * square over the whole, as quantiles give it. */
static void common_make(struct intervals *t, const struct row *row, size_t n)
{
    double between[CLASSES] = {0}, all[CLASSES] = {0};

    for (size_t from = 0, i = 1; i <= n; i++) {
        const struct residual *first = row[from].of;
        size_t m = i - from;
        double wide, middle;

        if (i < n && row[i].of->sample->group == first->sample->group &&
            row[i].of->fold == first->fold)
            continue;
        wide = (row[from + m * 9 / 10].of->log_ratio - row[from + m / 10].of->log_ratio) / 2 /
               normal_90;
        middle = row[from + m / 2].of->log_ratio;
        from = i;
        if (first->fold != FOLD_GPU)
            continue;
        between[row[i - 1].class] += middle * middle;
        all[row[i - 1].class] += middle * middle + wide * wide;
    }
    for (int c = 0; c < CLASSES; c++)
        t->common[c] = all[c] > 0 ? between[c] / all[c] : 0;
}

/* What a row's deviation lacks, where its kind was left out, to hold it. */
static void lack_set(const struct intervals *t, struct row *row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct residual *e = row[i].of;
        struct spread s = spread_of(t, standing_of(e->sample->gpu), &e->region, e->kindred);
        double device = fmax(1 - e->region.share[CAUSE_LAUNCH], 1e-3);

        row[i].off = sqrt(fmax(row[i].off * row[i].off - s.high * s.high, 0)) / normal_90 / device;
    }
}

static int compare_off(const void *a, const void *b)
{
    double x = ((const struct row *)a)->off, y = ((const struct row *)b)->off;

    return (x > y) - (x < y);
}

/* Kinds whose models share all parameters, so that one left out still has the others: streams of
 * one labour, products of one precision. */
static int siblings_of(const struct region *r)
{
    if (part_of(r->model) == PART_PRODUCTS)
        return r->kind.precision;
    return KIND_PRECISIONS + (int)r->model * LABOURS + (int)op_kind_at(r->kind.operation)->labour;
}

/* All siblings together count as one kind: eleven maps are not eleven strangers. */
static void kinds_weigh(struct row *row, size_t n)
{
    double sum[KIND_PRECISIONS + MODELS * LABOURS] = {0};

    for (size_t i = 0; i < n; i++)
        sum[siblings_of(&row[i].of->region)] += row[i].weight;
    for (size_t i = 0; i < n; i++)
        if (row[i].weight > 0)
            row[i].weight /= sum[siblings_of(&row[i].of->region)];
}

/* What most rows lack at most, so that `aim` of the calls of kinds left out are held. The rows
 * are sorted. */
static double lack_of(const struct row *row, size_t n, enum part part)
{
    double all = 0, sum = 0;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n; i++) {
            double weight = part_of(row[i].of->region.model) == part ? row[i].weight : 0;

            if (pass == 0)
                all += weight;
            else if ((sum += weight) >= aim * all)
                return row[i].off;
        }
    return 0;
}

static void strange_make(struct intervals *t, struct row *row, size_t n)
{
    kinds_weigh(row, n);
    lack_set(t, row, n);
    qsort(row, n, sizeof *row, compare_off);
    for (int part = 0; part < PARTS; part++)
        t->strange[part] = lack_of(row, n, (enum part)part);
}

int intervals_make(struct intervals *t, const struct residuals *r, const struct samples *s,
                   const struct gpu *but)
{
    struct row *row = malloc((r->n + 1) * sizeof *row);
    size_t all = row ? rows_choose(r, s, row) : 0, n = 0;

    intervals_init(t);
    if (!row)
        return STATUS_MEMORY;
    rows_weigh(row, all);
    for (size_t i = 0; i < all; i++) {
        if (row[i].of->sample->gpu == but)
            row[i].weight = 0;
        else
            intervals_mark(t, row[i].of->sample->gpu, row[i].class, &row[i].of->region.kind);
    }
    while (n < all && row[n].of->fold != FOLD_KIND) /* they come last */
        n++;
    common_make(t, row, n);
    for (int standing = 0; standing < STANDINGS; standing++)
        standing_make(t, row, n, (enum standing)standing);
    strange_make(t, row + n, all - n);
    free(row);
    return 0;
}
