/* SPDX-License-Identifier: MIT */
#include "report/regret.h"

#include <math.h>
#include <stdbool.h>

enum { POINTS_LEAST = 3 };

/* What the others say of point i. */
static double interpolated(const struct crossover_point *p, size_t points, size_t i)
{
    const struct crossover_point *a = i > 0 ? &p[i - 1] : &p[i + 1];
    const struct crossover_point *b = i + 1 < points ? &p[i + 1] : a;
    double share = a == b ? 0 : log(p[i].size / a->size) / log(b->size / a->size);

    return a->log_ratio.value + share * (b->log_ratio.value - a->log_ratio.value);
}

void regret_find(const struct crossover_point *point, size_t points, struct regret *r)
{
    double bar = log1p(VERDICT_TIE);

    *r = (struct regret){.mean = NAN, .worst = NAN, .worst_size = NAN};
    if (points < POINTS_LEAST)
        return;
    r->mean = 0;
    for (size_t i = 0; i < points; i++) {
        double truth = point[i].log_ratio.value;
        bool moves = interpolated(point, points, i) > bar, is_right = moves == (truth > bar);
        /* ln(CPU / GPU): who is advised against the faster side loses its size */
        double lost = moves == (truth > 0) ? 0 : expm1(fabs(truth));

        r->sizes++;
        r->right += is_right;
        r->mean += lost / (double)points;
        if (!(lost <= r->worst)) {
            r->worst = lost;
            r->worst_size = point[i].size;
        }
    }
}
