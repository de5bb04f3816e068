/* SPDX-License-Identifier: MIT */
/* Curves out of records: problems of one sweep, or alike in everything but one axis, on one GPU
 * at one placement. Only sizes that were measured speak. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/judge.h"
#include "report/stats.h"

/* A family must have so many sizes before "the winner never changes" says anything. */
enum { FAMILY_LEAST = 3 };

/* Who belongs to a curve. */
struct family {
    const struct contest *first;
    const char *axis; /* of the shape; NULL: along first's sweep */
    const char *gpu;
    enum placement placement;
    const json_t *near; /* indices of the contests that may belong, in order; see find_curves */
};

bool record_same_kind(const struct record *a, const struct record *b)
{
    return a->dtype == b->dtype && a->cache == b->cache &&
           strcmp(a->workload.text, b->workload.text) == 0;
}

bool record_alike_but(const struct record *a, const struct record *b, const char *axis)
{
    const char *key;
    json_t *value;

    if (!record_same_kind(a, b) || json_object_size(a->shape) != json_object_size(b->shape))
        return false;
    json_object_foreach(a->shape, key, value)
    {
        const json_t *other = json_object_get(b->shape, key);

        if (!other || (strcmp(key, axis) != 0 && !json_equal(value, other)))
            return false;
    }
    return true;
}

