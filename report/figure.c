/* SPDX-License-Identifier: MIT */
/* A figure is a gnuplot program: what C computes as variables and datablocks, then
 * plots/style.gp, then the figure's own script. */
#include "report/figure.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/embedded.h"
#include "report/gnuplot.h"
#include "report/judge.h"

/* Pixels that a character takes at most, at the sizes used; room for names at the left. */
static const double char_px = 6.0, title_px = 26, legend_px = 20, foot_px = 52;

/* ---- begin and end --------------------------------------------------------------------- */

static void copy_file_name(struct name *to, const char *from)
{
    size_t n = 0;

    for (; from[n] && n + 1 < sizeof to->text; n++)
        to->text[n] = isalnum((unsigned char)from[n]) || strchr("-._", from[n])
                          ? (char)tolower((unsigned char)from[n])
                          : '-';
    to->text[n] = '\0';
}

static bool is_taken(const struct plots *plots, const char *name)
{
    for (size_t i = 0; i + 1 < plots->plots; i++)
        if (strcmp(plots->plot[i].name.text, name) == 0)
            return true;
    return false;
}

int figure_begin(struct figure *f, struct album *album, enum plot_kind kind, const char *script,
                 const char *name)
{
    static const enum mark_kind marks[PLOTS] = {
        [PLOT_MODEL] = MARK_BARS, [PLOT_SHARE] = MARK_BARS, [PLOT_PHASE] = MARK_BARS,
        [PLOT_LEDGER] = MARK_BARS};

    struct plot *plot = report_push(&album->plots->plot, &album->plots->plots, sizeof *plot);
    char other[64];

    *f = (struct figure){.plot = plot, .script = script, .marks = marks[kind], .width = 820,
                         .left = 170, .right = 24};
    if (!plot)
        return STATUS_MEMORY;
    plot->kind = kind;
    copy_file_name(&plot->name, name);
    for (int i = 2; is_taken(album->plots, plot->name.text); i++) {
        snprintf(other, sizeof other, "%.40s-%d", name, i % 1000);
        copy_file_name(&plot->name, other);
    }
    return 0;
}

/* Said in words beside every entry of the legend, so that no figure rests on colour. */
static const char *evidence_words(enum evidence evidence, enum mark_kind marks)
{
    static const char *const words[EVIDENCES][2] = {
        [EVIDENCE_MEASURED] = {"measured: filled, solid", "measured: solid"},
        [EVIDENCE_PROJECTED] = {"projected: hollow, dashed", "projected: hatched"},
        [EVIDENCE_SOFTWARE] = {"software emulation: cross, dotted", "software emulation: dotted"}};

    return words[evidence][marks];
}

static void write_text(struct text *out, const char *name, const char *value)
{
    text_printf(out, "%s = \"", name);
    gnuplot_text(out, value);
    text_add(out, "\"\n");
}

/* Where each entry of the legend stands, row after row. Returns the number of rows. */
static int lay_legend(const struct figure *f, struct text *out)
{
    double x = 12;
    int row = 0;

    text_printf(out, "array LEGEND_X[%d]\narray LEGEND_ROW[%d]\n", f->series, f->series);
    for (int i = 0; i < f->series; i++) {
        double width = 62 + char_px * (double)strlen(f->title[i]);

        if (x > 12 && x + width > f->width) {
            row++;
            x = 12;
        }
        text_printf(out, "LEGEND_X[%d] = %.1f\nLEGEND_ROW[%d] = %d\n", i + 1, x, i + 1, row);
        x += width;
    }
    return f->series ? row + 1 : 0;
}

static void write_series(struct figure *f, struct text *out)
{
    /* gnuplot's point types, filled and hollow: square, circle, triangles, diamond, pentagon */
    static const int filled[] = {5, 7, 9, 13, 11, 15}, hollow[] = {4, 6, 8, 12, 10, 14};

    text_printf(out, "SERIES = %d\narray NAMES[%d]\narray POINT[%d]\narray DASH[%d]\n"
                     "array TONE[%d]\narray FILLED[%d]\n",
                f->series, f->series, f->series, f->series, f->series, f->series);
    for (int i = 0; i < f->series; i++) {
        enum evidence e = f->evidence[i];
        int shape = f->colour[i] % 6;

        text_printf(out, "NAMES[%d] = \"", i + 1);
        gnuplot_text(out, f->title[i]);
        text_printf(out, "\"\nPOINT[%d] = %d\nDASH[%d] = %d\nTONE[%d] = %d\nFILLED[%d] = %d\n",
                    i + 1, e == EVIDENCE_MEASURED ? filled[shape]
                           : e == EVIDENCE_PROJECTED ? hollow[shape] : 2,
                    i + 1, e == EVIDENCE_MEASURED ? 1 : e == EVIDENCE_PROJECTED ? 2 : 3, i + 1,
                    shape + 1, i + 1, f->fill[i] ? f->fill[i] : e == EVIDENCE_MEASURED ? 3 : 4);
    }
}

