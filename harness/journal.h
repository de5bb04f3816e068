/* SPDX-License-Identifier: MIT */
/* The journal of a run: results.jsonl in its output folder, only ever appended to. */
#ifndef OFFLOAD_BENCH_JOURNAL_H
#define OFFLOAD_BENCH_JOURNAL_H

#include "base/text.h"
#include "harness/plan.h"
#include "report/record.h"

struct journal {
    const struct options *options;
    const struct survey *survey;
    const char *command_line;
    const struct lesson *lesson; /* of --calibrate, or NULL */

    /* filled by journal_open */
    char path[1024];
    int fd;
    bool is_new; /* without a header yet */
};

/* Create the folder and open its results.jsonl for appending. With --resume what is there
 * stays (a broken last line is cut off); without it an older file is kept aside as
 * results-old.jsonl. The folder is this process's until it ends. Errors: STATUS_IO with the
 * folder and the cause, also when another run has it. */
int journal_open(struct journal *, struct why *);

/* Append whole lines to the results file fd: all of them or, on failure, none, since half a group
 * would pass for a whole one when the run goes on. Errors: STATUS_IO, also when the file was
 * removed meanwhile; STATUS_MEMORY when `lines` failed. */
int journal_append(int fd, const struct text *lines, struct why *why);

/* Of a new file the first lines: header and chains of the plan. Of another one which of the
 * plan's groups it already holds: `is_done` (zeroed, plan->groups entries). Errors: STATUS_IO;
 * STATUS_INVALID when the file is of another run: all but the time it may take must be the same. */
int journal_begin(const struct journal *, const struct plan *, bool *is_done, struct why *);

/* A projection record per judged group and GPU that the file does not hold yet, appended in
 * one write. What the file holds of real GPUs corrects them, beside what was learnt before. */
int journal_project(const struct journal *, const struct plan *, struct why *);

#endif
