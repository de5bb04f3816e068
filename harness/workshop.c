/* SPDX-License-Identifier: MIT */
#include "harness/workshop.h"

#include <math.h>
#include <omp.h>

#include "harness/spread.h"
#include "probes/nvml_library.h"
#include "report/stats.h"
#include "workloads/peak/peak.h"

/* Cache to assume where the system does not say. */
static const double cache_unknown_bytes = 64e6;

static double cache_bytes(const struct workshop *shop)
{
    return shop->host.row.cache_bytes ? (double)shop->host.row.cache_bytes : cache_unknown_bytes;
}

/* Is any device but the CPU measured, not only proved? */
static bool has_device_code(const struct plan *plan)
{
    for (int i = 0; i < plan->groups; i++)
        for (int d = 0; d < plan->devices; d++)
            if (!plan->group[i].is_proof && plan->group[i].devices >> d & 1 &&
                plan->device[d].kind != DEVICE_CPU)
                return true;
    return false;
}

void workshop_deal_out(const struct workshop *shop, const struct bench *bench)
{
    struct numa_layout layout;

    if (shop->plan->nodes.n > 1 &&
        spread_begin(&layout, &shop->plan->nodes, SPREAD_ALL, bench, NULL) == 0)
        numa_layout_end(&layout);
}

int workshop_open(struct workshop *shop, struct why *why)
{
    int status;

    if (has_device_code(shop->plan)) /* first: its processes must be fresh */
        coldroom_open(&shop->coldroom, shop->plan, shop->seed, NULL);
    omp_set_num_threads(shop->plan->threads); /* whatever OMP_NUM_THREADS asks for */
    shop->nvml = nvml_library("/", NULL);
    shop->observer = observer_new(); /* before OpenMP makes threads: counters are inherited */
    status = plan_open_host(shop->plan, &shop->host, why);
    if (!status)
        status = shop->host.ops->alloc(&shop->host, &shop->dram, (size_t)(2 * cache_bytes(shop)),
                                       MEMORY_PAGEABLE, why);
    if (!status)
        workshop_deal_out(shop, &(struct bench){.copies = 1, .arg = {{shop->dram}}});
    return status;
}

void workshop_close(struct workshop *shop)
{
    for (int i = 0; i < SURVEY_DEVICES; i++)
        device_close(&shop->device[i]);
    shop->host.ops->free(&shop->host, &shop->dram);
    device_close(&shop->host);
    observer_free(shop->observer);
    coldroom_close(shop->coldroom);
}

struct device *workshop_device(struct workshop *shop, int i, struct why *why)
{
    if (shop->plan->device[i].kind == DEVICE_CPU)
        return &shop->host;
    if (!shop->device[i].ops &&
        device_open(&shop->device[i], shop->plan->device[i].id.text, why) != 0)
        return NULL;
    return &shop->device[i];
}

double workshop_cache_bytes(const struct workshop *shop, const struct group *g)
{
    double bytes = cache_bytes(shop);

    for (int i = 0; i < shop->plan->devices; i++)
        if (g->devices >> i & 1)
            bytes = fmax(bytes, (double)shop->plan->device[i].cache_bytes);
    return bytes;
}

double workshop_dram_bytes_per_s(struct workshop *shop)
{
    enum { TIMES = 3 };
    double rate[TIMES];

    for (int i = 0; i < TIMES; i++)
        rate[i] = peak_read_bytes_per_s(shop->dram.data, shop->dram.bytes, shop->plan->threads);
    return stats_median(rate, TIMES);
}

void workshop_lose(struct workshop *shop, const struct trial *t, const struct why *why)
{
    shop->at(shop->to, t->device->row.id.text, t->variant->name);
    shop->lost(shop->to, why->text);
}
