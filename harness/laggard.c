/* SPDX-License-Identifier: MIT */
#include "harness/laggard.h"

#include <math.h>
#include <string.h>

/* As the sampler's; and where fixed costs and the scheduler no longer matter. */
static const double hopeless = 3, long_ns = 3e6;

static bool is_at(const struct record *r, const struct laggard_place *at)
{
    return r->outcome == OUTCOME_OK && !r->straw && r->device_kind == DEVICE_CPU &&
           r->wall_ns.n > 0 && r->threads == at->threads && r->dtype == at->dtype &&
           r->size > 0 && r->size <= at->size && r->evidence == EVIDENCE_MEASURED &&
           strcmp(r->workload.text, at->workload) == 0 && strcmp(r->sweep.text, at->sweep) == 0;
}

/* Of one variant, or of all when NULL; INFINITY: not timed. */
static double fastest_ns(const struct results *results, const struct laggard_place *at,
                         int64_t size, const char *variant)
{
    double fastest = INFINITY;

    for (size_t i = 0; i < results->records; i++) {
        const struct record *r = &results->record[i];

        if (is_at(r, at) && r->size == size && (!variant || !strcmp(r->variant.text, variant)))
            for (size_t s = 0; s < r->wall_ns.n; s++)
                fastest = fmin(fastest, r->wall_ns.value[s]);
    }
    return fastest;
}

static bool is_last(const struct results *results, const struct laggard_place *at, size_t i)
{
    const struct record *mine = &results->record[i];

    for (size_t k = 0; k < results->records; k++) {
        const struct record *r = &results->record[k];

        if (is_at(r, at) && strcmp(r->variant.text, mine->variant.text) == 0 &&
            (r->size > mine->size || (r->size == mine->size && k > i)))
            return false;
    }
    return true;
}

int laggards_find(const struct results *results, const struct laggard_place *at,
                  struct laggard *out)
{
    int n = 0;

    for (size_t i = 0; i < results->records && n < LAGGARDS; i++) {
        const struct record *r = &results->record[i];
        double mine, best;

        if (!is_at(r, at) || !is_last(results, at, i))
            continue;
        mine = fastest_ns(results, at, r->size, r->variant.text);
        best = fastest_ns(results, at, r->size, NULL);
        if (best < long_ns || mine < hopeless * best)
            continue;
        out[n] = (struct laggard){.variant = r->variant};
        why_fail(&out[n++].why, STATUS_OK,
                 "%.40s is left out: at size %lld of this sweep it took %.1f times as long as "
                 "the fastest", r->variant.text, (long long)r->size, mine / best);
    }
    return n;
}
