/* SPDX-License-Identifier: MIT */
#include "projection/calibrate/tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void table_print(const struct samples *s, const struct parameters *p, const struct left_out *out)
{
    double *error = malloc(s->n * sizeof *error), *ratio = malloc(s->n * sizeof *ratio);

    for (int g = 0; g < s->groups; g++) {
        int n = 0;
        double mean = 0;

        for (size_t i = 0; i < s->n; i++) {
            const struct sample *x = &s->sample[i];
            struct ledger l;

            if (x->group != g || (out && !is_left_out(out, x)))
                continue;
            model_project(p, x->gpu, &x->op, x->timing, &l, NULL);
            ratio[n] = l.total / x->time_us;
            error[n] = fabs(ratio[n] - 1) * 100;
            mean += error[n++];
        }
        if (n == 0)
            continue;
        qsort(error, (size_t)n, sizeof *error, compare);
        qsort(ratio, (size_t)n, sizeof *ratio, compare);
        printf("%-15s %-16s %-13s %-9s %6d  median %5.1f  mean %5.1f  p90 %6.1f  ratio %.2f\n",
               s->group[g].source, s->group[g].gpu->id.text, s->group[g].op, s->group[g].dtype, n,
               error[n / 2], mean / n, error[n * 9 / 10], ratio[n / 2]);
    }
    free(error);
    free(ratio);
}
