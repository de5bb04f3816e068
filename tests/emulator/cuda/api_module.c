/* SPDX-License-Identifier: MIT */
/* Modules of PTX, their functions, and launches with every limit checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/emulator/cuda/driver.h"
#include "tests/emulator/cuda/finding.h"
#include "tests/emulator/faults.h"

enum { SHARED_DEFAULT = 48 << 10, SHARED_OPT_IN = 163 << 10 };

static void log_write(unsigned int options, CUjit_option *option, void **value, const char *text)
{
    char *buffer = NULL;
    size_t size = 0;

    for (unsigned int i = 0; i < options; i++) {
        if (option[i] == CU_JIT_ERROR_LOG_BUFFER)
            buffer = value[i];
        if (option[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
            size = (size_t)(uintptr_t)value[i];
    }
    if (buffer && size)
        snprintf(buffer, size, "%s", text);
}

/* PTX for a newer architecture is refused, machine code cannot run here. */
static CUresult image_check(const char *image, char *message, size_t size)
{
    const char *target, *version;
    int sm = 0, major = 0, minor = 0;

    if (memcmp(image, "\x7f" "ELF", 4) == 0 || memcmp(image, "\x50\xed\x55\xba", 4) == 0) {
        snprintf(message, size, "machine code (a cubin) cannot run on the emulated GPU; load PTX");
        return CUDA_ERROR_NO_BINARY_FOR_GPU;
    }
    target = strstr(image, ".target");
    version = strstr(image, ".version ");
    if (!target || sscanf(target, ".target sm_%d", &sm) != 1) {
        snprintf(message, size, "no PTX: there is no .target");
        return CUDA_ERROR_INVALID_IMAGE;
    }
    if (version && sscanf(version, ".version %d.%d", &major, &minor) == 2 &&
        10 * major + minor > setting(EMULATED_PTX, 999)) {
        snprintf(message, size, "PTX %d.%d is newer than the driver", major, minor);
        return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    }
    if (sm > setting(EMULATED_CAPABILITY, 80)) {
        snprintf(message, size, "PTX for sm_%d is newer than the GPU", sm);
        return CUDA_ERROR_INVALID_PTX;
    }
    return CUDA_SUCCESS;
}

static CUresult module_load(CUmodule *module, const char *image, char *message, size_t size)
{
    CUresult result = image_check(image, message, size);
    struct handle *h;
    struct ptx *ptx;

    if (result != CUDA_SUCCESS)
        return result;
    ptx = ptx_load(image);
    if (!ptx)
        return CUDA_ERROR_OUT_OF_MEMORY;
    if (ptx->error[0]) {
        snprintf(message, size, "%s", ptx->error);
        ptx_free(ptx);
        return CUDA_ERROR_INVALID_PTX;
    }
    h = handle_new(HANDLE_MODULE);
    h->ptx = ptx;
    *module = (CUmodule)h;
    return CUDA_SUCCESS;
}

static CUresult image_load(CUmodule *module, const void *image, unsigned int options,
                           CUjit_option *option, void **value)
{
    char message[700] = "";
    CUresult result;

    if (!module || !image)
        return CUDA_ERROR_INVALID_VALUE;
    result = module_load(module, image, message, sizeof message);
    if (result != CUDA_SUCCESS) {
        log_write(options, option, value, message);
        if (result != CUDA_ERROR_NO_BINARY_FOR_GPU &&
            result != CUDA_ERROR_UNSUPPORTED_PTX_VERSION) /* which a program may try */
            finding("cuModuleLoadData: %s", message);
    }
    return result;
}

CUresult CUDAAPI cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned int options,
                                    CUjit_option *option, void **value)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(image_load(module, image, options, option, value));
}

CUresult CUDAAPI cuModuleLoadData(CUmodule *module, const void *image)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(image_load(module, image, 0, NULL, NULL));
}

static struct handle *unloading;

static void drop_function(struct handle *h)
{
    if (h->kind == HANDLE_FUNCTION && h->parent == unloading)
        handle_drop(h);
}

