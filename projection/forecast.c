/* SPDX-License-Identifier: MIT */
/* From a call to a forecast: the model of its class, what the timing mode adds, the bound
 * that is named, and the interval around it. */
#include "projection/lessons.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void ledger_add(struct ledger *ledger, const char *name, double us)
{
    if (ledger->terms < FORECAST_TERMS && us > 0)
        ledger->term[ledger->terms++] = (struct term){name, us};
}

static double graph_us(const struct work *w)
{
    const struct parameters *p = w->parameter;

    switch (w->kind->model) {
    case MODEL_MATRIX:
        return p->matrix_graph_us;
    case MODEL_PREFILL:
    case MODEL_DECODE:
        return 0; /* their floors were fitted on graphs */
    default:
        return p->map_graph_us;
    }
}

static double eager_us(const struct work *w)
{
    const struct parameters *p = w->parameter;

    switch (w->kind->model) {
    case MODEL_MATRIX:
        return w->kind->is_batched ? p->batched_eager_us : p->matrix_eager_us;
    case MODEL_ROWS:
        return w->kind->rereads > 1 ? p->softmax_eager_us : p->norm_eager_us;
    case MODEL_PREFILL:
    case MODEL_DECODE:
        return 2 * p->batched_eager_us;
    default:
        return p->map_eager_us * (1 + w->kind->further_kernels) *
               (w->kind->takes_scalar ? p->scalar_cost : 1);
    }
}

/* What of a dispatch no kernel hides. */
static double eager_start_us(const struct work *w)
{
    const struct parameters *p = w->parameter;

    if (w->kind->model != MODEL_ROWS)
        return p->eager_start_us;
    return w->kind->rereads > 1 ? p->softmax_start_us : p->norm_start_us;
}

/* `kernel`: the total before the launch. A dispatch and the kernel behind it hide each other;
 * near where they are as long both count, because either may be off. */
static void shares_set(const struct work *w, struct ledger *l, double kernel)
{
    double start = l->launch, hidden = 0, latency = l->latency - l->launch, both, part, scale;

    if (w->timing == TIMING_EAGER && l->launch > 0) {
        start = fmin(start, eager_start_us(w));
        hidden = pow(eager_us(w) - start, 4);
        hidden /= hidden + pow(kernel, 4);
    }
    both = fmax(kernel - latency - l->link, 0);
    part = l->memory > 0 ? 1 / (1 + pow(l->compute / l->memory, l->overlap)) : 0;
    scale = (1 - hidden) * (1 - start / l->total) / fmax(kernel, 1e-9);
    l->share[CAUSE_COMPUTE] = both * (1 - part) * scale;
    l->share[CAUSE_MEMORY] = both * part * scale;
    l->share[CAUSE_TILES] = l->share[CAUSE_COMPUTE] * l->few;
    l->share[CAUSE_POWER] = l->share[CAUSE_COMPUTE] * l->throttle;
    l->share[CAUSE_LATENCY] = latency * scale;
    l->share[CAUSE_LINK] = l->link * scale;
    l->share[CAUSE_LAUNCH] = start / l->total + hidden * (1 - start / l->total);
}

