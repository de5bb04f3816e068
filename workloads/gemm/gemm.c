/* SPDX-License-Identifier: MIT */
/* General matrix product: c = alpha * op(a) * op(b) + beta * c. b is the stationary operand:
 * weights, which in language models are stored [n,k] (tb=t, as torch's Linear has them). The
 * output is one of two arguments: `c` is only written (beta = 0), `c_inout` is read too. Products
 * of i8 are i32, those of e4m3 bf16. */
#include "workloads/cblas.h"
#include "workloads/clblast.h"
#include "workloads/cublaslt.h"
#include "workloads/dnnl.h"
#include "workloads/gemm/gemm.h"

enum { M, N, K, TA, TB, ALPHA, BETA };
enum { A, B, C, C_INOUT };

static struct gemm gemm_of(const struct problem *p)
{
    const int64_t *n = p->shape.n;

    return (struct gemm){.dtype = p->dtype, .batch = 1, .m = n[M], .n = n[N], .k = n[K],
                         .ta = n[TA], .tb = n[TB], .alpha = (double)n[ALPHA],
                         .beta = (double)n[BETA]};
}

static int output_of(const struct problem *p)
{
    return p->shape.n[BETA] ? C_INOUT : C;
}

static struct gemm gemm_of_call(const struct call *call)
{
    struct gemm g = gemm_of(call->problem);

    g.a = call->arg[A].data;
    g.b = call->arg[B].data;
    g.c = call->arg[output_of(call->problem)].data;
    return g;
}

static int64_t count_a(const struct problem *p)
{
    return p->shape.n[M] * p->shape.n[K];
}

static int64_t count_b(const struct problem *p)
{
    return p->shape.n[K] * p->shape.n[N];
}

static int64_t count_c(const struct problem *p)
{
    return p->shape.n[BETA] ? 0 : p->shape.n[M] * p->shape.n[N];
}

static int64_t count_c_inout(const struct problem *p)
{
    return p->shape.n[BETA] ? p->shape.n[M] * p->shape.n[N] : 0;
}

static struct cost cost(const struct problem *p)
{
    struct gemm g = gemm_of(p);

    return gemm_cost(&g);
}

static int cut(const struct problem *p)
{
    return p->shape.n[TA] ? -1 : M; /* a transposed has its rows innermost */
}

/* Whole remains the smaller of both operands. */
static unsigned split(const struct problem *p)
{
    return p->shape.n[M] > p->shape.n[N] ? 1u << M : 1u << N;
}

static double length(const struct problem *p)
{
    return (double)p->shape.n[K] + (p->shape.n[BETA] != 0);
}

static void operation(const struct problem *p, struct operation *op)
{
    struct gemm g = gemm_of(p);

    gemm_operation(&g, op);
}

static bool valid(const struct problem *p, struct why *why)
{
    struct gemm g = gemm_of(p);

    return gemm_sums_fit(&g, why);
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    struct gemm g = gemm_of(p);
    int out = output_of(p);

    g.a = in[A];
    g.b = in[B];
    gemm_reference(&g, in[C_INOUT], want[out], scale[out]);
}

static bool wide_fits(const struct problem *p)
{
    return !gemm_is_narrow(p->dtype);
}

static int simd(struct call *call, struct why *why)
{
    struct gemm g = gemm_of_call(call);

    (void)why;
    gemm_simd_run(&g, call->scratch.data, call->scratch.bytes, call->threads);
    return 0;
}

static size_t simd_scratch_bytes(const struct problem *p, const struct device_facts *facts)
{
    struct gemm g = gemm_of(p);

    (void)facts;
    return gemm_scratch_bytes(&g);
}

static bool blas_fits(const struct problem *p)
{
    struct gemm g = gemm_of(p);

    return gemm_cblas_fits(&g);
}

static bool blas_gemv_fits(const struct problem *p)
{
    return p->shape.n[M] == 1 && blas_fits(p);
}

static int blas(struct call *call, struct why *why)
{
    struct gemm g = gemm_of_call(call);

    (void)why;
    gemm_cblas(call, &g, false);
    return 0;
}

static int blas_gemv(struct call *call, struct why *why)
{
    struct gemm g = gemm_of_call(call);

    (void)why;
    gemm_cblas(call, &g, true);
    return 0;
}

static bool onednn_fits(const struct problem *p)
{
    struct gemm g = gemm_of(p);

    return gemm_onednn_fits(&g);
}

