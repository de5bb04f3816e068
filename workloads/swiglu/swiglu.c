/* SPDX-License-Identifier: MIT */
/* Gated linear unit of Llama's feed-forward layers (Shazeer, arXiv 2002.05202):
 * y = silu(gate) * up, silu(x) = x / (1 + exp(-x)). Element by element, memory-bound. */
#include <math.h>

#include "base/half.h"
#include "workloads/isa.h"
#include "workloads/rows.h"

ISA_DECLARE(const struct rows_simd, swiglu_simd);

enum { GATE, UP, Y };

/* exponential (counted as one), add, divide, product */
static struct cost cost(const struct problem *p)
{
    return rows_cost(p, 4, 2, 0, 1);
}

/* An element depends on no other. */
static double length(const struct problem *p)
{
    (void)p;
    return 1;
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    int64_t n = rows_elements(p);

#pragma omp parallel for
    for (int64_t i = 0; i < n; i++) {
        double gate = element_get(p->dtype, in[GATE], i), up = element_get(p->dtype, in[UP], i);

        want[Y][i] = gate / (1 + exp(-gate)) * up;
        scale[Y][i] = fabs(want[Y][i]);
    }
}

static int simd(struct call *call, struct why *why)
{
    struct rows rows;

    (void)why;
    rows_init(&rows, call, 1, rows_elements(call->problem), Y);
    ISA_PICK(swiglu_simd)->run(&rows);
    return 0;
}

static int composed_prepare(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    struct onednn_tensor x = rows_tensor(p, p->shape.n[ROWS], p->shape.n[COLS]);
    const void *const y = call->arg[Y].data;
    const void *const first[] = {call->arg[GATE].data, y};
    const void *const second[] = {y, call->arg[UP].data, y};
    struct onednn *swish, *product;
    int status = onednn_swish(&swish, &x, &x, call->threads, why);

    call->self = swish;
    if (status || (status = onednn_bind(swish, first, why)) ||
        (status = onednn_binary(&product, ONEDNN_MUL, &x, &x, &x, call->threads, why)))
        return status;
    onednn_then(swish, product);
    return onednn_bind(product, second, why);
}

static int steps(const struct problem *p, const struct device_facts *facts,
                 struct step *step)
{
    int64_t n = rows_elements(p);

    rows_step_by_item(step, "swiglu", (n + 3) / 4, facts);
    step_buffer(step, GATE);
    step_buffer(step, UP);
    step_buffer(step, Y);
    step_long(step, n);
    return 1;
}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .run = simd},
    {.name = "composed", .on = DEVICE_CPU, .provider = "oneDNN", .available = onednn_available,
     .note = "swish, then a product: two primitives of oneDNN, the first result written and read",
     .prepare = composed_prepare, .run = onednn_call_run,
     .release = onednn_call_release},
    {.name = "fours", .on = DEVICE_OPENCL, .steps = steps},
    {0},
};

const struct workload workload_swiglu = {
    .name = "swiglu",
    .brief = "silu(gate) * up, the activation between the feed-forward products",
    .dtypes = ROWS_DTYPES,
    .axis = {ROWS_AXES},
    .smoke = rows_smoke,
    .smokes = ROWS_SMOKES,
    .sweeps = rows_sweeps,
    .args = {{.name = "gate", .type = DTYPE_SAME, .flow = FLOW_IN, .count = rows_elements},
             {.name = "up", .type = DTYPE_SAME, .flow = FLOW_IN, .count = rows_elements},
             {.name = "y", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = rows_elements}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .roundings = 1, /* of silu(gate), where it is an operation of its own */
    .operation = rows_operation,
    .cut = workload_cut_outermost,
};
