/* SPDX-License-Identifier: MIT */
#include "report/split.h"

#include <math.h>

#include "report/decision.h"
#include "report/stats.h"

/* A point within the parts' intervals. */
struct point {
    double cpu, fixed, shared;
};

static double split_us(const struct split_parts *p, struct point at, int64_t units)
{
    double f = (double)units / (double)p->length;

    return fmax(at.cpu * (p->cpu_fixed + p->cpu_shared * f), at.fixed + at.shared * (1 - f));
}

static double gain_at(const struct split_parts *p, struct point at, int64_t units)
{
    return fmin(at.cpu, at.fixed + at.shared) / split_us(p, at, units);
}

static int64_t best_units(const struct split_parts *p, struct point at)
{
    double slope = at.cpu * p->cpu_shared + at.shared;
    double meet = slope > 0 ? (at.fixed + at.shared - at.cpu * p->cpu_fixed) / slope : 0;
    double most = (double)p->length - 1;
    int64_t below = (int64_t)fmin(fmax(floor(meet * (double)p->length), 1), most);
    int64_t above = (int64_t)fmin((double)below + 1, most);

    return split_us(p, at, above) < split_us(p, at, below) ? above : below;
}

/* Low bits of `corner` choose an end of each part. */
static struct point corner_of(const struct split_parts *p, int corner)
{
    return (struct point){corner & 1 ? p->cpu_us.high : p->cpu_us.low,
                          corner & 2 ? p->gpu_fixed_us.high : p->gpu_fixed_us.low,
                          corner & 4 ? p->gpu_shared_us.high : p->gpu_shared_us.low};
}

static double gain_most(const struct split_parts *p, int64_t units)
{
    double f = (double)units / (double)p->length, fixed = p->gpu_fixed_us.low,
           shared = p->gpu_shared_us.high;

    return fmin(1 / (p->cpu_fixed + p->cpu_shared * f),
                (fixed + shared) / (fixed + shared * (1 - f)));
}

struct split_best split_find(const struct split_parts *p)
{
    struct point middle = {p->cpu_us.value, p->gpu_fixed_us.value, p->gpu_shared_us.value};
    struct split_best best = {.us = estimate_missing(), .gain = estimate_missing()};

    if (!estimate_is_known(p->cpu_us) || !estimate_is_known(p->gpu_fixed_us) ||
        !estimate_is_known(p->gpu_shared_us))
        return best;
    best.units = best_units(p, middle);
    best.us = (struct estimate){split_us(p, middle, best.units),
                                split_us(p, corner_of(p, 0), best.units),
                                split_us(p, corner_of(p, 7), best.units)};
    best.gain = (struct estimate){gain_at(p, middle, best.units), INFINITY,
                                  gain_most(p, best.units)};
    for (int corner = 0; corner < 8; corner++)
        best.gain.low = fmin(best.gain.low, gain_at(p, corner_of(p, corner), best.units));
    best.pays = best.gain.low > 1 + VERDICT_TIE;
    return best;
}
