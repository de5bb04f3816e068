/* SPDX-License-Identifier: MIT */
/* Copies, fills, prefetches. The synchronous ones belong to the legacy default stream and may
 * not be called while the thread captures a graph. Which of them return before they are done
 * is said in the Driver API's "API synchronization behavior". */
#include <stdlib.h>
#include <string.h>

#include "tests/emulator/cuda/driver.h"
#include "tests/emulator/cuda/finding.h"

enum side { SIDE_HOST = 1, SIDE_DEVICE };

/* A host side may be any memory but the device's own; a device side must lie in an
 * allocation. */
static bool side_check(const void *at, size_t bytes, enum side side, const char *call)
{
    CUdeviceptr address = (CUdeviceptr)(uintptr_t)at;
    const struct allocation *a = allocation_find(address);

    if (side == SIDE_DEVICE || a)
        if (!range_check(address, bytes, call))
            return false;
    if (side == SIDE_HOST && a && a->kind == ALLOCATION_DEVICE) {
        finding("%s: the host side is device memory", call);
        return false;
    }
    return true;
}

struct copy {
    void *to;
    const void *from;
    size_t bytes;
    enum side to_side, from_side;
    const char *call;
};

static CUresult copy_check(const struct copy *c)
{
    return side_check(c->to, c->bytes, c->to_side, c->call) &&
                   side_check(c->from, c->bytes, c->from_side, c->call)
               ? CUDA_SUCCESS
               : CUDA_ERROR_INVALID_VALUE;
}

static CUresult copy_enqueue(struct handle *stream, const struct copy *c)
{
    CUresult result = c->bytes ? copy_check(c) : CUDA_SUCCESS;

    if (result != CUDA_SUCCESS || c->bytes == 0)
        return result;
    return work_enqueue(stream, (struct work){.kind = WORK_COPY, .to = c->to, .from = c->from,
                                              .bytes = c->bytes});
}

static const struct allocation *allocation_of(const void *at)
{
    return allocation_find((uint64_t)(uintptr_t)at);
}

static bool is_on_device(const void *at)
{
    return allocation_of(at) && allocation_of(at)->kind == ALLOCATION_DEVICE;
}

/* From pageable memory the call returns when the bytes are put aside, between two places on
 * the device at once. */
static CUresult copy_now(struct copy c)
{
    struct work w = {.kind = WORK_COPY, .to = c.to, .from = c.from, .bytes = c.bytes};
    struct handle *stream = stream_of(NULL, c.call);
    CUresult result = capture_forbids(c.call);

    if (result == CUDA_SUCCESS && c.bytes)
        result = copy_check(&c);
    if (result != CUDA_SUCCESS || c.bytes == 0)
        return result;
    if (!allocation_of(c.from) && is_on_device(c.to)) {
        w.staged = malloc(c.bytes);
        if (!w.staged)
            return CUDA_ERROR_OUT_OF_MEMORY;
        memcpy(w.staged, c.from, c.bytes);
    }
    result = work_enqueue(stream, w);
    if (result != CUDA_SUCCESS || (is_on_device(c.to) && (w.staged || is_on_device(c.from))))
        return result;
    return queue_wait(stream, stream->enqueued, &stream->clock);
}

static CUresult copy_async(struct copy c, CUstream stream)
{
    struct handle *s = stream_of(stream, c.call);

    return s ? copy_enqueue(s, &c) : CUDA_ERROR_INVALID_HANDLE;
}

#define AT(p) ((void *)(uintptr_t)(p))

CUresult CUDAAPI cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t bytes)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(copy_now((struct copy){AT(to), from, bytes, SIDE_DEVICE, SIDE_HOST,
                                               "cuMemcpyHtoD"}));
}

CUresult CUDAAPI cuMemcpyDtoH(void *to, CUdeviceptr from, size_t bytes)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(copy_now((struct copy){to, AT(from), bytes, SIDE_HOST, SIDE_DEVICE,
                                               "cuMemcpyDtoH"}));
}

CUresult CUDAAPI cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t bytes)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(copy_now((struct copy){AT(to), AT(from), bytes, SIDE_DEVICE,
                                               SIDE_DEVICE, "cuMemcpyDtoD"}));
}

CUresult CUDAAPI cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(copy_now((struct copy){AT(to), AT(from), bytes, 0, 0, "cuMemcpy"}));
}

CUresult CUDAAPI cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes,
                                   CUstream stream)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(copy_async((struct copy){AT(to), from, bytes, SIDE_DEVICE, SIDE_HOST,
                                                 "cuMemcpyHtoDAsync"}, stream));
}

CUresult CUDAAPI cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(copy_async((struct copy){to, AT(from), bytes, SIDE_HOST, SIDE_DEVICE,
                                                 "cuMemcpyDtoHAsync"}, stream));
}

CUresult CUDAAPI cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes,
                                   CUstream stream)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(copy_async((struct copy){AT(to), AT(from), bytes, SIDE_DEVICE,
                                                 SIDE_DEVICE, "cuMemcpyDtoDAsync"}, stream));
}

