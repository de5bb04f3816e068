/* SPDX-License-Identifier: MIT */
/* One variant of a group in one place, with its record in the making. It is sampled, observed
 * and placed for as long as the record's outcome is ok. */
#ifndef OFFLOAD_BENCH_CELL_H
#define OFFLOAD_BENCH_CELL_H

#include "harness/sampler.h"
#include "harness/workshop.h"

enum { CELLS = 64 };

struct cell {
    struct trial trial;
    struct sample_set set;
    struct record record; /* see group_describe: the caller starts it */
};

/* The parent hears that the cell begins, by this name of its variant. False when it ended an
 * earlier child: the record says how. */
bool cell_begin(struct cell *, struct workshop *, const char *variant);
/* Make ready and check, on an open device. The record gets the outcome. */
void cell_ready(struct cell *, struct workshop *, struct bench *, struct device *,
                const struct variant *, int threads);

/* Sample `n` cells (CELLS at most) side by side, those whose outcome is ok; the samples go into
 * their records, a failure becomes the outcome. */
void cells_sample(struct workshop *, struct cell *, int n, const struct sampler_limits *,
                  uint64_t seed);
/* The mean of its samples; NAN before. */
double cell_call_ns(const struct cell *);

/* Further runs of a device's cell, after the samples: transfers alone, and the ledger's rows. */
void cell_itemise(struct cell *);

/* Hand over the record and release everything. */
void cell_close(struct cell *, struct workshop *);

#endif
