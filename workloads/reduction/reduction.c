/* SPDX-License-Identifier: MIT */
/* One array (two for dot) to one element. Bound by reading: every byte once. */
#include <limits.h>
#include <math.h>
#include <stdio.h>

#include "base/half.h"
#include "workloads/cblas.h"
#include "workloads/clblast.h"
#include "workloads/dnnl.h"
#include "workloads/isa.h"
#include "workloads/reduction/reduction.h"
#include "workloads/workload.h"

ISA_DECLARE(const struct reduction_simd, reduction_simd);

enum { OP, N };
enum { X, Y, OUT, INDEX };
enum { GROUP = 256 };

static const char *const ops[] = {"sum", "dot", "max", "argmax", "norm2", NULL};

static bool is_op(const struct problem *p, enum reduction_op op)
{
    return p->shape.n[OP] == op;
}

static int64_t elements(const struct problem *p)
{
    return p->shape.n[N];
}

static int64_t elements_y(const struct problem *p)
{
    return is_op(p, REDUCTION_DOT) ? p->shape.n[N] : 0;
}

static int64_t one_value(const struct problem *p)
{
    return is_op(p, REDUCTION_ARGMAX) ? 0 : 1;
}

static int64_t one_index(const struct problem *p)
{
    return is_op(p, REDUCTION_ARGMAX) ? 1 : 0;
}

static bool valid(const struct problem *p, struct why *why)
{
    if (is_op(p, REDUCTION_ARGMAX) && p->shape.n[N] > INT32_MAX)
        why_fail(why, STATUS_INVALID, "reduction: an index of argmax has 32 bits, n is %lld",
                 (long long)p->shape.n[N]);
    return !is_op(p, REDUCTION_ARGMAX) || p->shape.n[N] <= INT32_MAX;
}

/* sum: n additions; dot and norm2: n multiplications too; max, argmax: n comparisons. */
static struct cost cost(const struct problem *p)
{
    double n = (double)p->shape.n[N], bytes = (double)dtype_bytes(p->dtype);
    bool is_product = is_op(p, REDUCTION_DOT) || is_op(p, REDUCTION_NORM2);

    return (struct cost){.flops = is_product ? 2 * n : n,
                         .bytes_read = n * bytes * (is_op(p, REDUCTION_DOT) ? 2 : 1),
                         .bytes_written = is_op(p, REDUCTION_ARGMAX) ? 4 : bytes};
}

/* Two parts of a reduction are reduced once more. */
static unsigned split(const struct problem *p)
{
    (void)p;
    return 1u << N;
}

static double length(const struct problem *p)
{
    return is_op(p, REDUCTION_MAX) || is_op(p, REDUCTION_ARGMAX) ? 0 : (double)p->shape.n[N];
}

static void operation(const struct problem *p, struct operation *op)
{
    op->op = ops[p->shape.n[OP]];
    op->rows = 1;
    op->cols = p->shape.n[N];
}

/* The sum over one array of f(x, y); *scale gets the sum of the magnitudes. */
static double reference_sum(const struct problem *p, const void *const *in, double *scale)
{
    double sum = 0, magnitude = 0;

#pragma omp parallel for reduction(+ : sum, magnitude)
    for (int64_t i = 0; i < p->shape.n[N]; i++) {
        double x = element_get(p->dtype, in[X], i);
        double term = is_op(p, REDUCTION_DOT)     ? x * element_get(p->dtype, in[Y], i)
                      : is_op(p, REDUCTION_NORM2) ? x * x
                                                  : x;

        sum += term;
        magnitude += fabs(term);
    }
    *scale = magnitude;
    return sum;
}

static int64_t reference_top(const struct problem *p, const void *x)
{
    int64_t at = 0;
    double top = element_get(p->dtype, x, 0);

    for (int64_t i = 1; i < p->shape.n[N]; i++) {
        double value = element_get(p->dtype, x, i);

        if (value > top) {
            top = value;
            at = i;
        }
    }
    return at;
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    if (is_op(p, REDUCTION_ARGMAX)) {
        want[INDEX][0] = (double)reference_top(p, in[X]);
        scale[INDEX][0] = 0;
    } else if (is_op(p, REDUCTION_MAX)) {
        want[OUT][0] = element_get(p->dtype, in[X], reference_top(p, in[X]));
        scale[OUT][0] = 0;
    } else {
        want[OUT][0] = reference_sum(p, in, &scale[OUT][0]);
        if (is_op(p, REDUCTION_NORM2)) /* the root halves the relative error */
            scale[OUT][0] = want[OUT][0] = sqrt(want[OUT][0]);
    }
}

