/* SPDX-License-Identifier: MIT */
/* The functions that attention_decode_simd.c gives per instruction set. */
#ifndef OFFLOAD_BENCH_ATTENTION_DECODE_H
#define OFFLOAD_BENCH_ATTENTION_DECODE_H

#include "workloads/attention.h"

struct attention_decode_simd {
    /* Bytes of scratch for a run with `threads` threads. */
    size_t (*scratch_bytes)(const struct attention *, int threads);
    /* q_len is 1; `scratch` is aligned to a cache line. */
    void (*run)(const struct attention *, const void *q, const void *k, const void *v,
                void *out, void *scratch, int threads);
    /* Rows of `keys` scores to probabilities, in place; all keys are seen. `half` (may be
     * NULL) gets them as bf16 instead. */
    void (*softmax)(int64_t rows, int64_t keys, int64_t head_dim, float *score, uint16_t *half,
                    int threads);
};

#endif
