/* SPDX-License-Identifier: MIT */
/* Leaving GPUs, generations and kinds of call out. */
#include "projection/calibrate/folds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FOLD_ROWS = 120, FOLD_ROUNDS = 25 };

void fit_all(struct parameters *p, const struct samples *s, const struct left_out *out,
             int rounds)
{
    static const enum who order[] = {WHO_T, WHO_M, WHO_A}; /* later ones use earlier ones */
    static const char *const name[] = {"streams", "products", "attention"};

    for (int i = 0; i < 3; i++)
        fprintf(stderr, "  %s %.4f", name[i], fit(p, s, out, order[i], rounds));
    fprintf(stderr, "\n");
}

/* Whether others than what is left out tell of a group's generation: in its class, or (memory)
 * in any. */
static bool is_known(const struct samples *s, const struct group *group, bool is_any_class,
                     const struct left_out *out)
{
    for (int g = 0; out->gpu && g < s->groups; g++) {
        const struct group *other = &s->group[g];

        if (other->gpu != out->gpu && other->gpu->family == group->gpu->family &&
            other->weight > 0 && (is_any_class || other->class == group->class))
            return true;
    }
    return false;
}

/* Whether others than what is left out are of a group's kind. */
static bool is_timed(const struct samples *s, const struct group *group,
                     const struct left_out *out)
{
    for (int g = 0; g < s->groups; g++) {
        const struct group *other = &s->group[g];

        if (other->weight > 0 && kind_is_same(&other->kind, &group->kind) &&
            !(out && (other->gpu == out->gpu || (int)other->gpu->family == out->family ||
                      out->kind)))
            return true;
    }
    return false;
}

static void kindred_set(struct residual *e, const struct samples *s, const struct left_out *out)
{
    const struct group *group = &s->group[e->sample->group];

    e->fold = !out ? FOLD_NONE : out->kind ? FOLD_KIND : out->gpu ? FOLD_GPU : FOLD_FAMILY;
    e->is_alone = e->fold == FOLD_GPU && !is_known(s, group, true, out);
    e->is_timed = is_timed(s, group, out);
    for (int c = 0; e->fold == FOLD_KIND && c < CAUSES; c++)
        e->kindred[c] = c == CAUSE_LAUNCH ? KINDRED_NONE : KINDRED_GPU;
    for (int c = 0; (e->fold == FOLD_GPU || e->fold == FOLD_FAMILY) && c < CAUSES; c++)
        e->kindred[c] = c != CAUSE_LAUNCH && is_known(s, group, c == CAUSE_MEMORY, out)
                            ? KINDRED_FAMILY
                            : KINDRED_NONE;
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
        e->region = region_of(x->kind, &x->op, &l);
        kindred_set(e, s, out);
    }
    return 0;
}

static int fold(struct residuals *r, const struct samples *s, const struct left_out *out,
                int stride)
{
    struct parameters p;

    fprintf(stderr, "without %-16s", out->gpu ? out->gpu->id.text : family_name(out->family));
    parameters_init(&p);
    fit_all(&p, s, out, FOLD_ROUNDS);
    parameters_inherit(&p);
    return residuals_add(r, s, &p, out, stride);
}

/* Without one kind; only the models of its part see the difference. */
static int fold_kind(struct residuals *r, const struct samples *s, const struct group *group,
                     int stride)
{
    struct left_out out = {.family = -1, .kind = &group->kind};
    struct parameters p;

    parameters_init(&p);
    fprintf(stderr, "without %s %-8s %.4f\n", kind_operation(&group->kind),
            precision_name(group->kind.precision), fit(&p, s, &out, group->who, FOLD_ROUNDS));
    parameters_inherit(&p);
    return residuals_add(r, s, &p, &out, stride);
}

/* Every kind of the fit but those of attention, which share nothing with any other. */
static int kinds_run(struct residuals *r, const struct samples *s, int stride)
{
    int status = 0;

    for (int g = 0; status == 0 && g < s->groups; g++) {
        int first = 0;

        while (!kind_is_same(&s->group[first].kind, &s->group[g].kind) ||
               s->group[first].weight == 0)
            if (first++ == g)
                break;
        if (first == g && s->group[g].who != WHO_A)
            status = fold_kind(r, s, &s->group[g], stride);
    }
    return status;
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
    return status == 0 ? kinds_run(r, s, stride) : status;
}

void residuals_release(struct residuals *r)
{
    free(r->residual);
    *r = (struct residuals){0};
}
