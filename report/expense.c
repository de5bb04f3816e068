/* SPDX-License-Identifier: MIT */
/* Verdicts and chains with their costs. Power comes from energy counters beside the samples
 * (probes energy and nvml) where they were read, else from the user, else, for a GPU, from its
 * datasheet. The idle power of the other side is nobody's: it is not counted. */
#include <math.h>
#include <string.h>

#include "report/judge.h"
#include "report/stats.h"

/* Joules of a call as counters saw them; NAN when none did. */
static double measured_joule(const struct record *r)
{
    double joule = NAN;

    for (size_t i = 0; r && i < r->measures; i++) {
        const struct measure *m = &r->measure[i];

        if (strcmp(m->unit.text, "J") == 0 && m->value > 0 && !m->is_suspect)
            joule = isnan(joule) ? m->value : joule + m->value;
    }
    return joule;
}

static struct power power_or(double measured_watt, double watt, enum power_source source)
{
    if (measured_watt > 0)
        return (struct power){measured_watt, POWER_MEASURED};
    return watt > 0 ? (struct power){watt, source} : (struct power){NAN, POWER_UNKNOWN};
}

static double watt_of(const struct contender *c)
{
    return measured_joule(c->record) / (c->time_us.value * 1e-6);
}

static void price_verdict(const struct report *report, struct verdict *v)
{
    const char *id = v->gpu->record->device.text;
    const struct gpu_side *gpu = report_gpu(report, id);
    struct prices p = prices_of(report->results->header, id);

    v->money = money_of(p, power_or(watt_of(v->cpu), p.cpu_watt, POWER_GIVEN),
                        power_or(watt_of(v->gpu), gpu ? gpu->tdp_w : NAN, POWER_TDP),
                        v->cpu_us, v->gpu_us, v->speedup);
}

/* Mean power of a pass on the CPU: known only when every operation's energy is. */
static double chain_watt(const struct chain *chain)
{
    double joule = 0;

    for (size_t i = 0; i < chain->steps; i++) {
        const struct chain_step *step = &chain->step[i];

        joule += step->contest && step->contest->cpus
                     ? step->count * measured_joule(step->contest->cpu->record)
                     : NAN;
    }
    return joule / (chain->cpu_us.value * 1e-6);
}

/* The plan with the GPU, its machine's hour and its power for the whole of the time. */
static void price_chain(const struct report *report, struct chain *chain)
{
    const char *id = chain->gpu ? chain->gpu->id.text : "";
    struct prices p = prices_of(report->results->header, id);
    struct estimate us = chain->mix_us;

    chain->money =
        money_of(p, power_or(chain_watt(chain), p.cpu_watt, POWER_GIVEN),
                 power_or(NAN, chain->gpu ? chain->gpu->tdp_w : NAN, POWER_TDP), chain->cpu_us,
                 us, chain->gpu ? chain->mix_speedup : estimate_missing());
}

int judge_expenses(struct report *report)
{
    for (size_t i = 0; i < report->verdicts; i++)
        price_verdict(report, &report->verdict[i]);
    for (size_t i = 0; i < report->chains; i++)
        price_chain(report, &report->chain[i]);
    return 0;
}
