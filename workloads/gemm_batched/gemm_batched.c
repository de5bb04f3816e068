/* SPDX-License-Identifier: MIT */
/* `batch` products of one shape, their operands one behind the other: c[i] = op(a[i]) *
 * op(b[i]). Each CBLAS library is tried both ways round: its own threads inside each product,
 * and (`-each`) one of our threads per product with the library on one thread. */
#include "workloads/cblas.h"
#include "workloads/clblast.h"
#include "workloads/cublaslt.h"
#include "workloads/dnnl.h"
#include "workloads/gemm/gemm.h"

enum { BATCH, M, N, K, TA, TB };
enum { A, B, C };

static struct gemm gemm_of(const struct problem *p)
{
    const int64_t *n = p->shape.n;

    return (struct gemm){.dtype = p->dtype, .batch = n[BATCH], .m = n[M], .n = n[N], .k = n[K],
                         .ta = n[TA], .tb = n[TB], .alpha = 1, .beta = 0};
}

static struct gemm gemm_of_call(const struct call *call)
{
    struct gemm g = gemm_of(call->problem);

    g.a = call->arg[A].data;
    g.b = call->arg[B].data;
    g.c = call->arg[C].data;
    return g;
}

static int64_t count_a(const struct problem *p)
{
    return p->shape.n[BATCH] * p->shape.n[M] * p->shape.n[K];
}

static int64_t count_b(const struct problem *p)
{
    return p->shape.n[BATCH] * p->shape.n[K] * p->shape.n[N];
}

static int64_t count_c(const struct problem *p)
{
    return p->shape.n[BATCH] * p->shape.n[M] * p->shape.n[N];
}

static struct cost cost(const struct problem *p)
{
    struct gemm g = gemm_of(p);

    return gemm_cost(&g);
}

/* A single product: whole remains the smaller of both operands. */
static unsigned split(const struct problem *p)
{
    if (p->shape.n[BATCH] > 1)
        return 1u << BATCH;
    return p->shape.n[M] > p->shape.n[N] ? 1u << M : 1u << N;
}

static double length(const struct problem *p)
{
    return (double)p->shape.n[K];
}

static void operation(const struct problem *p, struct operation *op)
{
    struct gemm g = gemm_of(p);

    op->op = "bmm";
    gemm_operation(&g, op);
}

static bool valid(const struct problem *p, struct why *why)
{
    struct gemm g = gemm_of(p);

    return gemm_sums_fit(&g, why);
}

static bool wide_fits(const struct problem *p)
{
    return !gemm_is_narrow(p->dtype);
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    struct gemm g = gemm_of(p);

    g.a = in[A];
    g.b = in[B];
    gemm_reference(&g, NULL, want[C], scale[C]);
}

static int simd(struct call *call, struct why *why)
{
    struct gemm g = gemm_of_call(call);

    (void)why;
    gemm_simd_run(&g, call->scratch.data, call->scratch.bytes, call->threads);
    return 0;
}

/* Room for every thread. */
static size_t simd_scratch_bytes(const struct problem *p, const struct device_facts *facts)
{
    struct gemm g = gemm_of(p);

    return (gemm_scratch_bytes(&g) + 64) *
           (size_t)(facts->compute_units > 0 ? facts->compute_units : 1);
}

static bool blas_fits(const struct problem *p)
{
    struct gemm g = gemm_of(p);

    return gemm_cblas_fits(&g);
}

static int blas(struct call *call, struct why *why)
{
    struct gemm g = gemm_of_call(call);

    (void)why;
    gemm_cblas(call, &g, false);
    return 0;
}

