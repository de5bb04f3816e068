/* SPDX-License-Identifier: MIT */
/* How the CPU side lies over NUMA nodes: threads and pages on one of them, or pages dealt out over
 * all. Left alone, all pages lie on the node whose thread touched them first, and the threads of
 * the other nodes wait for its memory. */
#ifndef OFFLOAD_BENCH_NUMA_LAYOUT_H
#define OFFLOAD_BENCH_NUMA_LAYOUT_H

#include <sched.h>
#include <sys/types.h>

#include "base/step.h"
#include "base/terms.h"
#include "base/why.h"
#include "devices/numa.h"

enum { NUMA_NODES = 64 };

/* Nodes that have memory, and processors which this process may use. */
struct numa_nodes {
    int n;
    int id[NUMA_NODES];
    cpu_set_t cpus[NUMA_NODES];
};

/* By /sys below `root`; none where the kernel shows no nodes. */
void numa_nodes_read(const char *root, struct numa_nodes *);

/* A layout while it holds, and what was before. Zeroed: none, numa_layout_end is safe. */
struct numa_layout {
    const struct numa_nodes *nodes; /* not owned */
    int only;                       /* index of the one node; -1: all of them */
    struct numa_policy policy;
    struct numa_thread *thread;     /* where every thread might run; owned */
    size_t threads;
    cpu_set_t cpus;                 /* where the caller might */
};

/* Until numa_layout_end: pages that this thread touches come from the layout's nodes in turn, and
 * on one node every thread of the process, running or started meanwhile, runs on its processors.
 * Errors: STATUS_UNAVAILABLE when the kernel refuses, STATUS_MEMORY; nothing has changed then. */
int numa_layout_begin(struct numa_layout *, const struct numa_nodes *, int only, struct why *);
void numa_layout_end(struct numa_layout *);

/* Move the pages behind `b` to the layout's nodes, 2 MiB (of small buffers a page) on one and as
 * much on the next; they stay there when the layout ends. Errors: STATUS_UNAVAILABLE when the kernel refuses, or a
 * page stays where it is (its node is full). */
int numa_layout_move(const struct numa_layout *, const struct buffer *b, struct why *);

/* "node 1", "interleaved over 2 nodes". */
struct name numa_layout_name(const struct numa_nodes *, int only);

#endif
