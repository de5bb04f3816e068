/* SPDX-License-Identifier: MIT */
/* Memory of an OpenCL device, of its host side, and the copies between them. Copies are
 * enqueued and may return before they are done. */
#include "devices/opencl.h"

#ifdef HAVE_OPENCL

#include <stdio.h>
#include <stdlib.h>

#include "devices/pages.h"

/* A buffer of OpenCL; pinned ones are mapped for as long as they live, which is OpenCL's way
 * to page-locked memory. */
static int alloc_handle(struct opencl *self, struct buffer *b, size_t bytes, const char *what,
                        struct why *why)
{
    bool pinned = b->memory == MEMORY_PINNED;
    size_t size = bytes ? bytes : 1;
    cl_ulong most = opencl_number(self->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof most);
    cl_int error;

    if (most && size > most)
        return why_fail(why, STATUS_MEMORY, "%s: it allows %.1f MiB in one buffer", what,
                        (double)most / 0x1p20);
    b->handle = cl.clCreateBuffer(self->context,
                                  CL_MEM_READ_WRITE | (pinned ? CL_MEM_ALLOC_HOST_PTR : 0),
                                  size, NULL, &error);
    CL_TRY(error, what);
    if (!pinned)
        return 0;
    b->data = cl.clEnqueueMapBuffer(self->queue, b->handle, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE,
                                    0, size, 0, NULL, NULL, &error);
    if (error != CL_SUCCESS)
        cl.clReleaseMemObject(b->handle);
    CL_TRY(error, what);
    return 0;
}

int opencl_alloc(struct device *device, struct buffer *b, size_t bytes,
                        enum memory memory, struct why *why)
{
    char what[80];
    int status;

    *b = (struct buffer){.bytes = bytes, .memory = memory};
    snprintf(what, sizeof what, "cannot allocate %.1f MiB on %.20s", (double)bytes / 0x1p20,
             device->row.id.text);
    if (memory == MEMORY_PAGEABLE)
        status = host_pages(b) ? 0 : opencl_fail(why, CL_OUT_OF_HOST_MEMORY, what);
    else if (memory == MEMORY_PINNED || memory == MEMORY_DEVICE)
        status = alloc_handle(device->self, b, bytes, what, why);
    else
        status = why_fail(why, STATUS_UNAVAILABLE, "OpenCL 1.2 has no %s memory",
                          memory_name(memory));
    if (status)
        *b = (struct buffer){0};
    return status;
}

void opencl_free(struct device *device, struct buffer *b)
{
    struct opencl *self = device->self;

    if (b->handle && b->data) {
        cl.clEnqueueUnmapMemObject(self->queue, b->handle, b->data, 0, NULL, NULL);
        cl.clFinish(self->queue);
    } else {
        free(b->data);
    }
    if (b->handle)
        cl.clReleaseMemObject(b->handle);
    *b = (struct buffer){0};
}

int opencl_copy_part(struct device *device, struct buffer *to, const struct buffer *from,
                     struct part part, struct why *why)
{
    struct opencl *self = device->self;

    if (part.bytes == 0) /* OpenCL refuses it */
        return 0;
    if (from->data)
        CL_TRY(cl.clEnqueueWriteBuffer(self->queue, to->handle, CL_FALSE, part.to, part.bytes,
                                       (char *)from->data + part.from, 0, NULL, NULL),
               "upload failed");
    else if (to->data)
        CL_TRY(cl.clEnqueueReadBuffer(self->queue, from->handle, CL_FALSE, part.from,
                                      part.bytes, (char *)to->data + part.to, 0, NULL, NULL),
               "download failed");
    else
        CL_TRY(cl.clEnqueueCopyBuffer(self->queue, from->handle, to->handle, part.from, part.to,
                                      part.bytes, 0, NULL, NULL), "copy on the device failed");
    return 0;
}

int opencl_copy(struct device *device, struct buffer *to, const struct buffer *from,
                size_t bytes, struct why *why)
{
    return opencl_copy_part(device, to, from, (struct part){.bytes = bytes}, why);
}

#endif
