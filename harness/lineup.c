/* SPDX-License-Identifier: MIT */
/* All variants have met at all threads; the fastest of them is now tried otherwise. A small
 * problem is often faster on one thread, a large one on every logical CPU; what only confirms
 * the order costs a part of the budget and no more. */
#include "harness/lineup.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/cell.h"
#include "harness/group_record.h"

/* A way is checked, tried and sampled: so many calls at least. */
static const double calls_least = 6;
/* Of the group's budget; of a search for sizes, which has no budget per group. */
static const double share_of_budget = 0.35, sweep_budget_s = 0.03;
/* Laying a bench over NUMA nodes has as much for itself; in a search so long each way. Pages move
 * at about so many bytes per second (a core's copy, and the kernel's book-keeping). */
static const double sweep_spread_s = 0.5, move_bytes_per_s = 1e9;
/* Variants this many times slower than the fastest are not tried otherwise. */
static const double near = 2;
enum { ROUNDS = 5 };

/* ---- which ------------------------------------------------------------------------------- */

static int add_way(struct way *way, int ways, struct way w)
{
    for (int i = 0; i < ways; i++)
        if (way[i].variant == w.variant && way[i].threads == w.threads && way[i].isa == w.isa &&
            way[i].spread == w.spread)
            return ways;
    if (ways == WAYS)
        return ways;
    way[ways] = w;
    return ways + 1;
}

/* `m` at other threads than it ran at, or laid otherwise. */
static int add_threads(struct way *way, int ways, const struct lineup_member *m,
                       struct lineup_machine machine, int threads, enum spread spread)
{
    double slower = fmax(1, (double)machine.threads / threads);

    if (threads < 1 || (threads == machine.threads && spread == SPREAD_NONE))
        return ways;
    return add_way(way, ways, (struct way){m->variant, threads, machine.isa, spread,
                                           slower * m->call_ns, slower * m->prepare_ns});
}

/* bf16 instructions change nothing for other types. */
static int add_isas(struct way *way, int ways, const struct lineup_member *m,
                    struct lineup_machine machine)
{
    double slower = 1;

    for (int isa = (int)machine.isa - 1; isa >= 0; isa--) {
        if (isa == ISA_avx512 && !machine.is_bf16)
            continue;
        slower *= 2;
        ways = add_way(way, ways, (struct way){m->variant, machine.threads, (enum isa)isa,
                                               SPREAD_NONE, slower * m->call_ns,
                                               slower * m->prepare_ns});
    }
    return ways;
}

int lineup_ways(const struct lineup_member *m, int n, struct lineup_machine machine,
                struct way *way)
{
    const struct lineup_member *first = NULL, *second = NULL, *own = NULL;
    int ways = 0;

    for (int i = 0; i < n; i++) {
        if (!first || m[i].call_ns < first->call_ns) {
            second = first;
            first = &m[i];
        } else if (!second || m[i].call_ns < second->call_ns) {
            second = &m[i];
        }
        if (!m[i].variant->provider && (!own || m[i].call_ns < own->call_ns))
            own = &m[i];
    }
    if (!first)
        return 0;
    if (machine.node_threads) {
        ways = add_threads(way, ways, first, machine, machine.threads, SPREAD_ALL);
        ways = add_threads(way, ways, first, machine, machine.node_threads, SPREAD_NODE);
    }
    ways = add_threads(way, ways, first, machine, 1, SPREAD_NONE);
    ways = add_threads(way, ways, first, machine, machine.threads / 4, SPREAD_NONE);
    ways = add_threads(way, ways, first, machine, machine.threads / 2, SPREAD_NONE);
    ways = add_threads(way, ways, first, machine, machine.cpus, SPREAD_NONE);
    if (second && second->call_ns < near * first->call_ns)
        ways = add_threads(way, ways, second, machine, 1, SPREAD_NONE);
    if (own && own->call_ns < near * first->call_ns)
        ways = add_isas(way, ways, own, machine);
    return ways;
}

static struct lineup_machine machine_of(const struct workshop *shop, const struct group *g)
{
    const struct numa_nodes *nodes = &shop->plan->nodes;
    int node = spread_node(nodes);
    cpu_set_t allowed;

    CPU_ZERO(&allowed);
    sched_getaffinity(0, sizeof allowed, &allowed);
    return (struct lineup_machine){.threads = shop->plan->threads, .cpus = CPU_COUNT(&allowed),
                                   .node_threads = node >= 0 ? plan_cores(&nodes->cpus[node]) : 0,
                                   .isa = isa_best(),
                                   .is_bf16 = g->problem.dtype == DTYPE_BF16};
}

/* ---- how --------------------------------------------------------------------------------- */

/* What the parent calls this way when it kills the process. */
static struct name way_name(const struct way *w)
{
    static const char *const spread[] = {"", ", one node", ", all nodes"};
    struct name name;

    snprintf(name.text, sizeof name.text, "%.24s, threads %d, %.12s%s", w->variant->name,
             w->threads, isa_name(w->isa), spread[w->spread]);
    return name;
}

static void describe(struct record *r, const struct workshop *shop, const struct group *g,
                     const struct way *w)
{
    group_describe(r, g, &shop->host.row, w->variant);
    r->threads = w->threads;
    r->seed = (int64_t)shop->seed;
    r->isa = name_of(w->variant->provider ? NULL : isa_name(w->isa));
    r->nodes = spread_name(&shop->plan->nodes, w->spread);
    if (w->spread == SPREAD_NODE)
        r->memory_node = shop->plan->nodes.id[spread_node(&shop->plan->nodes)];
}

