/* SPDX-License-Identifier: MIT */
/* One struct gemm, handed to each of those that can compute it: the conversion from our
 * description to theirs is made here, once. */
#include "workloads/gemm/gemm.h"

#include <limits.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>

#include "workloads/cblas.h"
#include "workloads/clblast.h"
#include "workloads/cublaslt.h"
#include "workloads/dnnl.h"
#include "workloads/isa.h"

ISA_DECLARE(const struct gemm_simd, gemm_simd);
ISA_DECLARE(const struct gemm_reference_simd, gemm_reference_simd);

/* gemm_simd.c packs blocks of at most 512 rows, padded to 4, terms padded to at most 32. */
enum { BLOCK_ROWS = 512, ROW_STEP = 4, TERM_STEP = 32 };

static int64_t round_up(int64_t n, int64_t step)
{
    return (n + step - 1) / step * step;
}

bool gemm_is_narrow(enum dtype dtype)
{
    return dtype == DTYPE_I8 || dtype == DTYPE_E4M3;
}

bool gemm_sums_fit(const struct gemm *g, struct why *why)
{
    double most = fabs(g->alpha) * (double)g->k * 128 * 128 + fabs(g->beta) * 127;

    if (g->dtype != DTYPE_I8 || most <= INT32_MAX)
        return true;
    why_fail(why, STATUS_INVALID,
             "sums of %lld products in i8 may not fit the 32 bits of the result; hint: k below "
             "131072", (long long)g->k);
    return false;
}

void gemm_operation(const struct gemm *g, struct operation *op)
{
    op->m = g->m;
    op->n = g->n;
    op->k = g->k;
    op->batch = g->batch;
    if (g->dtype == DTYPE_E4M3) {
        op->dtype = DTYPE_BF16;
        op->precision = PRECISION_FP8;
    }
}

size_t gemm_scratch_bytes(const struct gemm *g)
{
    int64_t rows = round_up(g->m < BLOCK_ROWS ? g->m : BLOCK_ROWS, ROW_STEP);

    return (size_t)(rows * round_up(g->k, TERM_STEP)) *
           (g->dtype == DTYPE_F64 ? sizeof(double) : sizeof(float));
}

struct gemm gemm_at(const struct gemm *g, int64_t i)
{
    struct gemm one = *g;
    int64_t bytes = (int64_t)dtype_bytes(g->dtype);
    int64_t out_bytes = (int64_t)dtype_bytes(dtype_product(g->dtype));

    one.batch = 1;
    one.a = (const char *)g->a + i * g->m * g->k * bytes;
    one.b = (const char *)g->b + i * g->k * g->n * bytes;
    one.c = (char *)g->c + i * g->m * g->n * out_bytes;
    return one;
}

struct cost gemm_cost(const struct gemm *g)
{
    double m = (double)g->m, n = (double)g->n, k = (double)g->k, batch = (double)g->batch;
    double bytes = (double)dtype_bytes(g->dtype);
    double out_bytes = (double)dtype_bytes(dtype_product(g->dtype)) * m * n;

    return (struct cost){
        .flops = 2 * batch * m * n * k,
        .bytes_read = batch * (bytes * (m * k + k * n) + (g->beta != 0 ? out_bytes : 0)),
        .bytes_written = batch * out_bytes,
    };
}

void gemm_reference(const struct gemm *g, const void *c0, double *want, double *scale)
{
    int64_t size = g->m * g->n;

    for (int64_t i = 0; i < g->batch; i++) {
        struct gemm one = gemm_at(g, i);
        const char *before =
            (const char *)c0 + i * size * (int64_t)dtype_bytes(dtype_product(g->dtype));

        ISA_PICK(gemm_reference_simd)
            ->product(&one, c0 ? before : NULL, want + i * size, scale + i * size);
    }
}

/* One product a thread. Not an `if` clause in gemm_simd_run: inside any parallel region, even
 * of one thread, libgomp starts new threads for an inner one instead of waking its own. */
static void simd_each(const struct gemm *g, char *scratch, size_t room, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < g->batch; i++) {
        struct gemm one = gemm_at(g, i);

        ISA_PICK(gemm_simd)->product(&one, scratch + (size_t)omp_get_thread_num() * room, 1);
    }
}

void gemm_simd_run(const struct gemm *g, void *scratch, size_t scratch_bytes, int threads)
{
    size_t room = gemm_scratch_bytes(g) / 64 * 64 + 64;

    if (g->batch >= 2 * threads && scratch_bytes / room >= (size_t)threads) {
        simd_each(g, scratch, room, threads);
        return;
    }
    for (int64_t i = 0; i < g->batch; i++) {
        struct gemm one = gemm_at(g, i);

        ISA_PICK(gemm_simd)->product(&one, scratch, threads);
    }
}

bool gemm_cblas_fits(const struct gemm *g)
{
    return (g->dtype == DTYPE_F32 || g->dtype == DTYPE_F64) && g->m <= INT_MAX &&
           g->n <= INT_MAX && g->k <= INT_MAX;
}

