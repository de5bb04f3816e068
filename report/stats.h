/* SPDX-License-Identifier: MIT */
/* Statistics that hold without assuming a distribution: medians, order statistics, signs.
 * All functions that take `double *` reorder what they are given, allocate nothing and
 * answer NAN for n = 0. */
#ifndef OFFLOAD_BENCH_STATS_H
#define OFFLOAD_BENCH_STATS_H

#include <stddef.h>

#include "base/series.h"
#include "base/terms.h"

/* Confidence of measured intervals throughout the tool. */
#define STATS_CONFIDENCE 0.95

double stats_median(double *value, size_t n);
/* Of a series, which is left as it is; NAN also when out of memory. */
double stats_series_median(const struct series *);

/* Median with the interval of order statistics x_(k), x_(n+1-k), k the largest with
 * 2 P(Bin(n, 1/2) < k) <= 1 - confidence (David & Nagaraja, Order Statistics, 3rd ed. 2003,
 * section 7.1): exact for any continuous distribution. Too few values for the confidence
 * (fewer than 6 for 0.95): the whole range, whose confidence is stats_range_confidence. */
struct estimate stats_median_interval(double *value, size_t n, double confidence);
/* 1 - 2^(1-n): chance that the median lies between the smallest and the largest of n. */
double stats_range_confidence(size_t n);

/* Median absolute deviation times 1.4826, the standard deviation of a normal distribution
 * (Rousseeuw & Croux, JASA 88, 1993). */
double stats_deviation(double *value, size_t n);

/* Ratio over[i] / under[i] of interleaved pairs: median of the logarithms and its interval,
 * as ratios. `work` holds n doubles. Pairs with a value that is not above 0 are left out. */
struct estimate stats_paired_ratio(const double *over, const double *under, size_t n,
                                   double confidence, double *work);

/* P(Bin(n, 1/2) <= k): the sign test's one-sided p when k of n signs disagree (Dixon & Mood,
 * JASA 41, 1946). */
double stats_sign_test(size_t k, size_t n);

/* Autocorrelation of neighbours, in the order given; NAN below 3 values or when all are
 * equal. Above 0.2, intervals of unpaired samples are too narrow. */
double stats_lag1(const double *value, size_t n);

/* Arithmetic of estimates by their extremes: never narrower than the truth whatever the
 * dependence between both sides. A NAN on either side gives NAN. */
struct estimate estimate_missing(void);
struct estimate estimate_exact(double value);
struct estimate estimate_add(struct estimate, struct estimate);
struct estimate estimate_scale(struct estimate, double factor); /* factor >= 0 */
/* a / b for positive estimates: value a/b, low a.low/b.high, high a.high/b.low; a.low may
 * be 0 (an upper bound), b.low may not. */
struct estimate estimate_ratio(struct estimate, struct estimate);
bool estimate_is_known(struct estimate);

#endif
