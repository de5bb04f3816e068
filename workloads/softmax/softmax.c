/* SPDX-License-Identifier: MIT */
/* Softmax over the rows of a matrix: y = exp(x - max) / sum. Memory-bound: each row is read
 * and written once; a row that fits the cache is passed over in it. */
#include <math.h>

#include "base/half.h"
#include "workloads/isa.h"
#include "workloads/softmax/softmax.h"
#include "workloads/workload.h"

ISA_DECLARE(const struct softmax_simd, softmax_simd);

enum { ROWS, COLS };
enum { X, Y };

static int64_t elements(const struct problem *p)
{
    return p->shape.n[ROWS] * p->shape.n[COLS];
}

static struct cost cost(const struct problem *p)
{
    double n = (double)elements(p), bytes = n * (double)dtype_bytes(p->dtype);

    /* subtract, exponential (counted as one), add, multiply */
    return (struct cost){.flops = 4 * n, .bytes_read = bytes, .bytes_written = bytes};
}

static double length(const struct problem *p)
{
    return (double)p->shape.n[COLS];
}

static void operation(const struct problem *p, struct operation *op)
{
    op->op = "softmax";
    op->rows = p->shape.n[ROWS];
    op->cols = p->shape.n[COLS];
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
    const struct problem *p = call->problem;

    (void)why;
    ISA_PICK(softmax_simd)
        ->rows[p->dtype](call->arg[X].data, call->arg[Y].data, p->shape.n[ROWS],
                         p->shape.n[COLS], call->threads);
    return 0;
}

/* One work-group a row; 256 work-items keep a row of 4096 elements at 16 each. */
static int steps(const struct problem *p, const struct device_facts *facts,
                 struct step *step)
{
    (void)facts;
    *step = (struct step){.kernel = "softmax_rows",
                          .defines = "-DGROUP=256",
                          .groups = {p->shape.n[ROWS], 1, 1},
                          .group = {256, 1, 1}};
    step_buffer(step, X);
    step_buffer(step, Y);
    step_int(step, p->shape.n[COLS]);
    return 1;
}

static const struct shape smoke[] = {{{3, 1}}, {{5, 77}}, {{2, 1030}}};

static const struct sweep sweeps[] = {
    {.name = "rows", .mul = {1, 0}, .add = {0, 4096}},
    {.name = "cols", .mul = {0, 1}, .add = {512, 0}},
    {0},
};

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .run = simd},
    {.name = "rows", .on = DEVICE_OPENCL, .steps = steps},
    {0},
};

const struct workload workload_softmax = {
    .name = "softmax",
    .brief = "softmax over the rows of a matrix",
    .dtypes = 1u << DTYPE_F32 | 1u << DTYPE_F16 | 1u << DTYPE_BF16,
    .axis = {{"rows", "independent rows", NULL, AXIS_REQUIRED, 1},
             {"cols", "elements of a row", NULL, AXIS_REQUIRED, 1}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "x", .type = DTYPE_SAME, .flow = FLOW_IN, .count = elements},
             {.name = "y", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = elements}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .operation = operation,
};
