/* SPDX-License-Identifier: MIT */
/* From the residuals of GPUs left out to the standard deviations that intervals are made of. */
#ifndef OFFLOAD_BENCH_SPREAD_H
#define OFFLOAD_BENCH_SPREAD_H

#include "projection/calibrate/folds.h"

/* Standard deviations by standing, class, kindred and cause that make the intervals of these
 * residuals, those of `but` (may be NULL) ignored, as narrow as they can be while they hold
 * (least interval score: Gneiting and Raftery 2007, section 6.2), each pulled towards what
 * all classes have in common; and what they lack to hold kinds of calls that a fit was not
 * shown. STATUS_MEMORY. */
int intervals_make(struct intervals *, const struct residuals *, const struct samples *,
                   const struct gpu *but);

#endif
