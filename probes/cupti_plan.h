/* SPDX-License-Identifier: MIT */
/* Which hardware counters of an NVIDIA GPU answer which question: one table of metrics with
 * the names that chips have for them, resolved for one chip by CUPTI's host functions, which
 * need no GPU. */
#ifndef OFFLOAD_BENCH_CUPTI_PLAN_H
#define OFFLOAD_BENCH_CUPTI_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/terms.h"
#include "probes/cupti_library.h"
#include "probes/probe.h"

/* Metric sets by class of workload: many operations per byte, few, none. */
enum counter_set { COUNTERS_COMPUTE, COUNTERS_MEMORY, COUNTERS_OVERHEAD, COUNTER_SETS };

struct counter_set_row {
    const char *name, *meaning;
};
extern const struct counter_set_row counter_sets[COUNTER_SETS];

/* The set for a call of so many operations and bytes: compute from 8 flop/byte on, below
 * which no GPU of the catalogue is limited by anything but memory. */
enum counter_set counter_set_for(double flops, double bytes);

/* Any dtype: the counters of all types. */
enum { COUNTERS_ALL_DTYPES = -1, COUNTER_TERMS = 64 };

/* A metric on one chip: the sum of weighted counters. */
struct counter {
    struct metric metric;
    int row;                  /* of counter_metrics() */
    int first, terms;         /* its counters among plan->name */
    char description[160];    /* CUPTI's words about the first one */
    size_t passes;            /* when collected alone */
};

struct cupti_plan {
    const struct cupti *cupti;
    struct counter counter[PROBE_METRICS];
    int counters;
    const char *name[COUNTER_TERMS]; /* as the chip spells them, with roll-up */
    double weight[COUNTER_TERMS];
    int terms;
    size_t passes;                   /* in which all are collected */
    void *host;                      /* CUpti_Profiler_Host_Object */
    uint8_t *config;
    size_t config_bytes;
    char text[8192];                 /* behind `name`: a plan is not to be copied */
    size_t text_bytes;
};

/* Every metric that some chip has, as a probe lists them; gives how many. */
int counter_metrics(const struct metric **);

/* Chips that the library knows, in its order; at most `most` are written. Gives how many.
 * Errors: STATUS_UNAVAILABLE (no library, too old). */
int cupti_chips(const struct cupti *, const char **chip, int most, struct why *);

/* Whether the library plans counters for a chip that it knows.
 * Errors: STATUS_UNAVAILABLE with its answer, STATUS_INVALID for an unknown chip. */
int cupti_chip_check(const struct cupti *, const char *chip, struct why *);

/* Resolve the set for `chip` and elements of `dtype`. `availability`: image from the GPU,
 * NULL without one. A metric that the chip has no counter for is left out.
 * Errors: STATUS_UNAVAILABLE (no library, too old, chip known but not plannable),
 * STATUS_INVALID for an unknown chip with the nearest names, STATUS_MEMORY, STATUS_DEVICE. */
int cupti_plan_make(struct cupti_plan *, const struct cupti *, const char *chip,
                    const uint8_t *availability, enum counter_set, int dtype, struct why *);
void cupti_plan_release(struct cupti_plan *);

/* Values of the metrics from those of the counters, one per plan->name. */
void cupti_plan_values(const struct cupti_plan *, const double *term, double *value);

#endif
