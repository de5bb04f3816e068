/* SPDX-License-Identifier: MIT */
#include "harness/group.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/trace.h"
#include "devices/numa.h"
#include "harness/cell.h"
#include "harness/group_record.h"
#include "harness/laggard.h"
#include "harness/lineup.h"
#include "harness/placing.h"
#include "probes/nvml_library.h"

/* A cold problem's stationary arguments exceed the last-level cache so many times over. */
enum { COLD_CACHES = 4 };
/* A call that takes so long is not repeated for counters, unless the budget is large. */
static const double long_s = 0.1;

/* ---- the bench ------------------------------------------------------------------------- */

static double available_bytes(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[160];
    long kib = -1;

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %ld kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib >= 0 ? (double)kib * 1024 : INFINITY;
}

/* One record for the whole group, when not even the bench can be made. */
static void give_up(struct workshop *shop, const struct group *g, enum outcome outcome,
                    const char *why)
{
    struct record r;

    group_describe(&r, g, &shop->host.row, NULL);
    record_refuse(&r, outcome, why);
    shop->emit(shop->to, &r);
    record_release(&r);
}

static int open_bench(struct workshop *shop, const struct group *g, struct bench *bench)
{
    double cold = g->cache == CACHE_COLD ? COLD_CACHES * workshop_cache_bytes(shop, g) : 0;
    double need = bench_bytes(g->workload, &g->problem) + 2 * cold;
    struct why why = {{0}};
    int status;

    if (need > 0.9 * available_bytes()) {
        why_fail(&why, STATUS_MEMORY, "needs about %.1f GiB of memory, %.1f GiB are available",
                 need / 0x1p30, available_bytes() / 0x1p30);
        give_up(shop, g, OUTCOME_SKIPPED, why.text);
        return STATUS_MEMORY;
    }
    status = bench_open(bench, g->workload, &g->problem, &shop->host, (uint64_t)cold, shop->seed,
                        &why);
    if (status)
        give_up(shop, g, status == STATUS_MEMORY ? OUTCOME_SKIPPED : OUTCOME_FAILED, why.text);
    return status;
}

/* ---- making ready ---------------------------------------------------------------------- */

static const struct buffer *largest_argument(const struct bench *bench)
{
    const struct buffer *largest = &bench->arg[0][0];

    for (int i = 1; i < ARGS; i++)
        if (bench->arg[0][i].bytes > largest->bytes)
            largest = &bench->arg[0][i];
    return largest;
}

/* From `start_ns` until now, on the line of phases. */
static void trace_cell(const char *phase, const struct record *r, int64_t start_ns)
{
    char name[320];

    snprintf(name, sizeof name, "%s: %s %s %s, %s %s", phase, r->workload.text,
             dtype_name(r->dtype), r->shape_text.text, r->device.text, r->variant.text);
    trace_span(TRACK_PHASE, phase, name, start_ns, clock_ns());
}

/* Why the sweep leaves the variant out; NULL: it does not. */
static const char *left_out(const struct group *g, enum device_kind kind, const char *variant)
{
    for (int i = 0; kind == DEVICE_CPU && i < g->laggards; i++)
        if (strcmp(g->laggard[i].variant.text, variant) == 0)
            return g->laggard[i].why.text;
    return NULL;
}

/* What the record of the variant says before anything is run. */
static void describe(struct record *r, const struct workshop *shop, const struct group *g,
                     const struct bench *bench, const struct device_row *row,
                     const struct variant *v)
{
    const struct buffer *largest = largest_argument(bench);
    int node = numa_node_of(largest->data);

    group_describe(r, g, row, v);
    r->seed = (int64_t)shop->seed;
    r->page_bytes = (int64_t)largest->page_bytes;
    r->memory_node = node >= 0 ? node : NAN;
    if (bench->stays_in_caches) {
        size_t n = strlen(r->note.text);

        snprintf(r->note.text + n, sizeof r->note.text - n,
                 "%smeant to be cold, but %d copies of its stationary arguments fit in the caches",
                 n ? "; " : "", bench->copies);
    }
    if (row->kind == DEVICE_CPU) {
        r->threads = shop->plan->threads;
        r->isa = name_of(v->provider ? "" : isa_name(isa_best()));
    }
}

