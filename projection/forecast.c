/* SPDX-License-Identifier: MIT */
/* From a call to a forecast: the model of its class, what the timing mode adds, the bound
 * that is named, and the interval around it. */
#include "projection/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct parameters start = {
#define X(name, value, least, most, unit, meaning) .name = value,
    PARAMETER_MAP(X)
#undef X
};

void ledger_add(struct ledger *ledger, const char *name, double us)
{
    if (ledger->terms < FORECAST_TERMS && us > 0)
        ledger->term[ledger->terms++] = (struct term){name, us};
}

double model_overhead_us(const struct work *w)
{
    const struct parameters *p = w->parameter;

    switch (w->timing) {
    case TIMING_GRAPH:
        return p->graph_gap_us * w->kind->kernels;
    case TIMING_LAUNCH:
        return p->launch_us;
    case TIMING_EAGER:
        return p->eager_us;
    default:
        return 0;
    }
}

static void model_run(const struct work *w, struct ledger *l)
{
    switch (w->kind->model) {
    case MODEL_MATRIX:
        model_matrix(w, l);
        break;
    case MODEL_PREFILL:
    case MODEL_DECODE:
        model_attention(w, l);
        break;
    case MODEL_COPY:
        model_copy(w, l);
        break;
    default:
        model_traffic(w, l);
    }
}

static const char *bound_name(const struct ledger *l)
{
    double latency = l->latency;

    if (l->link > latency && l->link > l->memory && l->link > l->compute)
        return "link";
    if (latency >= l->memory && latency >= l->compute)
        return "latency";
    return l->compute > l->memory ? "compute" : "memory";
}

int project(const struct gpu *gpu, const struct operation *op, enum timing timing,
            struct forecast *f, struct why *why)
{
    struct work w;
    struct ledger l = {0};
    double overhead, spread = 2;
    int status;

    *f = (struct forecast){.time_us = {NAN, NAN, NAN}, .bound = ""};
    status = work_init(&w, gpu, op, timing, why);
    if (status != 0)
        return status;
    w.parameter = &start;
    model_run(&w, &l);
    overhead = model_overhead_us(&w);
    ledger_add(&l, "launch", overhead);
    l.latency += overhead;
    l.total += overhead;
    f->time_us = (struct estimate){l.total, l.total / spread, l.total * spread};
    f->bound = bound_name(&l);
    f->terms = l.terms;
    memcpy(f->term, l.term, sizeof f->term);
    snprintf(f->why, sizeof f->why, "roofline with the efficiencies usual for its class");
    return 0;
}

int project_transfer(const struct gpu *gpu, double bytes, enum memory memory,
                     struct forecast *f, struct why *why)
{
    struct operation op = {.op = "upload", .dtype = DTYPE_I8, .cols = (int64_t)bytes,
                           .memory = memory};

    return project(gpu, &op, TIMING_KERNEL, f, why);
}
