/* SPDX-License-Identifier: MIT */
/* What to do, from a sweep: the headline, and the table of thresholds. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/judge.h"
#include "report/tables.h"
#include "report/units.h"

/* "with the data in place" */
static struct words placement_phrase(const struct crossover *x)
{
    struct words words;

    if (x->placement == PLACEMENT_ONCE)
        snprintf(words.text, sizeof words.text, "with weights sent once for %.0f calls",
                 x->verdict[0]->calls);
    else
        snprintf(words.text, sizeof words.text, "%s",
                 x->placement == PLACEMENT_RESIDENT ? "with the data in place"
                                                    : "with everything sent on each call");
    return words;
}

static const struct crossover *first_sweep(const struct report *report)
{
    for (size_t i = 0; i < report->crossovers; i++)
        if (report->crossover[i].is_sweep)
            return &report->crossover[i];
    return NULL;
}

bool crossover_is_decided(const struct crossover *x)
{
    bool is_decided = false;

    for (size_t i = 0; i < x->points; i++)
        is_decided |= crossover_decision(&x->point[i]) != DECISION_UNDECIDED;
    return is_decided;
}

/* Of what nothing is said of nobody is sure. */
static void say_sure(const struct crossover *x, struct text *out)
{
    if (crossover_is_decided(x))
        text_printf(out, " (%s, %s sure)", evidence_name(x->evidence),
                    words_percent(x->confidence).text);
    else
        text_printf(out, " (%s)", evidence_name(x->evidence));
}

/* "up to 250" or, where it is undecided below 16, "from 16 to 250". */
static void say_lower(const struct crossing *found, struct text *out)
{
    const struct crossover_stretch *doubt = crossing_doubt_below(found);

    if (doubt && doubt->high == found->change[0].low)
        text_printf(out, "at size %s", words_count(doubt->high).text);
    else if (doubt)
        text_printf(out, "from size %s to %s", words_count(doubt->high).text,
                    words_count(found->change[0].low).text);
    else
        text_printf(out, "up to size %s", words_count(found->change[0].low).text);
}

static void say_upper(const struct crossing *found, struct text *out)
{
    const struct crossover_stretch *doubt = crossing_doubt_above(found);

    if (!doubt)
        text_printf(out, "from size %s on", words_count(found->change[0].high).text);
    else if (doubt->low == found->change[0].high)
        text_printf(out, "at size %s", words_count(doubt->low).text);
    else
        text_printf(out, "from size %s to %s", words_count(found->change[0].high).text,
                    words_count(doubt->low).text);
}

/* An undecided stretch within a side: "from 300 on" would pass over it. */
static bool is_broken(const struct crossing *found)
{
    for (int i = 0; i < found->doubts; i++)
        if (!isinf(found->doubt[i].low) && !isinf(found->doubt[i].high))
            return true;
    return false;
}

/* ---- advice ------------------------------------------------------------------------------ */

static size_t run_end(const struct crossover *x, size_t from, enum decision side)
{
    size_t to = from;

    while (to + 1 < x->points && crossover_decision(&x->point[to + 1]) == side)
        to++;
    return to;
}

static void say_run(const struct crossover *x, size_t from, size_t to, struct text *out)
{
    const struct words low = words_count(x->point[from].size),
                       high = words_count(x->point[to].size);

    if (from == to)
        text_printf(out, "at size %s", low.text);
    else if (from == 0)
        text_printf(out, "up to size %s", high.text);
    else if (to + 1 == x->points)
        text_printf(out, "from size %s on", low.text);
    else
        text_printf(out, "from size %s to %s", low.text, high.text);
}

static int runs(const struct crossover *x, enum decision side)
{
    int n = 0;

    for (size_t i = 0; i < x->points; i++)
        n += crossover_decision(&x->point[i]) == side && run_end(x, i, side) == i;
    return n;
}

/* Where it is decided for a side, stretch by stretch: "up to size 32 and from size 256 to 512". */
static int say_runs(const struct crossover *x, enum decision side, struct text *out)
{
    int all = runs(x, side), said = 0;

    for (size_t i = 0; i < x->points; i++)
        if (crossover_decision(&x->point[i]) == side) {
            text_add(out, said == 0 ? "" : said + 1 < all ? ", " : " and ");
            say_run(x, i, run_end(x, i, side), out);
            i = run_end(x, i, side);
            said++;
        }
    return said;
}

