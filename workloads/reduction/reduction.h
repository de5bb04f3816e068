/* SPDX-License-Identifier: MIT */
/* The functions that reduction_simd.c gives per instruction set. */
#ifndef OFFLOAD_BENCH_REDUCTION_H
#define OFFLOAD_BENCH_REDUCTION_H

#include "base/terms.h"

/* Values of the workload's axis `op`. */
enum reduction_op {
    REDUCTION_SUM, REDUCTION_DOT, REDUCTION_MAX, REDUCTION_ARGMAX, REDUCTION_NORM2, REDUCTIONS
};

/* `value`: the sum (of squares for norm2, not yet rooted) or the largest element; `at`: the
 * lowest index of the largest (argmax only). */
struct reduction {
    double value;
    int64_t at;
};

struct reduction_simd {
    /* n >= 1 elements; y is read by dot only. At most `threads` threads. Inputs hold no NaN. */
    struct reduction (*op[REDUCTIONS][DTYPES])(const void *x, const void *y, int64_t n,
                                               int threads);
};

#endif
