/* SPDX-License-Identifier: MIT */
/* What this machine is, for the header of the results. */
#ifndef OFFLOAD_BENCH_MACHINE_H
#define OFFLOAD_BENCH_MACHINE_H

#include <jansson.h>

/* New reference; an object without the keys that could not be read. */
json_t *machine_describe(void);

#endif