CUresult CUDAAPI cuModuleUnload(CUmodule module)
{
    ENTER(NEED_CONTEXT);
    unloading = handle_check(module, HANDLE_MODULE, "cuModuleUnload");
    if (!unloading)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    if (queue_uses(unloading)) {
        finding("cuModuleUnload: a kernel of the module was launched and not waited for");
        queue_drain(unloading->device);
    }
    handle_visit(unloading->device, drop_function);
    handle_drop(unloading);
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name)
{
    struct handle *m, *h;

    ENTER(NEED_CONTEXT);
    m = handle_check(module, HANDLE_MODULE, "cuModuleGetFunction");
    if (!m)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    for (int k = 0; k < m->ptx->kernels; k++)
        if (strcmp(m->ptx->kernel[k].name, name) == 0) {
            h = handle_new(HANDLE_FUNCTION);
            h->parent = m;
            h->kernel = &m->ptx->kernel[k];
            *function = (CUfunction)h;
            return driver_leave(CUDA_SUCCESS);
        }
    return driver_leave(CUDA_ERROR_NOT_FOUND);
}

CUresult CUDAAPI cuModuleGetGlobal(CUdeviceptr *at, size_t *bytes, CUmodule module,
                                   const char *name)
{
    struct handle *m;

    ENTER(NEED_CONTEXT);
    m = handle_check(module, HANDLE_MODULE, "cuModuleGetGlobal");
    if (!m)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    for (int v = 0; v < m->ptx->variables; v++) {
        const struct variable *variable = &m->ptx->variable[v];

        if (strcmp(variable->name, name) || variable->space == SPACE_SHARED)
            continue;
        if (at)
            *at = variable->offset;
        if (bytes)
            *bytes = (size_t)variable->bytes;
        return driver_leave(CUDA_SUCCESS);
    }
    return driver_leave(CUDA_ERROR_NOT_FOUND);
}

CUresult CUDAAPI cuFuncGetAttribute(int *value, CUfunction_attribute name, CUfunction function)
{
    struct handle *f;
    int registers;

    ENTER(NEED_CONTEXT);
    f = handle_check(function, HANDLE_FUNCTION, "cuFuncGetAttribute");
    if (!f)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    registers = f->kernel->registers / 4 + 16; /* virtual registers share real ones */
    switch (name) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *value = (int)f->kernel->block_limit; break;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: *value = (int)f->kernel->shared_bytes; break;
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES: *value = (int)f->kernel->local_bytes; break;
    case CU_FUNC_ATTRIBUTE_NUM_REGS: *value = registers < 64 ? registers : 64; break;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION: *value = (int)setting(EMULATED_CAPABILITY, 80); break;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
        *value = f->dynamic_limit ? f->dynamic_limit
                                  : SHARED_DEFAULT - (int)f->kernel->shared_bytes;
        break;
    default: *value = 0;
    }
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuFuncSetAttribute(CUfunction function, CUfunction_attribute name, int value)
{
    struct handle *f;

    ENTER(NEED_CONTEXT);
    f = handle_check(function, HANDLE_FUNCTION, "cuFuncSetAttribute");
    if (!f)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    if (name == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) {
        if (value < 0 || value + f->kernel->shared_bytes > SHARED_OPT_IN)
            return driver_leave(CUDA_ERROR_INVALID_VALUE);
        f->dynamic_limit = value;
    }
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuFuncSetCacheConfig(CUfunction function, CUfunc_cache config)
{
    (void)config;
    ENTER(NEED_CONTEXT);
    return driver_leave(handle_check(function, HANDLE_FUNCTION, "cuFuncSetCacheConfig")
                            ? CUDA_SUCCESS
                            : CUDA_ERROR_INVALID_HANDLE);
}

CUresult CUDAAPI cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction function,
                                                             int threads, size_t dynamic)
{
    struct handle *f;
    size_t shared;

    ENTER(NEED_CONTEXT);
    f = handle_check(function, HANDLE_FUNCTION, "cuOccupancyMaxActiveBlocksPerMultiprocessor");
    if (!f || threads <= 0)
        return driver_leave(f ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE);
    shared = 1024 + (size_t)f->kernel->shared_bytes + dynamic;
    *blocks = 2048 / threads < 32 ? 2048 / threads : 32;
    if ((164u << 10) / shared < (size_t)*blocks)
        *blocks = (int)((164u << 10) / shared);
    return driver_leave(CUDA_SUCCESS);
}

