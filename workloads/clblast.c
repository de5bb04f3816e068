/* SPDX-License-Identifier: MIT */
/* CLBlast through its C interface. The S, D and H functions differ in the type of alpha and
 * beta only, so each operation dispatches on the problem's dtype here, once. */
#include "workloads/clblast.h"

#ifndef HAVE_CLBLAST

int clblast_available(const struct variant *v, struct why *why)
{
    (void)v;
    return why_fail(why, STATUS_UNAVAILABLE,
                    "CLBlast is not built in; hint: install libclblast-dev and build again");
}

const char *clblast_version(void)
{
    return "";
}

#pragma GCC diagnostic ignored "-Wunused-parameter"
int clblast_gemm(const struct call *call, const struct clblast_gemm *g, struct why *why)
{
    return clblast_available(NULL, why);
}

int clblast_gemv(const struct call *call, const struct clblast_gemv *g, struct why *why)
{
    return clblast_available(NULL, why);
}

int clblast_reduce(const struct call *call, enum clblast_reduction kind, int64_t n, int x,
                   int y, int out, struct why *why)
{
    return clblast_available(NULL, why);
}

#else

#define CL_TARGET_OPENCL_VERSION 120
#include <clblast_c.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"

#define CLBLAST_SYMBOLS(X)                                                             \
    X(CLBlastSgemm) X(CLBlastDgemm) X(CLBlastHgemm)                                    \
    X(CLBlastSgemmStridedBatched) X(CLBlastDgemmStridedBatched)                        \
    X(CLBlastHgemmStridedBatched) X(CLBlastSgemv) X(CLBlastDgemv) X(CLBlastHgemv)      \
    X(CLBlastSdot) X(CLBlastDdot) X(CLBlastHdot) X(CLBlastSsum) X(CLBlastDsum)         \
    X(CLBlastHsum) X(CLBlastSnrm2) X(CLBlastDnrm2) X(CLBlastHnrm2) X(CLBlastSasum)     \
    X(CLBlastDasum) X(CLBlastHasum) X(CLBlastiSmax) X(CLBlastiDmax) X(CLBlastiHmax)    \
    X(CLBlastiSamax) X(CLBlastiDamax) X(CLBlastiHamax)                                 \
    /* of the OpenCL loader that CLBlast depends on */                                 \
    X(clGetCommandQueueInfo) X(clGetDeviceInfo) X(clEnqueueFillBuffer)

static struct {
#define X(name) __typeof__(&name) name;
    CLBLAST_SYMBOLS(X)
#undef X
} clblast;

static char version_text[160];

