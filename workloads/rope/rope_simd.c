/* SPDX-License-Identifier: MIT */
/* A head at a time: its two halves turn against each other by the table row of the token. */
#include "workloads/isa.h"
#include "workloads/rows.h"
#include "workloads/simd.h"

enum { HEADS_AXIS = 1 };
enum { X, POSITIONS, TABLE, Y };

SIMD_INLINE void head(enum dtype d, bool streamed, const struct rows *r, int64_t h)
{
    int64_t token = h / r->problem->shape.n[HEADS_AXIS], half = r->cols / 2, i = 0;
    const float *cosine = (float *)r->arg[TABLE] + ((int32_t *)r->arg[POSITIONS])[token] * r->cols;
    const float *sine = cosine + half;
    const void *x = simd_at(d, r->arg[X], h * r->cols);
    void *y = simd_at(d, r->arg[Y], h * r->cols);

    for (; i + VF <= half; i += VF) {
        vf u = vf_get(d, x, i), v = vf_get(d, x, half + i);
        vf c = vf_load(cosine + i), s = vf_load(sine + i);

        vf_result(d, streamed, y, i, u * c - v * s);
        vf_result(d, streamed, y, half + i, v * c + u * s);
    }
    if (i < half) {
        size_t n = (size_t)(half - i);
        vf u = vf_get_n(d, x, i, n, 0), v = vf_get_n(d, x, half + i, n, 0);
        vf c = vf_load_n(cosine + i, n, 0), s = vf_load_n(sine + i, n, 0);

        vf_put_n(d, y, i, u * c - v * s, n);
        vf_put_n(d, y, half + i, v * c + u * s, n);
    }
}

static void run(const struct rows *given)
{
    struct rows r = *given;

    /* the second half is stored past the caches only if it too begins on a vector */
    r.is_streamed = r.is_streamed && r.cols / 2 % VF == 0;
#pragma omp parallel num_threads(r.threads)
    {
#pragma omp for schedule(static)
        for (int64_t h = 0; h < r.rows; h++)
            ROWS_SPECIALISE(head, &r, h);
        if (r.is_streamed)
            simd_fence();
    }
}

const struct rows_simd ISA_SYMBOL(rope_simd) = {.run = run};
