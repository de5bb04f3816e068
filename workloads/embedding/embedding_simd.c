/* SPDX-License-Identifier: MIT */
/* Rows copied as they are. The numbers are known ahead, so the first lines of the row after
 * the next are asked for while this one is copied; the hardware sees the rest coming. */
#include "workloads/isa.h"
#include "workloads/rows.h"
#include "workloads/simd.h"

enum { IDS, TABLE, Y };
enum { AHEAD_ROWS = 2, AHEAD_BYTES = 512, LINE = 64 };

static void ask(const char *row, size_t bytes)
{
    for (size_t b = 0; b < bytes && b < AHEAD_BYTES; b += LINE)
        __builtin_prefetch(row + b);
}

static void copy(const struct rows *r, int64_t t, size_t bytes)
{
    const int32_t *id = r->arg[IDS];
    const char *table = r->arg[TABLE], *from = table + (size_t)id[t] * bytes;
    char *to = (char *)r->arg[Y] + (size_t)t * bytes;

    if (t + AHEAD_ROWS < r->rows)
        ask(table + (size_t)id[t + AHEAD_ROWS] * bytes, bytes);
    memcpy(to, from, bytes);
}

static void run(const struct rows *r)
{
    size_t bytes = (size_t)r->cols * (r->dtype == DTYPE_F32 ? 4 : 2);

#pragma omp parallel for num_threads(r->threads) schedule(static)
    for (int64_t t = 0; t < r->rows; t++)
        copy(r, t, bytes);
}

const struct rows_simd ISA_SYMBOL(embedding_simd) = {.run = run};
