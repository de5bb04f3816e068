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

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/embedded.h"
#include "base/text.h"
#include "devices/cache.h"

/* Every entry point that this room uses; opened once. */
#define CL_SYMBOLS(X)                                                                  \
    X(clGetPlatformIDs) X(clGetPlatformInfo) X(clGetDeviceIDs) X(clGetDeviceInfo)      \
    X(clCreateContext) X(clReleaseContext) X(clCreateCommandQueue)                     \
    X(clReleaseCommandQueue) X(clCreateBuffer) X(clReleaseMemObject)                   \
    X(clEnqueueWriteBuffer) X(clEnqueueReadBuffer) X(clEnqueueCopyBuffer)              \
    X(clEnqueueMapBuffer) X(clEnqueueUnmapMemObject) X(clCreateProgramWithSource)      \
    X(clCreateProgramWithBinary) X(clBuildProgram) X(clGetProgramBuildInfo)            \
    X(clGetProgramInfo) X(clRetainProgram) X(clReleaseProgram) X(clCreateKernel)       \
    X(clReleaseKernel) X(clGetKernelWorkGroupInfo) X(clSetKernelArg)                   \
    X(clEnqueueNDRangeKernel) X(clEnqueueMarkerWithWaitList)         \
    X(clWaitForEvents) X(clReleaseEvent) X(clGetEventProfilingInfo) X(clFinish)

static struct {
#define X(name) __typeof__(&name) name;
    CL_SYMBOLS(X)
#undef X
} cl;

enum { DEVICES_MOST = 16 };

static cl_device_id found[DEVICES_MOST];
static int found_count = -1;

struct kernel {
    struct kernel *next;
    char *key;      /* where its source lies, and the compiler's options */
    struct name name;
    cl_program program; /* shared by the kernels of one key */
    cl_kernel kernel;
    size_t group_limit;
};

/* What stands behind a mark; kept for the next one when its event was taken back. */
struct point {
    struct point *next;
    cl_event event; /* NULL: free */
};

struct self {
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    struct kernel *kernels;
    struct point *points;
    char version[512]; /* device and driver, for the kernel cache */
};

/* Turn an OpenCL error into a status with a sentence; for use in functions with `why`. */
#define CL_TRY(call, what)                                                             \
    do {                                                                               \
        cl_int error_ = (call);                                                        \
        if (error_ != CL_SUCCESS)                                                      \
            return cl_fail(why, error_, what);                                         \
    } while (0)

static int cl_fail(struct why *why, cl_int error, const char *what)
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

static cl_ulong device_number(cl_device_id id, cl_device_info what, size_t size)
{
    cl_ulong number = 0; /* all hosts here are little-endian: a uint lands in the low half */

    return cl.clGetDeviceInfo(id, what, size, &number, NULL) == CL_SUCCESS ? number : 0;
}

static bool is_host_processor(cl_device_id id)
{
    return device_number(id, CL_DEVICE_TYPE, sizeof(cl_device_type)) & CL_DEVICE_TYPE_CPU;
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
    cl_ulong type = device_number(id, CL_DEVICE_TYPE, sizeof(cl_device_type));

    (void)why;

    *row = (struct device_row){.kind = DEVICE_OPENCL};
    device_text(id, CL_DEVICE_NAME, row->model, sizeof row->model);
    device_text(id, CL_DRIVER_VERSION, driver, sizeof driver);
    if (cl.clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof owner, &owner, NULL) == CL_SUCCESS)
        cl.clGetPlatformInfo(owner, CL_PLATFORM_NAME, sizeof platform, platform, NULL);
    snprintf(row->id.text, sizeof row->id.text, "opencl:%d", index);
    snprintf(row->driver, sizeof row->driver, "%.60s %.60s", platform, driver);
    /* an emulator may claim every type at once: whatever is a CPU too is not a GPU */
    row->is_gpu = (type & CL_DEVICE_TYPE_GPU) && !(type & CL_DEVICE_TYPE_CPU);
    row->evidence = type & CL_DEVICE_TYPE_CPU ? EVIDENCE_SOFTWARE : EVIDENCE_MEASURED;
    return 0;
}

