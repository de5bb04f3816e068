/* SPDX-License-Identifier: MIT */
/* Compiled kernels on disk, by what they were made from. Kept under
 * $OFFLOAD_BENCH_CACHE, else $XDG_CACHE_HOME/offload-bench, else ~/.cache/offload-bench;
 * where none of them can be written, nothing is cached and nothing fails. */
#ifndef OFFLOAD_BENCH_CACHE_H
#define OFFLOAD_BENCH_CACHE_H

#include <stdbool.h>

#include "base/text.h"

/* `part`: NULL-terminated list of everything the binary depends on (source, options, device
 * and driver version). True when *binary was filled with a whole, undamaged entry; release
 * it in either case. */
bool cache_read(const char *const *part, struct text *binary);
void cache_write(const char *const *part, const char *binary, size_t n);

#endif
