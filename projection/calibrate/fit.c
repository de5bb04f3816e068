/* SPDX-License-Identifier: MIT */
#include "projection/calibrate/fit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What a trait costs that differs from its relative's: 10 % apart costs as much as 0.02 %
 * of mean error. Keeps generations with little data close to their relatives. */
static const double pull = 0.02;

bool is_left_out(const struct left_out *out, const struct sample *s)
{
    if (!out)
        return false;
    return s->gpu == out->gpu || (int)s->gpu->family == out->family ||
           (out->op && strcmp(out->op, s->kind->name) == 0);
}

static double traits_cost(const struct parameters *own, const struct parameters *all,
                          const struct knob *knob, int knobs)
{
    double cost = 0;

    for (int i = 0; i < knobs; i++) {
        double value = *knob_value((struct parameters *)own, &knob[i]), relative;
        struct knob parent = knob[i];

        if (knob[i].family <= 0 || isnan(value))
            continue;
        parent.offset -= (size_t)(knob[i].family - family_parent(knob[i].family)) * sizeof(double);
        relative = log(value / *knob_value((struct parameters *)all, &parent));
        cost += pull * relative * relative;
    }
    return cost;
}

static double loss(const struct parameters *own, const struct samples *s,
                   const struct left_out *out, enum who who, const struct knob *knob, int knobs)
{
    struct parameters all = *own;
    double sum[GROUPS] = {0}, total = 0, weights = 0;
    int count[GROUPS] = {0};

    parameters_inherit(&all);
    for (size_t i = 0; i < s->n; i++) {
        const struct sample *x = &s->sample[i];
        struct ledger ledger;

        if (!x->is_chosen || s->group[x->group].who != who || is_left_out(out, x) ||
            s->group[x->group].weight == 0)
            continue;
        model_project(&all, x->gpu, &x->op, x->timing, &ledger, NULL);
        sum[x->group] += fabs(log(ledger.total / x->time_us));
        count[x->group]++;
    }
    for (int g = 0; g < s->groups; g++)
        if (count[g] > 0) {
            total += s->group[g].weight * sum[g] / count[g];
            weights += s->group[g].weight;
        }
    return total / (weights > 0 ? weights : 1) + traits_cost(own, &all, knob, knobs);
}

/* Which generations the fit has samples of. */
static void families_seen(const struct samples *s, const struct left_out *out, enum who who,
                          bool seen[FAMILIES])
{
    memset(seen, 0, FAMILIES * sizeof *seen);
    for (size_t i = 0; i < s->n; i++)
        if (s->sample[i].is_chosen && s->group[s->sample[i].group].who == who &&
            !is_left_out(out, &s->sample[i]))
            seen[s->sample[i].gpu->family] = true;
}

static double clamp(double x, double least, double most)
{
    return x < least ? least : x > most ? most : x;
}

/* Move one number up or down by its step while that helps; returns the loss. */
static double knob_turn(struct parameters *p, const struct knob *k, double *step, double best,
                        const struct samples *s, const struct left_out *out,
                        const struct knob *knob, int knobs)
{
    double *value = knob_value(p, k), was = *value;

    for (int sign = 1; sign >= -1; sign -= 2) {
        double low = k->least > 0 ? k->least : 1e-3, next, now;

        next = clamp(fmax(was, low) * exp(sign * *step), k->least, k->most);
        if (next == was)
            continue;
        *value = next;
        now = loss(p, s, out, k->who, knob, knobs);
        if (now < best) {
            *step = fmin(*step * 1.5, 0.7);
            return now;
        }
        *value = was;
    }
    *step *= 0.5;
    return best;
}

double fit(struct parameters *p, const struct samples *s, const struct left_out *out,
           enum who who, int rounds)
{
    struct knob knob[KNOBS], mine[KNOBS];
    double step[KNOBS], best;
    bool seen[FAMILIES];
    int n = knobs_list(knob), m = 0;

    families_seen(s, out, who, seen);
    for (int i = 0; i < n; i++) {
        double *value = knob_value(p, &knob[i]);

        if (knob[i].who != who)
            continue;
        if (knob[i].family > 0 && !seen[knob[i].family]) {
            *value = NAN;
            continue;
        }
        step[m] = 0.15;
        mine[m++] = knob[i];
    }
    best = loss(p, s, out, who, mine, m);
    for (int i = 0; i < m; i++) { /* a generation starts at its relative's values */
        struct parameters all = *p;

        parameters_inherit(&all);
        *knob_value(p, &mine[i]) = *knob_value(&all, &mine[i]);
    }
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < m; i++)
            if (step[i] > 0.004)
                best = knob_turn(p, &mine[i], &step[i], best, s, out, mine, m);
    return best;
}
