/* SPDX-License-Identifier: MIT */
/* Fits with something left out, and how far off they are on what was left out. */
#ifndef OFFLOAD_BENCH_FOLDS_H
#define OFFLOAD_BENCH_FOLDS_H

#include "projection/calibrate/fit.h"
#include "projection/interval.h"

/* What a fit left out: nothing, the sample's GPU, its generation, its kind on all GPUs. */
enum fold { FOLD_NONE, FOLD_GPU, FOLD_FAMILY, FOLD_KIND, FOLDS };

/* One sample seen by a fit. kindred: what that fit knew of its causes. */
struct residual {
    const struct sample *sample;
    struct region region;
    enum fold fold;
    bool is_alone; /* left out with its GPU was all of its generation */
    bool is_timed; /* the fit saw others of its kind */
    enum kindred kindred[CAUSES];
    double log_ratio; /* ln(measured / projected) */
};

struct residuals {
    struct residual *residual;
    size_t n, cap;
};

/* Fit all models with `out` left out; start values in *p. */
void fit_all(struct parameters *p, const struct samples *, const struct left_out *out,
             int rounds);

/* Residuals of every `stride`-th sample under *p that `out` (NULL: nothing) leaves out. */
int residuals_add(struct residuals *, const struct samples *, const struct parameters *,
                  const struct left_out *out, int stride);
/* Leave out every GPU in turn, every generation of several GPUs (a GPU alone in its generation
 * counts as both), and every kind of product and stream. Progress on stderr. */
int folds_run(struct residuals *, struct samples *, int stride);
void residuals_release(struct residuals *);

#endif
