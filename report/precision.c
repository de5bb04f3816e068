/* SPDX-License-Identifier: MIT */
/* Every way to take part of a verdict in fewer bits is held against the side it would replace.
 * Of several variants in one precision the fastest is told. Nothing here writes to a verdict. */
#include "report/precision.h"

#include <math.h>
#include <string.h>

#include "report/judge.h"
#include "report/stats.h"
#include "report/units.h"

double record_roundoff(const struct record *r)
{
    return isnan(r->roundoff) ? dtype_roundoff(r->dtype) : r->roundoff;
}

/* Of variants that round their inputs there is only tf32. */
const char *record_precision(const struct record *r)
{
    return record_roundoff(r) > dtype_roundoff(r->dtype) ? "tf32" : dtype_name(r->dtype);
}

/* ---- one verdict ----------------------------------------------------------------- */

/* May the record stand for a side of the verdict in lower precision? Results in integers are
 * exact, their inputs are not: what quantising loses depends on the data, not on the type. */
static bool is_rival(const struct record *r, const struct contender *side)
{
    double own = record_roundoff(side->record);

    return (r->kind == RECORD_CELL || r->kind == RECORD_PROJECTION) && !r->proof && !r->straw &&
           r->outcome == OUTCOME_OK && r->evidence != EVIDENCE_SOFTWARE && own > 0 &&
           record_roundoff(r) > own && r->memory == side->record->memory &&
           strcmp(r->device.text, side->record->device.text) == 0 &&
           record_same_shape(r, side->record);
}

/* Its time in place of the verdict's GPU: measured where that was measured, else from the parts
 * where that was. tf32 has the placements of f32, but none were measured of it. */
static struct estimate gpu_rival_us(const struct report *report, const struct verdict *v,
                                    const struct record *r)
{
    struct contender rival = {.record = r, .time_us = record_in_place_us(r)};
    const struct record *placed;

    if (!v->placed)
        return placement_parts_us(&rival, v->placement);
    placed = r->dtype == v->contest->about->dtype
                 ? NULL
                 : ledger_placed(report, r, r->device.text, RECORD_PLACEMENT, v->placement);
    return placed ? record_wall_us(placed) : estimate_missing();
}

static struct lower lower_of(const struct report *report, const struct verdict *v,
                             const struct record *r, bool is_cpu)
{
    const struct contender *side = is_cpu ? v->cpu : v->gpu;
    struct estimate own = is_cpu ? v->cpu_us : v->gpu_us;
    struct lower l = {.verdict = (size_t)(v - report->verdict),
                      .is_cpu = is_cpu,
                      .record = r,
                      .error = record_roundoff(r) / record_roundoff(side->record),
                      .us = is_cpu ? record_in_place_us(r) : gpu_rival_us(report, v, r),
                      .evidence = r->evidence > side->record->evidence ? r->evidence
                                                                       : side->record->evidence};

    l.share = l.us.value / own.value;
    l.speedup = is_cpu ? estimate_ratio(l.us, v->gpu_us) : estimate_ratio(v->cpu_us, l.us);
    l.decision = decision_of(l.speedup);
    return l;
}

/* Into the list from `first` on, which holds what is known of this verdict. */
static int lower_keep(struct report *report, size_t first, struct lower new)
{
    struct lower *to = NULL;

    for (size_t i = first; i < report->lowers && !to; i++)
        if (report->lower[i].is_cpu == new.is_cpu && report->lower[i].error == new.error)
            to = &report->lower[i];
    if (to && to->us.value <= new.us.value)
        return 0;
    if (!to)
        to = report_push(&report->lower, &report->lowers, sizeof *to);
    if (!to)
        return STATUS_MEMORY;
    *to = new;
    return 0;
}

static int find_lower(struct report *report, const struct verdict *v)
{
    const struct results *results = report->results;
    size_t first = report->lowers;
    int status = 0;

    for (size_t i = 0; i < results->records && !status; i++)
        for (int is_cpu = 0; is_cpu < 2 && !status; is_cpu++) {
            const struct record *r = &results->record[i];
            struct lower l;

            if (!is_rival(r, is_cpu ? v->cpu : v->gpu))
                continue;
            l = lower_of(report, v, r, is_cpu);
            if (estimate_is_known(l.us) && l.share * (1 + VERDICT_TIE) < 1)
                status = lower_keep(report, first, l);
        }
    return status;
}

/* ---- all together ---------------------------------------------------------------- */

static const struct contender *side_of(const struct report *report, const struct lower *l)
{
    const struct verdict *v = &report->verdict[l->verdict];

    return l->is_cpu ? v->cpu : v->gpu;
}

static bool is_alike(const struct report *report, const struct lower *a, const struct lower *b)
{
    return a->is_cpu == b->is_cpu && a->error == b->error &&
           strcmp(a->record->device.text, b->record->device.text) == 0 &&
           strcmp(record_precision(a->record), record_precision(b->record)) == 0 &&
           strcmp(record_precision(side_of(report, a)->record),
                  record_precision(side_of(report, b)->record)) == 0;
}

