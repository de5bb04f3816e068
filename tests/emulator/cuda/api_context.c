/* SPDX-License-Identifier: MIT */
/* Contexts: the primary one of each device, counted, and a stack of them per thread. */
#include "tests/emulator/cuda/driver.h"
#include "tests/emulator/cuda/finding.h"

enum { STACK = 16 };
static _Thread_local struct handle *stack[STACK];
static _Thread_local int depth;

struct handle *context_current(void)
{
    return depth ? stack[depth - 1] : NULL;
}

CUresult CUDAAPI cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
    struct device_state *d = &driver.device[device];

    ENTER(NEED_INIT);
    if (device < 0 || device >= driver.devices)
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    if (driver.is_lost)
        return driver_leave(CUDA_ERROR_NO_DEVICE);
    if (!d->context) {
        d->context = handle_new(HANDLE_CONTEXT);
        d->context->device = device;
        d->context->is_primary = true;
        d->sticky = CUDA_SUCCESS;
    }
    d->retained++;
    *context = (CUcontext)d->context;
    return driver_leave(CUDA_SUCCESS);
}

static void context_end(CUdevice device)
{
    struct device_state *d = &driver.device[device];

    leaks_report(device);
    handle_drop(d->context);
    d->context = NULL;
    d->retained = 0;
    d->sticky = CUDA_SUCCESS;
}

CUresult CUDAAPI cuDevicePrimaryCtxRelease(CUdevice device)
{
    struct device_state *d = &driver.device[device];

    ENTER(NEED_INIT);
    if (device < 0 || device >= driver.devices)
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    if (!d->context) {
        finding("cuDevicePrimaryCtxRelease: the context of device %d is not retained", device);
        return driver_leave(CUDA_ERROR_INVALID_CONTEXT);
    }
    if (--d->retained == 0)
        context_end(device);
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuDevicePrimaryCtxReset(CUdevice device)
{
    ENTER(NEED_INIT);
    if (device < 0 || device >= driver.devices)
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    if (driver.device[device].context) {
        int retained = driver.device[device].retained;

        context_end(device);
        driver.device[device].retained = retained;
        driver.device[device].context = handle_new(HANDLE_CONTEXT);
        driver.device[device].context->device = device;
    }
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned int flags)
{
    ENTER(NEED_INIT);
    if (device < 0 || device >= driver.devices)
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    driver.device[device].flags = flags;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuDevicePrimaryCtxGetState(CUdevice device, unsigned int *flags, int *active)
{
    ENTER(NEED_INIT);
    if (device < 0 || device >= driver.devices)
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    *flags = driver.device[device].flags;
    *active = driver.device[device].context != NULL;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuCtxSetCurrent(CUcontext context)
{
    struct handle *h = NULL;

    ENTER(NEED_INIT);
    if (context) {
        h = handle_check(context, HANDLE_CONTEXT, "cuCtxSetCurrent");
        if (!h)
            return driver_leave(CUDA_ERROR_INVALID_CONTEXT);
    }
    if (depth == 0)
        depth = 1;
    stack[depth - 1] = h;
    if (!h && depth == 1)
        depth = 0;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuCtxPushCurrent(CUcontext context)
{
    struct handle *h;

    ENTER(NEED_INIT);
    h = handle_check(context, HANDLE_CONTEXT, "cuCtxPushCurrent");
    if (!h || depth == STACK)
        return driver_leave(CUDA_ERROR_INVALID_CONTEXT);
    stack[depth++] = h;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuCtxPopCurrent(CUcontext *context)
{
    ENTER(NEED_INIT);
    if (depth == 0)
        return driver_leave(CUDA_ERROR_INVALID_CONTEXT);
    depth--;
    if (context)
        *context = (CUcontext)stack[depth];
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuCtxGetCurrent(CUcontext *context)
{
    ENTER(NEED_INIT);
    *context = (CUcontext)context_current();
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuCtxGetDevice(CUdevice *device)
{
    ENTER(NEED_CONTEXT);
    *device = context_current()->device;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuCtxGetApiVersion(CUcontext context, unsigned int *version)
{
    ENTER(NEED_INIT);
    if (context && !handle_check(context, HANDLE_CONTEXT, "cuCtxGetApiVersion"))
        return driver_leave(CUDA_ERROR_INVALID_CONTEXT);
    *version = 13000;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuCtxGetFlags(unsigned int *flags)
{
    ENTER(NEED_CONTEXT);
    *flags = driver.device[context_current()->device].flags;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuCtxGetStreamPriorityRange(int *least, int *greatest)
{
    ENTER(NEED_CONTEXT);
    if (least)
        *least = 0;
    if (greatest)
        *greatest = -5;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuCtxSynchronize(void)
{
    CUresult result;

    ENTER(NEED_CONTEXT);
    result = capture_forbids("cuCtxSynchronize");
    return driver_leave(result != CUDA_SUCCESS ? result
                                               : queue_drain(context_current()->device));
}
