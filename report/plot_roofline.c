/* SPDX-License-Identifier: MIT */
/* Both sides under their roofs: min(bandwidth * intensity, peak), a roof for each device and
 * type of data that has one (Williams, Waterman, Patterson, CACM 52(4), 2009). The CPU's
 * operations are named where there is room. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/figure.h"

enum { ROOFS_MOST = 12, BOXES_MOST = 1200, INNER_PX = 430 };

struct box {
    double x, y, width, height; /* pixels; left upper corner */
};

struct roofline {
    struct figure f;
    struct estimate x, y;
    int roofs;
    struct text roof, roof_name, name;
    struct box taken[BOXES_MOST];
    int boxes;
};

static double intensity(const struct record *r)
{
    return r->flops / (r->bytes_read + r->bytes_written);
}

/* ---- ranges ---------------------------------------------------------------------------- */

static void range_over(struct roofline *l, const struct contender *c)
{
    double x = intensity(c->record);

    if (!(x > 0) || !isfinite(x))
        return;
    figure_range(&l->x, (struct estimate){x, x, x});
    figure_range(&l->y, (struct estimate){c->bound.flops_per_s, c->bound.flops_per_s,
                                          c->bound.flops_per_s});
}

static bool is_used(const struct report *report, enum dtype dtype)
{
    for (size_t i = 0; i < report->contests; i++)
        if (report->contest[i].about->dtype == dtype)
            return true;
    return false;
}

static void find_ranges(struct roofline *l, const struct report *report)
{
    l->x = l->y = FIGURE_RANGE;
    for (size_t i = 0; i < report->contests; i++) {
        const struct contest *c = &report->contest[i];

        if (c->cpus)
            range_over(l, &c->cpu[0]);
        for (size_t k = 0; k < c->gpus; k++)
            range_over(l, &c->gpu[k]);
    }
    for (size_t i = 0; i < report->ceilings; i++) {
        const struct ceiling *c = &report->ceiling[i];
        double memory = report_bytes_per_s(report, c->device.text);

        if (c->is_memory || !is_used(report, c->dtype))
            continue;
        figure_range(&l->y, (struct estimate){c->per_s, c->per_s, c->per_s});
        if (l->x.high < 2 * c->per_s / memory)
            l->x.high = 2 * c->per_s / memory;
    }
    l->y.high *= 2; /* the name of the highest roof stands over it */
}

/* ---- pixels ---------------------------------------------------------------------------- */

static double pixels_x(const struct roofline *l, double x)
{
    return (l->f.width - l->f.left - l->f.right) * log(x / l->x.low) / log(l->x.high / l->x.low);
}

static double pixels_y(const struct roofline *l, double y)
{
    return INNER_PX * (1 - log(y / l->y.low) / log(l->y.high / l->y.low));
}

static double value_x(const struct roofline *l, double px)
{
    return l->x.low * pow(l->x.high / l->x.low, px / (l->f.width - l->f.left - l->f.right));
}

static double value_y(const struct roofline *l, double px)
{
    return l->y.low * pow(l->y.high / l->y.low, 1 - px / INNER_PX);
}

static bool is_free(const struct roofline *l, struct box b)
{
    if (b.x < 0 || b.y < 0 || b.x + b.width > l->f.width - l->f.left - l->f.right ||
        b.y + b.height > INNER_PX)
        return false;
    for (int i = 0; i < l->boxes; i++) {
        const struct box *t = &l->taken[i];

        if (b.x < t->x + t->width && t->x < b.x + b.width && b.y < t->y + t->height &&
            t->y < b.y + b.height)
            return false;
    }
    return true;
}

static void take(struct roofline *l, struct box b)
{
    if (l->boxes < (int)(sizeof l->taken / sizeof *l->taken))
        l->taken[l->boxes++] = b;
}

/* ---- roofs ----------------------------------------------------------------------------- */

/* Series of a device: 0 the CPU, then the GPUs; -1 for others. */
static int series_of(const struct roofline *l, const struct report *report, const char *device)
{
    if (strcmp(device, "cpu") == 0)
        return 0;
    for (int i = 1; i < l->f.series; i++)
        if (strcmp(report->gpu[i - 1].id.text, device) == 0)
            return i;
    return -1;
}

/* Where a name of `width` finds room at a flat roof: over it or, when another roof runs there,
 * under it, as far to the right as it fits. False when there is none. */
static bool place_at_roof(const struct roofline *l, double peak, double ridge, double width,
                          struct box *box)
{
    double roof = pixels_y(l, peak), end = pixels_x(l, l->x.high) - 4;

