/* SPDX-License-Identifier: MIT */
/* Tables of what stands behind the verdicts: ceilings, overheads, ledger, checks, what
 * was left out, the machine. */
#include <math.h>
#include <string.h>

#include "report/tables.h"
#include "report/units.h"

void table_ceilings(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {{"device", GRID_LEFT},
                                                 {"resource", GRID_LEFT},
                                                 {"at best", GRID_RIGHT},
                                                 {"evidence", GRID_LEFT}};

    memcpy(grid->column, columns, sizeof columns);
    for (size_t i = 0; i < report->ceilings; i++) {
        const struct ceiling *c = &report->ceiling[i];

        grid_add(grid, c->device.text);
        grid_printf(grid, "%s%s", c->is_memory ? "memory" : "compute ",
                    c->is_memory ? "" : dtype_name(c->dtype));
        grid_printf(grid, "%s%s", evidence_mark(c->evidence),
                    words_si(c->per_s, c->is_memory ? "B/s" : "FLOP/s").text);
        grid_add(grid, evidence_name(c->evidence));
    }
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "-";
}

void table_lessons(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"GPU", GRID_LEFT},       {"workload", GRID_LEFT},      {"shape", GRID_LEFT},
        {"dtype", GRID_LEFT},     {"variant", GRID_LEFT},       {"measured", GRID_RIGHT},
        {"projected", GRID_RIGHT}, {"projected now", GRID_RIGHT}, {"corrected by", GRID_RIGHT},
    };
    static const char *const text[] = {"gpu", "workload", "shape", "dtype", "variant"};
    size_t i;
    json_t *cell;

    memcpy(grid->column, columns, sizeof columns);
    json_array_foreach(json_object_get(report->results->header, "lessons"), i, cell)
    {
        double before = json_number_value(json_object_get(cell, "projected_us"));
        double now = json_number_value(json_object_get(cell, "corrected_us"));

        for (size_t t = 0; t < sizeof text / sizeof *text; t++)
            grid_add(grid, text_at(cell, text[t]));
        grid_add(grid,
                 words_time(json_number_value(json_object_get(cell, "measured_us"))).text);
        grid_printf(grid, "~%s", words_time(before).text);
        grid_printf(grid, "~%s", words_time(now).text);
        grid_add(grid, words_ratio(now / before).text);
    }
}

/* What a cell is about: bytes when it moves more of them than it computes, a count of so few
 * that only its time matters: neither. */
static struct words overhead_rate(const struct record *r, double us)
{
    enum { FEW = 16 };
    double bytes = r->bytes_read + r->bytes_written;

    if (fmax(bytes, r->flops) <= FEW)
        return (struct words){"-"};
    return bytes > r->flops ? words_si(bytes / us * 1e6, "B/s")
                            : words_si(r->flops / us * 1e6, "FLOP/s");
}

void table_overheads(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"overhead", GRID_LEFT}, {"shape", GRID_LEFT}, {"variant", GRID_LEFT},
        {"device", GRID_LEFT},   {"time", GRID_RIGHT}, {"rate", GRID_RIGHT},
        {"evidence", GRID_LEFT},
    };

    memcpy(grid->column, columns, sizeof columns);
    for (size_t i = 0; i < report->overheads; i++) {
        const struct record *r = report->overhead[i];
        struct estimate us = record_wall_us(r);

        grid_add(grid, r->workload.text);
        grid_add(grid, r->shape_text.text);
        grid_add(grid, r->variant.text);
        grid_add(grid, r->device.text);
        grid_add(grid, words_time_estimate(us).text);
        grid_add(grid, overhead_rate(r, us.value).text);
        grid_add(grid, evidence_name(r->evidence));
    }
}

static bool is_same_variant(const struct record *a, const struct record *b)
{
    return strcmp(a->workload.text, b->workload.text) == 0 &&
           strcmp(a->variant.text, b->variant.text) == 0 &&
           strcmp(a->device.text, b->device.text) == 0;
}

/* One row for record i and all later ones of the same variant; nothing when an earlier
 * one has told it already. */
static void add_check(const struct report *report, size_t i, struct grid *grid)
{
    const struct record *r = report->check[i];
    size_t cells = 0, wrong = 0;
    double worst = 0;

    for (size_t k = 0; k < i; k++)
        if (is_same_variant(report->check[k], r))
            return;
    for (size_t k = i; k < report->checks; k++)
        if (is_same_variant(report->check[k], r)) {
            cells++;
            wrong += report->check[k]->outcome == OUTCOME_WRONG;
            worst = fmax(worst, report->check[k]->error);
        }
    grid_add(grid, r->workload.text);
    grid_add(grid, r->variant.text);
    grid_add(grid, r->device.text);
    grid_printf(grid, "%zu", cells);
    grid_printf(grid, "%zu", wrong);
    grid_add(grid, words_number(worst).text);
}

