/* SPDX-License-Identifier: MIT */
/* Energy of processor packages and memory from RAPL counters (Intel, and AMD since
 * Zen), as the powercap driver shows them: microjoules that wrap at
 * max_energy_range_uj, after tens of minutes at least.
 * https://docs.kernel.org/power/powercap/powercap.html */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sysfs.h"
#include "probes/probe.h"

#define FOLDER "/sys/class/powercap/"

enum { PACKAGE, DRAM, METRICS, ZONES = 32 };

static const struct metric metrics[METRICS] = {
    [PACKAGE] = {"package_energy", "J", "energy of the processor packages",
                 BETTER_LOWER},
    [DRAM] = {"dram_energy", "J", "energy of the memory", BETTER_LOWER},
};

struct zone {
    char folder[64]; /* "intel-rapl:0:1" */
    int metric;
    double range_j, before_j;
};

struct energy {
    char root[256];
    struct zone zone[ZONES];
    struct metric metric[METRICS]; /* those that can be read, in order */
    int zones, metrics, slot[METRICS];
};

/* Which metric a zone of this name adds to; -1 for parts of a package (core, uncore),
 * which are in it already, and for psys, which overlaps it. */
static int zone_metric(const char *name)
{
    if (strncmp(name, "package", strlen("package")) == 0)
        return PACKAGE;
    return strcmp(name, "dram") == 0 ? DRAM : -1;
}

static void zone_add(struct energy *e, const char *folder)
{
    struct zone *z = &e->zone[e->zones];
    char name[64];

    if (e->zones == ZONES ||
        !sysfs_line(e->root, name, sizeof name, FOLDER "%s/name", folder) ||
        zone_metric(name) < 0)
        return;
    z->metric = zone_metric(name);
    snprintf(z->folder, sizeof z->folder, "%s", folder);
    z->range_j = 1e-6 * sysfs_number(e->root, FOLDER "%s/max_energy_range_uj", folder);
    e->zones++;
}

static void zones_find(struct energy *e)
{
    char folder[64];

    for (int package = 0; package < 16; package++) {
        snprintf(folder, sizeof folder, "intel-rapl:%d", package);
        zone_add(e, folder);
        for (int part = 0; part < 8; part++) {
            snprintf(folder, sizeof folder, "intel-rapl:%d:%d", package, part);
            zone_add(e, folder);
        }
    }
}

static double zone_joules(const struct energy *e, const struct zone *z)
{
    return 1e-6 * sysfs_number(e->root, FOLDER "%s/energy_uj", z->folder);
}

/* No zone, or zones that cannot be read. */
static int check_zones(struct energy *e, struct why *why)
{
    if (e->zones == 0)
        return why_fail(
            why, STATUS_UNAVAILABLE,
            "'" FOLDER "' has no RAPL zone: no such counters, or a virtual machine "
            "that hides them; hint: on a real machine, modprobe intel_rapl_msr");
    for (int i = 0; i < e->zones; i++) {
        errno = 0;
        if (isnan(zone_joules(e, &e->zone[i])))
            return why_fail(
                why, STATUS_UNAVAILABLE,
                "cannot read '" FOLDER "%s/energy_uj': %s; hint: sudo chmod a+r " FOLDER
                "intel-rapl*/energy_uj",
                e->zone[i].folder, errno ? strerror(errno) : "it holds no number");
    }
    return 0;
}

static void list_metrics(struct energy *e)
{
    for (int m = 0; m < METRICS; m++) {
        int zones = 0;

        for (int i = 0; i < e->zones; i++)
            zones += e->zone[i].metric == m;
        if (zones == 0)
            continue;
        e->slot[m] = e->metrics;
        e->metric[e->metrics++] = metrics[m];
    }
}

static int energy_open(void **self, const char *root, const struct metric **metric,
                       int *count, struct why *why)
{
    struct energy *e = calloc(1, sizeof *e);
    int status;

    if (!e)
        return why_fail(why, STATUS_MEMORY, "no memory for the probe 'energy'");
    snprintf(e->root, sizeof e->root, "%s", root);
    zones_find(e);
    status = check_zones(e, why);
    if (status) {
        free(e);
        return status;
    }
    list_metrics(e);
    *self = e;
    *metric = e->metric;
    *count = e->metrics;
    return 0;
}

static int energy_start(void *self, struct why *why)
{
    struct energy *e = self;

    (void)why;
    for (int i = 0; i < e->zones; i++)
        e->zone[i].before_j = zone_joules(e, &e->zone[i]);
    return 0;
}

static int energy_stop(void *self, double *value)
{
    const struct energy *e = self;

    for (int m = 0; m < e->metrics; m++)
        value[m] = 0;
    for (int i = 0; i < e->zones; i++) {
        double spent_j = zone_joules(e, &e->zone[i]) - e->zone[i].before_j;

        if (spent_j < 0)
            spent_j += e->zone[i].range_j;
        value[e->slot[e->zone[i].metric]] += spent_j;
    }
    return 0;
}

const struct probe probe_energy = {
    .name = "energy",
    .brief = "energy of processor packages and memory, by anyone on the machine (RAPL)",
    .traits = PROBE_SYSTEM_WIDE,
    .open = energy_open,
    .start = energy_start,
    .stop = energy_stop,
    .close = free,
};
