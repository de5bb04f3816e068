/* SPDX-License-Identifier: MIT */
/* Any bytes after a header, as a results file: nothing may crash on the way through the
 * reader, the judgement and every format. `make fuzz` runs it for half a minute. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report/format.h"
#include "report/plot.h"
#include "report/report.h"

extern const struct format format_csv, format_html, format_json, format_junit, format_markdown,
    format_text;
const struct format *const formats[] = {&format_csv,   &format_html,     &format_json,
                                        &format_junit, &format_markdown, &format_text, NULL};

static void write_all(const struct report *report)
{
    for (const struct format *const *f = formats; *f; f++) {
        struct text text = {0};

        (*f)->write(report, &text, NULL);
        text_release(&text);
    }
}

static void judge(const char *path)
{
    struct results results = {0};
    struct report report;
    struct plots none = {0};

    if (results_read(&results, path, NULL) == 0 &&
        report_build(&results, &report, NULL) == 0) {
        report.plots = &none; /* gnuplot is another program */
        write_all(&report);
        report_release(&report);
    }
    results_release(&results);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char header[] =
        "{\"kind\":\"header\",\"schema\":\"" RESULTS_SCHEMA "\"}\n";
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/dev/shm/offload-bench-fuzz-%d", (int)getpid());
    file = fopen(path, "w");
    if (!file)
        abort();
    if (size && *data != '{') /* a file that brings its own header may be anything */
        fputs(header, file);
    fwrite(data, 1, size, file);
    fclose(file);
    judge(path);
    unlink(path);
    return 0;
}
