/* SPDX-License-Identifier: MIT */
/* A pass as the sequence it is: links done equally often stand together as the body of a
 * loop (a model's layers) and are unrolled, then the shortest path decides each call. What
 * crosses with a change of sides is what the next operation reads; the token ids at both
 * ends are free. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/judge.h"
#include "report/path.h"
#include "report/stats.h"

/* A longer pass than any model has is not unrolled. */
static const double calls_most = 100000;

struct walk {
    struct path_node *node;
    size_t *step;      /* which step of the chain each node is */
    bool *on_gpu, *from;
    size_t nodes;
};

static double calls_of(const struct chain *chain)
{
    double calls = 0;

    for (size_t i = 0; i < chain->steps; i++)
        calls += fmax(floor(chain->step[i].count), 0);
    return calls;
}

static int walk_open(struct walk *w, size_t calls, size_t steps)
{
    size_t marks = 2 * calls > steps ? 2 * calls : steps;

    *w = (struct walk){.node = calloc(calls + 1, sizeof *w->node),
                       .step = calloc(calls + 1, sizeof *w->step),
                       .on_gpu = calloc(calls + 1, sizeof *w->on_gpu),
                       .from = calloc(marks + 1, sizeof *w->from)};
    return w->node && w->step && w->on_gpu && w->from ? 0 : STATUS_MEMORY;
}

static void walk_close(struct walk *w)
{
    free(w->node);
    free(w->step);
    free(w->on_gpu);
    free(w->from);
}

/* The loop's body: steps from `first` on that are done as often. */
static size_t body_end(const struct chain *chain, size_t first)
{
    size_t end = first + 1;

    while (end < chain->steps && chain->step[end].count == chain->step[first].count)
        end++;
    return end;
}

static void unroll(const struct chain *chain, struct walk *w)
{
    for (size_t first = 0, end; first < chain->steps; first = end) {
        end = body_end(chain, first);
        for (double n = 1; n <= chain->step[first].count; n++)
            for (size_t i = first; i < end; i++)
                w->step[w->nodes++] = i;
    }
}

/* What a step's call costs on either side and over the link. */
struct call_cost {
    struct estimate cpu, gpu, up, down;
};

static struct call_cost call_cost(const struct chain_step *step, struct chain_knobs knobs)
{
    struct estimate weights =
        isinf(knobs.passes) ? estimate_exact(0)
                            : estimate_scale(step->weights_us, 1 / knobs.passes / knobs.link);

    return (struct call_cost){
        .cpu = estimate_scale(step->cpu_us, knobs.cpu / step->count),
        .gpu = estimate_add(estimate_scale(step->gpu_us, 1 / step->count), weights),
        .up = estimate_scale(step->up_us, 1 / knobs.link),
        .down = estimate_scale(step->down_us, 1 / knobs.link)};
}

static void price(const struct chain *chain, struct walk *w, struct chain_knobs knobs)
{
    for (size_t i = 0; i < w->nodes; i++) {
        struct call_cost cost = call_cost(&chain->step[w->step[i]], knobs);

        w->node[i] = (struct path_node){.cpu = cost.cpu.value, .gpu = cost.gpu.value,
                                        .up = cost.up.value, .down = cost.down.value};
    }
}

struct route route_unknown(void)
{
    return (struct route){.us = estimate_missing(), .speedup = estimate_missing(),
                          .decision = DECISION_UNDECIDED, .moved = NAN, .crossings = NAN};
}

/* The interval of a plan is the sum of its parts' intervals. */
static struct estimate add_up(const struct chain *chain, const struct walk *w,
                              struct chain_knobs knobs, struct route *route)
{
    struct estimate sum = estimate_exact(0), before = estimate_exact(0);

