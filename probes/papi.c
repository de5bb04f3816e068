/* SPDX-License-Identifier: MIT */
/* Hardware counters through PAPI, opened at run time. Each metric has a list of ways to
 * get it, preset or native; those that fit on the counters together are taken in the
 * order of the table, the rest is left out rather than multiplexed: extrapolated counts
 * of short passes are not facts. PAPI counts one thread unless told to inherit, so open
 * must come before the program's other threads exist.
 * https://github.com/icl-utk-edu/papi/wiki */
#include "probes/probe.h"

#ifndef HAVE_PAPI

static int papi_open(void **self, const char *root, const struct metric **metric,
                     int *count, struct why *why)
{
    (void)self, (void)root, (void)metric, (void)count;
    return why_fail(why, STATUS_UNAVAILABLE,
                    "built without PAPI; hint: apt install libpapi-dev, then make");
}

const struct probe probe_papi = {
    .name = "papi",
    .brief = "hardware counters of the processor (PAPI)",
    .traits = PROBE_INTRUSIVE,
    .open = papi_open,
};

#else

#include <dlfcn.h>
#include <papi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sysfs.h"
#include "base/terms.h"

/* The functions used, and nothing else: X(name, return type, arguments). */
#define PAPI_MAP(X)                                                                    \
    X(library_init, int, (int))                                                        \
    X(num_components, int, (void))                                                     \
    X(get_component_info, const PAPI_component_info_t *, (int))                        \
    X(create_eventset, int, (int *))                                                   \
    X(assign_eventset_component, int, (int, int))                                      \
    X(set_opt, int, (int, PAPI_option_t *))                                            \
    X(add_named_event, int, (int, const char *))                                       \
    X(start, int, (int))                                                               \
    X(stop, int, (int, long long *))                                                   \
    X(cleanup_eventset, int, (int))                                                    \
    X(destroy_eventset, int, (int *))                                                  \
    X(strerror, char *, (int))

enum { WAYS = 4, SUM = 2, COUNTS = 24 };

/* A way names one event, or two joined by '+' that are added up. */
static const struct source {
    struct metric metric;
    const char *way[WAYS];
    double unit;
} sources[] = {
    {{"cycles", "1", "processor cycles", BETTER_LOWER},
     {"PAPI_TOT_CYC", "perf::CYCLES"},
     1},
    {{"instructions", "1", "instructions retired", BETTER_LOWER},
     {"PAPI_TOT_INS", "perf::INSTRUCTIONS"},
     1},
    {{"fp_ops", "1", "floating-point operations, as the processor counts them",
      BETTER_NEITHER},
     {"PAPI_SP_OPS+PAPI_DP_OPS", "PAPI_FP_OPS"},
     1},
    {{"l3_misses", "1", "reads and writes that missed the last cache", BETTER_LOWER},
     {"PAPI_L3_TCM", "perf::LLC-LOAD-MISSES+perf::LLC-STORE-MISSES",
      "perf::CACHE-MISSES"},
     1},
    {{"branch_misses", "1", "mispredicted branches", BETTER_LOWER},
     {"PAPI_BR_MSP", "perf::BRANCH-MISSES"},
     1},
    {{"fp_ops_single", "1", "floating-point operations in f32", BETTER_NEITHER},
     {"PAPI_SP_OPS"},
     1},
    {{"fp_ops_double", "1", "floating-point operations in f64", BETTER_NEITHER},
     {"PAPI_DP_OPS"},
     1},
    {{"memory_fetched", "byte",
      "lines that the cores fetched from beyond their own caches", BETTER_LOWER},
     {"OFFCORE_REQUESTS:ALL_DATA_RD", "ANY_DATA_CACHE_FILLS_FROM_SYSTEM:MEM_IO_LCL"},
     64},
    {{"tlb_misses", "1", "data addresses not found in the TLB", BETTER_LOWER},
     {"PAPI_TLB_DM", "perf::DTLB-LOAD-MISSES"},
     1},
};

