/* SPDX-License-Identifier: MIT */
/* How figures are put together: a canvas in pixels, series whose look follows from device
 * and evidence, axes with readable ticks, rows. Used by the plot_*.c rooms only. */
#ifndef OFFLOAD_BENCH_FIGURE_H
#define OFFLOAD_BENCH_FIGURE_H

#include "report/plot.h"
#include "report/units.h"

/* Series at most; GPUs that are drawn: more than these no one tells apart. */
enum { FIGURE_SERIES = 7, GPUS_DRAWN = 4 };

enum mark_kind { MARK_POINTS, MARK_BARS };

/* Measures in pixels. `inner` is the height of the plotting area. */
struct figure {
    struct plot *plot;
    const char *script; /* "plots/time.gp" */
    struct text data;   /* variables and datablocks, set before the script runs */
    enum mark_kind marks;
    double width, left, right, top, inner;
    int series, rows;
    char title[FIGURE_SERIES][96];
    enum evidence evidence[FIGURE_SERIES];
    int colour[FIGURE_SERIES];         /* 0 the CPU, then the GPUs in order */
    int fill[FIGURE_SERIES];           /* gnuplot's fill pattern; 0: by evidence */
    bool is_of_gpus;                   /* the caption names the GPUs left out */
    struct text points[FIGURE_SERIES]; /* lines of data of each series */
    struct text labels, bands;         /* of rows */
};

/* The figures under way: what the plot_*.c rooms add to. */
struct album {
    const struct report *report;
    struct plots *plots;
    struct why *why;
};

/* One room each. 0 or STATUS_MEMORY. */
int plot_models(struct album *);
int plot_sweeps(struct album *);
int plot_operations(struct album *);
int plot_roofline(struct album *);
int plot_sizes(struct album *);
int plot_flips(struct album *);
int plot_phases(struct album *);
int plot_ledger(struct album *);

/* Begin a figure drawn by plots/SCRIPT.gp; `name` becomes fit for a file name. The caller
 * fills plot->title and plot->caption. */
int figure_begin(struct figure *, struct album *, enum plot_kind, const char *script,
                 const char *name);
/* Draw it and release the rest. One that gnuplot refuses leaves a sentence in `missing`. */
int figure_end(struct figure *, struct album *);
/* Leave it out: there was nothing to draw. */
void figure_drop(struct figure *, struct album *);

/* A series and its entry in the legend: "TITLE (measured)", or TITLE alone after another of its
 * evidence. Returns its index; the last one when there are too many. */
int figure_series(struct figure *, const char *title, enum evidence, int colour);
/* GPUs of the report that are drawn: the first ones. */
size_t figure_gpus(const struct report *);
/* One for the CPU, one for each GPU that is drawn; returns how many. */
int figure_sides(struct figure *, const struct report *);

/* A row of `lines` text lines with its name at the left: returns the y of its first line,
 * lines are LINE_PX apart. */
#define LINE_PX 15.0
double figure_row(struct figure *, const char *name, int lines);
/* A point of a series with its interval at y, and a text in the right margin at the same
 * height. A missing value leaves the text alone. */
void figure_point(struct figure *, int series, double y, struct estimate, const char *text);

/* How a tick is spelt: a time in microseconds, a ratio, a rate, a plain number. */
struct words tick_time(double us);
struct words tick_ratio(double ratio);
struct words tick_flops(double per_s);
struct words tick_number(double value);

/* A logarithmic axis ('x' or 'y') over *range (low and high), which is widened to leave air.
 * Writes XMIN, XMAX (YMIN, YMAX) and ticks. */
void figure_log_axis(struct figure *, char axis, struct estimate *range,
                     struct words (*spell)(double));
/* Widen a range (start with FIGURE_RANGE) by an estimate; missing and endless ends do not. */
#define FIGURE_RANGE ((struct estimate){NAN, INFINITY, -INFINITY})
void figure_range(struct estimate *range, struct estimate);

#endif