static void write_block(struct text *out, const char *name, const struct text *lines)
{
    text_printf(out, "$%s << END_OF_BLOCK\n%sNaN NaN NaN NaN \"\"\nEND_OF_BLOCK\n", name,
                lines->data ? lines->data : "");
}

static void write_points(struct figure *f, struct text *out)
{
    struct text all = {0};

    for (int i = 0; i < f->series; i++)
        text_printf(&all, "%sNaN NaN NaN NaN \"\"\n\n\n",
                    f->points[i].data ? f->points[i].data : "");
    write_block(out, "points", &all);
    write_block(out, "labels", &f->labels);
    write_block(out, "bands", &f->bands);
    out->failed |= all.failed;
    text_release(&all);
}

static int compose(struct figure *f, struct text *script)
{
    const struct embedded *style = embedded_find("plots/style.gp");
    const struct embedded *own = embedded_find(f->script);
    int legend;

    if (!style || !own)
        return STATUS_INVALID;
    legend = lay_legend(f, script);
    f->top = title_px + legend * legend_px + 12;
    text_printf(script, "WIDTH = %.1f\nHEIGHT = %.1f\nLEFT = %.1f\nRIGHT = %.1f\nTOP = %.1f\nINNER = %.1f\n"
                        "BOTTOM = %.1f\n",
                f->width, f->top + f->inner + foot_px, f->left, f->right, f->top, f->inner,
                foot_px);
    write_text(script, "TITLE", f->plot->title);
    write_text(script, "LEGEND", f->marks == MARK_BARS ? "bars" : "points");
    write_series(f, script);
    write_points(f, script);
    text_add(script, f->data.data ? f->data.data : "");
    text_add(script, style->text);
    text_add(script, own->text);
    return script->failed ? STATUS_MEMORY : 0;
}

static void release(struct figure *f)
{
    for (int i = 0; i < FIGURE_SERIES; i++)
        text_release(&f->points[i]);
    text_release(&f->labels);
    text_release(&f->bands);
    text_release(&f->data);
}

void figure_drop(struct figure *f, struct album *album)
{
    release(f);
    album->plots->plots--;
}

static void name_left_out(const struct figure *f, const struct report *report)
{
    char *caption = f->plot->caption;
    size_t n = strlen(caption), drawn = figure_gpus(report);

    if (f->is_of_gpus && drawn < report->gpus)
        snprintf(caption + n, sizeof f->plot->caption - n,
                 " The first %zu of %zu GPUs are drawn; the tables have all.", drawn, report->gpus);
}

int figure_end(struct figure *f, struct album *album)
{
    struct plots *plots = album->plots;
    struct text script = {0};
    struct why why = {{0}};
    int status = compose(f, &script);

    f->plot->rows = f->rows;
    name_left_out(f, album->report);
    if (status == STATUS_INVALID)
        status = why_fail(&why, status, "'%s' is not built in", f->script);
    else if (!status)
        status = gnuplot_draw(script.data, f->plot->name.text, f->plot->title, &f->plot->svg,
                              &why);
    if (!status && f->plot->svg.failed)
        status = STATUS_MEMORY;
    if (status && status != STATUS_MEMORY) {
        snprintf(plots->missing, sizeof plots->missing, "no figure '%s': %.300s",
                 f->plot->name.text, why.text);
        text_release(&f->plot->svg);
        plots->plots--;
        status = 0;
    }
    text_release(&script);
    release(f);
    return status;
}

/* ---- series and rows ------------------------------------------------------------------- */

int figure_series(struct figure *f, const char *title, enum evidence evidence, int colour)
{
    int i = f->series < FIGURE_SERIES ? f->series++ : FIGURE_SERIES - 1;
    bool is_said = false;

    for (int k = 0; k < i; k++)
        is_said |= f->evidence[k] == evidence;
    if (is_said)
        snprintf(f->title[i], sizeof f->title[i], "%.40s", title);
    else
        snprintf(f->title[i], sizeof f->title[i], "%.40s (%s)", title,
                 evidence_words(evidence, f->marks));
    f->evidence[i] = evidence;
    f->colour[i] = colour;
    return i;
}

size_t figure_gpus(const struct report *report)
{
    return report->gpus < GPUS_DRAWN ? report->gpus : GPUS_DRAWN;
}

int figure_sides(struct figure *f, const struct report *report)
{
    f->is_of_gpus = true;
    figure_series(f, "CPU", EVIDENCE_MEASURED, 0);
    for (size_t i = 0; i < figure_gpus(report); i++)
        figure_series(f, report->gpu[i].id.text, report->gpu[i].evidence, (int)i + 1);
    return f->series;
}

