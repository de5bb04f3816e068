/* SPDX-License-Identifier: MIT */
/* The parts of the HTML page. Everything that comes from a record passes page_text. */
#ifndef OFFLOAD_BENCH_PAGE_H
#define OFFLOAD_BENCH_PAGE_H

#include "report/grid.h"
#include "report/plot.h"
#include "report/report.h"

/* Append `string` as text of an element or of a quoted attribute. A percent sign stays with its
 * number. */
void page_text(struct text *out, const char *string);

/* A sentence that may hold commands between backticks: <code>. */
void page_prose(struct text *out, const char *string);

/* Cells of a table row. A missing value is "not known", and sorts last. */
void page_cell(struct text *out, const char *string);
void page_cell_time(struct text *out, struct estimate us);
void page_cell_ratio(struct text *out, struct estimate ratio);
void page_cell_number(struct text *out, double sort, const char *spelled);
void page_cell_evidence(struct text *out, enum evidence);
void page_cell_decision(struct text *out, enum decision, enum evidence,
                        struct estimate speedup);

/* <table> with its headings within a box that scrolls; `id` NULL: not sortable. Headings are
 * '|'-separated; one that begins with '#' is of a column of numbers. */
void page_table_open(struct text *out, const char *id, const char *headings);
void page_table_close(struct text *out);
/* A whole grid under a heading, folded when it is long; title "": open, without a heading, for a
 * caller that has folded it. Nothing when it has no row. Releases the grid. */
void page_grid(struct text *out, const char *title, const char *lead, struct grid *);
/* <dt>..</dt><dd>..</dd> of every fact in a JSON value, objects flattened to "a.b". */
void page_facts(struct text *out, const char *name, const json_t *value);

/* First screen and verdicts (page_answer.c). */
void page_answer(const struct report *, const struct plots *, struct text *out);
/* Of a sweep: what to do, by GPU and placement; how good the advice is (page_sweep.c). */
void page_sweep_answer(const struct report *, struct text *out);
void page_sweep_quality(const struct report *, struct text *out);
void page_models(const struct report *, struct text *out);
void page_verdicts(const struct report *, struct text *out);
/* What the words of the tables mean, folded (page_words.c). */
void page_words(struct text *out);
/* What it rests on (page_evidence.c). */
void page_figures(const struct plots *, struct text *out);
void page_costs(const struct report *, struct text *out);
void page_variants(const struct report *, struct text *out);
void page_measures(const struct report *, struct text *out);
void page_checks(const struct report *, struct text *out);
void page_machine(const struct report *, struct text *out);
void page_method(const struct report *, struct text *out);
void page_notes(const struct report *, const struct plots *, struct text *out);

#endif