/* All variants of the group on device i; cells that do not apply leave no trace. */
static int open_cells(struct workshop *shop, const struct group *g, struct bench *bench, int i,
                      struct cell *cell, int most)
{
    const struct device_row *row = &shop->plan->device[i];
    struct why why = {{0}};
    int cells = 0;

    for (const struct variant *v = g->workload->variants + 1; v->name && cells < most; v++) {
        const char *late = left_out(g, row->kind, v->name);
        struct cell *c = &cell[cells];
        struct device *device;
        int64_t start_ns = clock_ns();

        if (!trial_runs_on(v, row->kind) || (v->fits && !v->fits(&g->problem)))
            continue;
        cells++;
        describe(&c->record, shop, g, bench, row, v);
        if (late) {
            record_refuse(&c->record, OUTCOME_SKIPPED, late);
            continue;
        }
        if (!cell_begin(c, shop, v->name))
            continue;
        device = workshop_device(shop, i, &why);
        if (device)
            cell_ready(c, shop, bench, device, v, shop->plan->threads);
        else
            record_refuse(&c->record, OUTCOME_FAILED, why.text);
        trace_cell("make ready and check", &c->record, start_ns);
    }
    return cells;
}

/* ---- sampling and what follows ----------------------------------------------------------- */

static bool is_throttled(const void *nvml)
{
    return nvml_is_throttled(nvml);
}

static void say_sample(void *shop, const struct trial *t)
{
    struct workshop *s = shop;

    s->at(s->to, t->device->row.id.text, t->variant->name);
}

/* Passes of their own, after the samples. A proof's times prove nothing, but that a GPU's
 * probes work is seen there too. */
static void observe_cell(struct workshop *shop, const struct group *g, struct cell *c,
                         double budget_s)
{
    enum device_kind kind = c->trial.device->kind;
    int64_t start_ns = clock_ns();
    double call_s = cell_call_ns(c) * 1e-9;
    struct why why;

    if (c->record.outcome != OUTCOME_OK || strcmp(c->record.stop.text, "hopeless") == 0)
        return;
    shop->at(shop->to, "", "looking at counters");
    if (kind == DEVICE_CUDA && call_s > fmax(long_s, 0.05 * budget_s)) {
        why_fail(&why, STATUS_OK, "not asked: a call takes %.2g s", call_s);
        observer_pass_over(shop->observer, &c->trial, &why, &c->record);
    } else if (kind == DEVICE_CUDA || (kind == DEVICE_CPU && !g->is_proof))
        observer_watch(shop->observer, &c->trial,
                       g->is_proof ? 0 : fmin(0.005, 0.05 * budget_s), &c->record);
    trace_cell("probes", &c->record, start_ns);
}

static struct sampler_limits limits_of(struct workshop *shop, const struct group *g,
                                       double budget_s)
{
    struct sampler_limits limits = sampler_defaults(0.7 * budget_s);

    if (g->rounds) {
        limits.rounds_least = limits.rounds_most = g->rounds;
        limits.precision = 0;
        limits.budget_s = INFINITY;
    }
    limits.is_throttled = shop->nvml ? is_throttled : NULL;
    limits.to = shop->nvml;
    limits.begins = say_sample;
    limits.listener = shop;
    if (g->is_proof) { /* the times prove nothing: a few samples show that they exist */
        limits.rounds_least = limits.rounds_most = 3;
        limits.sample_ns = 0;
    }
    return limits;
}