CUresult CUDAAPI cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(
        copy_async((struct copy){AT(to), AT(from), bytes, 0, 0, "cuMemcpyAsync"}, stream));
}

static CUresult set(CUdeviceptr to, unsigned value, unsigned width, size_t count,
                    struct handle *stream, const char *call)
{
    if (!stream)
        return CUDA_ERROR_INVALID_HANDLE;
    if (to % width || !range_check(to, count * width, call))
        return CUDA_ERROR_INVALID_VALUE;
    return work_enqueue(stream, (struct work){.kind = WORK_SET, .to = AT(to), .bytes = count,
                                              .value = value, .width = width});
}

static CUresult default_wait(const char *call)
{
    struct handle *stream = stream_of(NULL, call);

    return queue_wait(stream, stream->enqueued, &stream->clock);
}

#define SET(name, type, width)                                                             \
    CUresult CUDAAPI name(CUdeviceptr to, type value, size_t count)                        \
    {                                                                                      \
        CUresult result;                                                                   \
                                                                                           \
        ENTER(NEED_CONTEXT);                                                               \
        result = capture_forbids(#name);                                                   \
        if (result == CUDA_SUCCESS)                                                        \
            result = set(to, value, width, count, stream_of(NULL, #name), #name);          \
        if (result == CUDA_SUCCESS && !is_on_device((void *)(uintptr_t)to))                \
            result = default_wait(#name);                                                  \
        return driver_leave(result);                                                       \
    }
#define SET_ASYNC(name, type, width)                                                       \
    CUresult CUDAAPI name(CUdeviceptr to, type value, size_t count, CUstream stream)       \
    {                                                                                      \
        ENTER(NEED_CONTEXT);                                                               \
        return driver_leave(set(to, value, width, count, stream_of(stream, #name), #name)); \
    }
SET(cuMemsetD8, unsigned char, 1)
SET(cuMemsetD16, unsigned short, 2)
SET(cuMemsetD32, unsigned int, 4)
SET_ASYNC(cuMemsetD8Async, unsigned char, 1)
SET_ASYNC(cuMemsetD16Async, unsigned short, 2)
SET_ASYNC(cuMemsetD32Async, unsigned int, 4)

static CUresult prefetch(CUdeviceptr at, size_t bytes, int device, CUstream stream)
{
    const struct allocation *a = allocation_find(at);

    if (!stream_of(stream, "cuMemPrefetchAsync"))
        return CUDA_ERROR_INVALID_HANDLE;
    if (device < -1 || device >= driver.devices)
        return CUDA_ERROR_INVALID_DEVICE;
    if (!range_check(at, bytes, "cuMemPrefetchAsync"))
        return CUDA_ERROR_INVALID_VALUE;
    if (a->kind == ALLOCATION_MANAGED)
        return CUDA_SUCCESS;
    finding("cuMemPrefetchAsync: the memory is not managed");
    return CUDA_ERROR_INVALID_VALUE;
}

/* Both interfaces, whichever of them cuda.h calls by the plain name: that of CUDA 12.2, the older. */
#undef cuMemPrefetchAsync
#undef cuMemAdvise
CUresult CUDAAPI cuMemPrefetchAsync_v2(CUdeviceptr, size_t, CUmemLocation, unsigned int, CUstream);
CUresult CUDAAPI cuMemAdvise_v2(CUdeviceptr, size_t, CUmem_advise, CUmemLocation);
CUresult CUDAAPI cuMemPrefetchAsync(CUdeviceptr, size_t, CUdevice, CUstream);
CUresult CUDAAPI cuMemAdvise(CUdeviceptr, size_t, CUmem_advise, CUdevice);

CUresult CUDAAPI cuMemPrefetchAsync_v2(CUdeviceptr at, size_t bytes, CUmemLocation to,
                                       unsigned int flags, CUstream stream)
{
    ENTER(NEED_CONTEXT);
    if (flags)
        return driver_leave(CUDA_ERROR_INVALID_VALUE);
    return driver_leave(
        prefetch(at, bytes, to.type == CU_MEM_LOCATION_TYPE_DEVICE ? to.id : -1, stream));
}

CUresult CUDAAPI cuMemAdvise_v2(CUdeviceptr at, size_t bytes, CUmem_advise advice,
                                CUmemLocation to)
{
    (void)advice;
    ENTER(NEED_CONTEXT);
    return driver_leave(
        prefetch(at, bytes, to.type == CU_MEM_LOCATION_TYPE_DEVICE ? to.id : -1, NULL));
}

CUresult CUDAAPI cuMemPrefetchAsync(CUdeviceptr at, size_t bytes, CUdevice to, CUstream stream)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(prefetch(at, bytes, to, stream));
}

CUresult CUDAAPI cuMemAdvise(CUdeviceptr at, size_t bytes, CUmem_advise advice, CUdevice to)
{
    (void)advice;
    ENTER(NEED_CONTEXT);
    return driver_leave(prefetch(at, bytes, to, NULL));
}