static void cblas_one(const struct cblas *library, const struct gemm *g, bool as_gemv)
{
    int m = (int)g->m, n = (int)g->n, k = (int)g->k;
    int lda = g->ta ? m : k, ldb = g->tb ? k : n;
    int ta = g->ta ? CBLAS_TRANS : CBLAS_NO_TRANS, tb = g->tb ? CBLAS_TRANS : CBLAS_NO_TRANS;
    /* y = op(b)^T x: a library's gemv takes the matrix first */
    int rows = g->tb ? n : k, cols = g->tb ? k : n, tv = g->tb ? CBLAS_NO_TRANS : CBLAS_TRANS;

    if (g->dtype == DTYPE_F64 && as_gemv)
        library->dgemv(CBLAS_ROW_MAJOR, tv, rows, cols, g->alpha, g->b, cols, g->a, 1, g->beta,
                       g->c, 1);
    else if (g->dtype == DTYPE_F64)
        library->dgemm(CBLAS_ROW_MAJOR, ta, tb, m, n, k, g->alpha, g->a, lda, g->b, ldb,
                       g->beta, g->c, n);
    else if (as_gemv)
        library->sgemv(CBLAS_ROW_MAJOR, tv, rows, cols, (float)g->alpha, g->b, cols, g->a, 1,
                       (float)g->beta, g->c, 1);
    else
        library->sgemm(CBLAS_ROW_MAJOR, ta, tb, m, n, k, (float)g->alpha, g->a, lda, g->b, ldb,
                       (float)g->beta, g->c, n);
}

void gemm_cblas(const struct call *call, const struct gemm *g, bool as_gemv)
{
    const struct cblas *library = cblas_use(call->variant->data, call->threads);

    for (int64_t i = 0; i < g->batch; i++) {
        struct gemm one = gemm_at(g, i);

        cblas_one(library, &one, as_gemv);
    }
}

void gemm_cblas_each(const struct call *call, const struct gemm *g)
{
    const struct cblas *library = cblas_use(call->variant->data, 1);

#pragma omp parallel for num_threads(call->threads) schedule(static)
    for (int64_t i = 0; i < g->batch; i++) {
        struct gemm one = gemm_at(g, i);

        cblas_one(library, &one, false);
    }
}

/* A matrix of rows x cols elements per batch, or its transpose, as oneDNN sees it. */
static struct onednn_tensor tensor_of(const struct gemm *g, enum dtype dtype, int64_t rows,
                                      int64_t cols, bool transposed)
{
    struct onednn_tensor t = {.dtype = dtype, .rank = g->batch > 1 ? 3 : 2};
    int64_t n[] = {g->batch, rows, cols};
    int64_t stride[] = {rows * cols, transposed ? 1 : cols, transposed ? rows : 1};

    for (int i = 0; i < t.rank; i++) {
        t.n[i] = n[i + 3 - t.rank];
        t.stride[i] = stride[i + 3 - t.rank];
    }
    return t;
}

bool gemm_onednn_fits(const struct gemm *g)
{
    return !gemm_is_narrow(g->dtype) || (g->dtype == DTYPE_I8 && g->alpha == 1 && g->beta == 0);
}

int gemm_onednn_prepare(struct call *call, const struct gemm *g, bool packed, struct why *why)
{
    struct onednn_tensor a = tensor_of(g, g->dtype, g->m, g->k, g->ta);
    struct onednn_tensor b = tensor_of(g, g->dtype, g->k, g->n, g->tb), plain = b;
    struct onednn_tensor c = tensor_of(g, dtype_product(g->dtype), g->m, g->n, false);
    const void *const data[] = {g->a, packed ? NULL : g->b, g->c};
    struct onednn *p;
    int status;

    b.packed = packed;
    status = onednn_matmul(&p, &a, &b, &c, g->alpha, g->beta, call->threads, why);
    if (status)
        return status;
    call->self = p; /* release frees it, also when what follows fails */
    status = onednn_bind(p, data, why);
    return status || !packed ? status : onednn_pack(p, 1, &plain, g->b, why);
}

int gemm_clblast(const struct call *call, const struct gemm *g, int a, int b, int c,
                 struct why *why)
{
    const struct clblast_gemm product = {
        .batch = g->batch, .m = g->m, .n = g->n, .k = g->k, .ta = g->ta, .tb = g->tb,
        .alpha = g->alpha, .beta = g->beta, .a = a, .b = b, .c = c};

    return clblast_gemm(call, &product, why);
}

int gemm_cublaslt(struct call *call, const struct gemm *g, int a, int b, int c, struct why *why)
{
    const struct cublaslt_gemm product = {
        .batch = g->batch, .m = g->m, .n = g->n, .k = g->k, .ta = g->ta, .tb = g->tb,
        .alpha = g->alpha, .beta = g->beta, .a = a, .b = b, .c = c};

    return cublaslt_prepare(call, &product, why);
}