static int onednn_prepare(struct call *call, struct why *why)
{
    struct gemm g = gemm_of_call(call);

    return gemm_onednn_prepare(call, &g, false, why);
}

static int onednn_pack_prepare(struct call *call, struct why *why)
{
    struct gemm g = gemm_of_call(call);

    return gemm_onednn_prepare(call, &g, true, why);
}

static int clblast(struct call *call, struct why *why)
{
    struct gemm g = gemm_of(call->problem);

    return gemm_clblast(call, &g, A, B, output_of(call->problem), why);
}

static int cublaslt(struct call *call, struct why *why)
{
    struct gemm g = gemm_of(call->problem);

    return gemm_cublaslt(call, &g, A, B, output_of(call->problem), why);
}

static bool clblast_fits(const struct problem *p)
{
    return p->dtype != DTYPE_BF16 && wide_fits(p);
}

static int tiled(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    struct gemm g = gemm_of(p);

    return gemm_steps_tiled(&g, facts, A, B, output_of(p), step);
}

/* One row of op(a) is the same array however a is stored. */
static bool skinny_fits(const struct problem *p)
{
    return wide_fits(p) && (p->shape.n[M] == 1 || (p->shape.n[M] <= GEMM_SKINNY &&
                                                   p->shape.n[TB] && !p->shape.n[TA]));
}

static int skinny(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    struct gemm g = gemm_of(p);

    (void)facts;
    return g.tb ? gemm_steps_skinny(&g, A, B, output_of(p), step)
                : gemm_steps_columns(&g, A, B, output_of(p), step);
}

static bool tensor_fits(const struct problem *p)
{
    struct gemm g = gemm_of(p);

    return gemm_tensor_fits(&g);
}

static int tensor(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    struct gemm g = gemm_of(p);

    return gemm_steps_tensor(&g, facts, A, B, output_of(p), step);
}

static const char *const transposed[] = {"n", "t", NULL};

/* m n k ta tb alpha beta */
static const struct shape smoke[] = {
    {{1, 1, 1, 0, 0, 1, 0}},      {{3, 5, 18, 0, 1, 1, 0}},    {{3, 5, 18, 1, 0, 1, 0}},
    {{3, 5, 18, 1, 1, 1, 0}},     {{17, 33, 65, 0, 0, 1, 0}},  {{1, 130, 259, 0, 1, 1, 0}},
    {{3, 70, 100, 0, 1, 2, 1}},   {{68, 76, 36, 1, 0, -1, 0}}, {{6, 36, 131, 1, 1, 1, 3}},
    {{37, 101, 1030, 0, 1, 1, 0}}, {{35, 300, 270, 0, 0, 2, 1}}, {{1, 203, 77, 0, 0, 1, 0}},
    {{72, 136, 104, 0, 1, 1, 0}}, {{24, 64, 56, 1, 0, 1, 2}}, {{5, 72, 200, 0, 1, 1, 0}},
    {{20, 48, 64, 0, 1, 1, 0}},
};

/* The nine families of GPU-BLOB (github.com/UoB-HPC/GPU-BLAS-Offload-Benchmark), then a layer
 * of a language model of the 1-billion class at a growing batch. */
static const struct sweep sweeps[] = {
    {.name = "square", .mul = {1, 1, 1}, .add = {[ALPHA] = 1}},
    {.name = "m=n,m=16k", .mul = {16, 16, 1}, .add = {[ALPHA] = 1}},
    {.name = "m=n,k=32", .also = "outer", .mul = {1, 1, 0}, .add = {[K] = 32, [ALPHA] = 1}},
    {.name = "m=n,k=16m", .mul = {1, 1, 16}, .add = {[ALPHA] = 1}},
    {.name = "m=n=32,k", .mul = {0, 0, 1}, .add = {[M] = 32, [N] = 32, [ALPHA] = 1}},
    {.name = "k=n,m=16k", .also = "tall", .mul = {16, 1, 1}, .add = {[ALPHA] = 1}},
    {.name = "k=n=32,m", .also = "skinny", .mul = {1, 0, 0}, .add = {[N] = 32, [K] = 32, [ALPHA] = 1}},
    {.name = "m=k,n=16k", .also = "wide", .mul = {1, 16, 1}, .add = {[ALPHA] = 1}},
    {.name = "m=k=32,n", .mul = {0, 1, 0}, .add = {[M] = 32, [K] = 32, [ALPHA] = 1}},
    {.name = "decode-batch", .mul = {1, 0, 0},
     .add = {[N] = 8192, [K] = 2048, [TB] = 1, [ALPHA] = 1}},
    {0},
};

