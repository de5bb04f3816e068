/* SPDX-License-Identifier: MIT */
/* The steps of report_build, each in its own room, in the order in which they run. All of
 * them return 0 or STATUS_MEMORY and leave a report that report_release can free. */
#ifndef OFFLOAD_BENCH_JUDGE_H
#define OFFLOAD_BENCH_JUDGE_H

#include "base/text.h"
#include "report/report.h"

int judge_gpus(struct report *);       /* contest.c: who takes part */
int judge_ceilings(struct report *);   /* ceiling.c */
int judge_contests(struct report *);   /* contest.c */
int judge_verdicts(struct report *);   /* verdict.c */
int judge_splits(struct report *);     /* split_verdict.c */
int judge_ledger(struct report *);     /* ledger.c */
int judge_lifetimes(struct report *);  /* lifetime.c */
int judge_chains(struct report *);     /* chain.c */
int judge_expenses(struct report *);   /* expense.c: money of verdicts and chains */
int judge_flips(struct report *);      /* flip_verdict.c, flip_chain.c */
int judge_crossovers(struct report *); /* crossover_curves.c */
int judge_strawmen(struct report *);   /* strawman.c */
int judge_precision(struct report *); /* precision.c: what fewer bits would buy */
int judge_headline(struct report *);   /* headline.c: headline, caution */
int judge_notes(struct report *);      /* notes.c */

/* What limits `r` at `time_us`, by the ceilings of its device; GPU projections bring their
 * own word. */
struct bound bound_of(const struct report *, const struct record *, struct estimate time_us);

/* No device is faster than its ceilings (with some doubt about them): the least time of a call,
 * in microseconds; 0 when they are not known. */
double ceiling_floor_us(const struct report *, const struct record *);

/* The decision that an interval of a speed-up allows; `undecided` when it is unknown. */
enum decision decision_of(struct estimate speedup);

/* Answer, decider and text of a curve whose crossings stand (crossover_words.c). */
void crossover_words(struct crossover *);
/* Are both curves of one sweep, type and GPU? Then they differ by placement alone. */
bool crossover_same_sweep(const struct crossover *, const struct crossover *);
/* Is it decided at any size? Else nobody is sure of anything (sweep_answer.c). */
bool crossover_is_decided(const struct crossover *);
/* The headline of a sweep (sweep_answer.c); false when the report is of none. */
bool sweep_headline(const struct report *, struct text *out);

/* Because and flip of a verdict whose numbers stand. */
void verdict_explain(const struct report *, struct verdict *);
void chain_explain(const struct report *, struct chain *);

/* GPU's costs per call beside contender.time_us: upload of all inputs, upload without the
 * stationary ones, download. Missing ones are NAN. */
struct link_cost {
    struct estimate upload_us, activation_us, download_us;
};
struct link_cost link_cost_of(const struct record *);
/* Upload of what stays the same from call to call: weights, caches. */
struct estimate stationary_us(struct link_cost);

/* How the CPU's time follows from its threads: time ~ threads^-exponent, at most 1, from the
 * contest's fastest variant and the same at fewest threads. NAN: not measured. (flip_side.c) */
double contest_scaling(const struct contest *);
/* Flips of one side alone: the CPU's threads, where `decide` judges at a factor of the CPU's
 * time; the prices, of whatever has this money and this speed-up. */
struct flip_cpu {
    double threads, exponent; /* as they are; contest_scaling */
};
void flip_threads(struct flips *, struct flip_cpu,
                  enum decision (*decide)(const void *at, double factor), const void *at,
                  enum decision now);
void flip_prices(struct flips *, const struct money *, struct estimate speedup);
void chain_flip(const struct report *, struct chain *); /* flip_chain.c */

/* A call on the GPU in a placement, from the parts that were measured or projected; missing where
 * they do not tell. */
struct estimate placement_parts_us(const struct contender *gpu, enum placement);
/* One call with stationary inputs there, from the parts that link_cost_of knows. */
struct estimate moved_call_us(const struct contender *gpu);

/* The fastest correct measurement of a placement of the contest's problem on a device, from
 * whatever host memory; RECORD_COLD: of a first call. NULL when there is none. */
const struct record *ledger_placed(const struct report *, const struct record *about,
                                   const char *device, enum record_kind, enum placement);

/* A plan of which nothing is known. */
struct route route_unknown(void);
/* What lower precision would buy in place of one side of a verdict, in words; what a sum's
 * verdicts are in ("f32"); notes of the precisions that turn an answer or save a sixth of the
 * time somewhere, 0 or STATUS_MEMORY. (precision.c) */
void lower_write(const struct report *, const struct lower *, struct text *out);
const char *lower_instead(const struct report *, const struct lower_sum *);
int note_precision(struct report *);
int note_precision_passes(struct report *); /* precision_pass.c: of models as a whole */

/* The best plan of a chain whose steps and sums stand, for every placement of the weights.
 * STATUS_MEMORY. (route.c) */
int chain_routes(struct chain *);
/* Speed-up of the best plan were things different: a link so many times as fast, weights sent
 * once for so many passes (INFINITY: there already), the CPU's times so many times as long. */
struct chain_knobs {
    double link, passes, cpu;
};
struct estimate chain_speedup_at(const struct chain *, struct chain_knobs);

/* Same workload, shape and cache; and the same dtype. */
bool record_same_shape(const struct record *, const struct record *);
bool record_same_problem(const struct record *, const struct record *);
/* Same workload, dtype and cache; and the same shape but for one axis. */
bool record_same_kind(const struct record *, const struct record *);
bool record_alike_but(const struct record *, const struct record *, const char *axis);
/* Length of an axis of the shape; NAN when it has none, or a word. (All crossover_curves.c) */
double record_axis(const struct record *, const char *axis);
/* A call with its arguments in place; of a projection with its launch. */
struct estimate record_in_place_us(const struct record *);
/* Was this round set aside? */
bool record_is_contended(const struct record *, size_t round);
/* Rounds that count to the front of `us` (room for all of them), in microseconds; every round when
 * all were disturbed. Gives how many. */
size_t record_quiet_us(const struct record *, const struct series *, double *us);

/* The contest that a link of a results file's chain names, or NULL. */
const struct contest *contest_of_link(const struct report *, const json_t *link);

/* Room for one more element at the end of a growing array: a pointer to it, zeroed, or NULL
 * when out of memory. Zero-initialised pointer and count; the count grows by one. */
void *report_push(void *array, size_t *count, size_t size);
int report_note(struct report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
