/* SPDX-License-Identifier: MIT */
/* OpenCL devices, through the installable-client loader opened at run time. A device that is
 * the host's own processor (PoCL) runs the same device code, so it can prove that code right;
 * its times are software evidence and say nothing about GPUs. */
#include "devices/device.h"

#include "base/why.h"

#ifndef HAVE_OPENCL

static int opencl_count(struct why *why)
{
    return why_fail(why, STATUS_UNAVAILABLE,
                    "OpenCL is not built in; hint: install ocl-icd-opencl-dev and build again");
}

const struct driver driver_opencl = {.kind = DEVICE_OPENCL, .count = opencl_count};

#else

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/opencl.h"

struct opencl_symbols cl;

enum { DEVICES_MOST = 16 };

static cl_device_id found[DEVICES_MOST];
static int found_count = -1;

int opencl_fail(struct why *why, cl_int error, const char *what)
{
    if (error == CL_MEM_OBJECT_ALLOCATION_FAILURE || error == CL_OUT_OF_HOST_MEMORY ||
        error == CL_INVALID_BUFFER_SIZE)
        return why_fail(why, STATUS_MEMORY, "%s: out of memory (OpenCL error %d)", what, error);
    if (error == CL_OUT_OF_RESOURCES)
        return why_fail(why, STATUS_DEVICE,
                        "%s: out of resources (registers, local memory, or a fault in a kernel "
                        "before; OpenCL error %d)", what, error);
    return why_fail(why, STATUS_DEVICE, "%s: OpenCL error %d", what, error);
}

static int load_symbols(struct why *why)
{
    static void *library;

    if (library)
        return 0;
    library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "no OpenCL loader (libOpenCL.so.1); hint: install ocl-icd-libopencl1 "
                        "and a device driver such as pocl-opencl-icd");
#define X(name)                                                                        \
    *(void **)&cl.name = dlsym(library, #name);                                        \
    if (!cl.name) {                                                                    \
        dlclose(library);                                                              \
        library = NULL;                                                                \
        return why_fail(why, STATUS_UNAVAILABLE, "libOpenCL.so.1 lacks %s", #name);    \
    }
    CL_SYMBOLS(X)
#undef X
    return 0;
}

static int opencl_count(struct why *why)
{
    cl_platform_id platform[8];
    cl_uint platforms = 0;
    int status = load_symbols(why);

    if (status)
        return status;
    if (found_count < 0) {
        found_count = 0;
        if (cl.clGetPlatformIDs(8, platform, &platforms) != CL_SUCCESS)
            platforms = 0;
        for (cl_uint p = 0; p < platforms && p < 8; p++) {
            cl_uint n = 0;

            if (cl.clGetDeviceIDs(platform[p], CL_DEVICE_TYPE_ALL,
                                  (cl_uint)(DEVICES_MOST - found_count), found + found_count,
                                  &n) == CL_SUCCESS)
                found_count += (int)n < DEVICES_MOST - found_count ? (int)n
                                                                   : DEVICES_MOST - found_count;
        }
    }
    if (found_count == 0)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "the OpenCL loader finds no device; hint: install a driver such as "
                        "pocl-opencl-icd");
    return found_count;
}

cl_ulong opencl_number(cl_device_id id, cl_device_info what, size_t size)
{
    cl_ulong number = 0; /* all hosts here are little-endian: a uint lands in the low half */

    return cl.clGetDeviceInfo(id, what, size, &number, NULL) == CL_SUCCESS ? number : 0;
}

static bool is_host_processor(cl_device_id id)
{
    return opencl_number(id, CL_DEVICE_TYPE, sizeof(cl_device_type)) & CL_DEVICE_TYPE_CPU;
}

/* Cut to `size`: a query fails outright when the text is longer than its room. */
static void device_text(cl_device_id id, cl_device_info what, char *out, size_t size)
{
    char text[1024] = "";

    cl.clGetDeviceInfo(id, what, sizeof text, text, NULL);
    snprintf(out, size, "%s", text);
}

static int opencl_describe(int index, struct device_row *row, struct why *why)
{
    cl_device_id id = found[index];
    char driver[64], platform[256] = "";
    cl_platform_id owner = NULL;
    cl_ulong type = opencl_number(id, CL_DEVICE_TYPE, sizeof(cl_device_type));

    (void)why;

    *row = (struct device_row){.kind = DEVICE_OPENCL, .node = -1};
    device_text(id, CL_DEVICE_NAME, row->model, sizeof row->model);
    device_text(id, CL_DRIVER_VERSION, driver, sizeof driver);
    if (cl.clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof owner, &owner, NULL) == CL_SUCCESS)
        cl.clGetPlatformInfo(owner, CL_PLATFORM_NAME, sizeof platform, platform, NULL);
    snprintf(row->id.text, sizeof row->id.text, "opencl:%d", index);
    snprintf(row->driver, sizeof row->driver, "%.60s %.60s", platform, driver);
    /* an emulator may claim every type at once: whatever is a CPU too is not a GPU */
    row->is_gpu = (type & CL_DEVICE_TYPE_GPU) && !(type & CL_DEVICE_TYPE_CPU);
    row->cache_bytes = opencl_number(id, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof(cl_ulong));
    row->evidence = type & CL_DEVICE_TYPE_CPU ? EVIDENCE_SOFTWARE : EVIDENCE_MEASURED;
    return 0;
}

