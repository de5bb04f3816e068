/* SPDX-License-Identifier: MIT */
/* How fast each device can go at best, and which of these limits a time stands at. CPU
 * ceilings are measured by the workload "peak" beside everything else; those of GPUs
 * that are not here come from their datasheets, in the header. */
#include <math.h>
#include <string.h>

#include "report/judge.h"
#include "report/stats.h"

/* Above this share of a ceiling the ceiling explains the time. */
static const double explained = 0.3;
/* A call shorter than this, far from every ceiling, is mostly fixed cost. */
static const double short_us = 20;
/* A call shorter than this is fixed cost whatever it reaches. */
static const double call_us = 0.5;
/* Reads faster than DRAM by this factor come from a cache, as do those of data that
 * stay there from call to call. */
static const double beyond_dram = 1.1;
/* A share above this says that the ceiling was measured badly. */
static const double impossible = 1.2;
/* Share of the compute peak from which it, not the caches, explains such a time. */
static const double mostly_compute = 0.6;
static const double hardly_compute = 0.05; /* of its rate: arithmetic is not what takes the time */
/* Last-level cache to assume where the header does not say. */
static const double cache_unknown_bytes = 32e6;

static struct ceiling *find(const struct report *report, const char *device,
                            bool is_memory, enum dtype dtype)
{
    for (size_t i = 0; i < report->ceilings; i++) {
        struct ceiling *c = &report->ceiling[i];

        if (c->is_memory == is_memory && (is_memory || c->dtype == dtype) &&
            strcmp(c->device.text, device) == 0)
            return c;
    }
    return NULL;
}

double report_flops_per_s(const struct report *report, const char *device,
                          enum dtype dtype)
{
    const struct ceiling *c = find(report, device, false, dtype);

    return c ? c->per_s : NAN;
}

double report_bytes_per_s(const struct report *report, const char *device)
{
    const struct ceiling *c = find(report, device, true, DTYPE_F32);

    return c ? c->per_s : NAN;
}

/* The highest of several measurements is the ceiling. */
static int raise_ceiling(struct report *report, const struct ceiling *seen)
{
    struct ceiling *c = find(report, seen->device.text, seen->is_memory, seen->dtype);

    if (!(seen->per_s > 0))
        return 0;
    if (c && !(seen->per_s > c->per_s))
        return 0;
    if (!c)
        c = report_push(&report->ceiling, &report->ceilings, sizeof *c);
    if (!c)
        return STATUS_MEMORY;
    *c = *seen;
    return 0;
}

/* A ceiling is what was reached once: the fastest sample, disturbed or not. */
static double fastest_us(const struct record *r)
{
    double ns = INFINITY;

    for (size_t i = 0; i < r->wall_ns.n; i++)
        ns = fmin(ns, r->wall_ns.value[i]);
    return isfinite(ns) ? ns / 1e3 : NAN;
}

static int from_peak(struct report *report, const struct record *r)
{
    double us = fastest_us(r);
    const char *op = json_string_value(json_object_get(r->shape, "op"));
    bool is_memory = op ? strcmp(op, "fma") != 0 : !(r->flops > 0);
    struct ceiling seen = {.device = r->device,
                           .is_memory = is_memory,
                           .dtype = r->dtype,
                           .per_s = (is_memory ? r->bytes_read : r->flops) / us * 1e6,
                           .evidence = r->evidence};

    return raise_ceiling(report, &seen);
}

static int from_datasheet(struct report *report, const json_t *gpu)
{
    struct ceiling seen = {.evidence = EVIDENCE_PROJECTED, .is_memory = true};
    const json_t *rate = json_object_get(gpu, "memory_bytes_per_s");
    const char *id = json_string_value(json_object_get(gpu, "id"));
    int status;

    if (!id)
        return 0;
    seen.device = name_of(id);
    seen.per_s = json_is_number(rate) ? json_number_value(rate) : NAN;
    status = raise_ceiling(report, &seen);
    seen.is_memory = false;
    for (int dtype = 0; dtype < DTYPES && !status; dtype++) {
        rate = json_object_get(json_object_get(gpu, "peak_flops_per_s"),
                               dtype_name((enum dtype)dtype));
        seen.dtype = (enum dtype)dtype;
        seen.per_s = json_is_number(rate) ? json_number_value(rate) : NAN;
        status = raise_ceiling(report, &seen);
    }
    return status;
}

