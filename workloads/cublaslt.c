/* SPDX-License-Identifier: MIT */
/* cuBLASLt thinks in columns: our row-major c is its transpose, so that it is asked for
 * c' = op(b)' op(a)', with the operands exchanged and nothing moved. A matrix stored [r,s] by
 * rows is one of s x r by columns. */
#include "workloads/cublaslt.h"

#if defined(HAVE_CUDA) && __has_include(<cublasLt.h>)
#define HAVE_CUBLASLT
#endif

size_t cublaslt_scratch_bytes(const struct problem *p, const struct device_facts *facts)
{
    (void)p;
    (void)facts;
    return (size_t)32 << 20;
}

#ifndef HAVE_CUBLASLT

int cublaslt_available(const struct variant *v, struct why *why)
{
    (void)v;
    return why_fail(why, STATUS_UNAVAILABLE,
                    "cuBLASLt is not built in; hint: install the CUDA toolkit with cuBLAS and "
                    "build again");
}

const char *cublaslt_version(void)
{
    return "";
}

#pragma GCC diagnostic ignored "-Wunused-parameter"
int cublaslt_prepare(struct call *call, const struct cublaslt_gemm *g, struct why *why)
{
    return cublaslt_available(NULL, why);
}

int cublaslt_run(struct call *call, struct why *why)
{
    return cublaslt_available(NULL, why);
}

void cublaslt_release(struct call *call)
{
}

#else

#include <cublasLt.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define CUBLASLT_SYMBOLS(X)                                                            \
    X(cublasLtCreate) X(cublasLtDestroy) X(cublasLtGetVersion)                         \
    X(cublasLtMatmulDescCreate) X(cublasLtMatmulDescDestroy)                           \
    X(cublasLtMatmulDescSetAttribute) X(cublasLtMatrixLayoutCreate)                    \
    X(cublasLtMatrixLayoutDestroy) X(cublasLtMatrixLayoutSetAttribute)                 \
    X(cublasLtMatmulPreferenceCreate) X(cublasLtMatmulPreferenceDestroy)               \
    X(cublasLtMatmulPreferenceSetAttribute) X(cublasLtMatmulAlgoGetHeuristic)          \
    X(cublasLtMatmul)

static struct {
#define X(name) __typeof__(&name) name;
    CUBLASLT_SYMBOLS(X)
#undef X
} lt;

static char version_text[32];

