/* SPDX-License-Identifier: MIT */
/* Tables of timelines and of the answers by lifetime. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/ledger.h"
#include "report/stats.h"
#include "report/tables.h"
#include "report/units.h"

double ledger_residual(const struct ledger_row *row)
{
    return (row->wall_ns - row->sum_ns) / row->wall_ns;
}

struct name ledger_title(const struct record *r)
{
    struct name title;

    snprintf(title.text, sizeof title.text, "%s, %s",
             r->kind == RECORD_COLD   ? "first call"
             : r->kind == RECORD_CELL ? "resident"
                                      : placement_name(r->placement),
             memory_name(r->memory));
    return title;
}

void table_ledger(const struct report *report, struct grid *grid)
{
    enum { NAMES = 5 };
    static const struct grid_column names[NAMES] = {{"cell", GRID_LEFT},
                                                    {"device", GRID_LEFT},
                                                    {"placement", GRID_LEFT},
                                                    {"whole call", GRID_RIGHT},
                                                    {"in parts", GRID_RIGHT}};

    memcpy(grid->column, names, sizeof names);
    for (int i = 0; i < LEDGERS; i++)
        grid->column[NAMES + i] = (struct grid_column){ledger_name((enum ledger)i), GRID_RIGHT};
    grid->column[NAMES + LEDGERS] = (struct grid_column){"residual", GRID_RIGHT};
    for (size_t i = 0; i < report->ledgers; i++) {
        const struct ledger_row *row = &report->ledger[i];
        const struct record *r = row->record;

        grid_printf(grid, "%s/%s %s %s", r->workload.text, r->variant.text,
                    dtype_name(r->dtype), r->shape_text.text);
        grid_printf(grid, "%s%s", evidence_mark(r->evidence), r->device.text);
        grid_add(grid, ledger_title(r).text);
        grid_add(grid, words_time(row->whole_ns / 1e3).text);
        grid_add(grid, words_time(row->wall_ns / 1e3).text);
        for (int k = 0; k < LEDGERS; k++)
            grid_add(grid, words_time(r->ledger_ns[k] / 1e3).text);
        grid_printf(grid, "%.1f %%", 100 * ledger_residual(row));
    }
}

void table_lifetimes(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"operation", GRID_LEFT},   {"shape", GRID_LEFT},       {"GPU", GRID_LEFT},
        {"set-up", GRID_RIGHT},     {"call", GRID_RIGHT},       {"one cold call", GRID_LEFT},
        {"one second", GRID_LEFT},  {"resident service", GRID_LEFT},
        {"pays from", GRID_RIGHT},
    };

    memcpy(grid->column, columns, sizeof columns);
    for (size_t i = 0; i < report->lifetimes; i++) {
        const struct lifetime *l = &report->lifetime[i];
        const char *mark = evidence_mark(l->evidence);

        grid_add(grid, l->contest->op.text);
        grid_printf(grid, "%s %s", dtype_name(l->contest->about->dtype),
                    l->contest->about->shape_text.text);
        grid_add(grid, l->gpu->record->device.text);
        grid_printf(grid, "%s%s", isnan(l->setup_us.value) ? "" : mark,
                    words_time(l->setup_us.value).text);
        grid_printf(grid, "%s%s", mark, words_time(l->call_us.value).text);
        for (int k = 0; k < LIFETIMES; k++)
            if (estimate_is_known(l->speedup[k]))
                grid_printf(grid, "%s (%s)", decision_name(l->decision[k]),
                            words_ratio(l->speedup[k].value).text);
            else
                grid_add(grid, "-");
        grid_printf(grid, "%s%s", words_reuse(l->flip).text,
                    isfinite(l->flip.value) ? " calls" : "");
    }
}

/* ---- one sentence ------------------------------------------------------------------------ */

/* Timelines too short for their rows to be held against anything; what rows may miss. */
static const double short_ns = 1e6, tolerable = 0.05;

/* How far warm calls in parts are from whole ones: those are other calls. */
static void say_waiting(const struct report *report, struct text *out)
{
    double *more = calloc(report->ledgers + 1, sizeof *more);
    size_t n = 0, apart = 0;

    for (size_t i = 0; more && i < report->ledgers; i++) {
        const struct ledger_row *row = &report->ledger[i];

        if (row->record->kind == RECORD_PLACEMENT && row->wall_ns > short_ns)
            more[n++] = row->wall_ns / row->whole_ns - 1;
    }
    for (size_t i = 0; i < n; i++)
        apart += fabs(more[i]) > tolerable;
    if (n)
        text_printf(out, "; waiting after every part lengthens the warm ones by %.1f %% at the "
                    "median, and %zu of %zu are more than %.0f %% from the median whole call",
                    100 * stats_median(more, n), apart, n, 100 * tolerable);
    free(more);
}

void ledger_summary(const struct report *report, struct text *out)
{
    const struct ledger_row *worst = NULL;
    size_t n = 0, good = 0;

    for (size_t i = 0; i < report->ledgers; i++) {
        const struct ledger_row *row = &report->ledger[i];

        if (row->wall_ns <= short_ns)
            continue;
        n++;
        good += fabs(ledger_residual(row)) <= tolerable;
        if (!worst || fabs(ledger_residual(row)) > fabs(ledger_residual(worst)))
            worst = row;
    }
    if (!n)
        return;
    text_printf(out, "%zu timelines of device calls, %zu of them over 1 ms: in %zu of these the rows "
                "add up to the call within %.0f %%, the worst misses %.1f %% (%s %s, %s on %s)",
                report->ledgers, n, good, 100 * tolerable, 100 * ledger_residual(worst),
                worst->record->workload.text, worst->record->shape_text.text,
                ledger_title(worst->record).text, worst->record->device.text);
    say_waiting(report, out);
}
