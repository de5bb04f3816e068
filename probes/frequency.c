/* SPDX-License-Identifier: MIT */
/* The clock of the processors this process may use: from cpufreq, else the kernel's
 * estimate in /proc/cpuinfo (in a virtual machine that is the nominal clock, not the
 * real one). */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/sysfs.h"
#include "probes/probe.h"

enum { LOWEST, MEAN, METRICS };

static const struct metric metrics[METRICS] = {
    [LOWEST] = {"cpu_clock_low", "Hz", "clock of the slowest processor", BETTER_HIGHER},
    [MEAN] = {"cpu_clock", "Hz", "mean clock of the processors", BETTER_HIGHER},
};

struct clock {
    char root[256];
};

struct clocks {
    double low, sum;
    int n, cpu; /* cpu: number of the next line in /proc/cpuinfo */
    cpu_set_t allowed;
};

static void clocks_add(struct clocks *c, double hz)
{
    if (!(hz > 0))
        return;
    c->low = c->n ? fmin(c->low, hz) : hz;
    c->sum += hz;
    c->n++;
}

static bool see_mhz(const char *value, void *to)
{
    struct clocks *c = to;

    if (CPU_ISSET(c->cpu, &c->allowed))
        clocks_add(c, 1e6 * strtod(value, NULL));
    return ++c->cpu < CPU_SETSIZE;
}

static void clocks_read(struct clocks *c, const char *root)
{
    *c = (struct clocks){.n = 0};
    CPU_ZERO(&c->allowed);
    if (sched_getaffinity(0, sizeof c->allowed, &c->allowed) != 0)
        CPU_SET(0, &c->allowed);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &c->allowed))
            clocks_add(
                c, 1e3 * sysfs_number(
                             root,
                             "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq",
                             cpu));
    if (c->n == 0)
        sysfs_each(root, "/proc/cpuinfo", "cpu MHz", see_mhz, c);
}

static int frequency_open(void **self, const char *root, const struct metric **metric,
                          int *count, struct why *why)
{
    struct clocks now;
    struct clock *clock;

    clocks_read(&now, root);
    if (now.n == 0)
        return why_fail(
            why, STATUS_UNAVAILABLE,
            "neither cpufreq nor /proc/cpuinfo tells the clock of the processors");
    clock = calloc(1, sizeof *clock);
    if (!clock)
        return why_fail(why, STATUS_MEMORY, "no memory for the probe 'frequency'");
    snprintf(clock->root, sizeof clock->root, "%s", root);
    *self = clock;
    *metric = metrics;
    *count = METRICS;
    return 0;
}

static int frequency_start(void *self, struct why *why)
{
    (void)self, (void)why;
    return 0;
}

/* Read at the end, while the clock is still what the work made it. */
static int frequency_stop(void *self, double *value)
{
    const struct clock *clock = self;
    struct clocks now;

    clocks_read(&now, clock->root);
    value[LOWEST] = now.n ? now.low : NAN;
    value[MEAN] = now.n ? now.sum / now.n : NAN;
    return 0;
}

const struct probe probe_frequency = {
    .name = "frequency",
    .brief = "clock of the processors at the end of the work (cpufreq or cpuinfo)",
    .traits = PROBE_SYSTEM_WIDE,
    .open = frequency_open,
    .start = frequency_start,
    .stop = frequency_stop,
    .close = free,
};
