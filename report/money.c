/* SPDX-License-Identifier: MIT */
/* A side at work costs a rate: its hour's price and its power's. Costs are rate times time,
 * so that the ratio of costs is the speed-up times the ratio of rates. */
#include "report/money.h"

#include <math.h>

#include "report/judge.h"
#include "report/stats.h"

static const double s_per_hour = 3600, joule_per_kwh = 3.6e6;

const char *power_source_name(enum power_source source)
{
    static const char *const spelling[] = {
#define X(value, text) text,
        POWER_MAP(X)
#undef X
    };
    return spelling[source];
}

/* ---- prices ---------------------------------------------------------------------- */

static double price_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) && json_number_value(value) >= 0 ? json_number_value(value)
                                                                  : NAN;
}

struct prices prices_of(const json_t *header, const char *gpu)
{
    const json_t *given = json_object_get(header, "prices");
    const json_t *gpus = json_object_get(given, "gpu_per_hour");
    double own = price_at(gpus, gpu);

    return (struct prices){.cpu_per_hour = price_at(given, "cpu_per_hour"),
                           .gpu_per_hour = isnan(own) ? price_at(gpus, "*") : own,
                           .energy_per_kwh = price_at(given, "energy_per_kwh"),
                           .cpu_watt = price_at(given, "cpu_watt")};
}

/* ---- rates ----------------------------------------------------------------------- */

/* Currency per second of a side at work. An hour without a price counts only when energy
 * has one: then energy is all that is compared. */
static double rate(double per_hour, double watt, struct prices p)
{
    bool has_hours = !isnan(p.cpu_per_hour) || !isnan(p.gpu_per_hour);
    double hours = has_hours ? per_hour / s_per_hour : 0;

    if (isnan(p.energy_per_kwh))
        return has_hours ? hours : NAN;
    /* free energy needs no power */
    return hours + (p.energy_per_kwh > 0 ? watt * p.energy_per_kwh / joule_per_kwh : 0);
}

static struct side_cost side_cost(struct power power, double us, double rate_per_s)
{
    return (struct side_cost){
        .power = power, .joule = power.watt * us * 1e-6, .cost = rate_per_s * us * 1e-6};
}

struct estimate money_saving(const struct money *m, struct prices p, struct estimate speedup)
{
    double ratio = rate(p.cpu_per_hour, m->cpu.power.watt, p) /
                   rate(p.gpu_per_hour, m->gpu.power.watt, p);

    return ratio > 0 && isfinite(ratio) ? estimate_scale(speedup, ratio) : estimate_missing();
}

/* Hourly price of the GPU's machine at which both cost the same. */
static double even_price(const struct money *m, struct prices p, double speedup)
{
    double energy = isnan(p.energy_per_kwh) || p.energy_per_kwh == 0
                        ? 0
                        : m->gpu.power.watt * p.energy_per_kwh / joule_per_kwh;
    double rest = rate(p.cpu_per_hour, m->cpu.power.watt, p) * speedup - energy;

    return isnan(p.cpu_per_hour) || !(rest > 0) ? NAN : rest * s_per_hour;
}

/* Energy price at which both cost the same: where two straight lines meet. */
static double even_energy(const struct money *m, struct prices p, double speedup)
{
    double hours = (p.gpu_per_hour - p.cpu_per_hour * speedup) / s_per_hour;
    double watt = m->cpu.power.watt * speedup - m->gpu.power.watt;
    double price = hours * joule_per_kwh / watt;

    return price > 0 && isfinite(price) ? price : NAN;
}

struct money money_of(struct prices p, struct power cpu, struct power gpu,
                      struct estimate cpu_us, struct estimate gpu_us, struct estimate speedup)
{
    struct money m = {
        .prices = p,
        .cpu = side_cost(cpu, cpu_us.value, rate(p.cpu_per_hour, cpu.watt, p)),
        .gpu = side_cost(gpu, gpu_us.value, rate(p.gpu_per_hour, gpu.watt, p)),
        .even_ratio = speedup};

    m.saving = money_saving(&m, p, speedup);
    m.decision = decision_of(m.saving);
    m.even_gpu_per_hour = even_price(&m, p, speedup.value);
    m.even_energy_per_kwh = even_energy(&m, p, speedup.value);
    return m;
}
