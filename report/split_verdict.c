/* SPDX-License-Identifier: MIT */
/* Which verdicts' calls are better shared between CPU and GPU. The parts of a side that a smaller
 * piece does not make shorter, and the memory that both sides pull at:
 *
 *  - a side bound by arithmetic takes as long as its share of the operations; one bound by memory
 *    or a cache reads whole what every piece needs; one bound by latency, or short, takes as long
 *    as ever: starting threads and filling a GPU do not shrink with the piece;
 *  - of the GPU, launching, starting copies and sending what every piece needs remain;
 *  - the GPU's copies come from the memory that a CPU not bound by arithmetic is reading, so they
 *    take their bytes' time of it, at the CPU's own rate. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/judge.h"
#include "report/stats.h"
#include "report/units.h"

/* Starting a copy: about what `copy_us` of projection/parameters.json is. */
static const double copy_start_us = 10;

/* Computing shorter than this is taken not to shrink: ten times a kernel's floor and launch, a
 * few times what waking the CPU's threads takes. */
static const double short_us = 100;

static bool is_bound(const struct contender *c, const char *kind)
{
    return strcmp(c->bound.kind.text, kind) == 0;
}

/* Share of a side's computing, which takes `us`, that a piece does not make shorter. */
static double whole_share(const struct contender *c, double us)
{
    const struct record *r = c->record;

    if (us < short_us || is_bound(c, "latency"))
        return 1;
    if (is_bound(c, "compute") || is_bound(c, "instructions"))
        return 0;
    return r->whole_bytes / (r->bytes_read + r->bytes_written);
}

/* ---- the link ------------------------------------------------------------------------ */

/* Bytes a call moves: those that every piece needs, and those that follow the piece. */
struct moved {
    double whole, cut;
};

static struct moved moved_of(double bytes, double whole)
{
    return (struct moved){whole, bytes - whole};
}

static struct moved stationary_of(const struct record *r)
{
    return moved_of(r->stationary_bytes, r->whole_stationary_bytes);
}

static struct moved activations_of(const struct record *r)
{
    return moved_of(r->upload_bytes - r->stationary_bytes,
                    r->whole_upload_bytes - r->whole_stationary_bytes);
}

/* The part of a copy's time that a smaller piece saves. */
static struct estimate saved_us(struct estimate us, struct moved m)
{
    double bytes = m.whole + m.cut, share = bytes > 0 ? m.cut / bytes : 0;

    if (!estimate_is_known(us)) /* fmax would make 0 of it */
        return us;
    return (struct estimate){share * fmax(us.value - copy_start_us, 0),
                             share * fmax(us.low - copy_start_us, 0),
                             share * fmax(us.high - copy_start_us, 0)};
}

/* Results count as cut: where they are not, they are a few bytes. */
static struct estimate link_saved_us(const struct verdict *v)
{
    const struct record *r = v->gpu->record;
    struct link_cost cost = link_cost_of(r);
    struct estimate up, down = saved_us(cost.download_us, moved_of(r->download_bytes, 0));

    if (v->placement == PLACEMENT_RESIDENT)
        return estimate_exact(0);
    if (v->placement == PLACEMENT_EVERY)
        up = saved_us(cost.upload_us, moved_of(r->upload_bytes, r->whole_upload_bytes));
    else
        up = estimate_add(saved_us(cost.activation_us, activations_of(r)),
                          estimate_scale(saved_us(stationary_us(cost), stationary_of(r)),
                                         1 / v->calls));
    return estimate_add(up, down);
}

static struct moved link_bytes(const struct verdict *v)
{
    const struct record *r = v->gpu->record;
    struct moved some = activations_of(r), rest = stationary_of(r);
    double times = v->placement == PLACEMENT_EVERY ? 1 : 1 / v->calls;

    if (v->placement == PLACEMENT_RESIDENT)
        return (struct moved){0, 0};
    return (struct moved){some.whole + times * rest.whole,
                          some.cut + times * rest.cut + r->download_bytes};
}

/* ---- parts --------------------------------------------------------------------------- */

