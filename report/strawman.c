/* SPDX-License-Identifier: MIT */
/* Weak ways to use this CPU beside its strongest: what each would have made of the answer. */
#include "report/strawman.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/judge.h"
#include "report/stats.h"

const char *straw_name(enum straw_kind kind)
{
    static const char *const spelling[] = {
#define X(value, text) text,
        STRAW_MAP(X)
#undef X
    };
    return spelling[kind];
}

/* ---- one contest ----------------------------------------------------------------- */

static bool is_own(const struct contender *c)
{
    return *c->record->provider.text == '\0';
}

/* The fastest at one thread, where the strongest has more. */
static const struct contender *one_thread(const struct contest *contest)
{
    for (size_t i = 1; i < contest->cpus; i++)
        if (contest->cpu[i].record->threads == 1 && contest->cpu->record->threads > 1)
            return &contest->cpu[i];
    return NULL;
}

/* Our fastest code with another instruction set than it has when it is fastest. */
static const struct contender *weaker_isa(const struct contest *contest)
{
    const struct contender *own = NULL;

    for (size_t i = 0; i < contest->cpus; i++) {
        const struct contender *c = &contest->cpu[i];

        if (!is_own(c))
            continue;
        if (own && c->record->threads == own->record->threads &&
            strcmp(c->record->variant.text, own->record->variant.text) == 0 &&
            strcmp(c->record->isa.text, own->record->isa.text) != 0)
            return c;
        if (!own)
            own = c;
    }
    return NULL;
}

/* The fastest that was not laid over NUMA nodes, where the strongest was. */
static const struct contender *left_alone(const struct contest *contest)
{
    for (size_t i = 1; i < contest->cpus; i++)
        if (*contest->cpu->record->nodes.text && !*contest->cpu[i].record->nodes.text)
            return &contest->cpu[i];
    return NULL;
}

static void set_straw(struct contest *contest, enum straw_kind kind, struct estimate us)
{
    contest->straw[kind] =
        (struct straw){us, contest->cpus ? us.value / contest->cpu->time_us.value : NAN};
}

static void find_straws(struct contest *contest)
{
    const struct contender *one = one_thread(contest), *weak = weaker_isa(contest),
                           *alone = left_alone(contest);

    set_straw(contest, STRAW_REFERENCE,
              contest->reference ? record_wall_us(contest->reference) : estimate_missing());
    set_straw(contest, STRAW_ONE_THREAD, one ? one->time_us : estimate_missing());
    set_straw(contest, STRAW_WEAKER_ISA, weak ? weak->time_us : estimate_missing());
    set_straw(contest, STRAW_NODES, alone ? alone->time_us : estimate_missing());
}

/* ---- all together ---------------------------------------------------------------- */

/* Of verdicts whose contest has the straw man: against him the GPU would win these too. */
static void sum_verdicts(const struct report *report, struct straw_sum *sum)
{
    for (size_t i = 0; i < report->verdicts; i++) {
        const struct verdict *v = &report->verdict[i];
        double factor = v->contest->straw[sum->kind].factor;

        if (isnan(factor))
            continue;
        sum->verdicts++;
        sum->turned += v->decision != DECISION_OFFLOAD &&
                       decision_of(estimate_scale(v->speedup, factor)) == DECISION_OFFLOAD;
    }
}

/* The smallest size of a curve at which the GPU is faster, against the strongest (kind STRAWS)
 * or a straw man; NAN: at none, or he was not measured at every size. */
static double first_size(const struct crossover *x, enum straw_kind kind)
{
    double first = NAN;

    for (size_t i = x->points; i-- > 0;) {
        const struct verdict *v = x->verdict[i];
        double factor = kind == STRAWS ? 1 : v->contest->straw[kind].factor;

        if (isnan(factor))
            return NAN;
        if (v->speedup.value * factor <= 1 + VERDICT_TIE)
            break;
        first = x->point[i].size;
    }
    return first;
}

static int sum_crossings(const struct report *report, struct straw_sum *sum)
{
    double *moved = calloc(report->crossovers + 1, sizeof *moved);

    if (!moved)
        return STATUS_MEMORY;
    for (size_t i = 0; i < report->crossovers; i++) {
        const struct crossover *x = &report->crossover[i];
        double strong = first_size(x, STRAWS), weak = first_size(x, sum->kind);

        if (x->points && strong > x->point[0].size && weak > 0)
            moved[sum->crossings++] = strong / weak;
    }
    sum->moved = stats_median(moved, sum->crossings);
    free(moved);
    return 0;
}

static int sum_factors(const struct report *report, struct straw_sum *sum)
{
    double *factor = calloc(report->contests + 1, sizeof *factor);

    if (!factor)
        return STATUS_MEMORY;
    sum->least = INFINITY;
    sum->most = 0;
    for (size_t i = 0; i < report->contests; i++) {
        double f = report->contest[i].straw[sum->kind].factor;

        if (isnan(f))
            continue;
        factor[sum->contests++] = f;
        sum->least = fmin(sum->least, f);
        sum->most = fmax(sum->most, f);
    }
    sum->median = stats_median(factor, sum->contests);
    free(factor);
    return 0;
}

int judge_strawmen(struct report *report)
{
    int status = 0;

    for (size_t i = 0; i < report->contests; i++)
        find_straws(&report->contest[i]);
    for (int k = 0; k < STRAWS && !status; k++) {
        struct straw_sum *sum = &report->straw[k];

        *sum = (struct straw_sum){.kind = (enum straw_kind)k};
        status = sum_factors(report, sum);
        sum_verdicts(report, sum);
        if (!status)
            status = sum_crossings(report, sum);
    }
    return status;
}
