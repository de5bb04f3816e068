/* SPDX-License-Identifier: MIT */
/* How a bench lies over the machine's NUMA nodes, where there is more than one. */
#ifndef OFFLOAD_BENCH_SPREAD_H
#define OFFLOAD_BENCH_SPREAD_H

#include "devices/numa_layout.h"
#include "harness/bench.h"

/* As the system lays it; threads and pages on one node; pages dealt out over all. */
enum spread { SPREAD_NONE, SPREAD_NODE, SPREAD_ALL };

/* The node with the most processors, as index; -1 when there are fewer than two nodes. */
int spread_node(const struct numa_nodes *);
struct name spread_name(const struct numa_nodes *, enum spread);

/* Lay the bench's arguments so, and whatever is allocated and started until numa_layout_end; the
 * arguments stay where they are then. SPREAD_NONE: nothing. Errors: of numa_layout_begin and
 * numa_layout_move; the layout is ended then. */
int spread_begin(struct numa_layout *, const struct numa_nodes *, enum spread,
                 const struct bench *, struct why *);

/* Bytes that spread_begin moves. */
double spread_bytes(const struct bench *);

#endif
