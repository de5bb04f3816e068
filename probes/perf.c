/* SPDX-License-Identifier: MIT */
/* What Linux counts through perf_event_open(2) without knowing the processor: software
 * events, and the generic hardware events where the kernel has a driver for the
 * counters. Needs no library, so it also serves where PAPI's tables do not know the
 * processor. Threads that exist at open are counted one by one, later ones by
 * inheritance. */
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sysfs.h"
#include "probes/probe.h"

#define CACHE_READ_MISSES(level)                                                       \
    ((level) | PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

/* `in_kernel`: happens inside the kernel, so that counting user mode alone would give
 * 0. */
static const struct event {
    struct metric metric;
    uint32_t type;
    uint64_t config;
    double unit;
    bool in_kernel;
} events[] = {
    {{"task_clock", "s", "time its threads ran on a CPU", BETTER_LOWER},
     PERF_TYPE_SOFTWARE,
     PERF_COUNT_SW_TASK_CLOCK,
     1e-9,
     false},
    {{"page_faults", "1", "page faults", BETTER_LOWER},
     PERF_TYPE_SOFTWARE,
     PERF_COUNT_SW_PAGE_FAULTS,
     1,
     false},
    {{"context_switches", "1", "times a thread left its CPU", BETTER_LOWER},
     PERF_TYPE_SOFTWARE,
     PERF_COUNT_SW_CONTEXT_SWITCHES,
     1,
     true},
    {{"migrations", "1", "times a thread changed its CPU", BETTER_LOWER},
     PERF_TYPE_SOFTWARE,
     PERF_COUNT_SW_CPU_MIGRATIONS,
     1,
     true},
    {{"cycles", "1", "processor cycles, user mode", BETTER_LOWER},
     PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_CPU_CYCLES,
     1,
     false},
    {{"instructions", "1", "instructions, user mode", BETTER_LOWER},
     PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_INSTRUCTIONS,
     1,
     false},
    {{"branch_misses", "1", "mispredicted branches", BETTER_LOWER},
     PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_BRANCH_MISSES,
     1,
     false},
    {{"llc_read_misses", "1", "reads that missed the last cache", BETTER_LOWER},
     PERF_TYPE_HW_CACHE,
     CACHE_READ_MISSES(PERF_COUNT_HW_CACHE_LL),
     1,
     false},
};

enum { EVENTS = sizeof events / sizeof *events, THREADS = 256 };

struct perf {
    struct metric metric[EVENTS];
    const struct event *event[EVENTS];
    int events, threads;
    pid_t thread[THREADS];
    int fd[EVENTS][THREADS];
    double before[EVENTS];
};

static int event_open(const struct event *event, pid_t thread)
{
    struct perf_event_attr attr = {
        .type = event->type,
        .size = sizeof attr,
        .config = event->config,
        .disabled = 1,
        .inherit = 1,
        .exclude_hv = 1,
        .exclude_kernel = !event->in_kernel,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
    };

    return (int)syscall(SYS_perf_event_open, &attr, thread, -1, -1,
                        PERF_FLAG_FD_CLOEXEC);
}

/* False when there are more than can be counted. */
static bool threads_find(struct perf *perf)
{
    DIR *folder = opendir("/proc/self/task");
    struct dirent *entry;
    bool fits = true;

    while (folder && fits && (entry = readdir(folder)))
        if (entry->d_name[0] != '.') {
            fits = perf->threads < THREADS;
            if (fits)
                perf->thread[perf->threads++] = (pid_t)strtol(entry->d_name, NULL, 10);
        }
    if (folder)
        closedir(folder);
    return fits;
}

/* The event on every thread, or not at all: half a count would be a wrong one. */
static bool event_add(struct perf *perf, const struct event *event)
{
    int *fd = perf->fd[perf->events];

    for (int t = 0; t < perf->threads; t++) {
        fd[t] = event_open(event, perf->thread[t]);
        if (fd[t] >= 0)
            continue;
        while (t > 0)
            close(fd[--t]);
        return false;
    }
    perf->metric[perf->events] = event->metric;
    perf->event[perf->events++] = event;
    return perf->threads > 0;
}

static void perf_close(void *self)
{
    struct perf *perf = self;

    for (int e = 0; e < perf->events; e++)
        for (int t = 0; t < perf->threads; t++)
            close(perf->fd[e][t]);
    free(perf);
}

static int perf_open(void **self, const char *root, const struct metric **metric,
                     int *count, struct why *why)
{
    struct perf *perf = calloc(1, sizeof *perf);
    int error = 0;

    if (!perf)
        return why_fail(why, STATUS_MEMORY, "no memory for the probe 'perf'");
    if (!threads_find(perf)) {
        perf_close(perf);
        return why_fail(why, STATUS_UNAVAILABLE, "more than %d threads to count",
                        THREADS);
    }
    for (int i = 0; i < EVENTS; i++)
        if (!event_add(perf, &events[i]) && error == 0)
            error = errno;
    if (perf->events == 0) {
        perf_close(perf);
        return why_fail(
            why, STATUS_UNAVAILABLE,
            "perf_event_open: %s (kernel.perf_event_paranoid is %g); hint: sudo "
            "sysctl kernel.perf_event_paranoid=1, or a container that allows the call",
            strerror(error),
            sysfs_number(root, "/proc/sys/kernel/perf_event_paranoid"));
    }
    *self = perf;
    *metric = perf->metric;
    *count = perf->events;
    return 0;
}

/* Sum over the threads, extrapolated where counters had to be shared; NAN when the
 * event was never on a counter. */
static double event_read(const struct perf *perf, int e)
{
    double sum = 0;

    for (int t = 0; t < perf->threads; t++) {
        uint64_t value[3]; /* count, time enabled, time running */

        if (read(perf->fd[e][t], value, sizeof value) != (ssize_t)sizeof value)
            return NAN;
        if (value[2] > 0)
            sum += (double)value[0] * ((double)value[1] / (double)value[2]);
        else if (value[1] > 0 && perf->event[e]->type != PERF_TYPE_SOFTWARE)
            return NAN;
    }
    return sum * perf->event[e]->unit;
}

static int perf_switch(const struct perf *perf, unsigned long request)
{
    int status = 0;

    for (int e = 0; e < perf->events; e++)
        for (int t = 0; t < perf->threads; t++)
            if (ioctl(perf->fd[e][t], request, 0) != 0)
                status = STATUS_IO;
    return status;
}

static int perf_start(void *self, struct why *why)
{
    struct perf *perf = self;

    (void)why;
    for (int e = 0; e < perf->events; e++)
        perf->before[e] = event_read(perf, e);
    return perf_switch(perf, PERF_EVENT_IOC_ENABLE);
}

static int perf_stop(void *self, double *value)
{
    struct perf *perf = self;
    int status = perf_switch(perf, PERF_EVENT_IOC_DISABLE);

    for (int e = 0; e < perf->events; e++)
        value[e] = event_read(perf, e) - perf->before[e];
    return status;
}

const struct probe probe_perf = {
    .name = "perf",
    .brief =
        "software events and generic hardware counters of the kernel (perf_event_open)",
    .traits = PROBE_INTRUSIVE,
    .open = perf_open,
    .start = perf_start,
    .stop = perf_stop,
    .close = perf_close,
};
