/* SPDX-License-Identifier: MIT */
/* One call shared by two devices: along which axis it falls apart, and what of it both need
 * whole. */
#ifndef OFFLOAD_BENCH_PORTION_H
#define OFFLOAD_BENCH_PORTION_H

#include "workloads/workload.h"

/* `axis` names what is divided, `length` is how many units of it there are, at least 2; axis
 * NULL and length 0: the call cannot be shared. A portion of k units does k/length of the
 * operations, has k/length of every argument that follows the axis, and the others whole. */
struct portions {
    const char *axis;
    int64_t length;
    unsigned axes;                 /* all that are divided together, bit set */
    double whole_bytes;            /* of cost's bytes, those that every portion reads or writes */
    double whole_upload_bytes;     /* of the inputs, those that every portion needs */
    double whole_stationary_bytes; /* of these, stationary ones */
};

struct portions portions_of(const struct workload *, const struct problem *);

/* The problem of `units` of them. */
struct problem portion_problem(const struct problem *, const struct portions *, int64_t units);

/* Does argument i follow the axis? */
bool portion_has(const struct workload *, const struct problem *, const struct portions *, int i);

#endif
