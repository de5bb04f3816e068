/* SPDX-License-Identifier: MIT */
/* Sum of two matrices, as a residual connection adds its input: y = a + b. */
#include <math.h>

#include "base/half.h"
#include "workloads/isa.h"
#include "workloads/rows.h"

ISA_DECLARE(const struct rows_simd, add_simd);

enum { A, B, Y };

static struct cost cost(const struct problem *p)
{
    return rows_cost(p, 1, 2, 0, 1);
}

static double length(const struct problem *p)
{
    (void)p;
    return 2;
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    int64_t n = rows_elements(p);

#pragma omp parallel for
    for (int64_t i = 0; i < n; i++) {
        double a = element_get(p->dtype, in[A], i), b = element_get(p->dtype, in[B], i);

        want[Y][i] = a + b;
        scale[Y][i] = fabs(a) + fabs(b);
    }
}

static int simd(struct call *call, struct why *why)
{
    struct rows rows;

    (void)why;
    rows_init(&rows, call, 1, rows_elements(call->problem), Y);
    ISA_PICK(add_simd)->run(&rows);
    return 0;
}

static int onednn_prepare(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    struct onednn_tensor x = rows_tensor(p, p->shape.n[ROWS], p->shape.n[COLS]);
    const void *const data[] = {call->arg[A].data, call->arg[B].data, call->arg[Y].data};
    struct onednn *self;
    int status = onednn_binary(&self, ONEDNN_ADD, &x, &x, &x, call->threads, why);

    call->self = self;
    return status ? status : onednn_bind(self, data, why);
}

static int steps(const struct problem *p, const struct device_facts *facts,
                 struct step *step)
{
    int64_t n = rows_elements(p);

    rows_step_by_item(step, "add", (n + 3) / 4, facts);
    step_buffer(step, A);
    step_buffer(step, B);
    step_buffer(step, Y);
    step_long(step, n);
    return 1;
}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .run = simd},
    {.name = "onednn", .on = DEVICE_CPU, .provider = "oneDNN", .available = onednn_available,
     .prepare = onednn_prepare, .run = onednn_call_run, .release = onednn_call_release},
    {.name = "fours", .on = DEVICE_OPENCL, .steps = steps},
    {0},
};

const struct workload workload_add = {
    .name = "add",
    .brief = "sum of two matrices, as in a residual connection",
    .dtypes = ROWS_DTYPES | 1u << DTYPE_F64,
    .axis = {ROWS_AXES},
    .smoke = rows_smoke,
    .smokes = ROWS_SMOKES,
    .sweeps = rows_sweeps,
    .args = {{.name = "a", .type = DTYPE_SAME, .flow = FLOW_IN, .count = rows_elements},
             {.name = "b", .type = DTYPE_SAME, .flow = FLOW_IN, .count = rows_elements},
             {.name = "y", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = rows_elements}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .operation = rows_operation,
    .cut = workload_cut_outermost,
};
