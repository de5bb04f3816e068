/* SPDX-License-Identifier: MIT */
/* Flips that concern one side whatever is judged: the CPU's threads and the prices. Scaling
 * between two measured thread counts is taken to go on by the same power (a straight line in
 * logarithms); where only one count was measured, scaling is taken to be perfect, which is the
 * CPU's best case. */
#include <math.h>
#include <string.h>

#include "report/judge.h"
#include "report/stats.h"

/* How far each input is followed. */
static const double cpu_most = 1e4, threads_most = 1024, price_most = 1e4;
/* Below this, more threads do not help. */
static const double exponent_least = 0.02;

double contest_scaling(const struct contest *contest)
{
    const struct contender *best = contest->cpu, *few = NULL;

    for (size_t i = 1; i < contest->cpus; i++) {
        const struct contender *c = &contest->cpu[i];

        if (c->record->threads > 0 && c->record->threads < best->record->threads &&
            strcmp(c->record->variant.text, best->record->variant.text) == 0 &&
            strcmp(c->record->isa.text, best->record->isa.text) == 0 &&
            strcmp(c->record->nodes.text, best->record->nodes.text) == 0 &&
            (!few || c->record->threads < few->record->threads))
            few = c;
    }
    return few ? fmin(log(few->time_us.value / best->time_us.value) /
                          log((double)best->record->threads / (double)few->record->threads),
                      1)
               : NAN;
}

/* Whole threads on the far side of the CPU's time at which it flips; NAN: no such count. */
static double threads_at(struct flip_cpu cpu, double factor)
{
    double to = cpu.threads * pow(factor, -1 / cpu.exponent);

    if (isnan(factor) || !(cpu.exponent >= exponent_least))
        return NAN;
    to = factor < 1 ? fmax(ceil(to * (1 - 1e-9)), cpu.threads + 1)
                    : fmin(floor(to * (1 + 1e-9)), cpu.threads - 1);
    return to >= 1 && to <= threads_most ? to : NAN;
}

void flip_threads(struct flips *flips, struct flip_cpu cpu,
                  enum decision (*decide)(const void *at, double factor), const void *at,
                  enum decision now)
{
    struct flip flip = {.kind = FLIP_THREADS, .from = cpu.threads,
                        .is_derived = isnan(cpu.exponent)};

    if (flip.is_derived)
        cpu.exponent = 1;
    for (int up = 0; up < 2 && cpu.threads >= 1; up++) {
        double most = up ? 1 / cpu_most : cpu_most;

        flip.to = threads_at(cpu, flip_search(decide, at, 1, most, now));
        if (isnan(flip.to) || (flip.is_derived && !up)) /* perfect is no worst case */
            continue;
        flip.factor = fmax(flip.to / flip.from, flip.from / flip.to);
        flip.decision = decide(at, pow(flip.to / flip.from, -cpu.exponent));
        flips_add(flips, flip);
    }
}

/* ---- prices ---------------------------------------------------------------------- */

struct priced {
    const struct money *money;
    struct estimate speedup;
};

static enum decision at_gpu_price(const void *of, double price)
{
    const struct priced *p = of;
    struct prices prices = p->money->prices;

    prices.gpu_per_hour = price;
    return decision_of(money_saving(p->money, prices, p->speedup));
}

static enum decision at_energy_price(const void *of, double price)
{
    const struct priced *p = of;
    struct prices prices = p->money->prices;

    prices.energy_per_kwh = price;
    return decision_of(money_saving(p->money, prices, p->speedup));
}

static void flip_price(struct flips *flips, const struct priced *of, enum flip_kind kind,
                       double from)
{
    enum decision (*decide)(const void *, double) =
        kind == FLIP_GPU_PRICE ? at_gpu_price : at_energy_price;
    enum decision now = of->money->decision;

    for (int up = 0; up < 2; up++) {
        double to = flip_search(decide, of, from, up ? from * price_most : from / price_most, now);

        if (!isnan(to))
            flips_add(flips, (struct flip){.kind = kind, .from = from, .to = to,
                                           .factor = up ? to / from : from / to,
                                           .decision = decide(of, to)});
    }
}

/* Without prices: how many times dearer a GPU hour may be than a CPU hour until its speed no
 * longer pays for it. */
static void flip_ratio(struct flips *flips, struct estimate speedup)
{
    enum decision decision = decision_of(speedup);
    double edge = (decision == DECISION_OFFLOAD ? speedup.low : speedup.high) / (1 + VERDICT_TIE);

    if (decision != DECISION_UNDECIDED)
        flips_add(flips, (struct flip){.kind = FLIP_GPU_PRICE, .from = NAN, .to = edge,
                                       .factor = NAN, .decision = DECISION_UNDECIDED,
                                       .is_relative = true});
}

void flip_prices(struct flips *flips, const struct money *money, struct estimate speedup)
{
    const struct priced of = {money, speedup};

    if (isnan(money->saving.value)) {
        flip_ratio(flips, speedup);
        return;
    }
    flip_price(flips, &of, FLIP_GPU_PRICE, money->prices.gpu_per_hour);
    flip_price(flips, &of, FLIP_ENERGY_PRICE, money->prices.energy_per_kwh);
}
