/* SPDX-License-Identifier: MIT */
/* The driver library, opened at run time, and its errors in words. Functions are asked for by
 * cuGetProcAddress in the version of CUDA 11.8, so that later drivers give the interface that
 * this program was written for; a driver without it is asked by the exported names. */
#include "devices/cuda.h"

#ifdef HAVE_CUDA

#include <dlfcn.h>
#include <stdio.h>

#include "devices/nvidia.h"

struct cuda_symbols cu;

enum { INTERFACE = 11080 };

/* cuGetProcAddress as of CUDA 12.0; that of 11.3 takes no notice of the last argument. */
typedef CUresult (*ask)(const char *, void **, int, cuuint64_t, int *symbol_status);

static void *find(void *library, const char *name, const char *exported)
{
    ask address;
    void *found = NULL;
    int status;

    *(void **)&address = dlsym(library, "cuGetProcAddress_v2");
    if (!address)
        *(void **)&address = dlsym(library, "cuGetProcAddress");
    if (address && address(name, &found, INTERFACE, 0, &status) == CUDA_SUCCESS && found)
        return found;
    found = dlsym(library, exported);
    return found ? found : dlsym(library, name); /* a driver that has but one version of it */
}

/* cuMemPrefetchAsync takes other arguments since CUDA 12.2, under the name of _v2: the exported
 * name is sure, and does not rest on the driver's minding the version it is asked for. */
static void find_prefetch(void *library)
{
    void *exported = dlsym(library, "cuMemPrefetchAsync");

    if (exported)
        *(void **)&cu.cuMemPrefetchAsync = exported;
}

static int find_all(void *library, struct why *why)
{
#define X(name, version, exported) *(void **)&cu.name = find(library, #name, exported);
    CU_NEEDED(X) CU_OPTIONAL(X)
#undef X
    find_prefetch(library);
    /* NVRTC looks for the exported name only */
    *(void **)&cu.cuGetExportTable = dlsym(library, "cuGetExportTable");
#define X(name, version, exported)                                                     \
    if (!cu.name)                                                                      \
        return why_fail(why, STATUS_UNAVAILABLE,                                       \
                        "the NVIDIA driver is too old: libcuda.so.1 lacks %s; hint: install a " \
                        "driver for CUDA 11.8 or newer (520 or later)", exported);
    CU_NEEDED(X)
#undef X
    return 0;
}

int cuda_load(struct why *why)
{
    static void *library;
    void *opened;
    int status;

    if (library)
        return 0;
    opened = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!opened)
        return nvidia_absent("/", false, why);
    status = find_all(opened, why);
    if (status)
        dlclose(opened);
    else
        library = opened;
    return status;
}

int cuda_driver_interface(void)
{
    int version = 0;

    return cuda_load(NULL) == 0 && cu.cuDriverGetVersion &&
                   cu.cuDriverGetVersion(&version) == CUDA_SUCCESS
               ? version
               : 0;
}

const char *cuda_error_name(CUresult error, char *out, size_t size)
{
    const char *name = NULL;

    if (!cu.cuGetErrorName || cu.cuGetErrorName(error, &name) != CUDA_SUCCESS || !name) {
        snprintf(out, size, "CUDA error %d", (int)error);
        return out;
    }
    return name;
}

/* Errors after which the context is of no use, and what a person may do; numbers, because
 * older headers lack some of the names. */
static const struct fault {
    int error;
    const char *hint;
} faults[] = {
    {46, "the GPU is used exclusively by another process or has fallen off; nvidia-smi says more"},
    {214, "memory of the GPU is damaged (uncorrectable ECC error): nvidia-smi -q -d ECC, then "
          "reset the GPU"},
    {220, "an NVLink error that could not be corrected: nvidia-smi nvlink -e"},
    {226, NULL},
    {700, "a kernel read or wrote outside of its buffers: a fault of the kernel; compute-sanitizer "
          "finds the place"},
    {702, "the kernel ran longer than the display's watchdog allows: use a GPU without a display"},
    {709, NULL},
    {710, NULL},
    {714, NULL},
    {715, "code for another architecture, or a fault of the kernel"},
    {716, "a kernel used an address that is not aligned: a fault of the kernel"},
    {717, NULL},
    {718, NULL},
    {719, "a kernel ended abnormally, or the GPU was reset: dmesg | grep Xid says which"},
    {721, NULL},
    {810, "the MPS client was terminated"},
    {999, "dmesg | grep -e Xid -e NVRM says more"},
};

static const struct fault *fault_find(CUresult error)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (faults[i].error == (int)error)
            return &faults[i];
    return NULL;
}

/* What to do about an error that the context outlives; "" when there is nothing to say. */
static const char *advice(CUresult error)
{
    switch ((int)error) {
    case 222: return "; hint: the driver is older than NVRTC: update the driver, or put an older "
                     "toolkit's libnvrtc first in LD_LIBRARY_PATH";
    case 209: case 200: return "; hint: --cuda-arch compute_NN lets the driver compile for its GPU";
    case 221: return "; hint: libnvidia-ptxjitcompiler.so.1 is missing: install all of the driver";
    case 701: return " (too many registers or too much shared memory for the group)";
    }
    return "";
}

int cuda_fail(struct device *device, CUresult error, const char *what, struct why *why)
{
    struct cuda *self = device->self;
    const struct fault *fault = fault_find(error);
    const char *name, *text = NULL;
    char number[32];
    size_t free_bytes, all_bytes;

    name = cuda_error_name(error, number, sizeof number);
    if (!cu.cuGetErrorString || cu.cuGetErrorString(error, &text) != CUDA_SUCCESS || !text)
        text = "the driver has no words for it";
    if (error == CUDA_ERROR_OUT_OF_MEMORY && cu.cuMemGetInfo &&
        cu.cuMemGetInfo(&free_bytes, &all_bytes) == CUDA_SUCCESS)
        return why_fail(why, STATUS_MEMORY, "%s: out of memory (%s; %.1f of %.1f MiB are free)",
                        what, name, (double)free_bytes / 0x1p20, (double)all_bytes / 0x1p20);
    if (error == CUDA_ERROR_OUT_OF_MEMORY)
        return why_fail(why, STATUS_MEMORY, "%s: out of memory (%s)", what, name);
    if (error == CUDA_ERROR_NOT_SUPPORTED)
        return why_fail(why, STATUS_UNAVAILABLE, "%s: the driver or GPU does not support it (%s)",
                        what, name);
    if (!fault)
        return why_fail(why, STATUS_DEVICE, "%s: %s (%s)%s", what, text, name, advice(error));
    why_fail(&self->lost, STATUS_LOST, "%s: %s (%s)%s%s", what, text, name,
             fault->hint ? "; hint: " : "", fault->hint ? fault->hint : "");
    return why_fail(why, STATUS_LOST, "%s", self->lost.text);
}

void cuda_note(struct device *device, CUresult error, const char *what)
{
    struct cuda *self = device->self;
    struct why why;

    if (error == CUDA_SUCCESS || self->lost.text[0])
        return;
    cuda_fail(device, error, what, &why);
    self->lost = why;
}

int cuda_enter(struct device *device, struct why *why)
{
    struct cuda *self = device->self;

    if (self->lost.text[0])
        return why_fail(why, STATUS_LOST, "%s", self->lost.text);
    CU_TRY(cu.cuCtxSetCurrent(self->context), "cannot make the CUDA context current");
    return 0;
}

int cuda_attribute(CUdevice id, CUdevice_attribute what)
{
    int value = 0;

    return cu.cuDeviceGetAttribute(&value, what, id) == CUDA_SUCCESS ? value : 0;
}

#endif
