/* SPDX-License-Identifier: MIT */
/* Order statistics and what is built on them. Few values (tens to hundreds): sorting is
 * cheap, exactness is worth more than speed. */
#include "report/stats.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double middle(const double *sorted, size_t n)
{
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double stats_median(double *value, size_t n)
{
    if (n == 0)
        return NAN;
    qsort(value, n, sizeof *value, by_value);
    return middle(value, n);
}

double stats_series_median(const struct series *s)
{
    double *value = calloc(s->n + 1, sizeof *value), result;

    if (!value)
        return NAN;
    for (size_t i = 0; i < s->n; i++)
        value[i] = s->value[i];
    result = stats_median(value, s->n);
    free(value);
    return result;
}

/* P(Bin(n, 1/2) = k) by logarithms: 2^-n underflows beyond n = 1074. */
static double binomial(size_t n, size_t k)
{
    double m = (double)n, j = (double)k;

    return exp(lgamma(m + 1) - lgamma(j + 1) - lgamma(m - j + 1) - m * log(2));
}

double stats_sign_test(size_t k, size_t n)
{
    double sum = 0;

    if (n == 0)
        return NAN;
    for (size_t i = 0; i <= k && i <= n; i++)
        sum += binomial(n, i);
    return fmin(sum, 1);
}

/* Largest k with 2 P(Bin(n, 1/2) < k) <= 1 - confidence, at least 1. */
static size_t order_rank(size_t n, double confidence)
{
    double below = 0;
    size_t k = 0;

    while (k < n / 2) {
        below += binomial(n, k);
        if (2 * below > 1 - confidence)
            break;
        k++;
    }
    return k > 0 ? k : 1;
}

double stats_range_confidence(size_t n)
{
    return n == 0 ? NAN : 1 - exp2(1 - (double)n);
}

struct estimate stats_median_interval(double *value, size_t n, double confidence)
{
    size_t k;

    if (n == 0)
        return estimate_missing();
    k = order_rank(n, confidence);
    qsort(value, n, sizeof *value, by_value);
    return (struct estimate){middle(value, n), value[k - 1], value[n - k]};
}

double stats_deviation(double *value, size_t n)
{
    double center = stats_median(value, n);

    for (size_t i = 0; i < n; i++)
        value[i] = fabs(value[i] - center);
    return 1.4826 * stats_median(value, n);
}

struct estimate stats_paired_ratio(const double *over, const double *under, size_t n,
                                   double confidence, double *work)
{
    struct estimate log_ratio;
    size_t pairs = 0;

    for (size_t i = 0; i < n; i++)
        if (over[i] > 0 && under[i] > 0)
            work[pairs++] = log(over[i] / under[i]);
    log_ratio = stats_median_interval(work, pairs, confidence);
    return (struct estimate){exp(log_ratio.value), exp(log_ratio.low),
                             exp(log_ratio.high)};
}

double stats_lag1(const double *value, size_t n)
{
    double mean = 0, variance = 0, covariance = 0;

    if (n < 3)
        return NAN;
    for (size_t i = 0; i < n; i++)
        mean += value[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        variance += (value[i] - mean) * (value[i] - mean);
        if (i > 0)
            covariance += (value[i] - mean) * (value[i - 1] - mean);
    }
    return variance > 0 ? covariance / variance : NAN;
}

struct estimate estimate_missing(void)
{
    return (struct estimate){NAN, NAN, NAN};
}

struct estimate estimate_exact(double value)
{
    return (struct estimate){value, value, value};
}

struct estimate estimate_add(struct estimate a, struct estimate b)
{
    return (struct estimate){a.value + b.value, a.low + b.low, a.high + b.high};
}

struct estimate estimate_scale(struct estimate e, double factor)
{
    return (struct estimate){e.value * factor, e.low * factor, e.high * factor};
}

struct estimate estimate_ratio(struct estimate a, struct estimate b)
{
    if (!(a.low >= 0 && b.low > 0))
        return estimate_missing();
    return (struct estimate){a.value / b.value, a.low / b.high, a.high / b.low};
}

bool estimate_is_known(struct estimate e)
{
    return isfinite(e.value) && !isnan(e.low) && !isnan(e.high);
}
