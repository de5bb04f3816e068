/* SPDX-License-Identifier: MIT */
/* Chunk c goes through lane c modulo three, in order: up, kernels, down. So at most three
 * chunks are under way, one in each stage, and their buffers are used again. What all chunks
 * need is sent first, on lane 0, and the other lanes wait for it. */
#include "harness/overlap.h"

#include <stdlib.h>

/* Enough that the first upload and the last download, which nothing covers, are small. */
enum { USED_LANES = 3, CHUNKS = 8 };

/* All chunks are of one size, but for the last one. */
struct piece {
    struct problem problem;
    struct step step[STEPS];
    struct kernel *kernel[STEPS];
    int steps;
    struct call call[USED_LANES];
};

struct overlap {
    struct trial *trial;
    int axis;
    int64_t length, chunks; /* of the axis per chunk */
    bool is_cut[ARGS];      /* else every chunk needs the whole argument */
    struct piece piece[2];  /* whole chunk, last chunk */
    struct buffer arg[USED_LANES][ARGS], scratch[USED_LANES];
};

static const struct workload *workload_of(const struct overlap *o)
{
    return o->trial->bench->workload;
}

/* Does each argument follow the axis, or not depend on it at all? */
static int cut_args(struct overlap *o, struct why *why)
{
    const struct workload *w = workload_of(o);
    const struct problem *whole = &o->trial->bench->problem;
    int64_t n = whole->shape.n[o->axis];

    for (int i = 0; i < workload_args(w); i++) {
        int64_t all = w->args[i].count(whole), part = w->args[i].count(&o->piece[0].problem);

        o->is_cut[i] = all != part;
        if (o->is_cut[i] && part * n != all * o->length)
            return why_fail(why, STATUS_UNAVAILABLE, "%s: '%s' cannot be cut along %s", w->name,
                            w->args[i].name, w->axis[o->axis].name);
    }
    return 0;
}

static int cut(struct overlap *o, struct why *why)
{
    const struct workload *w = workload_of(o);
    const struct problem *whole = &o->trial->bench->problem;
    int64_t n;

    o->axis = w->cut ? w->cut(whole) : -1;
    n = o->axis >= 0 ? whole->shape.n[o->axis] : 0;
    if (n < 2)
        return why_fail(why, STATUS_UNAVAILABLE, "%s cannot be cut into chunks%s", w->name,
                        o->axis >= 0 ? " at this shape" : "");
    o->length = (n + CHUNKS - 1) / CHUNKS;
    o->chunks = (n + o->length - 1) / o->length;
    o->piece[0].problem = o->piece[1].problem = *whole;
    o->piece[0].problem.shape.n[o->axis] = o->length;
    o->piece[1].problem.shape.n[o->axis] = n - (o->chunks - 1) * o->length;
    return cut_args(o, why);
}

static int alloc(struct overlap *o, int lane, struct why *why)
{
    struct trial *t = o->trial;
    const struct variant *v = t->variant;
    const struct device_ops *ops = t->device->ops;
    int status = 0;

    for (int i = 0; i < workload_args(workload_of(o)) && !status; i++)
        if (!o->is_cut[i])
            o->arg[lane][i] = t->arg[0][i];
        else if (t->arg[0][i].bytes)
            status = ops->alloc(t->device, &o->arg[lane][i],
                                workload_arg_bytes(workload_of(o), &o->piece[0].problem, i),
                                MEMORY_DEVICE, why);
    if (!status && v->scratch_bytes) {
        size_t first = v->scratch_bytes(&o->piece[0].problem, &t->device->facts);
        size_t last = v->scratch_bytes(&o->piece[1].problem, &t->device->facts);
        size_t bytes = first > last ? first : last;

        status = ops->alloc(t->device, &o->scratch[lane], bytes ? bytes : 1, MEMORY_DEVICE, why);
    }
    return status;
}

static int prepare(struct overlap *o, struct piece *piece, int lane, struct why *why)
{
    struct trial *t = o->trial;
    struct call *call = &piece->call[lane];

    *call = (struct call){.problem = &piece->problem, .variant = t->variant,
                          .arg = o->arg[lane], .scratch = o->scratch[lane],
                          .queue = t->device->queue, .threads = t->threads};
    return t->variant->prepare ? t->variant->prepare(call, why) : 0;
}

static int ready(struct overlap *o, struct why *why)
{
    struct trial *t = o->trial;
    int status = 0;

    for (int lane = 0; lane < USED_LANES && !status; lane++) {
        status = t->device->ops->lanes->use(t->device, lane, why);
        if (!status)
            status = alloc(o, lane, why);
        for (int p = 0; p < 2 && !status; p++)
            status = prepare(o, &o->piece[p], lane, why);
    }
    for (int p = 0; p < 2 && !status && t->variant->steps; p++)
        status = trial_build(t, &o->piece[p].problem, o->piece[p].step, o->piece[p].kernel,
                             &o->piece[p].steps, why);
    return status;
}

