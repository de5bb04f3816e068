/* SPDX-License-Identifier: MIT */
/* What the answer rests on: figures, costs, every CPU variant, counters, checks, machine,
 * method, notes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/ledger.h"
#include "report/page.h"
#include "report/tables.h"
#include "report/units.h"

/* ---- figures --------------------------------------------------------------------------- */

static const struct {
    enum plot_kind kind;
    const char *title;
} chapters[] = {
    {PLOT_FLIP, "What would flip it"},
    {PLOT_SPEEDUP, "Speed-up by operation"},    {PLOT_TIME, "Time by operation"},
    {PLOT_SHARE, "Achieved share of peak"},     {PLOT_ROOFLINE, "Roofline of both sides"},
    {PLOT_SIZE, "Time against size"},           {PLOT_PHASE, "Phase breakdown"},
    {PLOT_LEDGER, "Where a device call's time goes"},
};

void page_figures(const struct plots *plots, struct text *out)
{
    text_add(out, "<section id=\"figures\"><h2>Figures</h2>\n"
                  "<p>Filled and solid is measured; hollow, hatched and dashed is projected. "
                  "Intervals: 95 % of a measured median, 80 % of a projection.</p>\n");
    if (!plots->plots) {
        text_add(out, "<p>");
        page_text(out, *plots->missing ? plots->missing : "nothing was measured to be drawn");
        text_add(out, "</p>\n");
    }
    for (size_t k = 0; k < sizeof chapters / sizeof *chapters; k++) {
        bool is_open = false;

        for (size_t i = plots->plots && plots->plot[0].kind != PLOT_MODEL; i < plots->plots;
             i++) {
            const struct plot *plot = &plots->plot[i];

            if (plot->kind != chapters[k].kind)
                continue;
            if (!is_open)
                text_printf(out, "<h3>%s</h3>\n", chapters[k].title);
            is_open = true;
            text_add(out, "<figure><div class=\"scroll\">\n");
            text_add_bytes(out, plot->svg.data, plot->svg.n);
            text_add(out, "</div><figcaption>");
            page_text(out, plot->caption);
            text_add(out, "</figcaption></figure>\n");
        }
    }
    text_add(out, "</section>\n");
}

/* ---- costs ----------------------------------------------------------------------------- */

void page_costs(const struct report *report, struct text *out)
{
    struct grid grid = {0};
    struct text summary = {0};

    text_add(out, "<section id=\"costs\"><h2>Ceilings and costs</h2>\n");
    table_flips(report, &grid);
    page_grid(out, "What would flip it",
              "Nearest first: one input alone, changed until the decision is another one.", &grid);
    table_money(report, &grid);
    page_grid(out, "Energy and cost",
              "~ marks power that was not measured: given by the user, or the GPU's power limit for "
              "the whole time, an estimate from above. Even: the price of an hour of a machine "
              "with the GPU at which both sides cost the same. Prices are the user's (--cpu-price, "
              "--gpu-price, --energy-price); none is assumed.", &grid);
    table_crossovers(report, &grid);
    page_grid(out, "Where the winner changes", "Brackets between sizes that were measured.",
              &grid);
    table_ceilings(report, &grid);
    page_grid(out, "At best",
              "The CPU's rates were measured here; a projected GPU's are its datasheet.", &grid);
    table_lessons(report, &grid);
    page_grid(out, "What measured cells of GPUs corrected",
              "Cells of --calibrate, the projections of their calls without and with what all of "
              "them taught.", &grid);
    table_overheads(report, &grid);
    page_grid(out, "Overheads", "Measured beside the problems, never judged.", &grid);
    table_ledger(report, &grid);
    page_grid(out, "Where a device call's time goes",
              "Rows are of the middle one of calls that wait after every part, timed one by one; what "
              "none of them holds of that call is the residual. Whole calls wait at their end only. "
              "First calls were made in processes of their own.", &grid);
    ledger_summary(report, &summary);
    if (summary.n) {
        text_add(out, "<p>");
        page_text(out, summary.data);
        text_add(out, ".</p>\n");
    }
    text_release(&summary);
    table_lifetimes(report, &grid);
    page_grid(out, "The answer by lifetime of the process",
              "What a first call costs beyond a call is the set-up; for a projected GPU it is an "
              "assumption, 0.1 to 0.5 s, measured nowhere. One second: as many calls as the CPU can "
              "make in it. Resident service: set up long ago; activations and results still move "
              "on each call.", &grid);
    text_add(out, "</section>\n");
}

/* ---- CPU variants ---------------------------------------------------------------------- */