int judge_ceilings(struct report *report)
{
    const json_t *gpus = json_object_get(report->results->header, "gpus");
    int status = 0;

    for (size_t i = 0; i < report->results->records && !status; i++) {
        const struct record *r = &report->results->record[i];

        if (r->kind == RECORD_CELL && r->outcome == OUTCOME_OK && !r->proof &&
            strcmp(r->workload.text, "peak") == 0)
            status = from_peak(report, r);
    }
    for (size_t i = 0; i < json_array_size(gpus) && !status; i++)
        status = from_datasheet(report, json_array_get(gpus, i));
    return status;
}

/* ---- bounds ---------------------------------------------------------------------- */

static void name_bound(struct bound *b, const char *kind, double share)
{
    b->kind = name_of(kind);
    b->share = share;
}

/* May the call's data have come from DRAM? */
static bool is_from_dram(const struct report *report, const struct record *r,
                         double bytes)
{
    const json_t *machine = json_object_get(report->results->header, "machine");
    double cache = json_number_value(json_object_get(machine, "cache_bytes"));

    return r->cache == CACHE_COLD || bytes > (cache > 0 ? cache : cache_unknown_bytes);
}

double ceiling_floor_us(const struct report *report, const struct record *r)
{
    double bytes = r->bytes_read + r->bytes_written;
    double compute = r->flops / report_flops_per_s(report, r->device.text, r->dtype);
    double dram = fmax(report_bytes_per_s(report, r->device.text), r->dram_bytes_per_s);
    double memory = is_from_dram(report, r, bytes) ? bytes / dram : NAN;
    double seconds = fmax(compute, memory); /* ignores a NAN */

    return isfinite(seconds) ? seconds * 1e6 / impossible : 0;
}

/* The model's word for the kernel, unless the launch takes longer than the kernel; a pipe kept busy
 * by next to no arithmetic is named for what it does. */
static void bound_of_projection(struct bound *b, const struct record *r, double compute,
                                double memory)
{
    const char *kind = r->bound.text;

    if (r->launch_us.value > r->time_us.value)
        name_bound(b, "latency", NAN);
    else if (strcmp(kind, "compute") == 0 && compute < hardly_compute)
        name_bound(b, "instructions", NAN);
    else
        name_bound(b, kind,
                   strcmp(kind, "compute") == 0  ? compute
                   : strcmp(kind, "memory") == 0 ? memory
                                                 : NAN);
}

struct bound bound_of(const struct report *report, const struct record *r,
                      struct estimate time_us)
{
    double bytes = r->bytes_read + r->bytes_written, seconds = time_us.value * 1e-6;
    struct bound b = {.share = NAN,
                      .flops_per_s = r->flops / seconds,
                      .bytes_per_s = bytes / seconds};
    double dram = fmax(report_bytes_per_s(report, r->device.text), r->dram_bytes_per_s);
    double compute =
        b.flops_per_s / report_flops_per_s(report, r->device.text, r->dtype);
    double memory = b.bytes_per_s / dram;
    bool is_cached = memory > beyond_dram || !is_from_dram(report, r, bytes);

    if (compute > impossible)
        compute = NAN;
    if (record_is_disturbed(r))
        return b;
    if (r->kind == RECORD_PROJECTION)
        bound_of_projection(&b, r, compute, memory);
    else if (time_us.value < call_us)
        name_bound(&b, "latency", NAN);
    else if (compute > mostly_compute ||
             (compute > explained && !is_cached && compute > memory))
        name_bound(&b, "compute", compute);
    else if (!is_cached && memory > explained)
        name_bound(&b, "memory", memory);
    else if (time_us.value < short_us)
        name_bound(&b, "latency", NAN);
    else if (memory > beyond_dram)
        name_bound(&b, "cache", memory);
    else if (!isnan(compute) && !isnan(memory)) /* the roof above it, however far */
        name_bound(&b,
                   compute > memory ? "compute"
                   : is_cached      ? "cache"
                                    : "memory",
                   fmax(compute, memory));
    return b;
}
