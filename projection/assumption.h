/* SPDX-License-Identifier: MIT */
/* Figures of the projection that no datasheet gives and no calibration fits, as data
 * (projection/assumptions.json): each with a unit, a range that is meant to hold 80 % of
 * machines, what it enters, and where it comes from. */
#ifndef OFFLOAD_BENCH_ASSUMPTION_H
#define OFFLOAD_BENCH_ASSUMPTION_H

#include <stdbool.h>

#include "projection/projection.h"

/* What a figure enters. MODEL: times of kernels; the calibration held GPUs out with it in
 * place, so its error lies in their residuals already. The others lie in no residual: their
 * range is part of the interval of what they enter. */
enum enters { ENTERS_MODEL, ENTERS_LINK, ENTERS_LAUNCH, ENTERS_STARTUP, ENTERS_INTERVAL, ENTERED };

struct assumption {
    const char *name, *unit, *meaning, *source;
    double value, low, high;
    enum enters enters;
    bool is_published; /* read somewhere, but for other machines; else an assumption alone */
    unsigned families; /* bit per generation that it speaks of; all bits: every one */
};

int assumption_count(void);
const struct assumption *assumption_at(int i);
/* The one of this name that speaks of `family`, or NULL. */
const struct assumption *assumption_find(const char *name, enum family family);
bool assumption_concerns(const struct assumption *, const struct gpu *);
/* "a projected GPU's copies over the host link" */
const char *enters_words(enum enters);

/* What one assumption does to a call: its time with the figure at either end of its range. */
struct influence {
    const struct assumption *assumption;
    double low_us, high_us;
};

enum { INFLUENCES = 16 };

/* The assumptions that move this call's time by 0.5 % or more, as far as `influence` has room;
 * returns how many. */
int project_influences(const struct gpu *, const struct operation *, enum timing,
                       struct influence influence[INFLUENCES]);

#endif
