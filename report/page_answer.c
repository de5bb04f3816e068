/* SPDX-License-Identifier: MIT */
/* What a reader sees first: the answer, what it rests on, one picture; then every verdict. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/judge.h"
#include "report/page.h"
#include "report/tables.h"
#include "report/units.h"

/* ---- first screen ---------------------------------------------------------------------- */

static void add_fact(struct text *out, const char *label, const char *value)
{
    if (!*value)
        return;
    text_printf(out, " &middot; %s", label);
    page_text(out, value);
}

static void add_suites(const json_t *suites, struct text *out)
{
    for (size_t i = 0; i < json_array_size(suites); i++) {
        const char *name = json_string_value(json_array_get(suites, i));

        add_fact(out, "suite ", name ? name : "");
    }
}

static void add_eyebrow(const struct report *report, struct text *out)
{
    const json_t *machine = json_object_get(report->results->header, "machine");
    const char *cpu = json_string_value(json_object_get(machine, "cpu_model"));
    const char *sweep = json_string_value(
        json_object_get(json_object_get(report->results->header, "sweep"), "name"));

    text_add(out, "<p class=\"eyebrow\">offload-bench ");
    page_text(out, report_header(report, "version"));
    add_suites(json_object_get(report->results->header, "suites"), out);
    add_fact(out, "sweep ", sweep ? sweep : "");
    add_fact(out, "", report_header(report, "model"));
    add_fact(out, "", cpu ? cpu : "");
    add_fact(out, "", report_header(report, "date"));
    text_add(out, "</p>\n");
}

/* Where the first clause or sentence ends. */
static size_t first_clause(const char *headline)
{
    const char *clause = strstr(headline, "; "), *sentence = strstr(headline, ". ");

    if (sentence && (!clause || sentence < clause))
        return (size_t)(sentence - headline) + 1;
    return clause ? (size_t)(clause - headline) : strlen(headline);
}

/* The headline's first clause is the heading, the rest stands under it. */
static void add_headline(const struct report *report, struct text *out)
{
    size_t n = first_clause(report->headline);
    const char *rest = report->headline + n;
    char first[sizeof report->headline];

    snprintf(first, sizeof first, "%.*s", (int)n, report->headline);
    rest += strspn(rest, "; ");
    text_add(out, "<h1>");
    page_text(out, first);
    if (report->gpus && !strstr(first, evidence_name(report->gpu[0].evidence)))
        text_printf(out, " <span class=\"evidence %s\">%s</span>",
                    evidence_name(report->gpu[0].evidence),
                    evidence_name(report->gpu[0].evidence));
    text_add(out, "</h1>\n");
    if (*rest) {
        text_add(out, "<p class=\"lead\">");
        page_text(out, rest);
        text_add(out, "</p>\n");
    }
}

/* A caption that was just read is not said again. */
static void add_picture(const struct plot *plot, const char *before, struct text *out)
{
    text_add(out, "<figure><div class=\"scroll\">\n");
    text_add_bytes(out, plot->svg.data, plot->svg.n);
    text_add(out, "</div>");
    if (strcmp(plot->caption, before) != 0) {
        text_add(out, "<figcaption>");
        page_text(out, plot->caption);
        text_add(out, "</figcaption>");
    }
    text_add(out, "</figure>\n");
}

static void add_pictures(const struct plots *plots, struct text *out)
{
    enum plot_kind first = plots->plots ? plots->plot[0].kind : PLOT_MODEL;

    if (!plots->plots) {
        text_add(out, "<p class=\"soft\">");
        page_text(out, *plots->missing ? plots->missing : "nothing was measured to be drawn");
        text_add(out, "</p>\n");
        return;
    }
    text_add(out, "<div class=\"pictures\">\n");
    for (size_t i = 0; i < plots->plots; i++)
        if (first <= PLOT_SWEEP ? plots->plot[i].kind == first : i == 0)
            add_picture(&plots->plot[i], i ? plots->plot[i - 1].caption : "", out);
    text_add(out, "</div>\n");
}

void page_answer(const struct report *report, const struct plots *plots, struct text *out)
{
    text_add(out, "<header>\n");
    add_eyebrow(report, out);
    add_headline(report, out);
    if (*report->caution) {
        text_add(out, "<div class=\"caution\" role=\"note\"><p><strong>Evidence:</strong> ");
        page_prose(out, report->caution);
        text_add(out, "</p></div>\n");
    }
    page_sweep_answer(report, out);
    add_pictures(plots, out);
    page_sweep_quality(report, out);
    text_add(out, "</header>\n");
}

/* ---- models ---------------------------------------------------------------------------- */

