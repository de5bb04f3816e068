/* SPDX-License-Identifier: MIT */
/* Time, speed-up and reached share, operation by operation: one set of figures for each
 * phase of a model, or for each workload of a suite that has no model. */
#include <math.h>
#include <string.h>

#include "report/figure.h"
#include "report/units.h"

enum { ROWS_MOST = 24 };

struct row {
    const struct contest *contest; /* NULL: was not measured */
    char name[64];
};

struct group {
    char title[96]; /* "llama-3.2-1b decode, batch 1, context 512" */
    char name[48];  /* for files: "decode-b1-c512" */
    struct row row[ROWS_MOST];
    int rows;
};

static const struct contender *on_gpu(const struct contest *contest, const char *gpu)
{
    const struct contender *best = NULL;

    for (size_t i = 0; contest && i < contest->gpus; i++)
        if (strcmp(contest->gpu[i].record->device.text, gpu) == 0 &&
            (!best || contest->gpu[i].time_us.value < best->time_us.value))
            best = &contest->gpu[i];
    return best;
}

/* Contender of series i: the CPU's best, then the GPUs in order. */
static const struct contender *contender_of(const struct report *report,
                                            const struct contest *contest, int i)
{
    if (i > 0)
        return on_gpu(contest, report->gpu[i - 1].id.text);
    return contest && contest->cpus ? &contest->cpu[0] : NULL;
}

/* ---- time ------------------------------------------------------------------------------ */

static int draw_time(struct album *album, const struct group *g)
{
    struct estimate range = FIGURE_RANGE, missing = {NAN, NAN, NAN};
    struct figure f;
    char name[64], text[96];
    int sides;

    snprintf(name, sizeof name, "time-%s", g->name);
    if (figure_begin(&f, album, PLOT_TIME, "plots/time.gp", name))
        return STATUS_MEMORY;
    snprintf(f.plot->title, sizeof f.plot->title, "Time by operation: %s", g->title);
    snprintf(f.plot->caption, sizeof f.plot->caption,
             "One call with its arguments in place; on a GPU its launch is included. The CPU's "
             "time is that of its fastest correct variant, which is named at the right.");
    sides = figure_sides(&f, album->report);
    for (int r = 0; r < g->rows; r++) {
        double y = figure_row(&f, g->row[r].name, sides);

        for (int i = 0; i < sides; i++, y += LINE_PX) {
            const struct contender *c = contender_of(album->report, g->row[r].contest, i);

            snprintf(text, sizeof text, "%s%s%.24s",
                     c ? words_time(c->time_us.value).text : i ? "not projected" : "not measured",
                     c && i == 0 ? "  " : "", c && i == 0 ? c->record->variant.text : "");
            figure_range(&range, c ? c->time_us : missing);
            figure_point(&f, i, y, c ? c->time_us : missing, text);
        }
    }
    figure_log_axis(&f, 'x', &range, tick_time);
    return figure_end(&f, album);
}

/* ---- speed-up -------------------------------------------------------------------------- */

static const char *placement_words(enum placement placement)
{
    return placement == PLACEMENT_EVERY  ? "everything is sent on each call"
           : placement == PLACEMENT_ONCE ? "weights are sent once for up to 100 calls"
                                         : "data are on the GPU already";
}

static void speedup_point(struct figure *f, int series, double y, const struct verdict *v)
{
    struct estimate e = v ? v->speedup : (struct estimate){NAN, NAN, NAN};
    char text[96];

    if (isnan(e.value))
        snprintf(text, sizeof text, "not known");
    else
        snprintf(text, sizeof text, "%s %s", words_ratio_range(e).text,
                 decision_name(v->decision));
    figure_point(f, series, y, e, text);
}

