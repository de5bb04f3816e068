/* SPDX-License-Identifier: MIT */
/* What is observed beside time. A probe is one room in probes/ that exports probe_<room>. */
#ifndef OFFLOAD_BENCH_PROBE_H
#define OFFLOAD_BENCH_PROBE_H

#include "base/why.h"

enum better { BETTER_NEITHER, BETTER_LOWER, BETTER_HIGHER };

/* PROBE_INTRUSIVE: gets a pass of its own, apart from the timed samples.
 * PROBE_SYSTEM_WIDE: sees other processes too. */
enum probe_trait { PROBE_INTRUSIVE = 1 << 0, PROBE_SYSTEM_WIDE = 1 << 1 };

/* `unit` is SI ("1" for counts, "s", "J", "byte", "Hz", "degC"). */
struct metric {
    const char *name, *unit, *meaning;
    enum better better;
};

enum { PROBE_METRICS = 32 };

struct probe {
    const char *name, *brief;
    unsigned traits;
    /* Where the probe reads ("/" normally): tests point it at recorded trees. May fail with
     * STATUS_UNAVAILABLE and the reason plus the command that would enable it; that is
     * normal. On success *metric lists the metrics that can be read here, *metrics of them
     * (at most PROBE_METRICS). `self` belongs to the probe until close. */
    int (*open)(void **self, const char *root, const struct metric **metric, int *metrics,
                struct why *);
    /* Counts all threads of this process started after open, too, where the source can. */
    int (*start)(void *self);
    /* One value per metric; NAN = not measured this time. */
    int (*stop)(void *self, double *value);
    void (*close)(void *self);
};

/* All probes, sorted by name; generated from the rooms. Ends with NULL. */
extern const struct probe *const probes[];

#endif
