/* SPDX-License-Identifier: MIT */
/* What measured calls teach about a GPU's forecasts. How far the calls of one kind lie off on
 * one GPU is taken as normal about zero, its deviation the interval's `between`, correlated
 * between kinds and between relatives (Gaussian process regression, Rasmussen and Williams
 * 2006, section 2.2): one cell moves its own kind most, a relative's other kinds least, and
 * what is known thereafter narrows the interval. Kinds share no more than the narrower of them
 * varies, so cells correct nothing by more than they were off themselves. The correlations are
 * assumptions; `make validate` shows what five cells of a GPU left out are worth. */
#ifndef OFFLOAD_BENCH_LESSONS_H
#define OFFLOAD_BENCH_LESSONS_H

#include "projection/interval.h"

enum { LESSONS = 48 };

/* Measured calls of one GPU and region. */
struct lesson {
    const struct gpu *gpu;
    struct region region;
    struct spread spread; /* before anything was learnt */
    double sum;           /* of ln(measured / projected) */
    int n;
};

struct lessons {
    struct lesson lesson[LESSONS];
    int n, cells;
    double factor[LESSONS][LESSONS]; /* Cholesky, lower */
    double weight[LESSONS];          /* inverse covariance times what was seen */
};

/* Add one measured call. STATUS_UNAVAILABLE when no more regions can be learnt. */
int lessons_add(struct lessons *, const struct gpu *, const struct region *,
                const struct spread *, double log_ratio);
/* How far calls of this region lie off (ln; between 0 and what was seen), and *spread about it,
 * narrowed. */
double lessons_apply(const struct lessons *, const struct gpu *, const struct region *,
                     struct spread *);

#endif
