/* SPDX-License-Identifier: MIT */
/* All variants have met at all threads; the fastest of them is now tried otherwise. A small
 * problem is often faster on one thread, a large one on every logical CPU; what only confirms
 * the order costs a part of the budget and no more. */
#include "harness/lineup.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/sysfs.h"
#include "harness/cell.h"
#include "harness/group_record.h"

/* A way is checked, tried and sampled: so many calls at least. */
static const double calls_least = 6;
/* Of the group's budget; of a search for sizes, which has no budget per group. */
static const double share_of_budget = 0.35, sweep_budget_s = 0.03;
/* Variants this many times slower than the fastest are not tried otherwise. */
static const double near = 2;
enum { ROUNDS = 5 };

/* ---- which ------------------------------------------------------------------------------- */

static int add_way(struct way *way, int ways, struct way w)
{
    for (int i = 0; i < ways; i++)
        if (way[i].variant == w.variant && way[i].threads == w.threads && way[i].isa == w.isa)
            return ways;
    if (ways == WAYS)
        return ways;
    way[ways] = w;
    return ways + 1;
}

/* `m` at other threads than it ran at. */
static int add_threads(struct way *way, int ways, const struct lineup_member *m,
                       struct lineup_machine machine, int threads)
{
    double slower = fmax(1, (double)machine.threads / threads);

    if (threads < 1 || threads == machine.threads)
        return ways;
    return add_way(way, ways, (struct way){m->variant, threads, machine.isa,
                                           slower * m->call_ns, slower * m->prepare_ns});
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
    ways = add_threads(way, ways, first, machine, 1);
    ways = add_threads(way, ways, first, machine, machine.threads / 4);
    ways = add_threads(way, ways, first, machine, machine.threads / 2);
    ways = add_threads(way, ways, first, machine, machine.node_cpus);
    ways = add_threads(way, ways, first, machine, machine.cpus);
    if (second && second->call_ns < near * first->call_ns)
        ways = add_threads(way, ways, second, machine, 1);
    if (own && own->call_ns < near * first->call_ns && machine.isa > 0)
        ways = add_way(way, ways, (struct way){own->variant, machine.threads,
                                               (enum isa)(machine.isa - 1), 2 * own->call_ns,
                                               2 * own->prepare_ns});
    return ways;
}

/* Logical CPUs that this process may run on, of all or of those in `list` ("0-15,32-47"). */
static int cpus_in(const char *list)
{
    cpu_set_t allowed;
    int n = 0, from, to, used;

    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return 0;
    if (!list)
        return CPU_COUNT(&allowed);
    for (; sscanf(list, "%d%n", &from, &used) == 1; list += used + (list[used] == ',')) {
        list += used;
        to = from;
        used = 0;
        if (*list == '-' && sscanf(list + 1, "%d%n", &to, &used) == 1)
            list += 1;
        for (int cpu = from; cpu <= to && cpu < CPU_SETSIZE; cpu++)
            n += CPU_ISSET(cpu, &allowed) != 0;
    }
    return n;
}

static struct lineup_machine machine_of(const struct workshop *shop)
{
    struct lineup_machine machine = {.threads = shop->plan->threads, .cpus = cpus_in(NULL),
                                     .isa = isa_best()};
    char list[256];

    /* more than one node: those of the first */
    if (sysfs_line("/", list, sizeof list, "/sys/devices/system/node/node1/cpulist") &&
        sysfs_line("/", list, sizeof list, "/sys/devices/system/node/node0/cpulist"))
        machine.node_cpus = cpus_in(list) < machine.threads ? cpus_in(list) : 0;
    return machine;
}

/* ---- how --------------------------------------------------------------------------------- */

/* What the parent calls this way when it kills the process. */
static struct name way_name(const struct way *w)
{
    struct name name;

    snprintf(name.text, sizeof name.text, "%.30s, threads %d, %.12s", w->variant->name,
             w->threads, isa_name(w->isa));
    return name;
}

static void open_way(struct workshop *shop, const struct group *g, struct bench *bench,
                     const struct way *w, struct cell *c)
{
    group_describe(&c->record, g, &shop->host.row, w->variant);
    c->record.threads = w->threads;
    c->record.seed = (int64_t)shop->seed;
    c->record.isa = name_of(w->variant->provider ? NULL : isa_name(w->isa));
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

void lineup_run(struct workshop *shop, const struct group *g, struct bench *bench,
                const struct lineup_member *member, int n, double budget_s)
{
    struct lineup_machine machine = machine_of(shop);
    double left_ns = 1e9 * (g->rounds ? sweep_budget_s : share_of_budget * budget_s);
    struct cell *cell = calloc(WAYS, sizeof *cell); /* large */
    struct sampler_limits limits;
    struct way way[WAYS];
    int ways = lineup_ways(member, n, machine, way), cells = 0;

    emit_reference(shop, g, bench);
    for (int i = 0; i < ways && cell; i++) {
        double cost_ns = calls_least * way[i].call_ns + fmax(way[i].prepare_ns, 0);

        if (cost_ns > left_ns)
            continue;
        left_ns -= cost_ns;
        open_way(shop, g, bench, &way[i], &cell[cells++]);
    }
    limits = sampler_defaults(fmax(left_ns, 0) * 1e-9);
    limits.rounds_least = ROUNDS;
    limits.begins = say_sample;
    limits.listener = shop;
    if (cells)
        cells_sample(shop, cell, cells, &limits, shop->seed);
    isa_use(machine.isa);
    for (int i = 0; i < cells; i++)
        cell_close(&cell[i], shop);
    free(cell);
}
