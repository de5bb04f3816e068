/* SPDX-License-Identifier: MIT */
/* Three functions of the driver API, declared here so that no header of CUDA is needed. */
#include "probes/cuda_context.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

struct driver {
    int (*get_current)(void **context);
    int (*get_device)(int *device);
    int (*get_bus)(char *bus, int size, int device);
};

/* RTLD_NOLOAD: opening the driver here would start it in processes that use no GPU. */
static void *driver_library(const char *root)
{
    char path[600];

    if (strcmp(root, "/") == 0)
        return dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    snprintf(path, sizeof path, "%s/usr/lib/libcuda.so.1", root);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

int cuda_driver_present(const char *root, struct why *why)
{
    void *library = strcmp(root, "/") == 0 ? dlopen("libcuda.so.1", RTLD_LAZY)
                                           : driver_library(root);

    if (!library)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "no NVIDIA GPU here: cannot open libcuda.so.1; hint: it comes with the "
                        "NVIDIA driver");
    dlclose(library);
    return 0;
}

int cuda_context_current(struct cuda_context *now, const char *root, struct why *why)
{
    struct driver driver = {NULL};
    void *library = driver_library(root);

    *now = (struct cuda_context){.context = NULL};
    if (!library)
        return why_fail(why, STATUS_UNAVAILABLE, "no CUDA driver is in use");
    *(void **)&driver.get_current = dlsym(library, "cuCtxGetCurrent");
    *(void **)&driver.get_device = dlsym(library, "cuCtxGetDevice");
    *(void **)&driver.get_bus = dlsym(library, "cuDeviceGetPCIBusId");
    if (driver.get_current && driver.get_device && driver.get_bus &&
        driver.get_current(&now->context) == 0 && now->context &&
        driver.get_device(&now->device) == 0 &&
        driver.get_bus(now->bus, sizeof now->bus, now->device) == 0)
        return 0;
    return why_fail(why, STATUS_UNAVAILABLE, "no CUDA context is in use");
}
