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

/* One call on the GPU, its share of sending the weights included. */
static struct estimate gpu_call_us(const struct chain_step *step, double passes)
{
    struct estimate weights = isinf(passes) ? estimate_exact(0)
                                            : estimate_scale(step->weights_us, 1 / passes);

    return estimate_add(estimate_scale(step->gpu_us, 1 / step->count), weights);
}

static void price(const struct chain *chain, struct walk *w, double passes)
{
    for (size_t i = 0; i < w->nodes; i++) {
        const struct chain_step *step = &chain->step[w->step[i]];

        w->node[i] = (struct path_node){.cpu = step->cpu_us.value / step->count,
                                        .gpu = gpu_call_us(step, passes).value,
                                        .up = step->up_us.value,
                                        .down = step->down_us.value};
    }
}

/* The interval of a plan is the sum of its parts' intervals. */
static struct estimate add_up(const struct chain *chain, const struct walk *w, double passes,
                              struct route *route)
{
    struct estimate sum = estimate_exact(0);

    for (size_t i = 0; i < w->nodes; i++) {
        const struct chain_step *step = &chain->step[w->step[i]];
        bool gpu = w->on_gpu[i];

        if (i > 0 && w->on_gpu[i - 1] != gpu) {
            sum = estimate_add(sum, gpu ? step->up_us
                                        : chain->step[w->step[i - 1]].down_us);
            route->crossings++;
        }
        sum = estimate_add(sum, gpu ? gpu_call_us(step, passes)
                                    : estimate_scale(step->cpu_us, 1 / step->count));
    }
    return sum;
}

static void count_moved(struct chain *chain, const struct walk *w, struct route *route,
                        enum placement placement)
{
    bool *seen = w->from; /* no longer needed: room for one per step */

    memset(seen, 0, chain->steps * sizeof *seen);
    for (size_t i = 0; i < w->nodes; i++) {
        struct chain_step *step = &chain->step[w->step[i]];

        if (!w->on_gpu[i])
            continue;
        route->moved += !seen[w->step[i]];
        seen[w->step[i]] = true;
        if (placement == PLACEMENT_RESIDENT) {
            step->is_moved = true;
            step->moved++;
        }
    }
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

static void find_route(struct chain *chain, struct walk *w, enum placement placement)
{
    struct route *route = &chain->route[placement];
    double passes = placement == PLACEMENT_EVERY || chain->is_too_large ? 1
                    : placement == PLACEMENT_ONCE                       ? ONCE_CALLS
                                                                        : INFINITY;

    *route = (struct route){.us = estimate_missing(),
                            .speedup = estimate_missing(),
                            .decision = DECISION_UNDECIDED};
    if (!is_priced(chain, passes))
        return;
    price(chain, w, passes);
    path_best(w->node, w->nodes, w->on_gpu, w->from);
    route->us = add_up(chain, w, passes, route);
    count_moved(chain, w, route, placement);
    route->speedup = route->moved > 0 ? estimate_ratio(chain->cpu_us, route->us)
                                      : estimate_exact(1);
    route->decision = decision_of(route->speedup);
}

int chain_routes(struct chain *chain)
{
    double calls = calls_of(chain);
    struct walk walk;
    int status;

    if (!(calls > 0 && calls <= calls_most))
        return 0;
    chain->is_too_large = chain->weight_bytes > chain->gpu->memory_bytes;
    status = walk_open(&walk, (size_t)calls, chain->steps);
    if (!status) {
        unroll(chain, &walk);
        for (int p = PLACEMENT_RESIDENT; p <= PLACEMENT_EVERY; p++)
            find_route(chain, &walk, (enum placement)p);
        chain->mix_us = chain->route[PLACEMENT_RESIDENT].us;
        chain->mix_speedup = chain->route[PLACEMENT_RESIDENT].speedup;
        chain->decision = chain->route[PLACEMENT_RESIDENT].decision;
        chain->moved = chain->route[PLACEMENT_RESIDENT].moved;
    }
    walk_close(&walk);
    return status;
}
