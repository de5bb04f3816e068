/* SPDX-License-Identifier: MIT */
/* Rotary position embedding (Su et al., arXiv 2104.09864) in the half-split form of Llama and
 * NeoX: element i of a head turns with element i + head_dim/2 by position * theta^(-2i/head_dim).
 * Cosines and sines come from a table of all positions, made outside the timed region, as
 * vLLM and llama.cpp do: every variant on every device reads the same one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "base/random.h"
#include "workloads/isa.h"
#include "workloads/rows.h"

ISA_DECLARE(const struct rows_simd, rope_simd);

enum { TOKENS, HEADS, HEAD_DIM, CONTEXT, THETA };
enum { X, POSITIONS, TABLE, Y };

static int64_t elements(const struct problem *p)
{
    return p->shape.n[TOKENS] * p->shape.n[HEADS] * p->shape.n[HEAD_DIM];
}

static int64_t positions_count(const struct problem *p)
{
    return p->shape.n[TOKENS];
}

static int64_t table_count(const struct problem *p)
{
    return p->shape.n[CONTEXT] * p->shape.n[HEAD_DIM];
}

/* Consecutive from a random start, round the end of the table: a prompt, or a batch of
 * sequences that are not in step. */
static void fill_positions(const struct problem *p, void *data, uint64_t seed)
{
    int64_t context = p->shape.n[CONTEXT];
    int64_t start = (int64_t)random_below(&seed, (uint64_t)context);
    int32_t *position = data;

    for (int64_t t = 0; t < p->shape.n[TOKENS]; t++)
        position[t] = (int32_t)((start + t) % context);
}

/* A row a position: head_dim/2 cosines, then as many sines. */
static void fill_table(const struct problem *p, void *data, uint64_t seed)
{
    int64_t dim = p->shape.n[HEAD_DIM], half = dim / 2;
    double theta = (double)p->shape.n[THETA];

    (void)seed;
#pragma omp parallel for
    for (int64_t at = 0; at < p->shape.n[CONTEXT]; at++) {
        float *row = (float *)data + at * dim;

        for (int64_t i = 0; i < half; i++) {
            double angle = (double)at * pow(theta, -2.0 * (double)i / (double)dim);

            row[i] = (float)cos(angle);
            row[half + i] = (float)sin(angle);
        }
    }
}

static bool valid(const struct problem *p, struct why *why)
{
    if (p->shape.n[HEAD_DIM] % 2 == 0 && p->shape.n[CONTEXT] <= INT32_MAX)
        return true;
    why_fail(why, STATUS_INVALID, p->shape.n[HEAD_DIM] % 2 ?
             "rope: axis 'head_dim' is odd, but its elements turn in pairs" :
             "rope: axis 'context' is above 2147483647, the largest 32-bit position");
    return false;
}

/* Two products and an addition for each element; the table rows of the tokens' positions. */
static struct cost cost(const struct problem *p)
{
    double n = (double)elements(p), bytes = n * (double)dtype_bytes(p->dtype);
    int64_t tokens = p->shape.n[TOKENS], context = p->shape.n[CONTEXT];
    double rows = (double)(tokens < context ? tokens : context);

    return (struct cost){.flops = 3 * n,
                         .bytes_read = bytes + 4 * (double)tokens +
                                       4 * rows * (double)p->shape.n[HEAD_DIM],
                         .bytes_written = bytes};
}

static double length(const struct problem *p)
{
    (void)p;
    return 2;
}

static void operation(const struct problem *p, struct operation *op)
{
    op->rows = p->shape.n[TOKENS];
    op->cols = p->shape.n[HEADS] * p->shape.n[HEAD_DIM];
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    int64_t heads = p->shape.n[HEADS], dim = p->shape.n[HEAD_DIM], half = dim / 2;

#pragma omp parallel for
    for (int64_t h = 0; h < p->shape.n[TOKENS] * heads; h++) {
        int64_t position = ((const int32_t *)in[POSITIONS])[h / heads];
        const float *table = (const float *)in[TABLE] + position * dim;

        for (int64_t i = 0; i < half; i++) {
            int64_t first = h * dim + i, second = first + half;
            double u = element_get(p->dtype, in[X], first);
            double v = element_get(p->dtype, in[X], second);
            double c = table[i], s = table[half + i];

            want[Y][first] = u * c - v * s;
            want[Y][second] = v * c + u * s;
            scale[Y][first] = fabs(u * c) + fabs(v * s);
            scale[Y][second] = fabs(v * c) + fabs(u * s);
        }
    }
}

static int simd(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    struct rows rows;

    (void)why;
    rows_init(&rows, call, p->shape.n[TOKENS] * p->shape.n[HEADS], p->shape.n[HEAD_DIM], Y);
    ISA_PICK(rope_simd)->run(&rows);
    return 0;
}

/* A work-item turns four pairs where the half heads divide by four, else one. */
static int steps(const struct problem *p, const struct device_facts *facts,
                 struct step *step)
{
    int64_t heads = p->shape.n[HEADS], half = p->shape.n[HEAD_DIM] / 2;
    size_t used;

    rows_step_by_row(step, "rope", p->shape.n[TOKENS], heads * half, facts);
    used = strlen(step->defines);
    snprintf(step->defines + used, sizeof step->defines - used, " -DPAIRS=%d",
             half % 4 == 0 ? 4 : 1);
    step_buffer(step, X);
    step_buffer(step, POSITIONS);
    step_buffer(step, TABLE);
    step_buffer(step, Y);
    step_int(step, heads);
    step_int(step, half);
    return 1;
}

static const struct shape smoke[] = {{{3, 2, 2, 7, 10000}},
                                     {{5, 3, 22, 4096, 10000}},
                                     {{7, 5, 64, 4, 10000}},
                                     {{2, 40, 128, 4096, 500000}}};

static const struct sweep sweeps[] = {
    {.name = "tokens", .mul = {1}, .add = {0, 40, 128, 4096, 10000}},
    {.name = "heads", .mul = {0, 1}, .add = {512, 0, 128, 4096, 10000}},
    {0},
};

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .run = simd,
     .note = "cosines and sines come from a table made outside the timed region"},
    {.name = "fours", .on = DEVICE_OPENCL, .steps = steps,
     .note = "cosines and sines come from a table made outside the timed region"},
    {0},
};

const struct workload workload_rope = {
    .name = "rope",
    .brief = "rotary position embedding, half-split form",
    .dtypes = ROWS_DTYPES,
    .axis = {{"tokens", "rows of heads", NULL, AXIS_REQUIRED, 1},
             {"heads", "heads of a token: queries, keys or both", NULL, AXIS_REQUIRED, 1},
             {"head_dim", "elements of a head", NULL, AXIS_REQUIRED, 2},
             {"context", "positions in the table", NULL, 4096, 1},
             {"theta", "base of the frequencies", NULL, 10000, 1}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "x", .type = DTYPE_SAME, .flow = FLOW_IN, .count = elements},
             {.name = "positions", .type = DTYPE_I32, .flow = FLOW_IN, .count = positions_count,
              .fill = fill_positions},
             {.name = "table", .type = DTYPE_F32, .flow = FLOW_IN, .trait = ARG_STATIONARY,
              .count = table_count, .fill = fill_table},
             {.name = "y", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = elements}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .valid = valid,
    .operation = operation,
    .cut = workload_cut_outermost,
};
