/* SPDX-License-Identifier: MIT */
/* A cuBLASLt for the emulated GPU: the real one brings machine code that cannot run there. It
 * multiplies with plain loops in double (integers in 64 bits) when the stream comes to it, and
 * is strict: types, shapes, strides, batches, alignment, workspace and stale descriptors are
 * checked, what remains at the end is a leak. Column-major layouts only. */
#if defined(__has_include)
#if __has_include(<cublasLt.h>)
#define HAVE_CUBLASLT
#endif
#endif

#ifdef HAVE_CUBLASLT

#include <cublasLt.h>
#include <cuda.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.c"
#include "tests/emulator/cuda/finding.c"
#include "tests/emulator/faults.h"

enum object_kind { OBJECT_FREE, OBJECT_HANDLE, OBJECT_PRODUCT, OBJECT_LAYOUT, OBJECT_PREFERENCE };

struct object {
    enum object_kind kind;
    cublasComputeType_t compute;
    cudaDataType_t type; /* of the scale, or of the elements */
    int32_t transposed[2];
    uint64_t rows, columns;
    int64_t leading, stride;
    int32_t batch;
    uint64_t workspace;
};

/* Never reused, so that what is stale is recognised. */
enum { OBJECTS = 1 << 16 };
static struct object object[OBJECTS];
static int objects;

static CUresult (*launch_host)(CUstream, CUhostFn, void *);
static CUresult (*address_range)(CUdeviceptr *, size_t *, CUdeviceptr);
static void (*tell)(CUdeviceptr, size_t, int is_write); /* what `run` touches */

static bool driver_find(void)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);

    if (!driver)
        return false;
    *(void **)&launch_host = dlsym(driver, "cuLaunchHostFunc");
    *(void **)&address_range = dlsym(driver, "cuMemGetAddressRange_v2");
    *(void **)&tell = dlsym(driver, "cuEmulatorTouch");
    return launch_host && address_range && tell;
}

static struct object *object_new(enum object_kind kind)
{
    if (objects == OBJECTS)
        abort();
    object[objects].kind = kind;
    return &object[objects++];
}

static struct object *object_check(const void *at, enum object_kind kind, const char *call)
{
    struct object *o = (struct object *)(uintptr_t)at;

    if (o >= object && o < object + objects && o->kind == kind)
        return o;
    finding("%s: %p is not what it should be, or was destroyed", call, at);
    return NULL;
}

static cublasStatus_t object_destroy(const void *at, enum object_kind kind, const char *call)
{
    struct object *o = object_check(at, kind, call);

    if (!o)
        return CUBLAS_STATUS_INVALID_VALUE;
    o->kind = OBJECT_FREE;
    return CUBLAS_STATUS_SUCCESS;
}

__attribute__((destructor)) static void end(void)
{
    int left = 0;

    for (int i = 0; i < objects; i++)
        left += object[i].kind != OBJECT_FREE;
    if (left)
        finding("leak: %d objects of cuBLASLt were never destroyed", left);
}