static int alloc_pageable(struct buffer *b, size_t bytes, const char *what, struct why *why)
{
    enum { PAGE = 4096 };

    if (bytes <= SIZE_MAX - 2 * PAGE)
        b->data = aligned_alloc(PAGE, (bytes / PAGE + 1) * PAGE);
    if (!b->data)
        return cl_fail(why, CL_OUT_OF_HOST_MEMORY, what);
    memset(b->data, 0, bytes);
    return 0;
}

/* A buffer of OpenCL; pinned ones are mapped for as long as they live, which is OpenCL's way
 * to page-locked memory. */
static int alloc_handle(struct self *self, struct buffer *b, size_t bytes, const char *what,
                        struct why *why)
{
    bool pinned = b->memory == MEMORY_PINNED;
    size_t size = bytes ? bytes : 1;
    cl_ulong most = device_number(self->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof most);
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

static int opencl_alloc(struct device *device, struct buffer *b, size_t bytes,
                        enum memory memory, struct why *why)
{
    char what[80];
    int status;

    *b = (struct buffer){.bytes = bytes, .memory = memory};
    snprintf(what, sizeof what, "cannot allocate %.1f MiB on %.20s", (double)bytes / 0x1p20,
             device->row.id.text);
    if (memory == MEMORY_PAGEABLE)
        status = alloc_pageable(b, bytes, what, why);
    else if (memory == MEMORY_PINNED || memory == MEMORY_DEVICE)
        status = alloc_handle(device->self, b, bytes, what, why);
    else
        status = why_fail(why, STATUS_UNAVAILABLE, "OpenCL 1.2 has no %s memory",
                          memory_name(memory));
    if (status)
        *b = (struct buffer){0};
    return status;
}

static void opencl_free(struct device *device, struct buffer *b)
{
    struct self *self = device->self;

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

static int opencl_copy(struct device *device, struct buffer *to, const struct buffer *from,
                       size_t bytes, struct why *why)
{
    struct self *self = device->self;

    if (bytes == 0) /* OpenCL refuses it */
        return 0;
    if (from->data)
        CL_TRY(cl.clEnqueueWriteBuffer(self->queue, to->handle, CL_FALSE, 0, bytes,
                                       from->data, 0, NULL, NULL), "upload failed");
    else if (to->data)
        CL_TRY(cl.clEnqueueReadBuffer(self->queue, from->handle, CL_FALSE, 0, bytes, to->data,
                                      0, NULL, NULL), "download failed");
    else
        CL_TRY(cl.clEnqueueCopyBuffer(self->queue, from->handle, to->handle, 0, 0, bytes, 0,
                                      NULL, NULL), "copy on the device failed");
    return 0;
}

/* First line of the compiler's log that names an error, else its first line. */
static void build_failed(struct self *self, cl_program program, const char *name,
                        struct why *why)
{
    struct text log = {0};
    size_t n = 0;
    const char *line;

    cl.clGetProgramBuildInfo(program, self->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &n);
    for (size_t i = 0; i < n; i++)
        text_add_bytes(&log, " ", 1);
    if (log.data)
        cl.clGetProgramBuildInfo(program, self->id, CL_PROGRAM_BUILD_LOG, n, log.data, NULL);
    line = log.data ? strstr(log.data, "error") : NULL;
    while (line && line > log.data && line[-1] != '\n')
        line--;
    line = line ? line : log.data ? log.data : "";
    why_fail(why, STATUS_DEVICE, "kernel '%s' does not compile: %.*s", name,
             (int)strcspn(line, "\n"), *line ? line : "the compiler gives no reason");
    text_release(&log);
}

static void keep_binary(cl_program program, const char *const *part)
{
    size_t n = 0;
    unsigned char *binary;

    if (cl.clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof n, &n, NULL) || n == 0)
        return;
    binary = malloc(n);
    if (binary && cl.clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary,
                                      NULL) == CL_SUCCESS)
        cache_write(part, (const char *)binary, n);
    free(binary);
}

