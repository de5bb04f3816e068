/* SPDX-License-Identifier: MIT */
/* Flips of a model's pass by its best plan: each changed input gives a new best plan. */
#include <math.h>
#include <string.h>

#include "report/judge.h"
#include "report/stats.h"

static const double link_most = 1e4, passes_most = 1e9;
static const struct chain_knobs as_it_is = {.link = 1, .passes = INFINITY, .cpu = 1};

static enum decision at_link(const void *of, double factor)
{
    struct chain_knobs knobs = as_it_is;

    knobs.link = factor;
    return decision_of(chain_speedup_at(of, knobs));
}

/* Fewer and fewer passes share one upload of the weights. */
static enum decision at_passes(const void *of, double passes)
{
    struct chain_knobs knobs = as_it_is;

    knobs.passes = passes;
    return decision_of(chain_speedup_at(of, knobs));
}

static enum decision at_cpu(const void *of, double factor)
{
    struct chain_knobs knobs = as_it_is;

    knobs.cpu = factor;
    return decision_of(chain_speedup_at(of, knobs));
}

static void flip_link(struct chain *chain)
{
    double rate = chain->gpu->link_bytes_per_s, scale = isnan(rate) ? 1 : rate;

    for (int up = 0; up < 2; up++) {
        double to = flip_search(at_link, chain, 1, up ? link_most : 1 / link_most, chain->decision);

        if (!isnan(to))
            flips_add(&chain->flips,
                      (struct flip){.kind = FLIP_LINK, .from = scale, .to = to * scale,
                                    .factor = up ? to : 1 / to, .decision = at_link(chain, to),
                                    .is_relative = isnan(rate)});
    }
}

/* Weights are there for good; how few passes may share sending them? */
static void flip_passes(struct chain *chain)
{
    double to = flip_search(at_passes, chain, passes_most, 1, chain->decision);

    to = floor(to * (1 + 1e-12));
    if (to >= 1)
        flips_add(&chain->flips, (struct flip){.kind = FLIP_CALLS, .from = INFINITY, .to = to,
                                               .factor = INFINITY,
                                               .decision = at_passes(chain, to)});
}

/* Exponent of the pass as a whole, where most of its time was measured at fewer threads; 0,
 * so that nothing is said of threads, where it was not. */
static struct flip_cpu cpu_of(const struct chain *chain)
{
    struct flip_cpu cpu = {NAN, NAN};
    double known = 0, sum = 0;

    for (size_t i = 0; i < chain->steps; i++) {
        const struct contest *contest = chain->step[i].contest;
        double scaling = contest && contest->cpus ? contest_scaling(contest) : NAN;

        if (contest && contest->cpus)
            cpu.threads = fmax(cpu.threads, (double)contest->cpu->record->threads);
        if (!isnan(scaling)) {
            known += chain->step[i].cpu_share;
            sum += chain->step[i].cpu_share * scaling;
        }
    }
    cpu.exponent = known > 0.5 ? sum / known : 0;
    return cpu;
}

/* The same model's other passes: another batch or context alone. */
static void flip_size(const struct report *report, struct chain *chain)
{
    for (size_t i = 0; i < report->chains; i++) {
        const struct chain *c = &report->chain[i];
        bool same_batch = c->batch == chain->batch, same_context = c->context == chain->context;
        struct flip flip = {.kind = FLIP_SIZE, .decision = c->decision,
                            .axis = same_batch ? "context" : "batch"};

        if (c->decision == chain->decision || c->gpu != chain->gpu || same_batch == same_context ||
            strcmp(c->model.text, chain->model.text) != 0 ||
            strcmp(c->phase.text, chain->phase.text) != 0)
            continue;
        flip.from = (double)(same_batch ? chain->context : chain->batch);
        flip.to = (double)(same_batch ? c->context : c->batch);
        flip.factor = fmax(flip.to / flip.from, flip.from / flip.to);
        flips_add(&chain->flips, flip);
    }
}

void chain_flip(const struct report *report, struct chain *chain)
{
    if (!chain->gpu || !estimate_is_known(chain->mix_speedup))
        return;
    flip_link(chain);
    flip_passes(chain);
    flip_threads(&chain->flips, cpu_of(chain), at_cpu, chain, chain->decision);
    flip_prices(&chain->flips, &chain->money, chain->mix_speedup);
    flip_size(report, chain);
}
