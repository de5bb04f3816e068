/* SPDX-License-Identifier: MIT */
/* The way in: names of errors, and functions by name and version. */
#include <string.h>

#include "tests/emulator/cuda/driver.h"
#include "tests/emulator/cuda/finding.h"
#include "tests/emulator/faults.h"

static const struct {
    CUresult error;
    const char *name, *text;
} errors[] = {
#define E(name, text) {CUDA_##name, "CUDA_" #name, text}
    E(SUCCESS, "no error"),
    E(ERROR_INVALID_VALUE, "invalid argument"),
    E(ERROR_OUT_OF_MEMORY, "out of memory"),
    E(ERROR_NOT_INITIALIZED, "initialization error"),
    E(ERROR_NO_DEVICE, "no CUDA-capable device is detected"),
    E(ERROR_INVALID_DEVICE, "invalid device ordinal"),
    E(ERROR_INVALID_IMAGE, "device kernel image is invalid"),
    E(ERROR_INVALID_CONTEXT, "invalid device context"),
    E(ERROR_NO_BINARY_FOR_GPU, "no kernel image is available for execution on the device"),
    E(ERROR_INVALID_PTX, "a PTX JIT compilation failed"),
    E(ERROR_UNSUPPORTED_PTX_VERSION, "the provided PTX was compiled with an unsupported toolchain."),
    E(ERROR_NOT_FOUND, "named symbol not found"),
    E(ERROR_INVALID_HANDLE, "invalid resource handle"),
    E(ERROR_ILLEGAL_STATE, "the operation cannot be performed in the present state"),
    E(ERROR_NOT_READY, "device not ready"),
    E(ERROR_ILLEGAL_ADDRESS, "an illegal memory access was encountered"),
    E(ERROR_LAUNCH_OUT_OF_RESOURCES, "too many resources requested for launch"),
    E(ERROR_LAUNCH_TIMEOUT, "the launch timed out and was terminated"),
    E(ERROR_CONTEXT_IS_DESTROYED, "context is destroyed"),
    E(ERROR_HOST_MEMORY_ALREADY_REGISTERED, "part or all of the requested memory range is already mapped"),
    E(ERROR_HOST_MEMORY_NOT_REGISTERED, "pointer does not correspond to a registered memory region"),
    E(ERROR_ILLEGAL_INSTRUCTION, "an illegal instruction was encountered"),
    E(ERROR_MISALIGNED_ADDRESS, "misaligned address"),
    E(ERROR_INVALID_PC, "invalid program counter"),
    E(ERROR_LAUNCH_FAILED, "unspecified launch failure"),
    E(ERROR_NOT_SUPPORTED, "operation not supported"),
    E(ERROR_STREAM_CAPTURE_UNSUPPORTED, "operation not permitted when stream is capturing"),
    E(ERROR_STREAM_CAPTURE_INVALIDATED, "operation failed due to a previous error during capture"),
    E(ERROR_STREAM_CAPTURE_UNMATCHED, "capture was not initiated in this stream"),
    E(ERROR_STREAM_CAPTURE_UNJOINED, "capturing stream has unjoined work"),
    E(ERROR_STREAM_CAPTURE_ISOLATION, "dependency created on uncaptured work in another stream"),
    E(ERROR_CAPTURED_EVENT, "operation not permitted on an event last recorded in a capturing stream"),
    E(ERROR_UNKNOWN, "unknown error"),
#undef E
};

CUresult CUDAAPI cuGetErrorName(CUresult error, const char **name)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].error == error) {
            *name = errors[i].name;
            return CUDA_SUCCESS;
        }
    *name = NULL;
    return CUDA_ERROR_INVALID_VALUE;
}

CUresult CUDAAPI cuGetErrorString(CUresult error, const char **text)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].error == error) {
            *text = errors[i].text;
            return CUDA_SUCCESS;
        }
    *text = NULL;
    return CUDA_ERROR_INVALID_VALUE;
}

/* NVRTC asks for private tables as soon as a driver can be loaded, and does without. */
CUresult CUDAAPI cuGetExportTable(const void **table, const CUuuid *id)
{
    (void)id;
    if (table)
        *table = NULL;
    return CUDA_ERROR_NOT_FOUND;
}

/* Interfaces of which cuda.h has one, by the plain name: some of the older, some of the newer version. */
#if CUDA_VERSION < 12000
typedef enum {
    CU_GET_PROC_ADDRESS_SUCCESS,
    CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND
} CUdriverProcAddressQueryResult;
#endif
#undef cuGetProcAddress
#undef cuMemPrefetchAsync
#undef cuMemAdvise
CUresult CUDAAPI cuGetProcAddress(const char *, void **, int, cuuint64_t);
CUresult CUDAAPI cuGetProcAddress_v2(const char *, void **, int, cuuint64_t,
                                     CUdriverProcAddressQueryResult *);
