/* SPDX-License-Identifier: MIT */
/* What moving bytes between host and device costs, in each direction, from pageable and from
 * page-locked host memory. On the CPU a copy inside host memory stands in for it: the price
 * of a staging copy. */
#include <string.h>

#include "base/half.h"
#include "workloads/workload.h"

enum { BYTES, DIRECTION, MEMORY };
enum { FROM, TO };
enum direction { UPLOAD, DOWNLOAD };

static const char *const directions[] = {"upload", "download", NULL};
static const char *const memories[] = {"pageable", "pinned", NULL};

static enum memory host_memory(const struct problem *p)
{
    return p->shape.n[MEMORY] == 0 ? MEMORY_PAGEABLE : MEMORY_PINNED;
}

static int64_t elements(const struct problem *p)
{
    return p->shape.n[BYTES];
}

static struct cost cost(const struct problem *p)
{
    double bytes = (double)p->shape.n[BYTES];

    return (struct cost){.bytes_read = bytes, .bytes_written = bytes};
}

static double length(const struct problem *p)
{
    (void)p;
    return 0;
}

static void operation(const struct problem *p, struct operation *op)
{
    op->op = directions[p->shape.n[DIRECTION]];
    op->cols = p->shape.n[BYTES];
    op->memory = host_memory(p);
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    for (int64_t i = 0; i < p->shape.n[BYTES]; i++) {
        want[TO][i] = element_get(DTYPE_I8, in[FROM], i);
        scale[TO][i] = 0;
    }
}

/* A copy inside host memory has no direction and no use for page-locking: once is enough. */
static bool host_fits(const struct problem *p)
{
    return p->shape.n[DIRECTION] == UPLOAD && host_memory(p) == MEMORY_PAGEABLE;
}

static int host_copy(struct call *call, struct why *why)
{
    (void)why;
    memcpy(call->arg[TO].data, call->arg[FROM].data, (size_t)call->problem->shape.n[BYTES]);
    return 0;
}

static int steps(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    (void)facts;
    *step = (struct step){.kind = p->shape.n[DIRECTION] == UPLOAD ? STEP_UPLOAD : STEP_DOWNLOAD};
    step_buffer(step, FROM);
    step_buffer(step, TO);
    return 1;
}

static const struct shape smoke[] = {{{1, UPLOAD, 0}},   {{4099, UPLOAD, 0}},
                                     {{4099, UPLOAD, 1}}, {{70001, DOWNLOAD, 0}},
                                     {{70001, DOWNLOAD, 1}}};

static const struct sweep sweeps[] = {
    {.name = "upload", .mul = {1}, .add = {0, UPLOAD, 0}},
    {.name = "upload-pinned", .mul = {1}, .add = {0, UPLOAD, 1}},
    {.name = "download", .mul = {1}, .add = {0, DOWNLOAD, 0}},
    {.name = "download-pinned", .mul = {1}, .add = {0, DOWNLOAD, 1}},
    {0},
};

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "host-copy", .on = DEVICE_CPU, .fits = host_fits, .run = host_copy,
     .note = "memcpy inside host memory by one thread: no device takes part"},
    {.name = "copy", .on = DEVICE_OPENCL, .steps = steps},
    {0},
};

const struct workload workload_transfer = {
    .name = "transfer",
    .brief = "bytes between host and device, each way, pageable and pinned",
    .role = ROLE_OVERHEAD,
    .dtypes = 1u << DTYPE_I8,
    .axis = {{"bytes", "bytes moved", NULL, AXIS_REQUIRED, 1},
             {"direction", "which way", directions, UPLOAD, 0},
             {"memory", "kind of host memory", memories, 0, 0}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "from", .type = DTYPE_I8, .flow = FLOW_IN, .count = elements},
             {.name = "to", .type = DTYPE_I8, .flow = FLOW_OUT, .count = elements}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .operation = operation,
    .host_memory = host_memory,
};
