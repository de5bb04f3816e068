/* SPDX-License-Identifier: MIT */
/* The vendor libraries behind variants: which are here, in which version. For the header of
 * a run and for `doctor`. */
#ifndef OFFLOAD_BENCH_PROVIDER_H
#define OFFLOAD_BENCH_PROVIDER_H

#include "base/terms.h"
#include "base/why.h"

enum { PROVIDERS_MOST = 8 };

struct provider_row {
    const char *name;     /* "OpenBLAS" */
    enum device_kind on;  /* what its variants run on */
    bool is_found;
    char version[160];    /* as the library tells it; "" when not found */
    struct why missing;   /* why not, and what to install */
};

/* Every provider known to this build, found or not; opens those that are here. Writes at
 * most `most` rows and returns how many. */
int provider_list(struct provider_row *, int most);

#endif
