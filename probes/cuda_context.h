/* SPDX-License-Identifier: MIT */
/* The CUDA context that is current in this thread, as the device room left it: probes look at
 * the GPU that is being measured without knowing who measures. */
#ifndef OFFLOAD_BENCH_CUDA_CONTEXT_H
#define OFFLOAD_BENCH_CUDA_CONTEXT_H

#include "base/why.h"

struct cuda_context {
    void *context;  /* CUcontext */
    int device;     /* CUdevice */
    char bus[20];   /* "0000:3b:00.0" */
};

/* Is there a driver at all? Errors: STATUS_UNAVAILABLE with what to install. */
int cuda_driver_present(const char *root, struct why *);

/* Asks the driver library that the process already uses; opens none. Below another root than
 * "/" it is ROOT/usr/lib/libcuda.so.1. Errors: STATUS_UNAVAILABLE without driver or context. */
int cuda_context_current(struct cuda_context *, const char *root, struct why *);

#endif
