/* SPDX-License-Identifier: MIT */
/* Flips of one operation's verdict. Times change as the placement's formula says when one of
 * its inputs does; the speed-up's interval changes with them, end by end. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/judge.h"
#include "report/stats.h"

/* How far each input is followed. */
static const double link_most = 1e4, calls_most = 1e9;
/* Flips that the words of a verdict name. */
enum { FLIPS_TOLD = 3 };

/* What a call pays for the link: stationary inputs shared by so many calls, a link so many
 * times as fast, a share of what is sent there already. */
struct placing {
    double link, calls, there;
    bool is_resident; /* results stay on the GPU, too */
};

struct change {
    const struct verdict *verdict;
    struct link_cost cost;
    struct placing now;
};

static struct estimate link_us(const struct change *c, struct placing p)
{
    double results = p.is_resident ? 1 - p.there : 1;
    struct estimate inputs =
        estimate_add(c->cost.activation_us, estimate_scale(stationary_us(c->cost), 1 / p.calls));

    return estimate_scale(estimate_add(estimate_scale(inputs, 1 - p.there),
                                       estimate_scale(c->cost.download_us, results)),
                          1 / p.link);
}

/* The placement's own link time is what its formula says; the rest stays as it was found. */
static struct estimate speedup_at(const struct change *c, struct placing p)
{
    const struct verdict *v = c->verdict;
    struct estimate now = link_us(c, c->now), then = link_us(c, p), gpu = v->gpu_us;
    double least = 1e-9;

    return (struct estimate){
        v->speedup.value * gpu.value / fmax(gpu.value + then.value - now.value, least),
        v->speedup.low * gpu.high / fmax(gpu.high + then.high - now.high, least),
        v->speedup.high * gpu.low / fmax(gpu.low + then.low - now.low, least)};
}

static enum decision at_link(const void *of, double factor)
{
    const struct change *c = of;
    struct placing p = c->now;

    p.link *= factor;
    return decision_of(speedup_at(c, p));
}

static enum decision at_calls(const void *of, double calls)
{
    const struct change *c = of;
    struct placing p = c->now;

    p.calls = calls;
    return decision_of(speedup_at(c, p));
}

/* `rest`: the share of the data that is not there; a resident one falls from 1 by it. */
static enum decision at_rest(const void *of, double rest)
{
    const struct change *c = of;
    struct placing p = c->now;

    p.there = p.is_resident ? rest : 1 - rest;
    return decision_of(speedup_at(c, p));
}

static enum decision at_cpu(const void *of, double factor)
{
    const struct change *c = of;

    return decision_of(estimate_scale(c->verdict->speedup, factor));
}

/* ---- one input after the other --------------------------------------------------- */

static void flip_link(struct flips *flips, const struct change *c, double bytes_per_s)
{
    enum decision now = c->verdict->decision;
    double scale = isnan(bytes_per_s) ? 1 : bytes_per_s;

    for (int up = 0; up < 2 && !c->now.is_resident; up++) {
        double to = flip_search(at_link, c, 1, up ? link_most : 1 / link_most, now);

        if (!isnan(to))
            flips_add(flips, (struct flip){.kind = FLIP_LINK, .from = scale, .to = to * scale,
                                           .factor = up ? to : 1 / to,
                                           .decision = at_link(c, to),
                                           .is_relative = isnan(bytes_per_s)});
    }
}

/* Whole calls only, on the far side. */
static void flip_calls(struct flips *flips, const struct change *c)
{
    double from = c->now.calls;

    for (int up = 0; up < 2 && !c->now.is_resident; up++) {
        double to = flip_search(at_calls, c, from, up ? calls_most : 1, c->verdict->decision);

        to = up ? ceil(to * (1 - 1e-12)) : floor(to * (1 + 1e-12));
        if (!isnan(to) && at_calls(c, to) != c->verdict->decision)
            flips_add(flips, (struct flip){.kind = FLIP_CALLS, .from = from, .to = to,
                                           .factor = up ? to / from : from / to,
                                           .decision = at_calls(c, to)});
    }
}

/* Of a resident placement the share that is there falls, of the others it grows. */
static void flip_resident(struct flips *flips, const struct change *c)
{
    double rest = flip_search(at_rest, c, 1, 1e-6, c->verdict->decision);
    bool is_resident = c->now.is_resident;

    if (!isnan(rest))
        flips_add(flips, (struct flip){.kind = FLIP_RESIDENT, .from = is_resident,
                                       .to = is_resident ? rest : 1 - rest, .factor = 1 / rest,
                                       .decision = at_rest(c, rest)});
}

