/* SPDX-License-Identifier: MIT */
/* Asks each provider room the same two questions: are you here, and which version. */
#include "workloads/provider.h"

#include <stdio.h>

#include "workloads/cblas.h"
#include "workloads/clblast.h"
#include "workloads/cublaslt.h"
#include "workloads/dnnl.h"

static struct provider_row row_of(const char *name, enum device_kind on,
                                  int (*available)(const struct variant *, struct why *),
                                  const void *data, const char *version)
{
    struct provider_row row = {.name = name, .on = on};
    struct variant v = {.name = name, .on = on, .data = data};

    row.is_found = available(&v, &row.missing) == 0;
    if (row.is_found)
        snprintf(row.version, sizeof row.version, "%s", version);
    return row;
}

int provider_list(struct provider_row *row, int most)
{
    int n = 0;

    for (int i = 0; i < CBLAS_LIBRARIES && n < most; i++)
        row[n++] = row_of(cblas[i].name, DEVICE_CPU, cblas_available, &cblas[i], cblas[i].text);
    if (n < most)
        row[n++] = row_of("oneDNN", DEVICE_CPU, onednn_available, NULL, onednn_version());
    if (n < most)
        row[n++] = row_of("CLBlast", DEVICE_OPENCL, clblast_available, NULL, clblast_version());
    if (n < most)
        row[n++] = row_of("cuBLASLt", DEVICE_CUDA, cublaslt_available, NULL, cublaslt_version());
    return n;
}
