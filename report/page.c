/* SPDX-License-Identifier: MIT */
#include "report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/units.h"

void page_text(struct text *out, const char *string)
{
    for (const char *c = string; *c; c++)
        switch (*c) {
        case '&': text_add(out, "&amp;"); break;
        case '<': text_add(out, "&lt;"); break;
        case '>': text_add(out, "&gt;"); break;
        case '"': text_add(out, "&quot;"); break;
        case '\'': text_add(out, "&#39;"); break;
        case ' ': text_add(out, c[1] == '%' ? "&nbsp;" : " "); break;
        default:
            if ((unsigned char)*c >= 0x20 || *c == '\n' || *c == '\t')
                text_add_bytes(out, c, 1);
        }
}

void page_prose(struct text *out, const char *string)
{
    char part[1024];

    for (bool is_code = false; *string; is_code = !is_code) {
        size_t n = strcspn(string, "`");

        snprintf(part, sizeof part, "%.*s", (int)n, string);
        text_add(out, is_code ? "<code>" : "");
        page_text(out, part);
        text_add(out, is_code ? "</code>" : "");
        string += n + (string[n] == '`');
    }
}

/* A longer table is folded. */
enum { ROWS_OPEN = 12 };

/* ---- cells ----------------------------------------------------------------------------- */

void page_cell(struct text *out, const char *string)
{
    text_add(out, "<td>");
    page_text(out, *string ? string : "-");
    text_add(out, "</td>");
}

void page_cell_number(struct text *out, double sort, const char *spelled)
{
    if (isnan(sort))
        text_add(out, "<td class=\"n\" data-sort=\"\">");
    else
        text_printf(out, "<td class=\"n\" data-sort=\"%.9g\">", isinf(sort) ? 1e300 : sort);
    page_text(out, spelled);
    text_add(out, "</td>");
}

static void cell_interval(struct text *out, double sort, const char *value, const char *range)
{
    if (isnan(sort)) {
        page_cell_number(out, NAN, "not known");
        return;
    }
    text_printf(out, "<td class=\"n\" data-sort=\"%.9g\">", sort);
    page_text(out, value);
    text_add(out, " <small>");
    page_text(out, range);
    text_add(out, "</small></td>");
}

void page_cell_time(struct text *out, struct estimate us)
{
    cell_interval(out, us.value, words_time(us.value).text, words_time_range(us).text);
}

void page_cell_ratio(struct text *out, struct estimate ratio)
{
    cell_interval(out, ratio.value, words_ratio(ratio.value).text,
                  words_ratio_range(ratio).text);
}

void page_cell_evidence(struct text *out, enum evidence evidence)
{
    const char *name = evidence_name(evidence);

    text_printf(out, "<td><span class=\"evidence %s\">%s</span></td>", name, name);
}

void page_cell_decision(struct text *out, enum decision decision, enum evidence evidence,
                        struct estimate speedup)
{
    const char *name = decision_name(decision), *source = evidence_name(evidence);

    if (isnan(speedup.value))
        text_add(out, "<td class=\"nowrap\">not known</td>");
    else
        text_printf(out,
                    "<td class=\"nowrap\"><span class=\"decision %s\">%s</span><br><span "
                    "class=\"evidence %s\">%s</span></td>",
                    name, name, source, source);
}

/* ---- tables ---------------------------------------------------------------------------- */

void page_table_open(struct text *out, const char *id, const char *headings)
{
    text_add(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"table\">");
    if (id)
        text_printf(out, "<table id=\"%s\" class=\"sortable\">", id);
    else
        text_add(out, "<table>");
    text_add(out, "<thead><tr>");
    while (*headings) {
        size_t n = strcspn(headings, "|");

        text_printf(out, "<th scope=\"col\"%s>", *headings == '#' ? " class=\"n\"" : "");
        text_printf(out, "%.*s</th>", (int)n - (*headings == '#'), headings + (*headings == '#'));
        headings += n + (headings[n] == '|');
    }
    text_add(out, "</tr></thead>\n<tbody>\n");
}

void page_table_close(struct text *out)
{
    text_add(out, "</tbody></table></div>\n");
}

