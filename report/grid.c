/* SPDX-License-Identifier: MIT */
/* Widths are counted in characters, not bytes: names may hold UTF-8. */
#include "report/grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t grid_columns(const struct grid *grid)
{
    size_t n = 0;

    while (n < GRID_COLUMNS && grid->column[n].name)
        n++;
    return n;
}

size_t grid_rows(const struct grid *grid)
{
    return grid->cells / grid_columns(grid);
}

void grid_add(struct grid *grid, const char *text)
{
    if (grid->cells == grid->cap) {
        size_t cap = grid->cap ? 2 * grid->cap : 64;
        char **grown = realloc(grid->cell, cap * sizeof *grown);

        if (!grown) {
            grid->failed = 1;
            return;
        }
        grid->cell = grown;
        grid->cap = cap;
    }
    grid->cell[grid->cells] = strdup(text);
    if (grid->cell[grid->cells])
        grid->cells++;
    else
        grid->failed = 1;
}

void grid_printf(struct grid *grid, const char *format, ...)
{
    char text[201];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    grid_add(grid, text);
}

/* Characters: bytes that do not continue one. */
static size_t width(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static size_t column_width(const struct grid *grid, size_t column)
{
    size_t columns = grid_columns(grid), widest = width(grid->column[column].name);

    for (size_t i = column; i < grid->cells; i += columns)
        if (width(grid->cell[i]) > widest)
            widest = width(grid->cell[i]);
    return widest;
}

static void pad(struct text *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        text_add(out, " ");
}

static void add_aligned(struct text *out, const char *text, size_t wide, int align,
                        int is_last)
{
    size_t fill = wide - width(text);

    if (align == GRID_RIGHT)
        pad(out, fill);
    text_add(out, text);
    if (align == GRID_LEFT && !is_last) /* no blanks at the end of a line */
        pad(out, fill);
}

void grid_text(const struct grid *grid, struct text *out)
{
    size_t columns = grid_columns(grid), wide[GRID_COLUMNS];

    for (size_t c = 0; c < columns; c++)
        wide[c] = column_width(grid, c);
    for (size_t row = 0; row <= grid_rows(grid); row++) {
        for (size_t c = 0; c < columns; c++) {
            const char *text =
                row == 0 ? grid->column[c].name : grid->cell[(row - 1) * columns + c];

            text_add(out, "  ");
            add_aligned(out, text, wide[c], grid->column[c].align, c + 1 == columns);
        }
        text_add(out, "\n");
    }
}

/* A bar would end the cell, a newline the table. */
static void add_escaped(struct text *out, const char *text)
{
    for (; *text; text++)
        if (*text == '|')
            text_add(out, "\\|");
        else
            text_add_bytes(out, *text == '\n' ? " " : text, 1);
}

void grid_markdown(const struct grid *grid, struct text *out)
{
    size_t columns = grid_columns(grid);

    for (size_t c = 0; c < columns; c++)
        text_printf(out, "| %s ", grid->column[c].name);
    text_add(out, "|\n");
    for (size_t c = 0; c < columns; c++)
        text_add(out, grid->column[c].align == GRID_RIGHT ? "|---:" : "|---");
    text_add(out, "|\n");
    for (size_t i = 0; i < grid_rows(grid) * columns; i++) {
        text_add(out, "| ");
        add_escaped(out, grid->cell[i]);
        text_add(out, (i + 1) % columns ? " " : " |\n");
    }
    text_add(out, "\n");
}

void grid_release(struct grid *grid)
{
    for (size_t i = 0; i < grid->cells; i++)
        free(grid->cell[i]);
    free(grid->cell);
    *grid = (struct grid){0};
}
