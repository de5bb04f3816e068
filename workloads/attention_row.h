/* SPDX-License-Identifier: MIT */
/* What the X_simd.c rooms of both attention workloads do with a row: store a result, and the
 * softmax between the two products of a composition. */
#ifndef OFFLOAD_BENCH_ATTENTION_ROW_H
#define OFFLOAD_BENCH_ATTENTION_ROW_H

#include "workloads/simd.h"

/* Score of a key that is not seen: its exponential is 0 whatever the others are. */
static const float attention_unseen = -1e37f;

/* n (a multiple of 8) elements of `row`, times `by`, to element `at` of an array. */
SIMD_INLINE void attention_row_put_as(enum dtype dtype, void *p, int64_t at, int n, const float *row,
                                      float by)
{
    int c = 0;

    for (; c + VF <= n; c += VF)
        vf_put(dtype, p, at + c, vf_load(row + c) * by);
    if (c < n)
        vf_put_n(dtype, p, at + c, vf_load(row + c) * by, (size_t)(n - c));
}

static inline void attention_row_put(enum dtype dtype, void *p, int64_t at, int n, const float *row,
                                     float by)
{
    if (dtype == DTYPE_F32)
        attention_row_put_as(DTYPE_F32, p, at, n, row, by);
    else if (dtype == DTYPE_BF16)
        attention_row_put_as(DTYPE_BF16, p, at, n, row, by);
    else
        attention_row_put_as(DTYPE_F16, p, at, n, row, by);
}

/* In place over `keys` scores, of which first ... end-1 are seen: probabilities, 0 elsewhere;
 * with `half`, stored there as bf16 instead. `scale` includes log2(e). */
static inline void attention_softmax_row(float *p, uint16_t *half, int64_t first, int64_t end,
                                         int64_t keys, float scale)
{
    float top, sum;
    vf part = vf_set(0), tops = vf_set(attention_unseen);
    int64_t j = first;

    for (; j + VF <= end; j += VF)
        tops = vf_max(tops, vf_load(p + j));
    tops = vf_max(tops, vf_load_n(p + j, (size_t)(end - j), attention_unseen));
    top = vf_reduce_max(tops) * scale;
    for (j = first; j < end; j += VF) {
        size_t n = (size_t)(end - j < VF ? end - j : VF);
        vf e = vf_exp2(vf_load_n(p + j, n, attention_unseen) * scale - top);

        part += e;
        vf_store_n(p + j, e, n);
    }
    sum = 1 / vf_reduce_add(part);
    memset(p, 0, sizeof *p * (size_t)first);
    memset(p + end, 0, sizeof *p * (size_t)(keys - end));
    for (j = 0; j < keys; j += VF) {
        size_t n = (size_t)(keys - j < VF ? keys - j : VF);
        vf e = vf_load_n(p + j, n, 0) * sum;

        if (half)
            vf_put_n(DTYPE_BF16, half, j, e, n);
        else
            vf_store_n(p + j, e, n);
    }
}

#endif
