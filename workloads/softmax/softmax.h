/* SPDX-License-Identifier: MIT */
/* The functions that softmax_simd.c gives per instruction set. */
#ifndef OFFLOAD_BENCH_SOFTMAX_H
#define OFFLOAD_BENCH_SOFTMAX_H

#include "base/terms.h"

struct softmax_simd {
    /* By dtype; NULL where there is none. x and y: rows x cols, row-major, may be equal. */
    void (*rows[DTYPES])(const void *x, void *y, int64_t rows, int64_t cols, int threads);
};

#endif
