/* SPDX-License-Identifier: MIT */
/* The whole report as Markdown: for a pull request, a wiki, a mail. */
#include "report/format.h"
#include "report/tables.h"

static void add_table(struct text *out, const char *title, struct grid *grid)
{
    if (grid_rows(grid)) {
        text_printf(out, "## %s\n\n", title);
        grid_markdown(grid, out);
    }
    out->failed |= grid->failed;
    grid_release(grid);
}

static void add_chains(const struct report *report, struct text *out)
{
    struct grid grid = {0};

    table_chains(report, &grid);
    add_table(out, "The model as a whole", &grid);
    for (size_t i = 0; i < report->chains; i++) {
        const struct chain *chain = &report->chain[i];
        char title[200];

        table_steps(report, chain, &grid);
        snprintf(title, sizeof title, "%s%s%s", chain_title(chain).text,
                 chain->gpu ? ": CPU against " : "",
                 chain->gpu ? chain->gpu->id.text : "");
        add_table(out, title, &grid);
        text_printf(out, "%s.\n\n", chain->because);
    }
}

static void add_problems(const struct report *report, struct text *out)
{
    for (size_t g = 0; g < report->gpus || g == 0; g++) {
        const struct gpu_side *gpu = report->gpus ? &report->gpu[g] : NULL;
        struct grid grid = {0};
        char title[200];

        table_problems(report, gpu, &grid);
        snprintf(title, sizeof title, "Problems%s%s", gpu ? ": CPU against " : "",
                 gpu ? gpu->id.text : "");
        add_table(out, title, &grid);
    }
}

static void add_reasons(const struct report *report, struct text *out)
{
    for (size_t g = 0; g < report->gpus; g++) {
        struct grid grid = {0};
        char title[200];

        table_reasons(report, &report->gpu[g], &grid);
        snprintf(title, sizeof title, "Why: %s", report->gpu[g].id.text);
        add_table(out, title, &grid);
    }
}

/* Tables of the whole report, in order. */
static const struct {
    const char *title;
    void (*fill)(const struct report *, struct grid *);
} fact[] = {
    {"Thresholds", table_sweeps},
    {"Better shared between CPU and GPU (derived)", table_splits},
    {"What would flip it", table_flips},
    {"Energy and cost", table_money},
    {"Straw men", table_strawmen},
    {"What lower precision would buy (not the same answer)", table_precision},
    {"Where the winner changes", table_crossovers},
    {"At best", table_ceilings},
    {"What measured cells of GPUs corrected", table_lessons},
    {"Overheads", table_overheads},
    {"The answer by lifetime of the process", table_lifetimes},
    {"Where a device call's time goes", table_ledger},
    {"Checks against the reference", table_checks},
    {"Left out of all verdicts", table_left_out},
    {"Assumptions of the projection", table_assumptions},
    {"Machine", table_machine},
};

static int write(const struct report *report, struct text *out, struct why *why)
{
    text_printf(out, "# Is it worth moving this work to a GPU?\n\n**%s**\n\n",
                report->headline);
    if (*report->caution)
        text_printf(out, "> %s\n\n", report->caution);
    text_add(
        out,
        "`~` marks what was not measured; ranges are intervals. Decisions are given "
        "per placement of the data.\n\n");
    add_chains(report, out);
    add_problems(report, out);
    add_reasons(report, out);
    for (size_t i = 0; i < sizeof fact / sizeof *fact; i++) {
        struct grid grid = {0};

        fact[i].fill(report, &grid);
        add_table(out, fact[i].title, &grid);
    }
    text_add(out, "## Notes\n\n");
    for (size_t i = 0; i < report->notes; i++)
        text_printf(out, "- %s\n", report->note[i]);
    return out->failed
               ? why_fail(why, STATUS_MEMORY, "cannot write the report: out of memory")
               : 0;
}

const struct format format_markdown = {
    .name = "markdown",
    .brief = "the whole report as Markdown",
    .extension = "md",
    .write = write,
};
