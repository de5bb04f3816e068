/* SPDX-License-Identifier: MIT */
/* The thresholds of a sweep, on the first screen of its page. */
#include <math.h>
#include <stdio.h>

#include "report/page.h"
#include "report/tables.h"
#include "report/units.h"

static void add_row(const struct crossover *x, struct text *out)
{
    const struct regret *r = &x->regret;
    char text[220];

    text_add(out, "<tr><td class=\"nowrap\">");
    page_text(out, x->gpu.text);
    text_printf(out, ", %s<small>%s</small></td><td><b>",
                placement_name(x->placement), dtype_name(x->from->about->dtype));
    page_text(out, x->answer);
    text_printf(out, "</b></td><td class=\"nowrap\">%s <small>%s</small></td>",
                words_percent(x->confidence).text, crossover_kind_name(x->found.kind));
    page_cell_evidence(out, x->evidence);
    if (r->sizes)
        snprintf(text, sizeof text, "%zu of %zu right; %s lost, at worst %s", r->right, r->sizes,
                 words_percent(r->mean).text, words_percent(r->worst).text);
    else
        snprintf(text, sizeof text, "too few sizes");
    page_cell(out, text);
    page_cell(out, *x->decider ? x->decider : "nothing is open but the brackets");
    text_add(out, "</tr>\n");
}

void page_sweep(const struct report *report, struct text *out)
{
    bool is_open = false;

    for (size_t i = 0; i < report->crossovers; i++) {
        if (!report->crossover[i].is_sweep)
            continue;
        if (!is_open)
            page_table_open(out, NULL,
                            "GPU, placement|what to do|how sure|evidence|advice for a size that "
                            "was left out|what would decide more");
        is_open = true;
        add_row(&report->crossover[i], out);
    }
    if (is_open)
        page_table_close(out);
}