static struct lower_sum *sum_for(struct report *report, const struct lower *l)
{
    struct lower_sum *sum;

    for (size_t i = 0; i < report->lower_sums; i++)
        if (is_alike(report, report->lower_sum[i].about, l))
            return &report->lower_sum[i];
    sum = report_push(&report->lower_sum, &report->lower_sums, sizeof *sum);
    if (sum)
        *sum = (struct lower_sum){.about = l, .evidence = l->evidence, .least = INFINITY};
    return sum;
}

/* Verdicts come by contest: one of another contest is another problem. */
static int sum_lower(struct report *report)
{
    for (size_t i = 0; i < report->lowers; i++) {
        const struct lower *l = &report->lower[i];
        struct lower_sum *sum = sum_for(report, l);
        bool is_new = true;

        if (!sum)
            return STATUS_MEMORY;
        for (size_t k = i; k-- > 0 && is_new &&
                           report->verdict[report->lower[k].verdict].contest ==
                               report->verdict[l->verdict].contest;)
            is_new = !is_alike(report, &report->lower[k], l);
        sum->problems += is_new;
        sum->verdicts++;
        sum->turned += l->decision != report->verdict[l->verdict].decision;
        sum->least = fmin(sum->least, l->share);
        sum->most = fmax(sum->most, l->share);
        sum->evidence = l->evidence > sum->evidence ? l->evidence : sum->evidence;
    }
    return 0;
}

int judge_precision(struct report *report)
{
    int status = 0;

    for (size_t i = 0; i < report->verdicts && !status; i++)
        status = find_lower(report, &report->verdict[i]);
    return status ? status : sum_lower(report);
}

/* ---- in words -------------------------------------------------------------------- */

const char *lower_instead(const struct report *report, const struct lower_sum *sum)
{
    return record_precision(side_of(report, sum->about)->record);
}

void lower_write(const struct report *report, const struct lower *l, struct text *out)
{
    const struct verdict *v = &report->verdict[l->verdict];

    text_printf(out, "%s on the same %s %s %s the time (%s), at %s times the rounding error: not "
                     "the same answer",
                record_precision(l->record), l->is_cpu ? "CPU" : "GPU",
                l->evidence == EVIDENCE_MEASURED ? "takes" : "would take",
                words_ratio(l->share).text, evidence_name(l->evidence),
                words_count(l->error).text);
    if (l->decision != v->decision)
        text_printf(out, "; against the other side's %s it would be %s instead of %s",
                    dtype_name(v->contest->about->dtype), decision_name(l->decision),
                    decision_name(v->decision));
}

/* The devices on which one precision stands for another, in one note. */
static bool is_one_note(const struct report *report, const struct lower_sum *a,
                        const struct lower_sum *b)
{
    return a->evidence == b->evidence && a->about->is_cpu == b->about->is_cpu &&
           a->about->error == b->about->error &&
           strcmp(lower_instead(report, a), lower_instead(report, b)) == 0;
}

static void write_device(const struct lower_sum *s, struct text *out)
{
    text_printf(out, "%s", words_ratio(s->least).text);
    if (s->problems > 1)
        text_printf(out, " to %s", words_ratio(s->most).text);
    text_printf(out, " the time on %s (%zu problem%s", s->about->record->device.text, s->problems,
                s->problems == 1 ? "" : "s");
    if (s->turned)
        text_printf(out, ", turning %zu of %zu answers", s->turned, s->verdicts);
    text_add(out, ")");
}

static void write_note(const struct report *report, size_t first, struct text *out)
{
    const struct lower_sum *a = &report->lower_sum[first];

    text_printf(out, "lower precision: %s instead of %s %s (%s) ",
                record_precision(a->about->record), lower_instead(report, a),
                a->evidence == EVIDENCE_MEASURED ? "takes" : "would take",
                evidence_name(a->evidence));
    for (size_t i = first; i < report->lower_sums; i++)
        if (is_one_note(report, a, &report->lower_sum[i])) {
            text_add(out, i == first ? "" : ", ");
            write_device(&report->lower_sum[i], out);
        }
    text_printf(out, ", at %s times the rounding error: not the same answer, so no verdict "
                     "counts it", words_count(a->about->error).text);
}

int note_precision(struct report *report)
{
    int status = 0;

    for (size_t i = 0; i < report->lower_sums && !status; i++) {
        bool is_worth = false, is_said = false;
        struct text line = {0};

        for (size_t k = 0; k < report->lower_sums; k++)
            if (is_one_note(report, &report->lower_sum[i], &report->lower_sum[k])) {
                is_said |= k < i;
                is_worth |= report->lower_sum[k].turned > 0 || report->lower_sum[k].least < 1 / 1.2;
            }
        if (is_said || !is_worth)
            continue;
        write_note(report, i, &line);
        status = line.failed ? STATUS_MEMORY : report_note(report, "%s", line.data);
        text_release(&line);
    }
    return status;
}
