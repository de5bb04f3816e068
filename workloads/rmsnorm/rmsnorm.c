/* SPDX-License-Identifier: MIT */
/* Root-mean-square normalisation of rows (Zhang & Sennrich, arXiv 1910.07467):
 * y = x / sqrt(mean(x^2) + epsilon) * weight. Memory-bound: a row is read once from memory and
 * once more from the cache. No library here has it as one operation; `composed` is the best
 * that can be put together from oneDNN's: norm of the rows, two broadcast products. */
#include <math.h>
#include <stdlib.h>

#include "base/half.h"
#include "workloads/isa.h"
#include "workloads/rows.h"

ISA_DECLARE(const struct rows_simd, rmsnorm_simd);

enum { X, WEIGHT, Y };

/* square, add, two products */
static struct cost cost(const struct problem *p)
{
    return rows_cost(p, 4, 1, 1, 1);
}

static void operation(const struct problem *p, struct operation *op)
{
    op->op = "rmsnorm";
    rows_operation(p, op);
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    int64_t rows = p->shape.n[ROWS], cols = p->shape.n[COLS];

#pragma omp parallel for
    for (int64_t r = 0; r < rows; r++) {
        double *y = want[Y] + r * cols, squares = 0, factor;

        for (int64_t c = 0; c < cols; c++) {
            y[c] = element_get(p->dtype, in[X], r * cols + c);
            squares += y[c] * y[c];
        }
        factor = 1 / sqrt(squares / (double)cols + ROWS_EPSILON);
        for (int64_t c = 0; c < cols; c++) {
            y[c] *= factor * element_get(p->dtype, in[WEIGHT], c);
            scale[Y][r * cols + c] = fabs(y[c]);
        }
    }
}

static int simd(struct call *call, struct why *why)
{
    (void)why;
    return rows_run(call, ISA_PICK(rmsnorm_simd), Y);
}

struct composed {
    struct onednn *norm, *times_factor, *times_weight;
};

/* oneDNN reduces no axis of length 1; in 16 bits the first product would round once more. */
static bool composes(const struct problem *p)
{
    return p->dtype == DTYPE_F32 && p->shape.n[COLS] > 1;
}

/* One norm, then factor, a row. */
static size_t composed_bytes(const struct problem *p, const struct device_facts *facts)
{
    (void)facts;
    return (size_t)p->shape.n[ROWS] * sizeof(float);
}

static void composed_release(struct call *call)
{
    struct composed *c = call->self;

    if (!c)
        return;
    onednn_free(c->norm);
    onednn_free(c->times_factor);
    onednn_free(c->times_weight);
    free(c);
    call->self = NULL;
}

static int composed_prepare(struct call *call, struct why *why)
{
    int64_t rows = call->problem->shape.n[ROWS], cols = call->problem->shape.n[COLS];
    struct onednn_tensor x = rows_tensor(call->problem, rows, cols),
                         factor = rows_tensor(call->problem, rows, 1),
                         weight = rows_tensor(call->problem, 1, cols);
    const void *const in = call->arg[X].data, *const y = call->arg[Y].data;
    struct composed *c = call->self = calloc(1, sizeof *c);
    int status;

    if (!c)
        return why_fail(why, STATUS_MEMORY, "cannot compose rmsnorm: out of memory");
    if ((status = onednn_reduce(&c->norm, ONEDNN_NORM2, &x, &factor, call->threads, why)) ||
        (status = onednn_binary(&c->times_factor, ONEDNN_MUL, &x, &factor, &x, call->threads,
                                why)) ||
        (status = onednn_binary(&c->times_weight, ONEDNN_MUL, &x, &weight, &x, call->threads,
                                why)) ||
        (status = onednn_bind(c->norm, 0, in, why)) ||
        (status = onednn_bind(c->norm, 1, call->scratch.data, why)) ||
        (status = onednn_bind(c->times_factor, 0, in, why)) ||
        (status = onednn_bind(c->times_factor, 1, call->scratch.data, why)) ||
        (status = onednn_bind(c->times_factor, 2, y, why)) ||
        (status = onednn_bind(c->times_weight, 0, y, why)) ||
        (status = onednn_bind(c->times_weight, 1, call->arg[WEIGHT].data, why)))
        return status;
    return onednn_bind(c->times_weight, 2, y, why);
}

static int composed_run(struct call *call, struct why *why)
{
    int64_t rows = call->problem->shape.n[ROWS], cols = call->problem->shape.n[COLS];
    const struct composed *c = call->self;
    float *factor = call->scratch.data;
    int status = onednn_run(c->norm, call->threads, why);

    for (int64_t r = 0; r < rows; r++)
        factor[r] = 1 / sqrtf(factor[r] * factor[r] / (float)cols + (float)ROWS_EPSILON);
    if (!status)
        status = onednn_run(c->times_factor, call->threads, why);
    return status ? status : onednn_run(c->times_weight, call->threads, why);
}

static int steps(const struct problem *p, const struct device_facts *facts,
                 struct step *step)
{
    rows_step_by_row(step, "rmsnorm_rows", p->shape.n[ROWS], p->shape.n[COLS], facts);
    step_buffer(step, X);
    step_buffer(step, WEIGHT);
    step_buffer(step, Y);
    step_int(step, p->shape.n[COLS]);
    step_float(step, ROWS_EPSILON);
    return 1;
}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .run = simd},
    {.name = "composed", .on = DEVICE_CPU, .provider = "oneDNN", .available = onednn_available,
     .note = "norm of the rows and two broadcast products: three primitives of oneDNN",
     .fits = composes, .scratch_bytes = composed_bytes, .prepare = composed_prepare,
     .run = composed_run, .release = composed_release},
    {.name = "rows", .on = DEVICE_OPENCL, .steps = steps},
    {0},
};

const struct workload workload_rmsnorm = {
    .name = "rmsnorm",
    .brief = "root-mean-square normalisation of the rows of a matrix",
    .dtypes = ROWS_DTYPES,
    .axis = {ROWS_AXES},
    .smoke = rows_smoke,
    .smokes = ROWS_SMOKES,
    .sweeps = rows_sweeps,
    .args = {{.name = "x", .type = DTYPE_SAME, .flow = FLOW_IN, .count = rows_elements},
             {.name = "weight", .type = DTYPE_SAME, .flow = FLOW_IN, .trait = ARG_STATIONARY,
              .count = rows_cols},
             {.name = "y", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = rows_elements}},
    .variants = variants,
    .cost = cost,
    .length = rows_length,
    .operation = operation,
};
