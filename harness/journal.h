/* SPDX-License-Identifier: MIT */
/* The journal of a run: results.jsonl in its output folder, only ever appended to. */
#ifndef OFFLOAD_BENCH_JOURNAL_H
#define OFFLOAD_BENCH_JOURNAL_H

#include "harness/plan.h"
#include "report/record.h"

/* Create the folder and open its results.jsonl for appending. With --resume what is there
 * stays (a broken last line is cut off); without it an older file is kept aside as
 * results-old.jsonl. Gives the descriptor in *fd and the path in `path`.
 * Errors: STATUS_IO with the folder and the cause. */
int journal_open(const struct options *, char *path, size_t size, int *fd, bool *is_new,
                 struct why *why);

/* First lines: header and chains of the plan. */
int journal_begin(int fd, const struct plan *, const struct survey *, const struct options *,
                  const char *command_line, struct why *why);

/* Which groups of the plan the file already holds; `is_done` has plan->groups entries.
 * Errors: STATUS_INVALID when the file is of another run (suite, model, seed differ). */
int journal_done(const char *path, const struct plan *, const struct options *, bool *is_done,
                 struct why *why);

/* A projection record per judged group and GPU that the file at `path` does not hold yet.
 * Appended in one write. */
int journal_project(int fd, const char *path, const struct plan *, struct why *why);

#endif
