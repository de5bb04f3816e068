/* SPDX-License-Identifier: MIT */
/* What a call costs when its data are placed in a certain way, measured: whole calls as a
 * program would make them, and beside them calls that wait after every part, which gives the
 * rows of the ledger. Both in turns, so that what disturbs the machine disturbs both. */
#ifndef OFFLOAD_BENCH_PLACEMENT_H
#define OFFLOAD_BENCH_PLACEMENT_H

#include "harness/timeline.h"
#include "harness/trial.h"

/* How long one placement may take: whole rounds, at least one, about `rounds` at most; more only
 * to settle a disagreement. */
struct placement_limits {
    double budget_s;
    int rounds;
    int64_t calls; /* placement once: most calls that share the upload */
};

/* The defaults: 9 rounds, 100 calls. */
struct placement_limits placement_defaults(double budget_s);

/* Can the placement be had from a trial in that memory? resident, once and graph from
 * pageable; every from pageable and pinned; managed and mapped from their own; overlapped from
 * pageable and pinned. */
bool placement_suits(enum placement, enum memory);

/* Measure an open device trial: fills placement, memory, outcome, why, error (a checked call),
 * wall_ns (whole calls, one per round), parts_ns and ledger_ns (the middle one of the calls in
 * parts and its rows), calls, shared_ns, chunks. Times are per call. False: the device or the workload has no such
 * placement, and there is nothing to record; *why says which. */
bool placement_measure(struct trial *, enum placement, const struct placement_limits *,
                       struct record *, struct why *);

/* Who wants the records of placements: `describe` fills a new record with what they are of,
 * `emit` takes it when it is measured. */
struct placement_reader {
    void (*describe)(void *to, struct record *);
    void (*emit)(void *to, const struct record *);
    void *to;
};

/* Every placement from every kind of memory that the device and the workload have. `t`: an open
 * device trial from pageable memory; others are opened beside it, one at a time. */
void placement_each(struct trial *t, const struct placement_limits *,
                    const struct placement_reader *);

#endif
