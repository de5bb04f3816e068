/* SPDX-License-Identifier: MIT */
/* A model as a whole: tokens per second in decode, time to first token in prefill; the CPU
 * beside the best plan with each GPU. */
#include <math.h>
#include <string.h>

#include "report/figure.h"
#include "report/units.h"

static bool is_same(const struct chain *a, const struct chain *b)
{
    return a->batch == b->batch && a->context == b->context &&
           strcmp(a->model.text, b->model.text) == 0 && strcmp(a->phase.text, b->phase.text) == 0;
}

static const struct chain *chain_on(const struct report *report, const struct chain *like,
                                    size_t gpu)
{
    for (size_t i = 0; i < report->chains; i++)
        if (report->chain[i].gpu == &report->gpu[gpu] && is_same(&report->chain[i], like))
            return &report->chain[i];
    return NULL;
}

static bool is_decode(const struct chain *c)
{
    return strcmp(c->phase.text, "decode") == 0;
}

/* What the axis shows of a pass that takes `us`: tokens per second, or milliseconds. */
static struct estimate shown(const struct chain *c, struct estimate us)
{
    if (is_decode(c))
        return chain_tokens_per_s(c, us);
    return (struct estimate){us.value / 1e3, us.low / 1e3, us.high / 1e3};
}

static void spell(const struct chain *c, struct estimate e, char *text, size_t size)
{
    if (isnan(e.value))
        snprintf(text, size, "not known");
    else if (is_decode(c))
        snprintf(text, size, "%.12s (%.12s-%.12s)", words_number(e.value).text, words_number(e.low).text,
                 words_number(e.high).text);
    else
        snprintf(text, size, "%s",
                 words_time_estimate((struct estimate){e.value * 1e3, e.low * 1e3, e.high * 1e3})
                     .text);
}

static double add_row(struct figure *f, const struct report *report, const struct chain *c)
{
    struct estimate e = shown(c, c->cpu_us);
    double y, most = isfinite(e.high) ? e.high : 0;
    char text[128];

    snprintf(text, sizeof text, "batch %lld, %s %lld", (long long)c->batch,
             is_decode(c) ? "context" : "prompt", (long long)c->context);
    y = figure_row(f, text, f->series);
    spell(c, e, text, sizeof text);
    figure_point(f, 0, y, e, text);
    for (int i = 1; i < f->series; i++) {
        const struct chain *on = chain_on(report, c, (size_t)i - 1);

        e = on ? shown(c, on->mix_us) : (struct estimate){NAN, NAN, NAN};
        spell(c, e, text, sizeof text);
        figure_point(f, i, y += LINE_PX, e, text);
        most = isfinite(e.high) ? fmax(most, e.high) : most;
    }
    return most;
}

static int draw(struct album *album, const char *phase)
{
    const struct report *report = album->report;
    const char *model = NULL;
    bool decode = strcmp(phase, "decode") == 0;
    struct figure f;
    double most = 0;

    for (size_t i = 0; i < report->chains && !model; i++)
        if (strcmp(report->chain[i].phase.text, phase) == 0)
            model = report->chain[i].model.text;
    if (!model)
        return 0;
    if (figure_begin(&f, album, PLOT_MODEL, "plots/model.gp",
                     decode ? "tokens-per-second" : "time-to-first-token"))
        return STATUS_MEMORY;
    f.width = 540; /* two side by side on a desk, one on a phone */
    f.left = 120;
    snprintf(f.plot->title, sizeof f.plot->title, "%s: %.60s",
             decode ? "Tokens per second, more is better" : "Time to first token, less is better",
             model);
    snprintf(f.plot->caption, sizeof f.plot->caption,
             "%s. With a GPU: the best plan found, operations moved where that pays, the others "
             "left on the CPU.",
             decode ? "All sequences of the batch together"
                    : "One pass over the prompt, the sum of its operations");
    figure_sides(&f, report);
    for (size_t i = 0; i < report->chains; i++) {
        const struct chain *c = &report->chain[i];
        bool seen = strcmp(c->phase.text, phase) != 0;

        for (size_t k = 0; k < i && !seen; k++)
            seen = is_same(&report->chain[k], c);
        if (!seen)
            most = fmax(most, add_row(&f, report, c));
    }
    text_printf(&f.data, "XMAX = %g\nXLABEL = \"%s\"\n",
                most > 0 ? 1.05 * most : 1,
                decode ? "tokens per second" : "time to first token (ms)");
    return figure_end(&f, album);
}

int plot_models(struct album *album)
{
    int status = draw(album, "decode");

    return status ? status : draw(album, "prefill");
}
