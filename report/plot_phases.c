/* SPDX-License-Identifier: MIT */
/* Where a GPU's time goes when the data are there, are sent once, or are sent each call: for
 * a model the sum of its operations, otherwise the operations that cost the CPU most. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/figure.h"
#include "report/judge.h"

enum { UPLOAD, LAUNCH, KERNEL, DOWNLOAD, PHASES };
enum { ROWS_MOST = 8 };

static const enum placement placements[] = {PLACEMENT_RESIDENT, PLACEMENT_ONCE,
                                            PLACEMENT_EVERY};
enum { PLACED = 3 };

struct phases {
    double us[PHASES];
};

/* Kernel and launch of one call. A cell's launch is what its wall time has beside the
 * kernel; unknown parts count as kernel. */
static void split_call(const struct contender *c, struct phases *p)
{
    const struct record *r = c->record;
    double kernel = r->kind == RECORD_CELL ? record_series_us(r, &r->kernel_ns).value
                                           : r->time_us.value;

    p->us[KERNEL] = isnan(kernel) ? c->time_us.value : fmin(kernel, c->time_us.value);
    p->us[LAUNCH] = c->time_us.value - p->us[KERNEL];
}

static struct phases phases_of(const struct contender *c, enum placement placement)
{
    struct link_cost link = link_cost_of(c->record);
    struct phases p = {{0}};

    split_call(c, &p);
    if (placement == PLACEMENT_RESIDENT)
        return p;
    p.us[DOWNLOAD] = link.download_us.value;
    p.us[UPLOAD] = placement == PLACEMENT_EVERY
                       ? link.upload_us.value
                       : link.activation_us.value + stationary_us(link).value / ONCE_CALLS;
    return p;
}

static void add_bar(struct figure *f, double y, const struct phases *p, enum placement placement)
{
    double total = 0, at = 0;
    char text[96];

    for (int i = 0; i < PHASES; i++)
        total += p->us[i];
    for (int i = 0; i < PHASES; i++) {
        double share = 100 * p->us[i] / total;
        struct estimate piece = {at + share, at, at + share};

        snprintf(text, sizeof text, "%s: %s", placement_name(placement),
                 isnan(total) ? "not known" : words_time(total).text);
        figure_point(f, i, y, isnan(total) ? (struct estimate){NAN, NAN, NAN} : piece,
                     i == 0 ? text : "");
        at += share;
    }
}

static int begin(struct figure *f, struct album *album, const struct gpu_side *gpu,
                 const char *of)
{
    static const char *const name[PHASES] = {"upload", "launch", "kernel", "download"};
    static const int tone[PHASES] = {0, 5, 1, 3}, fill[PHASES] = {4, 1, 3, 5};
    char file[64];

    snprintf(file, sizeof file, "phases-%.50s", gpu->id.text);
    if (figure_begin(f, album, PLOT_PHASE, "plots/phase.gp", file))
        return STATUS_MEMORY;
    for (int i = 0; i < PHASES; i++) {
        int s = figure_series(f, name[i], gpu->evidence, tone[i]);

        snprintf(f->title[s], sizeof f->title[s], "%s", name[i]);
        f->fill[s] = fill[i];
    }
    snprintf(f->plot->title, sizeof f->plot->title, "Where the time goes on %.40s (%s): %s",
             gpu->id.text, evidence_name(gpu->evidence), of);
    snprintf(f->plot->caption, sizeof f->plot->caption,
             "All times here are %s. resident: the data are on the GPU already; once: weights "
             "and caches are sent once for %d calls; every: everything is sent on each call.",
             evidence_name(gpu->evidence), ONCE_CALLS);
    return 0;
}

static const struct contender *on_gpu(const struct contest *contest, const struct gpu_side *gpu)
{
    const struct contender *best = NULL;

    for (size_t i = 0; contest && i < contest->gpus; i++)
        if (strcmp(contest->gpu[i].record->device.text, gpu->id.text) == 0 &&
            (!best || contest->gpu[i].time_us.value < best->time_us.value))
            best = &contest->gpu[i];
    return best;
}

/* ---- a model --------------------------------------------------------------------------- */

static struct phases sum_chain(const struct chain *chain, enum placement placement)
{
    struct phases sum = {{0}};

    for (size_t i = 0; i < chain->steps; i++) {
        const struct contender *c = on_gpu(chain->step[i].contest, chain->gpu);
        struct phases one;

        if (!c)
            continue;
        one = phases_of(c, placement);
        for (int k = 0; k < PHASES; k++)
            sum.us[k] += chain->step[i].count * one.us[k];
    }
    return sum;
}

static int draw_model(struct album *album, const struct gpu_side *gpu)
{
    const struct report *report = album->report;
    struct figure f;
    int status = begin(&f, album, gpu, "one pass of a model");

    for (size_t i = 0; i < report->chains && !status; i++) {
        const struct chain *chain = &report->chain[i];
        char name[80];
        double y;

        if (chain->gpu != gpu || f.rows == ROWS_MOST)
            continue;
        snprintf(name, sizeof name, "%.10s b%lld c%lld", chain->phase.text,
                 (long long)chain->batch, (long long)chain->context);
        y = figure_row(&f, name, PLACED);
        for (int p = 0; p < PLACED; p++) {
            struct phases sum = sum_chain(chain, placements[p]);

            add_bar(&f, y + p * LINE_PX, &sum, placements[p]);
        }
    }
    return status ? status : figure_end(&f, album);
}

/* ---- single problems ------------------------------------------------------------------- */

/* The contest with the most CPU time below `below`, or NULL. */
static const struct contest *costliest(const struct report *report, const struct gpu_side *gpu,
                                       double below_us)
{
    const struct contest *most = NULL;

    for (size_t i = 0; i < report->contests; i++) {
        const struct contest *c = &report->contest[i];

        if (c->cpus && on_gpu(c, gpu) && c->cpu[0].time_us.value < below_us &&
            (!most || c->cpu[0].time_us.value > most->cpu[0].time_us.value))
            most = c;
    }
    return most;
}

static int draw_problems(struct album *album, const struct gpu_side *gpu)
{
    const struct contest *c = costliest(album->report, gpu, INFINITY);
    struct figure f;
    int status;

    if (!c)
        return 0;
    status = begin(&f, album, gpu, "what costs the CPU most");
    for (; c && !status && f.rows < ROWS_MOST;
         c = costliest(album->report, gpu, c->cpu[0].time_us.value)) {
        char name[100];
        double y;

        snprintf(name, sizeof name, "%.20s %s %.40s", c->about->workload.text,
                 dtype_name(c->about->dtype), c->about->shape_text.text);
        y = figure_row(&f, name, PLACED);
        for (int p = 0; p < PLACED; p++) {
            struct phases one = phases_of(on_gpu(c, gpu), placements[p]);

            add_bar(&f, y + p * LINE_PX, &one, placements[p]);
        }
    }
    return status ? status : figure_end(&f, album);
}

int plot_phases(struct album *album)
{
    const struct report *report = album->report;
    int status = 0;

    for (size_t g = 0; g < figure_gpus(report) && !status; g++) {
        bool has_chain = false;

        for (size_t i = 0; i < report->chains; i++)
            has_chain |= report->chain[i].gpu == &report->gpu[g];
        status = has_chain ? draw_model(album, &report->gpu[g])
                           : draw_problems(album, &report->gpu[g]);
    }
    return status;
}
