/* SPDX-License-Identifier: MIT */
/* What to measure next so that the brackets of a curve become narrow, and what it would take
 * to decide a size that is not. Pure: everything follows from the points, so a search can be
 * left and taken up again at any time. */
#include <math.h>
#include <stdbool.h>

#include "report/crossover.h"

/* Neighbours of the net, as a ratio; at least so many gaps on a short range. */
static const double net_ratio = 2;
enum { NET_GAPS_LEAST = 4 };
/* A stretch is cut only where that may take more than this share of it away. */
static const double worth = 0.15;
/* Rounds beyond this are not worth asking for. */
static const double rounds_most = 1e5;
/* The interval shrinks a little unevenly: ask for a few rounds more than the square root says. */
static const double margin = 1.3;

static const struct crossover_question nothing = {WISH_NOTHING, 0, 0};

/* ---- net ------------------------------------------------------------------------------ */

static bool is_measured(const struct crossover_point *point, size_t points, double size)
{
    for (size_t i = 0; i < points; i++)
        if (point[i].size == size)
            return true;
    return false;
}

struct crossover_question crossover_net(const struct crossover_point *point, size_t points,
                                        const struct crossover_range *range)
{
    double ratio = range->to / range->from;
    int gaps = (int)fmax(ceil(log(ratio) / log(net_ratio) - 1e-9), NET_GAPS_LEAST);

    for (int i = 0; i <= gaps; i++) {
        double size = round(range->from * pow(ratio, (double)i / gaps));

        if (!is_measured(point, points, size))
            return (struct crossover_question){WISH_SIZE, size, 0};
    }
    return nothing;
}

/* ---- rounds --------------------------------------------------------------------------- */

/* Rounds that would decide an undecided point; INFINITY when no number would. Of rounds as many are
 * set aside again; where hardly any was left nothing is known, and any number may. */
static double rounds_needed(const struct crossover_point *p)
{
    double bar = log1p(VERDICT_TIE), distance, noise;

    if (p->set_aside + 2 > p->rounds)
        return 0;
    if (p->is_contradicted)
        return (double)p->rounds;
    if (p->sure.low > bar) {
        distance = p->sure.low - bar;
        noise = p->sure.low - p->log_ratio.low;
    } else if (p->sure.high < bar) {
        distance = bar - p->sure.high;
        noise = p->log_ratio.high - p->sure.high;
    } else {
        return INFINITY;
    }
    noise /= fmax(p->excess, 1);
    return ceil((double)p->rounds * margin * (noise / distance) * (noise / distance));
}

/* Once more, and not with fewer rounds. */
static struct crossover_question ask_afresh(const struct crossover_point *p)
{
    double rounds = fmax((double)p->rounds, crossover_look[1]);

    return p->repeats < CROSSOVER_REPEATS
               ? (struct crossover_question){WISH_ROUNDS, p->size, rounds}
               : nothing;
}

/* The next look at an undecided size, when one of them is likely to decide it. */
static struct crossover_question ask_again(const struct crossover_point *p)
{
    double need = rounds_needed(p);

    if (p->is_contradicted)
        return ask_afresh(p);
    for (int i = 0; i < CROSSOVER_LOOKS; i++)
        if (crossover_look[i] > (double)p->rounds && crossover_look[i] >= need)
            return (struct crossover_question){WISH_ROUNDS, p->size, crossover_look[i]};
    return nothing;
}

/* ---- stretches ------------------------------------------------------------------------ */

/* Between neighbours i and i+1 of which at most one is undecided: the stretch around them. */
static struct crossover_question ask_between(const struct crossover_point *point, size_t points,
                                             size_t i, const struct crossover_range *range)
{
    size_t low = i, high = i + 1;
    double gap, width, middle = round(sqrt(point[i].size * point[i + 1].size));
    struct crossover_question q = nothing;

    while (low > 0 && crossover_decision(&point[low]) == DECISION_UNDECIDED)
        low--;
    while (high < points - 1 && crossover_decision(&point[high]) == DECISION_UNDECIDED)
        high++;
    gap = log(point[i + 1].size / point[i].size);
    width = log(point[high].size / point[low].size);
    if (width <= log1p(range->resolution))
        return nothing;
    if (crossover_decision(&point[i]) == DECISION_UNDECIDED)
        q = ask_again(&point[i]);
    else if (crossover_decision(&point[i + 1]) == DECISION_UNDECIDED)
        q = ask_again(&point[i + 1]);
    if (q.wish == WISH_NOTHING && gap > worth * width && gap > log1p(range->resolution) / 2 &&
        middle > point[i].size && middle < point[i + 1].size)
        q = (struct crossover_question){WISH_SIZE, middle, 0};
    return q;
}

/* What no other measurement has confirmed; one that did not agree would have left it undecided. */
static bool is_lone(const struct crossover_point *p)
{
    return p->repeats == 0 || p->rounds < (size_t)crossover_look[1];
}

static struct crossover_question ask_to_confirm(const struct crossover_point *point, size_t points)
{
    const struct crossover_point *end[2] = {NULL, NULL};
    struct crossover_question q = nothing;

    for (size_t i = 0; i < points && q.wish == WISH_NOTHING; i++) {
        if (crossover_decision(&point[i]) == DECISION_UNDECIDED)
            continue;
        end[0] = end[1];
        end[1] = &point[i];
        for (int e = 0; e < 2 && end[0] && q.wish == WISH_NOTHING; e++)
            if (crossover_decision(end[0]) != crossover_decision(end[1]) && is_lone(end[e]))
                q = ask_afresh(end[e]);
    }
    return q;
}

struct crossover_question crossover_next(const struct crossover_point *point, size_t points,
                                         const struct crossover_range *range)
{
    struct crossover_question q = nothing;

    for (size_t i = 0; i + 1 < points && q.wish == WISH_NOTHING; i++)
        if (crossover_decision(&point[i]) != crossover_decision(&point[i + 1]))
            q = ask_between(point, points, i, range);
    return q.wish == WISH_NOTHING ? ask_to_confirm(point, points) : q;
}

struct crossover_question crossover_decider(const struct crossover_point *point, size_t points)
{
    struct crossover_question best = nothing;

    for (size_t i = 0; i < points; i++) {
        double need = rounds_needed(&point[i]);
        struct crossover_question q = {WISH_ROUNDS, point[i].size, need};

        if (crossover_decision(&point[i]) != DECISION_UNDECIDED)
            continue;
        if (isinf(need) && point[i].sure.high > point[i].sure.low)
            return (struct crossover_question){WISH_GPU, point[i].size, 0};
        if (!(need <= rounds_most))
            q.wish = WISH_TIE;
        if (best.wish == WISH_NOTHING || q.rounds < best.rounds)
            best = q;
    }
    return best;
}
