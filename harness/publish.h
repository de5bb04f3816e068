/* SPDX-License-Identifier: MIT */
/* From a results file to everything a person reads. */
#ifndef OFFLOAD_BENCH_PUBLISH_H
#define OFFLOAD_BENCH_PUBLISH_H

#include <jansson.h>
#include <stdbool.h>

#include "base/why.h"

/* Judge the results at `path`, write the text report to stdout, and report.html, report.md,
 * report.json and plots/ (each atomically) into the folder `out`; name the page at the end
 * unless `is_quiet`. `prices` (harness/prices.h, may be NULL) go before those of the header.
 * Errors: STATUS_IO, STATUS_INVALID, STATUS_MEMORY. */
int publish(const char *path, const char *out, const json_t *prices, bool is_quiet,
            struct why *why);

#endif
