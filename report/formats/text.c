/* SPDX-License-Identifier: MIT */
/* For the terminal: the answer, then one row per operation, then what adds up, then
 * notes. No colours here: whoever prints to a terminal paints the decisions
 * (format_print). */
#include <string.h>

#include "report/format.h"
#include "report/ledger.h"
#include "report/tables.h"

/* Rows beyond which only the first GPU's tables are printed; calls to share that are named;
 * characters of a line: of prose, of tables in a file, and of either in a very narrow terminal. */
enum { ROWS_MOST = 70, SPLITS_SHOWN = 3, LINE = 100, LINE_OF_FILE = 160, LINE_LEAST = 60 };

static size_t line_of(const struct report *report)
{
    size_t columns = report->columns ? report->columns : LINE_OF_FILE;

    return columns > LINE_LEAST ? columns : LINE_LEAST;
}

static void add_wrapped(const struct report *report, struct text *out, const char *lead,
                        const char *paragraph)
{
    size_t line = line_of(report);

    text_add(out, lead);
    text_wrap(out, paragraph, strlen(lead), line < LINE ? line : LINE);
    text_add(out, "\n");
}

static void add_table(const struct report *report, struct text *out, const char *title,
                      struct grid *grid)
{
    if (grid_rows(grid)) {
        text_add(out, "\n");
        add_wrapped(report, out, "", title);
        grid_text(grid, line_of(report), out);
    }
    out->failed |= grid->failed;
    grid_release(grid);
}

static size_t rows_of(const struct report *report)
{
    size_t rows = 0;

    for (size_t i = 0; i < report->chains; i++)
        rows += report->chain[i].steps;
    for (size_t i = 0; i < report->contests; i++)
        rows += report->contest[i].rank ? 0 : report->gpus;
    return rows;
}

static void add_steps(const struct report *report, const struct chain *chain,
                      struct text *out)
{
    struct grid grid = {0};
    char title[200];

    table_steps(report, chain, &grid);
    snprintf(title, sizeof title, "%s: this CPU%s%s%s", chain_title(chain).text,
             chain->gpu ? " against " : "", chain->gpu ? chain->gpu->id.text : "",
             chain->gpu && chain->evidence != EVIDENCE_MEASURED ? " (~ projected)"
                                                                : "");
    add_table(report, out, title, &grid);
    add_wrapped(report, out, "  ", chain->because);
}

static void add_problems(const struct report *report, const struct gpu_side *gpu,
                         struct text *out)
{
    struct grid grid = {0};
    char title[200];

    table_problems(report, gpu, &grid);
    snprintf(title, sizeof title, "%sthis CPU%s%s%s",
             report->chains ? "other problems: " : "", gpu ? " against " : "",
             gpu ? gpu->id.text : "",
             gpu && gpu->evidence != EVIDENCE_MEASURED ? " (~ projected)" : "");
    add_table(report, out, title, &grid);
}

static void add_verdicts(const struct report *report, struct text *out)
{
    bool is_long = report->gpus > 1 && rows_of(report) > ROWS_MOST;
    char said[240];

    if (report->verdicts) {
        snprintf(said, sizeof said, "The last columns are verdicts, by where the data are - resident: on "
                 "the GPU already; once: weights sent once for %d calls; every: all sent on each call. "
                 "Times and speed-ups are those of resident.", ONCE_CALLS);
        text_add(out, "\n");
        add_wrapped(report, out, "", said);
    }
    for (size_t i = 0; i < report->chains; i++)
        if (!is_long || report->chain[i].gpu == report->gpu)
            add_steps(report, &report->chain[i], out);
    if (report->gpus == 0)
        add_problems(report, NULL, out);
    for (size_t g = 0; g < report->gpus && (g == 0 || !is_long); g++)
        add_problems(report, &report->gpu[g], out);
    if (is_long)
        text_printf(out,
                    "\n  The same for %zu more GPU%s stands in the other formats.\n",
                    report->gpus - 1, report->gpus > 2 ? "s" : "");
}

static void add_whole(const struct report *report, struct text *out)
{
    struct grid grid = {0};

    table_chains(report, &grid);
    add_table(report, out, "the model as a whole (prefill: time to the first token)", &grid);
}

/* Of a model's pass; a problem's stand in the other formats. */
static void add_flips_and_money(const struct report *report, struct text *out)
{
    struct grid flips = {0}, money = {0};

    if (report->chains) {
        table_flips(report, &flips);
        add_table(report, out, "what would flip it, nearest first", &flips);
    }
    if (report->chains || json_object_get(report->results->header, "prices")) {
        table_money(report, &money);
        add_table(report, out, "energy, and cost in the currency of the prices (~ not measured; even: where "
                       "both cost the same)",
                  &money);
    }
}

