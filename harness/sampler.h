/* SPDX-License-Identifier: MIT */
/* Times a set of ready trials side by side: in every round each of them gives one sample, in
 * a random order, so that what disturbs the machine disturbs all of them alike. */
#ifndef OFFLOAD_BENCH_SAMPLER_H
#define OFFLOAD_BENCH_SAMPLER_H

#include "base/series.h"
#include "harness/trial.h"

/* When to stop. Precision, not significance, decides. */
struct sampler_limits {
    double budget_s;        /* stop after the round in which it is spent */
    int rounds_least;       /* but not before so many, unless they take seconds */
    int rounds_most;
    double precision;       /* half-width of the 95 % interval of the median, relative */
    double sample_ns;       /* a sample holds enough calls to last so long */
    double hopeless;        /* a CPU trial this many times slower than the fastest leaves */
    /* Asked after each sample on a CUDA device: did heat or the power limit hold the clocks
     * down? NULL: cannot be known. */
    bool (*is_throttled)(const void *to);
    const void *to;
    /* Told before each sample: a sign of life, and whose the sample is. NULL: nobody listens. */
    void (*begins)(void *listener, const struct trial *);
    void *listener;
};

/* The defaults: 2 % or 60 rounds, samples of 1 ms, hopeless at 3 times. */
struct sampler_limits sampler_defaults(double budget_s);

/* What was seen of one trial. Times are per call. A contended round is one in which the
 * system took the processor away (involuntary context switches, or a sample that is a
 * multiple of the scheduler's 4 ms and far above the fastest), or in which the GPU was
 * throttled. A device's trial leaves when its next sample would take it beyond three times the
 * budget (and beyond 0.3 s); one whose calls are that long keeps its pilot call, which follows
 * a checked one, as its only sample. */
struct sample_set {
    int64_t calls;               /* per sample */
    struct series wall_ns, kernel_ns, launch_ns, position, contended, throttled;
    const char *stop;            /* "precise", "budget", "rounds" or "hopeless" */
    int status;                  /* not 0: the trial failed while being sampled */
    struct why why;
};

/* `set` (zeroed by the caller, one per trial) is filled; release with sample_set_release. */
void sampler_run(struct trial *const *trial, struct sample_set *set, int trials,
                 const struct sampler_limits *, uint64_t seed);

/* Which trial lost its device (STATUS_LOST), -1 when none did; sampling ended there. */
int sampler_lost(const struct sample_set *set, int trials);

void sample_set_release(struct sample_set *);

/* Smallest wall time per call so far; INFINITY when none. */
double sample_set_fastest_ns(const struct sample_set *);

/* What timing itself costs: median nanoseconds that a batch of no calls, timed exactly as a
 * sample on `host` (the cpu device) is, seems to take. */
double sampler_overhead_ns(struct device *host);

#endif