/* A pass and what it means for tokens, in one cell. */
static void cell_pass(struct text *out, const struct chain *c, struct estimate us,
                      const char *more)
{
    struct estimate rate = chain_tokens_per_s(c, us);

    if (isnan(us.value)) {
        page_cell_number(out, NAN, "not known");
        return;
    }
    text_printf(out,
                "<td class=\"n\" data-sort=\"%.9g\">%s <small>%s</small> <small><b>%s</b> "
                "(%s-%s) tokens/s</small>%s</td>",
                us.value, words_time(us.value).text, words_time_range(us).text,
                words_number(rate.value).text, words_number(rate.low).text,
                words_number(rate.high).text, more);
}

static void chain_row(struct text *out, const struct chain *c)
{
    char text[160], moved[60] = "";

    text_add(out, "<tr><td class=\"nowrap\"><b>");
    page_text(out, c->phase.text);
    text_printf(out, "</b><small>batch %lld, context %lld</small></td><td class=\"nowrap\">",
                (long long)c->batch, (long long)c->context);
    page_text(out, c->gpu ? c->gpu->id.text : "none");
    text_add(out, "</td>");
    page_cell_decision(out, c->decision, c->evidence, c->mix_speedup);
    page_cell_ratio(out, c->mix_speedup);
    cell_pass(out, c, c->cpu_us, "");
    if (!isnan(c->moved))
        snprintf(moved, sizeof moved, "<small>%.0f of %zu operations moved</small> ", c->moved,
                 c->steps);
    snprintf(text, sizeof text, "%s<small>all of them: %s</small>", moved,
             isnan(c->gpu_us.value) ? "not known" : words_time(c->gpu_us.value).text);
    cell_pass(out, c, c->mix_us, text);
    text_add(out, "<td class=\"why\">");
    page_text(out, c->because);
    text_add(out, "</td></tr>\n");
}

void page_models(const struct report *report, struct text *out)
{
    if (!report->chains)
        return;
    text_add(out, "<section id=\"model\"><h2>The model as a whole</h2>\n"
                  "<p>One pass is the sum of its operations: for a prefill the time to the first "
                  "token, for a decode the time of one token of every sequence. The best plan "
                  "makes the whole pass shortest; activations cross the link only where the "
                  "side changes.</p>\n");
    page_table_open(out, "models",
                    "pass|GPU|verdict|#speed-up|#CPU, measured|#best plan with the GPU|because");
    for (size_t i = 0; i < report->chains; i++)
        chain_row(out, &report->chain[i]);
    page_table_close(out);
    for (size_t i = 0; i < report->chains; i++) {
        const struct chain *c = &report->chain[i];
        struct grid grid = {0};

        text_add(out, "<details><summary>Which operations: ");
        page_text(out, chain_title(c).text);
        text_add(out, c->gpu ? ", CPU against " : "");
        page_text(out, c->gpu ? c->gpu->id.text : "");
        text_add(out, "</summary>\n");
        table_steps(report, c, &grid);
        page_grid(out, "", "~ marks what was not measured.", &grid);
        text_add(out, "</details>\n");
    }
    text_add(out, "</section>\n");
}

/* ---- verdicts -------------------------------------------------------------------------- */

/* How the verdicts of one GPU and placement fall. */
static void tally_row(const struct report *report, const struct gpu_side *gpu,
                      enum placement placement, struct text *out)
{
    size_t count[3] = {0}, all = 0;

    for (size_t i = 0; i < report->verdicts; i++) {
        const struct verdict *v = &report->verdict[i];

        if (v->placement != placement || strcmp(v->gpu->record->device.text, gpu->id.text) != 0)
            continue;
        count[v->decision]++;
        all++;
    }
    if (!all)
        return;
    text_add(out, "<tr>");
    page_cell(out, gpu->id.text);
    page_cell(out, placement_name(placement));
    for (int i = 0; i < 3; i++) {
        char text[32];

        snprintf(text, sizeof text, "%zu", count[i]);
        page_cell_number(out, (double)count[i], text);
    }
    page_cell_evidence(out, gpu->evidence);
    text_add(out, "</tr>\n");
}

static void add_tally(const struct report *report, struct text *out)
{
    page_table_open(out, NULL, "GPU|placement|#offload|#stay|#undecided|evidence");
    for (size_t g = 0; g < report->gpus; g++)
        for (int p = 0; p < PLACEMENTS; p++)
            tally_row(report, &report->gpu[g], (enum placement)p, out);
    page_table_close(out);
}

static void cell_side(struct text *out, const struct contender *c, struct estimate us)
{
    if (isnan(us.value)) {
        page_cell_number(out, NAN, "not known");
        return;
    }
    text_printf(out, "<td class=\"n\" data-sort=\"%.9g\">%s <small>%s</small> <small>", us.value,
                words_time(us.value).text, words_time_range(us).text);
    page_text(out, c->record->variant.text);
    if (*c->bound.kind.text) {
        text_add(out, "</small> <small>");
        page_text(out, c->bound.kind.text);
    }
    if (!isnan(c->bound.share) && strcmp(c->bound.kind.text, "cache") != 0)
        text_printf(out, "&nbsp;%s", words_percent(c->bound.share).text);
    text_add(out, "</small></td>");
}

