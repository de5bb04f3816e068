/* SPDX-License-Identifier: MIT */
/* The functions that attention_prefill_simd.c gives per instruction set. */
#ifndef OFFLOAD_BENCH_ATTENTION_PREFILL_H
#define OFFLOAD_BENCH_ATTENTION_PREFILL_H

#include "workloads/attention.h"

struct attention_prefill_simd {
    /* Bytes of scratch for `threads` threads; one thread's part is a multiple of a page. */
    size_t (*scratch_bytes)(const struct attention *, int threads);
    /* `scratch` is aligned to a page. */
    void (*run)(const struct attention *, const void *q, const void *k, const void *v,
                void *out, void *scratch, int threads);
    /* Rows of scores to probabilities in place, for queries i ... i + rows - 1 and keys
     * 0 ... keys - 1: unseen ones become 0. `half` (may be NULL) gets them as bf16 instead. */
    void (*softmax)(const struct attention *, int64_t i, int64_t rows, int64_t keys,
                    float *score, uint16_t *half);
};

#endif
