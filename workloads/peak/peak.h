/* SPDX-License-Identifier: MIT */
/* This CPU's ceilings: the functions that peak_simd.c gives per instruction set, and a probe
 * of the memory's read rate for whoever times something bound by it. */
#ifndef OFFLOAD_BENCH_PEAK_H
#define OFFLOAD_BENCH_PEAK_H

#include <stddef.h>

#include "base/terms.h"

/* `lanes` accumulators (a multiple of PEAK_LANES), each through `rounds` fused multiply-adds:
 *   f32, f64: out = x, then `rounds` times out = PEAK_FACTOR out + PEAK_TERM;
 *   bf16: out = rounds (x[2 i] / 2 + x[2 i + 1] / 4), two products a step, added in f32. */
struct peak_call {
    const void *x;
    void *out;
    int64_t lanes, rounds;
    int threads;
};

enum { PEAK_LANES = 256 }; /* a whole number of every type's and instruction set's batches */
#define PEAK_FACTOR (1 - 0x1p-7)
#define PEAK_TERM 0x1p-9

struct peak_simd {
    /* By dtype; NULL where the instruction set has none. */
    void (*fma[DTYPES])(const struct peak_call *);
    /* Sum of n elements, read `rounds` times over. */
    double (*read[DTYPES])(const void *x, int64_t n, int64_t rounds, int threads);
};

/* Bytes per second at which `threads` threads read `buffer` once, in order: about bytes / 20
 * GB/s long. For the rate of DRAM, bytes must be well above the last-level cache. `buffer`
 * holds at least 4 KiB of initialised memory. */
double peak_read_bytes_per_s(const void *buffer, size_t bytes, int threads);

#endif
