/* SPDX-License-Identifier: MIT */
#include "harness/trial.h"

#include <math.h>
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

/* Arguments in memory that the host addresses too: nothing is copied. */
static bool is_shared(const struct trial *t)
{
    return t->memory == MEMORY_MANAGED || t->memory == MEMORY_MAPPED;
}

static bool is_own_copy(const struct trial *t, int copy, int i)
{
    return copy == 0 || t->bench->workload->args[i].trait == ARG_STATIONARY;
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

            if (!is_own_copy(t, c, i)) {
                t->arg[c][i] = t->arg[0][i];
                continue;
            }
            if (host->bytes &&
                (status = ops->alloc(t->device, &t->arg[c][i], host->bytes,
                                     is_shared(t) ? t->memory : MEMORY_DEVICE, why)))
                return status;
            if (host->bytes && is_shared(t))
                memcpy(t->arg[c][i].data, host->data, host->bytes);
        }
    }
    return 0;
}

/* Host memory of the device's own, with the bench's contents. */
static int trial_alloc_host(struct trial *t, struct why *why)
{
    const struct workload *w = t->bench->workload;
    enum memory memory = is_shared(t) ? MEMORY_PAGEABLE
                         : w->host_memory ? w->host_memory(&t->bench->problem)
                                          : t->memory;

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

struct buffer *trial_host(struct trial *t, int copy, int i)
{
    if (is_shared(t))
        return &t->arg[copy][i];
    return t->host[i].bytes ? &t->host[i] : &t->bench->arg[copy][i];
}

int trial_build(struct trial *t, const struct problem *p, struct step *step,
                struct kernel **kernel, int *steps, struct why *why)
{
    const struct workload *w = t->bench->workload;
    const struct device_facts *facts = &t->device->facts;
    const char *source = workload_device_code(w->name, t->variant->on);

    *steps = t->variant->steps(p, facts, step);
    if (*steps == 0)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "'%s' needs more than this device (compute capability %d.%d) has for %s",
                        t->variant->name, facts->capability / 10, facts->capability % 10,
                        dtype_name(p->dtype));
    for (int s = 0; s < *steps; s++) {
        int status = 0;

        if (step[s].kind != STEP_LAUNCH)
            continue;
        if (!source)
            return why_fail(why, STATUS_UNAVAILABLE, "%s has no device code", w->name);
        status = t->device->ops->build(t->device, source, step[s].kernel, step[s].defines,
                                       p->dtype, &kernel[s], why);
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

static int trial_scratch(struct trial *t, struct why *why)
{
    const struct variant *v = t->variant;
    size_t bytes = v->scratch_bytes
                       ? v->scratch_bytes(&t->bench->problem, &t->device->facts) : 0;

    if (!v->scratch_bytes)
        return 0;
    return t->device->ops->alloc(t->device, &t->scratch, bytes ? bytes : 1,
                                 on_host(t) ? MEMORY_PAGEABLE : MEMORY_DEVICE, why);
}

static int trial_pin(struct trial *t, struct why *why)
{
    int status = on_host(t) ? 0 : trial_alloc_host(t, why);

    for (int i = 0; i < ARGS; i++)
        if (t->host[i].bytes)
            return status;
    t->pin_ns = NAN;
    return status;
}

static int trial_make_room(struct trial *t, struct why *why)
{
    int status = on_host(t) ? 0 : trial_alloc(t, why);

    return status ? status : trial_scratch(t, why);
}

static int trial_fill(struct trial *t, struct why *why)
{
    return on_host(t) ? 0 : trial_upload(t, t->copies, why);
}

static int trial_compile(struct trial *t, struct why *why)
{
    return t->variant->steps ? trial_build(t, &t->bench->problem, t->step, t->kernel,
                                           &t->steps, why)
                             : 0;
}

static int trial_ready(struct trial *t, struct why *why)
{
    const struct variant *v = t->variant;
    const struct {
        int (*work)(struct trial *, struct why *);
        double *ns;
    } stage[] = {{trial_make_room, &t->alloc_ns}, {trial_pin, &t->pin_ns},
                 {trial_fill, &t->upload_ns},     {trial_compile, &t->compile_ns},
                 {trial_prepare, &t->prepare_ns}};
    int64_t start = clock_ns();
    int status = 0;

    if (v->fits && !v->fits(&t->bench->problem))
        return why_fail(why, STATUS_UNAVAILABLE, "'%s' does not cover this problem", v->name);
    if (v->available && (status = v->available(v, why)))
        return status;
    t->compile_ns = (double)(clock_ns() - start); /* opening a library is part of it */
    for (size_t i = 0; i < sizeof stage / sizeof *stage && !status; i++) {
        start = clock_ns();
        status = stage[i].work(t, why);
        *stage[i].ns += (double)(clock_ns() - start);
    }
    return status;
}

int trial_open_in(struct trial *t, struct bench *bench, struct device *device,
                  const struct variant *variant, int threads, enum memory memory,
                  struct why *why)
{
    int status;

    *t = (struct trial){.bench = bench, .device = device, .variant = variant,
                        .threads = threads, .isa = isa_best(), .memory = memory,
                        .copies = memory == MEMORY_PAGEABLE ? bench->copies : 1};
    status = trial_ready(t, why);
    if (status)
        trial_close(t);
    return status;
}

int trial_open(struct trial *t, struct bench *bench, struct device *device,
               const struct variant *variant, int threads, struct why *why)
{
    return trial_open_in(t, bench, device, variant, threads, MEMORY_PAGEABLE, why);
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
            if (is_own_copy(t, c, i))
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
    if (t->variant->run) {
        isa_use(t->isa);
        return t->variant->run(&t->call[copy], why);
    }
    for (int s = 0; s < t->steps && !status; s++)
        status = trial_step(t, s, copy, why);
    return status;
}

/* One argument of a copy to the device or back, by copy, by prefetch, or not at all. */
static int trial_move(struct trial *t, int copy, int i, enum memory to, struct why *why)
{
    const struct device_ops *ops = t->device->ops;
    struct buffer *device = &t->arg[copy][i], *host = trial_host(t, copy, i);

    if (t->memory == MEMORY_MAPPED || (t->memory == MEMORY_MANAGED && !ops->prefetch))
        return 0;
    if (t->memory == MEMORY_MANAGED)
        return ops->prefetch(t->device, device, to, why);
    return to == MEMORY_DEVICE ? ops->copy(t->device, device, host, device->bytes, why)
                               : ops->copy(t->device, host, device, device->bytes, why);
}

static int send_copy(struct trial *t, int copy, unsigned traits, struct why *why)
{
    const struct workload *w = t->bench->workload;
    int status = 0;

    for (int i = 0; i < workload_args(w) && !status; i++)
        if (w->args[i].flow & FLOW_IN && t->arg[copy][i].bytes && is_own_copy(t, copy, i) &&
            traits & 1u << w->args[i].trait)
            status = trial_move(t, copy, i, MEMORY_DEVICE, why);
    return status;
}

int trial_send(struct trial *t, unsigned traits, struct why *why)
{
    t->next = 0;
    return send_copy(t, 0, traits, why);
}

int trial_receive(struct trial *t, struct why *why)
{
    const struct workload *w = t->bench->workload;
    int status = 0;

    for (int i = 0; i < workload_args(w) && !status; i++)
        if (w->args[i].flow & FLOW_OUT && t->arg[0][i].bytes)
            status = trial_move(t, 0, i, MEMORY_PAGEABLE, why);
    return status;
}

int trial_upload(struct trial *t, int copies, struct why *why)
{
    int status = 0;

    for (int c = 0; c < copies && !status; c++)
        status = send_copy(t, c, TRAITS_ALL, why);
    return status ? status : t->device->ops->sync(t->device, why);
}

int trial_download(struct trial *t, struct why *why)
{
    int status = trial_receive(t, why);

    return status ? status : t->device->ops->sync(t->device, why);
}

void trial_collect(struct trial *t)
{
    const struct workload *w = t->bench->workload;

    for (int i = 0; i < workload_args(w); i++) {
        struct buffer *to = &t->bench->arg[0][i], *from = trial_host(t, 0, i);

        if (!on_host(t) && w->args[i].flow & FLOW_OUT && to->bytes && from->data != to->data)
            memcpy(to->data, from->data, to->bytes);
    }
}

int trial_restore(struct trial *t, struct why *why)
{
    const struct workload *w = t->bench->workload;

    bench_restore(t->bench);
    for (int i = 0; !on_host(t) && i < workload_args(w); i++) {
        struct buffer *host = trial_host(t, 0, i), *bench = &t->bench->arg[0][i];
        int status;

        if (!bench->bytes)
            continue;
        if (host->data != bench->data)
            memcpy(host->data, bench->data, bench->bytes);
        if (!(w->args[i].flow & FLOW_OUT) || is_shared(t))
            continue;
        status = t->device->ops->copy(t->device, &t->arg[0][i], bench, bench->bytes, why);
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
    int status = 0;

    if (!downloads_itself(t) && !is_shared(t)) {
        bench_restore(t->bench); /* so that a download that does nothing is seen */
        for (int i = 0; i < ARGS; i++)
            if (t->host[i].bytes)
                memcpy(t->host[i].data, t->bench->arg[0][i].data, t->host[i].bytes);
        status = trial_download(t, why);
    }
    if (!status)
        trial_collect(t);
    return status;
}

double trial_error(const struct trial *t, struct why *why)
{
    const struct workload *w = t->bench->workload;
    double error = 0;

    for (int i = 0; i < workload_args(w); i++)
        if (w->args[i].flow & FLOW_OUT && t->bench->arg[0][i].bytes)
            error = fmax(error, bench_error(t->bench, i, t->bench->arg[0][i].data,
                                            t->variant->roundoff, why));
    return error;
}

int trial_check(struct trial *t, double *error, struct why *why)
{
    int status = trial_restore(t, why);

    *error = 0;
    t->next = 0;
    if (!status)
        status = trial_run(t, why);
    if (!status)
        status = t->device->ops->sync(t->device, why);
    if (!status && !on_host(t))
        status = trial_fetch(t, why);
    if (!status)
        *error = trial_error(t, why);
    return status;
}