static int draw_speedup(struct album *album, const struct group *g, enum placement placement)
{
    const struct report *report = album->report;
    struct estimate range = {NAN, 1, 1};
    struct figure f;
    char name[80];
    int known = 0;

    snprintf(name, sizeof name, "speedup-%s%s%s", g->name,
             placement == PLACEMENT_RESIDENT ? "" : "-",
             placement == PLACEMENT_RESIDENT ? "" : placement_name(placement));
    if (figure_begin(&f, album, PLOT_SPEEDUP, "plots/speedup.gp", name))
        return STATUS_MEMORY;
    snprintf(f.plot->title, sizeof f.plot->title, "Speed-up by operation: %s", g->title);
    snprintf(f.plot->caption, sizeof f.plot->caption,
             "CPU time over GPU time when the %s, with its interval. Right of the line the GPU "
             "is faster; an interval that crosses it leaves the case undecided.",
             placement_words(placement));
    f.is_of_gpus = true;
    for (size_t i = 0; i < figure_gpus(report); i++)
        figure_series(&f, report->gpu[i].id.text, report->gpu[i].evidence, (int)i + 1);
    for (int r = 0; r < g->rows; r++) {
        const struct contest *contest = g->row[r].contest;
        double y = figure_row(&f, g->row[r].name, f.series);

        for (int i = 0; i < f.series; i++, y += LINE_PX) {
            const struct verdict *v =
                contest ? report_verdict(report, contest, report->gpu[i].id.text, placement)
                        : NULL;

            if (v)
                figure_range(&range, v->speedup);
            known += v && !isnan(v->speedup.value);
            speedup_point(&f, i, y, v);
        }
    }
    if (!known) {
        figure_drop(&f, album);
        return 0;
    }
    text_printf(&f.data, "XLABEL = \"CPU time / GPU time, %s (logarithmic)\"\n",
                placement_words(placement));
    figure_log_axis(&f, 'x', &range, tick_ratio);
    return figure_end(&f, album);
}

/* ---- share ----------------------------------------------------------------------------- */

static struct estimate share_of(const struct contender *c)
{
    double share = c ? 100 * c->bound.share : NAN;

    return (struct estimate){share, c ? share * c->time_us.value / c->time_us.high : NAN,
                             c ? share * c->time_us.value / c->time_us.low : NAN};
}

/* Caches deliver several times what DRAM does; the axis ends here, the text tells. */
static const double axis_most = 130;

static void share_point(struct figure *f, int series, double y, const struct contender *c)
{
    struct estimate share = share_of(c);
    char text[80];

    if (isnan(share.value) && c && *c->bound.kind.text)
        snprintf(text, sizeof text, "%s: no ceiling", c->bound.kind.text);
    else if (isnan(share.value))
        snprintf(text, sizeof text, "not known");
    else
        snprintf(text, sizeof text, "%.0f %% of %s", share.value,
                 strcmp(c->bound.kind.text, "cache") == 0 ? "DRAM (cache)"
                                                          : c->bound.kind.text);
    figure_point(f, series, y, share, text);
}

static int draw_share(struct album *album, const struct group *g)
{
    struct figure f;
    double most = 100;
    char name[64];
    int sides;

    snprintf(name, sizeof name, "share-%s", g->name);
    if (figure_begin(&f, album, PLOT_SHARE, "plots/share.gp", name))
        return STATUS_MEMORY;
    snprintf(f.plot->title, sizeof f.plot->title, "Achieved share of peak: %s", g->title);
    snprintf(f.plot->caption, sizeof f.plot->caption,
             "Of the ceiling that binds: operations per second, or bytes per second of memory. "
             "Above 100 %% of memory the data came from a cache. Solid bars are measured, "
             "hatched ones projected.");
    sides = figure_sides(&f, album->report);
    for (int r = 0; r < g->rows; r++) {
        double y = figure_row(&f, g->row[r].name, sides);

        for (int i = 0; i < sides; i++, y += LINE_PX) {
            const struct contender *c = contender_of(album->report, g->row[r].contest, i);
            struct estimate share = share_of(c);

            if (share.value < 1000)
                most = fmax(most, fmin(share.high, 1.2 * share.value));
            share_point(&f, i, y, c);
        }
    }
    text_printf(&f.data, "XMAX = %g\n", fmin(most, axis_most) * 1.02);
    return figure_end(&f, album);
}

/* ---- groups ---------------------------------------------------------------------------- */

static int draw_group(struct album *album, const struct group *g, bool is_model)
{
    bool is_measured = false;
    int status = 0;

    for (int i = 0; i < g->rows; i++)
        is_measured |= g->row[i].contest && (g->row[i].contest->cpus || g->row[i].contest->gpus);
    if (!is_measured)
        return 0;
    if (album->report->gpus)
        status = draw_speedup(album, g, PLACEMENT_RESIDENT);
    if (!status && album->report->gpus && !is_model)
        status = draw_speedup(album, g, PLACEMENT_EVERY);
    if (!status)
        status = draw_time(album, g);
    return status ? status : draw_share(album, g);
}

