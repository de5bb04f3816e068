/* SPDX-License-Identifier: MIT */
/* Widths are counted in characters, not bytes: names may hold UTF-8. */
#include "report/grid.h"

#include <stdarg.h>
#include <stdbool.h>
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

/* ---- text ------------------------------------------------------------------------------ */

/* Between columns; before what goes on; what a sentence needs to be broken where it stands. */
enum { BLANKS = 2, INDENT = 6, SENTENCE = 40 };

/* A column of the text: on which line of a row it stands, where, and how wide. */
struct place {
    size_t row, at, wide;
};

/* What a column needs where it begins: a last one of sentences goes on below itself. */
static size_t least_width(const struct grid *grid, size_t column)
{
    size_t wide = column_width(grid, column);
    bool is_last = column + 1 == grid_columns(grid);

    return is_last && !(grid->column[column].stand & GRID_RIGHT) && wide > SENTENCE ? SENTENCE : wide;
}

static size_t row_width(const struct grid *grid)
{
    size_t all = 0;

    for (size_t c = 0; c < grid_columns(grid); c++)
        all += BLANKS + column_width(grid, c);
    return all;
}

/* Gives the lines of a row. */
static size_t lay_out(const struct grid *grid, size_t line, struct place *place)
{
    bool is_long = row_width(grid) > line;
    size_t at = 0, row = 0;

    for (size_t c = 0; c < grid_columns(grid); c++) {
        bool breaks = is_long && grid->column[c].stand & GRID_BREAK;

        if (at > 0 && (breaks || at + BLANKS + least_width(grid, c) > line)) {
            row++;
            at = INDENT;
        }
        place[c] = (struct place){row, at + BLANKS, column_width(grid, c)};
        at += BLANKS + place[c].wide;
    }
    return row + 1;
}

/* A line of a row (`cell` NULL: of the headings) from column c on; gives the column after it. */
static size_t add_line(const struct grid *grid, const struct place *place, char *const *cell,
                       size_t c, size_t line, struct text *out)
{
    size_t at = 0, row = place[c].row;

    for (; c < grid_columns(grid) && place[c].row == row; c++) {
        const char *text = cell ? cell[c] : grid->column[c].name;
        size_t n = width(text), start = place[c].at;

        if (grid->column[c].stand & GRID_RIGHT)
            start += place[c].wide - n;
        pad(out, start - at);
        if (start + n > line)
            text_wrap(out, text, start, line);
        else
            text_add(out, text);
        at = start + n;
    }
    text_add(out, "\n");
    return c;
}

void grid_text(const struct grid *grid, size_t line, struct text *out)
{
    struct place place[GRID_COLUMNS];
    size_t columns = grid_columns(grid), lines = lay_out(grid, line, place);

    for (size_t row = 0; row <= grid_rows(grid); row++)
        for (size_t i = 0, c = 0; i < lines; i++)
            c = add_line(grid, place, row ? &grid->cell[(row - 1) * columns] : NULL, c, line, out);
}

/* ---- Markdown -------------------------------------------------------------------------- */

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
        text_add(out, grid->column[c].stand & GRID_RIGHT ? "|---:" : "|---");
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
