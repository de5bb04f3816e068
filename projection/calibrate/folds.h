/* SPDX-License-Identifier: MIT */
/* Fits with something left out, and how far off they are on what was left out. */
#ifndef OFFLOAD_BENCH_FOLDS_H
#define OFFLOAD_BENCH_FOLDS_H

#include "projection/calibrate/fit.h"
#include "projection/interval.h"

/* One sample seen by a fit. kindred says what that fit knew: KINDRED_GPU (nothing was left
 * out), KINDRED_FAMILY (other GPUs of the generation were in), KINDRED_NONE. */
struct residual {
    const struct sample *sample;
    struct region region;
    enum kindred kindred;
    bool by_family;   /* its whole generation was left out with it */
    double log_ratio; /* ln(measured / projected) */
};

struct residuals {
    struct residual *residual;
    size_t n, cap;
};

/* Fit all models with `out` left out; start values in *p. */
void fit_all(struct parameters *p, const struct samples *, const struct left_out *out,
             int rounds);
/* Start values of every parameter that is fitted, the built-in ones of the others. */
void start_values(struct parameters *);

/* Residuals of every `stride`-th sample under *p that `out` (NULL: nothing) leaves out. */
int residuals_add(struct residuals *, const struct samples *, const struct parameters *,
                  const struct left_out *out, int stride);
/* Leave out every GPU in turn, and every generation of several GPUs (a GPU alone in its
 * generation counts as both). Progress on stderr. */
int folds_run(struct residuals *, struct samples *, int stride);
void residuals_release(struct residuals *);

/* Quantile tables from residuals, those of `but` (may be NULL) ignored;
 * gaps stay NAN. */
void intervals_make(struct intervals *, const struct residuals *, const struct samples *,
                    const struct gpu *but);

#endif
