/* SPDX-License-Identifier: MIT */
/* NVML, the management library of NVIDIA's driver, opened at run time. */
#ifndef OFFLOAD_BENCH_NVML_LIBRARY_H
#define OFFLOAD_BENCH_NVML_LIBRARY_H

#include <stdbool.h>

#include "base/why.h"

struct nvml;

/* State of a GPU; NAN: this GPU or driver does not say. A slice of a GPU (MIG) has the state
 * of the whole. */
struct gpu_state {
    double sm_hz, memory_hz, temperature_c, power_w, power_limit_w;
    double energy_j;               /* since the driver was loaded */
    double pcie_generation, pcie_width;
    double is_hot, is_starved;     /* 1: clocks are held down by heat; by the power limit */
};

/* The library, opened and initialised once and kept. Below another root than "/" it is
 * ROOT/usr/lib/libnvidia-ml.so.1. NULL with the reason. */
const struct nvml *nvml_library(const char *root, struct why *);

/* Of the GPU whose CUDA context is current in this thread. Errors: STATUS_UNAVAILABLE. */
int nvml_read(const struct nvml *, struct gpu_state *, struct why *);

/* Is that GPU known to be held down by heat or the power limit? Reads nothing else. */
bool nvml_is_throttled(const struct nvml *);

#endif
