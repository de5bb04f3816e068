/* SPDX-License-Identifier: MIT */
/* What the rooms of the CUDA device share: the driver's functions, an open device, errors.
 * cuda_driver.c opens libcuda.so.1 and puts its errors into words; cuda.c lists, opens, marks;
 * cuda_memory.c allocates and copies; cuda_compiler.c is NVRTC; cuda_kernel.c builds and
 * launches; cuda_lane.c has further streams and graphs.
 *
 * For vendor libraries (cuBLASLt): device->queue is the CUstream in use, buffer.handle is
 * (void *)CUdeviceptr, and the device's primary context is current in the calling thread after
 * any call of its ops. device->row.uuid and .bus name the GPU to NVML. */
#ifndef OFFLOAD_BENCH_CUDA_H
#define OFFLOAD_BENCH_CUDA_H

#ifdef HAVE_CUDA

#include <cuda.h>
#include <cudaTypedefs.h>

#include "devices/device.h"

/* Every entry point that the CUDA rooms use: X(name, version of its interface, the name it is
 * exported by; the plain name is tried too). The versions are those of CUDA 11.8 or older, so
 * that a program built with any later toolkit runs on any driver from there on. */
#define CU_NEEDED(X)                                                                   \
    X(cuInit, 2000, "cuInit")                                                          \
    X(cuDeviceGetCount, 2000, "cuDeviceGetCount")                                      \
    X(cuDeviceGet, 2000, "cuDeviceGet")                                                \
    X(cuDeviceGetName, 2000, "cuDeviceGetName")                                        \
    X(cuDeviceGetAttribute, 2000, "cuDeviceGetAttribute")                              \
    X(cuDevicePrimaryCtxRetain, 7000, "cuDevicePrimaryCtxRetain")                      \
    X(cuDevicePrimaryCtxRelease, 11000, "cuDevicePrimaryCtxRelease_v2")                \
    X(cuCtxSetCurrent, 4000, "cuCtxSetCurrent")                                        \
    X(cuStreamCreate, 2000, "cuStreamCreate")                                          \
    X(cuStreamDestroy, 4000, "cuStreamDestroy_v2")                                     \
    X(cuStreamSynchronize, 2000, "cuStreamSynchronize")                                \
    X(cuMemAlloc, 3020, "cuMemAlloc_v2")                                               \
    X(cuMemFree, 3020, "cuMemFree_v2")                                                 \
    X(cuMemcpyHtoDAsync, 3020, "cuMemcpyHtoDAsync_v2")                                 \
    X(cuMemcpyDtoHAsync, 3020, "cuMemcpyDtoHAsync_v2")                                 \
    X(cuMemcpyDtoDAsync, 3020, "cuMemcpyDtoDAsync_v2")                                 \
    X(cuModuleLoadData, 2000, "cuModuleLoadData")                                      \
    X(cuModuleUnload, 2000, "cuModuleUnload")                                          \
    X(cuModuleGetFunction, 2000, "cuModuleGetFunction")                                \
    X(cuLaunchKernel, 4000, "cuLaunchKernel")                                          \
    X(cuEventCreate, 2000, "cuEventCreate")                                            \
    X(cuEventDestroy, 4000, "cuEventDestroy_v2")                                       \
    X(cuEventRecord, 2000, "cuEventRecord")                                            \
    X(cuEventSynchronize, 2000, "cuEventSynchronize")                                  \
    X(cuEventElapsedTime, 2000, "cuEventElapsedTime_v2")

/* Without these the device has fewer kinds of memory, no lanes, no graphs, no words for its
 * errors, no address, size or version, and says so. */
#define CU_OPTIONAL(X)                                                                 \
    X(cuGetExportTable, 3000, "cuGetExportTable") /* NVRTC 13 calls it, there or not */ \
    X(cuDriverGetVersion, 2020, "cuDriverGetVersion")                                  \
    X(cuDeviceTotalMem, 3020, "cuDeviceTotalMem_v2")                                   \
    X(cuModuleLoadDataEx, 2010, "cuModuleLoadDataEx")                                  \
    X(cuGetErrorName, 6000, "cuGetErrorName")                                          \
    X(cuGetErrorString, 6000, "cuGetErrorString")                                      \
    X(cuMemHostAlloc, 2020, "cuMemHostAlloc")                                          \
    X(cuMemFreeHost, 2000, "cuMemFreeHost")                                            \
    X(cuFuncGetAttribute, 2020, "cuFuncGetAttribute")                                  \
    X(cuDeviceGetUuid, 11040, "cuDeviceGetUuid_v2")                                    \
    X(cuDeviceGetPCIBusId, 4010, "cuDeviceGetPCIBusId")                                \
    X(cuMemGetInfo, 3020, "cuMemGetInfo_v2")                                           \
    X(cuMemHostGetDevicePointer, 3020, "cuMemHostGetDevicePointer_v2")                 \
    X(cuMemAllocManaged, 6000, "cuMemAllocManaged")                                    \
    X(cuMemPrefetchAsync, 8000, "cuMemPrefetchAsync")                                  \
    X(cuStreamWaitEvent, 3020, "cuStreamWaitEvent")                                    \
    X(cuStreamBeginCapture, 10010, "cuStreamBeginCapture_v2")                          \
    X(cuStreamEndCapture, 10000, "cuStreamEndCapture")                                 \
    X(cuGraphInstantiateWithFlags, 11040, "cuGraphInstantiateWithFlags")               \
    X(cuGraphLaunch, 10000, "cuGraphLaunch")                                           \
    X(cuGraphExecDestroy, 10000, "cuGraphExecDestroy")                                 \
    X(cuGraphDestroy, 10000, "cuGraphDestroy")