static void lower_lines(const struct report *report, const struct verdict *v, struct text *out)
{
    struct text words = {0};

    for (size_t i = 0; i < report->lowers; i++)
        if (&report->verdict[report->lower[i].verdict] == v) {
            text_add(&words, words.n ? ". " : "");
            lower_write(report, &report->lower[i], &words);
        }
    if (words.n) {
        text_add(out, "<details><summary>lower precision</summary>");
        page_text(out, words.data);
        text_add(out, "</details>");
    }
    out->failed |= words.failed;
    text_release(&words);
}

static void verdict_row(struct text *out, const struct report *report, const struct verdict *v)
{
    const struct record *about = v->contest->about;

    text_printf(out, "<tr data-decision=\"%s\" data-placement=\"%s\" data-gpu=\"",
                decision_name(v->decision), placement_name(v->placement));
    page_text(out, v->gpu->record->device.text);
    text_add(out, "\"><td class=\"problem\"><b>");
    page_text(out, v->contest->op.text);
    text_add(out, "</b> <small>");
    page_text(out, about->workload.text);
    text_printf(out, " %s, %s</small> <small>", dtype_name(about->dtype),
                cache_name(about->cache));
    page_text(out, about->shape_text.text);
    text_add(out, "</small></td><td class=\"nowrap\">");
    page_text(out, v->gpu->record->device.text);
    text_printf(out, "<small>%s</small></td>", placement_name(v->placement));
    page_cell_decision(out, v->decision, v->evidence, v->speedup);
    page_cell_ratio(out, v->speedup);
    cell_side(out, v->cpu, v->cpu_us);
    cell_side(out, v->gpu, v->gpu_us);
    page_cell_number(out, v->reuse_n.value, words_reuse(v->reuse_n).text);
    text_add(out, "<td class=\"why\">");
    page_text(out, v->because);
    if (*v->flip) {
        text_add(out, "<details><summary>would flip it</summary>");
        page_text(out, v->flip);
        text_add(out, "</details>");
    }
    lower_lines(report, v, out);
    if (v->gpu->record->kind == RECORD_PROJECTION && *v->gpu->record->note.text) {
        text_add(out, "<details><summary>how it was projected</summary>");
        page_text(out, v->gpu->record->note.text);
        text_add(out, "</details>");
    }
    text_add(out, "</td></tr>\n");
}

static const char filters[] =
    "<form class=\"filters\" data-table=\"verdict-table\" hidden>\n"
    "<label>search <input type=\"search\" autocomplete=\"off\" placeholder=\"gemm bf16 "
    "...\"></label>\n"
    "<label>verdict <select name=\"decision\"><option value=\"\">all</option></select></label>\n"
    "<label>placement <select name=\"placement\" data-first=\"resident\"><option "
    "value=\"\">all</option></select></label>\n"
    "<label>GPU <select name=\"gpu\"><option value=\"\">all</option></select></label>\n"
    "<output aria-live=\"polite\"></output></form>\n";

void page_verdicts(const struct report *report, struct text *out)
{
    struct grid grid = {0};

    text_add(out, "<section id=\"verdicts\"><h2>Verdicts</h2>\n");
    if (!report->verdicts) {
        text_add(out, "<p>There is none: a verdict needs a correct CPU time and a measured or "
                      "projected GPU time of the same problem.</p></section>\n");
        return;
    }
    text_printf(out,
                "<p>One for each problem, GPU and place of the data: <b>resident</b>, they are on "
                "the GPU already; <b>once</b>, weights and caches are sent once for %d calls, "
                "inputs and results on each; <b>every</b>, everything is sent on each call.</p>\n",
                ONCE_CALLS);
    page_words(out);
    add_tally(report, out);
    text_add(out, "<h3>Every verdict</h3>\n");
    text_add(out, filters);
    page_table_open(out, "verdict-table",
                    "operation|GPU, placement|verdict|#speed-up|#CPU time|#GPU time|#reuse N*|because");
    for (size_t i = 0; i < report->verdicts; i++)
        verdict_row(out, report, &report->verdict[i]);
    page_table_close(out);
    table_precision(report, &grid);
    page_grid(out, "Lower precision",
              "What the same device would take in fewer significant bits: not the same answer, so "
              "it stands here and no verdict counts it.",
              &grid);
    table_splits(report, &grid);
    page_grid(out, "Better shared between CPU and GPU",
              "Both at work on their piece at the same time. Derived from the parts, not measured: "
              "that each side's time falls with its piece and that neither slows the other, but for "
              "copies from the memory that a CPU is waiting for.",
              &grid);
    text_add(out, "</section>\n");
}
