/* SPDX-License-Identifier: MIT */
/* Two passes over a row: the sum of squares brings it into the cache, the product reads it
 * there. Where the matrix exceeds the caches it asks for the next row meanwhile (the writing
 * alone leaves the way from memory idle: a fifth of the time); within them, asking costs as
 * much. Four sums at a time hide the latency of the additions. */
#include <math.h>

#include "workloads/isa.h"
#include "workloads/rows.h"
#include "workloads/simd.h"

enum { X, WEIGHT, Y };

SIMD_INLINE float squares(enum dtype d, const void *x, int64_t cols)
{
    vf sum[4] = {vf_set(0), vf_set(0), vf_set(0), vf_set(0)}, v;
    int64_t c = 0;

    for (; c + 4 * VF <= cols; c += 4 * VF)
        for (int u = 0; u < 4; u++) {
            v = vf_get(d, x, c + u * VF);
            sum[u] += v * v;
        }
    for (; c < cols; c += VF) {
        v = cols - c < VF ? vf_get_n(d, x, c, (size_t)(cols - c), 0) : vf_get(d, x, c);
        sum[0] += v * v;
    }
    return vf_reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

SIMD_INLINE void row(enum dtype d, bool streamed, const struct rows *r, int64_t i)
{
    const void *x = simd_at(d, r->arg[X], i * r->cols), *weight = r->arg[WEIGHT];
    void *y = simd_at(d, r->arg[Y], i * r->cols);
    float mean = squares(d, x, r->cols) / (float)r->cols;
    vf factor = vf_set(1 / sqrtf(mean + (float)ROWS_EPSILON));
    int64_t c = 0;

    for (; c + VF <= r->cols; c += VF) {
        if (streamed)
            vf_ask(d, x, r->cols + c);
        vf_result(d, streamed, y, c, vf_get(d, x, c) * factor * vf_get(d, weight, c));
    }
    if (c < r->cols) {
        size_t n = (size_t)(r->cols - c);

        vf_put_n(d, y, c, vf_get_n(d, x, c, n, 0) * factor * vf_get_n(d, weight, c, n, 0), n);
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

const struct rows_simd ISA_SYMBOL(rmsnorm_simd) = {.run = run};
