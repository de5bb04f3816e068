/* SPDX-License-Identifier: MIT */
/* Wins that lower precision would buy. They compete in no contest: the answer of a call in bf16
 * is not that of the call in f32. So they stand beside the verdicts, each in a line that says
 * at which rounding error it would be bought. */
#ifndef OFFLOAD_BENCH_PRECISION_H
#define OFFLOAD_BENCH_PRECISION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/terms.h"
#include "report/decision.h"
#include "report/record.h"

struct verdict;

/* One side of a verdict, computed in fewer significant bits and in less time by the same device:
 * the same workload, shape and cache in another dtype, or a variant that rounds its inputs
 * (tf32). Where a placement was measured its rival's must be, too. */
struct lower {
    size_t verdict;            /* its place in report.verdict */
    bool is_cpu;               /* the side that would compute in lower precision */
    const struct record *record;
    double error;              /* its unit roundoff over that of the verdict's side */
    struct estimate us;
    double share;              /* of the time that the verdict's side takes, below 1 */
    struct estimate speedup;   /* with the other side as it is */
    enum decision decision;    /* what the verdict would say; the verdict stays as it is */
    enum evidence evidence;    /* the weaker of this and the time it is held against */
};

/* What one precision would buy on one device, over all verdicts of one precision. */
struct lower_sum {
    const struct lower *about; /* any of them: device, precisions, rounding error */
    enum evidence evidence;
    size_t problems;
    double least, most;        /* share of the time */
    size_t verdicts, turned;   /* how many it would be faster in, and would say otherwise */
};

/* A pass of a model wholly on one side, with that precision in every operation which it makes
 * shorter. */
struct lower_pass {
    struct estimate own_us, us; /* as it is, and so */
    size_t operations;          /* of the pass that it changes; 0: nothing is known */
    enum evidence evidence;
};

struct report;
struct chain;
struct lower_pass lower_pass_of(const struct report *, const struct chain *,
                                const struct lower_sum *);

/* Unit roundoff of what a record computes: its own, else its dtype's (older files). */
double record_roundoff(const struct record *);
/* "bf16", "tf32". */
const char *record_precision(const struct record *);

#endif