    for (double x = end - width; x > pixels_x(l, ridge) - 200; x -= 20)
        for (int under = 0; under < 2; under++) {
            *box = (struct box){x, under ? roof + 4 : roof - 17, width, 12};
            if (is_free(l, *box))
                return true;
        }
    return false;
}

/* The names stand at the flat part, near its right end; over the slope, turned with it. */
static void name_roof(struct roofline *l, const struct ceiling *c, double memory)
{
    double ridge = c->per_s / memory;
    double turn = atan2(pixels_y(l, l->y.low) - pixels_y(l, 10 * l->y.low),
                        pixels_x(l, 10 * l->x.low) - pixels_x(l, l->x.low)) * 180 / acos(-1);
    char text[128];
    double width, start;
    struct box box;

    snprintf(text, sizeof text, "%.30s %s %s", c->device.text, dtype_name(c->dtype),
             words_si(c->per_s, "FLOP/s").text);
    width = 5.8 * (double)strlen(text);
    if (place_at_roof(l, c->per_s, ridge, width, &box)) {
        text_printf(&l->roof_name, "%.6g %.6g 0 0 \"%s\"\n", value_x(l, box.x + width / 2),
                    value_y(l, box.y + 6), text);
        take(l, box);
    }
    start = fmax(l->x.low, l->y.low / memory); /* where the slope enters the picture */
    snprintf(text, sizeof text, "%s", words_si(memory, "B/s").text);
    box = (struct box){pixels_x(l, start) + 26, 0, 50, 12};
    box.y = pixels_y(l, memory * value_x(l, box.x + 25)) - 16;
    if (is_free(l, box) && box.x + 60 < pixels_x(l, ridge)) {
        text_printf(&l->roof_name, "%.6g %.6g %.1f 0 \"%s\"\n", value_x(l, box.x + 25 - 6),
                    value_y(l, box.y + 8), turn, text);
        take(l, box);
    }
}

/* No name of an operation shall stand on a roof of the CPU. */
static void avoid_roof(struct roofline *l, const struct ceiling *c, double memory)
{
    double end = pixels_x(l, l->x.high);

    for (double px = 0; px < end; px += 8)
        take(l, (struct box){px - 4, pixels_y(l, fmin(c->per_s, memory * value_x(l, px))) - 4, 8,
                             8});
}

/* A roof that is drawn: a compute ceiling of a side in a dtype in use, and its memory's rate. */
static bool is_roof(const struct roofline *l, const struct report *report,
                    const struct ceiling *c, double *memory)
{
    *memory = report_bytes_per_s(report, c->device.text);
    return !c->is_memory && series_of(l, report, c->device.text) >= 0 && !isnan(*memory) &&
           is_used(report, c->dtype);
}

/* All flat parts are taken before the first name is placed: none shall stand on another's. */
static void take_flats(struct roofline *l, const struct report *report)
{
    double memory, end = pixels_x(l, l->x.high);

    for (size_t i = 0; i < report->ceilings; i++) {
        const struct ceiling *c = &report->ceiling[i];

        if (is_roof(l, report, c, &memory)) {
            double start = fmax(pixels_x(l, c->per_s / memory), 0);

            take(l, (struct box){start, pixels_y(l, c->per_s) - 1, fmax(end - start, 0), 2});
        }
    }
}

static void add_roofs(struct roofline *l, const struct report *report)
{
    double memory;

    take_flats(l, report);
    text_printf(&l->f.data, "array ROOF[%d]\n", ROOFS_MOST);
    for (size_t i = 0; i < report->ceilings && l->roofs < ROOFS_MOST; i++) {
        const struct ceiling *c = &report->ceiling[i];
        int series = series_of(l, report, c->device.text);

        if (!is_roof(l, report, c, &memory))
            continue;
        text_printf(&l->f.data, "ROOF[%d] = %d\n", ++l->roofs, series + 1);
        text_printf(&l->roof, "%.6g %.6g\n%.6g %.6g\n%.6g %.6g\n\n\n", l->x.low,
                    memory * l->x.low, c->per_s / memory, c->per_s, l->x.high, c->per_s);
        name_roof(l, c, memory);
        if (series == 0)
            avoid_roof(l, c, memory);
    }
}

/* ---- points ---------------------------------------------------------------------------- */

static bool has_place(const struct contender *c)
{
    double x = intensity(c->record);

    return x > 0 && isfinite(x) && c->bound.flops_per_s > 0;
}

