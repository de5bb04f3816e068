/* SPDX-License-Identifier: MIT */
/* Curves out of records: problems of one sweep, or alike in everything but one axis, on one GPU
 * at one placement. Only sizes that were measured speak. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/judge.h"
#include "report/stats.h"
#include "report/units.h"

/* A family must have so many sizes before "the winner never changes" says anything. */
enum { FAMILY_LEAST = 3 };

/* Who belongs to a curve. */
struct family {
    const struct contest *first;
    const char *axis; /* of the shape; NULL: along first's sweep */
    const char *gpu;
    enum placement placement;
};

static double size_of(const struct family *f, const struct contest *c)
{
    const json_t *value = f->axis ? json_object_get(c->about->shape, f->axis) : NULL;

    if (!f->axis)
        return c->about->size > 0 ? (double)c->about->size : NAN;
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool is_alike_but(const json_t *a, const json_t *b, const char *axis)
{
    const char *key;
    json_t *value;

    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach((json_t *)a, key, value)
    {
        const json_t *other = json_object_get(b, key);

        if (!other || (strcmp(key, axis) != 0 && !json_equal(value, other)))
            return false;
    }
    return true;
}

static bool is_member(const struct family *f, const struct contest *c)
{
    const struct record *a = f->first->about, *b = c->about;

    return a->dtype == b->dtype && a->cache == b->cache &&
           strcmp(a->workload.text, b->workload.text) == 0 &&
           strcmp(a->sweep.text, b->sweep.text) == 0 && !isnan(size_of(f, c)) &&
           (!f->axis || is_alike_but(a->shape, b->shape, f->axis));
}

/* ---- points ---------------------------------------------------------------------------- */

/* Interval of the logarithm of a side's time, of which the estimate at STATS_CONFIDENCE is
 * known. */
static struct estimate widened(struct estimate us, double factor)
{
    double value = log(us.value);

    return (struct estimate){value, value - factor * (value - log(us.low)),
                             value + factor * (log(us.high) - value)};
}

static struct estimate cpu_interval(const struct verdict *v, double alpha, double *work)
{
    const struct record *r = v->cpu->record;
    size_t n = record_quiet_us(r, &r->wall_ns, work);
    struct estimate e;

    for (size_t i = 0; i < n; i++)
        work[i] = log(work[i]);
    e = crossover_interval(work, n, alpha);
    if (v->cpu->is_disturbed) /* an upper bound */
        e.low = log(v->cpu_us.low);
    return e;
}

/* Both sides in the same rounds: what disturbed one disturbed the other. */
static struct estimate paired_interval(const struct verdict *v, double alpha, double *work)
{
    const struct record *cpu = v->cpu->record, *gpu = v->gpu->record;
    size_t n = 0;

    for (size_t i = 0; i < cpu->wall_ns.n; i++)
        if (!record_is_contended(cpu, i) && !record_is_contended(gpu, i))
            work[n++] = log(cpu->wall_ns.value[i] / gpu->wall_ns.value[i]);
    return crossover_interval(work, n, alpha);
}

static void judge_point(void *from, size_t i, double alpha, struct crossover_point *p)
{
    const struct verdict *v = ((const struct verdict *const *)from)[i];
    const struct series *rounds = &v->cpu->record->wall_ns;
    double *work = calloc(rounds->n + 1, sizeof *work);
    bool is_measured = v->evidence == EVIDENCE_MEASURED;
    struct estimate cpu, gpu;

    p->rounds = rounds->n;
    p->sure = p->log_ratio = (struct estimate){log(v->cpu_us.value / v->gpu_us.value), -INFINITY,
                                               INFINITY};
    if (!work)
        return;
    if (v->is_paired) {
        p->log_ratio = paired_interval(v, alpha, work);
        p->sure = estimate_exact(p->log_ratio.value);
    } else {
        cpu = cpu_interval(v, is_measured ? alpha / 2 : alpha, work);
        gpu = widened(v->gpu_us, is_measured ? crossover_widening(alpha / 2) : 1);
        p->log_ratio = (struct estimate){cpu.value - gpu.value, cpu.low - gpu.high,
                                         cpu.high - gpu.low};
        p->sure = is_measured ? estimate_exact(p->log_ratio.value)
                              : (struct estimate){p->log_ratio.value, cpu.value - gpu.high,
                                                  cpu.value - gpu.low};
    }
    free(work);
}

static int add_point(struct crossover *x, double size, const struct verdict *v)
{
    size_t verdicts = x->points, at = x->points;
    struct crossover_point *point = report_push(&x->point, &x->points, sizeof *point);
    const struct verdict **verdict = report_push(&x->verdict, &verdicts, sizeof *verdict);

    if (!point || !verdict)
        return STATUS_MEMORY;
    for (; at > 0 && x->point[at - 1].size > size; at--) {
        x->point[at] = x->point[at - 1];
        x->verdict[at] = x->verdict[at - 1];
    }
    x->point[at] = (struct crossover_point){.size = size};
    x->verdict[at] = v;
    return 0;
}

static int gather(const struct report *report, const struct family *f, struct crossover *x)
{
    int status = 0;

    for (size_t i = 0; i < report->contests && !status; i++) {
        const struct contest *c = &report->contest[i];
        const struct verdict *v =
            is_member(f, c) ? report_verdict(report, c, f->gpu, f->placement) : NULL;

        if (v)
            status = add_point(x, size_of(f, c), v);
    }
    return status;
}

/* ---- words ----------------------------------------------------------------------------- */

static void say_changes(const struct crossover *x, struct text *out)
{
    const struct crossing *found = &x->found;
    const struct crossover_stretch *below = crossing_doubt_below(found),
                                   *above = crossing_doubt_above(found);
    const char *axis = x->is_sweep ? "size" : x->axis.text;

    if (below)
        text_printf(out, "%s from %s = %s to %s", decision_name(found->change[0].before), axis,
                    words_count(below->high).text, words_count(found->change[0].low).text);
    else
        text_printf(out, "%s up to %s = %s", decision_name(found->change[0].before), axis,
                    words_count(found->change[0].low).text);
    for (int i = 0; i < found->changes; i++) {
        text_printf(out, ", %s from %s", decision_name(found->change[i].after),
                    words_count(found->change[i].high).text);
        if (i + 1 < found->changes)
            text_printf(out, " to %s", words_count(found->change[i + 1].low).text);
        else if (above)
            text_printf(out, " to %s", words_count(above->low).text);
        else
            text_add(out, " on");
    }
}

/* "stay up to 500, undecided above": a stretch at an end, or in between. Beside changes, what
 * holds next to the ends has been said. */
static void say_doubt(const struct crossover_stretch *s, bool beside, struct text *out)
{
    if (isinf(s->low) && isinf(s->high))
        text_add(out, "undecided at every size");
    else if (beside && (isinf(s->low) || isinf(s->high)))
        text_printf(out, "undecided %s %s", isinf(s->low) ? "below" : "above",
                    words_count(isinf(s->low) ? s->high : s->low).text);
    else if (isinf(s->low))
        text_printf(out, "undecided below %s (%s there)", words_count(s->high).text,
                    decision_name(s->after));
    else if (isinf(s->high))
        text_printf(out, "%s up to %s, undecided above", decision_name(s->before),
                    words_count(s->low).text);
    else
        text_printf(out, "undecided between %s and %s (%s around)", words_count(s->low).text,
                    words_count(s->high).text, decision_name(s->before));
}

/* Those at the ends of the curve, which hold most sizes, before those in between. */
static void say_doubts(const struct crossing *found, struct text *out)
{
    for (int i = 0; i < 2 * found->doubts; i++) {
        const struct crossover_stretch *s = &found->doubt[i % found->doubts];

        if ((isinf(s->low) || isinf(s->high)) != (i < found->doubts))
            continue;
        text_add(out, out->n ? ", " : "");
        say_doubt(s, found->changes > 0, out);
    }
}

static void write_answer(struct crossover *x)
{
    struct text out = {0};

    if (x->found.changes)
        say_changes(x, &out);
    else if (!x->found.doubts)
        text_printf(&out, "%s at every %s from %s to %s",
                    x->found.kind == CROSSOVER_ALWAYS ? "offload" : "stay",
                    x->is_sweep ? "size" : x->axis.text,
                    words_count(x->point[0].size).text,
                    words_count(x->point[x->points - 1].size).text);
    say_doubts(&x->found, &out);
    snprintf(x->answer, sizeof x->answer, "%s", out.data ? out.data : "");
    text_release(&out);
}

static void write_decider(struct crossover *x)
{
    struct crossover_question q = crossover_decider(x->point, x->points);
    const struct words size = words_count(q.size);

    switch (q.wish) {
    case WISH_ROUNDS:
        snprintf(x->decider, sizeof x->decider,
                 "about %.0f rounds at size %s", fmax(q.rounds, 3), size.text);
        break;
    case WISH_GPU:
        snprintf(x->decider, sizeof x->decider,
                 "measuring the GPU, as the projection's interval alone leaves size %s open", size.text);
        break;
    case WISH_TIE:
        snprintf(x->decider, sizeof x->decider,
                 "hardly anything, as both sides are as good as alike at size %s", size.text);
        break;
    default:
        break;
    }
}

/* "gemm bf16 n=3072 k=2048": everything but the axis. */
static void add_family(const struct crossover *x, struct text *out)
{
    const struct record *r = x->from->about;
    const char *key;
    json_t *value;

    text_printf(out, "%s %s", r->workload.text, dtype_name(r->dtype));
    if (x->is_sweep)
        text_printf(out, " %s", x->axis.text);
    json_object_foreach(r->shape, key, value)
    {
        if (x->is_sweep || strcmp(key, x->axis.text) == 0)
            continue;
        if (json_is_string(value))
            text_printf(out, " %s=%s", key, json_string_value(value));
        else
            text_printf(out, " %s=%.0f", key, json_number_value(value));
    }
}

static void write_text(struct crossover *x)
{
    struct text out = {0};

    add_family(x, &out);
    text_printf(&out, ", %s on %s: %s", placement_name(x->placement), x->gpu.text, x->answer);
    if (x->found.doubts)
        text_printf(&out, "; what would decide it: %s", x->decider);
    snprintf(x->text, sizeof x->text, "%s", out.data ? out.data : "");
    text_release(&out);
}

/* ---- curves ---------------------------------------------------------------------------- */

static void judge_curve(struct crossover *x, const struct family *f)
{
    const struct verdict *v = x->verdict[0];

    x->from = v->contest;
    x->to = x->verdict[x->points - 1]->contest;
    x->gpu = v->gpu->record->device;
    x->is_sweep = !f->axis;
    snprintf(x->axis.text, sizeof x->axis.text, "%s",
             f->axis ? f->axis : f->first->about->sweep.text);
    x->placement = f->placement;
    x->evidence = v->evidence;
    x->confidence =
        v->evidence == EVIDENCE_MEASURED ? STATS_CONFIDENCE : CROSSOVER_PROJECTED;
    crossover_settle(x->point, x->points, judge_point, x->verdict);
    crossover_find(x->point, x->points, &x->found);
    regret_find(x->point, x->points, &x->regret);
    write_answer(x);
    write_decider(x);
    write_text(x);
}

static int add_curve(struct report *report, const struct family *f)
{
    struct crossover found = {0}, *x;
    int status = gather(report, f, &found);
    bool says = found.points >= FAMILY_LEAST;

    if (!status && found.points > 1) {
        judge_curve(&found, f);
        says |= found.found.changes > 0;
    }
    if (!status && says) {
        x = report_push(&report->crossover, &report->crossovers, sizeof *x);
        status = x ? 0 : STATUS_MEMORY;
        if (x)
            *x = found;
    }
    if (status || !says) {
        free(found.point);
        free(found.verdict);
    }
    return status;
}

/* Placements that the sweep was asked for; all of them elsewhere. */
static bool is_asked(const struct report *report, const struct family *f)
{
    const json_t *sweep = json_object_get(report->results->header, "sweep");
    const json_t *asked = json_object_get(sweep, "placements");

    for (size_t i = 0; i < json_array_size(asked); i++)
        if (strcmp(json_string_value(json_array_get(asked, i)), placement_name(f->placement)) == 0)
            return true;
    return f->axis || !json_array_size(asked);
}

/* On every GPU at every placement; `first` must be the smallest of its family. */
static int add_curves(struct report *report, const struct contest *first, const char *axis)
{
    static const enum placement order[] = {PLACEMENT_RESIDENT, PLACEMENT_ONCE, PLACEMENT_EVERY};
    struct family f = {.first = first, .axis = axis};
    int status = 0;

    if (isnan(size_of(&f, first)))
        return 0;
    for (size_t i = 0; i < report->contests; i++)
        if (is_member(&f, &report->contest[i]) &&
            size_of(&f, &report->contest[i]) < size_of(&f, first))
            return 0;
    for (size_t g = 0; g < report->gpus; g++)
        for (size_t p = 0; p < sizeof order / sizeof *order && !status; p++) {
            f.gpu = report->gpu[g].id.text;
            f.placement = order[p];
            if (is_asked(report, &f))
                status = add_curve(report, &f);
        }
    return status;
}

int judge_crossovers(struct report *report)
{
    int status = 0;

    for (size_t i = 0; i < report->contests && !status; i++) {
        const struct contest *contest = &report->contest[i];
        const char *axis;
        json_t *value;

        if (*contest->about->sweep.text) {
            status = add_curves(report, contest, NULL);
            continue;
        }
        json_object_foreach(contest->about->shape, axis, value)
        {
            status = add_curves(report, contest, axis);
            if (status)
                break;
        }
    }
    return status;
}
