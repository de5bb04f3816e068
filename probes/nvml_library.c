/* SPDX-License-Identifier: MIT */
/* NVML's functions are declared here: its header comes with some toolkits only, its ABI is
 * stable. A GPU is found by its PCI bus id, which holds under CUDA_VISIBLE_DEVICES too. */
#include "probes/nvml_library.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "probes/cuda_context.h"

#define NVML_MAP(X)                                                                    \
    X(Init_v2, (void))                                                                 \
    X(DeviceGetHandleByPciBusId_v2, (const char *, void **))                           \
    X(DeviceGetClockInfo, (void *, int, unsigned *))                                   \
    X(DeviceGetTemperature, (void *, int, unsigned *))                                 \
    X(DeviceGetPowerUsage, (void *, unsigned *))                                       \
    X(DeviceGetEnforcedPowerLimit, (void *, unsigned *))                               \
    X(DeviceGetTotalEnergyConsumption, (void *, unsigned long long *))                 \
    X(DeviceGetCurrentClocksThrottleReasons, (void *, unsigned long long *))           \
    X(DeviceGetCurrPcieLinkGeneration, (void *, unsigned *))                           \
    X(DeviceGetCurrPcieLinkWidth, (void *, unsigned *))

struct nvml {
    void *library;
    char root[512];
#define X(name, arguments) int(*name) arguments;
    NVML_MAP(X)
#undef X
    const char *(*ErrorString)(int);
};

/* nvmlClockType_t, nvmlTemperatureSensors_t, nvmlClocksThrottleReasons of nvml.h */
enum { CLOCK_SM = 1, CLOCK_MEMORY = 2, SENSOR_GPU = 0 };
enum {
    REASON_POWER_CAP = 0x4,
    REASON_HARDWARE = 0x8,
    REASON_THERMAL = 0x20 | 0x40,
    REASON_POWER_BRAKE = 0x80
};

static int load(struct nvml *nvml, const char *root, struct why *why)
{
    char path[600] = "libnvidia-ml.so.1";
    int error;

    if (strcmp(root, "/") != 0)
        snprintf(path, sizeof path, "%s/usr/lib/libnvidia-ml.so.1", root);
    snprintf(nvml->root, sizeof nvml->root, "%s", root);
    nvml->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!nvml->library)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "cannot open libnvidia-ml.so.1; hint: it comes with the NVIDIA driver");
#define X(name, arguments) *(void **)&nvml->name = dlsym(nvml->library, "nvml" #name);
    NVML_MAP(X)
#undef X
    *(void **)&nvml->ErrorString = dlsym(nvml->library, "nvmlErrorString");
    if (!nvml->Init_v2 || !nvml->DeviceGetHandleByPciBusId_v2 || !nvml->ErrorString)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "libnvidia-ml.so.1 is too old; hint: a driver of 450 or newer");
    error = nvml->Init_v2();
    return error == 0 ? 0
                      : why_fail(why, STATUS_UNAVAILABLE, "NVML does not start: %s",
                                 nvml->ErrorString(error));
}

const struct nvml *nvml_library(const char *root, struct why *why)
{
    static struct nvml kept;
    struct nvml found = {.library = NULL};

    if (kept.library && strcmp(kept.root, root) == 0)
        return &kept;
    if (load(&found, root, why) != 0) {
        if (found.library)
            dlclose(found.library);
        return NULL;
    }
    kept = found;
    return &kept;
}

static int find_gpu(const struct nvml *nvml, void **device, struct why *why)
{
    struct cuda_context now;
    int status = cuda_context_current(&now, nvml->root, why), error;

    if (status)
        return status;
    error = nvml->DeviceGetHandleByPciBusId_v2(now.bus, device);
    return error ? why_fail(why, STATUS_UNAVAILABLE, "NVML does not know the GPU at '%s': %s",
                            now.bus, nvml->ErrorString(error))
                 : 0;
}

static double read_one(int (*read)(void *, unsigned *), void *device, double unit)
{
    unsigned value;

    return read && read(device, &value) == 0 ? unit * value : NAN;
}

static double read_clock(const struct nvml *nvml, void *device, int which)
{
    unsigned mhz;

    return nvml->DeviceGetClockInfo && nvml->DeviceGetClockInfo(device, which, &mhz) == 0
               ? 1e6 * mhz
               : NAN;
}

static void read_reasons(const struct nvml *nvml, void *device, struct gpu_state *state)
{
    unsigned long long reasons;

    state->is_hot = state->is_starved = NAN;
    if (!nvml->DeviceGetCurrentClocksThrottleReasons ||
        nvml->DeviceGetCurrentClocksThrottleReasons(device, &reasons) != 0)
        return;
    state->is_hot = (reasons & (REASON_THERMAL | REASON_HARDWARE)) != 0;
    state->is_starved = (reasons & (REASON_POWER_CAP | REASON_POWER_BRAKE)) != 0;
}

int nvml_read(const struct nvml *nvml, struct gpu_state *state, struct why *why)
{
    unsigned long long millijoules;
    unsigned celsius;
    void *device;
    int status = find_gpu(nvml, &device, why);

    if (status)
        return status;
    state->sm_hz = read_clock(nvml, device, CLOCK_SM);
    state->memory_hz = read_clock(nvml, device, CLOCK_MEMORY);
    state->temperature_c =
        nvml->DeviceGetTemperature &&
                nvml->DeviceGetTemperature(device, SENSOR_GPU, &celsius) == 0
            ? celsius
            : NAN;
    state->power_w = read_one(nvml->DeviceGetPowerUsage, device, 1e-3);
    state->power_limit_w = read_one(nvml->DeviceGetEnforcedPowerLimit, device, 1e-3);
    state->energy_j =
        nvml->DeviceGetTotalEnergyConsumption &&
                nvml->DeviceGetTotalEnergyConsumption(device, &millijoules) == 0
            ? 1e-3 * (double)millijoules
            : NAN;
    state->pcie_generation = read_one(nvml->DeviceGetCurrPcieLinkGeneration, device, 1);
    state->pcie_width = read_one(nvml->DeviceGetCurrPcieLinkWidth, device, 1);
    read_reasons(nvml, device, state);
    return 0;
}

bool nvml_is_throttled(const struct nvml *nvml)
{
    struct gpu_state state;
    void *device;

    if (find_gpu(nvml, &device, NULL) != 0)
        return false;
    read_reasons(nvml, device, &state);
    return state.is_hot == 1 || state.is_starved == 1;
}
