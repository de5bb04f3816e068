/* SPDX-License-Identifier: MIT */
/* The flip chart: per GPU the verdicts that are nearest to another one, and by what. Far ones
 * are sure whatever changes; they are left out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/figure.h"
#include "report/tables.h"
#include "report/units.h"

enum { ROWS_MOST = 14, CANDIDATES_MOST = 4096 };
/* A change so many times or more is no longer near. */
static const double far = 100;

struct candidate {
    char name[64];
    const struct flips *flips;
};

static double nearest(const struct flips *flips)
{
    return flips->n && flips->at[0].factor < far ? flips->at[0].factor : NAN;
}

static int by_distance(const void *a, const void *b)
{
    double x = nearest(((const struct candidate *)a)->flips);
    double y = nearest(((const struct candidate *)b)->flips);

    return (x > y) - (x < y);
}

static const struct chain *chain_of(const struct report *report, const struct contest *contest)
{
    for (size_t i = 0; i < report->chains; i++)
        for (size_t k = 0; k < report->chain[i].steps; k++)
            if (report->chain[i].step[k].contest == contest)
                return &report->chain[i];
    return NULL;
}

/* "o_proj decode b8, resident", "gemm m=64 n=64 k=64, once". */
static void name_verdict(const struct report *report, const struct verdict *v, char *name,
                         size_t size)
{
    const struct chain *c = chain_of(report, v->contest);

    if (c)
        snprintf(name, size, "%.18s %.8s b%lld, %s", v->contest->op.text, c->phase.text,
                 (long long)c->batch, placement_name(v->placement));
    else
        snprintf(name, size, "%.12s %.22s, %s", v->contest->op.text,
                 v->contest->about->shape_text.text, placement_name(v->placement));
}

static int collect(const struct report *report, const struct gpu_side *gpu,
                   struct candidate *list, int most)
{
    int n = 0;

    for (size_t i = 0; i < report->chains && n < most; i++) {
        const struct chain *c = &report->chain[i];

        if (c->gpu == gpu && !isnan(nearest(&c->flips))) {
            list[n].flips = &c->flips;
            snprintf(list[n++].name, sizeof list->name, "%.12s b%lld c%lld", c->phase.text,
                     (long long)c->batch, (long long)c->context);
        }
    }
    for (size_t i = 0; i < report->verdicts && n < most; i++) {
        const struct verdict *v = &report->verdict[i];

        if (strcmp(v->gpu->record->device.text, gpu->id.text) == 0 && !isnan(nearest(&v->flips))) {
            list[n].flips = &v->flips;
            name_verdict(report, v, list[n++].name, sizeof list->name);
        }
    }
    qsort(list, (size_t)n, sizeof *list, by_distance);
    return n;
}

/* Every kind has its series; what is nearest stands in words at the right. */
static void draw_row(struct figure *f, const struct candidate *c, struct estimate *range)
{
    double y = figure_row(f, c->name, 1);
    const struct flip *first = &c->flips->at[0];
    char text[96];

    snprintf(text, sizeof text, "%s %s: %s%s", words_ratio(first->factor).text,
             flip_kind_name(first->kind), decision_name(first->decision),
             flip_is_price(first) ? " by cost" : "");
    figure_point(f, 0, y, (struct estimate){NAN, NAN, NAN}, text);
    for (int i = 0; i < c->flips->n; i++) {
        const struct flip *flip = &c->flips->at[i];
        struct estimate at = {flip->factor, flip->factor, flip->factor};

        if (!(flip->factor < far) || (int)flip->kind >= f->series)
            continue;
        figure_range(range, at);
        figure_point(f, (int)flip->kind, y, at, "");
    }
}

static int draw(struct album *album, const struct gpu_side *gpu, struct candidate *list)
{
    int n = collect(album->report, gpu, list, CANDIDATES_MOST);
    struct estimate range = {NAN, 1, 1.2};
    struct figure f;
    char name[64];

    if (!n)
        return 0;
    snprintf(name, sizeof name, "flips-%.40s", gpu->id.text);
    if (figure_begin(&f, album, PLOT_FLIP, "plots/flip.gp", name))
        return STATUS_MEMORY;
    f.is_of_gpus = true;
    snprintf(f.plot->title, sizeof f.plot->title, "What would flip it: %s", gpu->id.text);
    snprintf(f.plot->caption, sizeof f.plot->caption,
             "By what factor one input alone must change until the verdict is another one. The "
             "verdicts nearest to a flip stand at the top, the nearest flip in words at the "
             "right. Data resident: the factor by which the share that does not change shrinks.");
    for (int k = FLIP_LINK; k <= FLIP_GPU_PRICE; k++)
        figure_series(&f, flip_kind_name((enum flip_kind)k), gpu->evidence, k);
    for (int i = 0; i < n && i < ROWS_MOST; i++)
        draw_row(&f, &list[i], &range);
    text_add(&f.data, "XLABEL = \"factor that an input must change by (logarithmic)\"\n");
    figure_log_axis(&f, 'x', &range, tick_ratio);
    return figure_end(&f, album);
}

int plot_flips(struct album *album)
{
    struct candidate *list = calloc(CANDIDATES_MOST, sizeof *list);
    int status = list ? 0 : STATUS_MEMORY;

    for (size_t g = 0; g < figure_gpus(album->report) && !status; g++)
        status = draw(album, &album->report->gpu[g], list);
    free(list);
    return status;
}
