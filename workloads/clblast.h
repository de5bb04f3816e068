/* SPDX-License-Identifier: MIT */
/* CLBlast, the tuned OpenCL BLAS, opened at run time: functions over the handles of a call
 * (call->queue is a cl_command_queue, call->arg[i].handle a cl_mem). Offsets are 0 and
 * increments 1. Only f32 and f64 and, where the device has it, f16. */
#ifndef OFFLOAD_BENCH_CLBLAST_H
#define OFFLOAD_BENCH_CLBLAST_H

#include "workloads/workload.h"

/* STATUS_UNAVAILABLE when CLBlast is not built in or not installed. */
int clblast_available(const struct variant *, struct why *);
/* The file it was opened from, whose name ends in the version; "" before. CLBlast does not
 * tell its version itself. */
const char *clblast_version(void);

/* The functions below enqueue and return. The first call of each kind compiles for seconds,
 * so a variant runs once in prepare(); that is also how a device without the dtype is told
 * (STATUS_UNAVAILABLE). Other errors: STATUS_MEMORY, STATUS_DEVICE with CLBlast's code. */

/* Row-major matrices a, b, c (indices into call->arg), transposed or not:
 *     c[m,n] = alpha op(a) op(b) + beta c
 * `batch` of them, one behind the other; batch 1 takes the plain function. */
struct clblast_gemm {
    int64_t batch, m, n, k;
    bool ta, tb;
    double alpha, beta;
    int a, b, c;
};
int clblast_gemm(const struct call *, const struct clblast_gemm *, struct why *);

/* y = alpha op(a) x + beta y; a is stored as rows x cols. */
struct clblast_gemv {
    int64_t rows, cols;
    bool ta;
    double alpha, beta;
    int a, x, y;
};
int clblast_gemv(const struct call *, const struct clblast_gemv *, struct why *);

/* One result of n elements of argument x (and y for dot), written to argument `out`: an
 * element of the dtype, or an unsigned 32-bit index for the amax and max kinds. */
enum clblast_reduction { CLBLAST_SUM, CLBLAST_DOT, CLBLAST_NRM2, CLBLAST_IMAX, CLBLAST_IAMAX,
                         CLBLAST_ASUM };
int clblast_reduce(const struct call *, enum clblast_reduction, int64_t n, int x, int y,
                   int out, struct why *);

#endif
