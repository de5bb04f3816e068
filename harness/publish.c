/* SPDX-License-Identifier: MIT */
#include "harness/publish.h"

#include <stdio.h>

#include "base/text.h"
#include "harness/prices.h"
#include "report/format.h"
#include "report/plot.h"
#include "report/report.h"

static int write_format(const struct format *format, const struct report *report,
                        const char *out, struct why *why)
{
    struct text text = {0};
    char path[1024];
    int status = format->write(report, &text, why);

    snprintf(path, sizeof path, "%s/report.%s", out, format->extension);
    if (!status && text.failed)
        status = why_fail(why, STATUS_MEMORY, "cannot write '%s': out of memory", path);
    if (!status)
        status = text_write_file(path, text.data, text.n, why);
    text_release(&text);
    return status;
}

static int write_terminal(const struct report *report, struct why *why)
{
    struct text text = {0};
    int status = format_find("text")->write(report, &text, why);

    if (!status && text.failed)
        status = why_fail(why, STATUS_MEMORY, "cannot print the report: out of memory");
    if (!status)
        format_print(text.data, stdout);
    text_release(&text);
    return status;
}

static int write_files(const struct report *report, const char *out, struct why *why)
{
    char folder[1024];
    int status = 0;

    for (const struct format *const *f = formats; *f && !status; f++)
        if ((*f)->extension)
            status = write_format(*f, report, out, why);
    snprintf(folder, sizeof folder, "%s/plots", out);
    return status ? status : plots_write(report->plots, folder, why);
}

/* The figures are drawn once, for the page and for the files beside it. */
static int publish_report(struct report *report, const char *out, struct why *why)
{
    struct plots plots;
    int status = plots_draw(report, &plots, why);

    if (status)
        return status;
    report->plots = &plots;
    status = write_files(report, out, why);
    report->plots = NULL;
    plots_release(&plots);
    report->columns = format_columns(stdout);
    return status ? status : write_terminal(report, why);
}

int publish(const char *path, const char *out, const json_t *prices, bool is_quiet,
            struct why *why)
{
    struct results results = {0};
    struct report report;
    int status = results_read(&results, path, why);

    if (!status)
        prices_apply(results.header, prices);
    if (!status)
        status = report_build(&results, &report, why);
    if (!status) {
        status = publish_report(&report, out, why);
        report_release(&report);
    }
    results_release(&results);
    if (!status && !is_quiet)
        printf("\nreport: %s/report.html\n", out);
    return status;
}
