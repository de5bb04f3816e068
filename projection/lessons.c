/* SPDX-License-Identifier: MIT */
#include "projection/lessons.h"

#include <math.h>

/* Assumed correlations of what two kinds of call have in common. Their product is a
 * covariance because each factor is one. */
static const double relatives = 0.5, models = 0.3, types = 0.6, causes = 0.6;

/* 90 % quantile of the normal distribution. */
static const double normal_90 = 1.2816;

static double kinship(const struct gpu *a, const struct region *r, const struct gpu *b,
                      const struct region *q)
{
    double near = a == b                                                   ? 1
                  : a->family == b->family && a->family != FAMILY_OTHER ? relatives
                                                                         : 0;

    return near * (r->model == q->model ? 1 : models) * (r->type == q->type ? 1 : types) *
           (r->cause == q->cause ? 1 : causes);
}

static double deviation(const struct spread *s)
{
    return (s->high - s->low) / 2 / normal_90;
}

/* Variance of one call beside what its kind has in common. */
static double scatter(const struct spread *s)
{
    double all = deviation(s);

    return fmax(all * all - s->between * s->between, 1e-3);
}

/* What two kinds have in common is no wider than the narrower of them, so what a narrow one
 * is off by moves a wide one by as much, not by the ratio of their deviations. A covariance: the
 * least of two variances is one (of a Wiener process), and so is its product with another. */
static double covariance(double kinship, const struct spread *a, const struct spread *b)
{
    double least = fmin(a->between, b->between);

    return kinship * least * least;
}

static void factor(struct lessons *l)
{
    for (int i = 0; i < l->n; i++) {
        const struct lesson *a = &l->lesson[i];

        for (int j = 0; j <= i; j++) {
            const struct lesson *b = &l->lesson[j];
            double sum = covariance(kinship(a->gpu, &a->region, b->gpu, &b->region),
                                    &a->spread, &b->spread);

            if (i == j)
                sum += scatter(&a->spread) / a->n;
            for (int k = 0; k < j; k++)
                sum -= l->factor[i][k] * l->factor[j][k];
            l->factor[i][j] = i == j ? sqrt(sum) : sum / l->factor[j][j];
        }
    }
}

static void solve_lower(const struct lessons *l, double *x)
{
    for (int i = 0; i < l->n; i++) {
        for (int k = 0; k < i; k++)
            x[i] -= l->factor[i][k] * x[k];
        x[i] /= l->factor[i][i];
    }
}

/* Mean of what was seen of a lesson. */
static double lesson_seen(const struct lesson *a)
{
    return a->sum / a->n;
}

static void learn(struct lessons *l)
{
    factor(l);
    for (int i = 0; i < l->n; i++)
        l->weight[i] = lesson_seen(&l->lesson[i]);
    solve_lower(l, l->weight);
    for (int i = l->n - 1; i >= 0; i--) {
        for (int k = i + 1; k < l->n; k++)
            l->weight[i] -= l->factor[k][i] * l->weight[k];
        l->weight[i] /= l->factor[i][i];
    }
}

int lessons_add(struct lessons *l, const struct gpu *gpu, const struct region *region,
                const struct spread *spread, double log_ratio)
{
    int i = 0;

    while (i < l->n && (l->lesson[i].gpu != gpu ||
                        !region_is_same(&l->lesson[i].region, region)))
        i++;
    if (i == LESSONS)
        return STATUS_UNAVAILABLE;
    if (i == l->n)
        l->lesson[l->n++] = (struct lesson){.gpu = gpu, .region = *region, .spread = *spread};
    /* Beyond two deviations a cell is an oddity of its shape. */
    l->lesson[i].sum += fmax(-2 * deviation(spread), fmin(2 * deviation(spread), log_ratio));
    l->lesson[i].n++;
    l->cells++;
    learn(l);
    return 0;
}

double lessons_apply(const struct lessons *l, const struct gpu *gpu,
                     const struct region *region, struct spread *spread)
{
    double common[LESSONS], shift = 0, known = 0, least = 0, most = 0;

    for (int i = 0; i < l->n; i++) {
        const struct lesson *a = &l->lesson[i];

        common[i] = covariance(kinship(gpu, region, a->gpu, &a->region), spread, &a->spread);
        shift += common[i] * l->weight[i];
        least = fmin(least, lesson_seen(a));
        most = fmax(most, lesson_seen(a));
    }
    shift = fmax(least, fmin(most, shift)); /* weights may extrapolate */
    solve_lower(l, common);
    for (int i = 0; i < l->n; i++)
        known += common[i] * common[i];
    known *= normal_90 * normal_90;
    spread->low = shift - sqrt(fmax(spread->low * spread->low - known, 1e-4));
    spread->high = shift + sqrt(fmax(spread->high * spread->high - known, 1e-4));
    return shift;
}
