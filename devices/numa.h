/* SPDX-License-Identifier: MIT */
/* From which NUMA node this thread's memory comes. */
#ifndef OFFLOAD_BENCH_NUMA_H
#define OFFLOAD_BENCH_NUMA_H

#include <stdbool.h>

#include "base/why.h"

struct numa_policy {
    bool is_known;
    int mode;
    unsigned long nodes[16];
};

/* Prefer `node` for the pages this thread touches from now on, until numa_restore of what was
 * before. -1, or a kernel that knows no such thing: nothing changes. */
void numa_prefer(int node, struct numa_policy *before);
void numa_restore(const struct numa_policy *before);

/* Node behind the page at `address`, -1 when the kernel does not say. */
int numa_node_of(const void *address);

/* Has this machine what `wish` asks for: "near", "far" or a node's number? Errors:
 * STATUS_INVALID with what there is. */
int numa_check(const char *root, const char *wish, struct why *);

/* The node for a device that hangs on `near`, by the environment's OFFLOAD_BENCH_NUMA
 * (--memory-node): "near" (default), "far" (the node most distant from it), or a node's
 * number. -1: any. */
int numa_choose(const char *root, int near);

#endif
