/* SPDX-License-Identifier: MIT */
/* One way to write the report. A format is one room in report/formats/ that exports
 * format_<room>. */
#ifndef OFFLOAD_BENCH_FORMAT_H
#define OFFLOAD_BENCH_FORMAT_H

#include <stdio.h>

#include "base/text.h"
#include "base/why.h"

struct report; /* report/report.h: everything the records say, judged */

struct format {
    const char *name;      /* as in `report --format NAME` */
    const char *brief;
    const char *extension; /* of report.EXT in the output folder; NULL: only on request */
    int (*write)(const struct report *, struct text *out, struct why *why);
};

/* All formats, sorted by name; generated from the rooms. Ends with NULL. */
extern const struct format *const formats[];

/* By name, or NULL. */
const struct format *format_find(const char *name);

/* Columns of the terminal that `to` is; 0: it is none, or does not tell. */
size_t format_columns(FILE *to);
/* Print `text` to `to`. On a terminal the decisions are coloured, unless NO_COLOR is set or
 * the terminal is "dumb"; a file or a pipe gets the bytes as they are. Use it for the text
 * format only. */
void format_print(const char *text, FILE *to);

#endif
