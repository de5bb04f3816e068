/* SPDX-License-Identifier: MIT */
/* The functions that stream_simd.c gives per instruction set. */
#ifndef OFFLOAD_BENCH_STREAM_H
#define OFFLOAD_BENCH_STREAM_H

#include "base/terms.h"

/* Values of the workload's axis `op`, and what each does with q = STREAM_FACTOR. */
enum stream_op { STREAM_COPY, STREAM_SCALE, STREAM_ADD, STREAM_TRIAD, STREAM_OPS };

#define STREAM_FACTOR 3

/* How c is written. STORE_THROUGH bypasses the caches: no line of c is read first, which
 * pays once the arrays outgrow them. */
enum stream_store { STORE_CACHED, STORE_THROUGH };

/* c = a, q a, a + b, a + q b over n elements; b is read by add and triad only. */
struct stream_call {
    const void *a, *b;
    void *c;
    int64_t n;
    int threads;
    enum stream_store how;
};

struct stream_simd {
    void (*op[STREAM_OPS][DTYPES])(const struct stream_call *);
};

#endif
