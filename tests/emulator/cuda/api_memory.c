/* SPDX-License-Identifier: MIT */
/* Memory of every kind. Device memory is bounded by what the device says it has; the n-th
 * allocation fails when a test asks for it. */
#include "tests/emulator/cuda/driver.h"
#include "tests/emulator/cuda/finding.h"
#include "tests/emulator/faults.h"

static CUresult memory_give(void **at, size_t bytes, enum allocation_kind kind, const char *call)
{
    int device = context_current()->device;
    bool is_counted = kind == ALLOCATION_DEVICE || kind == ALLOCATION_MANAGED;
    CUresult forbidden = capture_forbids(call);

    if (forbidden != CUDA_SUCCESS)
        return forbidden;
    if (!at || bytes == 0) {
        finding("%s: zero bytes", call);
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (++driver.allocs == setting(FAULT_ALLOC, 0) ||
        (is_counted && bytes + allocation_total(device) >
                           (size_t)setting(EMULATED_MEMORY_MB, 4096) << 20))
        return CUDA_ERROR_OUT_OF_MEMORY;
    *at = allocation_new(bytes, kind);
    return *at ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

static CUresult memory_take(void *at, enum allocation_kind kind, const char *call)
{
    CUresult forbidden = capture_forbids(call);

    CUresult error;

    if (forbidden != CUDA_SUCCESS)
        return forbidden;
    error = queue_drain(context_current()->device); /* work may still use it */
    if (error != CUDA_SUCCESS)
        return error;
    if (allocation_free(at, kind))
        return CUDA_SUCCESS;
    finding("%s: %p: %s", call, at, allocation_describe((uint64_t)(uintptr_t)at));
    return CUDA_ERROR_INVALID_VALUE;
}

CUresult CUDAAPI cuMemAlloc(CUdeviceptr *at, size_t bytes)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(memory_give((void **)at, bytes, ALLOCATION_DEVICE, "cuMemAlloc"));
}

CUresult CUDAAPI cuMemAllocManaged(CUdeviceptr *at, size_t bytes, unsigned int flags)
{
    ENTER(NEED_CONTEXT);
    if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST) {
        finding("cuMemAllocManaged: flags %u", flags);
        return driver_leave(CUDA_ERROR_INVALID_VALUE);
    }
    return driver_leave(
        memory_give((void **)at, bytes, ALLOCATION_MANAGED, "cuMemAllocManaged"));
}

CUresult CUDAAPI cuMemFree(CUdeviceptr at)
{
    struct allocation *a;

    ENTER(NEED_CONTEXT);
    if (!at)
        return driver_leave(CUDA_SUCCESS);
    a = allocation_find(at);
    return driver_leave(memory_take((void *)(uintptr_t)at,
                                    a && a->kind == ALLOCATION_MANAGED ? ALLOCATION_MANAGED
                                                                       : ALLOCATION_DEVICE,
                                    "cuMemFree"));
}

CUresult CUDAAPI cuMemAllocHost(void **at, size_t bytes)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(memory_give(at, bytes, ALLOCATION_HOST, "cuMemAllocHost"));
}

CUresult CUDAAPI cuMemHostAlloc(void **at, size_t bytes, unsigned int flags)
{
    CUresult result;

    ENTER(NEED_CONTEXT);
    result = memory_give(at, bytes, ALLOCATION_HOST, "cuMemHostAlloc");
    if (result == CUDA_SUCCESS)
        allocation_find((uint64_t)(uintptr_t)*at)->flags = flags;
    return driver_leave(result);
}

CUresult CUDAAPI cuMemFreeHost(void *at)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(memory_take(at, ALLOCATION_HOST, "cuMemFreeHost"));
}

CUresult CUDAAPI cuMemHostRegister(void *at, size_t bytes, unsigned int flags)
{
    ENTER(NEED_CONTEXT);
    if (!at || bytes == 0)
        return driver_leave(CUDA_ERROR_INVALID_VALUE);
    if (++driver.allocs == setting(FAULT_ALLOC, 0))
        return driver_leave(CUDA_ERROR_OUT_OF_MEMORY);
    return driver_leave(allocation_register(at, bytes, flags)
                            ? CUDA_SUCCESS
                            : CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
}

CUresult CUDAAPI cuMemHostUnregister(void *at)
{
    CUresult error;

    ENTER(NEED_CONTEXT);
    error = queue_drain(context_current()->device);
    if (error != CUDA_SUCCESS || allocation_free(at, ALLOCATION_REGISTERED))
        return driver_leave(error);
    finding("cuMemHostUnregister: %p is not registered", at);
    return driver_leave(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
}

CUresult CUDAAPI cuMemHostGetDevicePointer(CUdeviceptr *device, void *at, unsigned int flags)
{
    struct allocation *a;

    ENTER(NEED_CONTEXT);
    a = allocation_find((uint64_t)(uintptr_t)at);
    if (!a || flags || (a->kind != ALLOCATION_HOST && a->kind != ALLOCATION_REGISTERED)) {
        finding("cuMemHostGetDevicePointer: %p is no pinned host memory", at);
        return driver_leave(CUDA_ERROR_INVALID_VALUE);
    }
    *device = (CUdeviceptr)(uintptr_t)at;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuMemHostGetFlags(unsigned int *flags, void *at)
{
    struct allocation *a;

    ENTER(NEED_CONTEXT);
    a = allocation_find((uint64_t)(uintptr_t)at);
    if (!a)
        return driver_leave(CUDA_ERROR_INVALID_VALUE);
    *flags = a->flags;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuMemGetInfo(size_t *free_bytes, size_t *total)
{
    ENTER(NEED_CONTEXT);
    *total = (size_t)setting(EMULATED_MEMORY_MB, 4096) << 20;
    *free_bytes = *total - allocation_total(context_current()->device);
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuMemGetAddressRange(CUdeviceptr *base, size_t *bytes, CUdeviceptr at)
{
    struct allocation *a;

    ENTER(NEED_CONTEXT);
    a = allocation_find(at);
    if (!a)
        return driver_leave(CUDA_ERROR_NOT_FOUND);
    if (base)
        *base = a->at;
    if (bytes)
        *bytes = a->bytes;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuPointerGetAttribute(void *value, CUpointer_attribute name, CUdeviceptr at)
{
    struct allocation *a;

    ENTER(NEED_CONTEXT);
    a = allocation_find(at);
    if (!a)
        return driver_leave(CUDA_ERROR_INVALID_VALUE);
    switch (name) {
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
        *(unsigned *)value = a->kind == ALLOCATION_HOST || a->kind == ALLOCATION_REGISTERED
                                 ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
        break;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
        *(unsigned *)value = a->kind == ALLOCATION_MANAGED;
        break;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: *(int *)value = a->device; break;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
    case CU_POINTER_ATTRIBUTE_HOST_POINTER: *(CUdeviceptr *)value = at; break;
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR: *(CUdeviceptr *)value = a->at; break;
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE: *(size_t *)value = a->bytes; break;
    default: return driver_leave(CUDA_ERROR_INVALID_VALUE);
    }
    return driver_leave(CUDA_SUCCESS);
}

bool range_check(CUdeviceptr at, size_t bytes, const char *call)
{
    const struct allocation *a = allocation_find(at);

    if (a && bytes <= a->at + a->bytes - at)
        return true;
    if (a)
        finding("%s: %zu bytes at offset %llu of an allocation of %zu bytes", call, bytes,
                (unsigned long long)(at - a->at), a->bytes);
    else
        finding("%s: 0x%llx: %s", call, (unsigned long long)at, allocation_describe(at));
    return false;
}
