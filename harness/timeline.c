/* SPDX-License-Identifier: MIT */
#include "harness/timeline.h"

#include <math.h>

#include "base/clock.h"

void timeline_start(struct timeline *t)
{
    for (int i = 0; i < LEDGERS; i++)
        t->row_ns[i] = NAN;
    t->wall_ns = NAN;
    t->start = clock_ns();
}

void timeline_begin(struct timeline *t)
{
    t->row = clock_ns();
}

void timeline_add(struct timeline *t, enum ledger row, double ns)
{
    t->row_ns[row] = isnan(t->row_ns[row]) ? ns : t->row_ns[row] + ns;
}

void timeline_end(struct timeline *t, enum ledger row)
{
    timeline_add(t, row, (double)(clock_ns() - t->row));
}

void timeline_call(struct timeline *t, double launch_ns, double wait_ns, double kernel_ns)
{
    double covered = fmin(fmax(kernel_ns - wait_ns, 0), launch_ns);

    timeline_add(t, LEDGER_LAUNCH, isnan(kernel_ns) ? launch_ns : launch_ns - covered);
    if (isnan(kernel_ns))
        return;
    timeline_add(t, LEDGER_KERNEL, kernel_ns);
    timeline_add(t, LEDGER_SYNC, fmax(wait_ns - kernel_ns, 0));
}

void timeline_stop(struct timeline *t)
{
    t->wall_ns = (double)(clock_ns() - t->start);
}

double timeline_sum_ns(const struct timeline *t)
{
    double sum = 0;

    for (int i = 0; i < LEDGERS; i++)
        sum += isnan(t->row_ns[i]) ? 0 : t->row_ns[i];
    return sum;
}
