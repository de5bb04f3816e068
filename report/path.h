/* SPDX-License-Identifier: MIT */
/* The fastest way through operations that follow one another, each of which may run on
 * either side: a shortest path over two states per operation. */
#ifndef OFFLOAD_BENCH_PATH_H
#define OFFLOAD_BENCH_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* One operation, in any unit of time; INFINITY or NAN: it cannot run there. What lies
 * between two operations (the activations) moves when the side changes: `up` before this
 * operation when the one before ran on the CPU, `down` behind it when the next one does.
 * Both ends are free: inputs and results of the whole are where they are wanted. */
struct path_node {
    double cpu, gpu;
    double up, down;
};

/* Cost of a given placement. */
double path_cost(const struct path_node *, size_t n, const bool *on_gpu);

/* Least cost, and the placement that has it in on_gpu[0..n-1]; ties stay on the CPU.
 * INFINITY when there is no way (then on_gpu is all false). One pass forward, one back:
 * O(n), no memory of its own; `on_gpu` needs n entries, `from` 2n for the way back. */
double path_best(const struct path_node *, size_t n, bool *on_gpu, bool *from);

#endif
