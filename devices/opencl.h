/* SPDX-License-Identifier: MIT */
/* What the rooms of the OpenCL device share: the loader's functions, an open device, errors.
 * opencl.c lists, opens, marks; opencl_memory.c allocates and copies; opencl_kernel.c compiles
 * and launches; opencl_lane.c has further queues. */
#ifndef OFFLOAD_BENCH_OPENCL_H
#define OFFLOAD_BENCH_OPENCL_H

#ifdef HAVE_OPENCL

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "devices/device.h"

/* Every entry point that the OpenCL rooms use; set before the first device is counted. */
#define CL_SYMBOLS(X)                                                                  \
    X(clGetPlatformIDs) X(clGetPlatformInfo) X(clGetDeviceIDs) X(clGetDeviceInfo)      \
    X(clCreateContext) X(clReleaseContext) X(clCreateCommandQueue)                     \
    X(clReleaseCommandQueue) X(clCreateBuffer) X(clReleaseMemObject)                   \
    X(clEnqueueWriteBuffer) X(clEnqueueReadBuffer) X(clEnqueueCopyBuffer)              \
    X(clEnqueueMapBuffer) X(clEnqueueUnmapMemObject) X(clCreateProgramWithSource)      \
    X(clCreateProgramWithBinary) X(clBuildProgram) X(clGetProgramBuildInfo)            \
    X(clGetProgramInfo) X(clRetainProgram) X(clReleaseProgram) X(clCreateKernel)       \
    X(clReleaseKernel) X(clGetKernelWorkGroupInfo) X(clSetKernelArg)                   \
    X(clEnqueueNDRangeKernel) X(clEnqueueMarkerWithWaitList)                           \
    X(clEnqueueBarrierWithWaitList) X(clFlush)                                         \
    X(clWaitForEvents) X(clReleaseEvent) X(clGetEventProfilingInfo) X(clFinish)

struct opencl_symbols {
#define X(name) __typeof__(&name) name;
    CL_SYMBOLS(X)
#undef X
};
extern struct opencl_symbols cl;

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

struct opencl {
    cl_device_id id;
    cl_context context;
    cl_command_queue queue, lane[LANES]; /* the one in use; all of them, NULL: not made */
    struct kernel *kernels;
    struct point *points;
    char version[512]; /* device and driver, for the kernel cache */
};

/* Turn an OpenCL error into a status with a sentence; for use in functions with `why`. */
#define CL_TRY(call, what)                                                             \
    do {                                                                               \
        cl_int error_ = (call);                                                        \
        if (error_ != CL_SUCCESS)                                                      \
            return opencl_fail(why, error_, what);                                         \
    } while (0)

/* Status and sentence of an error: "WHAT: out of memory (OpenCL error -4)". */
int opencl_fail(struct why *, cl_int error, const char *what);

/* A whole number of clGetDeviceInfo, `size` bytes wide; 0 when it cannot be read. */
cl_ulong opencl_number(cl_device_id, cl_device_info, size_t size);

/* Slots of device_ops. */
int opencl_alloc(struct device *, struct buffer *, size_t bytes, enum memory, struct why *);
void opencl_free(struct device *, struct buffer *);
int opencl_copy(struct device *, struct buffer *to, const struct buffer *from, size_t bytes,
                struct why *);
int opencl_build(struct device *, const char *source, const char *name, const char *defines,
                 enum dtype, struct kernel **, struct why *);
int opencl_launch(struct device *, struct kernel *, const struct step *,
                  const struct buffer *arg, const struct buffer *scratch, struct why *);
/* Enqueue a copy of a part, on the queue in use. */
int opencl_copy_part(struct device *, struct buffer *to, const struct buffer *from,
                     struct part, struct why *);
/* Make `lane` if need be, and put it in use. */
int opencl_lane_use(struct device *, int lane, struct why *);
int opencl_sync(struct device *, struct why *);
void opencl_lanes_release(struct opencl *);
extern const struct lane_ops opencl_lanes;
/* Release every kernel, before the context goes. */
void opencl_kernels_release(struct opencl *);

#endif
#endif