static void sample_cells(struct workshop *shop, const struct group *g, struct cell *cell,
                         int cells, double budget_s)
{
    struct sampler_limits limits = limits_of(shop, g, budget_s);
    struct why why = {{0}};
    double dram;

    cells_sample(shop, cell, cells, &limits, shop->seed + (uint64_t)g->problem.shape.n[0]);
    dram = g->is_proof ? NAN : workshop_dram_bytes_per_s(shop);
    for (int i = 0; i < cells; i++) {
        struct trial *t = &cell[i].trial;

        if (!cell[i].record.calls) /* was never to be sampled */
            continue;
        if (t->device->kind == DEVICE_CPU)
            cell[i].record.dram_bytes_per_s = dram;
        else if (cell[i].record.outcome == OUTCOME_OK)
            cell_itemise(&cell[i]);
        observe_cell(shop, g, &cell[i], budget_s);
        if (t->device->ops->sync(t->device, &why) == STATUS_LOST)
            workshop_lose(shop, t, &why);
    }
}

/* What may win on its device is also run with its data placed in every way. */
static void place_cells(struct workshop *shop, const struct group *g, struct cell *cell,
                        int cells, double budget_s)
{
    struct candidate candidate[CELLS];
    int n = 0;

    for (int i = 0; i < cells; i++)
        if (cell[i].record.outcome == OUTCOME_OK &&
            cell[i].trial.device->kind != DEVICE_CPU)
            candidate[n++] = (struct candidate){&cell[i].trial, cell_call_ns(&cell[i])};
    placing_run(shop, g, candidate, n, budget_s);
}

/* What may win on the CPU is also run on other threads and instruction sets. */
static void line_up_cells(struct workshop *shop, const struct group *g, struct bench *bench,
                          const struct cell *cell, int cells, double budget_s)
{
    struct lineup_member member[CELLS];
    int n = 0;

    for (int i = 0; i < cells; i++)
        if (cell[i].record.outcome == OUTCOME_OK &&
            cell[i].trial.device->kind == DEVICE_CPU)
            member[n++] = (struct lineup_member){cell[i].trial.variant,
                                                 cell_call_ns(&cell[i]),
                                                 cell[i].record.prepare_ns};
    if (n && g->workload->role == ROLE_JUDGED && !g->is_proof)
        lineup_run(shop, g, bench, member, n, budget_s);
}

double group_run(struct workshop *shop, const struct group *g, double budget_s)
{
    struct cell *cell = calloc(CELLS, sizeof *cell);
    struct bench bench;
    int64_t begin, start = 0, end = 0;
    int cells = 0;

    if (!cell) {
        give_up(shop, g, OUTCOME_FAILED, "out of memory");
        return 0;
    }
    if (!plan_has_variant(shop->plan, g)) {
        give_up(shop, g, OUTCOME_SKIPPED,
                "nothing but the plain reference computes this type here, and it does not compete");
        free(cell);
        return 0;
    }
    shop->at(shop->to, "", "making the inputs and expected results");
    begin = clock_ns();
    if (open_bench(shop, g, &bench) == 0) {
        trace_span(TRACK_PHASE, "inputs", "inputs and expected results", begin, clock_ns());
        if (g->workload->role == ROLE_OVERHEAD)
            workshop_deal_out(shop, &bench);
        for (int i = 0; i < shop->plan->devices; i++)
            if (g->devices >> i & 1)
                cells += open_cells(shop, g, &bench, i, cell + cells, CELLS - cells);
        start = clock_ns();
        sample_cells(shop, g, cell, cells, budget_s);
        place_cells(shop, g, cell, cells, budget_s);
        line_up_cells(shop, g, &bench, cell, cells, budget_s);
        end = clock_ns();
        trace_span(TRACK_PHASE, "group", g->workload->name, begin, end);
        for (int i = 0; i < cells; i++)
            cell_close(&cell[i], shop);
        bench_close(&bench);
    }
    free(cell);
    return (double)(end - start) * 1e-9;
}
