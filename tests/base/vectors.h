/* SPDX-License-Identifier: MIT */
/* What tests/base/vectors_simd.c gives per instruction set. */
#ifndef OFFLOAD_BENCH_VECTORS_H
#define OFFLOAD_BENCH_VECTORS_H

#include "base/terms.h"

struct vectors {
    /* n elements of `dtype` (f16, bf16) to floats, and back. */
    void (*load)(enum dtype, const void *from, float *to, int64_t n);
    void (*store)(enum dtype, const float *from, void *to, int64_t n);
    void (*exp)(const float *x, float *y, int64_t n);
    void (*exp2)(const float *x, float *y, int64_t n);
};

#endif