size_t cublasLtGetVersion(void)
{
    return 130000;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    if (!driver_find())
        return CUBLAS_STATUS_NOT_INITIALIZED;
    *handle = (cublasLtHandle_t)object_new(OBJECT_HANDLE);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    return object_destroy(handle, OBJECT_HANDLE, "cublasLtDestroy");
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *product,
                                        cublasComputeType_t compute, cudaDataType_t scale)
{
    struct object *o = object_new(OBJECT_PRODUCT);

    o->compute = compute;
    o->type = scale;
    *product = (cublasLtMatmulDesc_t)o;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product)
{
    return object_destroy(product, OBJECT_PRODUCT, "cublasLtMatmulDescDestroy");
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product,
                                              cublasLtMatmulDescAttributes_t name,
                                              const void *value, size_t bytes)
{
    struct object *o = object_check(product, OBJECT_PRODUCT, "cublasLtMatmulDescSetAttribute");
    int32_t operation;

    if (!o || bytes != sizeof operation)
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(&operation, value, sizeof operation);
    if (name != CUBLASLT_MATMUL_DESC_TRANSA && name != CUBLASLT_MATMUL_DESC_TRANSB)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    o->transposed[name == CUBLASLT_MATMUL_DESC_TRANSB] = operation != CUBLAS_OP_N;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType_t type,
                                          uint64_t rows, uint64_t columns, int64_t leading)
{
    struct object *o = object_new(OBJECT_LAYOUT);

    o->type = type;
    o->rows = rows;
    o->columns = columns;
    o->leading = leading;
    o->batch = 1;
    *layout = (cublasLtMatrixLayout_t)o;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    return object_destroy(layout, OBJECT_LAYOUT, "cublasLtMatrixLayoutDestroy");
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t name,
                                                const void *value, size_t bytes)
{
    struct object *o = object_check(layout, OBJECT_LAYOUT, "cublasLtMatrixLayoutSetAttribute");

    if (!o)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (name == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT && bytes == sizeof o->batch)
        memcpy(&o->batch, value, bytes);
    else if (name == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET && bytes == sizeof o->stride)
        memcpy(&o->stride, value, bytes);
    else
        return CUBLAS_STATUS_INVALID_VALUE;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference)
{
    *preference = (cublasLtMatmulPreference_t)object_new(OBJECT_PREFERENCE);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference)
{
    return object_destroy(preference, OBJECT_PREFERENCE, "cublasLtMatmulPreferenceDestroy");
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t name,
                                                    const void *value, size_t bytes)
{
    struct object *o =
        object_check(preference, OBJECT_PREFERENCE, "cublasLtMatmulPreferenceSetAttribute");

    if (!o || name != CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES || bytes != sizeof o->workspace)
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(&o->workspace, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

/* ---- what fits together -------------------------------------------------------------------- */

/* Compute type, scale, inputs, output: rows of the manual's table, and from which compute
 * capability on a GPU has them. */
static const struct {
    cublasComputeType_t compute;
    cudaDataType_t scale, in, out;
    int capability;
} types[] = {
    {CUBLAS_COMPUTE_64F, CUDA_R_64F, CUDA_R_64F, CUDA_R_64F, 0},
    {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, 0},
    {CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, 0},
    {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16F, CUDA_R_16F, 0},
    {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16F, CUDA_R_32F, 0},
    {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16BF, CUDA_R_16BF, 0},
    {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16BF, CUDA_R_32F, 0},
    {CUBLAS_COMPUTE_32I, CUDA_R_32I, CUDA_R_8I, CUDA_R_32I, 0},
    {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_8F_E4M3, CUDA_R_16BF, 89},
    {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_8F_E4M3, CUDA_R_16F, 89},
    {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_8F_E4M3, CUDA_R_32F, 89},
};

static int capability(void)
{
    const char *text = getenv(EMULATED_CAPABILITY);

    return text && *text ? atoi(text) : 80;
}

static bool are_types_known(const struct object *p, const struct object *a,
                            const struct object *b, const struct object *c)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].compute == p->compute && types[i].scale == p->type &&
            types[i].in == a->type && types[i].in == b->type && types[i].out == c->type &&
            types[i].capability <= capability())
            return true;
    return false;
}

/* Tensor cores for 8 bits want the first operand transposed, the second not, and lengths in
 * fours (integers) or sixteens. */
static bool is_shape_known(const struct object *p, const struct object *a, const struct object *c)
{
    uint64_t k = p->transposed[0] ? a->rows : a->columns;
    uint64_t unit = p->compute == CUBLAS_COMPUTE_32I ? 4 : 16;

    return (p->compute != CUBLAS_COMPUTE_32I && a->type != CUDA_R_8F_E4M3) ||
           (p->transposed[0] && !p->transposed[1] && k % unit == 0 && c->rows % unit == 0 &&
            a->leading % (int64_t)unit == 0);
}

static bool is_layout_sound(const struct object *o, const char *name)
{
    if (o->rows && o->columns && o->leading >= (int64_t)o->rows && o->batch > 0 &&
        (o->batch == 1 || o->stride >= o->leading * (int64_t)(o->columns - 1) + (int64_t)o->rows))
        return true;
    finding("cuBLASLt: %s is %llu x %llu, leading %lld, %d of them %lld apart", name,
            (unsigned long long)o->rows, (unsigned long long)o->columns, (long long)o->leading,
            o->batch, (long long)o->stride);
    return false;
}

struct operands {
    struct object *product, *a, *b, *c, *d;
};

