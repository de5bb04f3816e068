/* SPDX-License-Identifier: MIT */
/* Intervals for a GPU from the residuals of the others. */
#ifndef OFFLOAD_BENCH_JACKKNIFE_H
#define OFFLOAD_BENCH_JACKKNIFE_H

#include "projection/calibrate/spread.h"

/* The interval tables with one GPU's residuals left out, made once per GPU. */
struct jackknife {
    const struct samples *samples;
    const struct residuals *residuals;
    const struct gpu *gpu[64];
    struct intervals *intervals[64];
    int n;
};

/* The interval of a residual without its GPU's part; 0 wide when memory runs out. */
struct spread jackknife_spread(struct jackknife *, const struct residual *);
void jackknife_release(struct jackknife *);

#endif
