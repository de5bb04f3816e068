/* SPDX-License-Identifier: MIT */
/* CPU against GPU, placement by placement. What the GPU pays: resident - kernel and
 * launch; every - all inputs up, all outputs down, each call; once - stationary inputs
 * (weights, caches) up once for ONCE_CALLS calls, activations up and outputs down each
 * call. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/judge.h"
#include "report/reuse.h"
#include "report/stats.h"

const char *decision_name(enum decision decision)
{
    static const char *const spelling[] = {
#define X(value, text) text,
        DECISION_MAP(X)
#undef X
    };
    return spelling[decision];
}

enum decision decision_of(struct estimate speedup)
{
    if (speedup.low > 1 + VERDICT_TIE)
        return DECISION_OFFLOAD;
    if (speedup.high < 1 + VERDICT_TIE)
        return DECISION_STAY;
    return DECISION_UNDECIDED;
}

/* ---- what the link costs --------------------------------------------------------- */

struct link_cost link_cost_of(const struct record *r)
{
    struct link_cost cost = {r->upload_us, r->activation_us, r->download_us};

    if (r->kind == RECORD_CELL) {
        double activations = (r->upload_bytes - r->stationary_bytes) / r->upload_bytes;

        cost.upload_us = record_series_us(r, &r->upload_ns);
        cost.activation_us = estimate_scale(cost.upload_us, activations);
        cost.download_us = record_series_us(r, &r->download_ns);
    }
    if (r->upload_bytes == 0) /* nothing to send: known to be free */
        cost.upload_us = cost.activation_us = estimate_exact(0);
    else if (r->upload_bytes == r->stationary_bytes)
        cost.activation_us = estimate_exact(0);
    if (r->download_bytes == 0)
        cost.download_us = estimate_exact(0);
    return cost;
}

struct estimate stationary_us(struct link_cost link)
{
    if (!estimate_is_known(link.upload_us) || !estimate_is_known(link.activation_us))
        return estimate_missing(); /* fmax would make 0 of it */
    return (struct estimate){fmax(link.upload_us.value - link.activation_us.value, 0),
                             fmax(link.upload_us.low - link.activation_us.low, 0),
                             fmax(link.upload_us.high - link.activation_us.high, 0)};
}

/* One call on the GPU whose stationary inputs are there already. */
static struct estimate per_call_us(const struct contender *gpu, struct link_cost link)
{
    return estimate_add(gpu->time_us,
                        estimate_add(link.activation_us, link.download_us));
}

struct estimate moved_call_us(const struct contender *gpu)
{
    return per_call_us(gpu, link_cost_of(gpu->record));
}

/* Where the placement itself was not measured: from the parts. */
struct estimate placement_parts_us(const struct contender *gpu, enum placement placement)
{
    struct link_cost link = link_cost_of(gpu->record);

    if (placement == PLACEMENT_RESIDENT)
        return gpu->time_us;
    if (placement > PLACEMENT_EVERY || !estimate_is_known(link.upload_us) ||
        !estimate_is_known(link.activation_us))
        return estimate_missing();
    if (placement == PLACEMENT_ONCE)
        return estimate_add(per_call_us(gpu, link),
                            estimate_scale(stationary_us(link), 1.0 / ONCE_CALLS));
    return estimate_add(gpu->time_us, estimate_add(link.upload_us, link.download_us));
}

static struct reuse_parts parts_of(const struct contender *cpu, const struct contender *gpu)
{
    struct link_cost link = link_cost_of(gpu->record);

    return (struct reuse_parts){cpu->time_us, stationary_us(link), per_call_us(gpu, link),
                                gpu->time_us};
}

/* ---- the ratio ------------------------------------------------------------------- */

/* Both sides measured in the same interleaved rounds: round by round, what disturbed
 * one disturbed the other. False when they were not. */
static bool paired_ratio(const struct record *cpu, const struct record *gpu,
                         struct estimate *ratio)
{
    size_t n = cpu->wall_ns.n, pairs = 0;
    double *work;

    if (gpu->kind != RECORD_CELL || gpu->wall_ns.n != n || n < 6 ||
        !(work = calloc(3 * n, sizeof *work)))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!record_is_contended(cpu, i) && !record_is_contended(gpu, i)) {
            work[pairs] = cpu->wall_ns.value[i];
            work[n + pairs++] = gpu->wall_ns.value[i];
        }
    *ratio = stats_paired_ratio(work, work + n, pairs, STATS_CONFIDENCE, work + 2 * n);
    free(work);
    return pairs >= 6;
}

static enum evidence weaker(enum evidence a, enum evidence b)
{
    return a > b ? a : b; /* the map is in order of strength */
}

/* The measured placement, but of data in place: the samples beside the CPU's, in pairs, are
 * worth more. */
static const struct record *placed_on(const struct report *report, const struct contest *contest,
                                      const struct contender *gpu, enum placement placement)
{
    return placement == PLACEMENT_RESIDENT || gpu->record->kind != RECORD_CELL
               ? NULL
               : ledger_placed(report, contest->about, gpu->record->device.text,
                               RECORD_PLACEMENT, placement);
}

static int judge(struct report *report, const struct contest *contest,
                 const struct contender *gpu, enum placement placement)
{
    const struct contender *cpu = contest->cpu;
    const struct record *placed = placed_on(report, contest, gpu, placement);
    struct estimate gpu_us = placed ? record_wall_us(placed) : placement_parts_us(gpu, placement);
    struct reuse_parts parts = parts_of(cpu, gpu);
    struct verdict *v;

    if (!estimate_is_known(gpu_us))
        return 0;
    v = report_push(&report->verdict, &report->verdicts, sizeof *v);
    if (!v)
        return STATUS_MEMORY;
    *v = (struct verdict){.contest = contest,
                          .cpu = cpu,
                          .gpu = gpu,
                          .placement = placement,
                          .placed = placed,
                          .calls = placement != PLACEMENT_ONCE ? 1
                                   : placed ? (double)placed->calls
                                            : ONCE_CALLS,
                          .cpu_us = cpu->time_us,
                          .gpu_us = gpu_us,
                          .speedup = estimate_ratio(cpu->time_us, gpu_us),
                          .evidence =
                              weaker(cpu->record->evidence, gpu->record->evidence),
                          .reuse_n = reuse_calls(&parts)};
    reuse_why(&parts, v->reuse_why, sizeof v->reuse_why);
    if (placement == PLACEMENT_RESIDENT)
        v->is_paired = paired_ratio(cpu->record, gpu->record, &v->speedup);
    v->decision = decision_of(v->speedup);
    verdict_explain(report, v);
    return 0;
}

int judge_verdicts(struct report *report)
{
    int status = 0;

    for (size_t c = 0; c < report->contests; c++)
        for (size_t g = 0; g < report->contest[c].gpus; g++)
            for (int p = 0; p < PLACEMENTS && !status; p++)
                if (report->contest[c].cpus)
                    status = judge(report, &report->contest[c],
                                   &report->contest[c].gpu[g], (enum placement)p);
    return status;
}

const struct verdict *report_verdict(const struct report *report,
                                     const struct contest *contest, const char *gpu,
                                     enum placement placement)
{
    size_t from = 0, to = report->verdicts; /* they stand in the contests' order */

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (report->verdict[middle].contest < contest)
            from = middle + 1;
        else
            to = middle;
    }
    for (; from < report->verdicts && report->verdict[from].contest == contest; from++) {
        const struct verdict *v = &report->verdict[from];

        if (v->placement == placement &&
            strcmp(v->gpu->record->device.text, gpu) == 0)
            return v;
    }
    return NULL;
}