static struct point *point_free(struct opencl *self)
{
    struct point *p = self->points;

    while (p && p->event)
        p = p->next;
    if (p)
        return p;
    p = calloc(1, sizeof *p);
    if (p) {
        p->next = self->points;
        self->points = p;
    }
    return p;
}

static int opencl_mark(struct device *device, struct mark *mark, struct why *why)
{
    struct opencl *self = device->self;
    struct point *p = mark->event;
    cl_event event;

    CL_TRY(cl.clEnqueueMarkerWithWaitList(self->queue, 0, NULL, &event), "cannot set a mark");
    if (p)
        cl.clReleaseEvent(p->event);
    else
        p = point_free(self);
    if (!p) {
        cl.clReleaseEvent(event);
        return why_fail(why, STATUS_MEMORY, "cannot set a mark: out of memory");
    }
    p->event = event;
    mark->event = p;
    return 0;
}

static bool point_end_ns(const struct point *p, cl_ulong *ns)
{
    return p && cl.clWaitForEvents(1, &p->event) == CL_SUCCESS &&
           cl.clGetEventProfilingInfo(p->event, CL_PROFILING_COMMAND_END, sizeof *ns, ns,
                                      NULL) == CL_SUCCESS;
}

static void mark_take_back(struct mark *mark)
{
    struct point *p = mark->event;

    if (p && p->event)
        cl.clReleaseEvent(p->event);
    if (p)
        p->event = NULL;
    mark->event = NULL;
}

static double opencl_elapsed_ns(struct device *device, struct mark *from, struct mark *to)
{
    cl_ulong start, end;
    bool ok = point_end_ns(to->event, &end) && point_end_ns(from->event, &start);

    (void)device;
    mark_take_back(from);
    mark_take_back(to);
    return ok && end >= start ? (double)(end - start) : NAN;
}

static void opencl_close(struct device *device)
{
    struct opencl *self = device->self;

    opencl_kernels_release(self);
    while (self->points) {
        struct point *next = self->points->next;

        if (self->points->event)
            cl.clReleaseEvent(self->points->event);
        free(self->points);
        self->points = next;
    }
    opencl_lanes_release(self);
    if (self->context)
        cl.clReleaseContext(self->context);
    free(self);
}

static const struct device_ops opencl_ops = {
    .close = opencl_close,
    .alloc = opencl_alloc,
    .free = opencl_free,
    .copy = opencl_copy,
    .build = opencl_build,
    .launch = opencl_launch,
    .mark = opencl_mark,
    .elapsed_ns = opencl_elapsed_ns,
    .sync = opencl_sync,
    .lanes = &opencl_lanes,
};

static int open_context(struct opencl *self, struct why *why)
{
    cl_int error;

    self->context = cl.clCreateContext(NULL, 1, &self->id, NULL, NULL, &error);
    CL_TRY(error, "cannot create an OpenCL context");
    return 0;
}

static int opencl_open(struct device *device, int index, struct why *why)
{
    struct opencl *self = calloc(1, sizeof *self);
    int status;

    if (!self)
        return why_fail(why, STATUS_MEMORY, "cannot open %s: out of memory", device->row.id.text);
    self->id = found[index];
    snprintf(self->version, sizeof self->version, "%s|%s", device->row.model,
             device->row.driver);
    device->self = self;
    device->ops = &opencl_ops;
    status = open_context(self, why);
    if (!status)
        status = opencl_lane_use(device, 0, why);
    if (status) {
        device_close(device);
        return status;
    }
    device->facts = (struct device_facts){
        .compute_units = (int)opencl_number(self->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint)),
        .group_limit = (int64_t)opencl_number(self->id, CL_DEVICE_MAX_WORK_GROUP_SIZE,
                                              sizeof(size_t)),
        .local_bytes = (int64_t)opencl_number(self->id, CL_DEVICE_LOCAL_MEM_SIZE,
                                              sizeof(cl_ulong)),
        .is_host_processor = is_host_processor(self->id)};
    device->memory_bytes = opencl_number(self->id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong));
    return 0;
}

const struct driver driver_opencl = {.kind = DEVICE_OPENCL, .count = opencl_count,
                                     .describe = opencl_describe, .open = opencl_open};

#endif
