/* SPDX-License-Identifier: MIT */
/* Matrix-vector product: y = alpha * op(a) * x + beta * y, a stored [m,n]. It is computed as a
 * matrix product with one row, x, and with a in the place of b: [n,k] without the transpose,
 * [k,n] with it. The output is one of two arguments: `y` is only written (beta = 0), `y_inout`
 * is read too. */
#include "workloads/cblas.h"
#include "workloads/clblast.h"
#include "workloads/cublaslt.h"
#include "workloads/dnnl.h"
#include "workloads/gemm/gemm.h"

enum { M, N, TA, ALPHA, BETA };
enum { A, X, Y, Y_INOUT };

static struct gemm gemm_of(const struct problem *p)
{
    const int64_t *n = p->shape.n;

    return (struct gemm){.dtype = p->dtype, .batch = 1, .m = 1, .n = n[TA] ? n[N] : n[M],
                         .k = n[TA] ? n[M] : n[N], .tb = !n[TA], .alpha = (double)n[ALPHA],
                         .beta = (double)n[BETA]};
}

static int output_of(const struct problem *p)
{
    return p->shape.n[BETA] ? Y_INOUT : Y;
}

static struct gemm gemm_of_call(const struct call *call)
{
    struct gemm g = gemm_of(call->problem);

    g.a = call->arg[X].data;
    g.b = call->arg[A].data;
    g.c = call->arg[output_of(call->problem)].data;
    return g;
}

static int64_t count_a(const struct problem *p)
{
    return p->shape.n[M] * p->shape.n[N];
}

static int64_t count_x(const struct problem *p)
{
    return p->shape.n[p->shape.n[TA] ? M : N];
}

static int64_t count_output(const struct problem *p)
{
    return p->shape.n[p->shape.n[TA] ? N : M];
}

static int64_t count_y(const struct problem *p)
{
    return p->shape.n[BETA] ? 0 : count_output(p);
}

static int64_t count_y_inout(const struct problem *p)
{
    return p->shape.n[BETA] ? count_output(p) : 0;
}

static struct cost cost(const struct problem *p)
{
    struct gemm g = gemm_of(p);

    return gemm_cost(&g);
}

static int cut(const struct problem *p)
{
    return p->shape.n[TA] ? -1 : M; /* transposed, the rows are summed over */
}

static unsigned split(const struct problem *p)
{
    return p->shape.n[TA] ? 1u << N : 1u << M;
}

