/* SPDX-License-Identifier: MIT */
/* The one clock of the host. */
#ifndef OFFLOAD_BENCH_CLOCK_H
#define OFFLOAD_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds of CLOCK_MONOTONIC (a vDSO read, about 20-30 ns). */
static inline int64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
