/* SPDX-License-Identifier: MIT */
/* One row of the table that `project` reads: which columns it knows, and how the text of a
 * row becomes a call to project(). */
#ifndef OFFLOAD_BENCH_TABLE_ROW_H
#define OFFLOAD_BENCH_TABLE_ROW_H

#include "projection/projection.h"

/* X(column, "header"): the columns that mean something; all others pass through. */
#define COLUMN_MAP(X)                                                                  \
    X(COLUMN_GPU, "gpu") X(COLUMN_OP, "op") X(COLUMN_DTYPE, "dtype")                   \
    X(COLUMN_KV_DTYPE, "kv_dtype") X(COLUMN_M, "m") X(COLUMN_N, "n") X(COLUMN_K, "k")  \
    X(COLUMN_BATCH, "batch") X(COLUMN_ROWS, "rows") X(COLUMN_COLS, "cols")             \
    X(COLUMN_HEADS, "heads") X(COLUMN_KV_HEADS, "kv_heads")                            \
    X(COLUMN_HEAD_DIM, "head_dim") X(COLUMN_Q_LEN, "q_len")                            \
    X(COLUMN_KV_LEN, "kv_len") X(COLUMN_CAUSAL, "causal") X(COLUMN_WINDOW, "window")   \
    X(COLUMN_TIMING, "timing") X(COLUMN_MEMORY, "memory")

enum column {
#define X(value, text) value,
    COLUMN_MAP(X)
#undef X
    COLUMNS
};

/* Column named so (case ignored), or -1. */
int column_find(const char *header);
/* The names, in order of the enum. */
extern const char *const column_names[COLUMNS];

/* What stays from row to row: the GPU for rows that name none, and the last one found. */
struct row_reader {
    const struct gpu *fallback, *last;
    char last_name[64];
};

/* A row as a call. `cell[i]`: text of column i, "" when empty or absent; it must outlive the
 * call. Errors: STATUS_INVALID with the cell that cannot be read, STATUS_UNAVAILABLE. */
struct row {
    const struct gpu *gpu;
    struct operation operation;
    enum timing timing;
};

int row_read(struct row_reader *, const char *const cell[COLUMNS], struct row *,
             struct why *);

#endif
