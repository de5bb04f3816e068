/* SPDX-License-Identifier: MIT */
/* The host processor. CPU variants are plain function calls; what this room gives is memory
 * that is fair to measure on: touched, and on 2 MiB pages where the system has them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sysfs.h"
#include "devices/device.h"
#include "devices/numa.h"
#include "devices/pages.h"

enum { HUGE_BYTES = 2 << 20 };

static int cpu_count(struct why *why)
{
    (void)why;
    return 1;
}

/* First "model name" of /proc/cpuinfo, else the machine's architecture. */
static void cpu_model(char *out, size_t size)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    struct utsname host;
    char line[256];

    snprintf(out, size, "%s", uname(&host) == 0 ? host.machine : "unknown CPU");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');

        if (!colon || strncmp(line, "model name", 10) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(out, size, "%s", colon + 2);
        break;
    }
    if (file)
        fclose(file);
}

static int cpu_describe(int index, struct device_row *row, struct why *why)
{
    (void)index;
    (void)why;
    *row = (struct device_row){.id = {"cpu"}, .evidence = EVIDENCE_MEASURED,
                                .cache_bytes = sysfs_cache_bytes(),
                                .node = numa_choose("/", -1)};
    cpu_model(row->model, sizeof row->model);
    snprintf(row->driver, sizeof row->driver, "host");
    return 0;
}

/* Bytes of [data, data + bytes) that lie on transparent huge pages, by /proc/self/smaps. */
static size_t huge_bytes(const void *data, size_t bytes)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    unsigned long from = 0, to = 0, at = (unsigned long)data, kib;
    char line[256];
    size_t huge = 0;

    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            continue;
        if (from < at + bytes && to > at && sscanf(line, "AnonHugePages: %lu kB", &kib) == 1)
            huge += kib << 10;
    }
    if (file)
        fclose(file);
    return huge < bytes ? huge : bytes;
}

/* What could be touched now without swapping or being killed; 0 when the system does not say.
 * Linux gives out more than it has and only fails when it is touched: too late for words. */
static uint64_t available_bytes(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    unsigned long long kib = 0;
    char line[128];

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return (uint64_t)kib << 10;
}

static int cpu_alloc(struct device *device, struct buffer *b, size_t bytes, enum memory memory,
                     struct why *why)
{
    bool large = bytes >= HUGE_BYTES;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), step = large ? HUGE_BYTES : page, size;
    uint64_t available = large ? available_bytes() : 0;
    struct numa_policy before;

    *b = (struct buffer){0};
    if (bytes > SIZE_MAX - 2 * step || (available && bytes > available))
        return why_fail(why, STATUS_MEMORY,
                        "cannot allocate %.1f MiB of host memory: %.1f MiB are available",
                        (double)bytes / 0x1p20, (double)available / 0x1p20);
    size = (bytes / step + 1) * step;
    b->data = aligned_alloc(step, size);
    if (!b->data)
        return why_fail(why, STATUS_MEMORY, "cannot allocate %.1f MiB of host memory",
                        (double)bytes / 0x1p20);
    b->bytes = bytes;
    b->memory = memory;
    b->page_bytes = page;
#ifdef MADV_HUGEPAGE
    if (large)
        madvise(b->data, size, MADV_HUGEPAGE);
#endif
    numa_prefer(device->row.node, &before);
    memset(b->data, 0, bytes);
    numa_restore(&before);
    if (large && huge_bytes(b->data, size) > bytes / 2)
        b->page_bytes = HUGE_BYTES;
    return 0;
}

static void cpu_free(struct device *device, struct buffer *b)
{
    (void)device;
    free(b->data);
    *b = (struct buffer){0};
}

static int cpu_copy(struct device *device, struct buffer *to, const struct buffer *from,
                    size_t bytes, struct why *why)
{
    (void)device;
    (void)why;
    memcpy(to->data, from->data, bytes);
    return 0;
}

static int cpu_build(struct device *device, const char *source, const char *name,
                     const char *defines, enum dtype dtype, struct kernel **kernel,
                     struct why *why)
{
    (void)device, (void)source, (void)defines, (void)dtype, (void)kernel;
    return why_fail(why, STATUS_UNAVAILABLE, "kernel '%s' is device code: the cpu device runs none",
                    name);
}

static int cpu_launch(struct device *device, struct kernel *kernel, const struct step *step,
                      const struct buffer *arg, const struct buffer *scratch, struct why *why)
{
    (void)device, (void)kernel, (void)arg, (void)scratch;
    return why_fail(why, STATUS_UNAVAILABLE, "kernel '%s' is device code: the cpu device runs none",
                    step->kernel);
}

/* CPU variants return when the work is done: the host clock is the device's. */
static int cpu_mark(struct device *device, struct mark *mark, struct why *why)
{
    (void)device, (void)why;
    mark->event = (void *)(intptr_t)clock_ns();
    return 0;
}

static double cpu_elapsed_ns(struct device *device, struct mark *from, struct mark *to)
{
    double ns = from->event && to->event
                    ? (double)((intptr_t)to->event - (intptr_t)from->event)
                    : NAN;

    (void)device;
    *from = *to = (struct mark){0};
    return ns;
}

static int cpu_sync(struct device *device, struct why *why)
{
    (void)device, (void)why;
    return 0;
}

static void cpu_close(struct device *device)
{
    (void)device;
}

static const struct device_ops cpu_ops = {
    .close = cpu_close,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .copy = cpu_copy,
    .build = cpu_build,
    .launch = cpu_launch,
    .mark = cpu_mark,
    .elapsed_ns = cpu_elapsed_ns,
    .sync = cpu_sync,
};

static int cpu_open(struct device *device, int index, struct why *why)
{
    (void)index, (void)why;
    device->ops = &cpu_ops;
    device->facts = (struct device_facts){.compute_units = (int)sysconf(_SC_NPROCESSORS_ONLN),
                                          .is_host_processor = true};
    device->memory_bytes = host_memory_bytes();
    return 0;
}

const struct driver driver_cpu = {
    .kind = DEVICE_CPU, .count = cpu_count, .describe = cpu_describe, .open = cpu_open};