void page_grid(struct text *out, const char *title, const char *lead, struct grid *grid)
{
    size_t columns = grid_columns(grid);
    bool is_folded = *title && grid_rows(grid) > ROWS_OPEN;

    if (grid_rows(grid) > 0) {
        struct text headings = {0};

        for (size_t i = 0; i < columns; i++)
            if (!grid_is_empty(grid, i))
                text_printf(&headings, "%s%s%s", i ? "|" : "",
                            grid->column[i].stand & GRID_RIGHT ? "#" : "", grid->column[i].name);
        if (*title)
            text_printf(out, "<h3>%s</h3>\n", title);
        text_printf(out, "%s%s%s", *lead ? "<p>" : "", lead, *lead ? "</p>\n" : "");
        if (is_folded)
            text_printf(out, "<details><summary>%zu rows</summary>\n", grid_rows(grid));
        page_table_open(out, NULL, headings.data ? headings.data : "");
        for (size_t i = 0; i < grid->cells; i++) {
            text_add(out, i % columns ? "" : "<tr>");
            if (!grid_is_empty(grid, i % columns)) {
                text_printf(out, "<td%s>",
                            grid->column[i % columns].stand & GRID_RIGHT ? " class=\"n\"" : "");
                page_text(out, grid->cell[i]);
                text_add(out, "</td>");
            }
            text_add(out, i % columns == columns - 1 ? "</tr>\n" : "");
        }
        page_table_close(out);
        text_add(out, is_folded ? "</details>\n" : "");
        text_release(&headings);
    }
    out->failed |= grid->failed;
    grid_release(grid);
}

/* ---- facts ----------------------------------------------------------------------------- */

static void add_scalar(struct text *out, const json_t *value)
{
    if (json_is_string(value))
        page_text(out, *json_string_value(value) ? json_string_value(value) : "none");
    else if (json_is_integer(value))
        text_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        page_text(out, words_number(json_real_value(value)).text);
    else
        text_add(out, json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "not known");
}

static bool is_flat(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_is_object(json_array_get(array, i)) || json_is_array(json_array_get(array, i)))
            return false;
    return true;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);

    return n >= m && strcmp(name + n - m, suffix) == 0;
}

static void add_fact(struct text *out, const char *name, const json_t *value)
{
    text_add(out, "<dt>");
    page_text(out, name);
    text_add(out, "</dt><dd>");
    if (json_is_number(value) && has_suffix(name, "_bytes"))
        page_text(out, words_si(json_number_value(value), "B").text);
    else if (json_is_array(value))
        for (size_t i = 0; i < json_array_size(value); i++) {
            text_add(out, i ? ", " : "");
            add_scalar(out, json_array_get(value, i));
        }
    else
        add_scalar(out, value);
    text_add(out, "</dd>\n");
}

/* What an object in a list is called: "libraries.OpenBLAS" instead of "libraries[0]". */
static const char *label_of(const json_t *object, const char **key)
{
    static const char *const keys[] = {"name", "id", "what"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_is_string(json_object_get(object, keys[i]))) {
            *key = keys[i];
            return json_string_value(json_object_get(object, keys[i]));
        }
    *key = "";
    return NULL;
}

static void add_list(struct text *out, const char *name, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *own, *called = label_of(item, &own), *key;
        json_t *inner;
        char path[200];

        json_object_foreach ((json_t *)item, key, inner) {
            if (strcmp(key, own) == 0)
                continue;
            if (called)
                snprintf(path, sizeof path, "%.80s%s%.60s: %.40s", name, *name ? "." : "", called,
                         key);
            else
                snprintf(path, sizeof path, "%.80s[%zu].%.40s", name, i, key);
            page_facts(out, path, inner);
        }
    }
}

void page_facts(struct text *out, const char *name, const json_t *value)
{
    const char *key;
    json_t *inner;
    char path[200];

    if (json_is_object(value)) {
        json_object_foreach ((json_t *)value, key, inner) {
            snprintf(path, sizeof path, "%.90s%s%.90s", name, *name ? "." : "", key);
            page_facts(out, path, inner);
        }
    } else if (json_is_array(value) && !is_flat(value)) {
        add_list(out, name, value);
    } else {
        add_fact(out, name, value);
    }
}
