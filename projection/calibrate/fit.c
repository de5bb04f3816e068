/* SPDX-License-Identifier: MIT */
/* Coordinate descent that remembers every sample's error, so that a generation's trait costs
 * only that generation's samples. */
#include "projection/calibrate/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a trait costs that differs from its relative's: 10 % apart costs as much as 0.02 %
 * of mean error. Keeps generations with little data close to their relatives. */
static const double pull = 0.02;

/* The same for a parameter of all GPUs and what it starts from, which is what one would guess
 * without timings, over the GPUs of the fit: the fewer there are, the less they can tell one
 * from another. */
static const double anchor = 0.002;

/* Steps of the search on the logarithm: first, least, most. */
static const double step_first = 0.15, step_least = 0.004, step_most = 0.7;

struct term_of_loss {
    const struct sample *sample;
    double share; /* of the loss */
    double error, trial;
};

struct search {
    struct parameters own, all;
    struct knob knob[KNOBS];
    double step[KNOBS];
    int knobs;
    struct term_of_loss *term;
    size_t n;
    int gpus;
    double loss;
};

bool is_left_out(const struct left_out *out, const struct sample *s)
{
    struct kind kind;

    if (!out)
        return false;
    kind = kind_of(s->kind, &s->op);
    return s->gpu == out->gpu || (int)s->gpu->family == out->family ||
           (out->kind && kind_is_same(out->kind, &kind));
}

static double traits_cost(const struct search *f)
{
    double cost = 0;

    for (int i = 0; i < f->knobs; i++) {
        struct knob parent = f->knob[i];
        double relative;

        if (parent.family <= 0) {
            relative = log(fmax(*knob_value((struct parameters *)&f->own, &parent), 1e-3) /
                           fmax(parent.start, 1e-3));
            cost += anchor / f->gpus * relative * relative;
            continue;
        }
        parent.offset -= (size_t)(parent.family - family_parent(parent.family)) * sizeof(double);
        relative = log(*knob_value((struct parameters *)&f->own, &f->knob[i]) /
                       (*knob_value((struct parameters *)&f->all, &parent) *
                        family_scale(&parent, f->knob[i].family)));
        cost += pull * relative * relative;
    }
    return cost;
}

/* Loss with the numbers as they are now; errors of the samples of `family` (-1: all) are
 * computed anew into `trial`. */
static double loss_try(struct search *f, int family)
{
    double sum = 0;

    f->all = f->own;
    parameters_inherit(&f->all);
    for (size_t i = 0; i < f->n; i++) {
        struct term_of_loss *t = &f->term[i];
        struct ledger ledger;

        t->trial = t->error;
        if (family < 0 || (int)t->sample->gpu->family == family) {
            model_project(&f->all, t->sample->gpu, &t->sample->op, t->sample->timing, &ledger,
                          NULL);
            t->trial = fabs(log(ledger.total / t->sample->time_us));
        }
        sum += t->share * t->trial;
    }
    return sum + traits_cost(f);
}

static void loss_keep(struct search *f, double loss)
{
    f->loss = loss;
    for (size_t i = 0; i < f->n; i++)
        f->term[i].error = f->term[i].trial;
}

static int search_open(struct search *f, const struct samples *s, const struct left_out *out,
                       enum who who)
{
    int count[GROUPS] = {0};
    double weights = 0;

    f->term = malloc(s->n * sizeof *f->term);
    if (!f->term)
        return STATUS_MEMORY;
    for (size_t i = 0; i < s->n; i++) {
        const struct sample *x = &s->sample[i];

        if (!x->is_chosen || s->group[x->group].who != who || is_left_out(out, x) ||
            s->group[x->group].weight == 0)
            continue;
        if (count[x->group]++ == 0)
            weights += s->group[x->group].weight;
        f->term[f->n++].sample = x;
    }
    for (size_t i = 0; i < f->n; i++) {
        int g = f->term[i].sample->group;

        f->term[i].share = s->group[g].weight / (count[g] * weights);
    }
    return 0;
}

static int gpus_count(const struct search *f)
{
    const struct gpu *seen[GROUPS];
    int gpus = 0;

    for (size_t i = 0; i < f->n; i++) {
        int g = 0;

        while (g < gpus && seen[g] != f->term[i].sample->gpu)
            g++;
        if (g == gpus)
            seen[gpus++] = f->term[i].sample->gpu;
    }
    return gpus;
}

/* Numbers that these samples can tell something about; traits of generations without
 * samples become NAN. The others start at their relative's values. */
static void knobs_choose(struct search *f, enum who who)
{
    struct knob knob[KNOBS];
    int n = knobs_list(knob);
    bool seen[FAMILIES] = {true};

    for (size_t i = 0; i < f->n; i++)
        seen[f->term[i].sample->gpu->family] = true;
    for (int i = 0; i < n; i++) {
        if (knob[i].who != who)
            continue;
        if (knob[i].family > 0)
            *knob_value(&f->own, &knob[i]) = NAN;
        if (knob[i].family > 0 && !seen[knob[i].family])
            continue;
        f->step[f->knobs] = step_first;
        f->knob[f->knobs++] = knob[i];
    }
    f->all = f->own;
    parameters_inherit(&f->all);
    for (int i = 0; i < f->knobs; i++)
        *knob_value(&f->own, &f->knob[i]) = *knob_value(&f->all, &f->knob[i]);
}

static double clamp(double x, double least, double most)
{
    return x < least ? least : x > most ? most : x;
}

/* Move one number up or down by its step while that helps. */
static void knob_turn(struct search *f, int i)
{
    const struct knob *k = &f->knob[i];
    double *value = knob_value(&f->own, k), was = *value;

    for (int sign = 1; sign >= -1; sign -= 2) {
        double low = k->least > 0 ? k->least : 1e-3, now;

        *value = clamp(fmax(was, low) * exp(sign * f->step[i]), k->least, k->most);
        if (*value == was)
            continue;
        now = loss_try(f, k->family);
        if (now < f->loss) {
            f->step[i] = fmin(f->step[i] * 1.5, step_most);
            loss_keep(f, now);
            return;
        }
    }
    *value = was;
    f->step[i] *= 0.5;
}

double fit(struct parameters *p, const struct samples *s, const struct left_out *out,
           enum who who, int rounds)
{
    struct search *f = calloc(1, sizeof *f);
    double loss = NAN;

    if (!f)
        return NAN;
    f->own = *p;
    if (search_open(f, s, out, who) == 0 && f->n > 0) {
        f->gpus = gpus_count(f);
        knobs_choose(f, who);
        loss_keep(f, loss_try(f, -1));
        for (int r = 0; r < rounds; r++)
            for (int i = 0; i < f->knobs; i++)
                if (f->step[i] > step_least)
                    knob_turn(f, i);
        loss = f->loss;
        *p = f->own;
    }
    free(f->term);
    free(f);
    return loss;
}
