/* SPDX-License-Identifier: MIT */
#include "harness/observer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "probes/probe.h"

enum { PROBES = 32 };

struct observer {
    struct {
        const struct probe *probe;
        void *self;
        const struct metric *metric;
        int metrics;
    } open[PROBES];
    int probes;
};

struct observer *observer_new(void)
{
    struct observer *o = calloc(1, sizeof *o);

    for (const struct probe *const *p = probes; o && *p && o->probes < PROBES; p++) {
        int i = o->probes;

        if ((*p)->open(&o->open[i].self, "/", &o->open[i].metric, &o->open[i].metrics, NULL) == 0) {
            o->open[i].probe = *p;
            o->probes++;
        }
    }
    return o;
}

void observer_free(struct observer *o)
{
    for (int i = 0; o && i < o->probes; i++)
        o->open[i].probe->close(o->open[i].self);
    free(o);
}

/* Calls until `pass_s` have gone by; how many, or 0 when one failed. */
static int64_t run_pass(struct trial *t, double pass_s)
{
    int64_t calls = 0, start = clock_ns();

    do {
        if (trial_run(t, NULL) || t->device->ops->sync(t->device, NULL))
            return 0;
        calls++;
    } while ((double)(clock_ns() - start) * 1e-9 < pass_s);
    return calls;
}

/* Metrics that count what the cost function counts; see probe.h for their names. */
static bool is_suspect(const struct metric *metric, double value, const struct record *r)
{
    double analytic = strcmp(metric->name, "fp_ops") == 0 ? r->flops : NAN;

    return analytic > 0 && value >= 0 && (value > 2 * analytic || value < analytic / 2);
}

void observer_watch(struct observer *o, struct trial *t, double pass_s, struct record *r)
{
    for (int i = 0; o && i < o->probes; i++) {
        double value[PROBE_METRICS];
        int64_t calls;
        int stopped;

        for (int m = 0; m < PROBE_METRICS; m++)
            value[m] = NAN;
        if (o->open[i].probe->start(o->open[i].self) != 0)
            continue;
        calls = run_pass(t, pass_s);
        stopped = o->open[i].probe->stop(o->open[i].self, value);
        for (int m = 0; m < o->open[i].metrics && calls > 0 && !stopped; m++) {
            const struct metric *metric = &o->open[i].metric[m];
            struct measure seen = {.value = value[m]};

            if (isnan(value[m]))
                continue;
            /* rates and temperatures are states, everything else adds up over the calls */
            if (strcmp(metric->unit, "Hz") != 0 && strcmp(metric->unit, "degC") != 0 &&
                strcmp(metric->unit, "%") != 0)
                seen.value /= (double)calls;
            snprintf(seen.probe.text, sizeof seen.probe.text, "%s", o->open[i].probe->name);
            snprintf(seen.name.text, sizeof seen.name.text, "%s", metric->name);
            snprintf(seen.unit.text, sizeof seen.unit.text, "%s", metric->unit);
            seen.is_suspect = is_suspect(metric, seen.value, r);
            record_observe(r, &seen);
        }
    }
}
