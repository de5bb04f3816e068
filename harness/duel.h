/* SPDX-License-Identifier: MIT */
/* Variants of one problem timed against each other: in rounds, in random order, so that what
 * the machine does meanwhile hits all of them alike. What the benches under tests/bench use. */
#ifndef OFFLOAD_BENCH_DUEL_H
#define OFFLOAD_BENCH_DUEL_H

#include <stdio.h>

#include "harness/sampler.h"

/* Short calls are also the noisy ones: DUEL_ROUNDS of them still fit the budget. */
enum { DUEL_ROWS = 16, DUEL_ROUNDS = 51, DUEL_BUDGET_S = 2 };

struct duel_row {
    struct trial trial;
    double error; /* of its bound, when it was checked */
};

struct duel {
    struct bench bench;
    struct device *host; /* not owned */
    int rows, rounds, threads;
    struct duel_row row[DUEL_ROWS];
    struct sample_set set[DUEL_ROWS]; /* of row[i] */
};

/* Open the bench and every CPU variant that can run here, and check each once; a wrong one
 * is told on stderr and left out. `only`: NULL, or the variants to take, NULL-terminated.
 * cold_bytes as in bench_open. Allocate the duel statically: it is large.
 * Errors: those of bench_open; then nothing is left open. */
int duel_open(struct duel *, const struct workload *, const struct problem *,
              struct device *host, const char *const *only, uint64_t cold_bytes, int threads,
              uint64_t seed, struct why *why);
void duel_close(struct duel *);

/* Time all rows in `least` more rounds, and on to `most` of them while these are cheap
 * (DUEL_BUDGET_S in all), as sampler_run does: none leaves early. */
int duel_run(struct duel *, int least, int most, uint64_t seed, struct why *why);

/* Row by variant name, or NULL; the row with the least median among those of providers. */
const struct duel_row *duel_find(const struct duel *, const char *variant);
const struct duel_row *duel_best_provider(const struct duel *);

/* Median nanoseconds per call of the uncontended samples, of all when fewer than three are
 * (*contended, which may be NULL, says so). NAN when there is none. */
double duel_median_ns(const struct duel *, const struct duel_row *, bool *contended);
/* Median over the rounds of a's time over b's: both were timed within a round. */
double duel_ratio(const struct duel *, const struct duel_row *a, const struct duel_row *b);

/* What a bench promises: `ours` takes at most `most` times as long as `against` (NULL: as the
 * best provider); no promise when most is 0. */
struct duel_goal {
    const char *ours, *against;
    double most;
};

/* One line a row (time, GFLOP/s, GB/s by the workload's cost, contended samples), one line a
 * goal (ends with a NULL `ours`). Returns how many goals were missed. */
int duel_print(const struct duel *, const struct duel_goal *, FILE *);

#endif
