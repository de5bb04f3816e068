/* SPDX-License-Identifier: MIT */
/* The three functions of the CUDA driver that name the current context, for tests of probes
 * that need no whole driver. OFFLOAD_EMULATOR_NO_CONTEXT: none is current. */
#include <stdio.h>
#include <stdlib.h>

static int context;

int cuCtxGetCurrent(void **current)
{
    *current = getenv("OFFLOAD_EMULATOR_NO_CONTEXT") ? NULL : &context;
    return 0;
}

int cuCtxGetDevice(int *device)
{
    *device = 0;
    return 0;
}

int cuDeviceGetPCIBusId(char *bus, int size, int device)
{
    (void)device;
    return snprintf(bus, (size_t)size, "0000:3b:00.0") > 0 ? 0 : 1;
}