/* Calls that both sides had better share; where there is none, nothing. */
static void add_splits(const struct report *report, struct text *out)
{
    for (size_t i = 0; i < report->splits && i < SPLITS_SHOWN; i++) {
        const struct split *s = &report->split[i];
        const struct contest *contest = s->verdict->contest;
        struct text line = {0};

        text_printf(&line, "%s%s %s, %s: %s", evidence_mark(s->verdict->evidence),
                    contest->op.text, contest->about->shape_text.text,
                    placement_name(s->verdict->placement), s->text);
        if (i == 0)
            text_add(out, "\nbetter shared between CPU and GPU (not measured together)\n");
        add_wrapped(report, out, "  ", line.failed ? "" : line.data);
        text_release(&line);
    }
    if (report->splits > SPLITS_SHOWN)
        text_printf(out, "  %zu more stand in the other formats.\n",
                    report->splits - SPLITS_SHOWN);
}

/* What must not be overlooked: wrong and failed cells; skipped ones are counted. */
static void add_left_out(const struct report *report, struct text *out)
{
    struct grid grid = {0};

    table_left_out(report, &grid);
    add_table(report, out, "left out of all verdicts", &grid);
}

static void add_crossovers(const struct report *report, struct text *out)
{
    bool is_said = false;
    char lead[8];

    for (size_t i = 0; i < report->crossovers; i++) {
        const struct crossover *x = &report->crossover[i];

        if (report->chains || !x->found.changes || x->is_sweep)
            continue; /* within a model the rows above say it */
        text_add(out, is_said ? "" : "\nwhere the winner changes\n");
        snprintf(lead, sizeof lead, "  %s", evidence_mark(x->evidence));
        add_wrapped(report, out, lead, x->text);
        is_said = true;
    }
}

/* What was measured but is never judged: the whole answer of a suite of such, noise elsewhere. */
static void add_overheads(const struct report *report, struct text *out)
{
    struct grid grid = {0};

    if (report->contests)
        return;
    table_overheads(report, &grid);
    add_table(report, out, "measured, never judged", &grid);
}

static void add_sweep(const struct report *report, struct text *out)
{
    struct grid grid = {0};

    table_sweeps(report, &grid);
    add_table(report, out, "thresholds of the sweep", &grid);
}

/* How many problems pay by how long the process lives, a line for each GPU. */
static void add_lifetimes(const struct report *report, struct text *out)
{
    bool is_said = false;

    for (size_t g = 0; g < report->gpus; g++) {
        size_t pays[LIFETIMES] = {0}, n = 0;
        bool is_assumed = false;
        char said[240];

        for (size_t i = 0; i < report->lifetimes; i++) {
            const struct lifetime *l = &report->lifetime[i];

            if (strcmp(l->gpu->record->device.text, report->gpu[g].id.text) != 0)
                continue;
            n++;
            is_assumed |= l->is_assumed;
            for (int k = 0; k < LIFETIMES; k++)
                pays[k] += l->decision[k] == DECISION_OFFLOAD;
        }
        if (!n)
            continue;
        if (!is_said) {
            text_add(out, "\n");
            add_wrapped(report, out, "", "by lifetime of the process (each problem alone; weights sent "
                        "once, the rest on each call)");
        }
        is_said = true;
        snprintf(said, sizeof said, "%s%s pays in %zu of %zu problems for a process of one call, %zu for one of a "
                 "second, %zu for a service that never ends%s",
                 evidence_mark(report->gpu[g].evidence), report->gpu[g].id.text,
                 pays[LIFETIME_COLD], n, pays[LIFETIME_SECOND], pays[LIFETIME_SERVICE],
                 is_assumed ? " (start-up assumed)" : "");
        add_wrapped(report, out, "  ", said);
    }
}

static void add_ledger(const struct report *report, struct text *out)
{
    struct text summary = {0};

    add_lifetimes(report, out);
    ledger_summary(report, &summary);
    if (summary.n) {
        text_add(out, "\nwhere the time goes\n");
        add_wrapped(report, out, "  ", summary.data);
    }
    out->failed |= summary.failed;
    text_release(&summary);
}

static int write(const struct report *report, struct text *out, struct why *why)
{
    add_wrapped(report, out, "", report->headline);
    if (*report->caution)
        add_wrapped(report, out, "", report->caution);
    add_sweep(report, out);
    add_verdicts(report, out);
    add_whole(report, out);
    add_splits(report, out);
    add_flips_and_money(report, out);
    add_crossovers(report, out);
    add_overheads(report, out);
    add_left_out(report, out);
    add_ledger(report, out);
    text_add(out, "\nnotes\n");
    for (size_t i = 0; i < report->notes; i++)
        add_wrapped(report, out, "  - ", report->note[i]);
    return out->failed
               ? why_fail(why, STATUS_MEMORY, "cannot write the report: out of memory")
               : 0;
}

const struct format format_text = {
    .name = "text",
    .brief = "tables for the terminal",
    .write = write,
};
