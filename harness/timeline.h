/* SPDX-License-Identifier: MIT */
/* A stretch of wall-clock time and the rows that it was spent on. Rows are timed one by one,
 * the whole apart from them: what lies between rows, or was counted twice, is the residual. */
#ifndef OFFLOAD_BENCH_TIMELINE_H
#define OFFLOAD_BENCH_TIMELINE_H

#include <stdint.h>

#include "report/record.h"

struct timeline {
    double row_ns[LEDGERS]; /* NAN: no such row */
    double wall_ns;         /* NAN until it was stopped */
    int64_t start, row;     /* clock_ns() */
};

void timeline_start(struct timeline *);
/* A row begins, and ends: its time is added to what the row has. */
void timeline_begin(struct timeline *);
void timeline_end(struct timeline *, enum ledger);
void timeline_add(struct timeline *, enum ledger, double ns);
/* A call that was enqueued in `launch_ns`, then waited for `wait_ns`, while the device was busy
 * for `kernel_ns`. The device may begin while the host still enqueues: launch is then what the
 * kernel did not cover. With NAN for the kernel, sync is not known either. */
void timeline_call(struct timeline *, double launch_ns, double wait_ns, double kernel_ns);
void timeline_stop(struct timeline *);
/* Sum of the rows. */
double timeline_sum_ns(const struct timeline *);

#endif
