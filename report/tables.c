/* SPDX-License-Identifier: MIT */
/* Verdict tables: one row per operation, narrow enough for a terminal. */
#include "report/tables.h"

#include <math.h>
#include <string.h>

#include "report/judge.h"
#include "report/stats.h"
#include "report/units.h"

static const enum placement judged_placement[] = {PLACEMENT_RESIDENT, PLACEMENT_ONCE,
                                                  PLACEMENT_EVERY};
enum { JUDGED_PLACEMENTS = 3 };

const char *evidence_mark(enum evidence evidence)
{
    return evidence == EVIDENCE_MEASURED ? "" : "~";
}

struct name chain_title(const struct chain *chain)
{
    struct name title;

    snprintf(title.text, sizeof title.text, "%.30s %.12s, batch %lld, context %lld",
             chain->model.text, chain->phase.text, (long long)chain->batch,
             (long long)chain->context);
    return title;
}

/* ---- one contest ----------------------------------------------------------------- */

/* Variant, bound, time of the strongest CPU variant. */
static void add_cpu(struct grid *grid, const struct contest *contest)
{
    const struct contender *cpu = contest && contest->cpus ? contest->cpu : NULL;

    grid_add(grid, cpu ? cpu->record->variant.text : "-");
    if (!cpu || !cpu->bound.kind.text[0])
        grid_add(grid, "-");
    else if (isnan(cpu->bound.share) || strcmp(cpu->bound.kind.text, "cache") == 0)
        grid_add(grid, cpu->bound.kind.text);
    else
        grid_printf(grid, "%s %s", cpu->bound.kind.text,
                    words_percent(cpu->bound.share).text);
    grid_add(grid, words_time(cpu ? cpu->time_us.value : NAN).text);
}

/* Time and speed-up with the data in place, then the decision per placement. */
static void add_gpu(struct grid *grid, const struct report *report,
                    const struct contest *contest, const struct gpu_side *gpu)
{
    const struct verdict *v =
        contest ? report_verdict(report, contest, gpu->id.text, PLACEMENT_RESIDENT)
                : NULL;

    if (v) {
        grid_printf(grid, "%s%s", evidence_mark(gpu->evidence),
                    words_time_range(v->gpu_us).text);
        grid_printf(grid, "%s%s", evidence_mark(v->evidence),
                    words_ratio_range(v->speedup).text);
    } else {
        grid_add(grid, "-");
        grid_add(grid, "-");
    }
    for (int p = 0; p < JUDGED_PLACEMENTS; p++) {
        v = contest ? report_verdict(report, contest, gpu->id.text, judged_placement[p])
                    : NULL;
        grid_add(grid, v ? decision_name(v->decision) : "-");
    }
}

void table_steps(const struct report *report, const struct chain *chain,
                 struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"operation", GRID_LEFT},
        {"calls", GRID_RIGHT | 3 * GRID_SPARE},
        {"share", GRID_RIGHT | 2 * GRID_SPARE},
        {"CPU variant", GRID_LEFT | 4 * GRID_SPARE},
        {"CPU bound", GRID_LEFT | 5 * GRID_SPARE},
        {"CPU time", GRID_RIGHT | GRID_BREAK},
        {"GPU time", GRID_RIGHT | GRID_SPARE},
        {"speed-up", GRID_RIGHT},
        {"resident", GRID_LEFT},
        {"once", GRID_LEFT},
        {"every", GRID_LEFT},
    };

    memcpy(grid->column, columns, (chain->gpu ? 11 : 6) * sizeof *columns);
    for (size_t i = 0; i < chain->steps; i++) {
        const struct chain_step *step = &chain->step[i];

        grid_add(grid, step->op.text);
        grid_add(grid, words_count(step->count).text);
        grid_add(grid, words_percent(step->cpu_share).text);
        add_cpu(grid, step->contest);
        if (chain->gpu)
            add_gpu(grid, report, step->contest, chain->gpu);
    }
}

void table_problems(const struct report *report, const struct gpu_side *gpu,
                    struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"workload", GRID_LEFT},
        {"shape", GRID_LEFT},
        {"dtype", GRID_LEFT},
        {"CPU variant", GRID_LEFT | 2 * GRID_SPARE},
        {"CPU bound", GRID_LEFT | 3 * GRID_SPARE},
        {"CPU time", GRID_RIGHT | GRID_BREAK},
        {"GPU time", GRID_RIGHT | GRID_SPARE},
        {"speed-up", GRID_RIGHT},
        {"resident", GRID_LEFT},
        {"once", GRID_LEFT},
        {"every", GRID_LEFT},
    };

    memcpy(grid->column, columns, (gpu ? 11 : 6) * sizeof *columns);
    for (size_t i = 0; i < report->contests; i++) {
        const struct contest *contest = &report->contest[i];

        if (contest->rank)
            continue;
        grid_add(grid, contest->about->workload.text);
        grid_add(grid, contest->about->shape_text.text);
        grid_printf(grid, "%s%s", dtype_name(contest->about->dtype),
                    contest->about->cache == CACHE_COLD ? " cold" : "");
        add_cpu(grid, contest);
        if (gpu)
            add_gpu(grid, report, contest, gpu);
    }
}

