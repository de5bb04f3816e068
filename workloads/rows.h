/* SPDX-License-Identifier: MIT */
/* What the workloads over rows of a matrix share: the axes, the description of a call as
 * their vector code sees it, launch shapes, and oneDNN's tensors of the same matrix. */
#ifndef OFFLOAD_BENCH_ROWS_H
#define OFFLOAD_BENCH_ROWS_H

#include "workloads/dnnl.h"
#include "workloads/workload.h"

/* Axes 0 and 1 of every one of them. */
enum { ROWS, COLS };
#define ROWS_AXES                                                                      \
    {"rows", "independent rows", NULL, AXIS_REQUIRED, 1},                              \
    {"cols", "elements of a row", NULL, AXIS_REQUIRED, 1}

/* Added to a variance or mean square before its root is taken (as Llama 2 and 3 do). */
#define ROWS_EPSILON 1e-5

#define ROWS_DTYPES (1u << DTYPE_F32 | 1u << DTYPE_F16 | 1u << DTYPE_BF16)
/* A single column, rows that divide by nothing, rows that divide by four. */
enum { ROWS_SMOKES = 4 };
extern const struct shape rows_smoke[ROWS_SMOKES];
/* `rows` at 4096 columns, `cols` at 512 rows. Ends with {0}. */
extern const struct sweep rows_sweeps[];

int64_t rows_elements(const struct problem *); /* rows * cols */
int64_t rows_cols(const struct problem *);     /* cols */
double rows_length(const struct problem *);    /* cols, as the length of a sum */
/* op->rows and op->cols from the axes. */
void rows_operation(const struct problem *, struct operation *);
/* `flops` an element; `read` and `written` count matrices, `vectors` rows of cols elements. */
struct cost rows_cost(const struct problem *, double flops, double read, double vectors,
                      double written);

/* A call for vector code. */
struct rows {
    const struct problem *problem;
    int64_t rows, cols;
    enum dtype dtype;
    int threads;      /* to use: 1 when the work is too little to share */
    bool is_streamed; /* arguments exceed the caches: results go past them (vf_result) */
    void *arg[ARGS];
};

/* What X_simd.c gives per instruction set. */
struct rows_simd {
    void (*run)(const struct rows *);
};

/* Fill *rows from a call whose matrix is rows x cols; arg[out] is the result. */
void rows_init(struct rows *rows, const struct call *call, int64_t count, int64_t cols, int out);
/* rows_init by the axes, then simd->run. */
int rows_run(const struct call *call, const struct rows_simd *simd, int out);

/* In X_simd.c, inside the parallel region: f(dtype, is_streamed, rows, i), a SIMD_INLINE
 * function, with the first two as constants. */
#define ROWS_SPECIALISE(f, rows, i)                                                    \
    do {                                                                               \
        if ((rows)->dtype == DTYPE_F16)                                                \
            (rows)->is_streamed ? f(DTYPE_F16, true, rows, i)                          \
                                : f(DTYPE_F16, false, rows, i);                        \
        else if ((rows)->dtype == DTYPE_BF16)                                          \
            (rows)->is_streamed ? f(DTYPE_BF16, true, rows, i)                         \
                                : f(DTYPE_BF16, false, rows, i);                       \
        else                                                                           \
            (rows)->is_streamed ? f(DTYPE_F32, true, rows, i)                          \
                                : f(DTYPE_F32, false, rows, i);                        \
    } while (0)

/* Launch of `kernel`: one work-group per row, of -DGROUP work-items, four elements each
 * before they go round again. The caller adds the arguments. */
void rows_step_by_row(struct step *, const char *kernel, int64_t rows, int64_t cols,
                      const struct device_facts *);
/* Launch of `kernel` whose work-items stride over `items` pieces of work. */
void rows_step_by_item(struct step *, const char *kernel, int64_t items,
                       const struct device_facts *);

/* The matrix and one row of `dtype` as oneDNN sees them. */
struct onednn_tensor rows_tensor(const struct problem *, int64_t rows, int64_t cols);

#endif
