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

/* ---- text ------------------------------------------------------------------------------ */

/* Between columns; before what goes on; what a sentence needs to be broken where it stands. */
enum { BLANKS = 2, INDENT = 6, SENTENCE = 40 };

/* Which columns are written, and where: on which line of a row, from which character, how wide. */
struct layout {
    size_t n, column[GRID_COLUMNS], row[GRID_COLUMNS], at[GRID_COLUMNS], wide[GRID_COLUMNS];
};

/* What a column needs where it begins: a last one of sentences goes on below itself. */
static size_t least_width(const struct grid *grid, size_t column)
{
    size_t wide = column_width(grid, column);
    bool is_last = column + 1 == grid_columns(grid);

    return is_last && !(grid->column[column].stand & GRID_RIGHT) && wide > SENTENCE ? SENTENCE : wide;
}

bool grid_is_empty(const struct grid *grid, size_t column)
{
    for (size_t i = column; i < grid->cells; i += grid_columns(grid))
        if (strcmp(grid->cell[i], "-") != 0)
            return false;
    return grid->cells > 0 && column > 0;
}

static size_t row_width(const struct grid *grid, const struct layout *l)
{
    size_t all = 0;

    for (size_t i = 0; i < l->n; i++)
        all += BLANKS + least_width(grid, l->column[i]);
    return all;
}

/* Every column that holds something, but for those more spare than `rank`. */
static void choose(const struct grid *grid, int rank, struct layout *l)
{
    l->n = 0;
    for (size_t c = 0; c < grid_columns(grid); c++)
        if (grid->column[c].stand / GRID_SPARE <= rank && !grid_is_empty(grid, c))
            l->column[l->n++] = c;
}

/* Gives the lines of a row. */
static size_t place(const struct grid *grid, size_t line, struct layout *l)
{
    bool is_long = row_width(grid, l) > line;
    size_t at = 0, row = 0;

    for (size_t i = 0; i < l->n; i++) {
        size_t c = l->column[i];
        bool breaks = is_long && grid->column[c].stand & GRID_BREAK;

        if (at > 0 && (breaks || at + BLANKS + least_width(grid, c) > line)) {
            row++;
            at = INDENT;
        }
        l->row[i] = row;
        l->at[i] = at + BLANKS;
        l->wide[i] = column_width(grid, c);
        at += BLANKS + l->wide[i];
    }
    return row + 1;
}

/* As few columns left out as bring a row to one line; else to two; else to the fewest there are. */
static size_t lay_out(const struct grid *grid, size_t line, struct layout *l)
{
    int most = 0;
    size_t lines;

    for (size_t c = 0; c < grid_columns(grid); c++)
        if (grid->column[c].stand / GRID_SPARE > most)
            most = grid->column[c].stand / GRID_SPARE;
    for (size_t wanted = 1; wanted <= 2; wanted++)
        for (int rank = most; rank >= 0; rank--) {
            choose(grid, rank, l);
            lines = place(grid, line, l);
            if (lines <= wanted)
                return lines;
        }
    return lines;
}

/* A line of a row (`cell` NULL: of the headings) from the layout's column i on; gives the one
 * after it. */
static size_t add_line(const struct grid *grid, const struct layout *l, char *const *cell,
                       size_t i, size_t line, struct text *out)
{
    size_t at = 0, row = l->row[i];

    for (; i < l->n && l->row[i] == row; i++) {
        size_t c = l->column[i];
        const char *text = cell ? cell[c] : grid->column[c].name;
        size_t n = width(text), start = l->at[i];

        if (grid->column[c].stand & GRID_RIGHT)
            start += l->wide[i] - n;
        pad(out, start - at);
        if (start + n > line)
            text_wrap(out, text, start, line);
        else
            text_add(out, text);
        at = start + n;
    }
    text_add(out, "\n");
    return i;
}

/* "left out for want of width: calls, share". */
static void name_left_out(const struct grid *grid, const struct layout *l, size_t line,
                          struct text *out)
{
    struct text said = {0};

    for (size_t c = 0, i = 0; c < grid_columns(grid); c++)
        if (i < l->n && l->column[i] == c)
            i++;
        else if (!grid_is_empty(grid, c))
            text_printf(&said, "%s%s", said.n ? ", " : "left out for want of width: ",
                        grid->column[c].name);
    if (said.n) {
        pad(out, BLANKS);
        text_wrap(out, said.data, BLANKS, line);
        text_add(out, "\n");
    }
    out->failed |= said.failed;
    text_release(&said);
}

void grid_text(const struct grid *grid, size_t line, struct text *out)
{
    struct layout l;
    size_t columns = grid_columns(grid), lines = lay_out(grid, line, &l);

    for (size_t row = 0; row <= grid_rows(grid); row++)
        for (size_t i = 0, c = 0; i < lines; i++)
            c = add_line(grid, &l, row ? &grid->cell[(row - 1) * columns] : NULL, c, line, out);
    name_left_out(grid, &l, line, out);
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
