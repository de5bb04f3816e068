/* SPDX-License-Identifier: MIT */
/* The four loops of STREAM (McCalpin, IEEE TCCA Newsletter, December 1995) over three
 * separate arrays. Bytes are counted as STREAM does: what the loop names, without the lines
 * a cached store reads first. */
#include <math.h>
#include <stdio.h>

#include "base/half.h"
#include "base/sysfs.h"
#include "workloads/isa.h"
#include "workloads/stream/stream.h"
#include "workloads/workload.h"

ISA_DECLARE(const struct stream_simd, stream_simd);

enum { OP, N };
enum { A, B, C };
enum { GROUP = 256 };

static const char *const ops[] = {"copy", "scale", "add", "triad", NULL};

static bool has_b(const struct problem *p)
{
    return p->shape.n[OP] == STREAM_ADD || p->shape.n[OP] == STREAM_TRIAD;
}

static int64_t elements(const struct problem *p)
{
    return p->shape.n[N];
}

static int64_t elements_b(const struct problem *p)
{
    return has_b(p) ? p->shape.n[N] : 0;
}

static struct cost cost(const struct problem *p)
{
    static const double flops[] = {0, 1, 1, 2};
    double n = (double)p->shape.n[N], bytes = n * (double)dtype_bytes(p->dtype);

    return (struct cost){.flops = flops[p->shape.n[OP]] * n,
                         .bytes_read = bytes * (has_b(p) ? 2 : 1),
                         .bytes_written = bytes};
}

static int cut(const struct problem *p)
{
    (void)p;
    return N;
}

static double length(const struct problem *p)
{
    return has_b(p) ? 2 : 1;
}

static void operation(const struct problem *p, struct operation *op)
{
    static const char *const name[] = {"stream_copy", "stream_scale", "stream_add",
                                       "stream_triad"};

    op->op = name[p->shape.n[OP]];
    op->rows = 1;
    op->cols = p->shape.n[N];
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    double qa = p->shape.n[OP] == STREAM_SCALE ? STREAM_FACTOR : 1;
    double qb = p->shape.n[OP] == STREAM_TRIAD ? STREAM_FACTOR : 1;

#pragma omp parallel for
    for (int64_t i = 0; i < p->shape.n[N]; i++) {
        double a = qa * element_get(p->dtype, in[A], i);
        double b = has_b(p) ? qb * element_get(p->dtype, in[B], i) : 0;

        want[C][i] = a + b;
        scale[C][i] = fabs(a) + fabs(b);
    }
}

/* Past half of the last-level cache the result would push the inputs out. */
static enum stream_store store_for(double bytes)
{
    double cache = (double)sysfs_cache_bytes();

    return bytes > (cache > 0 ? cache / 2 : 8e6) ? STORE_THROUGH : STORE_CACHED;
}

static int simd(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    struct cost c = cost(p);
    struct stream_call s = {call->arg[A].data, call->arg[B].data, call->arg[C].data,
                            p->shape.n[N], call->threads,
                            store_for(c.bytes_read + c.bytes_written)};

    (void)why;
    ISA_PICK(stream_simd)->op[p->shape.n[OP]][p->dtype](&s);
    return 0;
}

/* A work-item takes two fours and then strides: 8 groups of 256 fill a multiprocessor of
 * 2048 places; four rounds of them keep its tail short. */
static int steps(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    static const char *const define[] = {"COPY", "SCALE", "ADD", "TRIAD"};
    int64_t units = facts->compute_units > 0 ? facts->compute_units : 1;
    int64_t most = units * (facts->is_host_processor ? 4 : 32);
    int64_t useful = p->shape.n[N] / (8 * GROUP);

    *step = (struct step){.kernel = "stream_pass",
                          .groups = {useful < 1 ? 1 : useful < most ? useful : most, 1, 1},
                          .group = {GROUP, 1, 1}};
    snprintf(step->defines, sizeof step->defines, "-DOP_%s -DFACTOR=%d",
             define[p->shape.n[OP]], STREAM_FACTOR);
    step_buffer(step, A);
    step_buffer(step, has_b(p) ? B : A);
    step_buffer(step, C);
    step_long(step, p->shape.n[N]);
    return 1;
}

static const struct shape smoke[] = {{{STREAM_COPY, 1}},      {{STREAM_COPY, 9001}},
                                     {{STREAM_SCALE, 8193}},  {{STREAM_ADD, 30}},
                                     {{STREAM_ADD, 70003}},   {{STREAM_TRIAD, 9000}},
                                     {{STREAM_TRIAD, 40002}}};

static const struct sweep sweeps[] = {
    {.name = "copy", .mul = {0, 1}, .add = {STREAM_COPY, 0}},
    {.name = "scale", .mul = {0, 1}, .add = {STREAM_SCALE, 0}},
    {.name = "add", .mul = {0, 1}, .add = {STREAM_ADD, 0}},
    {.name = "triad", .mul = {0, 1}, .add = {STREAM_TRIAD, 0}},
    {0},
};

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .run = simd,
     .note = "stores bypass the caches once the arrays exceed half of the last level"},
    {.name = "grid", .on = DEVICE_OPENCL, .steps = steps},
    {0},
};

const struct workload workload_stream = {
    .name = "stream",
    .brief = "STREAM: copy, scale, add, triad over large arrays",
    .dtypes = 1u << DTYPE_F32 | 1u << DTYPE_F64,
    .axis = {{"op", "what is computed", ops, AXIS_REQUIRED, 0},
             {"n", "elements of an array", NULL, AXIS_REQUIRED, 1}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "a", .type = DTYPE_SAME, .flow = FLOW_IN, .count = elements},
             {.name = "b", .type = DTYPE_SAME, .flow = FLOW_IN, .count = elements_b},
             {.name = "c", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = elements}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .operation = operation,
    .cut = cut,
};