CUresult CUDAAPI cuMemPrefetchAsync(CUdeviceptr, size_t, CUdevice, CUstream);
CUresult CUDAAPI cuMemAdvise(CUdeviceptr, size_t, CUmem_advise, CUdevice);
CUresult CUDAAPI cuMemPrefetchAsync_v2(CUdeviceptr, size_t, CUmemLocation, unsigned int, CUstream);
CUresult CUDAAPI cuMemAdvise_v2(CUdeviceptr, size_t, CUmem_advise, CUmemLocation);
CUresult CUDAAPI cuGraphInstantiate_v2(CUgraphExec *, CUgraph, CUgraphNode *, char *, size_t);

/* Name and first CUDA version of an interface; of those with one name, the last that is not
 * newer than what the caller asks for. */
static const struct {
    const char *name;
    int version;
    void *function;
} functions[] = {
#define F(name) {#name, 0, (void *)name}
    F(cuInit), F(cuDriverGetVersion), F(cuDeviceGetCount), F(cuDeviceGet), F(cuDeviceGetName),
    F(cuDeviceGetUuid), F(cuDeviceTotalMem), F(cuDeviceGetPCIBusId), F(cuDeviceGetByPCIBusId),
    F(cuDeviceGetAttribute), F(cuDevicePrimaryCtxRetain),
    F(cuDevicePrimaryCtxRelease), F(cuDevicePrimaryCtxReset), F(cuDevicePrimaryCtxSetFlags),
    F(cuDevicePrimaryCtxGetState), F(cuCtxSetCurrent), F(cuCtxPushCurrent), F(cuCtxPopCurrent),
    F(cuCtxGetCurrent), F(cuCtxGetDevice), F(cuCtxGetApiVersion), F(cuCtxGetFlags),
    F(cuCtxGetStreamPriorityRange), F(cuCtxSynchronize), F(cuMemAlloc), F(cuMemAllocManaged),
    F(cuMemFree), F(cuMemAllocHost), F(cuMemHostAlloc), F(cuMemFreeHost), F(cuMemHostRegister),
    F(cuMemHostUnregister), F(cuMemHostGetDevicePointer), F(cuMemHostGetFlags), F(cuMemGetInfo),
    F(cuMemGetAddressRange), F(cuPointerGetAttribute), F(cuMemcpy), F(cuMemcpyHtoD),
    F(cuMemcpyDtoH), F(cuMemcpyDtoD), F(cuMemcpyAsync), F(cuMemcpyHtoDAsync),
    F(cuMemcpyDtoHAsync), F(cuMemcpyDtoDAsync), F(cuMemsetD8), F(cuMemsetD16), F(cuMemsetD32),
    F(cuMemsetD8Async), F(cuMemsetD16Async), F(cuMemsetD32Async), F(cuMemPrefetchAsync),
    {"cuMemPrefetchAsync", 12020, (void *)cuMemPrefetchAsync_v2}, F(cuMemAdvise),
    {"cuMemAdvise", 12020, (void *)cuMemAdvise_v2}, F(cuStreamCreate),
    F(cuStreamCreateWithPriority), F(cuStreamDestroy), F(cuStreamSynchronize), F(cuStreamQuery),
    F(cuStreamGetCtx), F(cuStreamWaitEvent), F(cuLaunchHostFunc), F(cuEventCreate),
    F(cuEventDestroy), F(cuEventRecord), F(cuEventRecordWithFlags), F(cuEventSynchronize),
    F(cuEventQuery), F(cuEventElapsedTime), F(cuStreamBeginCapture), F(cuStreamEndCapture),
    F(cuStreamIsCapturing), F(cuGraphGetNodes), F(cuGraphDestroy), F(cuGraphExecDestroy),
    {"cuGraphInstantiate", 0, (void *)cuGraphInstantiate_v2},
    {"cuGraphInstantiate", 12000, (void *)cuGraphInstantiateWithFlags},
    F(cuGraphInstantiateWithFlags), F(cuGraphUpload), F(cuGraphLaunch), F(cuModuleLoadData),
    F(cuModuleLoadDataEx), F(cuModuleUnload), F(cuModuleGetFunction), F(cuModuleGetGlobal),
    F(cuFuncGetAttribute), F(cuFuncSetAttribute), F(cuFuncSetCacheConfig),
    F(cuOccupancyMaxActiveBlocksPerMultiprocessor), F(cuLaunchKernel), F(cuGetErrorName),
    F(cuGetErrorString), F(cuGetExportTable), F(cuGetProcAddress),
    {"cuGetProcAddress", 12000, (void *)cuGetProcAddress_v2},
#undef F
};

CUresult CUDAAPI cuGetProcAddress_v2(const char *name, void **function, int version,
                                     cuuint64_t flags, CUdriverProcAddressQueryResult *status)
{
    (void)flags;
    *function = NULL;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].name, name) == 0 &&
            (functions[i].version <= version || setting(EMULATED_NEWEST, 0)))
            *function = functions[i].function;
    if (status)
        *status = *function ? CU_GET_PROC_ADDRESS_SUCCESS : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

/* The interface of CUDA 11.3, without the status. */
CUresult CUDAAPI cuGetProcAddress(const char *name, void **function, int version,
                                  cuuint64_t flags)
{
    return cuGetProcAddress_v2(name, function, version, flags, NULL);
}