    route->crossings = 0;
    for (size_t i = 0; i < w->nodes; i++) {
        struct call_cost cost = call_cost(&chain->step[w->step[i]], knobs);
        bool gpu = w->on_gpu[i];

        if (i > 0 && w->on_gpu[i - 1] != gpu) {
            sum = estimate_add(sum, gpu ? cost.up : before);
            route->crossings++;
        }
        sum = estimate_add(sum, gpu ? cost.gpu : cost.cpu);
        before = cost.down;
    }
    return sum;
}

/* Is what the GPU would have to be sent known for every operation it could run? */
static bool is_priced(const struct chain *chain, double passes)
{
    for (size_t i = 0; i < chain->steps; i++)
        if (!isinf(passes) && estimate_is_known(chain->step[i].gpu_us) &&
            !estimate_is_known(chain->step[i].weights_us))
            return false;
    return true;
}

/* Operations that run on the GPU at least once; told to the steps where asked to. */
static double count_moved(const struct chain *chain, const struct walk *w,
                          struct chain_step *told)
{
    bool *seen = w->from; /* no longer needed: room for one per step */
    double moved = 0;

    memset(seen, 0, chain->steps * sizeof *seen);
    for (size_t i = 0; i < w->nodes; i++) {
        size_t s = w->step[i];

        if (!w->on_gpu[i])
            continue;
        moved += !seen[s];
        seen[s] = true;
        if (told)
            told[s].moved++;
    }
    return moved;
}

/* The best plan of an unrolled pass. `told` may be NULL. */
static struct route find_route(const struct chain *chain, struct walk *w,
                               struct chain_knobs knobs, struct chain_step *told)
{
    struct route route = route_unknown();

    if (chain->is_too_large)
        knobs.passes = 1;
    if (!is_priced(chain, knobs.passes))
        return route;
    price(chain, w, knobs);
    path_best(w->node, w->nodes, w->on_gpu, w->from);
    route.us = add_up(chain, w, knobs, &route);
    route.moved = count_moved(chain, w, told);
    route.speedup = route.moved > 0
                        ? estimate_ratio(estimate_scale(chain->cpu_us, knobs.cpu), route.us)
                        : estimate_exact(1);
    route.decision = decision_of(route.speedup);
    return route;
}

static int begin(const struct chain *chain, struct walk *w)
{
    double calls = calls_of(chain);
    int status;

    *w = (struct walk){0};
    if (!(calls > 0 && calls <= calls_most))
        return 0;
    status = walk_open(w, (size_t)calls, chain->steps);
    if (!status)
        unroll(chain, w);
    return status;
}

struct estimate chain_speedup_at(const struct chain *chain, struct chain_knobs knobs)
{
    struct estimate speedup = estimate_missing();
    struct walk walk;

    if (begin(chain, &walk) == 0 && walk.nodes)
        speedup = find_route(chain, &walk, knobs, NULL).speedup;
    walk_close(&walk);
    return speedup;
}

int chain_routes(struct chain *chain)
{
    static const double passes[] = {[PLACEMENT_RESIDENT] = INFINITY,
                                    [PLACEMENT_ONCE] = ONCE_CALLS, [PLACEMENT_EVERY] = 1};
    struct walk walk;
    int status = begin(chain, &walk);

    if (!status && walk.nodes) {
        chain->is_too_large = chain->weight_bytes > chain->gpu->memory_bytes;
        for (int p = PLACEMENT_RESIDENT; p <= PLACEMENT_EVERY; p++)
            chain->route[p] = find_route(chain, &walk, (struct chain_knobs){1, passes[p], 1},
                                         p == PLACEMENT_RESIDENT ? chain->step : NULL);
        chain->mix_us = chain->route[PLACEMENT_RESIDENT].us;
        chain->mix_speedup = chain->route[PLACEMENT_RESIDENT].speedup;
        chain->decision = chain->route[PLACEMENT_RESIDENT].decision;
        chain->moved = chain->route[PLACEMENT_RESIDENT].moved;
    }
    walk_close(&walk);
    return status;
}
