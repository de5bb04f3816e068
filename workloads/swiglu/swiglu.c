/* SPDX-License-Identifier: MIT */
/* Gated linear unit of Llama's feed-forward layers (Shazeer, arXiv 2002.05202):
 * y = silu(gate) * up, silu(x) = x / (1 + exp(-x)). Element by element, memory-bound. */
#include <math.h>
#include <stdlib.h>

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

static void operation(const struct problem *p, struct operation *op)
{
    op->op = "swiglu";
    rows_operation(p, op);
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

struct composed {
    struct onednn *silu, *product;
};

static void composed_release(struct call *call)
{
    struct composed *c = call->self;

    if (!c)
        return;
    onednn_free(c->silu);
    onednn_free(c->product);
    free(c);
    call->self = NULL;
}

static int composed_prepare(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    struct onednn_tensor x = rows_tensor(p, p->shape.n[ROWS], p->shape.n[COLS]);
    const void *const y = call->arg[Y].data;
    struct composed *c = call->self = calloc(1, sizeof *c);
    int status;

    if (!c)
        return why_fail(why, STATUS_MEMORY, "cannot compose swiglu: out of memory");
    if ((status = onednn_unary(&c->silu, ONEDNN_SWISH, &x, &x, 1, 0, call->threads, why)) ||
        (status = onednn_binary(&c->product, ONEDNN_MUL, &x, &x, &x, call->threads, why)) ||
        (status = onednn_bind(c->silu, 0, call->arg[GATE].data, why)) ||
        (status = onednn_bind(c->silu, 1, y, why)) ||
        (status = onednn_bind(c->product, 0, y, why)) ||
        (status = onednn_bind(c->product, 1, call->arg[UP].data, why)))
        return status;
    return onednn_bind(c->product, 2, y, why);
}

static int composed_run(struct call *call, struct why *why)
{
    const struct composed *c = call->self;
    int status = onednn_run(c->silu, call->threads, why);

    return status ? status : onednn_run(c->product, call->threads, why);
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
     .prepare = composed_prepare, .run = composed_run, .release = composed_release},
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
    .operation = operation,
    .cut = workload_cut_outermost,
};
