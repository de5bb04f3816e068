/* SPDX-License-Identifier: MIT */
/* Softmax rows in three passes over a row that stays in the cache: largest element; the
 * exponentials, stored as floats in a scratch row, and their sum; the product. One row per
 * thread at a time. */
#include "workloads/softmax/softmax.h"

#include <math.h>
#include <stdlib.h>

#include "workloads/isa.h"
#include "workloads/simd.h"

/* Longest row whose exponentials are kept on the stack; longer ones are computed twice. */
enum { SCRATCH = 32768 };

#define SOFTMAX(dtype, elem, load, store)                                              \
    static vf dtype##_load_n(const elem *p, size_t n, float rest)                      \
    {                                                                                  \
        elem part[VF];                                                                 \
        float value[VF];                                                               \
                                                                                       \
        memset(part, 0, sizeof part);                                                  \
        memcpy(part, p, n * sizeof *p);                                                \
        vf_store(value, load(part));                                                   \
        for (size_t i = n; i < VF; i++)                                                \
            value[i] = rest;                                                           \
        return vf_load(value);                                                         \
    }                                                                                  \
                                                                                       \
    static void dtype##_row(const elem *x, elem *y, int64_t cols, float *scratch)      \
    {                                                                                  \
        int64_t whole = cols / VF * VF;                                                \
        size_t rest = (size_t)(cols - whole);                                          \
        vf top = vf_set(-INFINITY), sum = vf_set(0), inverse, tail;                    \
        elem part[VF];                                                                 \
                                                                                       \
        for (int64_t c = 0; c < whole; c += VF)                                        \
            top = vf_max(top, load(x + c));                                            \
        tail = dtype##_load_n(x + whole, rest, -INFINITY);                             \
        top = vf_set(vf_reduce_max(vf_max(top, tail)));                                \
        tail = vf_exp(tail - top);                                                     \
        for (int64_t c = 0; c < whole; c += VF) {                                      \
            vf e = vf_exp(load(x + c) - top);                                          \
                                                                                       \
            if (scratch)                                                               \
                vf_store(scratch + c, e);                                              \
            sum += e;                                                                  \
        }                                                                              \
        inverse = vf_set(1 / vf_reduce_add(sum + tail));                               \
        for (int64_t c = 0; c < whole; c += VF)                                        \
            store(y + c, (scratch ? vf_load(scratch + c) : vf_exp(load(x + c) - top)) * \
                             inverse);                                                 \
        store(part, tail * inverse);                                                   \
        memcpy(y + whole, part, rest * sizeof *y);                                     \
    }                                                                                  \
                                                                                       \
    static void dtype##_rows(const void *x, void *y, int64_t rows, int64_t cols,       \
                             int threads)                                              \
    {                                                                                  \
        _Pragma("omp parallel num_threads(threads) if (rows * cols > 16384)")          \
        {                                                                              \
            float scratch[SCRATCH];                                                    \
                                                                                       \
            _Pragma("omp for schedule(static)")                                        \
            for (int64_t r = 0; r < rows; r++)                                         \
                dtype##_row((const elem *)x + r * cols, (elem *)y + r * cols, cols,    \
                            cols <= SCRATCH ? scratch : NULL);                         \
        }                                                                              \
    }

SOFTMAX(f32, float, vf_load, vf_store)
SOFTMAX(f16, uint16_t, vf_load_f16, vf_store_f16)
SOFTMAX(bf16, uint16_t, vf_load_bf16, vf_store_bf16)

const struct softmax_simd ISA_SYMBOL(softmax_simd) = {
    .rows = {[DTYPE_F32] = f32_rows, [DTYPE_F16] = f16_rows, [DTYPE_BF16] = bf16_rows},
};
