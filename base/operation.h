/* SPDX-License-Identifier: MIT */
/* A call as a GPU engineer would describe it: what the projection needs to know of it, and
 * the columns of `project --csv`. Workloads fill it, the projection reads it. */
#ifndef OFFLOAD_BENCH_OPERATION_H
#define OFFLOAD_BENCH_OPERATION_H

#include "base/terms.h"

/* How numbers are held and multiplied where no enum dtype says it: tf32 multiplies f32 data
 * with fewer bits; fp8 with one scale per tensor or per block; I8_WEIGHT and I4_WEIGHT keep
 * weights small and multiply in 16 bits; SMOOTH is int8 with 16-bit activations quantised in
 * the call; fp4 is Blackwell's block-scaled 4-bit type; dp4a multiplies int8 on the vector lanes,
 * four at a time, as libraries did before matrix cores took int8. */
enum precision {
    PRECISION_PLAIN,
    PRECISION_TF32,
    PRECISION_FP8,
    PRECISION_FP8_BLOCK,
    PRECISION_I8_WEIGHT,
    PRECISION_I4_WEIGHT,
    PRECISION_SMOOTH,
    PRECISION_FP4,
    PRECISION_DP4A,
    PRECISIONS
};

/* Unused numbers are 0. `op` is the name used by `project --csv`:
 *   gemm, gemm_bias, bmm             m n k, batch; out[m,n] = A[m,k] * B[k,n]
 *   gemv                             as gemm with m = 1
 *   attn_prefill, attn_decode        batch heads kv_heads head_dim q_len kv_len causal window
 *   softmax, layernorm, rmsnorm, add, mul, silu, swiglu, rope, embedding   rows cols
 *   sum, dot, max, argmax, norm2, stream_copy, stream_scale, stream_add, stream_triad
 *                                    rows = 1, cols = elements
 *   launch                           nothing: an empty kernel
 *   upload, download                 cols = bytes; memory in `memory`
 */
struct operation {
    const char *op;
    enum dtype dtype, kv_dtype;
    enum precision precision, kv_precision; /* PRECISION_PLAIN (0): dtype says it */
    int64_t m, n, k, batch;
    int64_t rows, cols;
    int64_t heads, kv_heads, head_dim, q_len, kv_len, causal, window;
    enum memory memory;
    double flops, bytes_read, bytes_written; /* analytic cost of the call */
    bool cold;                               /* weights or KV come from DRAM, not L2 */
};

#endif
