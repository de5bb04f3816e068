/* SPDX-License-Identifier: MIT */
/* Other ways to run what is fastest on the CPU: so that the strongest sets the bar, and so that
 * the report can say what a weak one would have made of the answer. */
#ifndef OFFLOAD_BENCH_LINEUP_H
#define OFFLOAD_BENCH_LINEUP_H

#include "harness/spread.h"
#include "harness/workshop.h"
#include "workloads/isa.h"

/* A CPU variant at all the plan's threads, and what a call of it took. */
struct lineup_member {
    const struct variant *variant;
    double call_ns, prepare_ns;
};

/* One way: so many threads, our own code with this instruction set, laid over NUMA nodes so. */
struct way {
    const struct variant *variant;
    int threads;
    enum isa isa;
    enum spread spread;
    double call_ns, prepare_ns; /* what they may take: scaling is perfect, a weaker set halves */
};

enum { WAYS = 12 };

/* `threads` of `cpus` logical CPUs, `node_threads` on the largest of several NUMA nodes (0: there
 * is one node); the strongest instruction set, and whether the problem has bf16 elements. */
struct lineup_machine {
    int threads, cpus, node_threads;
    enum isa isa;
    bool is_bf16;
};

/* Which ways are worth a look beside `n` members: the fastest on one NUMA node and with its pages
 * dealt out over all of them, where there are several; at one thread, a quarter, half, and all
 * logical CPUs; the runner-up at one thread; the fastest of our own with every weaker instruction
 * set that makes other code. Returns how many. */
int lineup_ways(const struct lineup_member *, int n, struct lineup_machine, struct way *);

/* Time those that fit into a part of `budget_s`, checked as all are, and emit a record of each;
 * of one on NUMA nodes also when it does not fit, with that reason; and one of the reference, which the bench has run once, that never competes (`straw`). */
void lineup_run(struct workshop *, const struct group *, struct bench *,
                const struct lineup_member *, int n, double budget_s);

#endif
