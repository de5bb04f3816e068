/* SPDX-License-Identifier: MIT */
/* One pass over all elements, in blocks that the threads share. */
#include "workloads/isa.h"
#include "workloads/rows.h"
#include "workloads/simd.h"

enum { A, B, Y };
enum { BLOCK = 4096 }; /* elements */

SIMD_INLINE void block(enum dtype d, bool streamed, const struct rows *r, int64_t from)
{
    const void *a = r->arg[A], *b = r->arg[B];
    int64_t to = r->cols - from < BLOCK ? r->cols : from + BLOCK, c = from;

    for (; c + VF <= to; c += VF)
        vf_result(d, streamed, r->arg[Y], c, vf_get(d, a, c) + vf_get(d, b, c));
    if (c < to) {
        size_t n = (size_t)(to - c);

        vf_put_n(d, r->arg[Y], c, vf_get_n(d, a, c, n, 0) + vf_get_n(d, b, c, n, 0), n);
    }
    if (streamed)
        simd_fence();
}

static void block_f64(const struct rows *r, int64_t from)
{
    const double *a = r->arg[A], *b = r->arg[B];
    int64_t to = r->cols - from < BLOCK ? r->cols : from + BLOCK, c = from;
    double *y = r->arg[Y];

    /* a streamed vector is 64 bytes whatever they mean: f32 serves */
    for (; c + VD <= to; c += VD)
        vf_result(DTYPE_F32, r->is_streamed, y, 2 * c, (vf)(vd_load(a + c) + vd_load(b + c)));
    for (; c < to; c++)
        y[c] = a[c] + b[c];
    if (r->is_streamed)
        simd_fence();
}

static void run(const struct rows *r)
{
#pragma omp parallel for num_threads(r->threads) schedule(static)
    for (int64_t c = 0; c < r->cols; c += BLOCK)
        if (r->dtype == DTYPE_F64)
            block_f64(r, c);
        else
            ROWS_SPECIALISE(block, r, c);
}

const struct rows_simd ISA_SYMBOL(add_simd) = {.run = run};
