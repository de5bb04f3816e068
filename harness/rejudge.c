/* SPDX-License-Identifier: MIT */
/* The `report` sub-command: judge results files again, on any machine. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "harness/command.h"
#include "harness/options.h"
#include "harness/prices.h"
#include "report/format.h"
#include "report/report.h"

enum { FILES = 64 };

struct request {
    char *file[FILES];
    int files;
    const char *format, *output;
    json_t *prices;
};

static const struct argp_option table[] = {
    {"format", 'f', "NAME", 0, "text (default), html, markdown, csv, json or junit", 0},
    {"output", 'o', "PATH", 0, "write to PATH instead of standard output", 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct request *r = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &r->prices;
        return 0;
    case 'f':
        r->format = arg;
        return 0;
    case 'o':
        r->output = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (r->files == FILES)
            argp_error(state, "more than %d files", FILES);
        r->file[r->files++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (!r->files)
            argp_error(state, "name a results file or the folder of a run");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static const struct format *find_format(const char *wish)
{
    const struct format *format = format_find(wish);
    const char *name[32];
    size_t names = 0;
    char near[160];

    if (format)
        return format;
    for (const struct format *const *f = formats; *f && names < 32; f++)
        name[names++] = (*f)->name;
    text_nearest(near, sizeof near, wish, name, names);
    command_fail(EXIT_USAGE, "no format '%s'%s; hint: offload-bench list formats", wish, near);
    return NULL;
}

static int print(const struct format *format, const struct text *text, struct why *why)
{
    if (format == format_find("text"))
        format_print(text->data, stdout);
    else
        fwrite(text->data, 1, text->n, stdout);
    return fflush(stdout) == 0 && !ferror(stdout)
               ? 0
               : why_fail(why, STATUS_IO, "cannot write to standard output");
}

static int write_report(const struct results *results, const struct format *format,
                        const char *output, struct why *why)
{
    struct report report;
    struct text text = {0};
    int status = report_build(results, &report, why);

    if (status)
        return status;
    report.columns = output ? 0 : format_columns(stdout);
    status = format->write(&report, &text, why);
    if (!status && text.failed)
        status = why_fail(why, STATUS_MEMORY, "cannot write the report: out of memory");
    if (!status && output)
        status = text_write_file(output, text.data, text.n, why);
    else if (!status)
        status = print(format, &text, why);
    text_release(&text);
    report_release(&report);
    return status;
}

int command_report(int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&prices_argp, 0, "Prices, instead of those of the run:", 1}, {0}};
    static const struct argp argp = {
        .options = table, .parser = parse_option, .args_doc = "RESULTS...",
        .children = children,
        .doc = "Judge results files (or folders of runs) again, from their records alone."};
    static char name[] = "offload-bench report";
    struct request request = {.format = "text"};
    struct results results = {0};
    const struct format *format;
    struct why why = {{0}};
    int status = 0;

    argv[0] = name;
    argp_err_exit_status = EXIT_USAGE;
    options_check(argc, argv, table, "report");
    argp_parse(&argp, argc, argv, 0, NULL, &request);
    format = find_format(request.format);
    if (!format)
        return EXIT_USAGE;
    for (int i = 0; i < request.files && !status; i++)
        status = results_read(&results, request.file[i], &why);
    if (!status)
        status = prices_check(request.prices, results.header, &why);
    if (!status)
        prices_apply(results.header, request.prices);
    if (!status)
        status = write_report(&results, format, request.output, &why);
    for (size_t i = 0; i < results.notes; i++)
        fprintf(stderr, "offload-bench: %s\n", results.note[i]);
    results_release(&results);
    json_decref(request.prices);
    return status ? command_fail(EXIT_USAGE, "%s", why.text) : EXIT_DONE;
}
