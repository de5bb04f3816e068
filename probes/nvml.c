/* SPDX-License-Identifier: MIT */
/* What the driver says about a GPU before and after a pass: clocks, heat, power, link, and
 * what held the clocks down. The energy counter of a GPU moves every 20 to 100 ms, so the pass
 * is a long one (Yang, Adamek, Armour, "Part-time power measurements", SC 2024). */
#include <math.h>
#include <stdlib.h>

#include "probes/nvml_library.h"
#include "probes/probe.h"

static const struct metric metrics[] = {
    {"energy", "J", "energy of the whole GPU board", BETTER_LOWER},
    {"power", "W", "power of the board at the end", BETTER_LOWER},
    {"power_limit", "W", "most that the board may draw", BETTER_NEITHER},
    {"sm_clock_before", "Hz", "clock of the SMs before", BETTER_NEITHER},
    {"sm_clock", "Hz", "clock of the SMs at the end", BETTER_HIGHER},
    {"memory_clock", "Hz", "clock of the memory", BETTER_NEITHER},
    {"temperature_before", "degC", "of the GPU, before", BETTER_LOWER},
    {"temperature", "degC", "of the GPU, at the end", BETTER_LOWER},
    {"held_by_heat", "flag", "1: heat held the clocks down", BETTER_LOWER},
    {"held_by_power", "flag", "1: the power limit held the clocks down", BETTER_LOWER},
    {"pcie_generation", "generation", "of the link, now", BETTER_HIGHER},
    {"pcie_width", "lanes", "of the link, now", BETTER_HIGHER},
};

enum { METRICS = sizeof metrics / sizeof *metrics };

struct watch {
    const struct nvml *nvml;
    struct gpu_state before;
};

static int nvml_open(void **self, const char *root, const struct metric **metric, int *count,
                     struct why *why)
{
    struct watch *watch = calloc(1, sizeof *watch);

    if (!watch)
        return why_fail(why, STATUS_MEMORY, "no memory for the probe 'nvml'");
    watch->nvml = nvml_library(root, why);
    if (!watch->nvml) {
        free(watch);
        return STATUS_UNAVAILABLE;
    }
    *self = watch;
    *metric = metrics;
    *count = METRICS;
    return 0;
}

static int nvml_start(void *self, struct why *why)
{
    struct watch *watch = self;

    return nvml_read(watch->nvml, &watch->before, why);
}

static int nvml_stop(void *self, double *value)
{
    struct watch *watch = self;
    const struct gpu_state *before = &watch->before;
    struct gpu_state now;
    int status = nvml_read(watch->nvml, &now, NULL);

    if (status)
        return status;
    *value++ = now.energy_j - before->energy_j;
    *value++ = now.power_w;
    *value++ = now.power_limit_w;
    *value++ = before->sm_hz;
    *value++ = now.sm_hz;
    *value++ = now.memory_hz;
    *value++ = before->temperature_c;
    *value++ = now.temperature_c;
    *value++ = fmax(before->is_hot, now.is_hot);
    *value++ = fmax(before->is_starved, now.is_starved);
    *value++ = now.pcie_generation;
    *value++ = now.pcie_width;
    return 0;
}

static void nvml_close(void *self)
{
    free(self);
}

const struct probe probe_nvml = {
    .name = "nvml",
    .brief = "clocks, heat, power, energy and link of NVIDIA GPUs (NVML)",
    .traits = PROBE_SYSTEM_WIDE | PROBE_CUDA,
    .least_pass_s = 0.25,
    .open = nvml_open,
    .start = nvml_start,
    .stop = nvml_stop,
    .close = nvml_close,
};