/* Where cuda.h defines a name to be another one, the member is called as that other one; its
 * type and what stands in it are the table's all the same. */
struct cuda_symbols {
#define X(name, version, exported) PFN_##name##_v##version name;
    CU_NEEDED(X) CU_OPTIONAL(X)
#undef X
};
extern struct cuda_symbols cu;

struct module;

struct kernel {
    struct kernel *next;
    struct name name;
    const struct module *module;
    CUfunction function;
    int group_limit;    /* threads per block that its registers allow */
};

/* One program, compiled once for all its kernels. */
struct module {
    struct module *next;
    char *key;          /* where its source lies, and the compiler's options */
    CUmodule module;
};

/* What stands behind a mark; kept for the next one when its event was taken back. */
struct point {
    struct point *next;
    CUevent event;
    bool is_taken;
};

struct cuda {
    struct device_ops ops;        /* without the parts that this driver lacks */
    CUdevice id;
    CUcontext context;            /* the primary one, retained */
    CUstream stream, lane[LANES]; /* the one in use; all of them, NULL: not made */
    CUevent crossing[LANES];      /* for one lane to wait for another */
    struct kernel *kernels;
    struct module *modules;
    struct point *points;
    struct name target;           /* what code is compiled for: "sm_90" or "compute_80" */
    struct why lost;              /* how the context was lost; "" while it is well */
};

/* Open the driver library, once. Errors: STATUS_UNAVAILABLE with what is missing. */
int cuda_load(struct why *);

/* CUDA version that the driver is for, 12040 is 12.4; 0 without a driver, or when it does not
 * say. */
int cuda_driver_interface(void);

/* "CUDA_ERROR_ILLEGAL_ADDRESS"; "CUDA error 700" when the driver has no name for it. */
const char *cuda_error_name(CUresult, char *out, size_t size);

/* Turn a CUDA error into a status with a sentence; for use where `device` and `why` are. */
#define CU_TRY(call, what)                                                             \
    do {                                                                               \
        CUresult error_ = (call);                                                      \
        if (error_ != CUDA_SUCCESS)                                                    \
            return cuda_fail(device, error_, what, why);                               \
    } while (0)

/* Status and sentence: "WHAT: an illegal memory access was encountered
 * (CUDA_ERROR_ILLEGAL_ADDRESS)". A fault that the context does not survive is STATUS_LOST
 * here, and kept for cuda_enter. */
int cuda_fail(struct device *, CUresult, const char *what, struct why *);

/* At the start of every slot: the device's context becomes current. STATUS_LOST when it was
 * lost before. */
int cuda_enter(struct device *, struct why *);

int cuda_attribute(CUdevice, CUdevice_attribute); /* 0 when it cannot be read */

/* As cuda_fail, where there is nobody to tell: on the way out. The first error is kept. */
void cuda_note(struct device *, CUresult, const char *what);

/* Can this kind of memory be had? Of the device's own and pageable memory: true. */
bool cuda_has_memory(CUdevice, enum memory);

/* Slots of device_ops. */
int cuda_alloc(struct device *, struct buffer *, size_t bytes, enum memory, struct why *);
void cuda_free(struct device *, struct buffer *);
int cuda_copy(struct device *, struct buffer *to, const struct buffer *from, size_t bytes,
              struct why *);
int cuda_copy_part(struct device *, struct buffer *to, const struct buffer *from, struct part,
                   struct why *);
int cuda_prefetch(struct device *, struct buffer *, enum memory where, struct why *);
int cuda_build(struct device *, const char *source, const char *name, const char *defines,
               enum dtype, struct kernel **, struct why *);
int cuda_launch(struct device *, struct kernel *, const struct step *, const struct buffer *arg,
                const struct buffer *scratch, struct why *);
int cuda_sync(struct device *, struct why *);

/* Make `lane` if need be, and put it in use. */
int cuda_lane_use(struct device *, int lane, struct why *);
extern const struct lane_ops cuda_lanes;
extern const struct recording_ops cuda_recording;

/* Release what the rooms hold, before the context goes. */
void cuda_kernels_release(struct device *);
void cuda_lanes_release(struct device *);

#endif
#endif