/* From the disk cache, else compiled and put there. */
static int build_program(struct self *self, const char *source, const char *name,
                         const char *options, cl_program *program, struct why *why)
{
    const char *dialect = embedded_find("devices/dialect.h")->text;
    const char *text[] = {dialect, "\n#line 1\n", source};
    const char *part[] = {"opencl", self->version, options, dialect, source, NULL};
    struct text binary = {0};
    cl_int error;

    if (cache_read(part, &binary)) {
        const unsigned char *bytes = (const unsigned char *)binary.data;
        cl_int state;

        *program = cl.clCreateProgramWithBinary(self->context, 1, &self->id, &binary.n, &bytes,
                                                &state, &error);
        if (error == CL_SUCCESS &&
            cl.clBuildProgram(*program, 1, &self->id, options, NULL, NULL) == CL_SUCCESS) {
            text_release(&binary);
            return 0;
        }
        if (error == CL_SUCCESS)
            cl.clReleaseProgram(*program);
    }
    text_release(&binary);
    *program = cl.clCreateProgramWithSource(self->context, 3, text, NULL, &error);
    CL_TRY(error, "cannot create an OpenCL program");
    if (cl.clBuildProgram(*program, 1, &self->id, options, NULL, NULL) != CL_SUCCESS) {
        build_failed(self, *program, name, why);
        cl.clReleaseProgram(*program);
        *program = NULL;
        return STATUS_DEVICE;
    }
    keep_binary(*program, part);
    return 0;
}

static void kernel_free(struct kernel *k)
{
    if (k->kernel)
        cl.clReleaseKernel(k->kernel);
    if (k->program)
        cl.clReleaseProgram(k->program);
    free(k->key);
    free(k);
}

/* A kernel of `program`, which is the new kernel's to release. */
static int kernel_new(struct self *self, cl_program program, const char *name,
                      struct kernel **kernel, struct why *why)
{
    struct kernel *k = calloc(1, sizeof *k);
    cl_int error;
    int status = 0;

    if (!k) {
        cl.clReleaseProgram(program);
        return why_fail(why, STATUS_MEMORY, "cannot build '%s': out of memory", name);
    }
    k->program = program;
    snprintf(k->name.text, sizeof k->name.text, "%s", name);
    k->kernel = cl.clCreateKernel(program, name, &error);
    if (error != CL_SUCCESS) {
        k->kernel = NULL;
        status = why_fail(why, STATUS_DEVICE, "the device code has no kernel '%s' (OpenCL error %d)",
                          name, error);
        kernel_free(k);
        return status;
    }
    cl.clGetKernelWorkGroupInfo(k->kernel, self->id, CL_KERNEL_WORK_GROUP_SIZE,
                                sizeof k->group_limit, &k->group_limit, NULL);
    *kernel = k;
    return 0;
}

/* What was built before: the same kernel, or another of the same program. */
static int kernel_find(struct self *self, const char *key, const char *name,
                       struct kernel **kernel, cl_program *program)
{
    for (struct kernel *k = self->kernels; k; k = k->next) {
        if (strcmp(k->key, key) != 0)
            continue;
        *program = k->program;
        if (strcmp(k->name.text, name) == 0) {
            *kernel = k;
            return 1;
        }
    }
    return 0;
}

static int opencl_build(struct device *device, const char *source, const char *name,
                        const char *defines, enum dtype dtype, struct kernel **kernel,
                        struct why *why)
{
    static const char *const dtype_define[DTYPES] = {
        [DTYPE_F64] = "F64", [DTYPE_F16] = "F16", [DTYPE_BF16] = "BF16"};
    struct self *self = device->self;
    struct text key = {0};
    cl_program program = NULL;
    int status = 0;

    text_printf(&key, "%p\t-cl-std=CL1.2 -DDTYPE_%s %s", (const void *)source,
                dtype_define[dtype] ? dtype_define[dtype] : "F32", defines);
    if (key.failed)
        return why_fail(why, STATUS_MEMORY, "cannot build '%s': out of memory", name);
    if (kernel_find(self, key.data, name, kernel, &program)) {
        text_release(&key);
        return 0;
    }
    if (program)
        cl.clRetainProgram(program);
    else
        status = build_program(self, source, name, strchr(key.data, '\t') + 1, &program, why);
    if (!status)
        status = kernel_new(self, program, name, kernel, why);
    if (status) {
        text_release(&key);
        return status;
    }
    (*kernel)->key = key.data;
    (*kernel)->next = self->kernels;
    self->kernels = *kernel;
    return 0;
}