static double length(const struct problem *p)
{
    return (double)count_x(p) + (p->shape.n[BETA] != 0);
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

static bool wide_fits(const struct problem *p)
{
    return !gemm_is_narrow(p->dtype);
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    struct gemm g = gemm_of(p);
    int out = output_of(p);

    g.a = in[X];
    g.b = in[A];
    gemm_reference(&g, in[Y_INOUT], want[out], scale[out]);
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

static int blas(struct call *call, struct why *why)
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
    const int64_t *n = call->problem->shape.n;
    const struct clblast_gemv product = {
        .rows = n[M], .cols = n[N], .ta = n[TA], .alpha = (double)n[ALPHA],
        .beta = (double)n[BETA], .a = A, .x = X, .y = output_of(call->problem)};

    return clblast_gemv(call, &product, why);
}

static int cublaslt(struct call *call, struct why *why)
{
    struct gemm g = gemm_of(call->problem);

    return gemm_cublaslt(call, &g, X, A, output_of(call->problem), why);
}

static bool clblast_fits(const struct problem *p)
{
    return p->dtype != DTYPE_BF16 && wide_fits(p);
}

static int steps(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    struct gemm g = gemm_of(p);

    (void)facts;
    return g.tb ? gemm_steps_skinny(&g, X, A, output_of(p), step)
                : gemm_steps_columns(&g, X, A, output_of(p), step);
}

static const char *const transposed[] = {"n", "t", NULL};

/* m n ta alpha beta */
static const struct shape smoke[] = {
    {{1, 1, 0, 1, 0}}, {{33, 65, 0, 1, 0}}, {{77, 130, 1, 1, 0}},
    {{130, 1028, 0, 2, 1}}, {{515, 36, 1, -1, 3}}, {{48, 80, 0, 1, 0}},
};

static const struct sweep sweeps[] = {
    {.name = "square", .mul = {1, 1}, .add = {[ALPHA] = 1}},
    {.name = "square-transposed", .mul = {1, 1}, .add = {[TA] = 1, [ALPHA] = 1}},
    {.name = "m=16n", .also = "tall", .mul = {16, 1}, .add = {[ALPHA] = 1}},
    {.name = "n=16m", .also = "wide", .mul = {1, 16}, .add = {[ALPHA] = 1}},
    {.name = "n=32", .also = "skinny", .mul = {1, 0}, .add = {[N] = 32, [ALPHA] = 1}},
    {.name = "m=32", .mul = {0, 1}, .add = {[M] = 32, [ALPHA] = 1}},
    {0},
};

#define BLAS(id, name_, provider_)                                                     \
    {.name = name_, .on = DEVICE_CPU, .provider = provider_, .data = &cblas[id],       \
     .available = cblas_available, .fits = blas_fits, .run = blas}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .fits = wide_fits, .run = simd,
     .scratch_bytes = simd_scratch_bytes},
    BLAS(CBLAS_OPENBLAS, "openblas", "OpenBLAS"),
    BLAS(CBLAS_BLIS, "blis", "BLIS"),
    BLAS(CBLAS_MKL, "mkl", "MKL"),
    BLAS(CBLAS_AOCL, "aocl", "AOCL-BLAS"),
    {.name = "onednn", .on = DEVICE_CPU, .provider = "oneDNN", .fits = onednn_fits,
     .available = onednn_available, .prepare = onednn_prepare, .run = onednn_call_run,
     .release = onednn_call_release, .note = "the primitive is made outside the timed region"},
    {.name = "onednn-packed", .on = DEVICE_CPU, .provider = "oneDNN", .fits = onednn_fits,
     .available = onednn_available, .prepare = onednn_pack_prepare, .run = onednn_call_run,
     .release = onednn_call_release, .note = "matrix packed outside the timed region"},
    {.name = "rows", .on = DEVICE_OPENCL, .fits = wide_fits, .steps = steps},
    {.name = "clblast", .on = DEVICE_OPENCL, .provider = "CLBlast",
     .available = clblast_available, .fits = clblast_fits, .prepare = clblast, .run = clblast,
     .note = "y is cleared first (CLBlast reads it even with beta 0); its kernels are compiled "
             "by a first call outside the timed region"},
    GEMM_CUBLASLT(cublaslt),
    {0},
};

const struct workload workload_gemv = {
    .name = "gemv",
    .brief = "matrix-vector product y = alpha op(a) x + beta y",
    .dtypes = 1u << DTYPE_F32 | 1u << DTYPE_F64 | 1u << DTYPE_F16 | 1u << DTYPE_BF16 |
              1u << DTYPE_I8 | 1u << DTYPE_E4M3,
    .axis = {{"m", "rows of a", NULL, AXIS_REQUIRED, 1},
             {"n", "columns of a", NULL, AXIS_REQUIRED, 1},
             {"ta", "n: y = a x, t: y = transposed a x", transposed, 0, 0},
             {"alpha", "factor of the product", NULL, 1, -1000},
             {"beta", "factor of y as it was", NULL, 0, -1000}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "a", .type = DTYPE_SAME, .flow = FLOW_IN, .trait = ARG_STATIONARY,
              .count = count_a},
             {.name = "x", .type = DTYPE_SAME, .flow = FLOW_IN, .count = count_x},
             {.name = "y", .type = DTYPE_PRODUCT, .flow = FLOW_OUT, .count = count_y},
             {.name = "y_inout", .type = DTYPE_PRODUCT, .flow = FLOW_INOUT,
              .count = count_y_inout}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .operation = operation,
    .valid = valid,
    .cut = cut,
    .split = split,
};
