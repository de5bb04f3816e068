/* SPDX-License-Identifier: MIT */
/* Three passes over a row: its sum brings it into the cache, the squares of the differences
 * and the result read it there; the last asks for the next row, where it is in memory. Not
 * the sum of squares in one pass: it cancels when the mean is large against the spread. */
#include <math.h>

#include "workloads/isa.h"
#include "workloads/rows.h"
#include "workloads/simd.h"

enum { X, WEIGHT, BIAS, Y };

SIMD_INLINE float total(enum dtype d, const void *x, int64_t cols)
{
    vf sum[4] = {vf_set(0), vf_set(0), vf_set(0), vf_set(0)};
    int64_t c = 0;

    for (; c + 4 * VF <= cols; c += 4 * VF)
        for (int u = 0; u < 4; u++)
            sum[u] += vf_get(d, x, c + u * VF);
    for (; c + VF <= cols; c += VF)
        sum[0] += vf_get(d, x, c);
    sum[1] += vf_get_n(d, x, c, (size_t)(cols - c), 0);
    return vf_reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

SIMD_INLINE float squares(enum dtype d, const void *x, int64_t cols, float mean)
{
    vf sum[4] = {vf_set(0), vf_set(0), vf_set(0), vf_set(0)}, v;
    int64_t c = 0;

    for (; c + 4 * VF <= cols; c += 4 * VF)
        for (int u = 0; u < 4; u++) {
            v = vf_get(d, x, c + u * VF) - mean;
            sum[u] += v * v;
        }
    for (; c < cols; c += VF) {
        v = cols - c < VF ? vf_get_n(d, x, c, (size_t)(cols - c), mean) : vf_get(d, x, c);
        sum[0] += (v - mean) * (v - mean);
    }
    return vf_reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

SIMD_INLINE void row(enum dtype d, bool streamed, const struct rows *r, int64_t i)
{
    const void *x = simd_at(d, r->arg[X], i * r->cols);
    const void *weight = r->arg[WEIGHT], *bias = r->arg[BIAS];
    void *y = simd_at(d, r->arg[Y], i * r->cols);
    float mean = total(d, x, r->cols) / (float)r->cols;
    float variance = squares(d, x, r->cols, mean) / (float)r->cols;
    vf factor = vf_set(1 / sqrtf(variance + (float)ROWS_EPSILON));
    int64_t c = 0;

    for (; c + VF <= r->cols; c += VF) {
        if (streamed)
            vf_ask(d, x, r->cols + c);
        vf_result(d, streamed, y, c,
                  (vf_get(d, x, c) - mean) * factor * vf_get(d, weight, c) + vf_get(d, bias, c));
    }
    if (c < r->cols) {
        size_t n = (size_t)(r->cols - c);
        vf v = (vf_get_n(d, x, c, n, 0) - mean) * factor;

        vf_put_n(d, y, c, v * vf_get_n(d, weight, c, n, 0) + vf_get_n(d, bias, c, n, 0), n);
    }
    if (streamed)
        simd_fence();
}

static void run(const struct rows *r)
{
#pragma omp parallel for num_threads(r->threads) schedule(static)
    for (int64_t i = 0; i < r->rows; i++)
        ROWS_SPECIALISE(row, r, i);
}

const struct rows_simd ISA_SYMBOL(layernorm_simd) = {.run = run};
