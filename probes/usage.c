/* SPDX-License-Identifier: MIT */
/* What the kernel always counts for a process and all its threads: getrusage(2). A
 * measured loop should see no involuntary switch and no page fault; those it sees are
 * noise. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "probes/probe.h"

enum { USER, SYSTEM, VOLUNTARY, INVOLUNTARY, MINOR, MAJOR, METRICS };

static const struct metric metrics[METRICS] = {
    [USER] = {"user_time", "s", "CPU time in this program, all threads", BETTER_LOWER},
    [SYSTEM] = {"system_time", "s", "CPU time in the kernel for it", BETTER_LOWER},
    [VOLUNTARY] = {"voluntary_switches", "1", "waits that gave the CPU away",
                   BETTER_LOWER},
    [INVOLUNTARY] = {"involuntary_switches", "1", "times another program took the CPU",
                     BETTER_LOWER},
    [MINOR] = {"minor_faults", "1", "page faults served from memory", BETTER_LOWER},
    [MAJOR] = {"major_faults", "1", "page faults served from disk", BETTER_LOWER},
};

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static int read_now(double *value)
{
    struct rusage now;

    if (getrusage(RUSAGE_SELF, &now) != 0)
        return STATUS_IO;
    value[USER] = seconds(now.ru_utime);
    value[SYSTEM] = seconds(now.ru_stime);
    value[VOLUNTARY] = (double)now.ru_nvcsw;
    value[INVOLUNTARY] = (double)now.ru_nivcsw;
    value[MINOR] = (double)now.ru_minflt;
    value[MAJOR] = (double)now.ru_majflt;
    return 0;
}

static int usage_open(void **self, const char *root, const struct metric **metric,
                      int *count, struct why *why)
{
    (void)root;
    *self = calloc(METRICS, sizeof(double));
    if (!*self)
        return why_fail(why, STATUS_MEMORY, "no memory for the probe 'usage'");
    *metric = metrics;
    *count = METRICS;
    return 0;
}

static int usage_start(void *self, struct why *why)
{
    (void)why;
    return read_now(self);
}

static int usage_stop(void *self, double *value)
{
    const double *before = self;
    int status = read_now(value);

    for (int i = 0; !status && i < METRICS; i++)
        value[i] -= before[i];
    return status;
}

const struct probe probe_usage = {
    .name = "usage",
    .brief = "CPU time, context switches and page faults of this process (getrusage)",
    .open = usage_open,
    .start = usage_start,
    .stop = usage_stop,
    .close = free,
};