int clblast_available(const struct variant *v, struct why *why)
{
    static void *library;
    Dl_info info;
    char *path;

    (void)v;
    if (library)
        return 0;
    library = dlopen("libclblast.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "CLBlast is not installed; hint: install libclblast1");
#define X(name)                                                                        \
    *(void **)&clblast.name = dlsym(library, #name);                                   \
    if (!clblast.name) {                                                               \
        dlclose(library);                                                              \
        library = NULL;                                                                \
        return why_fail(why, STATUS_UNAVAILABLE,                                       \
                        "CLBlast cannot be used: libclblast.so.1 lacks %s", #name);    \
    }
    CLBLAST_SYMBOLS(X)
#undef X
    if (dladdr((void *)clblast.CLBlastSgemm, &info) && (path = realpath(info.dli_fname, NULL))) {
        snprintf(version_text, sizeof version_text, "%s",
                 strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
        free(path);
    }
    return 0;
}

const char *clblast_version(void)
{
    return version_text;
}

static int result(CLBlastStatusCode code, const char *what, struct why *why)
{
    if (code == CLBlastSuccess)
        return 0;
    if (code == CLBlastNoDoublePrecision || code == CLBlastNoHalfPrecision)
        return why_fail(why, STATUS_UNAVAILABLE, "the device has no %s precision for CLBlast",
                        code == CLBlastNoHalfPrecision ? "half" : "double");
    return why_fail(why,
                    code == CLBlastOpenCLOutOfResources || code == CLBlastOpenCLOutOfHostMemory ||
                            code == CLBlastTempBufferAllocFailure
                        ? STATUS_MEMORY
                        : STATUS_DEVICE,
                    "CLBlast %s failed with status %d", what, (int)code);
}

static int no_dtype(const struct call *call, struct why *why)
{
    return why_fail(why, STATUS_UNAVAILABLE, "CLBlast does not compute in %s on this device",
                    dtype_name(call->problem->dtype));
}

/* CLBlast says on stderr that a device has no f16 or f64; asking the device first is quieter. */
static bool has_dtype(const struct call *call)
{
    const char *extension = call->problem->dtype == DTYPE_F16   ? "cl_khr_fp16"
                            : call->problem->dtype == DTYPE_F64 ? "cl_khr_fp64"
                                                                : "";
    static struct { /* the latest answer: a run asks once per call */
        const void *queue;
        const char *extension;
        bool has;
    } memo;
    char extensions[8192] = "";
    cl_device_id device = NULL;

    if (call->problem->dtype == DTYPE_BF16)
        return false;
    if (memo.queue == call->queue && memo.extension == extension)
        return memo.has;
    clblast.clGetCommandQueueInfo(call->queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL);
    clblast.clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, sizeof extensions, extensions, NULL);
    memo.queue = call->queue;
    memo.extension = extension;
    memo.has = strstr(extensions, extension) != NULL;
    return memo.has;
}

static CLBlastTranspose transpose(bool t)
{
    return t ? CLBlastTransposeYes : CLBlastTransposeNo;
}

int clblast_gemm(const struct call *call, const struct clblast_gemm *g, struct why *why)
{
    cl_command_queue queue = call->queue;
    size_t m = (size_t)g->m, n = (size_t)g->n, k = (size_t)g->k, batch = (size_t)g->batch;
    size_t lda = g->ta ? m : k, ldb = g->tb ? k : n;
    cl_mem a = call->arg[g->a].handle, b = call->arg[g->b].handle, c = call->arg[g->c].handle;

/* the H functions take the bits of a half */
#define SINGLE(x) ((float)(x))
#define DOUBLE(x) ((double)(x))
#define HALF(x) half_from_float((float)(x))
#define GEMM(p, scalar)                                                                \
    batch == 1 ? clblast.CLBlast##p##gemm(                                             \
                     CLBlastLayoutRowMajor, transpose(g->ta), transpose(g->tb), m, n,  \
                     k, scalar(g->alpha), a, 0, lda, b, 0, ldb, scalar(g->beta), c, 0, \
                     n, &queue, NULL)                                                  \
               : clblast.CLBlast##p##gemmStridedBatched(                               \
                     CLBlastLayoutRowMajor, transpose(g->ta), transpose(g->tb), m, n,  \
                     k, scalar(g->alpha), a, 0, lda, m * k, b, 0, ldb, n * k,          \
                     scalar(g->beta), c, 0, n, m * n, batch, &queue, NULL)
    if (!has_dtype(call))
        return no_dtype(call, why);
    switch (call->problem->dtype) {
    case DTYPE_F32: return result(GEMM(S, SINGLE), "sgemm", why);
    case DTYPE_F64: return result(GEMM(D, DOUBLE), "dgemm", why);
    case DTYPE_F16: return result(GEMM(H, HALF), "hgemm", why);
    default: return no_dtype(call, why);
    }
}

int clblast_gemv(const struct call *call, const struct clblast_gemv *g, struct why *why)
{
    cl_command_queue queue = call->queue;
    cl_mem a = call->arg[g->a].handle, x = call->arg[g->x].handle, y = call->arg[g->y].handle;
    const cl_uchar zero = 0;

    if (!has_dtype(call))
        return no_dtype(call, why);
    /* CLBlast's gemv multiplies y by beta = 0 too: what lies there must be a number */
    if (g->beta == 0 && clblast.clEnqueueFillBuffer(queue, y, &zero, 1, 0, call->arg[g->y].bytes,
                                                    0, NULL, NULL) != CL_SUCCESS)
        return why_fail(why, STATUS_DEVICE, "cannot clear y for CLBlast's gemv");
#define GEMV(p, scalar)                                                                \
    clblast.CLBlast##p##gemv(CLBlastLayoutRowMajor, transpose(g->ta), (size_t)g->rows, \
                             (size_t)g->cols, scalar(g->alpha), a, 0, (size_t)g->cols, \
                             x, 0, 1, scalar(g->beta), y, 0, 1, &queue, NULL)
    switch (call->problem->dtype) {
    case DTYPE_F32: return result(GEMV(S, SINGLE), "sgemv", why);
    case DTYPE_F64: return result(GEMV(D, DOUBLE), "dgemv", why);
    case DTYPE_F16: return result(GEMV(H, HALF), "hgemv", why);
    default: return no_dtype(call, why);
    }
}

/* The one-vector reductions share a signature; dot has a vector more. */
#define REDUCE(p)                                                                      \
    static CLBlastStatusCode reduce_##p(enum clblast_reduction kind, size_t n,         \
                                        cl_mem out, cl_mem x, cl_mem y,                \
                                        cl_command_queue *queue)                       \
    {                                                                                  \
        switch (kind) {                                                                \
        case CLBLAST_SUM: return clblast.CLBlast##p##sum(n, out, 0, x, 0, 1, queue, NULL); \
        case CLBLAST_ASUM: return clblast.CLBlast##p##asum(n, out, 0, x, 0, 1, queue, NULL); \
        case CLBLAST_NRM2: return clblast.CLBlast##p##nrm2(n, out, 0, x, 0, 1, queue, NULL); \
        case CLBLAST_IMAX: return clblast.CLBlasti##p##max(n, out, 0, x, 0, 1, queue, NULL); \
        case CLBLAST_IAMAX: return clblast.CLBlasti##p##amax(n, out, 0, x, 0, 1, queue, NULL); \
        case CLBLAST_DOT:                                                              \
            return clblast.CLBlast##p##dot(n, out, 0, x, 0, 1, y, 0, 1, queue, NULL);  \
        }                                                                              \
        return CLBlastNotImplemented;                                                  \
    }
REDUCE(S)
REDUCE(D)
REDUCE(H)

int clblast_reduce(const struct call *call, enum clblast_reduction kind, int64_t n, int x,
                   int y, int out, struct why *why)
{
    cl_command_queue queue = call->queue;
    cl_mem mo = call->arg[out].handle, mx = call->arg[x].handle, my = call->arg[y].handle;

    if (!has_dtype(call))
        return no_dtype(call, why);
    switch (call->problem->dtype) {
    case DTYPE_F32: return result(reduce_S(kind, (size_t)n, mo, mx, my, &queue), "reduction", why);
    case DTYPE_F64: return result(reduce_D(kind, (size_t)n, mo, mx, my, &queue), "reduction", why);
    case DTYPE_F16: return result(reduce_H(kind, (size_t)n, mo, mx, my, &queue), "reduction", why);
    default: return no_dtype(call, why);
    }
}

#endif
