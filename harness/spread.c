/* SPDX-License-Identifier: MIT */
#include "harness/spread.h"

int spread_node(const struct numa_nodes *nodes)
{
    int most = 0;

    for (int i = 1; i < nodes->n; i++)
        if (CPU_COUNT(&nodes->cpus[i]) > CPU_COUNT(&nodes->cpus[most]))
            most = i;
    return nodes->n > 1 ? most : -1;
}

static int only_of(const struct numa_nodes *nodes, enum spread spread)
{
    return spread == SPREAD_NODE ? spread_node(nodes) : -1;
}

struct name spread_name(const struct numa_nodes *nodes, enum spread spread)
{
    return spread == SPREAD_NONE ? (struct name){""}
                                 : numa_layout_name(nodes, only_of(nodes, spread));
}

/* Activations are shared by all copies. */
static bool is_own(const struct bench *b, int copy, int i)
{
    return b->arg[copy][i].bytes && (copy == 0 || b->arg[copy][i].data != b->arg[0][i].data);
}

double spread_bytes(const struct bench *b)
{
    double bytes = 0;

    for (int c = 0; c < b->copies; c++)
        for (int i = 0; i < ARGS; i++)
            bytes += is_own(b, c, i) ? (double)b->arg[c][i].bytes : 0;
    return bytes;
}

int spread_begin(struct numa_layout *l, const struct numa_nodes *nodes, enum spread spread,
                 const struct bench *b, struct why *why)
{
    int status;

    *l = (struct numa_layout){.nodes = NULL};
    if (spread == SPREAD_NONE)
        return 0;
    status = numa_layout_begin(l, nodes, only_of(nodes, spread), why);
    for (int c = 0; c < b->copies && !status; c++)
        for (int i = 0; i < ARGS && !status; i++)
            if (is_own(b, c, i))
                status = numa_layout_move(l, &b->arg[c][i], why);
    if (status)
        numa_layout_end(l);
    return status;
}
