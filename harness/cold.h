/* SPDX-License-Identifier: MIT */
/* A process's first call on a device, as one wall-clock timeline: open the device, take the
 * kernels from the disk cache or compile them, allocate, page-lock, upload, launch, wait,
 * download, free, close. Only a fresh process has a first call; one that has opened a device or
 * started threads cannot fork it, so a helper without either is kept for that. */
#ifndef OFFLOAD_BENCH_COLD_H
#define OFFLOAD_BENCH_COLD_H

#include "harness/plan.h"
#include "harness/timeline.h"
#include "harness/trial.h"

struct coldroom;

/* Before this process opens a device or starts a thread. What `plan` points to is known to the
 * helper as it is now. Errors: STATUS_IO, STATUS_MEMORY. */
int coldroom_open(struct coldroom **, const struct plan *, uint64_t seed, struct why *);
/* NULL is fine. Ends the helper. */
void coldroom_close(struct coldroom *);

/* One call of the open device trial's variant on the group's problem, in a process of its own,
 * from pageable or pinned memory. Its outputs come into `t`'s bench and are compared. Errors:
 * STATUS_UNAVAILABLE when the device has no such memory, STATUS_DEVICE and the others when the
 * call failed, STATUS_IO when its process died or took longer than `limit_s`; the helper may
 * then be gone, and every later call says so. */
int coldroom_call(struct coldroom *, const struct group *, const struct trial *t, enum memory,
                  double limit_s, struct timeline *, double *error, struct why *);

#endif
