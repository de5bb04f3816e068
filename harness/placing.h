/* SPDX-License-Identifier: MIT */
/* Beside a group's cells: what becomes of a device call when its data are placed elsewhere,
 * and what a process's first call costs. */
#ifndef OFFLOAD_BENCH_PLACING_H
#define OFFLOAD_BENCH_PLACING_H

#include "harness/workshop.h"

/* A trial on a device, ready and checked, and what a call of it took. */
struct candidate {
    struct trial *trial;
    double call_ns;
};

/* Every placement of each candidate that is not hopeless beside the fastest on its device, and
 * first calls of the fastest: records of the kinds placement and cold to shop->emit. */
void placing_run(struct workshop *, const struct group *, const struct candidate *, int n,
                 double budget_s);

#endif
