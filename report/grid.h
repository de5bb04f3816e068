/* SPDX-License-Identifier: MIT */
/* A table of words for the formats that people read: filled cell by cell, written with
 * aligned columns, as plain text or as Markdown. */
#ifndef OFFLOAD_BENCH_GRID_H
#define OFFLOAD_BENCH_GRID_H

#include <stdbool.h>

#include "base/text.h"

enum { GRID_COLUMNS = 16 };

/* How a column stands: numbers to the right; whether text rows that are too long for a line are
 * broken before it; and, as multiples of GRID_SPARE, what a short line does without: the largest
 * multiple goes first. */
enum grid_stand { GRID_LEFT, GRID_RIGHT, GRID_BREAK = 1 << 1, GRID_SPARE = 1 << 2 };

/* A column's heading. */
struct grid_column {
    const char *name;
    int stand; /* enum grid_stand, or-ed */
};

/* Zero-initialise but for `column` (ends with a NULL name) before use. */
struct grid {
    struct grid_column column[GRID_COLUMNS + 1];
    char **cell; /* row after row; owned copies */
    size_t cells, cap;
    int failed;  /* out of memory: rows are missing */
};

/* The next cell, rows left to right; copied, cut at 200 bytes. */
void grid_add(struct grid *, const char *text);
void grid_printf(struct grid *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
size_t grid_columns(const struct grid *);
size_t grid_rows(const struct grid *);
/* A column that holds nothing but "-", and not the first one, which stands for the row. */
bool grid_is_empty(const struct grid *, size_t column);

/* Append the table to `out`. Nothing but the headings when there is no row. As text, columns that
 * hold nothing but "-" are left out, and no line is longer than `line` characters, unless a word is:
 * spare columns go as long as that helps, and a line below names them; then rows and headings are
 * broken and go on indented; a last column of sentences is broken at blanks. */
void grid_text(const struct grid *, size_t line, struct text *out);
void grid_markdown(const struct grid *, struct text *out);
void grid_release(struct grid *); /* zeroed afterwards */

#endif