static int simd(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    const struct buffer *arg = call->arg;
    struct reduction r = ISA_PICK(reduction_simd)->op[p->shape.n[OP]][p->dtype](
        arg[X].data, arg[Y].data, p->shape.n[N], call->threads);

    (void)why;
    if (is_op(p, REDUCTION_ARGMAX))
        *(int32_t *)arg[INDEX].data = (int32_t)r.at;
    else
        element_set(p->dtype, arg[OUT].data, 0,
                    is_op(p, REDUCTION_NORM2) ? sqrt(r.value) : r.value);
    return 0;
}

/* ---- CPU libraries: only where the operation is the same ------------------------------- */

static bool blas_fits(const struct problem *p)
{
    return (p->dtype == DTYPE_F32 || p->dtype == DTYPE_F64) && p->shape.n[N] <= INT_MAX &&
           (is_op(p, REDUCTION_DOT) || is_op(p, REDUCTION_NORM2));
}

static int blas(struct call *call, struct why *why)
{
    const struct cblas *b = cblas_use(call->variant->data, call->threads);
    const struct buffer *arg = call->arg;
    int n = (int)call->problem->shape.n[N];
    bool is_dot = is_op(call->problem, REDUCTION_DOT);

    (void)why;
    if (call->problem->dtype == DTYPE_F64)
        *(double *)arg[OUT].data = is_dot ? b->ddot(n, arg[X].data, 1, arg[Y].data, 1)
                                          : b->dnrm2(n, arg[X].data, 1);
    else
        *(float *)arg[OUT].data = is_dot ? b->sdot(n, arg[X].data, 1, arg[Y].data, 1)
                                         : b->snrm2(n, arg[X].data, 1);
    return 0;
}

/* One element leaves oneDNN nothing to reduce: it refuses. */
static bool onednn_fits(const struct problem *p)
{
    return (p->dtype == DTYPE_F32 || p->dtype == DTYPE_BF16) && p->shape.n[N] > 1 &&
           (is_op(p, REDUCTION_SUM) || is_op(p, REDUCTION_MAX));
}

static int onednn_prepare(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    struct onednn_tensor x = {.dtype = p->dtype, .rank = 2, .n = {1, p->shape.n[N]}};
    struct onednn_tensor out = {.dtype = p->dtype, .rank = 2, .n = {1, 1}};
    const void *const data[] = {call->arg[X].data, call->arg[OUT].data};
    enum onednn_reduction op = is_op(p, REDUCTION_SUM) ? ONEDNN_SUM : ONEDNN_MAX;
    struct onednn *self;
    int status = onednn_reduce(&self, op, &x, &out, call->threads, why);

    call->self = self;
    return status ? status : onednn_bind(self, data, why);
}

/* ---- devices -------------------------------------------------------------------------- */

/* Enough work-groups to fill the device and no more than there is work for: on a GPU 8 of
 * 256 work-items fill a multiprocessor's 2048 places; a host processor has no use for more
 * than a few a core. */
static int64_t groups(const struct problem *p, const struct device_facts *facts)
{
    int64_t units = facts->compute_units > 0 ? facts->compute_units : 1;
    int64_t most = units * (facts->is_host_processor ? 4 : 8);
    int64_t useful = p->shape.n[N] / (16 * GROUP); /* four fours a work-item */

    return useful < 1 ? 1 : useful < most ? useful : most;
}

static size_t scratch_bytes(const struct problem *p, const struct device_facts *facts)
{
    return (size_t)groups(p, facts) * (sizeof(double) + sizeof(int32_t));
}

/* Both of our sources have two kernels with the same arguments. */
static int stages(const struct problem *p, const struct device_facts *facts, struct step *step,
                  const char *const kernel[2])
{
    static const char *const define[] = {"SUM", "DOT", "MAX", "ARGMAX", "NORM2"};
    int64_t parts = groups(p, facts);

    for (int s = 0; s < 2; s++) {
        step[s] = (struct step){.kernel = kernel[s],
                                .groups = {s == 0 ? parts : 1, 1, 1},
                                .group = {GROUP, 1, 1}};
        snprintf(step[s].defines, sizeof step[s].defines, "-DOP_%s -DGROUP=%d",
                 define[p->shape.n[OP]], GROUP);
    }
    step_buffer(&step[0], X);
    step_buffer(&step[0], is_op(p, REDUCTION_DOT) ? Y : X);
    step_scratch(&step[0]);
    step_long(&step[0], p->shape.n[N]);
    step_scratch(&step[1]);
    step_buffer(&step[1], is_op(p, REDUCTION_ARGMAX) ? INDEX : OUT);
    step_int(&step[1], parts);
    return 2;
}

