/* SPDX-License-Identifier: MIT */
/* Runs a plan: one child process per workload, so that a crash, a hang or a poisoned device
 * costs one cell and never the run. The parent opens no device and starts no thread. */
#ifndef OFFLOAD_BENCH_RUNNER_H
#define OFFLOAD_BENCH_RUNNER_H

#include <signal.h>

#include "harness/journal.h"
#include "harness/plan.h"
#include "report/record.h"

struct runner {
    const struct plan *plan;
    uint64_t seed;
    int results;                /* descriptor of results.jsonl; each group is one write */
    const bool *is_done;        /* per group: already in the results (--resume); may be NULL */
    double silence_s;           /* a child that says nothing for so long is killed, in ten times that on
                                 * an emulated GPU; 0: 60 s and four times the budget */
    const volatile sig_atomic_t *interrupted; /* set by a signal: stop soon */
    void (*progress)(void *to, int group, double left_s); /* may be NULL */
    void *to;

    /* what came of it */
    int outcome[OUTCOMES];      /* cells */
    int groups_run;
    int judged, judged_ok;      /* records that take part in verdicts, and those that are well */
};

/* Every group of the plan that is not done. STATUS_IO when the results cannot be written
 * (the run stops); otherwise 0, also when it was interrupted. */
int runner_run(struct runner *, struct why *);

/* The same for a journal just opened: its first lines if it is new, else only what it does not
 * hold yet. The results go there from now on. Errors: also as journal_begin. */
int runner_begin(struct runner *, const struct journal *, struct why *);

/* What the program's exit status says of what came of it. */
int runner_exit_status(const struct runner *);

#endif
