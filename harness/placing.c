/* SPDX-License-Identifier: MIT */
#include "harness/placing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "harness/group_record.h"
#include "harness/placement.h"

/* A variant this many times slower than the fastest on its device is not placed. */
enum { HOPELESS = 3 };
/* A first call that takes longer is killed: so long, or so many times the later ones. */
static const double cold_limit_s = 60;
enum { COLD_CALLS = 10 };
/* Placements of long calls may take so long together, or three times the group's budget. */
static const double patience_s = 1;

struct placing {
    struct workshop *shop;
    const struct group *group;
    const struct trial *trial;
    double call_ns;
};

static void describe(void *to, struct record *r)
{
    const struct placing *p = to;

    group_describe(r, p->group, &p->trial->device->row, p->trial->variant);
    r->judged = 0; /* the cell is; this is what becomes of it elsewhere */
    r->seed = (int64_t)p->shop->seed;
}

static void emit(void *to, const struct record *r)
{
    const struct placing *p = to;

    p->shop->emit(p->shop->to, r);
}

static const struct candidate *fastest_beside(const struct candidate *c, int n,
                                              const struct candidate *of)
{
    const struct candidate *best = of;

    for (int i = 0; i < n; i++)
        if (c[i].trial->device == of->trial->device && c[i].call_ns < best->call_ns)
            best = &c[i];
    return best;
}

/* ---- placements -------------------------------------------------------------------------- */

static void emit_failed(struct placing *p, const char *why)
{
    struct record r;

    describe(p, &r);
    r.kind = RECORD_PLACEMENT;
    record_refuse(&r, OUTCOME_FAILED, why);
    emit(p, &r);
    record_release(&r);
}

/* A placement that killed an earlier child is remembered under a name of its own, so that the
 * cell itself is not lost. */
static void place(struct placing *p, struct trial *t, const struct placement_limits *limits)
{
    struct workshop *shop = p->shop;
    struct placement_reader reader = {describe, emit, p};
    const char *id = t->device->row.id.text, *death;
    struct why why = {{0}};
    char name[96];

    snprintf(name, sizeof name, "%s, placed", t->variant->name);
    death = shop->death(shop->to, id, name);
    if (death) {
        emit_failed(p, death);
        return;
    }
    shop->at(shop->to, id, name);
    placement_each(t, limits, &reader);
    if (t->device->ops->sync(t->device, &why) == STATUS_LOST)
        shop->lost(shop->to, why.text);
}

/* ---- first calls ------------------------------------------------------------------------- */

static void call_cold(struct placing *p, enum memory memory)
{
    struct timeline line;
    struct record r;
    int status;

    describe(p, &r);
    r.kind = RECORD_COLD;
    r.placement = PLACEMENT_EVERY;
    r.memory = memory;
    r.calls = 1;
    status = coldroom_call(p->shop->coldroom, p->group, p->trial, memory,
                           fmax(cold_limit_s, COLD_CALLS * p->call_ns * 1e-9), &line, &r.error,
                           &r.why);
    r.outcome = status == STATUS_MEMORY ? OUTCOME_SKIPPED
                : status                ? OUTCOME_FAILED
                : r.error <= 1          ? OUTCOME_OK
                                        : OUTCOME_WRONG;
    if (r.outcome == OUTCOME_OK) {
        memcpy(r.ledger_ns, line.row_ns, sizeof r.ledger_ns);
        series_push(&r.wall_ns, line.wall_ns);
    }
    if (status != STATUS_UNAVAILABLE)
        emit(p, &r);
    record_release(&r);
}

/* From pageable memory, and from pinned too where that costs little beside the samples. */
static void call_cold_each(struct placing *p, double budget_s)
{
    int64_t start = clock_ns();

    p->shop->at(p->shop->to, "", "making a first call");
    call_cold(p, MEMORY_PAGEABLE);
    if ((double)(clock_ns() - start) * 1e-9 < 0.1 * budget_s)
        call_cold(p, MEMORY_PINNED);
}

void placing_run(struct workshop *shop, const struct group *g, const struct candidate *c, int n,
                 double budget_s)
{
    struct placement_limits limits = placement_defaults(fmin(0.5, 0.03 * budget_s));

    limits.until_ns = clock_ns() + (int64_t)(1e9 * fmax(3 * budget_s, patience_s));
    if (g->is_proof || g->workload->role != ROLE_JUDGED)
        return;
    for (int i = 0; i < n; i++) {
        const struct candidate *best = fastest_beside(c, n, &c[i]);
        struct placing placing = {shop, g, c[i].trial, c[i].call_ns};

        if (c[i].call_ns > HOPELESS * best->call_ns)
            continue;
        limits.call_ns = c[i].call_ns;
        place(&placing, c[i].trial, &limits);
        if (best == &c[i] && shop->coldroom)
            call_cold_each(&placing, budget_s);
    }
}
