/* SPDX-License-Identifier: MIT */
/* Memory of a CUDA device and of its host side, by kind:
 *   pageable  the host's own, from the NUMA node near the GPU
 *   pinned    page-locked: copies run at the link's speed and return at once
 *   mapped    page-locked and seen by kernels: `handle` is the GPU's address of it
 *   managed   one address for both sides, pages move to who touches them
 *   device    the GPU's own */
#include "devices/cuda.h"

#ifdef HAVE_CUDA

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/numa.h"
#include "devices/pages.h"

bool cuda_has_memory(CUdevice id, enum memory memory)
{
    bool is_locked = cu.cuMemHostAlloc && cu.cuMemFreeHost;

    switch (memory) {
    case MEMORY_PINNED:
        return is_locked;
    case MEMORY_MAPPED:
        return is_locked && cu.cuMemHostGetDevicePointer &&
               cuda_attribute(id, CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY);
    case MEMORY_MANAGED:
        return cu.cuMemAllocManaged && cuda_attribute(id, CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY);
    default:
        return true;
    }
}

static int alloc_pageable(struct device *device, struct buffer *b, const char *what,
                          struct why *why)
{
    (void)device;
    return host_pages(b) ? 0
                         : why_fail(why, STATUS_MEMORY, "%s: the host has not so much", what);
}

/* Page-locked, for kernels too when mapped. */
static int alloc_pinned(struct device *device, struct buffer *b, const char *what,
                        struct why *why)
{
    bool is_mapped = b->memory == MEMORY_MAPPED;
    CUdeviceptr address;

    CU_TRY(cu.cuMemHostAlloc(&b->data, b->bytes ? b->bytes : 1,
                             is_mapped ? CU_MEMHOSTALLOC_DEVICEMAP : 0), what);
    memset(b->data, 0, b->bytes);
    b->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    if (is_mapped) {
        CUresult error = cu.cuMemHostGetDevicePointer(&address, b->data, 0);

        if (error != CUDA_SUCCESS) {
            cuda_note(device, cu.cuMemFreeHost(b->data), "freeing memory");
            return cuda_fail(device, error, what, why);
        }
        b->handle = (void *)address;
    }
    return 0;
}

static int alloc_managed(struct device *device, struct buffer *b, const char *what,
                         struct why *why)
{
    CUdeviceptr address;

    CU_TRY(cu.cuMemAllocManaged(&address, b->bytes ? b->bytes : 1, CU_MEM_ATTACH_GLOBAL), what);
    b->handle = b->data = (void *)address;
    memset(b->data, 0, b->bytes);
    return 0;
}

static int alloc_device(struct device *device, struct buffer *b, const char *what,
                        struct why *why)
{
    CUdeviceptr address;

    CU_TRY(cu.cuMemAlloc(&address, b->bytes ? b->bytes : 1), what);
    b->handle = (void *)address;
    return 0;
}

int cuda_alloc(struct device *device, struct buffer *b, size_t bytes, enum memory memory,
               struct why *why)
{
    static int (*const alloc[MEMORIES])(struct device *, struct buffer *, const char *,
                                        struct why *) = {
        [MEMORY_PAGEABLE] = alloc_pageable, [MEMORY_PINNED] = alloc_pinned,
        [MEMORY_MAPPED] = alloc_pinned,     [MEMORY_MANAGED] = alloc_managed,
        [MEMORY_DEVICE] = alloc_device};
    const struct cuda *self = device->self;
    struct numa_policy before;
    char what[100];
    int status = cuda_enter(device, why);

    *b = (struct buffer){.bytes = bytes, .memory = memory};
    snprintf(what, sizeof what, "cannot allocate %.1f MiB of %s memory on %.20s",
             (double)bytes / 0x1p20, memory_name(memory), device->row.id.text);
    if (!status && !cuda_has_memory(self->id, memory))
        status = why_fail(why, STATUS_UNAVAILABLE, "%s has no %s memory", device->row.id.text,
                          memory_name(memory));
    if (!status) {
        numa_prefer(memory == MEMORY_DEVICE ? -1 : device->row.node, &before);
        status = alloc[memory](device, b, what, why);
        numa_restore(&before);
    }
    if (status)
        *b = (struct buffer){0};
    return status;
}

/* A fault that shows itself only here is kept: the next call on the device tells it. */
void cuda_free(struct device *device, struct buffer *b)
{
    struct cuda *self = device->self;
    CUresult error = CUDA_SUCCESS;

    if (b->handle || (b->data && b->memory == MEMORY_PINNED)) {
        cuda_note(device, cu.cuCtxSetCurrent(self->context), "freeing memory");
        if (b->memory == MEMORY_PINNED || b->memory == MEMORY_MAPPED)
            error = cu.cuMemFreeHost(b->data);
        else
            error = cu.cuMemFree((CUdeviceptr)b->handle);
    } else {
        free(b->data);
    }
    cuda_note(device, error, "freeing memory");
    *b = (struct buffer){0};
}

/* Mapped memory is page-locked memory of the host: copies treat it so. */
static bool is_on_device(const struct buffer *b)
{
    return b->handle && b->memory != MEMORY_MAPPED;
}

int cuda_copy_part(struct device *device, struct buffer *to, const struct buffer *from,
                   struct part part, struct why *why)
{
    struct cuda *self = device->self;
    CUdeviceptr to_address = (CUdeviceptr)to->handle + part.to;
    CUdeviceptr from_address = (CUdeviceptr)from->handle + part.from;
    int status = cuda_enter(device, why);

    if (status || part.bytes == 0)
        return status;
    if (is_on_device(to) && is_on_device(from))
        CU_TRY(cu.cuMemcpyDtoDAsync(to_address, from_address, part.bytes, self->stream),
               "copy on the device failed");
    else if (is_on_device(to))
        CU_TRY(cu.cuMemcpyHtoDAsync(to_address, (const char *)from->data + part.from,
                                    part.bytes, self->stream), "upload failed");
    else
        CU_TRY(cu.cuMemcpyDtoHAsync((char *)to->data + part.to, from_address, part.bytes,
                                    self->stream), "download failed");
    return 0;
}

int cuda_copy(struct device *device, struct buffer *to, const struct buffer *from, size_t bytes,
              struct why *why)
{
    return cuda_copy_part(device, to, from, (struct part){.bytes = bytes}, why);
}

int cuda_prefetch(struct device *device, struct buffer *b, enum memory where, struct why *why)
{
    struct cuda *self = device->self;
    CUresult error;
    int status = cuda_enter(device, why);

    if (status || b->bytes == 0)
        return status;
    if (b->memory != MEMORY_MANAGED)
        return why_fail(why, STATUS_UNAVAILABLE, "%s cannot prefetch %s memory",
                        device->row.id.text, memory_name(b->memory));
    error = cu.cuMemPrefetchAsync((CUdeviceptr)b->handle, b->bytes,
                                  where == MEMORY_DEVICE ? self->id : CU_DEVICE_CPU,
                                  self->stream);
    if (error == CUDA_ERROR_NOT_SUPPORTED || error == CUDA_ERROR_INVALID_DEVICE) {
        self->ops.prefetch = NULL; /* it takes no hints: pages move when they are touched */
        return 0;
    }
    CU_TRY(error, "prefetch failed");
    return 0;
}

#endif