/* ---- launch ------------------------------------------------------------------------------ */

static CUresult launch_check(const struct handle *f, const struct work *w)
{
    const struct kernel *k = f->kernel;
    uint64_t threads = (uint64_t)w->block[0] * w->block[1] * w->block[2];
    int64_t shared = k->shared_bytes + w->dynamic_bytes;

    if (!threads || !w->grid[0] || !w->grid[1] || !w->grid[2] || w->grid[0] > 0x7fffffffu ||
        w->grid[1] > 65535 || w->grid[2] > 65535 || w->block[0] > 1024 || w->block[1] > 1024 ||
        w->block[2] > 64 || threads > 1024) {
        finding("cuLaunchKernel: %s: a grid of %u x %u x %u blocks of %u x %u x %u threads",
                k->name, w->grid[0], w->grid[1], w->grid[2], w->block[0], w->block[1],
                w->block[2]);
        return CUDA_ERROR_INVALID_VALUE;
    }
    if ((int64_t)threads > k->block_limit ||
        (k->is_block_required && (int64_t)threads != k->block_limit)) {
        finding("cuLaunchKernel: %s: %llu threads where the kernel was compiled for %lld",
                k->name, (unsigned long long)threads, (long long)k->block_limit);
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (shared > SHARED_DEFAULT && (int64_t)w->dynamic_bytes > f->dynamic_limit) {
        finding("cuLaunchKernel: %s: %lld bytes of shared memory without opting in", k->name,
                (long long)shared);
        return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}

/* The parameters in one block, as the kernel reads them. */
static CUresult params_gather(const struct kernel *k, void **params, void **extra, uint8_t *to)
{
    const void *buffer = NULL;
    size_t bytes = 0;

    if (params) {
        for (int p = 0; p < k->params; p++) {
            if (!params[p])
                return CUDA_ERROR_INVALID_VALUE;
            memcpy(to + k->param[p].offset, params[p], (size_t)k->param[p].bytes);
        }
        return CUDA_SUCCESS;
    }
    for (void **at = extra; at && *at != CU_LAUNCH_PARAM_END; at += 2)
        if (*at == CU_LAUNCH_PARAM_BUFFER_POINTER)
            buffer = at[1];
        else if (*at == CU_LAUNCH_PARAM_BUFFER_SIZE)
            bytes = *(size_t *)at[1];
    if (bytes != (size_t)k->param_bytes) {
        finding("cuLaunchKernel: %s: %zu bytes of parameters, not %d", k->name, bytes,
                k->param_bytes);
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (bytes)
        memcpy(to, buffer, bytes);
    return CUDA_SUCCESS;
}

CUresult CUDAAPI cuLaunchKernel(CUfunction function, unsigned int grid_x, unsigned int grid_y,
                                unsigned int grid_z, unsigned int block_x, unsigned int block_y,
                                unsigned int block_z, unsigned int dynamic_bytes, CUstream stream,
                                void **params, void **extra)
{
    struct work w = {.kind = WORK_KERNEL, .grid = {grid_x, grid_y, grid_z},
                     .block = {block_x, block_y, block_z}, .dynamic_bytes = dynamic_bytes};
    struct handle *f, *s;
    CUresult result;

    ENTER(NEED_CONTEXT);
    f = handle_check(function, HANDLE_FUNCTION, "cuLaunchKernel");
    s = stream_of(stream, "cuLaunchKernel");
    if (!f || !s)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    w.object = f;
    result = launch_check(f, &w);
    if (result != CUDA_SUCCESS)
        return driver_leave(result);
    w.params = calloc((size_t)f->kernel->param_bytes + 1, 1);
    result = params_gather(f->kernel, params, extra, w.params);
    if (result != CUDA_SUCCESS) {
        free(w.params);
        return driver_leave(result);
    }
    return driver_leave(work_enqueue(s, w));
}
