/* SPDX-License-Identifier: MIT */
/* A model's pass as the sum of its operations, on the CPU, on the GPU, and operation by
 * operation, where every moved one pays for its activations over the link both ways. The
 * best plan keeps activations where they are (route.c). Host launches are paid one by one: a
 * captured graph would do better, so this is a bound from above. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/judge.h"
#include "report/stats.h"

struct estimate chain_tokens_per_s(const struct chain *chain, struct estimate us)
{
    double tokens = chain->tokens * 1e6;

    return (struct estimate){tokens / us.value, tokens / us.high, tokens / us.low};
}

static const struct contender *gpu_contender(const struct contest *contest,
                                             const struct gpu_side *gpu)
{
    const struct contender *best = NULL;

    for (size_t i = 0; contest && gpu && i < contest->gpus; i++) {
        const struct contender *c = &contest->gpu[i];

        if (strcmp(c->record->device.text, gpu->id.text) == 0 &&
            (!best || c->time_us.value < best->time_us.value))
            best = c;
    }
    return best;
}

static void fill_step(struct chain_step *step, const struct report *report,
                      const json_t *link, const struct gpu_side *gpu)
{
    const char *op = json_string_value(json_object_get(link, "op"));
    const struct contender *c;
    struct link_cost cost;

    *step =
        (struct chain_step){.contest = contest_of_link(report, link),
                            .count = json_number_value(json_object_get(link, "count")),
                            .cpu_us = estimate_missing(),
                            .gpu_us = estimate_missing(),
                            .up_us = estimate_missing(),
                            .down_us = estimate_missing(),
                            .weights_us = estimate_missing(),
                            .gpu_moved_us = NAN,
                            .cpu_share = NAN};
    step->op = name_of(op);
    if (step->contest && step->contest->cpus)
        step->cpu_us = estimate_scale(step->contest->cpu[0].time_us, step->count);
    c = gpu_contender(step->contest, gpu);
    if (!c)
        return;
    cost = link_cost_of(c->record);
    step->gpu_us = estimate_scale(c->time_us, step->count);
    step->up_us = cost.activation_us;
    step->down_us = cost.download_us;
    step->weights_us = stationary_us(cost);
    step->gpu_moved_us =
        step->gpu_us.value + step->count * (step->up_us.value + step->down_us.value);
}

/* Operation by operation: each is moved when that pays for its own transfers. */
static void follow_advice(struct chain *chain)
{
    chain->advised_us = estimate_exact(0);
    for (size_t i = 0; i < chain->steps; i++) {
        struct chain_step *step = &chain->step[i];
        struct estimate link = estimate_add(step->up_us, step->down_us);

        step->is_advised = step->gpu_moved_us < step->cpu_us.value;
        chain->advised_us = estimate_add(
            chain->advised_us,
            step->is_advised
                ? estimate_add(step->gpu_us, estimate_scale(link, step->count))
                : step->cpu_us);
    }
}

/* What must lie in a GPU's memory: weights that two links share are there once. */
static double weight_bytes(const struct chain_step *step, const json_t *link)
{
    if (!step->contest)
        return NAN;
    return json_is_true(json_object_get(link, "shared"))
               ? 0
               : step->count * step->contest->about->stationary_bytes;
}

static int sum_chain(struct chain *chain)
{
    chain->cpu_us = chain->gpu_us = estimate_exact(0);
    for (size_t i = 0; i < chain->steps; i++) {
        const struct chain_step *step = &chain->step[i];

        chain->cpu_us = estimate_add(chain->cpu_us, step->cpu_us);
        chain->gpu_us = estimate_add(chain->gpu_us, step->gpu_us);
        chain->missing += !estimate_is_known(step->cpu_us) ||
                          (chain->gpu && !estimate_is_known(step->gpu_us));
    }
    for (size_t i = 0; i < chain->steps; i++)
        chain->step[i].cpu_share = chain->step[i].cpu_us.value / chain->cpu_us.value;
    chain->speedup = estimate_ratio(chain->cpu_us, chain->gpu_us);
    chain->advised_us = chain->mix_us = chain->mix_speedup = estimate_missing();
    chain->moved = NAN;
    for (int p = PLACEMENT_RESIDENT; p <= PLACEMENT_EVERY; p++)
        chain->route[p] = route_unknown();
    chain->evidence = chain->gpu ? chain->gpu->evidence : EVIDENCE_MEASURED;
    chain->decision = DECISION_UNDECIDED;
    if (!chain->gpu || !estimate_is_known(chain->cpu_us))
        return 0;
    follow_advice(chain);
    return chain_routes(chain);
}

static int64_t count_at(const json_t *line, const char *key)
{
    return json_integer_value(json_object_get(line, key));
}

static int add_chain(struct report *report, const json_t *line,
                     const struct gpu_side *gpu)
{
    const json_t *links = json_object_get(line, "links");
    const char *model = json_string_value(json_object_get(line, "model"));
    const char *phase = json_string_value(json_object_get(line, "phase"));
    struct chain *chain = report_push(&report->chain, &report->chains, sizeof *chain);

    if (!chain)
        return STATUS_MEMORY;
    *chain =
        (struct chain){.batch = count_at(line, "batch"),
                       .context = count_at(line, "context"),
                       .tokens = json_number_value(json_object_get(line, "tokens")),
                       .gpu = gpu};
    chain->model = name_of(model);
    chain->phase = name_of(phase);
    chain->step = calloc(json_array_size(links) + 1, sizeof *chain->step);
    if (!chain->step)
        return STATUS_MEMORY;
    for (size_t i = 0; i < json_array_size(links); i++) {
        const json_t *link = json_array_get(links, i);
        struct chain_step *step = &chain->step[chain->steps++];

        fill_step(step, report, link, gpu);
        chain->weight_bytes += weight_bytes(step, link);
    }
    if (sum_chain(chain))
        return STATUS_MEMORY;
    chain_explain(report, chain);
    return 0;
}

int judge_chains(struct report *report)
{
    int status = 0;

    for (size_t i = 0; i < report->results->chains && !status; i++) {
        if (json_array_size(json_object_get(report->results->chain[i], "links")) == 0)
            continue; /* a pass of nothing */
        if (report->gpus == 0)
            status = add_chain(report, report->results->chain[i], NULL);
        for (size_t g = 0; g < report->gpus && !status; g++)
            status = add_chain(report, report->results->chain[i], &report->gpu[g]);
    }
    return status;
}
