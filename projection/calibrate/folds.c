/* SPDX-License-Identifier: MIT */
/* Leaving GPUs and generations out, and the quantiles of what remains. Every group of samples
 * counts alike in a quantile, however many rows its source published. */
#include "projection/calibrate/folds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOLD_ROWS = 120, FOLD_ROUNDS = 25, ENOUGH = 40, GROUP_ENOUGH = 8 };

/* 90 % quantile of the normal distribution. */
static const double normal_90 = 1.2816;

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

/* One residual of a cell, to be sorted by group. */
struct grouped {
    int group;
    double value;
};

static int compare(const void *a, const void *b)
{
    const struct grouped *x = a, *y = b;

    if (x->group != y->group)
        return x->group - y->group;
    return (x->value > y->value) - (x->value < y->value);
}

/* 90 % quantile of Student's t over the normal's, n degrees of freedom (Abramowitz and Stegun
 * 26.7.5, first term; 1 and 2 exactly): how much wider few GPUs' spread must be read. */
static double few_factor(int n)
{
    double z = normal_90;

    return n <= 1 ? 3.078 / z : n == 2 ? 1.886 / z : 1 + (z * z + 1) / (4.0 * n);
}

static int cell_of(const struct residual *e)
{
    const struct region *r = &e->region;

    return ((((int)e->kindred * MODELS + (int)r->model) * NUMBER_TYPES + (int)r->type) * 2 +
            r->is_eager) * BANDS + (int)r->band;
}

/* Sums over the groups of a cell: their medians, how they spread about them. */
struct moments {
    const struct gpu *seen[64];
    int gpus;
    double weight, between, low, high;
};

static void moments_add(struct moments *m, const struct group *group, const struct grouped *w,
                        size_t n)
{
    double middle = w[n / 2].value;
    double weight = group->weight * fmin(1, (double)n / (4 * GROUP_ENOUGH));
    int i = 0;

    while (i < m->gpus && m->seen[i] != group->gpu)
        i++;
    if (i == m->gpus && i < 64)
        m->seen[m->gpus++] = group->gpu;
    m->weight += weight;
    m->between += weight * middle * middle;
    m->low += weight * (middle - w[n / 10].value);
    m->high += weight * (w[n * 9 / 10].value - middle);
}

/* Spread of one cell: what groups scatter about their median, and how far medians lie off; NAN
 * when it holds too few. */
static struct spread cell_spread(const struct residuals *r, const struct samples *s, int cell,
                                 const struct gpu *but, struct grouped *w)
{
    bool is_known = cell < MODELS * NUMBER_TYPES * 2 * BANDS;
    struct moments m = {.gpus = 0};
    size_t n = 0, from = 0;
    double off;

    for (size_t i = 0; i < r->n; i++) {
        const struct sample *x = r->residual[i].sample;

        if (cell_of(&r->residual[i]) == cell && x->gpu != but && s->group[x->group].weight > 0)
            w[n++] = (struct grouped){x->group, r->residual[i].log_ratio};
    }
    qsort(w, n, sizeof *w, compare);
    for (size_t i = 1; i <= n; i++)
        if (i == n || w[i].group != w[from].group) {
            if (i - from >= GROUP_ENOUGH)
                moments_add(&m, &s->group[w[from].group], w + from, i - from);
            from = i;
        }
    if (n < ENOUGH || !(m.weight > 0))
        return (struct spread){NAN, NAN, NAN};
    off = sqrt(m.between / m.weight) * (is_known ? 1 : few_factor(m.gpus));
    return (struct spread){-hypot(normal_90 * off, m.low / m.weight),
                           hypot(normal_90 * off, m.high / m.weight), off};
}

void intervals_make(struct intervals *t, const struct residuals *r, const struct samples *s,
                    const struct gpu *but)
{
    struct grouped *w = malloc((r->n + 1) * sizeof *w);
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