#define BLAS(id, name_, provider_)                                                     \
    {.name = name_, .on = DEVICE_CPU, .provider = provider_, .data = &cblas[id],       \
     .available = cblas_available, .fits = blas_fits, .run = blas}
#define BLAS_GEMV(id, name_, provider_)                                                \
    {.name = name_ "-gemv", .on = DEVICE_CPU, .provider = provider_, .data = &cblas[id], \
     .available = cblas_available, .fits = blas_gemv_fits, .run = blas_gemv,           \
     .note = "m = 1 as a matrix-vector product"}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .fits = wide_fits, .run = simd,
     .scratch_bytes = simd_scratch_bytes},
    BLAS(CBLAS_OPENBLAS, "openblas", "OpenBLAS"),
    BLAS_GEMV(CBLAS_OPENBLAS, "openblas", "OpenBLAS"),
    BLAS(CBLAS_BLIS, "blis", "BLIS"),
    BLAS(CBLAS_MKL, "mkl", "MKL"),
    BLAS_GEMV(CBLAS_MKL, "mkl", "MKL"),
    BLAS(CBLAS_AOCL, "aocl", "AOCL-BLAS"),
    BLAS_GEMV(CBLAS_AOCL, "aocl", "AOCL-BLAS"),
    {.name = "onednn", .on = DEVICE_CPU, .provider = "oneDNN", .fits = onednn_fits,
     .available = onednn_available,
     .prepare = onednn_prepare, .run = onednn_call_run, .release = onednn_call_release,
     .note = "the primitive is made outside the timed region"},
    {.name = "onednn-packed", .on = DEVICE_CPU, .provider = "oneDNN", .fits = onednn_fits,
     .available = onednn_available, .prepare = onednn_pack_prepare, .run = onednn_call_run,
     .release = onednn_call_release, .note = "weights packed outside the timed region"},
    {.name = "tiled", .on = DEVICE_OPENCL, .fits = wide_fits, .steps = tiled},
    {.name = "skinny", .on = DEVICE_OPENCL, .fits = skinny_fits, .steps = skinny},
    {.name = "tensor", .on = DEVICE_CUDA, .fits = tensor_fits, .steps = tensor,
     .note = "on tensor cores, sums in f32"},
    {.name = "clblast", .on = DEVICE_OPENCL, .provider = "CLBlast",
     .available = clblast_available, .fits = clblast_fits, .prepare = clblast, .run = clblast,
     .note = "its kernels are compiled by a first call outside the timed region"},
    GEMM_CUBLASLT(cublaslt),
    {0},
};

const struct workload workload_gemm = {
    .name = "gemm",
    .brief = "matrix product c = alpha op(a) op(b) + beta c",
    .dtypes = 1u << DTYPE_F32 | 1u << DTYPE_F64 | 1u << DTYPE_F16 | 1u << DTYPE_BF16 |
              1u << DTYPE_I8 | 1u << DTYPE_E4M3,
    .axis = {{"m", "rows of c (tokens)", NULL, AXIS_REQUIRED, 1},
             {"n", "columns of c (output features)", NULL, AXIS_REQUIRED, 1},
             {"k", "terms of each sum (input features)", NULL, AXIS_REQUIRED, 1},
             {"ta", "n: a is [m,k], t: [k,m]", transposed, 0, 0},
             {"tb", "n: b is [k,n], t: [n,k]", transposed, 0, 0},
             {"alpha", "factor of the product", NULL, 1, -1000},
             {"beta", "factor of c as it was", NULL, 0, -1000}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "a", .type = DTYPE_SAME, .flow = FLOW_IN, .count = count_a},
             {.name = "b", .type = DTYPE_SAME, .flow = FLOW_IN, .trait = ARG_STATIONARY,
              .count = count_b},
             {.name = "c", .type = DTYPE_PRODUCT, .flow = FLOW_OUT, .count = count_c},
             {.name = "c_inout", .type = DTYPE_PRODUCT, .flow = FLOW_INOUT,
              .count = count_c_inout}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .operation = operation,
    .valid = valid,
    .cut = cut,
    .split = split,
};