static void *open_in(const char *home, const char *folder)
{
    static const char *const name[] = {"libcublasLt.so", "libcublasLt.so.13", "libcublasLt.so.12",
                                       "libcublasLt.so.11"};
    void *library = NULL;

    for (size_t n = 0; home && n < sizeof name / sizeof *name && !library; n++) {
        char path[400];

        snprintf(path, sizeof path, "%s%s%s", home, folder, name[n]);
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    return library;
}

/* Where the dynamic linker looks, then the toolkits' own folders. */
static void *open_library(void)
{
    const char *const home[] = {getenv("CUDA_HOME"), OFFLOAD_BENCH_CUDA_HOME};
    void *library = open_in("", "");

    for (size_t i = 0; i < sizeof home / sizeof *home && !library; i++) {
        library = open_in(home[i], "/lib64/");
        library = library ? library : open_in(home[i], "/lib/");
    }
    return library;
}

int cublaslt_available(const struct variant *v, struct why *why)
{
    static void *library;
    size_t version;

    (void)v;
    if (library)
        return 0;
    library = open_library();
    if (!library)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "cuBLASLt is not installed (no libcublasLt.so); hint: install libcublas "
                        "of the CUDA toolkit");
#define X(name)                                                                        \
    *(void **)&lt.name = dlsym(library, #name);                                        \
    if (!lt.name) {                                                                    \
        dlclose(library);                                                              \
        library = NULL;                                                                \
        return why_fail(why, STATUS_UNAVAILABLE,                                       \
                        "cuBLASLt cannot be used: libcublasLt.so lacks %s", #name);    \
    }
    CUBLASLT_SYMBOLS(X)
#undef X
    version = lt.cublasLtGetVersion(); /* 130100 is 13.1.0 */
    snprintf(version_text, sizeof version_text, "%zu.%zu.%zu", version / 10000,
             version / 100 % 100, version % 100);
    return 0;
}

const char *cublaslt_version(void)
{
    return version_text;
}

/* Everything that a product needs again at each call. */
struct plan {
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t first, second, out; /* b, a, c as the library sees them */
    cublasLtMatmulHeuristicResult_t choice;
    double wide[2]; /* alpha, beta for f64 */
    int32_t whole[2]; /* for i8 */
    float narrow[2]; /* for all others */
    struct cublaslt_gemm gemm;
};

/* Alpha (0) or beta (1) in the type that goes with the problem's. */
static const void *factor_of(const struct plan *p, enum dtype dtype, int which)
{
    return dtype == DTYPE_F64  ? (const void *)&p->wide[which]
           : dtype == DTYPE_I8 ? (const void *)&p->whole[which]
                               : (const void *)&p->narrow[which];
}

static int result(cublasStatus_t code, const char *what, struct why *why)
{
    switch (code) {
    case CUBLAS_STATUS_SUCCESS: return 0;
    case CUBLAS_STATUS_NOT_SUPPORTED:
    case CUBLAS_STATUS_ARCH_MISMATCH:
        return why_fail(why, STATUS_UNAVAILABLE,
                        "cuBLASLt %s has nothing for this problem on this device (%s)",
                        version_text, what);
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return why_fail(why, STATUS_UNAVAILABLE,
                        "cuBLASLt %s does not start on this driver or device (%s); hint: its "
                        "version must not be newer than the driver's CUDA", version_text, what);
    default:
        return why_fail(why, code == CUBLAS_STATUS_ALLOC_FAILED ? STATUS_MEMORY : STATUS_DEVICE,
                        "cuBLASLt %s failed with status %d", what, (int)code);
    }
}

static cudaDataType_t type_of(enum dtype dtype)
{
    static const cudaDataType_t type[DTYPES] = {
        [DTYPE_F32] = CUDA_R_32F, [DTYPE_F64] = CUDA_R_64F, [DTYPE_F16] = CUDA_R_16F,
        [DTYPE_BF16] = CUDA_R_16BF, [DTYPE_I8] = CUDA_R_8I, [DTYPE_I32] = CUDA_R_32I,
        [DTYPE_E4M3] = CUDA_R_8F_E4M3,
    };

    return type[dtype];
}

/* Of alpha and beta. */
static cudaDataType_t scale_type_of(enum dtype dtype)
{
    return dtype == DTYPE_F64  ? CUDA_R_64F
           : dtype == DTYPE_I8 ? CUDA_R_32I
                               : CUDA_R_32F;
}

/* CUBLAS_COMPUTE_32F never takes tf32. */
static cublasComputeType_t compute_of(const struct call *call)
{
    return call->problem->dtype == DTYPE_F64  ? CUBLAS_COMPUTE_64F
           : call->problem->dtype == DTYPE_I8 ? CUBLAS_COMPUTE_32I
           : call->variant->roundoff > 0      ? CUBLAS_COMPUTE_32F_FAST_TF32
                                              : CUBLAS_COMPUTE_32F;
}

static cublasStatus_t make_product(struct plan *p, const struct call *call)
{
    cublasOperation_t first = p->gemm.tb ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasOperation_t second = p->gemm.ta ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasStatus_t status = lt.cublasLtMatmulDescCreate(&p->product, compute_of(call),
                                                        scale_type_of(call->problem->dtype));

    if (!status)
        status = lt.cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_TRANSA,
                                                   &first, sizeof first);
    if (!status)
        status = lt.cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_TRANSB,
                                                   &second, sizeof second);
    return status;
}

/* `batch` matrices stored [rows, columns] by rows. */
static cublasStatus_t make_layout(cublasLtMatrixLayout_t *layout, enum dtype dtype,
                                  int64_t rows, int64_t columns, int64_t batch)
{
    int32_t count = (int32_t)batch;
    int64_t stride = rows * columns;
    cublasStatus_t status = lt.cublasLtMatrixLayoutCreate(layout, type_of(dtype),
                                                          (uint64_t)columns, (uint64_t)rows,
                                                          columns);

    if (!status && batch > 1)
        status = lt.cublasLtMatrixLayoutSetAttribute(
            *layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count);
    if (!status && batch > 1)
        status = lt.cublasLtMatrixLayoutSetAttribute(
            *layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride);
    return status;
}

static cublasStatus_t make_layouts(struct plan *p, enum dtype dtype)
{
    const struct cublaslt_gemm *g = &p->gemm;
    cublasStatus_t status = make_layout(&p->first, dtype, g->tb ? g->n : g->k,
                                        g->tb ? g->k : g->n, g->batch);

    if (!status)
        status = make_layout(&p->second, dtype, g->ta ? g->k : g->m, g->ta ? g->m : g->k,
                             g->batch);
    return status ? status
                  : make_layout(&p->out, dtype_product(dtype), g->m, g->n, g->batch);
}

