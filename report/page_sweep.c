/* SPDX-License-Identifier: MIT */
/* A sweep on its page: what to do, one row for a GPU and one column for a placement, on the first
 * screen; below the pictures how good that advice is and what would make it better. */
#include <stdio.h>
#include <string.h>

#include "report/judge.h"
#include "report/page.h"
#include "report/tables.h"
#include "report/units.h"

/* ---- what to do ------------------------------------------------------------------------ */

static const enum placement placements[] = {PLACEMENT_RESIDENT, PLACEMENT_ONCE, PLACEMENT_EVERY};
enum { COLUMNS = 3 };

static const struct crossover *find(const struct report *report, const struct crossover *row,
                                    enum placement placement)
{
    for (size_t i = 0; i < report->crossovers; i++)
        if (crossover_same_sweep(row, &report->crossover[i]) && report->crossover[i].placement == placement)
            return &report->crossover[i];
    return NULL;
}

/* "stay up to size 100, offload from 110 on": a line for each part, its decision in its colour;
 * "(stay on both sides)" is what the lines above say. */
static void add_answer(const char *answer, struct text *out)
{
    char part[sizeof((struct crossover *)0)->answer];

    for (size_t n; *answer; answer += n + (answer[n] ? 2 : 0)) {
        const char *end = strstr(answer, ", "), *aside = strstr(answer, " (");
        size_t word = strcspn(answer, " "), said;

        n = end ? (size_t)(end - answer) : strlen(answer);
        said = aside && aside < answer + n ? (size_t)(aside - answer) : n;
        word = word < n ? word : n;
        text_printf(out, "<div><span class=\"decision %.*s\">%.*s</span>", (int)word, answer,
                    (int)word, answer);
        snprintf(part, sizeof part, "%.*s", (int)(said - word), answer + word);
        page_text(out, part);
        text_add(out, "</div>");
    }
}

static void add_row(const struct report *report, const struct crossover *row, struct text *out)
{
    const char *evidence = evidence_name(row->evidence);
    bool is_decided = false;

    text_add(out, "<tr><td class=\"nowrap\"><b>");
    page_text(out, row->gpu.text);
    text_printf(out, "</b><small>%s</small></td>", dtype_name(row->from->about->dtype));
    for (int p = 0; p < COLUMNS; p++) {
        const struct crossover *x = find(report, row, placements[p]);

        text_add(out, "<td>");
        if (x) {
            add_answer(x->answer, out);
            is_decided |= crossover_is_decided(x);
        }
        text_add(out, x ? "</td>" : "-</td>");
    }
    text_add(out, "<td class=\"nowrap\">");
    page_text(out, is_decided ? words_percent(row->confidence).text : "-");
    text_printf(out, "<br><span class=\"evidence %s\">%s</span></td></tr>\n",
                evidence, evidence);
}

void page_sweep_answer(const struct report *report, struct text *out)
{
    bool is_open = false;

    for (size_t i = 0; i < report->crossovers; i++) {
        const struct crossover *x = &report->crossover[i];
        bool is_first = x->is_sweep;

        for (size_t k = 0; k < i && is_first; k++)
            is_first = !crossover_same_sweep(x, &report->crossover[k]);
        if (!is_first)
            continue;
        if (!is_open)
            page_table_open(out, NULL,
                            "GPU|data in place (resident)|weights sent once (once)|everything "
                            "sent on each call (every)|how sure");
        is_open = true;
        add_row(report, x, out);
    }
    if (is_open)
        page_table_close(out);
}

/* ---- how good that is ------------------------------------------------------------------ */

static void add_quality(const struct crossover *x, struct text *out)
{
    const struct regret *r = &x->regret;
    char text[220];

    text_add(out, "<tr><td class=\"nowrap\">");
    page_text(out, x->gpu.text);
    text_printf(out, ", %s<small>%s</small></td><td>%s</td>", placement_name(x->placement),
                dtype_name(x->from->about->dtype), crossover_kind_name(x->found.kind));
    snprintf(text, sizeof text, "%zu", x->points);
    page_cell_number(out, (double)x->points, text);
    if (r->sizes)
        snprintf(text, sizeof text, "%zu of %zu right; %s lost, at worst %s", r->right, r->sizes,
                 words_percent(r->mean).text, words_percent(r->worst).text);
    else
        snprintf(text, sizeof text, "too few sizes");
    page_cell(out, text);
    page_cell(out, *x->decider ? x->decider : "nothing is open but the brackets");
    text_add(out, "</tr>\n");
}

void page_sweep_quality(const struct report *report, struct text *out)
{
    bool is_open = false;

    for (size_t i = 0; i < report->crossovers; i++) {
        if (!report->crossover[i].is_sweep)
            continue;
        if (!is_open)
            page_table_open(out, NULL,
                            "GPU, placement|winner changes|#sizes|advice for each size, had it not "
                            "been measured; time lost by it|what would decide more");
        is_open = true;
        add_quality(&report->crossover[i], out);
    }
    if (is_open)
        page_table_close(out);
}
