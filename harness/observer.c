/* SPDX-License-Identifier: MIT */
#include "harness/observer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "probes/probe.h"
#include "report/acceptance.h"
#include "report/stats.h"

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

/* Calls until `pass_s` have gone by, or just `calls` when that is not 0; how many, or 0 when
 * one failed. */
static int64_t run_pass(struct trial *t, double pass_s, int64_t calls)
{
    int64_t done = 0, start = clock_ns();

    do {
        if (trial_run(t, NULL) || t->device->ops->sync(t->device, NULL))
            return 0;
        done++;
    } while (calls ? done < calls : (double)(clock_ns() - start) * 1e-9 < pass_s);
    return done;
}

/* Metrics that count what the cost function counts, or what the samples' events timed; a call of
 * copies has no kernels. All bytes of a call pass the L2 cache of a GPU at least once, and may do so
 * many times. */
static bool is_suspect(const struct metric *metric, double value, const struct record *r)
{
    double bytes = r->bytes_read + r->bytes_written;

    if (strcmp(metric->name, "kernel_time") == 0)
        return value > 0 && r->kernel_ns.n > 0 &&
               !acceptance_times_agree(value * 1e9, stats_series_median(&r->kernel_ns));
    if (strcmp(metric->name, "fp_ops") == 0)
        return r->flops > 0 && (value > 2 * r->flops || value < r->flops / 2);
    return strcmp(metric->name, "l2_bytes") == 0 && value < bytes / 2;
}

/* See probe.h: everything else is a state. */
static bool adds_up(const char *unit)
{
    return strcmp(unit, "1") == 0 || strcmp(unit, "s") == 0 || strcmp(unit, "J") == 0 ||
           strcmp(unit, "byte") == 0;
}

static struct measure measure_of(const struct probe *probe, const struct metric *metric,
                                 double value)
{
    return (struct measure){.probe = name_of(probe->name), .name = name_of(metric->name),
                            .unit = name_of(metric->unit), .value = value};
}

static void note_absence(const struct probe *probe, const struct metric *metric,
                         const struct why *why, struct record *r)
{
    struct measure absent = measure_of(probe, metric, NAN);

    snprintf(absent.why, sizeof absent.why, "%.159s", why->text);
    record_observe(r, &absent);
}

static void note_value(const struct probe *probe, const struct metric *metric, double value,
                       int64_t calls, struct record *r)
{
    struct measure seen =
        measure_of(probe, metric, adds_up(metric->unit) ? value / (double)calls : value);

    if (isnan(value))
        return;
    seen.is_suspect = is_suspect(metric, seen.value, r);
    record_observe(r, &seen);
}

/* One probe over as many passes as it asks for; PASSES bounds what a broken one may ask. */
static void watch(struct observer *o, int i, struct trial *t, double pass_s, struct record *r)
{
    enum { PASSES = 64 };
    const struct probe *probe = o->open[i].probe;
    struct probe_subject subject = {r->dtype, r->flops, r->bytes_read + r->bytes_written};
    double value[PROBE_METRICS];
    int64_t calls = 0;
    int again = PROBE_AGAIN;

    for (int m = 0; m < PROBE_METRICS; m++)
        value[m] = NAN;
    if (probe->aim)
        probe->aim(o->open[i].self, &subject);
    for (int pass = 0; pass < PASSES && again == PROBE_AGAIN; pass++) {
        struct why why = {{0}};

        if (probe->start(o->open[i].self, &why) != 0) {
            if (why.text[0])
                note_absence(probe, &o->open[i].metric[0], &why, r);
            return;
        }
        calls = run_pass(t, pass_s, calls);
        again = probe->stop(o->open[i].self, value);
        if (calls == 0)
            return;
    }
    for (int m = 0; m < o->open[i].metrics && again == 0; m++)
        note_value(probe, &o->open[i].metric[m], value[m], calls, r);
}

/* Does probe i look at such trials? */
static bool is_for(const struct observer *o, int i, const struct trial *t)
{
    return (t->device->kind == DEVICE_CUDA) == !!(o->open[i].probe->traits & PROBE_CUDA);
}

void observer_watch(struct observer *o, struct trial *t, double pass_s, struct record *r)
{
    for (int i = 0; o && i < o->probes; i++)
        if (is_for(o, i, t))
            watch(o, i, t, fmax(pass_s, pass_s > 0 ? o->open[i].probe->least_pass_s : 0), r);
}

void observer_pass_over(struct observer *o, const struct trial *t, const struct why *why,
                        struct record *r)
{
    for (int i = 0; o && i < o->probes; i++)
        if (is_for(o, i, t))
            note_absence(o->open[i].probe, &o->open[i].metric[0], why, r);
}