/* The library's first choice among the algorithms whose workspace fits the scratch. */
static cublasStatus_t choose(struct plan *p, size_t workspace_bytes)
{
    cublasLtMatmulPreference_t preference = NULL;
    cublasStatus_t status = lt.cublasLtMatmulPreferenceCreate(&preference);
    int found = 0;

    if (!status)
        status = lt.cublasLtMatmulPreferenceSetAttribute(
            preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes,
            sizeof workspace_bytes);
    if (!status)
        status = lt.cublasLtMatmulAlgoGetHeuristic(p->handle, p->product, p->first, p->second,
                                                   p->out, p->out, preference, 1, &p->choice,
                                                   &found);
    if (preference)
        lt.cublasLtMatmulPreferenceDestroy(preference);
    if (!status && found == 0)
        status = CUBLAS_STATUS_NOT_SUPPORTED;
    return status ? status : p->choice.state;
}

/* Where the library has nothing for 8 bits, what it has. */
static const char *narrow_hint(enum dtype dtype)
{
    return dtype == DTYPE_I8     ? "; hint: i8 wants ta=n tb=t, n and k in fours"
           : dtype == DTYPE_E4M3 ? "; hint: e4m3 (fp8) wants compute capability 8.9, ta=n tb=t, n "
                                   "and k in sixteens"
                                 : "";
}

/* The plan's algorithm. */
static int plan_choose(struct plan *p, const struct call *call, struct why *why)
{
    cublasStatus_t status = choose(p, call->scratch.bytes);

    if (status != CUBLAS_STATUS_NOT_SUPPORTED && status != CUBLAS_STATUS_ARCH_MISMATCH)
        return result(status, "cublasLtMatmulAlgoGetHeuristic", why);
    return why_fail(why, STATUS_UNAVAILABLE,
                    "cuBLASLt %s has nothing for this problem on this device%s", version_text,
                    narrow_hint(call->problem->dtype));
}

int cublaslt_prepare(struct call *call, const struct cublaslt_gemm *g, struct why *why)
{
    struct plan *p = call->self = calloc(1, sizeof *p); /* released also when what follows fails */
    int status;

    if (!p)
        return why_fail(why, STATUS_MEMORY, "out of memory");
    p->gemm = *g;
    p->wide[0] = g->alpha;
    p->wide[1] = g->beta;
    p->narrow[0] = (float)g->alpha;
    p->narrow[1] = (float)g->beta;
    p->whole[0] = (int32_t)g->alpha;
    p->whole[1] = (int32_t)g->beta;
    status = result(lt.cublasLtCreate(&p->handle), "cublasLtCreate", why);
    if (!status)
        status = result(make_product(p, call), "cublasLtMatmulDescCreate", why);
    if (!status)
        status = result(make_layouts(p, call->problem->dtype), "cublasLtMatrixLayoutCreate", why);
    return status ? status : plan_choose(p, call, why);
}

int cublaslt_run(struct call *call, struct why *why)
{
    const struct plan *p = call->self;
    const struct buffer *arg = call->arg;
    const void *alpha = factor_of(p, call->problem->dtype, 0);
    const void *beta = factor_of(p, call->problem->dtype, 1);
    void *out = arg[p->gemm.c].handle;

    return result(lt.cublasLtMatmul(p->handle, p->product, alpha, arg[p->gemm.b].handle, p->first,
                                    arg[p->gemm.a].handle, p->second, beta, out, p->out, out,
                                    p->out, &p->choice.algo, call->scratch.handle,
                                    p->choice.workspaceSize, (cudaStream_t)call->queue),
                  "cublasLtMatmul", why);
}

void cublaslt_release(struct call *call)
{
    struct plan *p = call->self;

    if (!p)
        return;
    if (p->first)
        lt.cublasLtMatrixLayoutDestroy(p->first);
    if (p->second)
        lt.cublasLtMatrixLayoutDestroy(p->second);
    if (p->out)
        lt.cublasLtMatrixLayoutDestroy(p->out);
    if (p->product)
        lt.cublasLtMatmulDescDestroy(p->product);
    if (p->handle)
        lt.cublasLtDestroy(p->handle);
    free(p);
    call->self = NULL;
}

#endif