static int set_arg(cl_kernel kernel, cl_uint i, const struct step_arg *a,
                   const struct buffer *arg, const struct buffer *scratch)
{
    cl_int narrow = (cl_int)a->i;
    cl_long wide = a->i;
    cl_float real = a->f;

    switch (a->kind) {
    case STEP_BUFFER:
        return cl.clSetKernelArg(kernel, i, sizeof(cl_mem), &arg[a->buffer].handle);
    case STEP_SCRATCH:
        return cl.clSetKernelArg(kernel, i, sizeof(cl_mem), &scratch->handle);
    case STEP_INT:
        return cl.clSetKernelArg(kernel, i, sizeof narrow, &narrow);
    case STEP_LONG:
        return cl.clSetKernelArg(kernel, i, sizeof wide, &wide);
    case STEP_FLOAT:
        return cl.clSetKernelArg(kernel, i, sizeof real, &real);
    }
    return CL_INVALID_ARG_VALUE;
}

static int opencl_launch(struct device *device, struct kernel *kernel, const struct step *step,
                         const struct buffer *arg, const struct buffer *scratch,
                         struct why *why)
{
    struct self *self = device->self;
    size_t global[3], local[3], group = 1;

    for (int d = 0; d < 3; d++) {
        if (step->groups[d] == 0)
            return 0;
        group *= (size_t)step->group[d];
    }
    if (group > kernel->group_limit)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "kernel '%s' wants work-groups of %zu, %s allows it %zu", step->kernel,
                        group, device->row.id.text, kernel->group_limit);
    for (int i = 0; i < step->args; i++)
        CL_TRY(set_arg(kernel->kernel, (cl_uint)i, &step->arg[i], arg, scratch), step->kernel);
    for (int d = 0; d < 3; d++) {
        local[d] = (size_t)step->group[d];
        global[d] = local[d] * (size_t)step->groups[d];
    }
    CL_TRY(cl.clEnqueueNDRangeKernel(self->queue, kernel->kernel, 3, NULL, global, local, 0,
                                     NULL, NULL), step->kernel);
    return 0;
}

static struct point *point_free(struct self *self)
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
    struct self *self = device->self;
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

static int opencl_sync(struct device *device, struct why *why)
{
    struct self *self = device->self;

    CL_TRY(cl.clFinish(self->queue), "waiting for the device failed");
    return 0;
}

static void opencl_close(struct device *device)
{
    struct self *self = device->self;

    while (self->kernels) {
        struct kernel *next = self->kernels->next;

        kernel_free(self->kernels);
        self->kernels = next;
    }
    while (self->points) {
        struct point *next = self->points->next;

        if (self->points->event)
            cl.clReleaseEvent(self->points->event);
        free(self->points);
        self->points = next;
    }
    if (self->queue)
        cl.clReleaseCommandQueue(self->queue);
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
};

static int open_queue(struct self *self, struct why *why)
{
    cl_int error;

    self->context = cl.clCreateContext(NULL, 1, &self->id, NULL, NULL, &error);
    CL_TRY(error, "cannot create an OpenCL context");
    self->queue = cl.clCreateCommandQueue(self->context, self->id, CL_QUEUE_PROFILING_ENABLE,
                                          &error);
    CL_TRY(error, "cannot create an OpenCL queue");
    return 0;
}

static int opencl_open(struct device *device, int index, struct why *why)
{
    struct self *self = calloc(1, sizeof *self);
    int status;

    if (!self)
        return why_fail(why, STATUS_MEMORY, "cannot open %s: out of memory", device->row.id.text);
    self->id = found[index];
    snprintf(self->version, sizeof self->version, "%s|%s", device->row.model,
             device->row.driver);
    device->self = self;
    device->ops = &opencl_ops;
    status = open_queue(self, why);
    if (status) {
        device_close(device);
        return status;
    }
    device->queue = self->queue;
    device->facts = (struct device_facts){
        .compute_units = (int)device_number(self->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint)),
        .group_limit = (int64_t)device_number(self->id, CL_DEVICE_MAX_WORK_GROUP_SIZE,
                                              sizeof(size_t)),
        .local_bytes = (int64_t)device_number(self->id, CL_DEVICE_LOCAL_MEM_SIZE,
                                              sizeof(cl_ulong)),
        .is_host_processor = is_host_processor(self->id)};
    device->memory_bytes = device_number(self->id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong));
    device->cache_bytes = device_number(self->id, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE,
                                        sizeof(cl_ulong));
    return 0;
}

const struct driver driver_opencl = {.kind = DEVICE_OPENCL, .count = opencl_count,
                                     .describe = opencl_describe, .open = opencl_open};

#endif
