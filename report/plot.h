/* SPDX-License-Identifier: MIT */
/* The figures of a report. gnuplot draws them (scripts in plots/, compiled in); where it is
 * missing there are none and a sentence says so. */
#ifndef OFFLOAD_BENCH_PLOT_H
#define OFFLOAD_BENCH_PLOT_H

#include "base/text.h"
#include "report/report.h"

/* What a figure shows. The first one of a report is the picture of its headline. */
enum plot_kind {
    PLOT_MODEL,    /* time to first token, tokens per second */
    PLOT_SWEEP,    /* time against size, with the brackets */
    PLOT_SPEEDUP,  /* by operation */
    PLOT_TIME,     /* by operation */
    PLOT_SHARE,    /* reached share of the ceiling that binds, by operation */
    PLOT_ROOFLINE, /* of both sides */
    PLOT_SIZE,     /* time against size */
    PLOT_FLIP,     /* by what factor inputs must change */
    PLOT_PHASE,    /* upload, launch, kernel, download by placement */
    PLOT_LEDGER,   /* waterfall of measured timelines, with the residual */
    PLOTS
};

struct plot {
    enum plot_kind kind;
    struct name name;  /* of its file, without ".svg"; unique within a report */
    int rows;          /* operations or passes it shows; 0 when it has no rows */
    char title[160];
    char caption[700]; /* how to read it */
    struct text svg;
};

/* `missing`: why there are fewer figures than there could be, or "". */
struct plots {
    struct plot *plot;
    size_t plots;
    char missing[400];
};

/* Draw every figure that the report has data for, the headline's first. A figure that cannot
 * be drawn is left out and told in `missing`. Errors: STATUS_MEMORY; then nothing is held. */
int plots_draw(const struct report *, struct plots *, struct why *why);
void plots_release(struct plots *);

/* Write each as FOLDER/NAME.svg, atomically; the folder is made when it is not there.
 * Errors: STATUS_IO naming the file. */
int plots_write(const struct plots *, const char *folder, struct why *why);

#endif
