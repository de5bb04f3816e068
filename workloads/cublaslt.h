/* SPDX-License-Identifier: MIT */
/* cuBLASLt, NVIDIA's matrix library, opened at run time: products over the handles of a call
 * (call->queue is a CUstream, call->arg[i].handle a CUdeviceptr) with the device's context
 * current. f64 and f32 compute in their own precision, f16, bf16 and e4m3 add up in f32 (e4m3
 * into bf16, from compute capability 8.9 on), i8 adds up in i32. */
#ifndef OFFLOAD_BENCH_CUBLASLT_H
#define OFFLOAD_BENCH_CUBLASLT_H

#include "workloads/workload.h"

/* Unit roundoff of tf32: f32 whose 13 lowest bits are cut off, not rounded. */
#define CUBLASLT_TF32_ROUNDOFF 0x1p-10

/* STATUS_UNAVAILABLE when cuBLASLt is not built in or not installed. */
int cublaslt_available(const struct variant *, struct why *);
/* "13.1.0"; "" before it was opened. */
const char *cublaslt_version(void);

/* Workspace that the library may use, as the variant's scratch: 32 MiB, what NVIDIA's manual
 * advises for its largest GPUs. */
size_t cublaslt_scratch_bytes(const struct problem *, const struct device_facts *);

/* Row-major matrices a, b, c (indices into call->arg), transposed or not:
 *     c[m,n] = alpha op(a) op(b) + beta c
 * `batch` of them, one behind the other. Where variant->roundoff is set, f32 is multiplied
 * as tf32, else never. */
struct cublaslt_gemm {
    int64_t batch, m, n, k;
    bool ta, tb;
    double alpha, beta;
    int a, b, c;
};

/* Make the plan, by the library's heuristic, in call->self; enqueue it; free it. Errors:
 * STATUS_UNAVAILABLE when the library has nothing for this problem or device, STATUS_MEMORY,
 * STATUS_DEVICE with its status. */
int cublaslt_prepare(struct call *, const struct cublaslt_gemm *, struct why *);
int cublaslt_run(struct call *, struct why *);
void cublaslt_release(struct call *);

#endif