static bool is_in(const struct group *g, const struct contest *contest)
{
    for (int i = 0; contest && i < g->rows; i++)
        if (g->row[i].contest == contest)
            return true;
    return false;
}

static int draw_chain(struct album *album, const struct chain *chain)
{
    struct group g = {.rows = 0};

    snprintf(g.title, sizeof g.title, "%.40s %.16s, batch %lld, context %lld", chain->model.text,
             chain->phase.text, (long long)chain->batch, (long long)chain->context);
    snprintf(g.name, sizeof g.name, "%.16s-b%lld-c%lld", chain->phase.text,
             (long long)chain->batch, (long long)chain->context);
    for (size_t i = 0; i < chain->steps && g.rows < ROWS_MOST; i++) {
        const struct chain_step *step = &chain->step[i];
        struct row *row = &g.row[g.rows];

        if (is_in(&g, step->contest))
            continue;
        row->contest = step->contest;
        snprintf(row->name, sizeof row->name, "%s",
                 step->contest && strlen(step->contest->op.text) < 30 ? step->contest->op.text
                                                                      : step->op.text);
        g.rows++;
    }
    return draw_group(album, &g, true);
}

static bool is_same_chain(const struct chain *a, const struct chain *b)
{
    return a->batch == b->batch && a->context == b->context &&
           strcmp(a->model.text, b->model.text) == 0 && strcmp(a->phase.text, b->phase.text) == 0;
}

static bool is_alike(const struct contest *a, const struct contest *b)
{
    return a->about->dtype == b->about->dtype &&
           strcmp(a->about->workload.text, b->about->workload.text) == 0;
}

static void name_group(struct group *g, const struct contest *c, bool is_mixed)
{
    snprintf(g->title, sizeof g->title, "%.40s%s%s", is_mixed ? "all problems" : c->about->workload.text,
             is_mixed ? "" : " ", is_mixed ? "" : dtype_name(c->about->dtype));
    snprintf(g->name, sizeof g->name, "%.30s%s%s", is_mixed ? "all" : c->about->workload.text,
             is_mixed ? "" : "-", is_mixed ? "" : dtype_name(c->about->dtype));
}

static void add_other(struct group *g, const struct contest *c, bool is_mixed)
{
    struct row *row = &g->row[g->rows++];

    row->contest = c;
    if (is_mixed)
        snprintf(row->name, sizeof row->name, "%.18s %s %.34s", c->about->workload.text,
                 dtype_name(c->about->dtype), c->about->shape_text.text);
    else
        snprintf(row->name, sizeof row->name, "%s", c->about->shape_text.text);
}

/* Contests outside any model: one figure when it holds them all, else one for each workload
 * and dtype. */
static int draw_others(struct album *album)
{
    const struct report *report = album->report;
    const struct contest *last = NULL;
    struct group g = {.rows = 0};
    int status = 0, others = 0;
    bool is_mixed;

    for (size_t i = 0; i < report->contests; i++)
        others += !report->contest[i].rank && report->contest[i].cpus + report->contest[i].gpus;
    is_mixed = others <= ROWS_MOST;
    for (size_t i = 0; i < report->contests && !status; i++) {
        const struct contest *c = &report->contest[i];

        if (c->rank || c->cpus + c->gpus == 0)
            continue;
        if (last && ((!is_mixed && !is_alike(last, c)) || g.rows == ROWS_MOST)) {
            status = draw_group(album, &g, false);
            g.rows = 0;
        }
        last = c;
        name_group(&g, c, is_mixed);
        add_other(&g, c, is_mixed);
    }
    return status ? status : draw_group(album, &g, false);
}

int plot_operations(struct album *album)
{
    const struct report *report = album->report;
    int status = 0;

    for (size_t i = 0; i < report->chains && !status; i++) {
        bool seen = false;

        for (size_t k = 0; k < i && !seen; k++)
            seen = is_same_chain(&report->chain[k], &report->chain[i]);
        if (!seen)
            status = draw_chain(album, &report->chain[i]);
    }
    return status ? status : draw_others(album);
}
