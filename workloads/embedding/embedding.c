/* SPDX-License-Identifier: MIT */
/* Rows of a table picked by number: y[t] = table[ids[t]], the first step of a language model.
 * Pure movement: the cost counts the rows that are picked, the upload the whole table. */
#include "base/half.h"
#include "base/random.h"
#include "workloads/isa.h"
#include "workloads/rows.h"

ISA_DECLARE(const struct rows_simd, embedding_simd);

enum { TOKENS, VOCAB, WIDTH };
enum { IDS, TABLE, Y };

static int64_t ids_count(const struct problem *p)
{
    return p->shape.n[TOKENS];
}

static int64_t table_count(const struct problem *p)
{
    return p->shape.n[VOCAB] * p->shape.n[WIDTH];
}

static int64_t result_count(const struct problem *p)
{
    return p->shape.n[TOKENS] * p->shape.n[WIDTH];
}

static void fill_ids(const struct problem *p, void *data, uint64_t seed)
{
    int32_t *id = data;

    for (int64_t t = 0; t < p->shape.n[TOKENS]; t++)
        id[t] = (int32_t)random_below(&seed, (uint64_t)p->shape.n[VOCAB]);
}

static bool valid(const struct problem *p, struct why *why)
{
    if (p->shape.n[VOCAB] <= INT32_MAX)
        return true;
    why_fail(why, STATUS_INVALID, "embedding: axis 'vocab' is above 2147483647, the largest "
             "number of a 32-bit id");
    return false;
}

static struct cost cost(const struct problem *p)
{
    double picked = (double)result_count(p) * (double)dtype_bytes(p->dtype);

    return (struct cost){.bytes_read = picked + 4 * (double)ids_count(p),
                         .bytes_written = picked};
}

/* Nothing is added: the result is exact. */
static double length(const struct problem *p)
{
    (void)p;
    return 0;
}

static void operation(const struct problem *p, struct operation *op)
{
    op->rows = p->shape.n[TOKENS];
    op->cols = p->shape.n[WIDTH];
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    int64_t width = p->shape.n[WIDTH];
    const int32_t *id = in[IDS];

    for (int64_t t = 0; t < p->shape.n[TOKENS]; t++)
        for (int64_t c = 0; c < width; c++) {
            want[Y][t * width + c] = element_get(p->dtype, in[TABLE], id[t] * width + c);
            scale[Y][t * width + c] = 0;
        }
}

static int simd(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    struct rows rows;

    (void)why;
    rows_init(&rows, call, p->shape.n[TOKENS], p->shape.n[WIDTH], Y);
    ISA_PICK(embedding_simd)->run(&rows);
    return 0;
}

static int steps(const struct problem *p, const struct device_facts *facts,
                 struct step *step)
{
    rows_step_by_row(step, "embedding_rows", p->shape.n[TOKENS], p->shape.n[WIDTH], facts);
    step_buffer(step, IDS);
    step_buffer(step, TABLE);
    step_buffer(step, Y);
    step_int(step, p->shape.n[WIDTH]);
    return 1;
}

static const struct shape smoke[] = {{{3, 5, 1}}, {{7, 100, 77}}, {{5, 13, 1030}}, {{9, 50, 1536}}};

static const struct sweep sweeps[] = {
    {.name = "tokens", .mul = {1, 0, 0}, .add = {0, 32000, 4096}},
    {.name = "cols", .mul = {0, 0, 1}, .add = {512, 32000, 0}},
    {0},
};

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .run = simd},
    {.name = "rows", .on = DEVICE_OPENCL, .steps = steps},
    {0},
};

const struct workload workload_embedding = {
    .name = "embedding",
    .brief = "rows of a table picked by token number",
    .dtypes = ROWS_DTYPES,
    .axis = {{"tokens", "rows picked", NULL, AXIS_REQUIRED, 1},
             {"vocab", "rows of the table", NULL, AXIS_REQUIRED, 1},
             {"cols", "elements of a row", NULL, AXIS_REQUIRED, 1}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "ids", .type = DTYPE_I32, .flow = FLOW_IN, .count = ids_count,
              .fill = fill_ids},
             {.name = "table", .type = DTYPE_SAME, .flow = FLOW_IN, .trait = ARG_STATIONARY,
              .count = table_count},
             {.name = "y", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = result_count}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .valid = valid,
    .operation = operation,
    .cut = workload_cut_outermost,
};
