/* SPDX-License-Identifier: MIT */
/* What an answer costs: joules and money per call on both sides, and the prices at which the
 * cheaper side changes. Nothing is assumed: without prices there is only the ratio of prices
 * at which both cost the same. */
#ifndef OFFLOAD_BENCH_MONEY_H
#define OFFLOAD_BENCH_MONEY_H

#include <jansson.h>

#include "base/terms.h"
#include "report/decision.h"

/* As the user gave them, in any one currency; NAN: not given. An hour of a side is an hour
 * of the whole machine that does the work there. */
struct prices {
    double cpu_per_hour, gpu_per_hour; /* currency per hour */
    double energy_per_kwh;             /* currency per kilowatt hour */
    double cpu_watt;                   /* power of the CPU at work */
};

/* From a header's "prices": {"cpu_per_hour", "gpu_per_hour": {"*" or a GPU's id: ...},
 * "energy_per_kwh", "cpu_watt"}; missing ones are NAN. */
struct prices prices_of(const json_t *header, const char *gpu);

#define POWER_MAP(X)                                                                   \
    X(POWER_UNKNOWN, "not known") X(POWER_MEASURED, "measured") X(POWER_GIVEN, "given") \
    X(POWER_TDP, "estimate")
enum power_source {
#define X(value, text) value,
    POWER_MAP(X)
#undef X
};
const char *power_source_name(enum power_source);

/* Power of a side while it works. TDP: what the datasheet allows, an estimate from above. */
struct power {
    double watt; /* NAN when not known */
    enum power_source source;
};

/* One side's call (or pass). */
struct side_cost {
    struct power power;
    double joule; /* per call; NAN when the power is not known */
    double cost;  /* per call; NAN when a price is missing, or power and energy has a price */
};

struct money {
    struct prices prices;
    struct side_cost cpu, gpu;
    /* Cost on the CPU over cost on the GPU, and the side to choose by cost; NAN and
     * undecided unless both costs are known. */
    struct estimate saving;
    enum decision decision;
    /* The price of a GPU hour over that of a CPU hour at which both cost the same, energy
     * left out: the speed-up, with its interval. */
    struct estimate even_ratio;
    /* The same as the price of a GPU hour, energy included where it has a price; NAN
     * without a CPU price. */
    double even_gpu_per_hour;
    /* The energy price at which both cost the same; NAN: none above 0. */
    double even_energy_per_kwh;
};

/* Costs of a call that takes cpu_us or gpu_us. Dimensions: currency = currency/h / 3600 s/h
 * * s + J / 3.6e6 J/kWh * currency/kWh. */
struct money money_of(struct prices, struct power cpu, struct power gpu, struct estimate cpu_us,
                      struct estimate gpu_us, struct estimate speedup);

/* Cost ratio CPU over GPU at other prices, times as they are; NAN unless known. */
struct estimate money_saving(const struct money *, struct prices, struct estimate speedup);

#endif
