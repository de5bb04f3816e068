/* SPDX-License-Identifier: MIT */
/* What is observed beside time. A probe is one room in probes/ that exports probe_<room>. */
#ifndef OFFLOAD_BENCH_PROBE_H
#define OFFLOAD_BENCH_PROBE_H

#include "base/terms.h"
#include "base/why.h"

enum better { BETTER_NEITHER, BETTER_LOWER, BETTER_HIGHER };

/* PROBE_INTRUSIVE: gets a pass of its own, apart from the timed samples.
 * PROBE_SYSTEM_WIDE: sees other processes too.
 * PROBE_CUDA: sees work on CUDA devices, and only that: the GPU whose context is current in
 * the calling thread. */
enum probe_trait {
    PROBE_INTRUSIVE = 1 << 0,
    PROBE_SYSTEM_WIDE = 1 << 1,
    PROBE_CUDA = 1 << 2
};

/* `unit`: "1" (counts), "s", "J" and "byte" add up over the calls of a pass; any other ("Hz",
 * "degC", "W", "%", "flag", ...) is a state that calls do not change. */
struct metric {
    const char *name, *unit, *meaning;
    enum better better;
};

enum { PROBE_METRICS = 32, PROBE_AGAIN = 1 };

/* One call of what is about to be observed. */
struct probe_subject {
    enum dtype dtype;
    double flops, bytes;
};

struct probe {
    const char *name, *brief;
    unsigned traits;
    /* Where the probe reads ("/" normally): tests point it at recorded trees. May fail with
     * STATUS_UNAVAILABLE and the reason plus the command that would enable it; that is
     * normal. On success *metric lists the metrics that can be read here, *metrics of them
     * (at most PROBE_METRICS). `self` belongs to the probe until close. */
    int (*open)(void **self, const char *root, const struct metric **metric, int *metrics,
                struct why *);
    /* What comes next; NULL when the probe does not care. */
    void (*aim)(void *self, const struct probe_subject *);
    double least_pass_s; /* shorter passes show nothing; 0: any will do */
    /* Counts all threads of this process started after open, too, where the source can.
     * STATUS_UNAVAILABLE with the reason and what would enable it: not here, not now. */
    int (*start)(void *self, struct why *);
    /* One value per metric; NAN = not measured this time. PROBE_AGAIN: the same calls must be
     * run once more between start and stop, the values come with the last pass. */
    int (*stop)(void *self, double *value);
    void (*close)(void *self);
};

/* All probes, sorted by name; generated from the rooms. Ends with NULL. */
extern const struct probe *const probes[];

#endif
