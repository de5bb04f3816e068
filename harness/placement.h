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
    double call_ns;  /* what a call takes, as far as known; 0: not long */
    int64_t until_ns; /* clock_ns() by which all placements should have ended, where calls are
                       * long: what would end later is left out */
};

/* The defaults: 9 rounds, 100 calls. */
struct placement_limits placement_defaults(double budget_s);

/* Can the placement be had from a trial in that memory? resident, once and graph from
 * pageable; every from pageable and pinned; managed and mapped from their own; overlapped from
 * pageable and pinned. */
bool placement_suits(enum placement, enum memory);

/* Measure an open device trial: fills placement, memory, outcome, why, error (a checked call),
 * wall_ns (whole calls, one per round), parts_ns and ledger_ns (the middle one of the calls in
 * parts and its rows), calls, shared_ns, chunks, and stop "budget" where a single call takes more
 * than the budget: the checked call is then the whole one, beside one in parts. Times are per
 * call. False: the device or the workload has no such
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
 * device trial from pageable memory; others are opened beside it, one at a time. Those that
 * `until_ns` leaves no time for are skipped, with that reason. */
void placement_each(struct trial *t, const struct placement_limits *,
                    const struct placement_reader *);

#endif
