/* SPDX-License-Identifier: MIT */
/* One call cut into chunks along the workload's axis, so that uploads, kernels and downloads of
 * different chunks run beside each other on a device's lanes. */
#ifndef OFFLOAD_BENCH_OVERLAP_H
#define OFFLOAD_BENCH_OVERLAP_H

#include "harness/trial.h"

struct overlap;

/* Buffers and kernels for the chunks of an open trial, which must outlive it. Errors:
 * STATUS_UNAVAILABLE when the device has one lane or the workload cannot be cut at this shape;
 * STATUS_MEMORY, STATUS_DEVICE, and what the variant's `prepare` gives. overlap_close then
 * releases what was made. */
int overlap_open(struct overlap **, struct trial *, struct why *);
/* NULL is fine. No work may be under way. */
void overlap_close(struct overlap *);
/* Enqueue one whole call: all inputs up, all chunks, all outputs down. May return before it is
 * done. */
int overlap_run(struct overlap *, struct why *);
int64_t overlap_chunks(const struct overlap *);

#endif