/* Several crossings, or sizes within a side that are not decided: what holds where. */
static void say_stretches(const struct crossover *x, const char *what, struct text *out)
{
    struct text move = {0}, keep = {0};
    int moves = say_runs(x, DECISION_OFFLOAD, &move), keeps = say_runs(x, DECISION_STAY, &keep);

    if (moves)
        text_printf(out, "move %s to %s %s", what, x->gpu.text, move.data);
    if (keeps)
        text_printf(out, "%s %s on this CPU %s", moves ? ", and keep" : "keep", moves ? "it" : what,
                    keep.data);
    if (!moves && !keeps)
        text_printf(out, "nobody can tell yet whether %s is faster on this CPU or on %s: undecided "
                         "at every size", what, x->gpu.text);
    else if (x->found.doubts)
        text_add(out, ", undecided elsewhere");
    else
        text_add(out, ", open in between");
    out->failed |= move.failed | keep.failed;
    text_release(&move);
    text_release(&keep);
}

/* "move gemm square (f32) to l4 from size 300 on and keep it on this CPU up to size 250" */
static void say_advice(const struct crossover *x, const char *what, struct text *out)
{
    const struct crossing *found = &x->found;

    if (found->kind == CROSSOVER_ONE && !is_broken(found)) {
        bool grows = found->change[0].after == DECISION_OFFLOAD;

        text_printf(out, "move %s to %s ", what, x->gpu.text);
        grows ? say_upper(found, out) : say_lower(found, out);
        text_add(out, " and keep it on this CPU ");
        grows ? say_lower(found, out) : say_upper(found, out);
    } else if (found->kind == CROSSOVER_ALWAYS) {
        text_printf(out, "move %s to %s at every size from %s to %s", what, x->gpu.text,
                    words_count(x->point[0].size).text,
                    words_count(x->point[x->points - 1].size).text);
    } else if (found->kind == CROSSOVER_NEVER) {
        text_printf(out, "keep %s on this CPU at every size from %s to %s, %s pays at none of "
                         "them", what,
                    words_count(x->point[0].size).text,
                    words_count(x->point[x->points - 1].size).text, x->gpu.text);
    } else {
        say_stretches(x, what, out);
    }
}

/* The budget may have ended before the largest size that was asked for, or its cells failed: what
 * the heading says of "on" and "every size" ends there. */
static void say_range(const struct report *report, const struct crossover *x, struct text *out)
{
    const json_t *sweep = json_object_get(report->results->header, "sweep");
    const char *shape = json_string_value(json_object_get(sweep, "shape"));
    double to = json_number_value(json_object_get(sweep, "to"));
    double last = x->point[x->points - 1].size;

    if (to > last)
        text_printf(out, " Sizes above %s, up to %s, were not measured: a longer --budget may reach "
                         "them.", words_count(last).text, words_count(to).text);
    if (shape)
        text_printf(out, " Size means %s, here from %s to %s.", shape,
                    words_count(x->point[0].size).text, words_count(last).text);
}

/* Where the GPU does best; if it pays at every size, where it does worst. */
static void say_gain(const struct crossover *x, struct text *out)
{
    bool is_always = x->found.kind == CROSSOVER_ALWAYS, is_never = x->found.kind == CROSSOVER_NEVER;
    size_t best = x->points;

    for (size_t i = 0; i < x->points; i++) {
        double ratio = x->verdict[i]->speedup.value;

        if (!is_never && crossover_decision(&x->point[i]) != DECISION_OFFLOAD)
            continue;
        if (best == x->points || (x->verdict[best]->speedup.value < ratio) != is_always)
            best = i;
    }
    if (best < x->points)
        text_printf(out, " The speed-up by %s is %s at size %s: %s.", x->gpu.text,
                    is_always ? "smallest" : "largest", words_count(x->point[best].size).text,
                    words_ratio_range(x->verdict[best]->speedup).text);
}

/* What the sizes between are, and what would make them fewer. */
static void say_between(const struct crossover *x, struct text *out)
{
    bool is_one = x->found.kind == CROSSOVER_ONE;

    if (is_one && x->found.doubts && !is_broken(&x->found))
        text_printf(out, " In full: %s.", x->answer);
    else if (is_one && !x->found.doubts)
        text_printf(out, " Between %s and %s it is open.", words_count(x->found.change[0].low).text,
                    words_count(x->found.change[0].high).text);
    if (*x->decider)
        text_printf(out, " What would decide more: %s.", x->decider);
}

