/* SPDX-License-Identifier: MIT */
/* Matrix products, and everything that computes them: our kernels, the libraries, device
 * code. Used by gemm, gemm_batched and gemv, which are the same product over other axes. */
#ifndef OFFLOAD_BENCH_GEMM_H
#define OFFLOAD_BENCH_GEMM_H

#include "workloads/workload.h"

/* c[m,n] = alpha * op(a)[m,k] * op(b)[k,n] + beta * c, all row-major and dense. ta: a is
 * stored [k,m]; tb: b is stored [n,k]. `batch` products lie one behind the other. With
 * beta = 0 the contents of c are not read. dtype: of a and b; c is in dtype_product(dtype). */
struct gemm {
    enum dtype dtype;
    int64_t batch, m, n, k;
    bool ta, tb;
    double alpha, beta;
    const void *a, *b;
    void *c;
};

/* ---- per instruction set: gemm_simd.c, gemm_reference_simd.c ---- */

struct gemm_simd {
    /* One product (batch 1). `scratch` holds gemm_scratch_bytes(g) bytes, 64-byte aligned. */
    void (*product)(const struct gemm *g, void *scratch, int threads);
};

struct gemm_reference_simd {
    /* One product in double precision; c0: c as before, or NULL with beta = 0. want and scale
     * (sum of the magnitudes that were added up): [m,n]. */
    void (*product)(const struct gemm *g, const void *c0, double *want, double *scale);
};

/* ---- for all products: gemm_shared.c ---- */

/* i8 or e4m3: what our own kernels and most libraries do not multiply. */
bool gemm_is_narrow(enum dtype);
/* Does every sum of an i8 product fit 32 bits, whatever the values? True of other types. */
bool gemm_sums_fit(const struct gemm *g, struct why *why);
/* Sizes, and what the projection calls the type: e4m3 is bf16 multiplied as fp8. */
void gemm_operation(const struct gemm *, struct operation *);
/* Room that one product needs to rearrange op(a), for any instruction set. */
size_t gemm_scratch_bytes(const struct gemm *g);
/* Product i of a batch: batch 1, pointers moved on. */
struct gemm gemm_at(const struct gemm *g, int64_t i);
/* 2mnk flops each; a and b read, c written and, with beta, read. */
struct cost gemm_cost(const struct gemm *g);

/* All of a batch, in the chosen instruction set. Ours shares the products among threads when
 * there are enough of them and `scratch_bytes` gives each thread its own room, else the tiles
 * of one product after the other. */
void gemm_reference(const struct gemm *g, const void *c0, double *want, double *scale);
void gemm_simd_run(const struct gemm *g, void *scratch, size_t scratch_bytes, int threads);

/* All of a batch by a CBLAS library (variant->data), f32 and f64; gemm_cblas_fits says
 * whether its 32-bit integers hold the lengths. as_gemv: m = 1 as a matrix-vector product.
 * each: the products are shared among our threads, the library has one thread for each. */
bool gemm_cblas_fits(const struct gemm *g);
void gemm_cblas(const struct call *call, const struct gemm *g, bool as_gemv);
void gemm_cblas_each(const struct call *call, const struct gemm *g);

/* Whether oneDNN has it: e4m3 not, i8 exactly only with alpha 1 and beta 0 (others it scales in
 * f32). */
bool gemm_onednn_fits(const struct gemm *g);
/* oneDNN: make the primitive into call->self (packed: b rearranged once, to the library's
 * liking). */
int gemm_onednn_prepare(struct call *call, const struct gemm *g, bool packed, struct why *why);

/* CLBlast on arguments a, b, c (indices into call->arg). */
int gemm_clblast(const struct call *call, const struct gemm *g, int a, int b, int c,
                 struct why *why);

/* cuBLASLt on arguments a, b, c: plans in call->self. Whether it has i8 or e4m3 for the device and
 * the shape it says itself. */
int gemm_cublaslt(struct call *call, const struct gemm *g, int a, int b, int c, struct why *why);
/* The rows of a table of variants, once with a prepare() that calls the above: in the dtype's
 * own precision, and f32 by tf32. */
#define GEMM_CUBLASLT(prepare_)                                                        \
    {.name = "cublaslt", .on = DEVICE_CUDA, .provider = "cuBLASLt",                    \
     .available = cublaslt_available, .prepare = prepare_, .run = cublaslt_run,        \
     .release = cublaslt_release, .scratch_bytes = cublaslt_scratch_bytes,             \
     .note = "the library's algorithm is chosen outside the timed region"},            \
    {.name = "cublaslt-tf32", .on = DEVICE_CUDA, .provider = "cuBLASLt",               \
     .fits = workload_fits_f32, .available = cublaslt_available, .prepare = prepare_,  \
     .run = cublaslt_run, .release = cublaslt_release,                                 \
     .scratch_bytes = cublaslt_scratch_bytes, .roundoff = CUBLASLT_TF32_ROUNDOFF,      \
     .note = "lower precision: f32 is multiplied as tf32, 11 significant bits; never "  \
             "stands for f32 in a verdict"}

/* Device steps of gemm.cl on arguments a, b, c. skinny: m <= GEMM_SKINNY, b as [n,k], one
 * product; columns: m = 1, b as [k,n]. */
enum { GEMM_SKINNY = 8 };
/* Most products of a batch: work-groups along the third dimension in CUDA. */
enum { GEMM_BATCH = 65535 };
int gemm_steps_tiled(const struct gemm *g, const struct device_facts *facts, int a, int b,
                     int c, struct step *step);
/* Of gemm.cu, f16 and bf16: on tensor cores; none where the device has none for the dtype. */
bool gemm_tensor_fits(const struct gemm *g);
int gemm_steps_tensor(const struct gemm *g, const struct device_facts *facts, int a, int b,
                      int c, struct step *step);
int gemm_steps_skinny(const struct gemm *g, int a, int b, int c, struct step *step);
int gemm_steps_columns(const struct gemm *g, int a, int b, int c, struct step *step);

#endif