void table_reasons(const struct report *report, const struct gpu_side *gpu,
                   struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"operation", GRID_LEFT},
        {"shape", GRID_LEFT},
        {"dtype", GRID_LEFT},
        {"placement", GRID_LEFT},
        {"verdict", GRID_LEFT},
        {"speed-up", GRID_RIGHT},
        {"reuse", GRID_RIGHT},
        {"because", GRID_LEFT},
        {"what would change it", GRID_LEFT},
    };

    memcpy(grid->column, columns, sizeof columns);
    for (size_t i = 0; i < report->verdicts; i++) {
        const struct verdict *v = &report->verdict[i];

        if (strcmp(v->gpu->record->device.text, gpu->id.text) != 0)
            continue;
        grid_add(grid, v->contest->op.text);
        grid_add(grid, v->contest->about->shape_text.text);
        grid_add(grid, dtype_name(v->contest->about->dtype));
        grid_add(grid, placement_name(v->placement));
        grid_add(grid, decision_name(v->decision));
        grid_printf(grid, "%s%s (%s)", evidence_mark(v->evidence),
                    words_ratio(v->speedup.value).text,
                    words_ratio_range(v->speedup).text);
        grid_add(grid, words_reuse(v->reuse_n).text);
        grid_add(grid, v->because);
        grid_add(grid, v->flip);
    }
}

/* ---- wholes ---------------------------------------------------------------------- */

/* Time of a pass, and tokens per second for decode. */
static void add_pass(struct grid *grid, const struct chain *chain, struct estimate us,
                     enum evidence evidence)
{
    const char *mark = isnan(us.value) ? "" : evidence_mark(evidence);

    if (strcmp(chain->phase.text, "decode") == 0 && !isnan(us.value))
        grid_printf(grid, "%s%s tok/s", mark,
                    words_number(chain_tokens_per_s(chain, us).value).text);
    else
        grid_printf(grid, "%s%s", mark, words_time(us.value).text);
}

void table_chains(const struct report *report, struct grid *grid)
{
    static const struct grid_column columns[] = {
        {"model and phase", GRID_LEFT},
        {"GPU", GRID_LEFT},
        {"CPU", GRID_RIGHT | GRID_BREAK},
        {"all on GPU", GRID_RIGHT | GRID_SPARE},
        {"op by op", GRID_RIGHT | 3 * GRID_SPARE},
        {"best plan", GRID_RIGHT},
        {"speed-up", GRID_RIGHT},
        {"moved", GRID_LEFT | 2 * GRID_SPARE},
        {"verdict", GRID_LEFT},
    };

    memcpy(grid->column, columns, sizeof columns);
    for (size_t i = 0; i < report->chains; i++) {
        const struct chain *c = &report->chain[i];

        grid_add(grid, chain_title(c).text);
        grid_add(grid, c->gpu ? c->gpu->id.text : "-");
        add_pass(grid, c, c->cpu_us, EVIDENCE_MEASURED);
        add_pass(grid, c, c->gpu_us, c->evidence);
        add_pass(grid, c, c->advised_us, c->evidence);
        add_pass(grid, c, c->mix_us, c->evidence);
        grid_printf(grid, "%s%s",
                    isnan(c->mix_speedup.value) ? "" : evidence_mark(c->evidence),
                    words_ratio_range(c->mix_speedup).text);
        if (isnan(c->moved))
            grid_add(grid, "-");
        else
            grid_printf(grid, "%.0f/%zu", c->moved, c->steps);
        grid_add(grid, c->gpu && !isnan(c->mix_speedup.value)
                           ? decision_name(c->decision)
                           : "-");
    }
}

void table_crossovers(const struct report *report, struct grid *grid)
{
    memcpy(grid->column, (struct grid_column[]){{"crossover", GRID_LEFT}},
           sizeof *grid->column);
    for (size_t i = 0; i < report->crossovers; i++)
        grid_printf(grid, "%s%s", evidence_mark(report->crossover[i].evidence),
                    report->crossover[i].text);
}
