/* SPDX-License-Identifier: MIT */
/* Runs one group of the plan, in the child process: makes the bench, checks every variant,
 * samples them side by side, observes them, and hands over one record per cell. */
#ifndef OFFLOAD_BENCH_GROUP_H
#define OFFLOAD_BENCH_GROUP_H

#include "harness/cold.h"
#include "harness/plan.h"
#include "harness/sampler.h"
#include "report/record.h"

/* What the child keeps open between groups. */
struct workshop {
    const struct plan *plan;
    struct device host;                  /* the cpu device */
    struct device device[SURVEY_DEVICES];  /* opened when first needed; [i].ops NULL: not open */
    struct observer *observer;           /* open probes, or NULL */
    struct coldroom *coldroom;           /* NULL: no device but the CPU, or no helper */
    const struct nvml *nvml;             /* NULL: no NVIDIA driver */
    struct buffer dram;                  /* well above the caches: what DRAM can do now */
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

int workshop_open(struct workshop *, struct why *);
void workshop_close(struct workshop *);

/* `budget_s`: time that sampling may take; gives the time it took. A group that cannot be
 * set up at all gives one skipped or failed record. */
double group_run(struct workshop *, const struct group *, double budget_s);

/* Fill what a record says about the group and the variant on the device. */
void group_describe(struct record *, const struct group *, const struct device_row *,
                    const struct variant *);
/* The samples into the record, which owns them then; a failure becomes its outcome. */
void group_take_samples(struct record *, struct sample_set *);
/* Axes of the shape by name, those at their fallback left out. New reference or NULL. */
json_t *group_shape(const struct group *);

#endif
