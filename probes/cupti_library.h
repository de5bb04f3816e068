/* SPDX-License-Identifier: MIT */
/* CUPTI, NVIDIA's profiling library, opened at run time. */
#ifndef OFFLOAD_BENCH_CUPTI_LIBRARY_H
#define OFFLOAD_BENCH_CUPTI_LIBRARY_H

#include "base/why.h"

struct cupti; /* its functions: cupti_symbols.h */

/* The library, opened once and kept: it holds state of the process. Looked for under its
 * names from CUDA 13 down to 11, then in $CUDA_HOME and /usr/local/cuda (lib64 and
 * extras/CUPTI/lib64). Below another root than "/" only ROOT/usr/lib/libcupti.so is tried,
 * anew for each root: tests bring their own.
 * NULL with the reason and what to install: not found, too old, or built without it. */
const struct cupti *cupti_library(const char *root, struct why *);

/* Path of the library and its version in words, such as "libcupti.so.13 (API 130000)". */
const char *cupti_version(const struct cupti *);

#endif
