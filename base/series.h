/* SPDX-License-Identifier: MIT */
/* A growing array of doubles: every sample of a measurement is kept. */
#ifndef OFFLOAD_BENCH_SERIES_H
#define OFFLOAD_BENCH_SERIES_H

#include <stddef.h>

/* Zero-initialise before use; series_release is then always safe. */
struct series {
    double *value;
    size_t n, cap;
};

/* Append; 0, or STATUS_MEMORY with the series unchanged. */
int series_push(struct series *, double value);
void series_clear(struct series *);   /* n = 0, memory kept */
void series_release(struct series *); /* memory given back, zeroed */

#endif