double record_axis(const struct record *r, const char *axis)
{
    const json_t *value = json_object_get(r->shape, axis);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

static double size_of(const struct family *f, const struct contest *c)
{
    return f->axis ? record_axis(c->about, f->axis)
                   : c->about->size > 0 ? (double)c->about->size : NAN;
}

static bool is_member(const struct family *f, const struct contest *c)
{
    const struct record *a = f->first->about, *b = c->about;

    if (strcmp(a->sweep.text, b->sweep.text) != 0 || isnan(size_of(f, c)))
        return false;
    return f->axis ? record_alike_but(a, b, f->axis) : record_same_kind(a, b);
}

/* ---- index ----------------------------------------------------------------------------- */

/* What all members of a family share, to free(); NULL when out of memory. Without it every
 * contest would be held against every other one. */
static char *family_key(const struct record *r, const char *axis)
{
    json_t *rest = json_copy(r->shape);
    char *shape = NULL;
    struct text key = {0};

    if (axis && json_object_del(rest, axis) == 0)
        shape = json_dumps(rest, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(rest);
    if (!axis || shape)
        text_printf(&key, "%s %d %d %s %s %s", r->workload.text, (int)r->dtype, (int)r->cache,
                    r->sweep.text, axis ? axis : "", shape ? shape : "");
    free(shape);
    if (key.failed)
        text_release(&key);
    return key.data;
}

/* The family's list of indices, made when there is none; NULL when out of memory. */
static json_t *family_near(json_t *index, const struct record *r, const char *axis)
{
    char *key = family_key(r, axis);
    json_t *near = key ? json_object_get(index, key) : NULL;

    if (key && !near) {
        near = json_array();
        if (json_object_set_new_nocheck(index, key, near))
            near = NULL;
    }
    free(key);
    return near;
}

static int index_contest(json_t *index, const struct record *r, size_t i)
{
    const char *axis;
    json_t *value;
    bool failed = *r->sweep.text &&
                  json_array_append_new(family_near(index, r, NULL), json_integer((json_int_t)i));

    if (!*r->sweep.text)
        json_object_foreach(r->shape, axis, value)
            failed |= json_array_append_new(family_near(index, r, axis),
                                            json_integer((json_int_t)i)) != 0;
    return failed ? STATUS_MEMORY : 0;
}

static const struct contest *near_at(const struct report *report, const struct family *f, size_t i)
{
    return &report->contest[json_integer_value(json_array_get(f->near, i))];
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

static struct estimate cpu_interval(const struct verdict *v, double alpha, double *work,
                                    struct crossover_point *p)
{
    const struct record *r = v->cpu->record;
    size_t n = record_quiet_us(r, &r->wall_ns, work);
    struct estimate e;

    p->set_aside = v->cpu->contended;
    p->excess = crossover_excess(n, alpha);

    for (size_t i = 0; i < n; i++)
        work[i] = log(work[i]);
    e = crossover_interval(work, n, alpha);
    if (v->cpu->is_disturbed) /* an upper bound */
        e.low = log(v->cpu_us.low);
    return e;
}

/* Both sides in the same rounds: what disturbed one disturbed the other. */
static struct estimate paired_interval(const struct verdict *v, double alpha, double *work,
                                       struct crossover_point *p)
{
    const struct record *cpu = v->cpu->record, *gpu = v->gpu->record;
    size_t n = 0;

    for (size_t i = 0; i < cpu->wall_ns.n; i++)
        if (!record_is_contended(cpu, i) && !record_is_contended(gpu, i))
            work[n++] = log(cpu->wall_ns.value[i] / gpu->wall_ns.value[i]);
    p->set_aside = cpu->wall_ns.n - n;
    p->excess = crossover_excess(n, alpha);
    return crossover_interval(work, n, alpha);
}

/* What a side took when it was measured before, over what it takes now; 1: no other measurement. */
static double change_since(const struct record *r)
{
    return r->repeats > 0 ? r->before_ns / stats_series_median(&r->wall_ns) : 1;
}

/* The middle of the measurement before this one, whose rounds are gone. */
static void set_before(const struct verdict *v, struct crossover_point *p)
{
    const struct record *gpu = v->placed ? v->placed : v->gpu->record;
    double before = p->log_ratio.value + log(change_since(v->cpu->record) / change_since(gpu));

    p->repeats = isfinite(before) ? v->cpu->record->repeats : 0;
    p->before = before;
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
        p->log_ratio = paired_interval(v, alpha, work, p);
        p->sure = estimate_exact(p->log_ratio.value);
    } else {
        cpu = cpu_interval(v, is_measured ? alpha / 2 : alpha, work, p);
        gpu = widened(v->gpu_us, is_measured ? crossover_widening(alpha / 2) : 1);
        p->log_ratio = (struct estimate){cpu.value - gpu.value, cpu.low - gpu.high,
                                         cpu.high - gpu.low};
        p->sure = is_measured ? estimate_exact(p->log_ratio.value)
                              : (struct estimate){p->log_ratio.value, cpu.value - gpu.high,
                                                  cpu.value - gpu.low};
    }
    set_before(v, p);
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

    for (size_t i = 0; i < json_array_size(f->near) && !status; i++) {
        const struct contest *c = near_at(report, f, i);
        const struct verdict *v =
            is_member(f, c) ? report_verdict(report, c, f->gpu, f->placement) : NULL;

        if (v)
            status = add_point(x, size_of(f, c), v);
    }
    return status;
}

/* ---- curves ---------------------------------------------------------------------------- */

static void judge_curve(struct crossover *x, const struct family *f)
{
    const struct verdict *v = x->verdict[0];

    x->from = v->contest;
    x->to = x->verdict[x->points - 1]->contest;
    x->gpu = v->gpu->record->device;
    x->is_sweep = !f->axis;
    x->axis = name_of(f->axis ? f->axis : f->first->about->sweep.text);
    x->placement = f->placement;
    x->evidence = v->evidence;
    x->confidence =
        v->evidence == EVIDENCE_MEASURED ? STATS_CONFIDENCE : CROSSOVER_PROJECTED;
    crossover_settle(x->point, x->points, judge_point, x->verdict);
    crossover_find(x->point, x->points, &x->found);
    regret_find(x->point, x->points, &x->regret);
    crossover_words(x);
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

bool crossover_same_sweep(const struct crossover *a, const struct crossover *b)
{
    return a->is_sweep && b->is_sweep && record_same_kind(a->from->about, b->from->about) &&
           strcmp(a->axis.text, b->axis.text) == 0 && strcmp(a->gpu.text, b->gpu.text) == 0;
}

/* Placements that the sweep was asked for; all of them elsewhere. */
static bool is_asked(const struct report *report, const struct family *f)
{
    const json_t *sweep = json_object_get(report->results->header, "sweep");
    const json_t *asked = json_object_get(sweep, "placements");

    for (size_t i = 0; i < json_array_size(asked); i++) {
        const char *name = json_string_value(json_array_get(asked, i));

        if (name && strcmp(name, placement_name(f->placement)) == 0)
            return true;
    }
    return f->axis || !json_array_size(asked);
}

/* On every GPU at every placement; `first` must be the smallest of its family. */
static int add_curves(struct report *report, json_t *index, const struct contest *first,
                      const char *axis)
{
    static const enum placement order[] = {PLACEMENT_RESIDENT, PLACEMENT_ONCE, PLACEMENT_EVERY};
    struct family f = {first, axis, .near = family_near(index, first->about, axis)};
    int status = f.near ? 0 : STATUS_MEMORY;

    if (isnan(size_of(&f, first)))
        return status;
    for (size_t i = 0; i < json_array_size(f.near); i++)
        if (is_member(&f, near_at(report, &f, i)) &&
            size_of(&f, near_at(report, &f, i)) < size_of(&f, first))
            return status;
    for (size_t g = 0; g < report->gpus; g++)
        for (size_t p = 0; p < sizeof order / sizeof *order && !status; p++) {
            f.gpu = report->gpu[g].id.text;
            f.placement = order[p];
            if (is_asked(report, &f))
                status = add_curve(report, &f);
        }
    return status;
}

static int find_curves(struct report *report, json_t *index)
{
    int status = 0;

    for (size_t i = 0; i < report->contests && !status; i++)
        status = index_contest(index, report->contest[i].about, i);
    for (size_t i = 0; i < report->contests && !status; i++) {
        const struct contest *contest = &report->contest[i];
        const char *axis;
        json_t *value;

        if (*contest->about->sweep.text) {
            status = add_curves(report, index, contest, NULL);
            continue;
        }
        json_object_foreach(contest->about->shape, axis, value)
        {
            status = add_curves(report, index, contest, axis);
            if (status)
                break;
        }
    }
    return status;
}

int judge_crossovers(struct report *report)
{
    json_t *index = json_object();
    int status = index ? find_curves(report, index) : STATUS_MEMORY;

    json_decref(index);
    return status;
}
