/* SPDX-License-Identifier: MIT */
/* What this machine is and how quiet, for the header of the results. */
#ifndef OFFLOAD_BENCH_MACHINE_H
#define OFFLOAD_BENCH_MACHINE_H

#include <jansson.h>

/* New reference; an object without the keys that could not be read. Takes about 50 ms,
 * opens the CPU libraries. Keys: cpu_model, cpus (logical ones this process may use),
 * cores, cpus_quota (of the cgroup), isa (that our code uses), cpu_flags, caches,
 * governor, numa_nodes, memory_bytes, memory_available_bytes, memory_limit_bytes (of
 * the cgroup), huge_pages, os, kernel, hypervisor, compiler, flags, environment {name:
 * value}, load_average, noise {lost, longest_gap_us, stolen, reading}, libraries
 * [{name, version} or {name, missing}], fingerprint: 16 hexadecimal digits over what
 * makes two machines comparable (processor, CPUs allowed, quota, instruction sets,
 * caches, NUMA nodes, whole GiB of memory, hypervisor) */
json_t *machine_describe(void);

/* The part that comes from the kernel's files below `root`; machine_describe reads "/".
 */
json_t *machine_read(const char *root);

#endif
