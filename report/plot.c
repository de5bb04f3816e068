/* SPDX-License-Identifier: MIT */
#include "report/plot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "report/figure.h"
#include "report/gnuplot.h"

/* A one-line program tells whether there is a gnuplot at all: one sentence instead of one
 * per figure. */
static int try_gnuplot(struct plots *plots, struct why *why)
{
    struct text svg = {0};
    struct why said = {{0}};
    int status = gnuplot_draw("set terminal svg\nset xrange [0:1]\nset yrange [0:1]\nplot 0\n",
                              "probe", "", &svg, &said);

    text_release(&svg);
    if (status && status != STATUS_MEMORY)
        snprintf(plots->missing, sizeof plots->missing, "no figures: %.380s", said.text);
    else if (status)
        why_fail(why, status, "%s", said.text);
    return status;
}

/* The picture of the headline comes first: a model's as drawn, else the speed-up that shows
 * most. */
static void choose_first(struct plots *plots)
{
    size_t best = 0;
    struct plot keep;

    for (size_t i = 0; i < plots->plots; i++)
        if (plots->plot[i].kind == PLOT_SPEEDUP &&
            (plots->plot[best].kind != PLOT_SPEEDUP ||
             plots->plot[i].rows > plots->plot[best].rows))
            best = i;
    if (plots->plots == 0 || plots->plot[0].kind <= PLOT_SWEEP || best == 0)
        return;
    keep = plots->plot[best];
    memmove(&plots->plot[1], &plots->plot[0], best * sizeof keep);
    plots->plot[0] = keep;
}

int plots_draw(const struct report *report, struct plots *plots, struct why *why)
{
    static int (*const room[])(struct album *) = {plot_models,   plot_sweeps, plot_operations,
                                                  plot_roofline, plot_sizes,  plot_flips,
                                                  plot_phases,   plot_ledger};
    struct album album = {report, plots, why};
    int status;

    *plots = (struct plots){0};
    status = try_gnuplot(plots, why);
    if (status)
        return status == STATUS_MEMORY ? status : 0;
    for (size_t i = 0; i < sizeof room / sizeof *room && !status; i++)
        status = room[i](&album);
    if (status) {
        plots_release(plots);
        return why_fail(why, STATUS_MEMORY, "cannot draw the figures: out of memory");
    }
    choose_first(plots);
    return 0;
}

void plots_release(struct plots *plots)
{
    for (size_t i = 0; i < plots->plots; i++)
        text_release(&plots->plot[i].svg);
    free(plots->plot);
    *plots = (struct plots){0};
}

int plots_write(const struct plots *plots, const char *folder, struct why *why)
{
    int status = 0;

    if (plots->plots && mkdir(folder, 0777) != 0 && errno != EEXIST)
        return why_fail(why, STATUS_IO, "cannot make the folder '%s': %s", folder,
                        strerror(errno));
    for (size_t i = 0; i < plots->plots && !status; i++) {
        const struct plot *plot = &plots->plot[i];
        char path[1024];

        snprintf(path, sizeof path, "%s/%s.svg", folder, plot->name.text);
        status = text_write_file(path, plot->svg.data, plot->svg.n, why);
    }
    return status;
}