static void add_point(struct roofline *l, int series, const struct contender *c)
{
    struct estimate t = c->time_us;
    double x = intensity(c->record), y = c->bound.flops_per_s;

    if (series < 0 || !has_place(c))
        return;
    text_printf(&l->f.points[series], "%.6g %.6g %.6g %.6g \"\"\n", x, y, y * t.value / t.high,
                y * t.value / t.low);
    take(l, (struct box){pixels_x(l, x) - 5, pixels_y(l, y) - 5, 10, 10});
}

static void name_point(struct roofline *l, const struct contest *contest)
{
    const struct contender *c = &contest->cpu[0];
    double x = pixels_x(l, intensity(c->record)), y = pixels_y(l, c->bound.flops_per_s);
    double width = 5.6 * (double)strlen(contest->op.text);
    const struct box place[] = {{x + 7, y - 6, width, 11},
                                {x - 7 - width, y - 6, width, 11},
                                {x + 4, y + 6, width, 11},
                                {x + 4, y - 17, width, 11},
                                {x - width - 4, y + 6, width, 11},
                                {x - width - 4, y - 17, width, 11},
                                {x - width / 2, y + 8, width, 11}};

    for (size_t i = 0; i < sizeof place / sizeof *place; i++)
        if (is_free(l, place[i])) {
            text_printf(&l->name, "%.6g %.6g 0 0 \"", value_x(l, place[i].x),
                        value_y(l, place[i].y + 6));
            text_add(&l->name, contest->op.text);
            text_add(&l->name, "\"\n");
            take(l, place[i]);
            return;
        }
}

static void add_points(struct roofline *l, const struct report *report)
{
    for (size_t i = 0; i < report->contests; i++) {
        const struct contest *c = &report->contest[i];

        for (size_t k = 0; k < c->gpus; k++)
            add_point(l, series_of(l, report, c->gpu[k].record->device.text), &c->gpu[k]);
        if (c->cpus)
            add_point(l, 0, &c->cpu[0]);
    }
}

static void name_points(struct roofline *l, const struct report *report)
{
    for (size_t i = 0; i < report->contests; i++)
        if (report->contest[i].cpus && has_place(&report->contest[i].cpu[0]))
            name_point(l, &report->contest[i]);
}

static void write_blocks(struct roofline *l)
{
    text_printf(&l->f.data, "ROOFS = %d\n$roofs << END_OF_BLOCK\n%s\nEND_OF_BLOCK\n", l->roofs,
                l->roof.data ? l->roof.data : "NaN NaN\n");
    text_printf(&l->f.data, "$roof_names << END_OF_BLOCK\n%sNaN NaN NaN NaN \"\"\nEND_OF_BLOCK\n",
                l->roof_name.data ? l->roof_name.data : "");
    text_printf(&l->f.data, "$names << END_OF_BLOCK\n%sNaN NaN NaN NaN \"\"\nEND_OF_BLOCK\n",
                l->name.data ? l->name.data : "");
    l->f.data.failed |= l->roof.failed | l->roof_name.failed | l->name.failed;
    text_release(&l->roof);
    text_release(&l->roof_name);
    text_release(&l->name);
}

int plot_roofline(struct album *album)
{
    const struct report *report = album->report;
    struct roofline l = {.roofs = 0};

    find_ranges(&l, report);
    if (!(l.x.low <= l.x.high) || !(l.y.low <= l.y.high))
        return 0;
    if (figure_begin(&l.f, album, PLOT_ROOFLINE, "plots/roofline.gp", "roofline"))
        return STATUS_MEMORY;
    l.f.left = 130;
    l.f.inner = INNER_PX;
    snprintf(l.f.plot->title, sizeof l.f.plot->title,
             "Roofline: what each side reaches under its ceilings");
    snprintf(l.f.plot->caption, sizeof l.f.plot->caption,
             "Under the slope memory limits, under the flat part arithmetic does. The CPU's "
             "roofs were measured here, a projected GPU's are its datasheet. Points above the "
             "slope read from a cache. Operations without arithmetic (copies, look-ups) have no "
             "place here.");
    figure_sides(&l.f, report);
    figure_log_axis(&l.f, 'x', &l.x, tick_number);
    figure_log_axis(&l.f, 'y', &l.y, tick_flops);
    add_points(&l, report);
    add_roofs(&l, report);
    name_points(&l, report);
    write_blocks(&l);
    return figure_end(&l.f, album);
}
