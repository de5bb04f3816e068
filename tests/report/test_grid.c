/* SPDX-License-Identifier: MIT */
/* Tables as text: one line a row where they fit, broken where they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "report/grid.h"

static void expect(struct grid *grid, size_t line, const char *wanted)
{
    struct text text = {0};

    grid_text(grid, line, &text);
    assert_false(text.failed || grid->failed);
    assert_string_equal(text.data, wanted);
    text_release(&text);
}

static void fill(struct grid *grid, const char *const *cell, size_t n)
{
    for (size_t i = 0; i < n; i++)
        grid_add(grid, cell[i]);
}

static const char *const flips[] = {"gemm", "1.05x", "a slower link", "résidu", "12x", "threads"};

static void test_rows_are_lines_where_they_fit(void **state)
{
    struct grid grid = {.column = {{"of", GRID_LEFT}, {"change", GRID_RIGHT | GRID_BREAK},
                                   {"by", GRID_LEFT}}};

    (void)state;
    fill(&grid, flips, 6);
    expect(&grid, 31, "  of      change  by\n"
                      "  gemm     1.05x  a slower link\n"
                      "  résidu     12x  threads\n");
    grid_release(&grid);
}

static void test_long_rows_break_where_they_say(void **state)
{
    struct grid grid = {.column = {{"of", GRID_LEFT}, {"change", GRID_RIGHT | GRID_BREAK},
                                   {"by", GRID_LEFT}}};

    (void)state;
    fill(&grid, flips, 6);
    expect(&grid, 30, "  of\n"
                      "        change  by\n"
                      "  gemm\n"
                      "         1.05x  a slower link\n"
                      "  résidu\n"
                      "           12x  threads\n");
    grid_release(&grid);
}

/* What is more spare goes first, what nothing is known of is not even named. */
static void test_short_lines_do_without_spare_columns(void **state)
{
    struct grid grid = {.column = {{"of", GRID_LEFT}, {"calls", GRID_RIGHT | GRID_SPARE},
                                   {"cost", GRID_LEFT}, {"bound", GRID_LEFT | 2 * GRID_SPARE},
                                   {"time", GRID_RIGHT | GRID_BREAK}}};
    static const char *const cell[] = {"gemm", "16", "-", "memory", "1.05 us",
                                       "rope", "1",  "-", "cache",  "12 us"};

    (void)state;
    fill(&grid, cell, 10);
    expect(&grid, 31, "  of    calls  bound      time\n"
                      "  gemm     16  memory  1.05 us\n"
                      "  rope      1  cache     12 us\n");
    expect(&grid, 29, "  of    calls     time\n"
                      "  gemm     16  1.05 us\n"
                      "  rope      1    12 us\n"
                      "  left out for want of width:\n"
                      "  bound\n");
    expect(&grid, 21, "  of       time\n"
                      "  gemm  1.05 us\n"
                      "  rope    12 us\n"
                      "  left out for want\n"
                      "  of width: calls,\n"
                      "  bound\n");
    grid_release(&grid);
}

/* Also where no column says so, and as often as it takes. */
static void test_no_line_is_too_long(void **state)
{
    enum { COLUMNS = 9, LINE = 40 };
    struct grid grid = {.cell = NULL};
    struct text text = {0};
    size_t lines = 0;

    (void)state;
    for (int i = 0; i < COLUMNS; i++)
        grid.column[i] = (struct grid_column){"a heading", i % 2 ? GRID_RIGHT : GRID_LEFT};
    for (int i = 0; i < 2 * COLUMNS; i++)
        grid_printf(&grid, "cell %d", 1000 * i);
    grid_text(&grid, LINE, &text);
    for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"), lines++)
        assert_true(strlen(line) <= LINE);
    assert_int_equal(lines, 3 * 4); /* of 9 columns 3, then 2 at a time */
    text_release(&text);
    grid_release(&grid);
}

static void test_sentences_go_on_below_themselves(void **state)
{
    static const char *const cell[] = {"x", "a sentence of many words that does not fit in what is "
                                            "left of 8 % of a line"};
    struct grid grid = {.column = {{"n", GRID_LEFT}, {"why", GRID_LEFT}}};

    (void)state;
    fill(&grid, cell, 2);
    expect(&grid, 50, "  n  why\n"
                      "  x  a sentence of many words that does not fit in\n"
                      "     what is left of 8 % of a line\n");
    grid_release(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_lines_where_they_fit),
        cmocka_unit_test(test_long_rows_break_where_they_say),
        cmocka_unit_test(test_short_lines_do_without_spare_columns),
        cmocka_unit_test(test_no_line_is_too_long),
        cmocka_unit_test(test_sentences_go_on_below_themselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
