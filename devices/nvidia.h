/* SPDX-License-Identifier: MIT */
/* What the system itself shows of NVIDIA's GPUs and their kernel driver, without any library of
 * NVIDIA's: so that what is missing can be told apart. `root` is "/" normally; tests point it
 * at recorded trees. */
#ifndef OFFLOAD_BENCH_NVIDIA_H
#define OFFLOAD_BENCH_NVIDIA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/why.h"

/* GPUs on the PCI bus, those included that the driver hides or does not know. */
int nvidia_on_bus(const char *root);

/* Version of the kernel driver, "535.104.05". False when it is not loaded. */
bool nvidia_driver_version(const char *root, char *out, size_t size);

/* Is there a way into a kernel driver at all (NVIDIA's, WSL's, a Jetson's)? A libcuda.so.1
 * that needs none is an emulation. */
bool nvidia_has_kernel_driver(const char *root);

/* May this process read the GPUs' hardware counters? The sentence says why, or why not:
 * STATUS_UNAVAILABLE with what would allow it, also when no kernel driver is loaded. */
int nvidia_counters(const char *root, struct why *);

/* NUMA node that the GPU at PCI address `bus` ("0000:17:00.0") hangs on; -1: the system has
 * one only or does not say. */
int nvidia_node(const char *root, const char *bus);

/* Why there is no driver library, or why it finds no GPU: STATUS_UNAVAILABLE with the
 * sentence and what to do. `has_library`: libcuda.so.1 could be opened. */
int nvidia_absent(const char *root, bool has_library, struct why *);

#endif
