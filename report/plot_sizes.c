/* SPDX-License-Identifier: MIT */
/* Time against size, for problems that differ in one axis only. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/figure.h"
#include "report/judge.h"

enum { SIZES_LEAST = 4, SIZES_MOST = 64, FAMILIES_MOST = 8, CROSSINGS_MOST = 4, INNER_PX = 330 };

struct family {
    const char *axis;
    const struct contest *size[SIZES_MOST];
    int sizes;
};

/* By size; relatives of `first` along `axis`, itself included. */
static void gather(const struct report *report, const struct contest *first, const char *axis,
                   struct family *family)
{
    *family = (struct family){.axis = axis};
    for (size_t i = 0; i < report->contests && family->sizes < SIZES_MOST; i++) {
        const struct contest *c = &report->contest[i];
        double size = record_axis(c->about, axis);
        int at = family->sizes;

        if (!c->cpus || !(size > 0) || !record_alike_but(first->about, c->about, axis))
            continue;
        while (at > 0 && record_axis(family->size[at - 1]->about, axis) > size) {
            family->size[at] = family->size[at - 1];
            at--;
        }
        family->size[at] = c;
        family->sizes++;
    }
}

static void add_crossings(struct figure *f, const struct report *report,
                          const struct family *family, enum placement placement)
{
    int n = 0;

    text_printf(&f->data, "array CROSS_LOW[%d]\narray CROSS_HIGH[%d]\n", CROSSINGS_MOST,
                CROSSINGS_MOST);
    for (size_t i = 0; i < report->crossovers && n < CROSSINGS_MOST; i++) {
        const struct crossover *x = &report->crossover[i];

        if (x->is_sweep || x->placement != placement ||
            strcmp(x->axis.text, family->axis) != 0 ||
            !record_alike_but(family->size[0]->about, x->from->about, family->axis))
            continue;
        for (int k = 0; k < x->found.changes && n < CROSSINGS_MOST; k++) {
            n++;
            text_printf(&f->data, "CROSS_LOW[%d] = %.9g\nCROSS_HIGH[%d] = %.9g\n", n,
                        x->found.change[k].low, n, x->found.change[k].high);
        }
    }
    text_printf(&f->data, "CROSSINGS = %d\n", n);
}

static void add_size(struct figure *f, int series, double size, struct estimate us,
                     struct estimate *range)
{
    if (isnan(us.value))
        return;
    text_printf(&f->points[series], "%.9g %.9g %.9g %.9g \"\"\n", size, us.value,
                isfinite(us.low) ? us.low : us.value, isfinite(us.high) ? us.high : us.value);
    figure_range(range, us);
}

static void add_sizes(struct figure *f, const struct report *report,
                      const struct family *family, enum placement placement)
{
    struct estimate x = FIGURE_RANGE, y = FIGURE_RANGE;

    for (int i = 0; i < family->sizes; i++) {
        const struct contest *c = family->size[i];
        double size = record_axis(c->about, family->axis);

        figure_range(&x, (struct estimate){size, size, size});
        add_size(f, 0, size, c->cpu[0].time_us, &y);
        for (int g = 1; g < f->series; g++) {
            const struct verdict *v =
                report_verdict(report, c, report->gpu[g - 1].id.text, placement);

            if (v)
                add_size(f, g, size, v->gpu_us, &y);
        }
    }
    figure_log_axis(f, 'x', &x, tick_number);
    figure_log_axis(f, 'y', &y, tick_time);
}

static int draw(struct album *album, const struct family *family, enum placement placement)
{
    const struct record *about = family->size[0]->about;
    struct figure f;
    char name[100];

    snprintf(name, sizeof name, "size-%.20s-%s-%.16s%s", about->workload.text,
             dtype_name(about->dtype), family->axis,
             placement == PLACEMENT_EVERY ? "-every" : "");
    if (figure_begin(&f, album, PLOT_SIZE, "plots/size.gp", name))
        return STATUS_MEMORY;
    f.left = 90;
    f.inner = INNER_PX;
    snprintf(f.plot->title, sizeof f.plot->title, "Time against size: %.40s %s, %s",
             about->workload.text, dtype_name(about->dtype),
             placement == PLACEMENT_EVERY ? "everything is sent to the GPU on each call"
                                          : "data in place");
    snprintf(f.plot->caption, sizeof f.plot->caption,
             "Otherwise alike: %.64s at the smallest. Bands are the intervals of both sides; "
             "only the marked sizes were measured or projected. In a grey column the winner "
             "changes.",
             about->shape_text.text);
    text_printf(&f.data, "XLABEL = \"%.32s (logarithmic)\"\n", family->axis);
    figure_sides(&f, album->report);
    add_crossings(&f, album->report, family, placement);
    add_sizes(&f, album->report, family, placement);
    return figure_end(&f, album);
}

static int draw_family(struct album *album, const struct family *family)
{
    int status = draw(album, family, PLACEMENT_RESIDENT);

    return status || !album->report->gpus ? status : draw(album, family, PLACEMENT_EVERY);
}

int plot_sizes(struct album *album)
{
    const struct report *report = album->report;
    int status = 0, drawn = 0;

    for (size_t i = 0; i < report->contests; i++) {
        const char *key;
        json_t *value;

        json_object_foreach (report->contest[i].about->shape, key, value) {
            struct family family;

            if (!json_is_number(value) || status || drawn == FAMILIES_MOST)
                continue;
            gather(report, &report->contest[i], key, &family);
            if (family.sizes < SIZES_LEAST || family.size[0] != &report->contest[i])
                continue; /* drawn where its smallest size stands */
            status = draw_family(album, &family);
            drawn++;
        }
    }
    return status;
}