static int steps(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    static const char *const kernel[] = {"reduce_parts", "reduce_finish"};

    return stages(p, facts, step, kernel);
}

static int shuffle(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    static const char *const kernel[] = {"shuffle_parts", "shuffle_finish"};

    return stages(p, facts, step, kernel);
}

static bool clblast_fits(const struct problem *p)
{
    return (p->dtype == DTYPE_F32 || p->dtype == DTYPE_F64) &&
           (is_op(p, REDUCTION_SUM) || is_op(p, REDUCTION_DOT) || is_op(p, REDUCTION_NORM2));
}

static int clblast(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    enum clblast_reduction what = is_op(p, REDUCTION_SUM)   ? CLBLAST_SUM
                                  : is_op(p, REDUCTION_DOT) ? CLBLAST_DOT
                                                            : CLBLAST_NRM2;

    return clblast_reduce(call, what, p->shape.n[N], X, Y, OUT, why);
}

/* ---- the description ------------------------------------------------------------------ */

static const struct shape smoke[] = {
    {{REDUCTION_SUM, 1}},      {{REDUCTION_SUM, 9001}},    {{REDUCTION_SUM, 70003}},
    {{REDUCTION_DOT, 7}},      {{REDUCTION_DOT, 9003}},    {{REDUCTION_DOT, 40001}},
    {{REDUCTION_MAX, 3}},      {{REDUCTION_MAX, 9002}},    {{REDUCTION_MAX, 66000}},
    {{REDUCTION_ARGMAX, 5}},   {{REDUCTION_ARGMAX, 9005}}, {{REDUCTION_ARGMAX, 90007}},
    {{REDUCTION_NORM2, 1030}}, {{REDUCTION_NORM2, 9004}},  {{REDUCTION_NORM2, 50000}},
};

static const struct sweep sweeps[] = {
    {.name = "sum", .mul = {0, 1}, .add = {REDUCTION_SUM, 0}},
    {.name = "dot", .mul = {0, 1}, .add = {REDUCTION_DOT, 0}},
    {.name = "max", .mul = {0, 1}, .add = {REDUCTION_MAX, 0}},
    {.name = "argmax", .mul = {0, 1}, .add = {REDUCTION_ARGMAX, 0}},
    {.name = "norm2", .mul = {0, 1}, .add = {REDUCTION_NORM2, 0}},
    {0},
};

#define BLAS(row, library, label)                                                      \
    {.name = row, .on = DEVICE_CPU, .provider = label, .data = &cblas[library],        \
     .available = cblas_available, .fits = blas_fits, .run = blas}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .run = simd,
     .note = "partial results of blocks are added up in double; norm2 does not scale its "
             "squares against overflow"},
    BLAS("openblas", CBLAS_OPENBLAS, "OpenBLAS"),
    BLAS("blis", CBLAS_BLIS, "BLIS"),
    BLAS("mkl", CBLAS_MKL, "MKL"),
    BLAS("aocl", CBLAS_AOCL, "AOCL"),
    {.name = "onednn", .on = DEVICE_CPU, .provider = "oneDNN", .available = onednn_available,
     .fits = onednn_fits, .prepare = onednn_prepare, .run = onednn_call_run,
     .release = onednn_call_release, .note = "the primitive is made outside the timed region"},
    {.name = "two-stage", .on = DEVICE_OPENCL, .steps = steps, .scratch_bytes = scratch_bytes},
    {.name = "shuffle", .on = DEVICE_CUDA, .steps = shuffle, .scratch_bytes = scratch_bytes},
    {.name = "clblast", .on = DEVICE_OPENCL, .provider = "CLBlast",
     .available = clblast_available, .fits = clblast_fits, .prepare = clblast, .run = clblast,
     .note = "its kernels are compiled by a first call outside the timed region"},
    {0},
};

const struct workload workload_reduction = {
    .name = "reduction",
    .brief = "one array to one element: sum, dot, max, argmax, norm2",
    .dtypes = 1u << DTYPE_F32 | 1u << DTYPE_F64 | 1u << DTYPE_F16 | 1u << DTYPE_BF16,
    .axis = {{"op", "what is computed", ops, AXIS_REQUIRED, 0},
             {"n", "elements", NULL, AXIS_REQUIRED, 1}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "x", .type = DTYPE_SAME, .flow = FLOW_IN, .count = elements},
             {.name = "y", .type = DTYPE_SAME, .flow = FLOW_IN, .count = elements_y},
             {.name = "out", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = one_value},
             {.name = "index", .type = DTYPE_I32, .flow = FLOW_OUT, .count = one_index}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .valid = valid,
    .operation = operation,
    .split = split,
};
