/* SPDX-License-Identifier: MIT */
/* Problems that differ in one axis only are a family; along it the winner may change.
 * Only sizes that were measured speak: the crossover is a bracket, never a point, and
 * undecided sizes widen it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/judge.h"
#include "report/units.h"

/* A family must have so many sizes before "the winner never changes" says anything. */
enum { FAMILY_LEAST = 3 };

static double size_at(const struct contest *contest, const char *axis)
{
    const json_t *value = json_object_get(contest->about->shape, axis);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Alike in everything but `axis`. */
static bool is_family(const struct contest *a, const struct contest *b,
                      const char *axis)
{
    const char *key;
    json_t *value;

    if (a->about->dtype != b->about->dtype || a->about->cache != b->about->cache ||
        strcmp(a->about->workload.text, b->about->workload.text) != 0 ||
        json_object_size(a->about->shape) != json_object_size(b->about->shape))
        return false;
    json_object_foreach(a->about->shape, key, value)
    {
        const json_t *other = json_object_get(b->about->shape, key);

        if (!other || (strcmp(key, axis) != 0 && !json_equal(value, other)))
            return false;
    }
    return true;
}

/* The next larger size of the family, or NULL. `from` may be -INFINITY: the smallest.
 */
static const struct contest *next_size(const struct report *report,
                                       const struct contest *of, const char *axis,
                                       double from)
{
    const struct contest *next = NULL;

    for (size_t i = 0; i < report->contests; i++) {
        const struct contest *c = &report->contest[i];
        double size = size_at(c, axis);

        if (size > from && is_family(of, c, axis) &&
            (!next || size < size_at(next, axis)))
            next = c;
    }
    return next;
}

struct walk {
    const struct contest *from, *last; /* last decided size, last size */
    enum decision decision;
    int decided, found;
};

/* "gemm bf16 n=3072 k=2048": everything but the axis. */
static void write_family(const struct crossover *x, char *out, size_t size)
{
    const struct record *r = x->from->about;
    int n = snprintf(out, size, "%s %s", r->workload.text, dtype_name(r->dtype));
    const char *key;
    json_t *value;

    json_object_foreach(r->shape, key, value)
    {
        if (n < 0 || (size_t)n >= size || strcmp(key, x->axis.text) == 0)
            continue;
        if (json_is_string(value))
            n += snprintf(out + n, size - (size_t)n, " %s=%s", key,
                          json_string_value(value));
        else
            n += snprintf(out + n, size - (size_t)n, " %s=%.0f", key,
                          json_number_value(value));
    }
}

static void write_text(struct crossover *x)
{
    char family[160];

    write_family(x, family, sizeof family);
    if (isnan(x->low))
        snprintf(x->text, sizeof x->text,
                 "%s, %s on %s: %s at every %s that was measured", family,
                 placement_name(x->placement), x->gpu.text, decision_name(x->after),
                 x->axis.text);
    else
        snprintf(x->text, sizeof x->text,
                 "%s, %s on %s: %s up to %s = %s, %s from %s on", family,
                 placement_name(x->placement), x->gpu.text, decision_name(x->before),
                 x->axis.text, words_count(x->low).text, decision_name(x->after),
                 words_count(x->high).text);
}

static int add_crossover(struct report *report, const struct walk *w,
                         const struct verdict *v, const char *axis, enum decision after)
{
    struct crossover *x =
        report_push(&report->crossover, &report->crossovers, sizeof *x);
    bool changes = after != w->decision;

    if (!x)
        return STATUS_MEMORY;
    *x = (struct crossover){.from = w->from,
                            .to = w->last,
                            .gpu = v->gpu->record->device,
                            .placement = v->placement,
                            .evidence = v->evidence,
                            .low = changes ? size_at(w->from, axis) : NAN,
                            .high = changes ? size_at(w->last, axis) : NAN,
                            .before = w->decision,
                            .after = after};
    snprintf(x->axis.text, sizeof x->axis.text, "%s", axis);
    write_text(x);
    return 0;
}

/* From the smallest size of the family upwards, on one GPU at one placement. */
static int walk_family(struct report *report, const struct contest *first,
                       const char *axis, const char *gpu, enum placement placement)
{
    struct walk w = {0};
    const struct verdict *v = NULL, *seen;
    int status = 0;

    for (const struct contest *c = first; c && !status;
         c = next_size(report, first, axis, size_at(c, axis))) {
        seen = report_verdict(report, c, gpu, placement);
        if (!seen || seen->decision == DECISION_UNDECIDED)
            continue;
        v = seen;
        w.last = c;
        if (w.decided++ > 0 && seen->decision != w.decision) {
            status = add_crossover(report, &w, v, axis, seen->decision);
            w.found++;
        }
        w.from = c;
        w.decision = seen->decision;
    }
    if (!status && !w.found && w.decided >= FAMILY_LEAST)
        status = add_crossover(report, &w, v, axis, w.decision);
    return status;
}

static int walk_axis(struct report *report, const struct contest *contest,
                     const char *axis)
{
    static const enum placement order[] = {PLACEMENT_RESIDENT, PLACEMENT_ONCE,
                                           PLACEMENT_EVERY};
    int status = 0;

    if (isnan(size_at(contest, axis)) ||
        next_size(report, contest, axis, -INFINITY) != contest || /* not the smallest */
        !next_size(report, contest, axis, size_at(contest, axis)))
        return 0;
    for (size_t g = 0; g < report->gpus; g++)
        for (size_t p = 0; p < sizeof order / sizeof *order && !status; p++)
            status =
                walk_family(report, contest, axis, report->gpu[g].id.text, order[p]);
    return status;
}

int judge_crossovers(struct report *report)
{
    int status = 0;

    for (size_t i = 0; i < report->contests && !status; i++) {
        const struct contest *contest = &report->contest[i];
        const char *axis;
        json_t *value;

        json_object_foreach(contest->about->shape, axis, value)
        {
            status = walk_axis(report, contest, axis);
            if (status)
                break;
        }
    }
    return status;
}
