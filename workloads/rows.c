/* SPDX-License-Identifier: MIT */
/* What the workloads over rows of a matrix share. */
#include "workloads/rows.h"

#include <stdio.h>

#include "base/sysfs.h"

/* Elements below which starting a thread costs more than it saves: a parallel region takes
 * about a microsecond, in which one core passes over some 10000 cached floats. */
enum { SHARED_ELEMENTS = 16384 };

/* Used where the system does not say how large its last cache is. */
enum { CACHE_BYTES = 32 << 20 };

const struct shape rows_smoke[ROWS_SMOKES] = {{{3, 1}}, {{5, 77}}, {{2, 1030}}, {{3, 1536}}};

const struct sweep rows_sweeps[] = {
    {.name = "rows", .mul = {1, 0}, .add = {0, 4096}},
    {.name = "cols", .mul = {0, 1}, .add = {512, 0}},
    {0},
};

int64_t rows_elements(const struct problem *p)
{
    return p->shape.n[ROWS] * p->shape.n[COLS];
}

int64_t rows_cols(const struct problem *p)
{
    return p->shape.n[COLS];
}

double rows_length(const struct problem *p)
{
    return (double)p->shape.n[COLS];
}

void rows_operation(const struct problem *p, struct operation *op)
{
    op->rows = p->shape.n[ROWS];
    op->cols = p->shape.n[COLS];
}

struct cost rows_cost(const struct problem *p, double flops, double read, double vectors,
                      double written)
{
    double matrix = (double)rows_elements(p), element = (double)dtype_bytes(p->dtype);

    return (struct cost){.flops = flops * matrix,
                         .bytes_read = (read * matrix + vectors * rows_length(p)) * element,
                         .bytes_written = written * matrix * element};
}

static size_t cache_bytes(void)
{
    uint64_t found = sysfs_cache_bytes();

    return found ? (size_t)found : CACHE_BYTES;
}

void rows_init(struct rows *rows, const struct call *call, int64_t count, int64_t cols, int out)
{
    size_t row_bytes = (size_t)cols * dtype_bytes(call->problem->dtype), bytes = 0;

    *rows = (struct rows){.problem = call->problem, .rows = count, .cols = cols,
                          .dtype = call->problem->dtype,
                          .threads = count * cols > SHARED_ELEMENTS ? call->threads : 1};
    for (int i = 0; i < ARGS; i++) {
        rows->arg[i] = call->arg[i].data;
        bytes += call->arg[i].bytes;
    }
    /* Not earlier: what still fits is faster left in the cache (rmsnorm 512x4096 f32, 16 MiB
     * beside 32, two threads: 118 us instead of 213). Every row must begin on a line. */
    rows->is_streamed = bytes > cache_bytes() && (count == 1 || row_bytes % 64 == 0) &&
                        (uintptr_t)rows->arg[out] % 64 == 0;
}

int rows_run(const struct call *call, const struct rows_simd *simd, int out)
{
    struct rows rows;

    rows_init(&rows, call, call->problem->shape.n[ROWS], call->problem->shape.n[COLS], out);
    simd->run(&rows);
    return 0;
}

void rows_step_by_row(struct step *step, const char *kernel, int64_t rows, int64_t cols,
                      const struct device_facts *facts)
{
    int64_t most = facts->group_limit > 0 && facts->group_limit < 1024 ? facts->group_limit : 1024;
    int64_t group = 32;

    while (group * 2 <= most && group * 4 < cols)
        group *= 2;
    *step = (struct step){.kernel = kernel, .groups = {rows, 1, 1}, .group = {group, 1, 1}};
    snprintf(step->defines, sizeof step->defines, "-DGROUP=%d", (int)group);
}

/* 256 work-items a group, and up to 32 groups a compute unit: enough to fill the GPUs in the
 * catalogue (2048 work-items a unit is the most of any) four times. */
void rows_step_by_item(struct step *step, const char *kernel, int64_t items,
                       const struct device_facts *facts)
{
    int64_t group = facts->group_limit > 0 && facts->group_limit < 256 ? facts->group_limit : 256;
    int64_t groups = (items + group - 1) / group;
    int64_t most = 32 * (int64_t)(facts->compute_units > 0 ? facts->compute_units : 64);

    *step = (struct step){.kernel = kernel,
                          .groups = {groups < most ? groups : most, 1, 1},
                          .group = {group, 1, 1}};
}

struct onednn_tensor rows_tensor(const struct problem *p, int64_t rows, int64_t cols)
{
    return (struct onednn_tensor){.dtype = p->dtype, .rank = 2, .n = {rows, cols}};
}
