/* SPDX-License-Identifier: MIT */
/* What handing over work costs when there is no work: a kernel on a device; on the CPU a call
 * through a pointer and an OpenMP parallel region. One element is written, so that a check
 * can see that it ran. */

#include "workloads/workload.h"

enum { GROUPS };
enum { DONE };
enum { GROUP = 64, MARK = 42 };

static int64_t one(const struct problem *p)
{
    (void)p;
    return 1;
}

static struct cost cost(const struct problem *p)
{
    (void)p;
    return (struct cost){.bytes_written = 4};
}

static double length(const struct problem *p)
{
    (void)p;
    return 0;
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    (void)p, (void)in;
    want[DONE][0] = MARK;
    scale[DONE][0] = 0;
}

static int call_once(struct call *call, struct why *why)
{
    (void)why;
    *(int32_t *)call->arg[DONE].data = MARK;
    return 0;
}

/* The last thread writes: with it, all have been woken. */
static int fork_join(struct call *call, struct why *why)
{
    int32_t *done = call->arg[DONE].data;
    int last = call->threads - 1;

    (void)why;
#pragma omp parallel for num_threads(call->threads) schedule(static, 1)
    for (int i = 0; i <= last; i++)
        if (i == last)
            *done = MARK;
    return 0;
}

static int steps(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    (void)facts;
    *step = (struct step){.kernel = "launch_empty",
                          .groups = {p->shape.n[GROUPS], 1, 1},
                          .group = {GROUP, 1, 1}};
    step_buffer(step, DONE);
    step_int(step, MARK);
    return 1;
}

static const struct shape smoke[] = {{{1}}, {{77}}};

static const struct sweep sweeps[] = {{.name = "groups", .mul = {1}, .add = {0}}, {0}};

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "call", .on = DEVICE_CPU, .run = call_once, .note = "a function through a pointer"},
    {.name = "fork-join", .on = DEVICE_CPU, .run = fork_join,
     .note = "an OpenMP parallel region over all threads"},
    {.name = "kernel", .on = DEVICE_OPENCL, .steps = steps},
    {0},
};

const struct workload workload_launch = {
    .name = "launch",
    .brief = "an empty kernel: what handing over work costs",
    .role = ROLE_OVERHEAD,
    .dtypes = 1u << DTYPE_I32,
    .axis = {{"groups", "work-groups of 64 work-items", NULL, 1, 1}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "done", .type = DTYPE_I32, .flow = FLOW_OUT, .count = one}},
    .variants = variants,
    .cost = cost,
    .length = length,
};
