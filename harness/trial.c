/* SPDX-License-Identifier: MIT */
#include "harness/trial.h"

#include <string.h>

#include "base/clock.h"

bool trial_runs_on(const struct variant *v, enum device_kind kind)
{
    return v->on == kind || (v->steps && v->on == DEVICE_OPENCL && kind != DEVICE_CPU);
}

static bool on_host(const struct trial *t)
{
    return t->device->kind == DEVICE_CPU;
}

/* Device twins of the bench's arguments. */
static int trial_alloc(struct trial *t, struct why *why)
{
    const struct workload *w = t->bench->workload;
    const struct device_ops *ops = t->device->ops;

    for (int i = 0; i < workload_args(w); i++) {
        for (int c = 0; c < t->copies; c++) {
            const struct buffer *host = &t->bench->arg[c][i];
            int status;

            if (c > 0 && w->args[i].trait == ARG_ACTIVATION)
                t->arg[c][i] = t->arg[0][i];
            else if (host->bytes &&
                     (status = ops->alloc(t->device, &t->arg[c][i], host->bytes,
                                          MEMORY_DEVICE, why)))
                return status;
        }
    }
    return 0;
}

/* Host memory of the device's own, with the bench's contents, where the workload asks. */
static int trial_alloc_host(struct trial *t, struct why *why)
{
    const struct workload *w = t->bench->workload;
    enum memory memory = w->host_memory ? w->host_memory(&t->bench->problem) : MEMORY_PAGEABLE;

    for (int i = 0; memory != MEMORY_PAGEABLE && i < workload_args(w); i++) {
        const struct buffer *from = &t->bench->arg[0][i];
        int status;

        if (!from->bytes)
            continue;
        status = t->device->ops->alloc(t->device, &t->host[i], from->bytes, memory, why);
        if (status)
            return status;
        memcpy(t->host[i].data, from->data, from->bytes);
    }
    return 0;
}

/* The host side of argument i in the variant's own copies. */
static struct buffer *trial_host(struct trial *t, int copy, int i)
{
    return t->host[i].bytes ? &t->host[i] : &t->bench->arg[copy][i];
}

static int trial_build(struct trial *t, struct why *why)
{
    const struct workload *w = t->bench->workload;
    const struct device_facts *facts = &t->device->facts;
    const char *source = workload_device_code(w->name, t->variant->on);

    t->steps = t->variant->steps(&t->bench->problem, facts, t->step);
    if (t->steps == 0)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "'%s' needs more than this device (compute capability %d.%d) has for %s",
                        t->variant->name, facts->capability / 10, facts->capability % 10,
                        dtype_name(t->bench->problem.dtype));
    for (int s = 0; s < t->steps; s++) {
        int status = 0;

        if (t->step[s].kind != STEP_LAUNCH)
            continue;
        if (!source)
            return why_fail(why, STATUS_UNAVAILABLE, "%s has no device code", w->name);
        status = t->device->ops->build(t->device, source, t->step[s].kernel,
                                       t->step[s].defines, t->bench->problem.dtype,
                                       &t->kernel[s], why);
        if (status)
            return status;
    }
    return 0;
}

static int trial_prepare(struct trial *t, struct why *why)
{
    for (int c = 0; c < t->copies; c++) {
        struct call *call = &t->call[c];
        int status;

        *call = (struct call){.problem = &t->bench->problem, .variant = t->variant,
                              .arg = on_host(t) ? t->bench->arg[c] : t->arg[c],
                              .scratch = t->scratch, .queue = t->device->queue,
                              .threads = t->threads};
        if (t->variant->prepare && (status = t->variant->prepare(call, why)))
            return status;
    }
    return 0;
}

static int trial_ready(struct trial *t, struct why *why)
{
    const struct variant *v = t->variant;
    const struct problem *p = &t->bench->problem;
    int64_t start = clock_ns(), now;
    int status;

    if (v->fits && !v->fits(p))
        return why_fail(why, STATUS_UNAVAILABLE, "'%s' does not cover this problem", v->name);
    if (v->available && (status = v->available(v, why)))
        return status;
    if (!on_host(t) && ((status = trial_alloc(t, why)) || (status = trial_alloc_host(t, why))))
        return status;
    if (v->scratch_bytes) {
        size_t bytes = v->scratch_bytes(p, &t->device->facts);

        status = t->device->ops->alloc(t->device, &t->scratch, bytes ? bytes : 1,
                                       on_host(t) ? MEMORY_PAGEABLE : MEMORY_DEVICE, why);
        if (status)
            return status;
    }
    now = clock_ns();
    t->alloc_ns = (double)(now - start);
    if (!on_host(t) && (status = trial_upload(t, t->copies, why)))
        return status;
    start = clock_ns();
    t->upload_ns = (double)(start - now);
    if (v->steps && (status = trial_build(t, why)))
        return status;
    now = clock_ns();
    t->compile_ns = (double)(now - start);
    status = trial_prepare(t, why);
    t->prepare_ns = (double)(clock_ns() - now);
    return status;
}

int trial_open(struct trial *t, struct bench *bench, struct device *device,
               const struct variant *variant, int threads, struct why *why)
{
    int status;

    *t = (struct trial){.bench = bench, .device = device, .variant = variant,
                        .threads = threads, .copies = bench->copies};
    status = trial_ready(t, why);
    if (status)
        trial_close(t);
    return status;
}

