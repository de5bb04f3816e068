/* SPDX-License-Identifier: MIT */
/* Fitting the model's parameters to samples. */
#ifndef OFFLOAD_BENCH_FIT_H
#define OFFLOAD_BENCH_FIT_H

#include "projection/calibrate/samples.h"

/* Who is left out of a fit: a GPU, a family, or nobody (NULL, -1). */
struct left_out {
    const struct gpu *gpu;
    int family;
    const struct kind *kind;
};

bool is_left_out(const struct left_out *, const struct sample *);

/* Fit *p (start values in, traits as they are) to the chosen samples of the models `who`:
 * coordinate descent on the logarithms, the loss being the mean over groups of the mean
 * |ln(projected / measured)|, plus a pull of every trait towards its relative's and
 * a weaker one of every parameter towards its start. Returns the
 * loss. `rounds`: sweeps over all knobs. */
double fit(struct parameters *p, const struct samples *, const struct left_out *, enum who,
           int rounds);

#endif