static void variant_row(struct text *out, const struct contest *contest, size_t i)
{
    const struct contender *c = &contest->cpu[i];
    const struct record *r = c->record;
    char text[160];

    text_add(out, "<tr>");
    page_cell(out, contest->op.text);
    text_add(out, "<td>");
    page_text(out, r->workload.text);
    text_printf(out, " %s %s <small>", dtype_name(r->dtype), cache_name(r->cache));
    page_text(out, r->shape_text.text);
    text_add(out, "</small></td>");
    page_cell(out, r->variant.text);
    page_cell(out, *r->provider.text ? r->provider.text : "our own code");
    page_cell_time(out, c->time_us);
    page_cell_number(out, c->time_us.value / contest->cpu[0].time_us.value,
                     i == 0 ? "fastest"
                            : words_ratio(c->time_us.value / contest->cpu[0].time_us.value).text);
    page_cell_number(out, c->bound.flops_per_s,
                     c->bound.flops_per_s > 0 ? words_si(c->bound.flops_per_s, "flop/s").text
                                              : "no arithmetic");
    page_cell_number(out, c->bound.bytes_per_s, words_si(c->bound.bytes_per_s, "B/s").text);
    snprintf(text, sizeof text, "%lld x %.40s%s%.50s", (long long)r->threads,
             *r->isa.text ? r->isa.text : "library's own", *r->nodes.text ? ", " : "",
             r->nodes.text);
    page_cell(out, text);
    page_cell_number(out, r->page_bytes ? (double)r->page_bytes : NAN,
                     r->page_bytes ? words_si((double)r->page_bytes, "B").text : "not known");
    snprintf(text, sizeof text, "%zu, %zu set aside", c->rounds, c->contended);
    page_cell_number(out, (double)c->rounds, text);
    page_cell(out, r->note.text);
    text_add(out, "</tr>\n");
}

void page_variants(const struct report *report, struct text *out)
{
    struct grid grid = {0};

    text_add(out, "<section id=\"variants\"><h2>CPU variants</h2>\n"
                  "<p>The fastest correct one sets the bar; how much slower the others are says "
                  "how far a verdict would move against them. All are measured.</p>\n");
    table_strawmen(report, &grid);
    page_grid(out, "Straw men",
              "What the same GPU would have looked like against a weak use of this CPU.", &grid);
    text_add(out, "<details><summary>Every variant of every problem</summary>\n");
    page_table_open(out, "variant-table",
                    "operation|problem|variant|library|#time|#of the "
                    "fastest|#rate|#traffic|threads, instruction set|#pages|#samples|note");
    for (size_t i = 0; i < report->contests; i++)
        for (size_t k = 0; k < report->contest[i].cpus; k++)
            variant_row(out, &report->contest[i], k);
    page_table_close(out);
    text_add(out, "</details></section>\n");
}

/* ---- counters -------------------------------------------------------------------------- */

static void measure_row(struct text *out, const struct record *r, const struct measure *m)
{
    text_add(out, "<tr>");
    page_cell(out, r->workload.text);
    page_cell(out, r->shape_text.text);
    page_cell(out, r->variant.text);
    page_cell(out, r->device.text);
    page_cell(out, m->probe.text);
    page_cell(out, m->name.text);
    if (isnan(m->value))
        page_cell_number(out, NAN, "not measured");
    else if (strcmp(m->unit.text, "s") == 0)
        page_cell_number(out, m->value, words_time(m->value * 1e6).text);
    else
        page_cell_number(out, m->value,
                         words_si(m->value, strcmp(m->unit.text, "1") ? m->unit.text : "").text);
    text_add(out, "<td class=\"why\">");
    if (m->is_suspect)
        page_text(out, strcmp(m->unit.text, "s") == 0
                           ? "suspect: disagrees with the device's events. "
                           : "suspect: disagrees with the analytic count. ");
    page_text(out, m->why);
    text_add(out, "</td></tr>\n");
}

void page_measures(const struct report *report, struct text *out)
{
    size_t n = 0;

    for (size_t i = 0; i < report->results->records; i++)
        n += report->results->record[i].measures;
    text_add(out, "<section id=\"counters\"><h2>Counters and other observations</h2>\n");
    if (!n) {
        text_add(out, "<p>Not measured: no probe reported anything in this run. "
                      "<code>offload-bench doctor</code> says what can be observed here and how "
                      "to enable the rest.</p></section>\n");
        return;
    }
    text_printf(out, "<p>Per call, in passes of their own where observing disturbs.</p>\n"
                     "<details><summary>%zu observations</summary>\n", n);
    page_table_open(out, "measure-table",
                    "workload|shape|variant|device|probe|metric|#value per call|remark");
    for (size_t i = 0; i < report->results->records; i++)
        for (size_t k = 0; k < report->results->record[i].measures; k++)
            measure_row(out, &report->results->record[i], &report->results->record[i].measure[k]);
    page_table_close(out);
    text_add(out, "</details></section>\n");
}

/* ---- checks ---------------------------------------------------------------------------- */

static void check_row(struct text *out, const struct record *r)
{
    text_add(out, "<tr>");
    page_cell(out, r->workload.text);
    text_printf(out, "<td>%s <small>", dtype_name(r->dtype));
    page_text(out, r->shape_text.text);
    text_add(out, "</small></td>");
    page_cell(out, r->variant.text);
    page_cell(out, r->device.text);
    page_cell_evidence(out, r->evidence);
    text_printf(out, "<td class=\"%s\">%s</td>", outcome_name(r->outcome),
                outcome_name(r->outcome));
    page_cell_number(out, r->error, isnan(r->error) ? "not known" : words_number(r->error).text);
    text_add(out, "</tr>\n");
}

