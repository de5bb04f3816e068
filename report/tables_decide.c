/* SPDX-License-Identifier: MIT */
/* Tables beside the verdicts: what would change them, what they cost. Models first, then
 * problems that belong to none. */
#include "report/tables.h"

#include <math.h>
#include <string.h>

#include "report/judge.h"
#include "report/units.h"

/* Flips that a table shows of each verdict. */
enum { FLIPS_SHOWN = 3 };

/* "gemm m=1 n=2048, once": a problem at a placement. */
static struct words problem_title(const struct verdict *v)
{
    struct words title;

    snprintf(title.text, sizeof title.text, "%.20s %.28s, %s", v->contest->op.text,
             v->contest->about->shape_text.text, placement_name(v->placement));
    return title;
}

/* ---- flips ----------------------------------------------------------------------- */

static void add_flips(struct grid *grid, const char *subject, const char *gpu,
                      enum decision decision, const struct flips *flips,
                      const struct money *money)
{
    for (int i = 0; i < flips->n && i < FLIPS_SHOWN; i++) {
        const struct flip *f = &flips->at[i];
        struct text words = {0};

        flip_write(f, &words);
        grid_add(grid, subject);
        grid_add(grid, gpu);
        if (flip_is_price(f) && !f->is_relative)
            grid_printf(grid, "%s by cost", decision_name(money->decision));
        else
            grid_add(grid, decision_name(decision));
        grid_printf(grid, "%s%s", decision_name(f->decision),
                    flip_is_price(f) ? " by cost" : "");
        grid_add(grid, isfinite(f->factor) ? words_ratio(f->factor).text : "-");
        grid_add(grid, words.n ? words.data : "");
        text_release(&words);
    }
}

void table_flips(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"of", GRID_LEFT},
        {"GPU", GRID_LEFT},
        {"verdict", GRID_LEFT | 2 * GRID_SPARE},
        {"becomes", GRID_LEFT},
        {"change", GRID_RIGHT | GRID_BREAK | GRID_SPARE},
        {"by what", GRID_LEFT},
    };

    memcpy(grid->column, columns, sizeof columns);
    for (size_t i = 0; i < report->chains; i++) {
        const struct chain *c = &report->chain[i];

        add_flips(grid, chain_title(c).text, c->gpu ? c->gpu->id.text : "-", c->decision,
                  &c->flips, &c->money);
    }
    for (size_t i = 0; i < report->verdicts; i++) {
        const struct verdict *v = &report->verdict[i];

        if (!v->contest->rank)
            add_flips(grid, problem_title(v).text, v->gpu->record->device.text, v->decision,
                      &v->flips, &v->money);
    }
}

/* ---- money ----------------------------------------------------------------------- */

static bool has_money(const struct money *m)
{
    return !isnan(m->cpu.joule) || !isnan(m->gpu.joule) || !isnan(m->cpu.cost) ||
           !isnan(m->gpu.cost);
}

/* Joules, and where their power comes from. */
static void add_joule(struct grid *grid, const struct side_cost *c, double scale)
{
    if (isnan(c->joule))
        grid_add(grid, "not known");
    else
        grid_printf(grid, "%s%s", c->power.source == POWER_MEASURED ? "" : "~",
                    words_si(c->joule * scale, "J").text);
}

/* A cost is no better than its time, and than its power where energy has a price. */
static void add_cost(struct grid *grid, const struct side_cost *c, enum evidence evidence,
                     double energy_per_kwh, double scale)
{
    bool is_weak = energy_per_kwh > 0 && c->power.source != POWER_MEASURED;

    if (isnan(c->cost))
        grid_add(grid, "-");
    else
        grid_printf(grid, "%s%.3g", is_weak ? "~" : evidence_mark(evidence), c->cost * scale);
}

/* `scale`: calls (or passes) in what a row counts. */
static void add_money(struct grid *grid, const struct money *m, enum evidence evidence,
                      double scale)
{
    add_joule(grid, &m->cpu, scale);
    add_joule(grid, &m->gpu, scale);
    add_cost(grid, &m->cpu, EVIDENCE_MEASURED, m->prices.energy_per_kwh, scale);
    add_cost(grid, &m->gpu, evidence, m->prices.energy_per_kwh, scale);
    grid_add(grid, isnan(m->saving.value) ? "-" : decision_name(m->decision));
    if (isnan(m->even_gpu_per_hour))
        grid_printf(grid, "%s%s a CPU hour", evidence_mark(evidence),
                    words_ratio_range(m->even_ratio).text);
    else
        grid_printf(grid, "%s%s", evidence_mark(evidence),
                    words_number(m->even_gpu_per_hour).text);
}

