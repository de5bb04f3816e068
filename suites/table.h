/* SPDX-License-Identifier: MIT */
/* How a suite's data file becomes a suite, and its rows. */
#ifndef OFFLOAD_BENCH_TABLE_H
#define OFFLOAD_BENCH_TABLE_H

#include <jansson.h>

#include "suites/suite.h"

/* A whole suite from a parsed data file. Fields: name, brief, budget_s (all required),
 * note, others, and either "rows" (below) or "model", "dtype", "chains" (suites/llm.h). On
 * failure *suite is released. Errors: STATUS_INVALID naming `path` and field,
 * STATUS_MEMORY. */
int suite_read(struct suite *, const char *path, const json_t *root,
               const struct suite_request *, struct why *why);

/* Append `row`, or find the identical one. Returns its index, or STATUS_MEMORY. */
int table_row(struct suite *, const struct suite_row *row, struct why *why);

/* Set axis `name` of a row under construction (asserted: at most AXES). */
void table_axis(struct suite_row *, const char *name, const char *value);
void table_axis_count(struct suite_row *, const char *name, int64_t value);

/* Read the field "rows": an array of
 *     {"workload": NAME, "dtype": [...], "also": [...], "cache": "hot" | "cold",
 *      "shape": {AXIS: value or [values] or "=AXIS"}}
 * Each row is the product of its lists. "=m" takes the value that axis m has. "also"
 * are dtypes used only when the request names them. A request with dtypes takes those
 * of each row that it names; rows of integers alone stay as they are. Errors:
 * STATUS_INVALID naming `path`, row and field; when the request's dtypes leave no row;
 * STATUS_MEMORY. */
int table_read(struct suite *, const char *path, const json_t *root,
               const struct suite_request *, struct why *why);

/* A list of dtype names (or one) as a bit set, 0 with *why on error; `where` starts the
 * sentence. */
unsigned table_dtypes(const json_t *list, const char *where, struct why *why);

#endif
