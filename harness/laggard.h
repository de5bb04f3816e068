/* SPDX-License-Identifier: MIT */
/* CPU variants that a sweep no longer tries at larger sizes. What the sampler does among
 * rounds (its `hopeless` trials leave), a sweep does among sizes: a library that took 39 s a
 * call where others take one is not called again only to be slow once more. */
#ifndef OFFLOAD_BENCH_LAGGARD_H
#define OFFLOAD_BENCH_LAGGARD_H

#include "base/terms.h"
#include "base/why.h"
#include "report/report.h"

/* A variant, and the sentence that its skipped records get. */
struct laggard {
    struct name variant;
    struct why why;
};

enum { LAGGARDS = 16 };

/* What a larger size has to go by. */
struct laggard_place {
    const char *workload, *sweep;
    enum dtype dtype;
    int64_t size;
    int threads;
};

/* Fill `out` (LAGGARDS places) from the records of the same sweep, dtype and threads: variants
 * that at the largest size up to this one at which they were timed took three times as long as
 * the fastest there (minima of their samples), where that takes 3 ms a call or more, so that
 * neither a cost per call nor a lost time slice made them slow. Returns how many. */
int laggards_find(const struct results *, const struct laggard_place *, struct laggard *out);

#endif