/* The same GPU when nothing stays on it, which is the other end of what a program may do. */
static void say_moved(const struct report *report, const struct crossover *first, struct text *out)
{
    for (const struct crossover *x = first + 1; x < report->crossover + report->crossovers; x++)
        if (x->placement == PLACEMENT_EVERY && first->placement != PLACEMENT_EVERY &&
            crossover_same_sweep(x, first)) {
            text_printf(out, " W%s instead: %s.", placement_phrase(x).text + 1, x->answer);
            return;
        }
}

bool sweep_headline(const struct report *report, struct text *out)
{
    const struct crossover *first = first_sweep(report);
    char what[200];

    if (!first)
        return false;
    snprintf(what, sizeof what, "%.40s %.40s in %s", first->from->about->workload.text,
             first->axis.text, dtype_name(first->from->about->dtype));
    text_printf(out, "W%s, ", placement_phrase(first).text + 1);
    say_advice(first, what, out);
    say_sure(first, out);
    text_add(out, ".");
    say_between(first, out);
    say_gain(first, out);
    say_range(report, first, out);
    say_moved(report, first, out);
    return true;
}

/* ---- table ------------------------------------------------------------------------------ */

static void add_stretch(struct text *text, const struct crossover *x, size_t from, size_t to)
{
    if (from < x->points)
        text_printf(text, "%s%.0f", text->n ? ", " : "", x->point[from].size);
    if (from < to)
        text_printf(text, "-%.0f", x->point[to].size);
}

/* Sizes at which it is decided for one side: "1-118", "279-2048", joined by commas. */
static void add_decided(const struct crossover *x, enum decision side, struct grid *grid)
{
    struct text text = {0};
    size_t from = x->points, to = 0; /* of the stretch so far; x->points: none */

    for (size_t i = 0; i < x->points; i++) {
        enum decision d = crossover_decision(&x->point[i]);

        if (d == side) {
            from = from == x->points ? i : from;
            to = i;
        } else {
            add_stretch(&text, x, from, to);
            from = x->points;
        }
    }
    add_stretch(&text, x, from, to);
    grid_add(grid, text.n ? text.data : "none");
    grid->failed |= text.failed;
    text_release(&text);
}

static void add_row(const struct crossover *x, struct grid *grid)
{
    const struct regret *r = &x->regret;

    grid_printf(grid, "%s %s", x->from->about->workload.text, x->axis.text);
    grid_add(grid, dtype_name(x->from->about->dtype));
    grid_add(grid, x->gpu.text);
    grid_add(grid, placement_name(x->placement));
    grid_add(grid, crossover_kind_name(x->found.kind));
    add_decided(x, DECISION_STAY, grid);
    add_decided(x, DECISION_OFFLOAD, grid);
    grid_printf(grid, "%s, %s", crossover_is_decided(x) ? words_percent(x->confidence).text : "-",
                evidence_name(x->evidence));
    grid_printf(grid, "%zu", x->points);
    if (r->sizes)
        grid_printf(grid, "%zu of %zu", r->right, r->sizes);
    else
        grid_add(grid, "-");
    if (r->sizes)
        grid_printf(grid, "%s, at worst %s", words_percent(r->mean).text,
                    words_percent(r->worst).text);
    else
        grid_add(grid, "-");
    grid_add(grid, *x->decider ? x->decider : "-");
}

void table_sweeps(const struct report *report, struct grid *grid)
{
    memcpy(grid->column,
           (struct grid_column[]){{"sweep", GRID_LEFT},
                                  {"dtype", GRID_LEFT},
                                  {"GPU", GRID_LEFT},
                                  {"placement", GRID_LEFT},
                                  {"winner changes", GRID_LEFT},
                                  {"stay", GRID_RIGHT},
                                  {"offload", GRID_RIGHT},
                                  {"how sure", GRID_LEFT},
                                  {"sizes", GRID_RIGHT | GRID_BREAK},
                                  {"advice right", GRID_RIGHT},
                                  {"time lost by it", GRID_RIGHT},
                                  {"what would decide more", GRID_LEFT | GRID_SPARE}},
           12 * sizeof *grid->column);
    for (size_t i = 0; i < report->crossovers; i++)
        if (report->crossover[i].is_sweep)
            add_row(&report->crossover[i], grid);
}
