/* SPDX-License-Identifier: MIT */
/* A group on a GPU that is not here: records of the kind projection. */
#ifndef OFFLOAD_BENCH_GROUP_PROJECTION_H
#define OFFLOAD_BENCH_GROUP_PROJECTION_H

#include "base/text.h"
#include "harness/plan.h"

/* Add a line for the group as the plan wants it, judged, and one for every lower precision that
 * its workload has, told beside the verdicts. What cannot be projected says why. */
void group_project(const struct group *, const struct gpu *, struct text *lines);

#endif
