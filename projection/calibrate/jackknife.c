/* SPDX-License-Identifier: MIT */
#include "projection/calibrate/jackknife.h"

#include <stdlib.h>

static const struct intervals *intervals_without(struct jackknife *j, const struct gpu *gpu)
{
    for (int i = 0; i < j->n; i++)
        if (j->gpu[i] == gpu)
            return j->intervals[i];
    if (j->n == 64 || !(j->intervals[j->n] = malloc(sizeof **j->intervals)))
        return NULL;
    j->gpu[j->n] = gpu;
    if (intervals_make(j->intervals[j->n++], j->residuals, j->samples, gpu) != 0)
        return NULL;
    return j->intervals[j->n - 1];
}

struct spread jackknife_spread(struct jackknife *j, const struct residual *e)
{
    const struct intervals *table = intervals_without(j, e->sample->gpu);
    struct spread s = {0};

    if (!table)
        return s;
    s = spread_of(table, standing_of(e->sample->gpu), &e->region, e->kindred);
    if (!e->is_timed)
        spread_add(&s, table, &e->region);
    return s;
}

void jackknife_release(struct jackknife *j)
{
    for (int i = 0; i < j->n; i++)
        free(j->intervals[i]);
    *j = (struct jackknife){0};
}