void table_money(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"of", GRID_LEFT},        {"GPU", GRID_LEFT},       {"per", GRID_LEFT},
        {"CPU energy", GRID_RIGHT | GRID_BREAK}, {"GPU energy", GRID_RIGHT}, {"CPU cost", GRID_RIGHT},
        {"GPU cost", GRID_RIGHT}, {"by cost", GRID_LEFT},   {"even GPU hour", GRID_RIGHT},
    };

    memcpy(grid->column, columns, sizeof columns);
    for (size_t i = 0; i < report->chains; i++) {
        const struct chain *c = &report->chain[i];

        if (!c->gpu || isnan(c->money.even_ratio.value))
            continue;
        grid_add(grid, chain_title(c).text);
        grid_add(grid, c->gpu->id.text);
        grid_add(grid, c->tokens > 0 ? "million tokens" : "pass");
        add_money(grid, &c->money, c->evidence, c->tokens > 0 ? 1e6 / c->tokens : 1);
    }
    for (size_t i = 0; i < report->verdicts; i++) {
        const struct verdict *v = &report->verdict[i];

        if (v->contest->rank || !has_money(&v->money))
            continue;
        grid_add(grid, problem_title(v).text);
        grid_add(grid, v->gpu->record->device.text);
        grid_add(grid, "call");
        add_money(grid, &v->money, v->evidence, 1);
    }
}

/* ---- splits ---------------------------------------------------------------------- */

void table_splits(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"of", GRID_LEFT},       {"GPU", GRID_LEFT},        {"on the CPU", GRID_RIGHT},
        {"better alone", GRID_LEFT}, {"shared", GRID_RIGHT}, {"gain", GRID_RIGHT},
    };

    memcpy(grid->column, columns, sizeof columns);
    for (size_t i = 0; i < report->splits; i++) {
        const struct split *s = &report->split[i];
        const struct verdict *v = s->verdict;
        const char *mark = evidence_mark(v->evidence), *gpu = v->gpu->record->device.text;

        grid_add(grid, problem_title(v).text);
        grid_add(grid, gpu);
        grid_printf(grid, "%s of %s", words_percent(s->share).text,
                    v->contest->about->split_axis.text);
        grid_add(grid, s->is_over_gpu ? gpu : "the CPU");
        grid_printf(grid, "%s%s", mark, words_time_range(s->best.us).text);
        grid_printf(grid, "%s%s (%s)", mark, words_ratio(s->best.gain.value).text,
                    words_ratio_range(s->best.gain).text);
    }
}

/* ---- straw men ------------------------------------------------------------------- */

void table_strawmen(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"against", GRID_LEFT},          {"problems", GRID_RIGHT},
        {"speed-up grows by", GRID_RIGHT}, {"from", GRID_RIGHT},
        {"to", GRID_RIGHT},              {"verdicts turned to offload", GRID_RIGHT},
        {"crossover shrinks by", GRID_RIGHT},
    };

    memcpy(grid->column, columns, sizeof columns);
    for (int k = 0; k < STRAWS; k++) {
        const struct straw_sum *s = &report->straw[k];

        if (!s->contests)
            continue;
        grid_add(grid, straw_name(s->kind));
        grid_printf(grid, "%zu", s->contests);
        grid_add(grid, words_ratio(s->median).text);
        grid_add(grid, words_ratio(s->least).text);
        grid_add(grid, words_ratio(s->most).text);
        grid_printf(grid, "%zu of %zu", s->turned, s->verdicts);
        grid_add(grid, s->crossings ? words_ratio(s->moved).text : "-");
    }
}

/* ---- lower precision ------------------------------------------------------------- */

void table_precision(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"device", GRID_LEFT},           {"instead of", GRID_LEFT},
        {"precision", GRID_LEFT},        {"rounding error", GRID_RIGHT},
        {"problems", GRID_RIGHT},        {"time from", GRID_RIGHT},
        {"to", GRID_RIGHT},              {"answers it would turn", GRID_RIGHT},
    };

    memcpy(grid->column, columns, sizeof columns);
    for (size_t i = 0; i < report->lower_sums; i++) {
        const struct lower_sum *s = &report->lower_sum[i];

        grid_printf(grid, "%s%s", evidence_mark(s->evidence), s->about->record->device.text);
        grid_add(grid, lower_instead(report, s));
        grid_add(grid, record_precision(s->about->record));
        grid_printf(grid, "%sx", words_count(s->about->error).text);
        grid_printf(grid, "%zu", s->problems);
        grid_add(grid, words_ratio(s->least).text);
        grid_add(grid, words_ratio(s->most).text);
        grid_printf(grid, "%zu of %zu", s->turned, s->verdicts);
    }
}
