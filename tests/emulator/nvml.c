/* SPDX-License-Identifier: MIT */
/* An NVML with one GPU at 0000:3b:00.0, whose energy grows by 5 J with each look and whose
 * clocks are held down for the reasons in OFFLOAD_EMULATOR_THROTTLE (bits of nvml.h). It knows
 * its GPU by the bus id only (OFFLOAD_EMULATOR_NVML_BUS: another one), and nothing before
 * nvmlInit_v2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6 };

static int is_ready, gpu;
static unsigned long long energy_mj = 1000;

int nvmlInit_v2(void)
{
    is_ready = 1;
    return OK;
}

const char *nvmlErrorString(int error)
{
    return error == NOT_FOUND ? "Not Found" : "Error";
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **device)
{
    int domain, number, slot;

    if (!is_ready)
        return UNINITIALIZED;
    if (sscanf(bus, "%x:%x:%x", &domain, &number, &slot) != 3)
        return INVALID;
    *device = &gpu;
    return getenv("OFFLOAD_EMULATOR_NVML_BUS") && strcmp(bus, getenv("OFFLOAD_EMULATOR_NVML_BUS"))
               ? NOT_FOUND
               : OK;
}

static int give(void *device, unsigned *value, unsigned is)
{
    *value = is;
    return !is_ready ? UNINITIALIZED : device == &gpu ? OK : INVALID;
}

int nvmlDeviceGetClockInfo(void *device, int type, unsigned *mhz)
{
    return give(device, mhz, type == 1 ? 1410 : 1215);
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius)
{
    return sensor ? INVALID : give(device, celsius, 61);
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts)
{
    return give(device, milliwatts, 250500);
}

int nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned *milliwatts)
{
    (void)device, (void)milliwatts;
    return NOT_SUPPORTED;
}

int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules)
{
    unsigned ignored;

    *millijoules = energy_mj += 5000;
    return give(device, &ignored, 0);
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons)
{
    const char *asked = getenv("OFFLOAD_EMULATOR_THROTTLE");
    unsigned ignored;

    *reasons = asked ? strtoull(asked, NULL, 0) : 1; /* 1: idle, which holds nothing down */
    return give(device, &ignored, 0);
}

int nvmlDeviceGetCurrPcieLinkGeneration(void *device, unsigned *generation)
{
    return give(device, generation, 4);
}

int nvmlDeviceGetCurrPcieLinkWidth(void *device, unsigned *width)
{
    return give(device, width, 16);
}
