/* SPDX-License-Identifier: MIT */
/* Softmax over the rows of a matrix: y = exp(x - max) / sum. Memory-bound: each row is read
 * and written once; a row that fits the cache is passed over in it. */
#include <math.h>

#include "base/half.h"
#include "workloads/isa.h"
#include "workloads/rows.h"

ISA_DECLARE(const struct rows_simd, softmax_simd);

enum { X, Y };

/* subtract, exponential (counted as one), add, multiply */
static struct cost cost(const struct problem *p)
{
    return rows_cost(p, 4, 1, 0, 1);
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    int64_t rows = p->shape.n[ROWS], cols = p->shape.n[COLS];

#pragma omp parallel for
    for (int64_t r = 0; r < rows; r++) {
        double *y = want[Y] + r * cols, top = -INFINITY, sum = 0;

        for (int64_t c = 0; c < cols; c++) {
            y[c] = element_get(p->dtype, in[X], r * cols + c);
            top = fmax(top, y[c]);
        }
        for (int64_t c = 0; c < cols; c++)
            sum += y[c] = exp(y[c] - top);
        for (int64_t c = 0; c < cols; c++)
            scale[Y][r * cols + c] = y[c] /= sum;
    }
}

static int simd(struct call *call, struct why *why)
{
    (void)why;
    return rows_run(call, ISA_PICK(softmax_simd), Y);
}

static int onednn_prepare(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    struct onednn_tensor x = rows_tensor(p, p->shape.n[ROWS], p->shape.n[COLS]);
    const void *const data[] = {call->arg[X].data, call->arg[Y].data};
    struct onednn *self;
    int status = onednn_softmax(&self, &x, &x, call->threads, why);

    call->self = self;
    return status ? status : onednn_bind(self, data, why);
}

static int steps(const struct problem *p, const struct device_facts *facts,
                 struct step *step)
{
    rows_step_by_row(step, "softmax_rows", p->shape.n[ROWS], p->shape.n[COLS], facts);
    step_buffer(step, X);
    step_buffer(step, Y);
    step_int(step, p->shape.n[COLS]);
    return 1;
}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .run = simd},
    {.name = "onednn", .on = DEVICE_CPU, .provider = "oneDNN", .available = onednn_available,
     .prepare = onednn_prepare, .run = onednn_call_run, .release = onednn_call_release},
    {.name = "rows", .on = DEVICE_OPENCL, .steps = steps},
    {0},
};

const struct workload workload_softmax = {
    .name = "softmax",
    .brief = "softmax over the rows of a matrix",
    .dtypes = ROWS_DTYPES,
    .axis = {ROWS_AXES},
    .smoke = rows_smoke,
    .smokes = ROWS_SMOKES,
    .sweeps = rows_sweeps,
    .args = {{.name = "x", .type = DTYPE_SAME, .flow = FLOW_IN, .count = rows_elements},
             {.name = "y", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = rows_elements}},
    .variants = variants,
    .cost = cost,
    .length = rows_length,
    .roundings = 1, /* oneDNN keeps the exponentials in the result's dtype */
    .operation = rows_operation,
    .cut = workload_cut_outermost,
};
