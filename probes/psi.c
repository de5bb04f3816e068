/* SPDX-License-Identifier: MIT */
/* Pressure stall information: how long some task of the whole machine waited for CPU,
 * memory or disk. Anything but 0 beside a measurement says who else was at work.
 * https://docs.kernel.org/accounting/psi.html */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sysfs.h"
#include "probes/probe.h"

enum { METRICS = 3 };

static const struct metric metrics[METRICS] = {
    {"cpu_stall", "s", "time some task waited for a CPU", BETTER_LOWER},
    {"memory_stall", "s", "time some task waited for memory", BETTER_LOWER},
    {"io_stall", "s", "time some task waited for disk", BETTER_LOWER},
};
static const char *const file[METRICS] = {"cpu", "memory", "io"};

struct psi {
    char root[256];
    double before[METRICS];
};

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345" (microseconds); NAN when
 * unreadable. */
static double stall_s(const char *root, const char *name)
{
    char line[200];
    const char *total;

    if (!sysfs_line(root, line, sizeof line, "/proc/pressure/%s", name))
        return NAN;
    total = strstr(line, "total=");
    return total ? 1e-6 * strtod(total + strlen("total="), NULL) : NAN;
}

static int psi_open(void **self, const char *root, const struct metric **metric,
                    int *count, struct why *why)
{
    struct psi *psi;

    if (isnan(stall_s(root, "cpu")))
        return why_fail(
            why, STATUS_UNAVAILABLE,
            "cannot read '/proc/pressure/cpu': the kernel keeps no pressure "
            "information; hint: boot with psi=1");
    psi = calloc(1, sizeof *psi);
    if (!psi)
        return why_fail(why, STATUS_MEMORY, "no memory for the probe 'psi'");
    snprintf(psi->root, sizeof psi->root, "%s", root);
    *self = psi;
    *metric = metrics;
    *count = METRICS;
    return 0;
}

static int psi_start(void *self, struct why *why)
{
    struct psi *psi = self;

    (void)why;
    for (int i = 0; i < METRICS; i++)
        psi->before[i] = stall_s(psi->root, file[i]);
    return 0;
}

static int psi_stop(void *self, double *value)
{
    struct psi *psi = self;

    for (int i = 0; i < METRICS; i++)
        value[i] = stall_s(psi->root, file[i]) - psi->before[i];
    return 0;
}

const struct probe probe_psi = {
    .name = "psi",
    .brief =
        "waiting for CPU, memory or disk, by anyone on the machine (pressure stall)",
    .traits = PROBE_SYSTEM_WIDE,
    .open = psi_open,
    .start = psi_start,
    .stop = psi_stop,
    .close = free,
};
