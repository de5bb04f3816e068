/* SPDX-License-Identifier: MIT */
/* The `sweep` sub-command: along one sweep of a workload, find where the winner changes. It
 * measures a size, judges what is in the results file, and asks the report's search what to
 * measure next; so it can be left at any time and taken up again, and the report that anybody
 * makes from the file is the one that the search saw. */
#ifndef OFFLOAD_BENCH_SWEEP_H
#define OFFLOAD_BENCH_SWEEP_H

#include "harness/options.h"
#include "workloads/workload.h"

struct sweep_request {
    struct options options; /* dtypes resolved; budget_s set: all that the sweep may take */
    const struct workload *workload;
    const struct sweep *sweep;
    int64_t from, to;
    enum placement placement[PLACEMENTS];
    int placements;
};

/* Parse `sweep`'s arguments (argv[0] is the command's name). Mistakes and --help end the
 * program. What is not named: the first sweep; f32, or the first type that the workload has;
 * from the smallest size that makes sense to the largest power of two whose call moves at most
 * 256 MB and does at most 2e10 operations; all placements; two minutes. */
void sweep_parse(struct sweep_request *, int argc, char **argv);

#endif
