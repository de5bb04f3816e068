/* SPDX-License-Identifier: MIT */
/* All probes at once: opened before any thread exists, run over a pass of their own. */
#ifndef OFFLOAD_BENCH_OBSERVER_H
#define OFFLOAD_BENCH_OBSERVER_H

#include "harness/trial.h"
#include "report/record.h"

struct observer;

/* Never fails for want of a probe: those that cannot open are left out. NULL: no memory. */
struct observer *observer_new(void);
void observer_free(struct observer *);

/* Run the trial for about `pass_s` (0: one call) under each probe and append one measure per
 * metric to the record: the value per call. CUDA trials are seen by the probes of CUDA, all
 * others by the rest; one that cannot look now leaves a measure that says why. A count of
 * floating-point operations that differs from the analytic one by more than a factor of two
 * is marked suspect, and so is an L2 cache that saw less than half of the bytes. */
void observer_watch(struct observer *, struct trial *, double pass_s, struct record *);
/* Nothing is run: each of these probes leaves a measure that says why. */
void observer_pass_over(struct observer *, const struct trial *, const struct why *,
                        struct record *);

#endif
