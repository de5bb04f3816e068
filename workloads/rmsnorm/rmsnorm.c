/* SPDX-License-Identifier: MIT */
/* Root-mean-square normalisation of rows (Zhang & Sennrich, arXiv 1910.07467):
 * y = x / sqrt(mean(x^2) + epsilon) * weight. Memory-bound: a row is read once from memory and
 * once more from the cache. No library here has it as one operation; `composed` is put
 * together from the fastest parts: sdot of each row with itself (oneDNN's own norm takes 500
 * times as long, its square and sum 3 times), then two broadcast products of oneDNN. */
#include <math.h>

#include "base/half.h"
#include "workloads/cblas.h"
#include "workloads/isa.h"
#include "workloads/rows.h"

ISA_DECLARE(const struct rows_simd, rmsnorm_simd);

enum { X, WEIGHT, Y };

/* square, add, two products */
static struct cost cost(const struct problem *p)
{
    return rows_cost(p, 4, 1, 1, 1);
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

static int composed_available(const struct variant *v, struct why *why)
{
    int status = cblas_available(v, why);

    return status ? status : onednn_available(v, why);
}

/* In 16 bits BLAS has no sdot, and the first product would round once more. */
static size_t composed_bytes(const struct problem *p, const struct device_facts *facts)
{
    (void)facts;
    return (size_t)p->shape.n[ROWS] * sizeof(float); /* one factor a row */
}

static int composed_prepare(struct call *call, struct why *why)
{
    int64_t rows = call->problem->shape.n[ROWS], cols = call->problem->shape.n[COLS];
    struct onednn_tensor x = rows_tensor(call->problem, rows, cols),
                         factor = rows_tensor(call->problem, rows, 1),
                         weight = rows_tensor(call->problem, 1, cols);
    const void *const y = call->arg[Y].data;
    const void *const first[] = {call->arg[X].data, call->scratch.data, y};
    const void *const second[] = {y, call->arg[WEIGHT].data, y};
    struct onednn *times_factor, *times_weight;
    int status = onednn_binary(&times_factor, ONEDNN_MUL, &x, &factor, &x, call->threads, why);

    call->self = times_factor;
    if (status || (status = onednn_bind(times_factor, first, why)) ||
        (status = onednn_binary(&times_weight, ONEDNN_MUL, &x, &weight, &x, call->threads, why)))
        return status;
    onednn_then(times_factor, times_weight);
    return onednn_bind(times_weight, second, why);
}

static int composed_run(struct call *call, struct why *why)
{
    const struct cblas *library = cblas_use(call->variant->data, 1);
    int64_t rows = call->problem->shape.n[ROWS], cols = call->problem->shape.n[COLS];
    float *factor = call->scratch.data;

#pragma omp parallel for num_threads(call->threads) schedule(static)
    for (int64_t r = 0; r < rows; r++) {
        const float *x = (const float *)call->arg[X].data + r * cols;
        float squares = library->sdot((int)cols, x, 1, x, 1);

        factor[r] = 1 / sqrtf(squares / (float)cols + (float)ROWS_EPSILON);
    }
    return onednn_call_run(call, why);
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
    {.name = "composed", .on = DEVICE_CPU, .provider = "OpenBLAS and oneDNN",
     .note = "sdot of each row, then two broadcast products of oneDNN",
     .data = &cblas[CBLAS_OPENBLAS], .available = composed_available, .fits = workload_fits_f32,
     .scratch_bytes = composed_bytes, .prepare = composed_prepare, .run = composed_run,
     .release = onednn_call_release},
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
    .operation = rows_operation,
    .cut = workload_cut_outermost,
};