static void set_cpu(struct split_parts *p, const struct verdict *v)
{
    const struct record *r = v->cpu->record;
    double whole = whole_share(v->cpu, v->cpu_us.value), bytes = r->bytes_read + r->bytes_written;
    struct moved beside = link_bytes(v);

    p->cpu_us = v->cpu_us;
    p->cpu_fixed = whole;
    p->cpu_shared = 1 - whole;
    if (!is_bound(v->cpu, "compute")) {
        p->cpu_fixed += (beside.whole + beside.cut) / bytes;
        p->cpu_shared = fmax(p->cpu_shared - beside.cut / bytes, 0);
    }
}

/* On the device's own clock, without launching. */
static struct estimate kernel_us(const struct record *r)
{
    return r->kind == RECORD_CELL ? record_series_us(r, &r->kernel_ns) : r->time_us;
}

/* What was measured as a whole and in parts varies independently; a sum varies with its parts. */
static void set_gpu(struct split_parts *p, const struct verdict *v)
{
    struct estimate all = v->gpu_us, kernel = kernel_us(v->gpu->record), cut, rest;
    bool is_sum = !v->placed && v->gpu->record->kind == RECORD_PROJECTION;

    cut = estimate_add(estimate_scale(kernel, 1 - whole_share(v->gpu, kernel.value)),
                       link_saved_us(v));
    if (!estimate_is_known(cut)) {
        p->gpu_shared_us = cut;
        return;
    }
    cut = (struct estimate){fmin(cut.value, all.value), fmin(cut.low, all.low),
                            fmin(cut.high, all.high)};
    rest = (struct estimate){all.value - cut.value, fmax(all.low - (is_sum ? cut.low : cut.high), 0),
                             all.high - (is_sum ? cut.high : cut.low)};
    p->gpu_shared_us = cut;
    p->gpu_fixed_us = rest;
}

static bool can_split(const struct verdict *v)
{
    return v->placement <= PLACEMENT_EVERY && v->contest->about->split_length >= 2 &&
           !v->cpu->is_disturbed && whole_share(v->cpu, v->cpu_us.value) < 1;
}

/* ---- words --------------------------------------------------------------------------- */

static void tell(struct split *s)
{
    const struct verdict *v = s->verdict;
    const char *gpu = v->gpu->record->device.text;

    snprintf(s->text, sizeof s->text,
             "%s of %s on the CPU, the rest on %s%s: %s as fast as %s alone (%s; %s, derived from "
             "the parts)",
             words_percent(s->share).text, v->contest->about->split_axis.text, gpu,
             v->placement == PLACEMENT_RESIDENT ? ", each with its piece in place" : "",
             words_ratio(s->best.gain.value).text, s->is_over_gpu ? gpu : "the CPU",
             words_ratio_range(s->best.gain).text, evidence_name(v->evidence));
}

static int by_gain(const void *a, const void *b)
{
    const struct split *x = a, *y = b;

    return (x->best.gain.value < y->best.gain.value) - (x->best.gain.value > y->best.gain.value);
}

static int consider(struct report *report, const struct verdict *v)
{
    struct split_parts parts = {.length = v->contest->about->split_length};
    struct split found = {.verdict = v}, *s;

    set_cpu(&parts, v);
    set_gpu(&parts, v);
    found.best = split_find(&parts);
    if (isnan(found.best.gain.value))
        return 0;
    report->splittable++;
    if (!found.best.pays)
        return 0;
    found.share = (double)found.best.units / (double)parts.length;
    found.is_over_gpu = v->gpu_us.value < v->cpu_us.value;
    tell(&found);
    s = report_push(&report->split, &report->splits, sizeof *s);
    if (!s)
        return STATUS_MEMORY;
    *s = found;
    return 0;
}

int judge_splits(struct report *report)
{
    int status = 0;

    for (size_t i = 0; i < report->verdicts && !status; i++)
        if (can_split(&report->verdict[i]))
            status = consider(report, &report->verdict[i]);
    if (report->splits)
        qsort(report->split, report->splits, sizeof *report->split, by_gain);
    return status;
}