/* A framework's dispatch hides all but the start of itself behind a long kernel. */
static void timing_add(const struct work *w, struct ledger *l)
{
    double add = 0, floor, kernel = l->total;

    if (w->kind->model != MODEL_COPY && w->timing == TIMING_GRAPH)
        add = graph_us(w);
    if (w->kind->model != MODEL_COPY && w->timing == TIMING_LAUNCH)
        add = w->parameter->launch_us;
    if (w->kind->model != MODEL_COPY && w->timing == TIMING_EAGER) {
        floor = eager_us(w);
        add = fmax(eager_start_us(w), floor - l->total);
    }
    ledger_add(l, "launch", add);
    l->latency += add;
    l->total += add;
    l->launch = add;
    shares_set(w, l, kernel);
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

int model_project(const struct parameters *p, const struct gpu *gpu,
                  const struct operation *op, enum timing timing, struct ledger *l,
                  struct why *why)
{
    struct work w;
    int status = work_init(&w, gpu, op, timing, why);

    *l = (struct ledger){.overlap = 1};
    if (status != 0)
        return status;
    w.parameter = p;
    model_run(&w, l);
    timing_add(&w, l);
    return 0;
}

/* How near the calibration came, in the words of the catalogue. */
static void nearness_tell(const struct gpu *gpu, const struct region *r,
                          const struct intervals *t, char *out, size_t size)
{
    enum class class = class_of(r->model, r->type);
    enum kindred kindred = kindred_of(t, gpu, class, CAUSE_COMPUTE);
    const char *type = number_type_name(r->type);

    if (r->model == MODEL_COPY || !kind_is_timed(t, &r->kind))
        snprintf(out, size, "%s model; no timings of its kind were calibrated on: wide interval",
                 model_name(r->model));
    else if (kindred == KINDRED_GPU)
        snprintf(out, size, "%s model; calibrated on this GPU (%s)", model_name(r->model),
                 class_name(class));
    else if (kindred == KINDRED_FAMILY)
        snprintf(out, size, "%s model; calibrated on other GPUs of its generation (%s)",
                 model_name(r->model), type);
    else
        snprintf(out, size, "%s model; calibrated on other generations only (%s)",
                 model_name(r->model), type);
}

/* An assumption that this call rests on and that no residual holds. */
static bool is_apart(const struct assumption *a, const struct op_kind *kind,
                     const struct operation *op, enum timing timing)
{
    const char *other = op->memory == MEMORY_PINNED ? "pageable_share" : "pinned_share";

    if (kind->model == MODEL_COPY)
        return a->enters == ENTERS_LINK && strcmp(a->name, other) != 0;
    return timing == TIMING_LAUNCH && a->enters == ENTERS_LAUNCH;
}

/* The region's spread and, in quadrature, what the ranges of such assumptions do to the call.
 * Copies and bare launches were never calibrated: those ranges are all that is known of them. */
static struct spread call_spread(const struct gpu *gpu, const struct operation *op,
                                 enum timing timing, const struct region *region, double total)
{
    const struct op_kind *kind = op_kind_find(op->op);
    struct region device = *region;
    struct spread s;
    double common;

    if (timing == TIMING_LAUNCH)
        device.share[CAUSE_LAUNCH] = 0; /* its assumption's range comes below */
    s = interval_spread(intervals_builtin(), gpu, &device);
    common = s.between / (s.high - s.low);
    if (kind->model != MODEL_COPY && timing != TIMING_LAUNCH)
        return s;
    if (kind->model == MODEL_COPY || kind->model == MODEL_LAUNCH)
        s.low = s.high = 0;
    if (kind->model == MODEL_COPY && strstr(gpu->unverified, "link_"))
        s.high = -(s.low = -1.2816 * assumption_find("datasheet_doubt", gpu->family)->value);
    for (int i = 0; i < assumption_count(); i++) {
        const struct assumption *a = assumption_at(i);
        struct influence at;

        if (!is_apart(a, kind, op, timing))
            continue;
        at = influence_of(a, gpu, op, timing);
        s.low = -hypot(s.low, log(total / at.low_us));
        s.high = hypot(s.high, log(at.high_us / total));
    }
    s.between = common * (s.high - s.low); /* what they share stays a share */
    return s;
}

/* What was measured here; filled before anything is projected (see projection.h). */
static struct lessons lessons;

int project_learn(const struct gpu *gpu, const struct operation *op, enum timing timing,
                  double measured_us, struct why *why)
{
    struct ledger l;
    struct region region;
    struct spread spread;
    int status = model_project(parameters_builtin(), gpu, op, timing, &l, why);

    if (status != 0)
        return status;
    if (!(measured_us > 0))
        return why_fail(why, STATUS_INVALID, "a measured time must be above 0");
    region = region_of(op_kind_find(op->op), op, &l);
    spread = call_spread(gpu, op, timing, &region, l.total);
    if (lessons_add(&lessons, gpu, &region, &spread, log(measured_us / l.total)) != 0)
        return why_fail(why, STATUS_UNAVAILABLE, "enough was learnt");
    return 0;
}

int project_learnt(void)
{
    return lessons.cells;
}

void project_forget(void)
{
    lessons = (struct lessons){.n = 0};
}

static void assumptions_tell(const struct op_kind *kind, const struct operation *op,
                             enum timing timing, char *why, size_t size)
{
    const char *lead = "; rests on assumptions: ";

    if (kind->model != MODEL_COPY && timing != TIMING_LAUNCH)
        return;
    for (int i = 0; i < assumption_count(); i++) {
        const struct assumption *a = assumption_at(i);
        size_t n = strlen(why);

        if (is_apart(a, kind, op, timing) && n < size) {
            snprintf(why + n, size - n, "%s%s %g (%g to %g)", lead, a->name, a->value, a->low,
                     a->high);
            lead = ", ";
        }
    }
}

static void kin_tell(const struct synonym *kin, char *why, size_t size)
{
    size_t n = strlen(why);

    if (n < size)
        snprintf(why + n, size - n, "; '%s' taken as '%s'", kin->name, kin->of);
}

static void lesson_tell(double shift, char *why, size_t size)
{
    size_t n = strlen(why);

    if (lessons.cells > 0 && fabs(shift) >= 0.005 && n < size)
        snprintf(why + n, size - n, "; x %.2f from %d measured call%s", exp(shift), lessons.cells,
                 lessons.cells == 1 ? "" : "s");
}

int project(const struct gpu *gpu, const struct operation *op, enum timing timing,
            struct forecast *f, struct why *why)
{
    const struct intervals *intervals = intervals_builtin();
    const struct op_kind *kind = op_kind_find(op->op);
    const struct synonym *kin;
    struct region region;
    struct spread spread;
    struct ledger l;
    double shift;
    int status;

    *f = (struct forecast){.time_us = {NAN, NAN, NAN}, .bound = ""};
    status = model_project(parameters_builtin(), gpu, op, timing, &l, why);
    if (status != 0)
        return status;
    region = region_of(kind, op, &l);
    spread = call_spread(gpu, op, timing, &region, l.total);
    kin = strcasecmp(kind->name, op->op) ? synonym_find(op->op) : NULL;
    if (kin && kin->is_akin)
        spread_add(&spread, intervals, &region);
    shift = lessons_apply(&lessons, gpu, &region, &spread);
    f->time_us = (struct estimate){l.total * exp(shift), l.total * exp(spread.low),
                                   l.total * exp(spread.high)};
    f->bound = bound_name(&l);
    f->terms = l.terms;
    memcpy(f->term, l.term, sizeof f->term);
    nearness_tell(gpu, &region, intervals, f->why, sizeof f->why);
    if (kin && kin->is_akin)
        kin_tell(kin, f->why, sizeof f->why);
    assumptions_tell(kind, op, timing, f->why, sizeof f->why);
    lesson_tell(shift, f->why, sizeof f->why);
    return 0;
}

int project_transfer(const struct gpu *gpu, double bytes, enum memory memory,
                     struct forecast *f, struct why *why)
{
    struct operation op = {.op = "upload", .dtype = DTYPE_I8, .cols = (int64_t)bytes,
                           .memory = memory};

    return project(gpu, &op, TIMING_KERNEL, f, why);
}
