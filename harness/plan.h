/* SPDX-License-Identifier: MIT */
/* What a run will do: suites and options resolved against the workloads, devices and GPUs
 * that exist. */
#ifndef OFFLOAD_BENCH_PLAN_H
#define OFFLOAD_BENCH_PLAN_H

#include "devices/numa_layout.h"
#include "harness/options.h"
#include "harness/survey.h"
#include "projection/projection.h"
#include "workloads/workload.h"

/* One problem and where it runs: all its variants are sampled together, interleaved. */
struct group {
    const struct workload *workload;
    struct problem problem;
    enum cache cache;
    unsigned devices; /* bit i: plan->device[i] */
    const struct sweep *sweep; /* that the shape is part of, or NULL */
    int64_t size;     /* its place along the sweep */
    int rounds;       /* exactly so many samples; 0: as precision and budget say */
    bool is_proof;    /* smoke shape on software devices, only to prove the device code */
    const struct laggard *laggard; /* CPU variants to leave out, and why */
    int laggards;
};

enum { PLAN_GPUS = 96 };

struct plan {
    struct suite *suite;      /* the suites asked for */
    int suites;
    struct group *group;      /* same workloads stand together: a child process runs them */
    int groups;
    struct device_row device[SURVEY_DEVICES];
    int devices;
    struct why missing[DEVICE_KINDS]; /* per kind of device: why there is none */
    const struct gpu *gpu[PLAN_GPUS];
    int gpus;
    json_t *sweep;            /* what the header says of a sweep; NULL: none */
    int threads;              /* CPU threads of every CPU variant */
    struct numa_nodes nodes;  /* of this machine */
    double budget_s;
};

/* Errors: STATUS_INVALID for unknown suites, models, devices, GPUs, with the nearest names;
 * STATUS_UNAVAILABLE when a device asked for is not here; STATUS_IO, STATUS_MEMORY. */
int plan_make(struct plan *, const struct options *, const struct survey *, struct why *);
void plan_release(struct plan *);

/* The parts of plan_make, for a search that plans one group after the other. Devices and GPUs, no
 * group yet; bit i of *real: plan->device[i] is measured, of *proof: it only proves the code. */
int plan_begin(struct plan *, const struct options *, const struct survey *, unsigned *real,
               unsigned *proof, struct why *);
/* The CPU's own ceilings in these dtypes (bits), when `real` has the CPU. */
int plan_ceilings(struct plan *, unsigned real, unsigned dtypes, struct why *);

/* The CPU device; its memory lies where that of the plan's first CUDA device does. Errors: of
 * device_open. */
int plan_open_host(const struct plan *, struct device *host, struct why *);

/* Does any variant but the reference compute the group's problem on one of its devices? */
bool plan_has_variant(const struct plan *, const struct group *);

/* Threads that the CPU side may use: one per physical core of those in the set; of those this
 * process may run on. */
int plan_cores(const cpu_set_t *);
int plan_threads(void);

#endif
