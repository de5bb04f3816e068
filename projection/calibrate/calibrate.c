/* SPDX-License-Identifier: MIT */
/* A program apart from the tool: fit the projection's parameters to measured timings
 * (`calibrate fit DATA OUT.json`), or leave GPUs and families out of the fit and print how
 * well they are predicted (`calibrate validate DATA`). Run by `make calibrate`, `make
 * validate`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "projection/calibrate/spread.h"
#include "projection/calibrate/tables.h"

enum { FIT_ROWS = 150, FIT_ROUNDS = 40, FOLD_STRIDE = 5 };

/* One trait's object of values by family, those that a family has of its own. */
static void trait_write(struct text *out, struct parameters *own, const struct knob *first)
{
    bool is_first = true;

    text_printf(out, "  \"%s\": {", first->name);
    for (int f = 0; f < FAMILIES; f++) {
        double value = knob_value(own, first)[f];

        if (isnan(value))
            continue;
        text_printf(out, "%s\"%s\": %.4g", is_first ? "" : ", ", family_name(f), value);
        is_first = false;
    }
    text_add(out, "}");
}

static void parameters_text(struct text *out, struct parameters *own)
{
    struct knob knob[KNOBS];
    int n = knobs_list(knob);

    text_add(out, " \"parameters\": {\n");
    for (int i = 0; i < n; i += knob[i].family < 0 ? 1 : FAMILIES) {
        if (knob[i].who == WHO_F)
            continue; /* assumptions have a file of their own */
        if (knob[i].family < 0)
            text_printf(out, "  \"%s\": %.4g", knob[i].name, *knob_value(own, &knob[i]));
        else
            trait_write(out, own, &knob[i]);
        text_add(out, i + (knob[i].family < 0 ? 1 : FAMILIES) < n ? ",\n" : "\n");
    }
    text_add(out, " },\n");
}

/* Class, common share, GPUs. */
static void calibrated_text(struct text *out, const struct intervals *t)
{
    text_add(out, " \"calibrated\": [\n");
    for (int c = 0; c < CLASSES; c++) {
        text_printf(out, "  [\"%s\", %.2f, [", class_name((enum class)c), t->common[c]);
        for (int i = 0; i < 16 && t->gpu[c][i].text[0]; i++)
            text_printf(out, "%s\"%s\"", i ? ", " : "", t->gpu[c][i].text);
        text_add(out, c + 1 < CLASSES ? "]],\n" : "]]\n");
    }
    text_add(out, " ],\n");
}

/* Operation and the precisions it was timed in; the deviation that others have besides. */
static void timed_text(struct text *out, const struct intervals *t)
{
    const char *comma = "";

    text_add(out, " \"timed\": [\n");
    for (int i = 0; op_kind_at(i); i++) {
        if (!t->timed[i])
            continue;
        text_printf(out, "%s  [\"%s\"", comma, op_kind_at(i)->name);
        for (int p = 0; p < KIND_PRECISIONS; p++)
            if (t->timed[i] >> p & 1)
                text_printf(out, ", \"%s\"", precision_name(p));
        text_add(out, "]");
        comma = ",\n";
    }
    text_add(out, "\n ],\n \"strange\": {");
    for (int i = 0; i < PARTS; i++)
        text_printf(out, "%s\"%s\": %.3f", i ? ", " : "", part_name((enum part)i), t->strange[i]);
    text_add(out, "},\n");
}

/* Standing, class, kindred; standard deviations of the causes up to the link, in their order. */
static void intervals_text(struct text *out, const struct intervals *t)
{
    enum { ROWS = STANDINGS * CLASSES * KINDREDS };

    text_add(out, " \"intervals\": [\n");
    for (int i = 0; i < ROWS; i++) {
        int k = i % KINDREDS, c = i / KINDREDS % CLASSES, s = i / KINDREDS / CLASSES;
        const double *sigma = t->sigma[s][c][k];

        text_printf(out, "  [\"%s\", \"%s\", \"%s\"", standing_name((enum standing)s),
                    class_name((enum class)c), kindred_name((enum kindred)k));
        for (int cause = 0; cause < CAUSE_LINK; cause++)
            text_printf(out, ", %.3f", sigma[cause]);
        text_add(out, i + 1 < ROWS ? "],\n" : "]\n");
    }
    text_add(out, " ]\n");
}

/* The whole file, from what was fitted and what the folds left. */
static int file_write(struct parameters *own, const struct intervals *t, const char *path,
                      struct why *why)
{
    struct text out = {0};
    int status;

    text_add(&out, "{\n \"about\": \"written by make calibrate; what they mean stands in "
                   "projection/parameters.h and interval.h\",\n");
    parameters_text(&out, own);
    calibrated_text(&out, t);
    timed_text(&out, t);
    intervals_text(&out, t);
    text_add(&out, "}\n");
    status = out.failed ? why_fail(why, STATUS_MEMORY, "out of memory")
                        : text_write_file(path, out.data, out.n, why);
    text_release(&out);
    return status;
}

static int run_fit(struct samples *s, const char *path, struct why *why)
{
    struct intervals *t = calloc(1, sizeof *t);
    struct residuals r = {0};
    struct parameters own, all;
    int status = t ? 0 : STATUS_MEMORY;

    parameters_init(&own);
    samples_choose(s, FIT_ROWS);
    fprintf(stderr, "with everything         ");
    fit_all(&own, s, NULL, FIT_ROUNDS);
    all = own;
    parameters_inherit(&all);
    if (status == 0)
        status = residuals_add(&r, s, &all, NULL, FOLD_STRIDE);
    if (status == 0)
        status = folds_run(&r, s, FOLD_STRIDE);
    if (status == 0)
        status = intervals_make(t, &r, s, NULL);
    if (status == 0)
        status = file_write(&own, t, path, why);
    else
        why_fail(why, status, "out of memory");
    residuals_release(&r);
    free(t);
    return status;
}

static int run_validate(struct samples *s, struct why *why)
{
    struct residuals r = {0};
    int status = folds_run(&r, s, 1);

    if (status == 0)
        tables_print(s, &r);
    else
        why_fail(why, status, "out of memory");
    residuals_release(&r);
    return status;
}

int main(int argc, char **argv)
{
    struct samples samples = {0};
    struct why why = {""};
    int status;

    if (argc < 3) {
        fprintf(stderr, "usage: calibrate fit DATA OUT.json | calibrate validate DATA\n");
        return 2;
    }
    status = samples_read(&samples, argv[2], &why);
    if (status == 0)
        fprintf(stderr, "%zu timings in %d groups\n", samples.n, samples.groups);
    if (status == 0 && strcmp(argv[1], "fit") == 0 && argc > 3)
        status = run_fit(&samples, argv[3], &why);
    else if (status == 0)
        status = run_validate(&samples, &why);
    if (status != 0)
        fprintf(stderr, "calibrate: %s\n", why.text);
    samples_release(&samples);
    return status == 0 ? 0 : 2;
}
