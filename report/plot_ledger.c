/* SPDX-License-Identifier: MIT */
/* Waterfalls of the problem that took its device longest: a process's first call row by row,
 * and the parts of a later call, placement by placement. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/figure.h"
#include "report/ledger.h"

/* The parts of a warm call; what is neither here nor a row of it is drawn as the rest. */
static const enum ledger parts[] = {LEDGER_UPLOAD, LEDGER_LAUNCH, LEDGER_KERNEL, LEDGER_SYNC,
                                    LEDGER_DOWNLOAD};
enum { PARTS = 5 };

/* ---- what to draw ------------------------------------------------------------------------ */

/* The longest timeline of a kind on the device of `of`. */
static const struct ledger_row *longest(const struct report *report, const struct record *of,
                                        enum record_kind kind)
{
    const struct ledger_row *most = NULL;

    for (size_t i = 0; i < report->ledgers; i++) {
        const struct ledger_row *row = &report->ledger[i];

        if (row->record->kind == kind &&
            strcmp(row->record->device.text, of->device.text) == 0 &&
            (!most || row->wall_ns > most->wall_ns))
            most = row;
    }
    return most;
}

static bool is_first_of_device(const struct report *report, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(report->ledger[i].record->device.text,
                   report->ledger[at].record->device.text) == 0)
            return false;
    return true;
}

static bool is_same_cell(const struct record *a, const struct record *b)
{
    return a->kind == b->kind && a->dtype == b->dtype && a->cache == b->cache &&
           strcmp(a->device.text, b->device.text) == 0 &&
           strcmp(a->variant.text, b->variant.text) == 0 &&
           strcmp(a->workload.text, b->workload.text) == 0 && json_equal(a->shape, b->shape);
}

/* ---- drawing ----------------------------------------------------------------------------- */

static int begin(struct figure *f, struct album *album, const struct record *r, const char *what)
{
    char file[64];

    snprintf(file, sizeof file, "ledger-%.10s-%.40s", what, r->device.text);
    if (figure_begin(f, album, PLOT_LEDGER, "plots/ledger.gp", file))
        return STATUS_MEMORY;
    snprintf(f->plot->title, sizeof f->plot->title, "%.20s %s %.40s on %.30s (%s): %s",
             r->workload.text, dtype_name(r->dtype), r->shape_text.text, r->device.text,
             evidence_name(r->evidence), what);
    snprintf(f->plot->caption, sizeof f->plot->caption,
             "Each bar begins where the one before it ended; rows were timed one by one and the "
             "call that they are of apart from them, residual is what no row holds (below zero: rows are more "
             "than the whole).%s",
             r->evidence == EVIDENCE_SOFTWARE
                 ? " The device is emulated: this shows that the ledger adds up, and says nothing "
                   "about a GPU."
                 : "");
    return 0;
}

static void add_piece(struct figure *f, int series, double y, double *at_ms, double ns,
                      const char *text)
{
    double end = *at_ms + (isnan(ns) ? 0 : ns / 1e6);
    struct estimate piece = {end, fmin(*at_ms, end), fmax(*at_ms, end)};

    figure_point(f, series, y, isnan(ns) ? (struct estimate){NAN, NAN, NAN} : piece, text);
    *at_ms = end;
}

static int draw_first_call(struct album *album, const struct ledger_row *row)
{
    const struct record *r = row->record;
    struct figure f;
    double at_ms = 0;
    char text[96];

    if (begin(&f, album, r, "first call"))
        return STATUS_MEMORY;
    figure_series(&f, "row", r->evidence, 0);
    figure_series(&f, "residual", r->evidence, 4);
    for (int i = 0; i < LEDGERS; i++) {
        if (isnan(r->ledger_ns[i]))
            continue;
        snprintf(text, sizeof text, "%s", words_time(r->ledger_ns[i] / 1e3).text);
        add_piece(&f, 0, figure_row(&f, ledger_name((enum ledger)i), 1), &at_ms,
                  r->ledger_ns[i], text);
    }
    snprintf(text, sizeof text, "%s, %.1f %%",
             words_time(fabs(row->wall_ns - row->sum_ns) / 1e3).text, 100 * ledger_residual(row));
    add_piece(&f, 1, figure_row(&f, "residual", 1), &at_ms, row->wall_ns - row->sum_ns, text);
    text_printf(&f.data, "XMIN = 0\nXMAX = %.9g\n", 1.02 * fmax(row->wall_ns, row->sum_ns) / 1e6);
    return figure_end(&f, album);
}

/* The parts in order, then what no row holds. */
static double add_call(struct figure *f, const struct ledger_row *row)
{
    const struct record *r = row->record;
    double y = figure_row(f, ledger_title(r).text, 1), at_ms = 0;
    char text[96];

    for (int i = 0; i < PARTS; i++)
        add_piece(f, i, y, &at_ms, r->ledger_ns[parts[i]], "");
    snprintf(text, sizeof text, "%s, residual %.1f %%", words_time(row->wall_ns / 1e3).text,
             100 * ledger_residual(row));
    add_piece(f, PARTS, y, &at_ms, row->wall_ns - row->sum_ns, text);
    return fmax(row->wall_ns, row->sum_ns) / 1e6;
}

static int draw_placements(struct album *album, const struct ledger_row *of)
{
    static const int tone[PARTS] = {0, 5, 1, 2, 3}, fill[PARTS] = {4, 1, 3, 2, 5};
    const struct report *report = album->report;
    double most_ms = 0;
    struct figure f;

    if (begin(&f, album, of->record, "placements"))
        return STATUS_MEMORY;
    for (int i = 0; i <= PARTS; i++) {
        const char *name = i < PARTS ? ledger_name(parts[i]) : "residual";
        int s = figure_series(&f, name, of->record->evidence, i < PARTS ? tone[i] : 4);

        snprintf(f.title[s], sizeof f.title[s], "%s", name);
        f.fill[s] = i < PARTS ? fill[i] : 6;
    }
    for (size_t i = 0; i < report->ledgers; i++)
        if (is_same_cell(report->ledger[i].record, of->record))
            most_ms = fmax(most_ms, add_call(&f, &report->ledger[i]));
    text_printf(&f.data, "XMIN = 0\nXMAX = %.9g\n", 1.02 * most_ms);
    return figure_end(&f, album);
}

int plot_ledger(struct album *album)
{
    const struct report *report = album->report;
    int status = 0;

    for (size_t i = 0; i < report->ledgers && !status; i++) {
        const struct record *r = report->ledger[i].record;
        const struct ledger_row *cold, *warm;

        if (!is_first_of_device(report, i))
            continue;
        cold = longest(report, r, RECORD_COLD);
        warm = longest(report, r, RECORD_PLACEMENT);
        if (cold)
            status = draw_first_call(album, cold);
        if (warm && !status)
            status = draw_placements(album, warm);
    }
    return status;
}
