/* SPDX-License-Identifier: MIT */
/* Leaving GPUs and generations out, and the quantiles of what remains. Every group of samples
 * counts alike in a quantile, however many rows its source published. */
#include "projection/calibrate/folds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOLD_ROWS = 60, FOLD_ROUNDS = 25, ENOUGH = 40 };

/* An interval from the residuals of G left-out GPUs is stretched by 1 + lone / G: a handful
 * of GPUs spreads less than all GPUs do. */
static const double lone = 1.2;

void start_values(struct parameters *p)
{
    struct knob knob[KNOBS];
    int n = knobs_list(knob);

    parameters_init(p);
    for (int i = 0; i < n; i++)
        if (knob[i].who == WHO_F)
            *knob_value(p, &knob[i]) =
                *knob_value((struct parameters *)parameters_builtin(), &knob[i]);
}

void fit_all(struct parameters *p, const struct samples *s, const struct left_out *out,
             int rounds)
{
    static const enum who order[] = {WHO_T, WHO_M, WHO_A}; /* later ones use earlier ones */
    static const char *const name[] = {"streams", "products", "attention"};

    for (int i = 0; i < 3; i++)
        fprintf(stderr, "  %s %.4f", name[i], fit(p, s, out, order[i], rounds));
    fprintf(stderr, "\n");
}

static enum kindred kindred_known(const struct samples *s, const struct group *group,
                                  const struct left_out *out, enum number_type type)
{
    (void)type;
    if (!out)
        return KINDRED_GPU;
    for (int g = 0; out->gpu && g < s->groups; g++)
        if (s->group[g].gpu != out->gpu && s->group[g].gpu->family == out->gpu->family &&
            s->group[g].who == group->who && s->group[g].weight > 0 &&
            strcmp(s->group[g].dtype, group->dtype) == 0)
            return KINDRED_FAMILY;
    return KINDRED_NONE;
}

int residuals_add(struct residuals *r, const struct samples *s, const struct parameters *p,
                  const struct left_out *out, int stride)
{
    for (size_t i = 0; i < s->n; i += (size_t)stride) {
        const struct sample *x = &s->sample[i];
        struct residual *e;
        struct ledger l;

        if (out && !is_left_out(out, x))
            continue;
        if (r->n == r->cap) {
            size_t cap = r->cap ? 2 * r->cap : 65536;
            struct residual *grown = realloc(r->residual, cap * sizeof *grown);

            if (!grown)
                return STATUS_MEMORY;
            r->residual = grown;
            r->cap = cap;
        }
        model_project(p, x->gpu, &x->op, x->timing, &l, NULL);
        e = &r->residual[r->n++];
        *e = (struct residual){.sample = x, .log_ratio = log(x->time_us / l.total)};
        e->region = region_of(x->kind, &x->op, x->timing, l.total);
        e->by_family = out && !out->gpu;
        e->kindred = kindred_known(s, &s->group[x->group], out, e->region.type);
    }
    return 0;
}

static int fold(struct residuals *r, const struct samples *s, const struct left_out *out,
                int stride)
{
    struct parameters p;

    fprintf(stderr, "without %-16s", out->gpu ? out->gpu->id.text : family_name(out->family));
    start_values(&p);
    fit_all(&p, s, out, FOLD_ROUNDS);
    parameters_inherit(&p);
    return residuals_add(r, s, &p, out, stride);
}

int folds_run(struct residuals *r, struct samples *s, int stride)
{
    const struct gpu *done[GROUPS];
    int gpus = 0, status = 0, members[FAMILIES] = {0};

    samples_choose(s, FOLD_ROWS);
    for (int g = 0; status == 0 && g < s->groups; g++) {
        struct left_out out = {.gpu = s->group[g].gpu, .family = -1};
        int i = 0;

        while (i < gpus && done[i] != out.gpu)
            i++;
        if (i < gpus)
            continue;
        done[gpus++] = out.gpu;
        members[out.gpu->family]++;
        status = fold(r, s, &out, stride);
    }
    for (int f = 0; status == 0 && f < FAMILIES; f++)
        if (members[f] > 1)
            status = fold(r, s, &(struct left_out){.family = f}, stride);
    return status;
}

void residuals_release(struct residuals *r)
{
    free(r->residual);
    *r = (struct residuals){0};
}

struct weighted {
    double value, weight;
};

static int compare(const void *a, const void *b)
{
    double x = ((const struct weighted *)a)->value, y = ((const struct weighted *)b)->value;

    return (x > y) - (x < y);
}

static double quantile(const struct weighted *w, size_t n, double at)
{
    double total = 0, sum = 0;

    for (size_t i = 0; i < n; i++)
        total += w[i].weight;
    for (size_t i = 0; i < n; i++) {
        sum += w[i].weight;
        if (sum >= at * total)
            return w[i].value;
    }
    return n ? w[n - 1].value : NAN;
}

static int cell_of(const struct residual *e)
{
    const struct region *r = &e->region;

    return ((((int)e->kindred * MODELS + (int)r->model) * NUMBER_TYPES + (int)r->type) * 2 +
            r->is_eager) * BANDS + (int)r->band;
}

/* How many GPUs and, by group, how many residuals a cell holds. */
static int cell_count(const struct residuals *r, int cell, const struct gpu *but, int *count)
{
    const struct gpu *seen[64];
    int gpus = 0;

    memset(count, 0, GROUPS * sizeof *count);
    for (size_t i = 0; i < r->n; i++) {
        const struct sample *x = r->residual[i].sample;
        int g = 0;

        if (cell_of(&r->residual[i]) != cell || x->gpu == but || count[x->group]++)
            continue;
        while (g < gpus && seen[g] != x->gpu)
            g++;
        if (g == gpus && gpus < 64)
            seen[gpus++] = x->gpu;
    }
    return gpus;
}

/* Spread of one cell; NAN when it holds too few. */
static struct spread cell_spread(const struct residuals *r, const struct samples *s, int cell,
                                 const struct gpu *but, struct weighted *w)
{
    int count[GROUPS], gpus = cell_count(r, cell, but, count);
    double stretch = cell < MODELS * NUMBER_TYPES * 2 * BANDS ? 1 : 1 + lone / fmax(gpus, 1);
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        const struct sample *x = r->residual[i].sample;

        if (cell_of(&r->residual[i]) == cell && x->gpu != but && s->group[x->group].weight > 0)
            w[n++] = (struct weighted){r->residual[i].log_ratio,
                                       s->group[x->group].weight / sqrt(count[x->group])};
    }
    if (n < ENOUGH)
        return (struct spread){NAN, NAN};
    qsort(w, n, sizeof *w, compare);
    return (struct spread){fmin(quantile(w, n, 0.1), -0.01) * stretch,
                           fmax(quantile(w, n, 0.9), 0.01) * stretch};
}

void intervals_make(struct intervals *t, const struct residuals *r, const struct samples *s,
                    const struct gpu *but)
{
    struct weighted *w = malloc((r->n + 1) * sizeof *w);
    struct spread *spread = &t->spread[0][0][0][0][0];

    intervals_init(t);
    for (size_t i = 0; i < r->n; i++)
        if (r->residual[i].kindred == KINDRED_GPU && r->residual[i].sample->gpu != but &&
            s->group[r->residual[i].sample->group].weight > 0)
            intervals_mark(t, r->residual[i].sample->gpu, &r->residual[i].region);
    for (size_t c = 0; w && c < sizeof t->spread / sizeof *spread; c++)
        spread[c] = cell_spread(r, s, (int)c, but, w);
    free(w);
}