static int blas_each(struct call *call, struct why *why)
{
    struct gemm g = gemm_of_call(call);

    (void)why;
    gemm_cblas_each(call, &g);
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

static int clblast(struct call *call, struct why *why)
{
    struct gemm g = gemm_of(call->problem);

    return gemm_clblast(call, &g, A, B, C, why);
}

static int cublaslt(struct call *call, struct why *why)
{
    struct gemm g = gemm_of(call->problem);

    return gemm_cublaslt(call, &g, A, B, C, why);
}

static bool clblast_fits(const struct problem *p)
{
    return p->dtype != DTYPE_BF16 && wide_fits(p);
}

static bool tiled_fits(const struct problem *p)
{
    return p->shape.n[BATCH] <= GEMM_BATCH && wide_fits(p);
}

static int tiled(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    struct gemm g = gemm_of(p);

    return gemm_steps_tiled(&g, facts, A, B, C, step);
}

static bool tensor_fits(const struct problem *p)
{
    struct gemm g = gemm_of(p);

    return gemm_tensor_fits(&g);
}

static int tensor(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    struct gemm g = gemm_of(p);

    return gemm_steps_tensor(&g, facts, A, B, C, step);
}

static const char *const transposed[] = {"n", "t", NULL};

/* batch m n k ta tb */
static const struct shape smoke[] = {
    {{1, 1, 1, 1, 0, 0}}, {{2, 3, 5, 18, 0, 1}}, {{2, 3, 5, 18, 1, 0}}, {{3, 17, 33, 65, 0, 0}},
    {{5, 4, 67, 36, 0, 1}}, {{9, 35, 6, 40, 1, 0}}, {{3, 24, 40, 72, 0, 1}},
    {{3, 20, 48, 64, 0, 1}},
};

static const struct sweep sweeps[] = {
    {.name = "batch", .mul = {1}, .add = {0, 64, 64, 64}},
    {.name = "square", .mul = {0, 1, 1, 1}, .add = {32}},
    {.name = "scores", .mul = {0, 1, 1, 0}, .add = {32, 0, 0, 64, 0, 1}},
    {0},
};

#define BLAS(id, name_, provider_)                                                     \
    {.name = name_, .on = DEVICE_CPU, .provider = provider_, .data = &cblas[id],       \
     .available = cblas_available, .fits = blas_fits, .run = blas,                     \
     .note = "one product after the other, the library's threads inside each"},        \
    {.name = name_ "-each", .on = DEVICE_CPU, .provider = provider_,                   \
     .data = &cblas[id], .available = cblas_available, .fits = blas_fits,              \
     .run = blas_each, .note = "products shared among threads, the library on one thread each"}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .fits = wide_fits, .run = simd,
     .scratch_bytes = simd_scratch_bytes},
    BLAS(CBLAS_OPENBLAS, "openblas", "OpenBLAS"),
    BLAS(CBLAS_BLIS, "blis", "BLIS"),
    BLAS(CBLAS_MKL, "mkl", "MKL"),
    BLAS(CBLAS_AOCL, "aocl", "AOCL-BLAS"),
    {.name = "onednn", .on = DEVICE_CPU, .provider = "oneDNN", .fits = onednn_fits,
     .available = onednn_available,
     .prepare = onednn_prepare, .run = onednn_call_run, .release = onednn_call_release,
     .note = "the primitive is made outside the timed region"},
    {.name = "tiled", .on = DEVICE_OPENCL, .fits = tiled_fits, .steps = tiled},
    {.name = "tensor", .on = DEVICE_CUDA, .fits = tensor_fits, .steps = tensor,
     .note = "on tensor cores, sums in f32"},
    {.name = "clblast", .on = DEVICE_OPENCL, .provider = "CLBlast",
     .available = clblast_available, .fits = clblast_fits, .prepare = clblast, .run = clblast,
     .note = "its kernels are compiled by a first call outside the timed region"},
    GEMM_CUBLASLT(cublaslt),
    {0},
};

const struct workload workload_gemm_batched = {
    .name = "gemm_batched",
    .brief = "a batch of matrix products of one shape",
    .dtypes = 1u << DTYPE_F32 | 1u << DTYPE_F64 | 1u << DTYPE_F16 | 1u << DTYPE_BF16 |
              1u << DTYPE_I8 | 1u << DTYPE_E4M3,
    .axis = {{"batch", "products", NULL, AXIS_REQUIRED, 1},
             {"m", "rows of each c", NULL, AXIS_REQUIRED, 1},
             {"n", "columns of each c", NULL, AXIS_REQUIRED, 1},
             {"k", "terms of each sum", NULL, AXIS_REQUIRED, 1},
             {"ta", "n: each a is [m,k], t: [k,m]", transposed, 0, 0},
             {"tb", "n: each b is [k,n], t: [n,k]", transposed, 0, 0}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "a", .type = DTYPE_SAME, .flow = FLOW_IN, .count = count_a},
             {.name = "b", .type = DTYPE_SAME, .flow = FLOW_IN, .trait = ARG_STATIONARY,
              .count = count_b},
             {.name = "c", .type = DTYPE_PRODUCT, .flow = FLOW_OUT, .count = count_c}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .operation = operation,
    .valid = valid,
    .cut = workload_cut_outermost,
    .split = split,
};
