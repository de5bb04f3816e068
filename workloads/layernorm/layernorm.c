/* SPDX-License-Identifier: MIT */
/* Layer normalisation of rows (Ba, Kiros & Hinton, arXiv 1607.06450):
 * y = (x - mean) / sqrt(variance + epsilon) * weight + bias, with the variance of the whole
 * row (divided by cols). Memory-bound: a row is read once from memory. */
#include <math.h>

#include "base/half.h"
#include "workloads/isa.h"
#include "workloads/rows.h"

ISA_DECLARE(const struct rows_simd, layernorm_simd);

enum { X, WEIGHT, BIAS, Y };

/* add; subtract, square, add; subtract, two products, add */
static struct cost cost(const struct problem *p)
{
    return rows_cost(p, 8, 1, 2, 1);
}

/* Scale: what rounding the mean and the difference from it can do, |x| + mean |x|, goes
 * through the same factors as the difference itself. */
static void row(const struct problem *p, const void *const *in, int64_t r, double *y,
                double *scale)
{
    int64_t cols = p->shape.n[COLS];
    double sum = 0, magnitudes = 0, squares = 0, mean, factor;

    for (int64_t c = 0; c < cols; c++) {
        y[c] = element_get(p->dtype, in[X], r * cols + c);
        sum += y[c];
        magnitudes += fabs(y[c]);
    }
    mean = sum / (double)cols;
    for (int64_t c = 0; c < cols; c++)
        squares += (y[c] - mean) * (y[c] - mean);
    factor = 1 / sqrt(squares / (double)cols + ROWS_EPSILON);
    for (int64_t c = 0; c < cols; c++) {
        double weight = element_get(p->dtype, in[WEIGHT], c);
        double bias = element_get(p->dtype, in[BIAS], c);

        scale[c] = (fabs(y[c]) + magnitudes / (double)cols) * factor * fabs(weight) + fabs(bias);
        y[c] = (y[c] - mean) * factor * weight + bias;
    }
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    int64_t cols = p->shape.n[COLS];

#pragma omp parallel for
    for (int64_t r = 0; r < p->shape.n[ROWS]; r++)
        row(p, in, r, want[Y] + r * cols, scale[Y] + r * cols);
}

static int simd(struct call *call, struct why *why)
{
    (void)why;
    return rows_run(call, ISA_PICK(layernorm_simd), Y);
}

/* oneDNN takes weight and bias in f32 whatever the dtype of x. */
static size_t onednn_bytes(const struct problem *p, const struct device_facts *facts)
{
    (void)facts;
    return 2 * (size_t)p->shape.n[COLS] * sizeof(float);
}

static int onednn_prepare(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    int64_t cols = p->shape.n[COLS];
    struct onednn_tensor x = rows_tensor(p, p->shape.n[ROWS], cols);
    float *weight = call->scratch.data, *bias = weight + cols;
    const void *const data[] = {call->arg[X].data, weight, bias, call->arg[Y].data};
    struct onednn *self;
    int status = onednn_layernorm(&self, &x, &x, ROWS_EPSILON, call->threads, why);

    call->self = self;
    for (int64_t c = 0; c < cols; c++) {
        weight[c] = (float)element_get(p->dtype, call->arg[WEIGHT].data, c);
        bias[c] = (float)element_get(p->dtype, call->arg[BIAS].data, c);
    }
    return status ? status : onednn_bind(self, data, why);
}

static int steps(const struct problem *p, const struct device_facts *facts,
                 struct step *step)
{
    rows_step_by_row(step, "layernorm_rows", p->shape.n[ROWS], p->shape.n[COLS], facts);
    step_buffer(step, X);
    step_buffer(step, WEIGHT);
    step_buffer(step, BIAS);
    step_buffer(step, Y);
    step_int(step, p->shape.n[COLS]);
    step_float(step, ROWS_EPSILON);
    return 1;
}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .run = simd},
    {.name = "onednn", .on = DEVICE_CPU, .provider = "oneDNN", .available = onednn_available,
     .note = "weight and bias are converted to f32 outside the timed region",
     .scratch_bytes = onednn_bytes, .prepare = onednn_prepare, .run = onednn_call_run,
     .release = onednn_call_release},
    {.name = "rows", .on = DEVICE_OPENCL, .steps = steps},
    {0},
};

const struct workload workload_layernorm = {
    .name = "layernorm",
    .brief = "layer normalisation of the rows of a matrix",
    .dtypes = ROWS_DTYPES,
    .axis = {ROWS_AXES},
    .smoke = rows_smoke,
    .smokes = ROWS_SMOKES,
    .sweeps = rows_sweeps,
    .args = {{.name = "x", .type = DTYPE_SAME, .flow = FLOW_IN, .count = rows_elements},
             {.name = "weight", .type = DTYPE_SAME, .flow = FLOW_IN, .trait = ARG_STATIONARY,
              .count = rows_cols},
             {.name = "bias", .type = DTYPE_SAME, .flow = FLOW_IN, .trait = ARG_STATIONARY,
              .count = rows_cols},
             {.name = "y", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = rows_elements}},
    .variants = variants,
    .cost = cost,
    .length = rows_length,
    .operation = rows_operation,
    .cut = workload_cut_outermost,
};