static void step_args(struct step *step, const struct gemm *g, int a, int b, int c)
{
    step_buffer(step, a);
    step_buffer(step, b);
    step_buffer(step, c);
    step_int(step, g->m);
    step_int(step, g->n);
    step_int(step, g->k);
    step_float(step, g->alpha);
    step_float(step, g->beta);
}

/* Tiles of 128 x 128 read local memory half as often; they pay when there are enough of them
 * for every compute unit to hold two. In f64 they take too many registers. */
static bool is_large(const struct gemm *g, const struct device_facts *facts)
{
    int64_t tiles = (g->m + 127) / 128 * ((g->n + 127) / 128) * g->batch;

    return g->dtype != DTYPE_F64 && !facts->is_host_processor &&
           tiles >= 2 * (int64_t)facts->compute_units;
}

int gemm_steps_tiled(const struct gemm *g, const struct device_facts *facts, int a, int b,
                     int c, struct step *step)
{
    int per = is_large(g, facts) ? 8 : 4, side = 16 * per;

    *step = (struct step){.kernel = "gemm_tiled",
                          .groups = {(g->n + side - 1) / side, (g->m + side - 1) / side, g->batch},
                          .group = {256, 1, 1}};
    snprintf(step->defines, sizeof step->defines, "-DPER=%d -DTA=%d -DTB=%d", per, g->ta, g->tb);
    step_args(step, g, a, b, c);
    return 1;
}

bool gemm_tensor_fits(const struct gemm *g)
{
    return (g->dtype == DTYPE_F16 || g->dtype == DTYPE_BF16) && g->batch <= GEMM_BATCH &&
           g->m <= INT_MAX && g->n <= INT_MAX && g->k <= INT_MAX;
}

/* How gemm.cu cuts the output: what a block makes, what a warp of it makes. */
struct tensor_tile {
    int rows, columns, warp_rows, warp_columns, stages;
};

/* Large tiles read shared memory least and pay when every compute unit gets one; a few rows
 * (decoding) need no more than one fragment of them. 48 KiB of shared memory at most. */
static struct tensor_tile tensor_tile_of(const struct gemm *g, const struct device_facts *facts)
{
    static const struct tensor_tile large = {128, 128, 64, 32, 3}, small = {64, 64, 32, 32, 4},
                                    flat = {16, 64, 16, 16, 4};
    int64_t tiles = (g->m + 127) / 128 * ((g->n + 127) / 128) * g->batch;

    return g->m <= flat.rows ? flat : tiles >= facts->compute_units ? large : small;
}

int gemm_steps_tensor(const struct gemm *g, const struct device_facts *facts, int a, int b,
                      int c, struct step *step)
{
    struct tensor_tile t = tensor_tile_of(g, facts);
    int warps = t.rows / t.warp_rows * (t.columns / t.warp_columns);
    bool is_vector = (g->ta ? g->m : g->k) % 8 == 0 && (g->tb ? g->k : g->n) % 8 == 0;

    if (!facts_have_tensor_cores(facts, g->dtype))
        return 0;
    *step = (struct step){.kernel = "gemm_tensor",
                          .groups = {(g->n + t.columns - 1) / t.columns,
                                     (g->m + t.rows - 1) / t.rows, g->batch},
                          .group = {32 * warps, 1, 1}};
    snprintf(step->defines, sizeof step->defines,
             "-DROWS=%d -DCOLUMNS=%d -DWARP_ROWS=%d -DWARP_COLUMNS=%d -DSTAGES=%d -DTA=%d "
             "-DTB=%d -DVECTOR=%d",
             t.rows, t.columns, t.warp_rows, t.warp_columns, t.stages, g->ta, g->tb, is_vector);
    step_args(step, g, a, b, c);
    return 1;
}

int gemm_steps_skinny(const struct gemm *g, int a, int b, int c, struct step *step)
{
    int rows = g->m > 4 ? 8 : g->m > 2 ? 4 : (int)g->m;
    enum { LINES = 4, GROUP = 128 };

    *step = (struct step){.kernel = "gemm_skinny",
                          .groups = {(g->n + LINES - 1) / LINES, 1, 1},
                          .group = {GROUP, 1, 1}};
    snprintf(step->defines, sizeof step->defines, "-DROWS=%d", rows);
    step_args(step, g, a, b, c);
    return 1;
}

int gemm_steps_columns(const struct gemm *g, int a, int b, int c, struct step *step)
{
    enum { COLUMNS = 32, GROUP = 256 };

    *step = (struct step){.kernel = "gemm_columns", .defines = "-DCOLUMNS",
                          .groups = {(g->n + COLUMNS - 1) / COLUMNS, 1, 1},
                          .group = {GROUP, 1, 1}};
    step_buffer(step, a);
    step_buffer(step, b);
    step_buffer(step, c);
    step_int(step, g->n);
    step_int(step, g->k);
    step_float(step, g->alpha);
    step_float(step, g->beta);
    return 1;
}
