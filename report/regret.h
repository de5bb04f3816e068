/* SPDX-License-Identifier: MIT */
/* How good the advice of a curve is: each size in turn is left out, the others say what to do
 * there, and what it then really took is held against always knowing. */
#ifndef OFFLOAD_BENCH_REGRET_H
#define OFFLOAD_BENCH_REGRET_H

#include "report/crossover.h"

/* Time lost is (time of the side advised) / (time of the faster side) - 1. */
struct regret {
    size_t sizes, right;           /* left out; advised as their own times say */
    double mean, worst, worst_size; /* time lost; NAN without sizes */
};

/* `point` sorted by size. The advice at a size is offload when the logarithm of the ratio,
 * interpolated between the neighbours over ln(size) (taken from the nearest one at the ends),
 * lies above the bar. Fewer than 3 points: nothing to leave out. */
void regret_find(const struct crossover_point *point, size_t points, struct regret *);

#endif
