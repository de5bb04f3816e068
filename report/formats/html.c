/* SPDX-License-Identifier: MIT */
/* The whole report as one page that needs nothing else: style, script and figures stand in
 * it. The template and its parts are page.html, page.css and page.js beside this file. */
#include <string.h>

#include "base/embedded.h"
#include "report/format.h"
#include "report/page.h"

static const char contents[] =
    "<nav aria-label=\"contents\"><a href=\"#verdicts\">Verdicts</a> <a "
    "href=\"#figures\">Figures</a> <a href=\"#costs\">Costs</a> <a href=\"#variants\">CPU "
    "variants</a> <a href=\"#counters\">Counters</a> <a href=\"#checks\">Checks</a> <a "
    "href=\"#machine\">Machine</a> <a href=\"#method\">Method</a> <a "
    "href=\"#notes\">Notes</a></nav>\n";

static void add_body(const struct report *report, const struct plots *plots, struct text *out)
{
    page_answer(report, plots, out);
    text_add(out, contents);
    text_add(out, "<main>\n");
    page_models(report, out);
    page_verdicts(report, out);
    page_figures(plots, out);
    page_costs(report, out);
    page_variants(report, out);
    page_measures(report, out);
    page_checks(report, out);
    page_machine(report, out);
    page_method(report, out);
    page_notes(report, plots, out);
    text_add(out, "</main>\n");
}

static const char *part(const char *path)
{
    const struct embedded *found = embedded_find(path);

    return found ? found->text : NULL;
}

/* The template with each {{name}} replaced by its value. */
static void fill(struct text *out, const char *template, const char *const (*value)[2])
{
    const char *hole;

    while ((hole = strstr(template, "{{"))) {
        size_t n = strcspn(hole + 2, "}");

        text_add_bytes(out, template, (size_t)(hole - template));
        for (size_t i = 0; value[i][0]; i++)
            if (strlen(value[i][0]) == n && strncmp(value[i][0], hole + 2, n) == 0)
                text_add(out, value[i][1]);
        template = hole + n + 4;
    }
    text_add(out, template);
}

static int write(const struct report *report, struct text *out, struct why *why)
{
    const char *template = part("report/formats/page.html");
    const char *css = part("report/formats/page.css"), *js = part("report/formats/page.js");
    struct text body = {0}, title = {0};
    struct plots own = {0};
    const struct plots *plots = report->plots ? report->plots : &own;
    int status = 0;

    if (!template || !css || !js)
        return why_fail(why, STATUS_INVALID, "the page's template is not built in");
    if (!report->plots)
        status = plots_draw(report, &own, why);
    if (status)
        return status;
    page_text(&title, report->headline);
    add_body(report, plots, &body);
    if (title.failed || body.failed)
        status = why_fail(why, STATUS_MEMORY, "cannot write the page: out of memory");
    else
        fill(out, template, (const char *const[][2]){{"title", title.n ? title.data : "report"},
                                                     {"css", css},
                                                     {"js", js},
                                                     {"body", body.data},
                                                     {NULL, NULL}});
    plots_release(&own);
    text_release(&body);
    text_release(&title);
    return status;
}

const struct format format_html = {
    .name = "html",
    .brief = "one self-contained page with figures",
    .extension = "html",
    .write = write,
};
