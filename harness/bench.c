/* SPDX-License-Identifier: MIT */
#include "harness/bench.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/half.h"
#include "base/random.h"

static bool is_out(const struct workload *w, int i)
{
    return w->args[i].flow & FLOW_OUT;
}

double bench_bytes(const struct workload *w, const struct problem *p)
{
    double bytes = 0;

    for (int i = 0; i < workload_args(w); i++) {
        double count = (double)w->args[i].count(p), own = (double)workload_arg_bytes(w, p, i);

        bytes += own + (is_out(w, i) ? 2 * sizeof(double) * count : 0) +
                 (w->args[i].flow == FLOW_INOUT ? own : 0);
    }
    return bytes;
}

static void copies_choose(struct bench *b, uint64_t cold_bytes)
{
    uint64_t bytes = 0, copies;

    for (int i = 0; i < workload_args(b->workload); i++)
        if (b->workload->args[i].trait == ARG_STATIONARY)
            bytes += workload_arg_bytes(b->workload, &b->problem, i);
    if (!bytes || !cold_bytes)
        return;
    copies = (cold_bytes + bytes - 1) / bytes;
    b->copies = copies < COPIES ? (int)copies : COPIES;
    b->stays_in_caches = b->copies * bytes * 2 < cold_bytes;
}

static void fill(const struct bench *b, int i, void *data)
{
    const struct arg *arg = &b->workload->args[i];
    uint64_t seed = b->seed + (uint64_t)i;

    if (!(arg->flow & FLOW_IN))
        memset(data, 0xff, workload_arg_bytes(b->workload, &b->problem, i));
    else if (arg->fill)
        arg->fill(&b->problem, data, seed);
    else
        random_fill(workload_arg_dtype(b->workload, &b->problem, i), data,
                    arg->count(&b->problem), seed);
}

/* Argument i of every copy: activations are one buffer, stationary ones are rotated. */
static int bench_alloc(struct bench *b, int i, struct why *why)
{
    const struct arg *arg = &b->workload->args[i];
    size_t bytes = workload_arg_bytes(b->workload, &b->problem, i);

    for (int c = 0; bytes && c < b->copies; c++) {
        if (c > 0 && arg->trait == ARG_ACTIVATION) {
            b->arg[c][i] = b->arg[0][i];
            continue;
        }
        if (b->host->ops->alloc(b->host, &b->arg[c][i], bytes, b->memory, why))
            return STATUS_MEMORY;
        if (c == 0)
            fill(b, i, b->arg[0][i].data);
        else
            memcpy(b->arg[c][i].data, b->arg[0][i].data, bytes);
    }
    if (bytes && arg->flow == FLOW_INOUT) {
        if (b->host->ops->alloc(b->host, &b->before[i], bytes, b->memory, why))
            return STATUS_MEMORY;
        memcpy(b->before[i].data, b->arg[0][i].data, bytes);
    }
    return 0;
}

/* What argument i should be after a call. */
static int bench_expect(struct bench *b, int i, struct why *why)
{
    size_t count = b->arg[0][i].bytes && is_out(b->workload, i)
                       ? (size_t)b->workload->args[i].count(&b->problem) : 0;

    if (!count)
        return 0;
    b->want[i] = calloc(count, sizeof *b->want[i]);
    b->scale[i] = calloc(count, sizeof *b->scale[i]);
    if (!b->want[i] || !b->scale[i])
        return why_fail(why, STATUS_MEMORY, "cannot allocate %.1f MiB of expected results",
                        2 * sizeof(double) * (double)count / 0x1p20);
    return 0;
}

static int bench_fill(struct bench *b, const struct workload *w, const struct problem *p,
                      struct device *host, uint64_t cold_bytes, uint64_t seed, struct why *why)
{
    int status = workload_problem_check(w, p, why);

    *b = (struct bench){.workload = w, .problem = *p, .seed = seed, .host = host,
                        .cache = cold_bytes ? CACHE_COLD : CACHE_HOT,
                        .memory = MEMORY_PAGEABLE, .copies = 1};
    if (status)
        return status;
    copies_choose(b, cold_bytes);
    for (int i = 0; i < workload_args(w) && !status; i++)
        status = bench_alloc(b, i, why);
    if (status)
        bench_close(b);
    return status;
}

int bench_open_inputs(struct bench *b, const struct workload *w, const struct problem *p,
                      struct device *host, uint64_t seed, struct why *why)
{
    return bench_fill(b, w, p, host, 0, seed, why);
}

int bench_open(struct bench *b, const struct workload *w, const struct problem *p,
               struct device *host, uint64_t cold_bytes, uint64_t seed, struct why *why)
{
    const void *in[ARGS] = {0};
    int status = bench_fill(b, w, p, host, cold_bytes, seed, why);
    int64_t start;

    if (status)
        return status;
    for (int i = 0; i < workload_args(w) && !status; i++) {
        status = bench_expect(b, i, why);
        in[i] = b->arg[0][i].data;
    }
    if (status) {
        bench_close(b);
        return status;
    }
    start = clock_ns();
    if (w->variants[0].reference)
        w->variants[0].reference(p, in, b->want, b->scale);
    b->reference_ns = (double)(clock_ns() - start);
    return 0;
}

void bench_close(struct bench *b)
{
    for (int i = 0; b->workload && i < workload_args(b->workload); i++) {
        for (int c = 0; c < b->copies; c++)
            if (c == 0 || b->workload->args[i].trait == ARG_STATIONARY)
                b->host->ops->free(b->host, &b->arg[c][i]);
        b->host->ops->free(b->host, &b->before[i]);
        free(b->want[i]);
        free(b->scale[i]);
    }
    *b = (struct bench){0};
}

void bench_restore(struct bench *b)
{
    for (int i = 0; i < workload_args(b->workload); i++) {
        struct buffer *arg = &b->arg[0][i];

        if (arg->bytes && b->workload->args[i].flow == FLOW_INOUT)
            memcpy(arg->data, b->before[i].data, arg->bytes);
        else if (arg->bytes && b->workload->args[i].flow == FLOW_OUT)
            memset(arg->data, 0xff, arg->bytes);
    }
}

/* Two factors of a term that are rounded first change it by 2 roundoff of its magnitude. */
static double error_bound(const struct bench *b, int i, int64_t e, double roundoff)
{
    double scale = b->scale[i][e];

    return workload_error_bound(b->workload, &b->problem, i, b->want[i][e], scale) +
           2 * roundoff * scale;
}

double bench_error(const struct bench *b, int i, const void *got, double roundoff,
                   struct why *why)
{
    const struct workload *w = b->workload;
    enum dtype dtype = workload_arg_dtype(w, &b->problem, i);
    int64_t count = w->args[i].count(&b->problem), worst = -1;
    double largest = 0;

    for (int64_t e = 0; e < count; e++) {
        double want = b->want[i][e], value = element_get(dtype, got, e);
        double bound = error_bound(b, i, e, roundoff);
        double off = fabs(value - want), error = off == 0 ? 0 : off / bound;

        if (!(error <= largest)) { /* also when it is NaN */
            largest = isnan(error) ? INFINITY : error;
            worst = e;
        }
    }
    if (largest > 1)
        why_fail(why, STATUS_INVALID,
                 "%s[%" PRId64 "] is %.9g, expected %.9g +- %.2g", w->args[i].name, worst,
                 element_get(dtype, got, worst), b->want[i][worst],
                 error_bound(b, i, worst, roundoff));
    return largest;
}
