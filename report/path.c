/* SPDX-License-Identifier: MIT */
/* Bellman's principle with two states (Bellman, Quart. Appl. Math. 16, 1958): the best way
 * to have operation i done on a side goes through the best way to i-1 on one of both. */
#include "report/path.h"

#include <math.h>
#include <string.h>

static double or_never(double us)
{
    return isnan(us) ? INFINITY : us;
}

/* Moving what lies between a and b. */
static double between(const struct path_node *a, const struct path_node *b, bool from_gpu,
                      bool to_gpu)
{
    return from_gpu == to_gpu ? 0 : or_never(to_gpu ? b->up : a->down);
}

static double on_side(const struct path_node *node, bool gpu)
{
    return or_never(gpu ? node->gpu : node->cpu);
}

double path_cost(const struct path_node *node, size_t n, const bool *on_gpu)
{
    double cost = 0;

    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            cost += between(&node[i - 1], &node[i], on_gpu[i - 1], on_gpu[i]);
        cost += on_side(&node[i], on_gpu[i]);
    }
    return cost;
}

double path_best(const struct path_node *node, size_t n, bool *on_gpu, bool *from)
{
    double best[2] = {0, 0};
    bool side;

    memset(on_gpu, 0, n * sizeof *on_gpu);
    for (size_t i = 0; i < n; i++) {
        double next[2];

        for (int s = 0; s < 2; s++) {
            double stay = best[s], change = best[!s];

            if (i > 0)
                change += between(&node[i - 1], &node[i], !s, s);
            from[2 * i + (size_t)s] = change < stay ? !s : s;
            next[s] = fmin(stay, change) + on_side(&node[i], s);
        }
        memcpy(best, next, sizeof best);
    }
    if (isinf(best[0]) && isinf(best[1]))
        return INFINITY;
    side = best[1] < best[0];
    for (size_t i = n; i-- > 0; side = from[2 * i + (size_t)side])
        on_gpu[i] = side;
    return fmin(best[0], best[1]);
}
