/* SPDX-License-Identifier: MIT */
/* What follows the axis is told by the workload's own counts and costs: those of a portion are
 * compared with those of the whole, so that nothing is written down twice. */
#include "workloads/portion.h"

#include <math.h>

static unsigned axes_of(const struct workload *w, const struct problem *p)
{
    int axis = w->cut ? w->cut(p) : -1;

    if (w->split)
        return w->split(p);
    return axis >= 0 ? 1u << axis : 0;
}

/* The shortest of the axes is divided, the others go with it in whole groups. */
static void divide(struct portions *s, const struct workload *w, const struct problem *p)
{
    for (int i = 0; i < workload_axes(w); i++)
        if (s->axes >> i & 1 && (!s->axis || p->shape.n[i] < s->length)) {
            s->axis = w->axis[i].name;
            s->length = p->shape.n[i];
        }
}

static bool is_whole_groups(const struct portions *s, const struct problem *p)
{
    for (int i = 0; i < AXES; i++)
        if (s->axes >> i & 1 && p->shape.n[i] % s->length)
            return false;
    return true;
}

struct problem portion_problem(const struct problem *whole, const struct portions *s,
                               int64_t units)
{
    struct problem p = *whole;

    for (int i = 0; i < AXES; i++)
        if (s->axes >> i & 1)
            p.shape.n[i] = whole->shape.n[i] / s->length * units;
    return p;
}

bool portion_has(const struct workload *w, const struct problem *p, const struct portions *s,
                 int i)
{
    struct problem one = portion_problem(p, s, 1);

    return w->args[i].count(&one) != w->args[i].count(p);
}

/* Bytes are affine in the axis: two points tell what does not shrink. */
static double whole_bytes(const struct workload *w, const struct problem *p,
                          const struct portions *s)
{
    struct problem part = portion_problem(p, s, s->length / 2);
    struct cost all = w->cost(p), some = w->cost(&part);
    double share = (double)(s->length / 2) / (double)s->length;
    double bytes = all.bytes_read + all.bytes_written;
    double rest = some.bytes_read + some.bytes_written - share * bytes;

    return fmin(fmax(rest / (1 - share), 0), bytes);
}

struct portions portions_of(const struct workload *w, const struct problem *p)
{
    struct portions s = {.axes = axes_of(w, p)};

    divide(&s, w, p);
    if (s.length < 2 || !is_whole_groups(&s, p))
        return (struct portions){0};
    s.whole_bytes = whole_bytes(w, p, &s);
    for (int i = 0; i < workload_args(w); i++) {
        double bytes = (double)workload_arg_bytes(w, p, i);

        if (!(w->args[i].flow & FLOW_IN) || portion_has(w, p, &s, i))
            continue;
        s.whole_upload_bytes += bytes;
        if (w->args[i].trait == ARG_STATIONARY)
            s.whole_stationary_bytes += bytes;
    }
    return s;
}
