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
    enum { NAMES = 4 };
    static const struct grid_column names[NAMES] = {{"cell", GRID_LEFT},
                                                    {"device", GRID_LEFT},
                                                    {"placement", GRID_LEFT},
                                                    {"wall", GRID_RIGHT}};

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

/* Timelines too short for their rows to be held against anything. */
static const double short_ns = 1e6;

void ledger_summary(const struct report *report, struct text *out)
{
    double *off = calloc(report->ledgers + 1, sizeof *off);
    const struct ledger_row *worst = NULL;
    size_t n = 0;

    for (size_t i = 0; off && i < report->ledgers; i++) {
        const struct ledger_row *row = &report->ledger[i];

        if (row->wall_ns <= short_ns)
            continue;
        off[n++] = fabs(ledger_residual(row));
        if (!worst || off[n - 1] > fabs(ledger_residual(worst)))
            worst = row;
    }
    if (n) {
        text_printf(out, "%zu timelines of device calls, %zu of them over 1 ms: of these the rows of "
                    "half miss the wall time by at most %.1f %%", report->ledgers, n,
                    100 * stats_median(off, n));
        text_printf(out, ", the worst by %.1f %% (%s %s, %s on %s)",
                    100 * ledger_residual(worst), worst->record->workload.text,
                    worst->record->shape_text.text, ledger_title(worst->record).text,
                    worst->record->device.text);
    }
    free(off);
}
