/* SPDX-License-Identifier: MIT */
/* The bench on which the variants of one problem meet: the same seeded inputs in the same
 * host memory for all of them, and what every output element must be. */
#ifndef OFFLOAD_BENCH_BENCH_H
#define OFFLOAD_BENCH_BENCH_H

#include "devices/device.h"
#include "workloads/workload.h"

/* Most rotating copies of the stationary arguments of a cold problem. */
enum { COPIES = 256 };

struct bench {
    const struct workload *workload;
    struct problem problem;
    enum cache cache;
    enum memory memory;             /* kind of host memory behind the arguments */
    uint64_t seed;
    struct device *host;            /* gives the memory; not owned */
    int copies;                     /* sets of arguments; 1 when hot */
    bool stays_in_caches;           /* cold, but COPIES are not even half of cold_bytes */
    struct buffer arg[COPIES][ARGS]; /* activations are shared by all copies */
    struct buffer before[ARGS];     /* INOUT arguments as they were filled */
    double *want[ARGS], *scale[ARGS];
    double reference_ns;            /* what computing `want` took */
};

/* Allocate, fill and compute the expected results. `cold_bytes`: what all copies of the
 * stationary arguments must exceed together (0: hot). On failure everything is released.
 * Errors: STATUS_INVALID (problem), STATUS_MEMORY with the bytes needed. */
int bench_open(struct bench *, const struct workload *, const struct problem *,
               struct device *host, uint64_t cold_bytes, uint64_t seed, struct why *);
/* The same without expected results: nothing can be compared. Hot. */
int bench_open_inputs(struct bench *, const struct workload *, const struct problem *,
                      struct device *host, uint64_t seed, struct why *);
void bench_close(struct bench *);

/* Bytes that bench_open would allocate for one copy, expected results included. */
double bench_bytes(const struct workload *, const struct problem *);

/* Put the inputs of copy 0 back as they were filled and poison its outputs (every byte
 * 0xff: a NaN in all floating types). */
void bench_restore(struct bench *);

/* Compare output argument i, `got` on the host, with what is expected: the largest error
 * over its bound (workload_error_bound), so that above 1 is wrong; infinity for NaN or an
 * unwritten element. `why` (may be NULL) gets the worst element when it is above 1. `roundoff`
 * is the variant's. */
double bench_error(const struct bench *, int i, const void *got, double roundoff,
                   struct why *why);

#endif