static void open_way(struct workshop *shop, struct bench *bench, const struct way *w,
                     struct cell *c)
{
    if (!cell_begin(c, shop, way_name(w).text))
        return;
    isa_use(w->isa);
    cell_ready(c, shop, bench, &shop->host, w->variant, w->threads);
}

static void say_sample(void *shop, const struct trial *t)
{
    struct workshop *s = shop;

    (void)t;
    s->at(s->to, "", "sampling");
}

/* ---- the reference ----------------------------------------------------------------------- */

static void emit_reference(struct workshop *shop, const struct group *g, const struct bench *bench)
{
    struct record r;

    if (!g->workload->variants[0].reference || g->workload->role != ROLE_JUDGED)
        return;
    group_describe(&r, g, &shop->host.row, &g->workload->variants[0]);
    r.judged = 0;
    r.straw = 1;
    r.threads = shop->plan->threads;
    r.calls = 1;
    r.seed = (int64_t)shop->seed;
    r.stop = name_of("rounds");
    r.note = why_of("the plain reference in double precision, timed once");
    series_push(&r.wall_ns, bench->reference_ns);
    shop->emit(shop->to, &r);
    record_release(&r);
}

/* ---- all of them ------------------------------------------------------------------------- */

static double cost_ns(const struct way *w)
{
    return calls_least * w->call_ns + fmax(w->prepare_ns, 0);
}

static void sample(struct workshop *shop, struct cell *cell, int cells, double budget_s)
{
    struct sampler_limits limits = sampler_defaults(fmax(budget_s, 0));

    limits.rounds_least = ROUNDS;
    limits.begins = say_sample;
    limits.listener = shop;
    if (cells)
        cells_sample(shop, cell, cells, &limits, shop->seed);
}

/* Those that leave the bench where it lies, side by side. */
static void run_ways(struct workshop *shop, const struct group *g, struct bench *bench,
                     const struct way *way, int ways, double left_ns)
{
    struct cell *cell = calloc(WAYS, sizeof *cell); /* large */
    int cells = 0;

    for (int i = 0; i < ways && cell; i++) {
        if (way[i].spread != SPREAD_NONE || cost_ns(&way[i]) > left_ns)
            continue;
        left_ns -= cost_ns(&way[i]);
        describe(&cell[cells].record, shop, g, &way[i]);
        open_way(shop, bench, &way[i], &cell[cells++]);
    }
    sample(shop, cell, cells, left_ns * 1e-9);
    for (int i = 0; i < cells; i++)
        cell_close(&cell[i], shop);
    free(cell);
}

/* Threads, plans and packed weights of the trial are made where the layout says. */
static void time_spread(struct workshop *shop, struct bench *bench, const struct way *w,
                        const struct numa_layout *layout, struct cell *c, double budget_s)
{
    struct why why = {{0}};

    open_way(shop, bench, w, c);
    if (c->trial.scratch.bytes && numa_layout_move(layout, &c->trial.scratch, &why) != 0)
        record_refuse(&c->record, OUTCOME_SKIPPED, why.text);
    sample(shop, c, 1, budget_s);
}

static void run_spread(struct workshop *shop, const struct group *g, struct bench *bench,
                       const struct way *w, double budget_s)
{
    struct cell *cell = calloc(1, sizeof *cell); /* large */
    double bytes = spread_bytes(bench), need_s = bytes / move_bytes_per_s + 1e-9 * cost_ns(w);
    struct numa_layout layout;
    struct why why = {{0}};
    int status = 0;

    if (!cell)
        return;
    describe(&cell->record, shop, g, w);
    if (need_s > budget_s)
        status = why_fail(&why, STATUS_UNAVAILABLE, "left out: moving %.2g GB between NUMA nodes "
                          "and %.0f calls need about %.2g s, and it may take %.2g s; hint: raise "
                          "--budget", 1e-9 * bytes, calls_least, need_s, budget_s);
    if (!status)
        status = spread_begin(&layout, &shop->plan->nodes, w->spread, bench, &why);
    if (status) {
        record_refuse(&cell->record, OUTCOME_SKIPPED, why.text);
    } else {
        time_spread(shop, bench, w, &layout, cell, budget_s - need_s);
        numa_layout_end(&layout);
    }
    cell_close(cell, shop);
    free(cell);
}

void lineup_run(struct workshop *shop, const struct group *g, struct bench *bench,
                const struct lineup_member *member, int n, double budget_s)
{
    struct lineup_machine machine = machine_of(shop, g);
    double part_s = share_of_budget * budget_s;
    struct way way[WAYS];
    int ways = lineup_ways(member, n, machine, way);

    emit_reference(shop, g, bench);
    run_ways(shop, g, bench, way, ways, 1e9 * (g->rounds ? sweep_budget_s : part_s));
    isa_use(machine.isa);
    for (int i = 0; i < ways; i++) /* last: the pages stay where they were moved */
        if (way[i].spread != SPREAD_NONE)
            run_spread(shop, g, bench, &way[i], g->rounds ? sweep_spread_s : part_s / 2);
}
