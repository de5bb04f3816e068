/* SPDX-License-Identifier: MIT */
/* Reuse N*: how many calls must share one upload before the GPU pays. From one measurement of
 * the parts: n calls take the CPU n * cpu, and the GPU shared + n * call, so
 *     N* = floor(shared / (cpu - call)) + 1     when cpu > call, else never.
 * tests/report/test_reuse.c holds it against trying every n. */
#ifndef OFFLOAD_BENCH_REUSE_H
#define OFFLOAD_BENCH_REUSE_H

#include <stddef.h>

#include "base/terms.h"

/* In microseconds. `shared`: the upload that calls can share (weights, caches); `call`: a call on
 * the GPU with that in place, its own transfers included; `kernel`: the same without them. */
struct reuse_parts {
    struct estimate cpu_us, shared_us, call_us, kernel_us;
};

/* The count with the interval that follows from the parts' extremes, so at least as sure as they
 * are. value NAN: never at the middle of the intervals; low INFINITY: never at all; high
 * INFINITY: perhaps never. All NAN when a part is not known. */
struct estimate reuse_calls(const struct reuse_parts *);

/* Why it never pays, as a clause, or "" when it does (or nothing is known). */
void reuse_why(const struct reuse_parts *, char *out, size_t size);

#endif
