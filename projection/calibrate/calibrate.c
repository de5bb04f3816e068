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
#include "projection/calibrate/fit.h"
#include "projection/calibrate/tables.h"

enum { FIT_ROWS = 150, FIT_ROUNDS = 40 };

/* What no timing says stays as the built-in file has it. */
static void start_values(struct parameters *p)
{
    struct knob knob[KNOBS];
    int n = knobs_list(knob);
    const struct parameters *builtin = parameters_builtin();

    parameters_init(p);
    for (int i = 0; i < n; i++)
        if (knob[i].who == WHO_F || (getenv("WHO_ONLY") && !strchr(getenv("WHO_ONLY"), "FMAT"[knob[i].who])))
            *knob_value(p, &knob[i]) = *knob_value((struct parameters *)builtin, &knob[i]);
}

/* Fit everything: streams first, because the other models use their bandwidths. */
static void fit_all(struct parameters *p, const struct samples *s, const struct left_out *out)
{
    static const enum who order[] = {WHO_T, WHO_M, WHO_A};

    for (int i = 0; i < 3; i++) {
        if (getenv("WHO_ONLY") && !strchr(getenv("WHO_ONLY"), "TMA"[i])) continue;
        double loss = fit(p, s, out, order[i], FIT_ROUNDS);

        fprintf(stderr, "  %s %.4f", i == 0 ? "streams" : i == 1 ? "matrix" : "attention", loss);
    }
    fprintf(stderr, "\n");
}

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

static int parameters_write(struct parameters *own, const char *path, struct why *why)
{
    struct knob knob[KNOBS];
    struct text out = {0};
    int n = knobs_list(knob), status;

    text_add(&out, "{\n \"about\": \"written by make calibrate; units and meanings stand in "
                   "projection/parameters.h\",\n \"parameters\": {\n");
    for (int i = 0; i < n; i += knob[i].family < 0 ? 1 : FAMILIES) {
        if (knob[i].family < 0)
            text_printf(&out, "  \"%s\": %.4g", knob[i].name, *knob_value(own, &knob[i]));
        else
            trait_write(&out, own, &knob[i]);
        text_add(&out, i + (knob[i].family < 0 ? 1 : FAMILIES) < n ? ",\n" : "\n");
    }
    text_add(&out, " }\n}\n");
    status = out.failed ? why_fail(why, STATUS_MEMORY, "out of memory")
                        : text_write_file(path, out.data, out.n, why);
    text_release(&out);
    return status;
}

static int run_fit(struct samples *s, const char *path, struct why *why)
{
    struct parameters p;
    int status;

    start_values(&p);
    samples_choose(s, FIT_ROWS);
    fit_all(&p, s, NULL);
    status = parameters_write(&p, path, why);
    parameters_inherit(&p);
    if (getenv("TABLE"))
        table_print(s, &p, NULL);
    return status;
}

int main(int argc, char **argv)
{
    struct samples samples = {0};
    struct why why = {""};
    int status = STATUS_INVALID;

    if (argc < 3) {
        fprintf(stderr, "usage: calibrate fit DATA OUT.json | calibrate validate DATA\n");
        return 2;
    }
    status = samples_read(&samples, argv[2], &why);
    if (status == 0)
        fprintf(stderr, "%zu timings in %d groups\n", samples.n, samples.groups);
    if (status == 0 && strcmp(argv[1], "fit") == 0 && argc > 3)
        status = run_fit(&samples, argv[3], &why);
    if (status != 0)
        fprintf(stderr, "calibrate: %s\n", why.text);
    samples_release(&samples);
    return status == 0 ? 0 : 2;
}
