/* SPDX-License-Identifier: MIT */
/* What the child process keeps open between the groups that it runs, and how it tells its
 * parent what it is at. */
#ifndef OFFLOAD_BENCH_WORKSHOP_H
#define OFFLOAD_BENCH_WORKSHOP_H

#include "harness/cold.h"
#include "harness/observer.h"

struct workshop {
    const struct plan *plan;
    struct device host;                   /* the cpu device */
    struct device device[SURVEY_DEVICES]; /* [i].ops NULL: not open; see workshop_device */
    struct observer *observer;            /* open probes, or NULL */
    struct coldroom *coldroom;            /* NULL: no device but the CPU, or no helper */
    const struct nvml *nvml;              /* NULL: no NVIDIA driver */
    struct buffer dram;                   /* well above the caches: what DRAM can do now */
    uint64_t seed;
    /* Told before a cell starts, so that its death can be laid at its door. */
    void (*at)(void *to, const char *device, const char *variant);
    /* How this cell ended an earlier child; NULL when it did not. */
    const char *(*death)(void *to, const char *device, const char *variant);
    /* A cell's device is lost to this process: does not return. */
    void (*lost)(void *to, const char *why);
    void (*emit)(void *to, const struct record *);
    void *to;
};

/* The caller has set plan, seed and the functions. Errors: those of the cpu device. */
int workshop_open(struct workshop *, struct why *);
void workshop_close(struct workshop *);

/* The plan's device i, opened when first asked for. NULL: it does not open, and why. */
struct device *workshop_device(struct workshop *, int i, struct why *);

/* The trial's device is lost to this process, which ends; the parent is told whose fault it was. */
void workshop_lose(struct workshop *, const struct trial *, const struct why *);

/* The largest last-level cache of the devices that run the group: what is cold must be cold on
 * all of them. */
double workshop_cache_bytes(const struct workshop *, const struct group *);

/* What a machine of several NUMA nodes can do at most it does with all of them: deal out the pages of
 * a bench that measures ceilings. Where the kernel refuses they are those of one node's memory. */
void workshop_deal_out(const struct workshop *, const struct bench *);

/* The memory's read rate at this moment: what a bandwidth-bound time is held against. */
double workshop_dram_bytes_per_s(struct workshop *);

#endif