int overlap_open(struct overlap **overlap, struct trial *t, struct why *why)
{
    struct overlap *o;
    int status;

    if (!t->device->ops->lanes)
        return why_fail(why, STATUS_UNAVAILABLE, "%s has one order of work only",
                        t->device->row.id.text);
    o = *overlap = calloc(1, sizeof *o);
    if (!o)
        return why_fail(why, STATUS_MEMORY, "cannot cut a call into chunks: out of memory");
    o->trial = t;
    status = cut(o, why);
    if (!status) {
        int back;

        status = ready(o, why);
        back = t->device->ops->lanes->use(t->device, 0, status ? NULL : why);
        status = status ? status : back;
    }
    return status;
}

void overlap_close(struct overlap *o)
{
    if (!o)
        return;
    for (int lane = 0; lane < USED_LANES; lane++) {
        const struct device_ops *ops = o->trial->device->ops;

        for (int p = 0; p < 2; p++)
            if (o->trial->variant->release && o->piece[p].call[lane].variant)
                o->trial->variant->release(&o->piece[p].call[lane]);
        for (int i = 0; i < ARGS; i++)
            if (o->is_cut[i])
                ops->free(o->trial->device, &o->arg[lane][i]);
        ops->free(o->trial->device, &o->scratch[lane]);
    }
    free(o);
}

int64_t overlap_chunks(const struct overlap *o)
{
    return o->chunks;
}

/* ---- one call ---------------------------------------------------------------------------- */

static int send_shared(struct overlap *o, struct why *why)
{
    struct trial *t = o->trial;
    const struct workload *w = workload_of(o);
    const struct device_ops *ops = t->device->ops;
    int status = ops->lanes->use(t->device, 0, why);

    for (int i = 0; i < workload_args(w) && !status; i++)
        if (!o->is_cut[i] && w->args[i].flow & FLOW_IN && t->arg[0][i].bytes)
            status = ops->copy(t->device, &t->arg[0][i], trial_host(t, 0, i),
                               t->arg[0][i].bytes, why);
    for (int lane = 1; lane < USED_LANES && !status; lane++)
        status = ops->lanes->wait(t->device, lane, 0, why);
    return status;
}

/* The arguments of one chunk that flow one way, on the lane in use. */
static int move(struct overlap *o, int lane, int64_t chunk, enum flow flow, struct why *why)
{
    struct trial *t = o->trial;
    const struct workload *w = workload_of(o);
    int status = 0;

    for (int i = 0; i < workload_args(w) && !status; i++) {
        struct buffer *host = trial_host(t, 0, i), *device = &o->arg[lane][i];
        size_t whole = workload_arg_bytes(w, &o->piece[0].problem, i);
        size_t at = whole * (size_t)chunk;
        struct part part = {.bytes = workload_arg_bytes(
                                w, &o->piece[chunk == o->chunks - 1].problem, i)};

        if (!o->is_cut[i] || !(w->args[i].flow & flow))
            continue;
        *(flow == FLOW_IN ? &part.from : &part.to) = at;
        status = flow == FLOW_IN
                     ? t->device->ops->lanes->copy(t->device, device, host, part, why)
                     : t->device->ops->lanes->copy(t->device, host, device, part, why);
    }
    return status;
}

static int compute(struct overlap *o, int lane, int64_t chunk, struct why *why)
{
    struct piece *piece = &o->piece[chunk == o->chunks - 1];
    struct trial *t = o->trial;
    int status = 0;

    if (t->variant->run)
        return t->variant->run(&piece->call[lane], why);
    for (int s = 0; s < piece->steps && !status; s++)
        status = t->device->ops->launch(t->device, piece->kernel[s], &piece->step[s],
                                        o->arg[lane], &o->scratch[lane], why);
    return status;
}

int overlap_run(struct overlap *o, struct why *why)
{
    const struct device_ops *ops = o->trial->device->ops;
    int status = send_shared(o, why), back;

    for (int64_t chunk = 0; chunk < o->chunks && !status; chunk++) {
        int lane = (int)(chunk % USED_LANES);

        status = ops->lanes->use(o->trial->device, lane, why);
        if (!status)
            status = move(o, lane, chunk, FLOW_IN, why);
        if (!status)
            status = compute(o, lane, chunk, why);
        if (!status)
            status = move(o, lane, chunk, FLOW_OUT, why);
    }
    back = ops->lanes->use(o->trial->device, 0, status ? NULL : why);
    return status ? status : back;
}