enum { SOURCES = sizeof sources / sizeof *sources };

struct papi {
    void *library;
#define X(name, type, arguments) type(*name) arguments;
    PAPI_MAP(X)
#undef X
    int set;
    struct metric metric[SOURCES];
    double unit[SOURCES];
    int count[SOURCES][SUM]; /* which counts make the metric; -1: none */
    int metrics, counts;
    struct name event[COUNTS]; /* added so far: an event can only be added once */
};

/* Below another root the library is looked for there: tests bring their own. */
static void *library_open(const char *root)
{
    static const char *const name[] = {"libpapi.so.7.2", "libpapi.so.7.1",
                                       "libpapi.so.7.0", "libpapi.so.7",
                                       "libpapi.so.6.0", "libpapi.so"};
    char path[512];
    void *library = NULL;

    snprintf(path, sizeof path, "%s/usr/lib/libpapi.so", root);
    if (strcmp(root, "/") != 0)
        return dlopen(path, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; !library && i < sizeof name / sizeof *name; i++)
        library = dlopen(name[i], RTLD_NOW | RTLD_LOCAL);
    return library;
}

static int library_load(struct papi *papi, const char *root, struct why *why)
{
    int version;

    papi->library = library_open(root);
    if (!papi->library)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "cannot open libpapi.so; hint: apt install libpapi-dev");
#define X(name, type, arguments)                                                       \
    *(void **)&papi->name = dlsym(papi->library, "PAPI_" #name);
    PAPI_MAP(X)
#undef X
#define X(name, type, arguments) &&papi->name
    if (!(1 PAPI_MAP(X)))
#undef X
        return why_fail(why, STATUS_UNAVAILABLE,
                        "libpapi.so lacks a function of PAPI 6");
    version = papi->library_init(PAPI_VER_CURRENT);
    if (version != PAPI_VER_CURRENT)
        return why_fail(
            why, STATUS_UNAVAILABLE,
            "libpapi.so is version %d.%d, this program was built for %d.%d; hint: make",
            PAPI_VERSION_MAJOR(version), PAPI_VERSION_MINOR(version),
            PAPI_VERSION_MAJOR(PAPI_VER_CURRENT), PAPI_VERSION_MINOR(PAPI_VER_CURRENT));
    return 0;
}

/* What would make counters appear, as far as this machine tells. */
static const char *counters_hint(const char *root)
{
    char flags[16384];

    if (sysfs_value(root, "/proc/cpuinfo", "flags", flags, sizeof flags) &&
        strstr(flags, " hypervisor"))
        return "this is a virtual machine, its host must pass the counters on (KVM: "
               "pmu=on)";
    if (sysfs_number(root, "/proc/sys/kernel/perf_event_paranoid") > 2)
        return "sudo sysctl kernel.perf_event_paranoid=1";
    return "a newer libpapi that knows this processor, or the probe 'perf'";
}

/* Index of the component that counts processor events, or a status with the reason. */
static int component_find(const struct papi *papi, const char *root, struct why *why)
{
    for (int i = 0; i < papi->num_components(); i++) {
        const PAPI_component_info_t *info = papi->get_component_info(i);

        if (!info || strcmp(info->name, "perf_event") != 0)
            continue;
        if (!info->disabled && info->num_cntrs > 0)
            return i;
        return why_fail(why, STATUS_UNAVAILABLE,
                        "PAPI has no hardware counters here%s%s; hint: %s",
                        info->disabled_reason[0] ? ": " : "", info->disabled_reason,
                        counters_hint(root));
    }
    return why_fail(why, STATUS_UNAVAILABLE,
                    "PAPI was built without its component 'perf_event'");
}

static int set_new(struct papi *papi, int component, struct why *why)
{
    PAPI_option_t inherit = {0};
    int status = papi->create_eventset(&papi->set);

    if (status == PAPI_OK)
        status = papi->assign_eventset_component(papi->set, component);
    inherit.inherit.eventset = papi->set;
    inherit.inherit.inherit = PAPI_INHERIT_ALL;
    if (status == PAPI_OK)
        status = papi->set_opt(PAPI_INHERIT, &inherit);
    return status == PAPI_OK
               ? 0
               : why_fail(why, STATUS_UNAVAILABLE,
                          "PAPI cannot count a process with its threads: %s",
                          papi->strerror(status));
}

