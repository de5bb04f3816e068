/* SPDX-License-Identifier: MIT */
/* Runs one group of the plan, in the child process: makes the bench, checks every variant,
 * samples them side by side, observes them, and hands over one record per cell. */
#ifndef OFFLOAD_BENCH_GROUP_H
#define OFFLOAD_BENCH_GROUP_H

#include "harness/workshop.h"

/* `budget_s`: time that sampling may take; gives the time it took. A group that cannot be
 * set up at all gives one skipped or failed record. */
double group_run(struct workshop *, const struct group *, double budget_s);

#endif