void table_checks(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"workload", GRID_LEFT}, {"variant", GRID_LEFT},
        {"device", GRID_LEFT},   {"cells", GRID_RIGHT},
        {"wrong", GRID_RIGHT},   {"largest error / bound", GRID_RIGHT},
    };

    memcpy(grid->column, columns, sizeof columns);
    for (size_t i = 0; i < report->checks; i++)
        add_check(report, i, grid);
}

static bool is_same_excuse(const struct record *a, const struct record *b)
{
    return a->outcome == b->outcome && is_same_variant(a, b) &&
           strcmp(a->why.text, b->why.text) == 0;
}

static void add_left_out(const struct report *report, size_t i, struct grid *grid)
{
    const struct record *r = report->left_out[i];
    size_t cells = 0;

    for (size_t k = 0; k < i; k++)
        if (is_same_excuse(report->left_out[k], r))
            return;
    for (size_t k = i; k < report->left_outs; k++)
        cells += is_same_excuse(report->left_out[k], r);
    grid_add(grid, outcome_name(r->outcome));
    grid_printf(grid, "%zu", cells);
    grid_printf(grid, "%s/%s", r->workload.text, r->variant.text);
    grid_add(grid, r->device.text);
    grid_add(grid, r->why.text);
}

void table_left_out(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {{"outcome", GRID_LEFT},
                                                 {"cells", GRID_RIGHT},
                                                 {"variant", GRID_LEFT},
                                                 {"device", GRID_LEFT},
                                                 {"why", GRID_LEFT}};
    static const enum outcome order[] = {OUTCOME_WRONG, OUTCOME_FAILED,
                                         OUTCOME_SKIPPED};

    memcpy(grid->column, columns, sizeof columns);
    for (size_t o = 0; o < sizeof order / sizeof *order; o++)
        for (size_t i = 0; i < report->left_outs; i++)
            if (report->left_out[i]->outcome == order[o])
                add_left_out(report, i, grid);
}

/* ---- machine --------------------------------------------------------------------- */

static void add_fact(struct grid *grid, const char *name, const json_t *value)
{
    if (json_is_string(value)) {
        grid_add(grid, name);
        grid_add(grid, json_string_value(value));
    } else if (json_is_number(value)) {
        bool is_bytes =
            strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_bytes") == 0;

        grid_add(grid, name);
        grid_add(grid, is_bytes ? words_si(json_number_value(value), "B").text
                       : json_is_integer(value)
                           ? words_count(json_number_value(value)).text
                           : words_number(json_number_value(value)).text);
    } else if (json_is_boolean(value)) {
        grid_add(grid, name);
        grid_add(grid, json_is_true(value) ? "yes" : "no");
    }
}

/* Levels of nesting that are shown. */
enum { MACHINE_DEPTH = 3 };

static void add_facts(struct grid *grid, const char *above, json_t *object, int depth)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        char name[160];

        snprintf(name, sizeof name, "%s%s%s", above, *above ? "." : "", key);
        if (json_is_object(value) && depth < MACHINE_DEPTH)
            add_facts(grid, name, value, depth + 1);
        else if (json_is_array(value) && depth < MACHINE_DEPTH)
            for (size_t i = 0; i < json_array_size(value); i++)
                add_fact(grid, name, json_array_get(value, i));
        else
            add_fact(grid, name, value);
    }
}

void table_machine(const struct report *report, struct grid *grid)
{
    memcpy(grid->column,
           (struct grid_column[]){{"machine", GRID_LEFT}, {"", GRID_LEFT}},
           2 * sizeof *grid->column);
    add_facts(grid, "", json_object_get(report->results->header, "machine"), 1);
}

void table_assumptions(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"figure", GRID_LEFT}, {"value", GRID_RIGHT},  {"range", GRID_RIGHT},  {"unit", GRID_LEFT},
        {"basis", GRID_LEFT},  {"enters", GRID_LEFT}, {"source", GRID_LEFT}};
    const json_t *list = json_object_get(report->results->header, "assumptions");
    size_t i;
    json_t *a;

    memcpy(grid->column, columns, sizeof columns);
    json_array_foreach((json_t *)list, i, a) {
        double value, low, high;
        const char *name, *unit, *basis, *enters, *source;

        if (json_unpack(a, "{s:s, s:F, s:F, s:F, s:s, s:s, s:s, s:s}", "name", &name, "value",
                        &value, "low", &low, "high", &high, "unit", &unit, "basis", &basis,
                        "enters", &enters, "source", &source) != 0)
            continue;
        grid_add(grid, name);
        grid_printf(grid, "%g", value);
        grid_printf(grid, "%g to %g", low, high);
        grid_add(grid, unit);
        grid_add(grid, basis);
        grid_add(grid, enters);
        grid_add(grid, source);
    }
}
