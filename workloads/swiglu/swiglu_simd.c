/* SPDX-License-Identifier: MIT */
/* One pass over all elements, in blocks that the threads share. */
#include "workloads/isa.h"
#include "workloads/rows.h"
#include "workloads/simd.h"

enum { GATE, UP, Y };
enum { BLOCK = 4096 }; /* elements: one page of 16-bit values is the least that is shared */

static inline vf swiglu(vf gate, vf up)
{
    return gate / (1.0f + vf_exp(-gate)) * up;
}

SIMD_INLINE void block(enum dtype d, bool streamed, const struct rows *r, int64_t from)
{
    const void *gate = r->arg[GATE], *up = r->arg[UP];
    int64_t to = r->cols - from < BLOCK ? r->cols : from + BLOCK, c = from;

    for (; c + VF <= to; c += VF)
        vf_result(d, streamed, r->arg[Y], c, swiglu(vf_get(d, gate, c), vf_get(d, up, c)));
    if (c < to) {
        size_t n = (size_t)(to - c);

        vf_put_n(d, r->arg[Y], c, swiglu(vf_get_n(d, gate, c, n, 0), vf_get_n(d, up, c, n, 0)),
                 n);
    }
    if (streamed)
        simd_fence();
}

static void run(const struct rows *r)
{
#pragma omp parallel for num_threads(r->threads) schedule(static)
    for (int64_t c = 0; c < r->cols; c += BLOCK)
        ROWS_SPECIALISE(block, r, c);
}

const struct rows_simd ISA_SYMBOL(swiglu_simd) = {.run = run};