/* ---- sizes ----------------------------------------------------------------------- */

/* The one axis in which both differ, with its values; NULL unless there is exactly one. */
static const char *axis_between(const json_t *a, const json_t *b, double *from, double *to)
{
    const char *key, *axis = NULL;
    json_t *value;

    if (json_object_size(a) != json_object_size(b))
        return NULL;
    json_object_foreach((json_t *)a, key, value)
    {
        const json_t *other = json_object_get(b, key);

        if (json_equal(value, other))
            continue;
        if (axis || !json_is_number(value) || !json_is_number(other))
            return NULL;
        axis = key;
        *from = json_number_value(value);
        *to = json_number_value(other);
    }
    return axis;
}

/* The nearest size of each axis whose verdict is another one. */
static void flip_size(struct flips *flips, const struct report *report, const struct verdict *v)
{
    const struct record *about = v->contest->about;

    for (size_t i = 0; i < report->verdicts; i++) {
        const struct verdict *w = &report->verdict[i];
        const struct record *r = w->contest->about;
        struct flip flip = {.kind = FLIP_SIZE, .decision = w->decision};
        bool is_nearer = true;

        if (w->decision == v->decision || w->placement != v->placement || r->dtype != about->dtype ||
            r->cache != about->cache || strcmp(r->workload.text, about->workload.text) != 0 ||
            strcmp(w->gpu->record->device.text, v->gpu->record->device.text) != 0)
            continue;
        flip.axis = axis_between(about->shape, r->shape, &flip.from, &flip.to);
        if (!flip.axis || !(flip.from > 0 && flip.to > 0))
            continue;
        flip.factor = fmax(flip.to / flip.from, flip.from / flip.to);
        for (int k = 0; k < flips->n && is_nearer; k++)
            if (flips->at[k].kind == FLIP_SIZE && strcmp(flips->at[k].axis, flip.axis) == 0) {
                is_nearer = false;
                if (flip.factor < flips->at[k].factor)
                    flips->at[k] = flip;
            }
        if (is_nearer)
            flips_add(flips, flip);
    }
}

/* ---- all of them ----------------------------------------------------------------- */

static void tell(const struct flips *flips, struct text *out)
{
    for (int i = 0; i < flips->n && i < FLIPS_TOLD; i++) {
        text_add(out, i ? ", or " : out->n ? "; nearest: " : "nearest: ");
        flip_write(&flips->at[i], out);
        text_printf(out, " (%s%s)", decision_name(flips->at[i].decision),
                    flip_is_price(&flips->at[i]) ? " by cost" : "");
    }
}

/* More threads do not widen the way to memory: perfect scaling is no best case there. */
static struct flip_cpu cpu_of(const struct verdict *v)
{
    struct flip_cpu cpu = {(double)v->cpu->record->threads, contest_scaling(v->contest)};

    if (isnan(cpu.exponent) && strcmp(v->cpu->bound.kind.text, "memory") == 0)
        cpu.exponent = 0;
    return cpu;
}

static void verdict_flip(const struct report *report, struct verdict *v)
{
    struct change c = {.verdict = v,
                       .cost = link_cost_of(v->gpu->record),
                       .now = {.link = 1,
                               .calls = v->calls,
                               .there = v->placement == PLACEMENT_RESIDENT,
                               .is_resident = v->placement == PLACEMENT_RESIDENT}};
    const struct gpu_side *gpu = report_gpu(report, v->gpu->record->device.text);
    struct text text = {0};

    /* of the other placements the parts do not tell what a link does */
    if (v->placement <= PLACEMENT_EVERY && estimate_is_known(link_us(&c, c.now))) {
        flip_link(&v->flips, &c, gpu ? gpu->link_bytes_per_s : NAN);
        flip_calls(&v->flips, &c);
        flip_resident(&v->flips, &c);
    }
    flip_threads(&v->flips, cpu_of(v), at_cpu, &c, v->decision);
    flip_prices(&v->flips, &v->money, v->speedup);
    flip_size(&v->flips, report, v);
    text_add(&text, v->flip);
    tell(&v->flips, &text);
    snprintf(v->flip, sizeof v->flip, "%s", text.n ? text.data : "");
    text_release(&text);
}

int judge_flips(struct report *report)
{
    for (size_t i = 0; i < report->verdicts; i++)
        verdict_flip(report, &report->verdict[i]);
    for (size_t i = 0; i < report->chains; i++)
        chain_flip(report, &report->chain[i]);
    return 0;
}
