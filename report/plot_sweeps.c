/* SPDX-License-Identifier: MIT */
/* A sweep: the CPU's time against size, and the GPU's at every placement, with the brackets in
 * which the winner changes. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report/figure.h"
#include "report/judge.h"

enum { CURVES_MOST = FIGURE_SERIES - 1, BRACKETS_MOST = 24, INNER_PX = 300, SWEEPS_DRAWN = 6 };

/* Curves of one type on one GPU: they share the CPU's. */
struct bundle {
    const struct crossover *curve[CURVES_MOST];
    int curves;
};

static void add_point(struct figure *f, int series, double size, struct estimate us,
                      struct estimate *range)
{
    text_printf(&f->points[series], "%.9g %.9g %.9g %.9g \"\"\n", size, us.value,
                us.low > 0 ? us.low : us.value, isfinite(us.high) ? us.high : us.value);
    figure_range(range, us);
}

static void add_curves(struct figure *f, const struct bundle *b)
{
    struct estimate x = FIGURE_RANGE, y = FIGURE_RANGE;

    for (int c = 0; c < b->curves; c++)
        for (size_t i = 0; i < b->curve[c]->points; i++) {
            const struct verdict *v = b->curve[c]->verdict[i];
            double size = b->curve[c]->point[i].size;

            figure_range(&x, (struct estimate){size, size, size});
            if (c == 0)
                add_point(f, 0, size, v->cpu_us, &y);
            add_point(f, c + 1, size, v->gpu_us, &y);
        }
    figure_log_axis(f, 'x', &x, tick_number);
    figure_log_axis(f, 'y', &y, tick_time);
}

/* Each placement's brackets in its own colour, in a strip of their own along the lower edge. */
static void add_brackets(struct figure *f, const struct bundle *b)
{
    int n = 0;

    text_printf(&f->data, "array BRACKET_LOW[%d]\narray BRACKET_HIGH[%d]\narray BRACKET_OF[%d]\n",
                BRACKETS_MOST, BRACKETS_MOST, BRACKETS_MOST);
    for (int c = 0; c < b->curves; c++)
        for (int k = 0; k < b->curve[c]->found.changes && n < BRACKETS_MOST; k++) {
            const struct crossover_stretch *s = &b->curve[c]->found.change[k];

            n++;
            text_printf(&f->data,
                        "BRACKET_LOW[%d] = %.9g\nBRACKET_HIGH[%d] = %.9g\nBRACKET_OF[%d] = %d\n", n,
                        s->low, n, s->high, n, c + 2);
        }
    text_printf(&f->data, "BRACKETS = %d\n", n);
}

__attribute__((format(printf, 2, 3))) static void caption_add(struct plot *plot, const char *format,
                                                              ...)
{
    size_t n = strlen(plot->caption);
    va_list more;

    va_start(more, format);
    vsnprintf(plot->caption + n, sizeof plot->caption - n, format, more);
    va_end(more);
}

/* What the boxes mean, or why there is none. */
static void write_caption(struct plot *plot, const struct bundle *b)
{
    int changes = 0, doubts = 0;

    for (int c = 0; c < b->curves; c++) {
        changes += b->curve[c]->found.changes;
        doubts += b->curve[c]->found.doubts;
    }
    snprintf(plot->caption, sizeof plot->caption,
             "Time of one call against size; each mark was measured or projected, shaded around it "
             "its interval. Where the CPU's line lies above a GPU's, moving pays. ");
    if (changes)
        caption_add(plot, "The boxes are the brackets in which the winner changes, in the colour of "
                          "their placement (%s sure): left of a box and right of it the answer "
                          "stands, inside it does not.", words_percent(b->curve[0]->confidence).text);
    else
        caption_add(plot, "No box: no change of the winner was found.");
    if (doubts)
        caption_add(plot, " Undecided sizes outside the boxes are not marked: the table names them.");
}

static int draw(struct album *album, const struct bundle *b, size_t sweeps)
{
    const struct crossover *first = b->curve[0];
    const struct record *about = first->from->about;
    struct figure f;
    char name[120];

    snprintf(name, sizeof name, "sweep-%.20s-%.20s-%s-%.20s", about->workload.text,
             first->axis.text, dtype_name(about->dtype), first->gpu.text);
    if (figure_begin(&f, album, PLOT_SWEEP, "plots/sweep.gp", name))
        return STATUS_MEMORY;
    f.width = 540; /* two side by side on a desk, one on a phone */
    f.left = 90;
    f.inner = INNER_PX;
    snprintf(f.plot->title, sizeof f.plot->title, "%.30s %.30s, %s: this CPU against %.20s",
             about->workload.text, first->axis.text, dtype_name(about->dtype), first->gpu.text);
    write_caption(f.plot, b);
    if (sweeps > SWEEPS_DRAWN)
        caption_add(f.plot, " The first %d of %zu are drawn; the table has all.", SWEEPS_DRAWN, sweeps);
    text_printf(&f.data, "XLABEL = \"size (logarithmic)\"\n");
    figure_series(&f, "this CPU", EVIDENCE_MEASURED, 0);
    for (int c = 0; c < b->curves; c++) {
        figure_series(&f, placement_name(b->curve[c]->placement), b->curve[c]->evidence, c + 1);
    }
    add_brackets(&f, b);
    add_curves(&f, b);
    return figure_end(&f, album);
}

/* The curves of the sweep and GPU that crossover i is the first of; none where it is not. */
static struct bundle gather(const struct report *report, size_t i)
{
    const struct crossover *x = &report->crossover[i];
    struct bundle b = {.curves = 0};
    bool is_first = x->is_sweep;

    for (size_t k = 0; k < i && is_first; k++)
        is_first = !crossover_same_sweep(x, &report->crossover[k]);
    for (size_t k = i; k < report->crossovers && is_first && b.curves < CURVES_MOST; k++)
        if (crossover_same_sweep(x, &report->crossover[k]))
            b.curve[b.curves++] = &report->crossover[k];
    return b;
}

int plot_sweeps(struct album *album)
{
    const struct report *report = album->report;
    size_t sweeps = 0, drawn = 0;
    int status = 0;

    for (size_t i = 0; i < report->crossovers; i++)
        sweeps += gather(report, i).curves > 0;
    for (size_t i = 0; i < report->crossovers && drawn < SWEEPS_DRAWN && !status; i++) {
        struct bundle b = gather(report, i);

        if (b.curves) {
            status = draw(album, &b, sweeps);
            drawn++;
        }
    }
    return status;
}
