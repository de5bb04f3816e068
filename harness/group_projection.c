/* SPDX-License-Identifier: MIT */
#include "harness/group_projection.h"

#include <math.h>
#include <stdlib.h>

#include "harness/group_record.h"

static struct estimate transfer_us(const struct gpu *gpu, double bytes)
{
    struct forecast forecast = {.time_us = {NAN, NAN, NAN}};

    if (bytes <= 0)
        return (struct estimate){0, 0, 0}; /* nothing to move takes no time */
    if (project_transfer(gpu, bytes, MEMORY_PAGEABLE, &forecast, NULL) != 0)
        return (struct estimate){NAN, NAN, NAN};
    return forecast.time_us;
}

/* A precision below the plan's, whose gain is told beside the verdicts. */
struct lower {
    enum dtype dtype;
    enum precision precision;
    double roundoff;
};

/* Judged as the plan wants it, or not judged in a lower precision (NULL: none). */
static void project_as(const struct group *g, const struct gpu *gpu, const struct lower *lower,
                       struct text *lines)
{
    struct operation op = workload_operation(g->workload, &g->problem, g->cache);
    struct operation launch = {.op = "launch", .dtype = DTYPE_F32};
    struct forecast forecast = {.bound = NULL};
    struct why why = {{0}};
    struct record r;
    char *line;

    group_describe(&r, g, NULL, NULL);
    r.kind = RECORD_PROJECTION;
    r.evidence = EVIDENCE_PROJECTED;
    r.device_kind = DEVICE_CUDA;
    r.device = gpu->id;
    r.device_model = why_of(gpu->full.text);
    r.variant = name_of(lower ? "model-lower" : "model");
    if (lower) {
        r.judged = 0;
        r.roundoff = lower->roundoff;
        if (lower->precision != PRECISION_PLAIN)
            op.precision = lower->precision;
    }
    if (project(gpu, &op, TIMING_KERNEL, &forecast, &why) != 0) {
        r.outcome = OUTCOME_SKIPPED;
        r.why = why;
    } else {
        r.time_us = forecast.time_us;
        r.bound = name_of(forecast.bound);
        r.note = why_of(forecast.why);
        if (project(gpu, &launch, TIMING_LAUNCH, &forecast, NULL) == 0)
            r.launch_us = forecast.time_us;
        r.upload_us = transfer_us(gpu, r.upload_bytes);
        r.activation_us = transfer_us(gpu, r.upload_bytes - r.stationary_bytes);
        r.download_us = transfer_us(gpu, r.download_bytes);
        r.setup_us = project_startup_us();
    }
    line = r.outcome == OUTCOME_OK || !lower ? record_write(&r) : NULL;
    text_add(lines, line ? line : "");
    free(line);
    record_release(&r);
}

/* The unit roundoff of a variant of the problem that rounds its inputs (tf32); 0: there is none. */
static double rounding_of(const struct group *g)
{
    double roundoff = 0;

    for (const struct variant *v = g->workload->variants; v->name; v++)
        if (v->roundoff > 0 && (!v->fits || v->fits(&g->problem)))
            roundoff = v->roundoff;
    return roundoff;
}

/* The same call in every lower precision that the workload has. 16-bit types share their rates:
 * bf16 stands for both. */
static void project_lower(const struct group *g, const struct gpu *gpu, struct text *lines)
{
    static const enum dtype below[] = {DTYPE_F32, DTYPE_BF16, DTYPE_E4M3};
    struct lower tf32 = {g->problem.dtype, PRECISION_TF32, rounding_of(g)};

    if (tf32.roundoff > 0)
        project_as(g, gpu, &tf32, lines);
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        struct lower lower = {below[i], PRECISION_PLAIN, dtype_roundoff(below[i])};
        struct group other = *g;

        other.problem.dtype = lower.dtype;
        if (g->workload->dtypes >> lower.dtype & 1 && dtype_roundoff(g->problem.dtype) > 0 &&
            dtype_bytes(lower.dtype) < dtype_bytes(g->problem.dtype) &&
            workload_problem_check(g->workload, &other.problem, NULL) == 0)
            project_as(&other, gpu, &lower, lines);
    }
}

void group_project(const struct group *g, const struct gpu *gpu, struct text *lines)
{
    project_as(g, gpu, NULL, lines);
    project_lower(g, gpu, lines);
}