void page_checks(const struct report *report, struct text *out)
{
    struct grid grid = {0};
    size_t wrong = 0;

    for (size_t i = 0; i < report->checks; i++)
        wrong += report->check[i]->outcome == OUTCOME_WRONG;
    text_printf(out,
                "<section id=\"checks\"><h2>Checks</h2>\n<p>%zu cells were compared with the "
                "reference in double precision, every element of every output; <b>%zu</b> "
                "%s wrong. An error of 1 is the bound that follows from the type and the length "
                "of the sums.</p>\n",
                report->checks, wrong, wrong == 1 ? "was" : "were");
    if (report->checks) {
        text_add(out, "<details><summary>Every check</summary>\n");
        page_table_open(out, "check-table",
                        "workload|problem|variant|device|evidence|outcome|#error / bound");
        for (size_t i = 0; i < report->checks; i++)
            check_row(out, report->check[i]);
        page_table_close(out);
        text_add(out, "</details>\n");
    }
    table_left_out(report, &grid);
    page_grid(out, "Left out of all verdicts", "Wrong, failed or skipped, and why.", &grid);
    text_add(out, "</section>\n");
}

/* ---- machine, method, notes ------------------------------------------------------------ */

void page_machine(const struct report *report, struct text *out)
{
    const json_t *header = report->results->header;
    json_t *empty = json_string("");
    static const char *const parts[] = {"machine", "devices", "gpus", "missing"};

    text_add(out, "<section id=\"machine\"><h2>Machine and run</h2>\n<dl class=\"facts\">\n");
    for (const char *const *run = (const char *const[]){"date", "version", "command", "suites",
                                                        "model", "seed", "budget_s", "threads",
                                                        NULL};
         *run; run++)
        if (json_object_get(header, *run) &&
            !json_equal(json_object_get(header, *run), empty))
            page_facts(out, *run, json_object_get(header, *run));
    json_decref(empty);
    text_add(out, "</dl>\n");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const json_t *part = json_object_get(header, parts[i]);

        if (json_object_size(part) + json_array_size(part) == 0)
            continue;
        text_printf(out, "<details%s><summary>%s</summary><dl class=\"facts\">\n",
                    i == 0 ? " open" : "",
                    i == 0 ? "this machine" : i == 1 ? "devices" : i == 2
                        ? "projected GPUs (datasheets)" : "what is not here");
        page_facts(out, "", part);
        text_add(out, "</dl></details>\n");
    }
    text_add(out, "</section>\n");
}

void page_method(const struct report *report, struct text *out)
{
    struct grid grid = {0};

    text_printf(
        out,
        "<section id=\"method\"><h2>Method</h2>\n<ul class=\"notes\">\n"
        "<li><b>Correct first.</b> Inputs are seeded and random, outputs are poisoned before a "
        "run, every element is compared with a reference in double precision. A wrong result "
        "never becomes a time.</li>\n"
        "<li><b>The strongest CPU variant competes</b>: our own vector code and every library "
        "found here, with all threads; packing and planning stand outside the timed region and "
        "are named.</li>\n"
        "<li><b>Samples are interleaved</b> in rounds of random order, so that what the machine "
        "does meanwhile hits all alike; samples during which the system took the processor are "
        "set aside and counted.</li>\n"
        "<li><b>Times are medians</b> with the 95 %% interval of order statistics, which assumes "
        "no distribution. Weights and caches of a <i>cold</i> problem rotate so that they come "
        "from memory.</li>\n"
        "<li><b>Projected GPU times</b> come from the GPU's datasheet and a calibrated model, "
        "with an 80 %% interval; they are marked everywhere. OpenCL on a processor or an "
        "emulated GPU (evidence <i>software</i>) proves the device code and decides nothing.</li>\n"
        "<li><b>Verdicts</b>: offload when the whole interval of the speed-up lies above %.2f, "
        "stay when it lies below, undecided otherwise. The interval combines the extremes of "
        "both sides, or interleaved pairs when both were measured together.</li>\n"
        "</ul>\n<p>The whole method, with its sources: <code>docs/method.md</code> of "
        "offload-bench.</p>\n",
        1 + VERDICT_TIE);
    table_assumptions(report, &grid);
    page_grid(out, "Assumptions that entered",
              "Figures of the projection that no datasheet gives and nothing fitted. Ranges of those "
              "that enter kernels' times lie in the calibration's residuals; the others' are part "
              "of the intervals.", &grid);
    text_add(out, "</section>\n");
}

void page_notes(const struct report *report, const struct plots *plots, struct text *out)
{
    text_add(out, "<section id=\"notes\"><h2>Notes</h2>\n<ul class=\"notes\">\n");
    for (size_t i = 0; i < report->notes; i++) {
        text_add(out, "<li>");
        page_prose(out, report->note[i]);
        text_add(out, "</li>\n");
    }
    if (*plots->missing) {
        text_add(out, "<li>");
        page_text(out, plots->missing);
        text_add(out, "</li>\n");
    }
    text_add(out, "</ul></section>\n");
}
