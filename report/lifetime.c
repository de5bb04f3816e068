/* SPDX-License-Identifier: MIT */
/* The same call asked by a process that makes one, by one that lives a second, by a service
 * that never ends. On a measured GPU the first call was measured in a process of its own; what
 * it took beyond a call is the set-up. */
#include <math.h>
#include <stdio.h>

#include "report/judge.h"
#include "report/reuse.h"
#include "report/stats.h"

const char *lifetime_name(enum lifetime_kind kind)
{
    static const char *const spelling[] = {
#define X(value, text) text,
        LIFETIME_MAP(X)
#undef X
    };
    return spelling[kind];
}

/* The difference of two times, by their extremes, at least 0. */
static struct estimate beyond(struct estimate whole, struct estimate part)
{
    if (!estimate_is_known(whole) || !estimate_is_known(part))
        return estimate_missing(); /* fmax would make 0 of it */
    return (struct estimate){fmax(whole.value - part.value, 0), fmax(whole.low - part.high, 0),
                             fmax(whole.high - part.low, 0)};
}

/* A call in the long run, measured: without its share of what is sent once. */
static struct estimate measured_call_us(const struct report *report, const struct lifetime *l)
{
    const struct record *about = l->contest->about;
    const char *device = l->gpu->record->device.text;
    const struct record *once =
        ledger_placed(report, about, device, RECORD_PLACEMENT, PLACEMENT_ONCE);
    const struct record *every =
        ledger_placed(report, about, device, RECORD_PLACEMENT, PLACEMENT_EVERY);

    if (once && once->shared_ns >= 0)
        return beyond(record_wall_us(once),
                      estimate_exact(once->shared_ns / 1e3 / (double)once->calls));
    return every ? record_wall_us(every) : moved_call_us(l->gpu);
}

static void measure(const struct report *report, struct lifetime *l)
{
    const struct record *cold =
        ledger_placed(report, l->contest->about, l->gpu->record->device.text, RECORD_COLD,
                      PLACEMENT_EVERY);

    l->call_us = measured_call_us(report, l);
    l->setup_us = cold ? beyond(record_wall_us(cold), l->call_us) : estimate_missing();
    if (!cold)
        snprintf(l->why, sizeof l->why, "no first call of a process was measured on %s",
                 l->gpu->record->device.text);
}

/* A first call also sends what later ones share. */
static void project(struct lifetime *l)
{
    const struct record *r = l->gpu->record;

    l->call_us = moved_call_us(l->gpu);
    l->is_assumed = true;
    if (estimate_is_known(r->setup_us))
        l->setup_us = estimate_add(r->setup_us, stationary_us(link_cost_of(r)));
    else {
        l->setup_us = estimate_missing();
        snprintf(l->why, sizeof l->why,
                 "the results hold no assumption about opening %s: not projected",
                 r->device.text);
    }
}

/* CPU's time over the GPU's for n calls. */
static struct estimate speedup(const struct lifetime *l, double calls)
{
    return isinf(calls)
               ? estimate_ratio(l->cpu->time_us, l->call_us)
               : estimate_ratio(estimate_scale(l->cpu->time_us, calls),
                                estimate_add(l->setup_us, estimate_scale(l->call_us, calls)));
}

static void decide(struct lifetime *l)
{
    struct reuse_parts parts = {l->cpu->time_us, l->setup_us, l->call_us, l->gpu->time_us};

    l->calls[LIFETIME_COLD] = 1;
    l->calls[LIFETIME_SECOND] = fmax(floor(1e6 / l->cpu->time_us.value), 1);
    l->calls[LIFETIME_SERVICE] = INFINITY;
    for (int i = 0; i < LIFETIMES; i++) {
        l->speedup[i] = speedup(l, l->calls[i]);
        l->decision[i] = decision_of(l->speedup[i]);
    }
    l->flip = reuse_calls(&parts);
}

int judge_lifetimes(struct report *report)
{
    for (size_t c = 0; c < report->contests; c++)
        for (size_t g = 0; g < report->contest[c].gpus && report->contest[c].cpus; g++) {
            const struct contest *contest = &report->contest[c];
            struct lifetime *l = report_push(&report->lifetime, &report->lifetimes, sizeof *l);

            if (!l)
                return STATUS_MEMORY;
            *l = (struct lifetime){.contest = contest, .cpu = contest->cpu,
                                   .gpu = &contest->gpu[g],
                                   .evidence = contest->gpu[g].record->evidence};
            if (l->gpu->record->kind == RECORD_CELL)
                measure(report, l);
            else
                project(l);
            decide(l);
        }
    return 0;
}