/* Index of the event's count, adding it when it is new; -1 when it does not fit or
 * exist. */
static int event_add(struct papi *papi, const char *event)
{
    for (int i = 0; i < papi->counts; i++)
        if (strcmp(papi->event[i].text, event) == 0)
            return i;
    if (papi->counts == COUNTS || papi->add_named_event(papi->set, event) != PAPI_OK)
        return -1;
    snprintf(papi->event[papi->counts].text, sizeof papi->event->text, "%s", event);
    return papi->counts++;
}

/* All events of one way ("A" or "A+B"). One that was added for a way that then failed
 * stays in the set: it costs a counter and harms nothing. */
static bool way_add(struct papi *papi, const char *way, int *count)
{
    char first[64];
    const char *plus = strchr(way, '+');

    snprintf(first, sizeof first, "%.*s", plus ? (int)(plus - way) : 63, way);
    count[0] = event_add(papi, first);
    count[1] = plus ? event_add(papi, plus + 1) : -1;
    return count[0] >= 0 && (!plus || count[1] >= 0);
}

static void sources_add(struct papi *papi)
{
    for (int i = 0; i < SOURCES; i++)
        for (int w = 0; w < WAYS && sources[i].way[w]; w++)
            if (way_add(papi, sources[i].way[w], papi->count[papi->metrics])) {
                papi->metric[papi->metrics] = sources[i].metric;
                papi->unit[papi->metrics++] = sources[i].unit;
                break;
            }
}

static void papi_close(void *self)
{
    struct papi *papi = self;

    if (papi->set != PAPI_NULL) {
        papi->cleanup_eventset(papi->set);
        papi->destroy_eventset(&papi->set);
    }
    /* the library stays open: PAPI keeps state of the process and cannot be opened
     * twice */
    free(papi);
}

static int papi_open(void **self, const char *root, const struct metric **metric,
                     int *count, struct why *why)
{
    struct papi *papi = calloc(1, sizeof *papi);
    int status, component = 0;

    if (!papi)
        return why_fail(why, STATUS_MEMORY, "no memory for the probe 'papi'");
    papi->set = PAPI_NULL;
    status = library_load(papi, root, why);
    if (!status) {
        component = component_find(papi, root, why);
        status = component < 0 ? component : set_new(papi, component, why);
    }
    if (!status) {
        sources_add(papi);
        if (papi->metrics == 0)
            status =
                why_fail(why, STATUS_UNAVAILABLE,
                         "PAPI has counters but accepts none of the events; hint: %s",
                         counters_hint(root));
    }
    if (status) {
        papi_close(papi);
        return status;
    }
    *self = papi;
    *metric = papi->metric;
    *count = papi->metrics;
    return 0;
}

static int papi_start(void *self, struct why *why)
{
    struct papi *papi = self;

    (void)why;
    return papi->start(papi->set) == PAPI_OK ? 0 : STATUS_DEVICE;
}

static int papi_stop(void *self, double *value)
{
    struct papi *papi = self;
    long long count[COUNTS] = {0};

    if (papi->stop(papi->set, count) != PAPI_OK)
        return STATUS_DEVICE;
    for (int m = 0; m < papi->metrics; m++) {
        value[m] = 0;
        for (int i = 0; i < SUM; i++)
            if (papi->count[m][i] >= 0)
                value[m] += papi->unit[m] * (double)count[papi->count[m][i]];
    }
    return 0;
}

const struct probe probe_papi = {
    .name = "papi",
    .brief = "hardware counters of the processor (PAPI)",
    .traits = PROBE_INTRUSIVE,
    .open = papi_open,
    .start = papi_start,
    .stop = papi_stop,
    .close = papi_close,
};

#endif