static cublasStatus_t operands_check(struct operands *o, const char *call)
{
    const int *t;

    o->product = object_check(o->product, OBJECT_PRODUCT, call);
    o->a = object_check(o->a, OBJECT_LAYOUT, call);
    o->b = object_check(o->b, OBJECT_LAYOUT, call);
    o->c = object_check(o->c, OBJECT_LAYOUT, call);
    o->d = object_check(o->d, OBJECT_LAYOUT, call);
    if (!o->product || !o->a || !o->b || !o->c || !o->d || !is_layout_sound(o->a, "A") ||
        !is_layout_sound(o->b, "B") || !is_layout_sound(o->c, "C") || !is_layout_sound(o->d, "D"))
        return CUBLAS_STATUS_INVALID_VALUE;
    t = o->product->transposed;
    if ((t[0] ? o->a->columns : o->a->rows) != o->d->rows ||
        (t[1] ? o->b->rows : o->b->columns) != o->d->columns ||
        (t[0] ? o->a->rows : o->a->columns) != (t[1] ? o->b->columns : o->b->rows) ||
        o->c->rows != o->d->rows || o->c->columns != o->d->columns || o->c->type != o->d->type ||
        o->a->batch != o->d->batch || o->b->batch != o->d->batch || o->c->batch != o->d->batch) {
        finding("%s: the shapes of A, B, C and D do not fit together", call);
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    return are_types_known(o->product, o->a, o->b, o->d) &&
                   is_shape_known(o->product, o->a, o->d)
               ? CUBLAS_STATUS_SUCCESS
               : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t handle, cublasLtMatmulDesc_t product, cublasLtMatrixLayout_t a,
    cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
    cublasLtMatmulPreference_t preference, int asked, cublasLtMatmulHeuristicResult_t *choice,
    int *found)
{
    static const char call[] = "cublasLtMatmulAlgoGetHeuristic";
    struct operands o = {(struct object *)product, (struct object *)a, (struct object *)b,
                         (struct object *)c, (struct object *)d};
    struct object *p = object_check(preference, OBJECT_PREFERENCE, call);
    cublasStatus_t status = operands_check(&o, call);

    *found = 0;
    if (!object_check(handle, OBJECT_HANDLE, call) || !p || asked < 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (status)
        return status;
    memset(choice, 0, sizeof *choice);
    choice->algo.data[0] = (uint64_t)(uintptr_t)o.product; /* made for this product */
    choice->workspaceSize = p->workspace < 1024 ? p->workspace : 1024;
    choice->state = CUBLAS_STATUS_SUCCESS;
    choice->wavesCount = 1;
    *found = 1;
    return CUBLAS_STATUS_SUCCESS;
}

/* ---- the product ------------------------------------------------------------------------------ */

struct job {
    struct object product, a, b, c, d;
    const void *at_a, *at_b, *at_c;
    void *at_d;
    double alpha, beta;
    struct job *next;
};

static struct job *jobs; /* all of them: a graph may run one again */

static double value_get(cudaDataType_t type, bool is_tf32, const void *at, int64_t i)
{
    uint32_t bits;
    float single;

    switch ((int)type) {
    case CUDA_R_64F: return ((const double *)at)[i];
    case CUDA_R_16F: return (double)float_from_half(((const uint16_t *)at)[i]);
    case CUDA_R_16BF: return (double)float_from_bfloat(((const uint16_t *)at)[i]);
    case CUDA_R_8I: return ((const int8_t *)at)[i];
    case CUDA_R_8F_E4M3: return (double)float_from_e4m3(((const uint8_t *)at)[i]);
    case CUDA_R_32I: return ((const int32_t *)at)[i];
    }
    memcpy(&bits, (const float *)at + i, sizeof bits);
    bits &= is_tf32 ? ~0x1fffu : ~0u; /* the hardware drops the low bits */
    memcpy(&single, &bits, sizeof single);
    return (double)single;
}

static void value_set(cudaDataType_t type, void *at, int64_t i, double value)
{
    switch ((int)type) {
    case CUDA_R_64F: ((double *)at)[i] = value; break;
    case CUDA_R_16F: ((uint16_t *)at)[i] = half_from_float((float)value); break;
    case CUDA_R_16BF: ((uint16_t *)at)[i] = bfloat_from_float((float)value); break;
    case CUDA_R_32I: ((int32_t *)at)[i] = (int32_t)value; break;
    default: ((float *)at)[i] = (float)value;
    }
}

static void multiply(const struct job *j, int64_t batch, int64_t row, int64_t column)
{
    const int32_t *t = j->product.transposed;
    bool is_tf32 = j->product.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    int64_t k = (int64_t)(t[0] ? j->a.rows : j->a.columns);
    int64_t at = batch * j->d.stride + column * j->d.leading + row;
    double sum = 0;

    for (int64_t i = 0; i < k; i++)
        sum += value_get(j->a.type, is_tf32, j->at_a,
                         batch * j->a.stride +
                             (t[0] ? row * j->a.leading + i : i * j->a.leading + row)) *
               value_get(j->b.type, is_tf32, j->at_b,
                         batch * j->b.stride +
                             (t[1] ? i * j->b.leading + column : column * j->b.leading + i));
    sum *= j->alpha;
    if (j->beta != 0)
        sum += j->beta * value_get(j->c.type, false, j->at_c,
                                   batch * j->c.stride + column * j->c.leading + row);
    value_set(j->d.type, j->at_d, at, sum);
}

static size_t type_bytes(cudaDataType_t type)
{
    return type == CUDA_R_64F ? 8 : type == CUDA_R_8I || type == CUDA_R_8F_E4M3 ? 1
           : type == CUDA_R_16F || type == CUDA_R_16BF ? 2 : 4;
}

static size_t layout_bytes(const struct object *o)
{
    int64_t last = (o->batch - 1) * o->stride + (int64_t)(o->columns - 1) * o->leading +
                   (int64_t)o->rows;

    return (size_t)last * type_bytes(o->type);
}

/* The stream has come to it; a graph may come again, so the job is kept. */
static void CUDA_CB run(void *self)
{
    const struct job *j = self;

    for (int64_t batch = 0; batch < j->d.batch; batch++)
        for (uint64_t column = 0; column < j->d.columns; column++)
            for (uint64_t row = 0; row < j->d.rows; row++)
                multiply(j, batch, (int64_t)row, (int64_t)column);
    tell((CUdeviceptr)(uintptr_t)j->at_a, layout_bytes(&j->a), 0);
    tell((CUdeviceptr)(uintptr_t)j->at_b, layout_bytes(&j->b), 0);
    tell((CUdeviceptr)(uintptr_t)j->at_d, layout_bytes(&j->d), 1);
}

/* The matrix lies in one allocation, aligned as the heuristic assumes (256 bytes). */
static bool is_reachable(const struct object *o, const void *at, const char *name)
{
    CUdeviceptr address = (CUdeviceptr)(uintptr_t)at, base;
    size_t bytes = layout_bytes(o), whole;

    if (address_range(&base, &whole, address) == CUDA_SUCCESS && address + bytes <= base + whole &&
        address % 256 == 0)
        return true;
    finding("cublasLtMatmul: %s at %p: %zu bytes are not all there, or not aligned to 256", name,
            at, bytes);
    return false;
}

static double scale_get(cudaDataType_t type, const void *at)
{
    return type == CUDA_R_64F   ? *(const double *)at
           : type == CUDA_R_32I ? *(const int32_t *)at
                                : (double)*(const float *)at;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t product,
                              const void *alpha, const void *at_a, cublasLtMatrixLayout_t a,
                              const void *at_b, cublasLtMatrixLayout_t b, const void *beta,
                              const void *at_c, cublasLtMatrixLayout_t c, void *at_d,
                              cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t *algorithm,
                              void *workspace, size_t workspace_bytes, cudaStream_t stream)
{
    struct operands o = {(struct object *)product, (struct object *)a, (struct object *)b,
                         (struct object *)c, (struct object *)d};
    struct object space = {.type = CUDA_R_8I, .rows = workspace_bytes, .columns = 1,
                           .leading = (int64_t)workspace_bytes, .batch = 1};
    cublasStatus_t status = operands_check(&o, "cublasLtMatmul");
    struct job *job;

    if (!object_check(handle, OBJECT_HANDLE, "cublasLtMatmul") || status)
        return status ? status : CUBLAS_STATUS_INVALID_VALUE;
    if (algorithm && algorithm->data[0] != (uint64_t)(uintptr_t)product) {
        finding("cublasLtMatmul: the algorithm was chosen for another product");
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (!is_reachable(o.a, at_a, "A") || !is_reachable(o.b, at_b, "B") ||
        !is_reachable(o.d, at_d, "D") ||
        (workspace_bytes && !is_reachable(&space, workspace, "the workspace")))
        return CUBLAS_STATUS_INVALID_VALUE;
    job = calloc(1, sizeof *job);
    *job = (struct job){*o.product, *o.a, *o.b, *o.c, *o.d, at_a, at_b, at_c, at_d,
                        scale_get(o.product->type, alpha), scale_get(o.product->type, beta),
                        jobs};
    jobs = job;
    if (job->beta != 0 && !is_reachable(o.c, at_c, "C"))
        return CUBLAS_STATUS_INVALID_VALUE;
    return launch_host((CUstream)stream, run, job) == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS
                                                                   : CUBLAS_STATUS_EXECUTION_FAILED;
}

#endif
