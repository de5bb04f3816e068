/* SPDX-License-Identifier: MIT */
/* From records to a report, step by step; each step is a room of its own. */
#include "report/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/judge.h"

void *report_push(void *array, size_t *count, size_t size)
{
    char *base;

    memcpy(&base, array, sizeof base);
    if ((*count & (*count - 1)) == 0) { /* room doubles */
        size_t cap = *count ? 2 * *count : 1;
        char *grown = realloc(base, cap * size);

        if (!grown)
            return NULL;
        memcpy(array, &grown, sizeof grown);
        base = grown;
    }
    return memset(base + (*count)++ * size, 0, size);
}

int report_note(struct report *report, const char *format, ...)
{
    struct text text = {0};
    char line[700], **note;
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_add(&text, line);
    note =
        text.failed ? NULL : report_push(&report->note, &report->notes, sizeof *note);
    if (!note)
        return STATUS_MEMORY;
    *note = text.data;
    return 0;
}

const char *report_header(const struct report *report, const char *key)
{
    const char *text = json_string_value(json_object_get(report->results->header, key));

    return text ? text : "";
}

/* ---- lists ----------------------------------------------------------------------- */

static int push_record(const struct record ***list, size_t *count,
                       const struct record *r)
{
    const struct record **at = report_push(list, count, sizeof *at);

    if (!at)
        return STATUS_MEMORY;
    *at = r;
    return 0;
}

static int sort_out(struct report *report, const struct record *r)
{
    int status = 0;

    if (r->outcome == OUTCOME_OK || r->outcome == OUTCOME_WRONG)
        status = r->kind == RECORD_CELL && !isnan(r->error)
                     ? push_record(&report->check, &report->checks, r)
                     : 0;
    if (!status && r->outcome != OUTCOME_OK)
        status = push_record(&report->left_out, &report->left_outs, r);
    if (!status && r->outcome == OUTCOME_OK && r->kind == RECORD_CELL && !r->judged &&
        !r->proof && !r->straw)
        status = push_record(&report->overhead, &report->overheads, r);
    return status;
}

static int judge_lists(struct report *report)
{
    int status = 0;

    for (size_t i = 0; i < report->results->records && !status; i++)
        status = sort_out(report, &report->results->record[i]);
    return status;
}

/* ---- the whole ------------------------------------------------------------------- */

int report_build(const struct results *results, struct report *report, struct why *why)
{
    static int (*const step[])(struct report *) = {
        judge_gpus,     judge_ceilings,   judge_contests, judge_ledger,
        judge_verdicts, judge_splits,     judge_lifetimes, judge_chains,
        judge_expenses, judge_flips,      judge_crossovers, judge_strawmen,
        judge_precision, judge_lists,     judge_headline, judge_notes,
    };
    int status = 0;

    *report = (struct report){.results = results};
    if (results->records == 0)
        return why_fail(
            why, STATUS_INVALID,
            "the results hold a header but no record: nothing was measured");
    for (size_t i = 0; i < sizeof step / sizeof *step && !status; i++)
        status = step[i](report);
    if (status) {
        report_release(report);
        return why_fail(why, (enum status)status, "cannot judge the results: %s",
                        status_text(status));
    }
    return 0;
}

void report_release(struct report *report)
{
    for (size_t i = 0; i < report->contests; i++) {
        free(report->contest[i].cpu);
        free(report->contest[i].gpu);
    }
    for (size_t i = 0; i < report->chains; i++)
        free(report->chain[i].step);
    for (size_t i = 0; i < report->crossovers; i++) {
        free(report->crossover[i].point);
        free(report->crossover[i].verdict);
    }
    for (size_t i = 0; i < report->notes; i++)
        free(report->note[i]);
    free(report->gpu);
    free(report->ceiling);
    free(report->contest);
    free(report->verdict);
    free(report->split);
    free(report->chain);
    free(report->crossover);
    free(report->ledger);
    free(report->lifetime);
    free(report->lower);
    free(report->lower_sum);
    free(report->check);
    free(report->left_out);
    free(report->overhead);
    free(report->note);
    *report = (struct report){0};
}