double figure_row(struct figure *f, const char *name, int lines)
{
    double height = lines * LINE_PX + 9, y = f->inner;
    char text[sizeof(struct name)];

    snprintf(text, sizeof text, strlen(name) > 46 ? "%.44s ..." : "%s", name);
    text_printf(&f->labels, "%g 0 0 0 \"", y + height / 2);
    gnuplot_text(&f->labels, text);
    text_add(&f->labels, "\"\n");
    if (f->rows++ % 2 == 0)
        text_printf(&f->bands, "%g %g %g 0 \"\"\n", y + height / 2, y, y + height);
    f->left = fmax(f->left, 24 + 7.5 * (double)strlen(text));
    f->inner += height;
    return y + 4.5 + LINE_PX / 2;
}

void figure_point(struct figure *f, int series, double y, struct estimate e, const char *text)
{
    struct text *out = &f->points[series];

    if (isnan(e.value))
        text_printf(out, "%g NaN NaN NaN \"", y);
    else
        text_printf(out, "%g %.9g %.9g %.9g \"", y, e.value, isfinite(e.low) ? e.low : e.value,
                    isfinite(e.high) ? e.high : e.value);
    gnuplot_text(out, text);
    text_add(out, "\"\n");
    f->right = fmax(f->right, 20 + 6.0 * (double)strlen(text));
}

/* ---- axes ------------------------------------------------------------------------------ */

struct words tick_number(double value)
{
    struct words w;

    snprintf(w.text, sizeof w.text, "%g", value);
    return w;
}

static struct words tick_scaled(double value, const double *scale, const char *const *unit,
                                int units)
{
    struct words w;
    int i = units - 1;

    while (i > 0 && value < scale[i] * 0.9999)
        i--;
    snprintf(w.text, sizeof w.text, "%.4g %s", value / scale[i], unit[i]);
    return w;
}

struct words tick_time(double us)
{
    static const double scale[] = {1e-3, 1, 1e3, 1e6};
    static const char *const unit[] = {"ns", "us", "ms", "s"};

    return tick_scaled(us, scale, unit, 4);
}

struct words tick_flops(double per_s)
{
    static const double scale[] = {1, 1e3, 1e6, 1e9, 1e12, 1e15};
    static const char *const unit[] = {"FLOP/s",  "kFLOP/s", "MFLOP/s",
                                       "GFLOP/s", "TFLOP/s", "PFLOP/s"};

    return tick_scaled(per_s, scale, unit, 6);
}

struct words tick_ratio(double ratio)
{
    struct words w;

    snprintf(w.text, sizeof w.text, "%gx", ratio);
    return w;
}

void figure_range(struct estimate *range, struct estimate e)
{
    double end[] = {e.value, e.low, e.high};

    for (int i = 0; i < 3; i++)
        if (isfinite(end[i]) && end[i] > 0) {
            range->low = fmin(range->low, end[i]);
            range->high = fmax(range->high, end[i]);
        }
}

/* Steps within a decade, so that three to eight ticks stand on the axis. */
static int steps_of(double decades, const double **step, int *stride)
{
    static const double one[] = {1}, three[] = {1, 2, 5};

    *stride = decades > 12 ? 3 : decades > 7 ? 2 : 1;
    *step = decades < 2 ? three : one;
    return decades < 2 ? 3 : 1;
}

void figure_log_axis(struct figure *f, char axis, struct estimate *range,
                     struct words (*spell)(double))
{
    const double *step;
    double decades;
    int steps, stride, first, comma = 0;
    char upper = (char)toupper((unsigned char)axis);

    if (!(range->low <= range->high))
        *range = (struct estimate){1, 1, 10};
    range->low /= 1.25;
    range->high *= 1.25;
    while (range->high / range->low < 8) {
        range->low /= 1.3;
        range->high *= 1.3;
    }
    decades = log10(range->high / range->low);
    steps = steps_of(decades, &step, &stride);
    first = (int)floor(log10(range->low));
    text_printf(&f->data, "%cMIN = %.9g\n%cMAX = %.9g\nset logscale %c\nset %crange [%.9g:%.9g]\n"
                          "set %ctics (",
                upper, range->low, upper, range->high, axis, axis, range->low, range->high,
                axis);
    for (int p = first; pow(10, p) <= range->high; p++)
        for (int i = 0; i < steps && p % stride == 0; i++) {
            double at = step[i] * pow(10, p);

            if (at >= range->low && at <= range->high)
                text_printf(&f->data, "%s\"%s\" %.9g", comma++ ? ", " : "", spell(at).text, at);
        }
    text_add(&f->data, ")\n");
}