void trial_close(struct trial *t)
{
    if (!t->bench)
        return;
    for (int c = 0; c < t->copies; c++)
        if (t->variant->release && t->call[c].variant)
            t->variant->release(&t->call[c]);
    for (int c = 0; !on_host(t) && c < t->copies; c++)
        for (int i = 0; i < workload_args(t->bench->workload); i++)
            if (c == 0 || t->bench->workload->args[i].trait == ARG_STATIONARY)
                t->device->ops->free(t->device, &t->arg[c][i]);
    for (int i = 0; i < ARGS; i++)
        if (t->host[i].bytes)
            t->device->ops->free(t->device, &t->host[i]);
    t->device->ops->free(t->device, &t->scratch);
    *t = (struct trial){0};
}

static int trial_step(struct trial *t, int s, int copy, struct why *why)
{
    const struct device_ops *ops = t->device->ops;
    const struct step *step = &t->step[s];
    int i = step->arg[0].buffer, to = step->args > 1 ? step->arg[1].buffer : i;

    switch (step->kind) {
    case STEP_LAUNCH:
        return ops->launch(t->device, t->kernel[s], step, t->arg[copy], &t->scratch, why);
    case STEP_UPLOAD:
        return ops->copy(t->device, &t->arg[copy][to], trial_host(t, copy, i),
                         t->arg[copy][i].bytes, why);
    case STEP_DOWNLOAD:
        return ops->copy(t->device, trial_host(t, copy, to), &t->arg[copy][i],
                         t->arg[copy][i].bytes, why);
    }
    return STATUS_INVALID;
}

int trial_run(struct trial *t, struct why *why)
{
    int copy = t->next, status = 0;

    t->next = copy + 1 < t->copies ? copy + 1 : 0;
    if (t->variant->run)
        return t->variant->run(&t->call[copy], why);
    for (int s = 0; s < t->steps && !status; s++)
        status = trial_step(t, s, copy, why);
    return status;
}

int trial_upload(struct trial *t, int copies, struct why *why)
{
    const struct workload *w = t->bench->workload;

    for (int i = 0; i < workload_args(w); i++)
        for (int c = 0; c < copies; c++) {
            int status;

            if (!(w->args[i].flow & FLOW_IN) || !t->arg[c][i].bytes ||
                (c > 0 && w->args[i].trait == ARG_ACTIVATION))
                continue;
            status = t->device->ops->copy(t->device, &t->arg[c][i], &t->bench->arg[c][i],
                                          t->arg[c][i].bytes, why);
            if (status)
                return status;
        }
    return t->device->ops->sync(t->device, why);
}

int trial_download(struct trial *t, struct why *why)
{
    const struct workload *w = t->bench->workload;

    for (int i = 0; i < workload_args(w); i++) {
        int status;

        if (!(w->args[i].flow & FLOW_OUT) || !t->arg[0][i].bytes)
            continue;
        status = t->device->ops->copy(t->device, &t->bench->arg[0][i], &t->arg[0][i],
                                      t->arg[0][i].bytes, why);
        if (status)
            return status;
    }
    return t->device->ops->sync(t->device, why);
}

/* Poison the outputs of the device and of its own host memory too, put INOUT ones back. */
static int trial_restore(struct trial *t, struct why *why)
{
    const struct workload *w = t->bench->workload;

    bench_restore(t->bench);
    for (int i = 0; !on_host(t) && i < workload_args(w); i++) {
        int status;

        if (t->host[i].bytes)
            memcpy(t->host[i].data, t->bench->arg[0][i].data, t->host[i].bytes);
        if (!(w->args[i].flow & FLOW_OUT) || !t->arg[0][i].bytes)
            continue;
        status = t->device->ops->copy(t->device, &t->arg[0][i], &t->bench->arg[0][i],
                                      t->arg[0][i].bytes, why);
        if (status)
            return status;
    }
    return t->device->ops->sync(t->device, why);
}

static bool downloads_itself(const struct trial *t)
{
    for (int s = 0; s < t->steps; s++)
        if (t->step[s].kind == STEP_DOWNLOAD)
            return true;
    return false;
}

/* Fetch the outputs to be checked. A variant that downloads does it for all its outputs, and
 * what it left on the host is what is checked. */
static int trial_fetch(struct trial *t, struct why *why)
{
    if (downloads_itself(t)) {
        for (int i = 0; i < ARGS; i++)
            if (t->host[i].bytes)
                memcpy(t->bench->arg[0][i].data, t->host[i].data, t->host[i].bytes);
        return 0;
    }
    bench_restore(t->bench); /* so that a download that does nothing is seen */
    return trial_download(t, why);
}

int trial_check(struct trial *t, double *error, struct why *why)
{
    const struct workload *w = t->bench->workload;
    int status = trial_restore(t, why);

    *error = 0;
    t->next = 0;
    if (!status)
        status = trial_run(t, why);
    if (!status)
        status = t->device->ops->sync(t->device, why);
    if (!status && !on_host(t))
        status = trial_fetch(t, why);
    if (status)
        return status;
    for (int i = 0; i < workload_args(w); i++) {
        double worst;

        if (!(w->args[i].flow & FLOW_OUT) || !t->bench->arg[0][i].bytes)
            continue;
        worst = bench_error(t->bench, i, t->bench->arg[0][i].data, why);
        if (worst > *error)
            *error = worst;
    }
    return 0;
}
