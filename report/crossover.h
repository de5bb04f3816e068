/* SPDX-License-Identifier: MIT */
/* Where the winner changes along a curve of sizes, from noisy times of both sides.
 *
 * Method. At each size the logarithm of CPU time over GPU time has an interval. A size is
 * decided when the whole interval lies on one side of the bar, ln(1 + VERDICT_TIE). Between
 * the last size decided for one side and the next one decided for the other the (continuous)
 * curve must pass the bar: they are the bracket, and its ends are sizes that were measured.
 * Nothing is assumed of the curve's shape (a library's times have steps and teeth, which a
 * fitted line would pass over); a curve that only touches the bar leaves undecided sizes and
 * no change. What two sizes enclose twice is not seen: that is what the net is for.
 *
 * Confidence. A bracket misses only if some size was decided for the wrong side, which is
 * a one-sided error. Each size gets (1 - STATS_CONFIDENCE) over the number of sizes that are
 * still open and over the looks that resampling may take: Holm's step-down procedure (Scand. J.
 * Stat. 6, 1979), which bounds errors of direction too when the sizes were sampled
 * independently (Shaffer, Ann. Stat. 8, 1980). So all brackets of a curve hold together with
 * at least STATS_CONFIDENCE. With a projected side the statement is no surer than the
 * projection's own interval (80 %).
 * tests/report/test_crossover_trials.c counts how often the brackets hold. */
#ifndef OFFLOAD_BENCH_CROSSOVER_H
#define OFFLOAD_BENCH_CROSSOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/terms.h"
#include "report/decision.h"

/* Rounds at which an undecided size may be looked at: precision bought in steps of three
 * (a third of the interval's square each time). Fewer rounds than the first are fine where
 * a call takes seconds. */
enum { CROSSOVER_LOOKS = 3 };
extern const int crossover_look[CROSSOVER_LOOKS];

/* A size is not measured more often than so many times again. */
enum { CROSSOVER_REPEATS = 5 };

/* Confidence of a statement that rests on a projected interval. */
#define CROSSOVER_PROJECTED 0.80

/* The curve at one size, as logarithms of CPU time over GPU time. `sure` is what would be left
 * of the interval after endless rounds: one point when both sides are measured, the
 * projection's own interval when one is not. The interval rests on the rounds that were not
 * `set_aside`; `excess` is how many times as wide as of many rounds with the same spread it is,
 * because they are few. */
struct crossover_point {
    double size;
    struct estimate log_ratio, sure;
    size_t rounds, set_aside;
    double excess;
    size_t repeats;       /* measurements before this one */
    double before;        /* where there are: middle of the last of them */
    bool is_contradicted; /* decided, but `before` lies on the other side of the bar */
};

/* Fill every point's intervals at a one-sided error, stepping down: `judge` fills all of point i
 * but is_contradicted, once per step; sizes that are decided leave their share to the others. The
 * interval of a size that is contradicted is stretched to hold both middles: it is undecided. */
void crossover_settle(struct crossover_point *point, size_t points,
                      void (*judge)(void *from, size_t i, double alpha, struct crossover_point *),
                      void *from);

/* Interval of the median of n values whose ends err with at most `alpha` each: order
 * statistics (exact) where n allows; Student's t (the values are logarithms of times) below;
 * endless for n < 2. Reorders `value`. */
struct estimate crossover_interval(double *value, size_t n, double alpha);
/* Of such an interval: 1 for order statistics, Student's t over the normal distribution's below,
 * INFINITY for n < 2. */
double crossover_excess(size_t n, double alpha);

/* How much wider than at STATS_CONFIDENCE an interval is with one-sided error `alpha`, as for
 * a normal distribution: for intervals of which only the ends are known. */
double crossover_widening(double alpha);

/* decision of a point against ln(1 + VERDICT_TIE). */
enum decision crossover_decision(const struct crossover_point *);

#define CROSSOVER_KIND_MAP(X)                                                          \
    X(CROSSOVER_UNDECIDED, "undecided") X(CROSSOVER_ALWAYS, "always")                  \
    X(CROSSOVER_NEVER, "never") X(CROSSOVER_ONE, "one crossing")                       \
    X(CROSSOVER_SEVERAL, "several crossings")
enum crossover_kind {
#define X(value, text) value,
    CROSSOVER_KIND_MAP(X)
#undef X
};
const char *crossover_kind_name(enum crossover_kind);

/* A stretch between two sizes that were measured and decided. `before` and `after` differ: the
 * winner changes in it. They do not: it is undecided whether the winner changes and changes
 * back. At the ends of the curve low is -INFINITY or high INFINITY and that side's decision
 * is undecided. */
struct crossover_stretch {
    double low, high;
    enum decision before, after;
};

enum { CROSSOVER_STRETCHES = 12 };

struct crossing {
    enum crossover_kind kind;
    struct crossover_stretch change[CROSSOVER_STRETCHES], doubt[CROSSOVER_STRETCHES];
    int changes, doubts;
};

/* The doubt below the smallest decided size, above the largest; NULL when there is none. */
const struct crossover_stretch *crossing_doubt_below(const struct crossing *);
const struct crossover_stretch *crossing_doubt_above(const struct crossing *);

/* `point` sorted by size, `points` of them. always: offload at every size; never: stay at
 * every size; undecided: no change, but sizes that are not decided. */
void crossover_find(const struct crossover_point *point, size_t points, struct crossing *);

/* What to measure next. */
enum crossover_wish { WISH_NOTHING, WISH_SIZE, WISH_ROUNDS, WISH_GPU, WISH_TIE };
struct crossover_question {
    enum crossover_wish wish;
    double size, rounds; /* of WISH_ROUNDS: so many in all */
};

/* Sizes to search and when a bracket is narrow enough: high / low - 1. */
struct crossover_range {
    double from, to, resolution;
};

/* The search has two parts; both ask for whole numbers, and for WISH_NOTHING at their end.
 * The net: sizes a factor of two apart (closer on a short range), so that several crossings
 * are seen; the smallest one that is not among the points. */
struct crossover_question crossover_net(const struct crossover_point *point, size_t points,
                                        const struct crossover_range *);
/* Then each stretch in which the winner changes, or may change, is halved (by ratio) while a
 * size in it can shorten the stretch by more than a seventh, and undecided sizes at its ends
 * are looked at again where that can decide them. No bracket rests on one measurement, all of which
 * something may have disturbed: its two sizes are measured afresh, with the rounds of the second
 * look at least, until two in a row agree (or CROSSOVER_REPEATS of them do not). */
struct crossover_question crossover_next(const struct crossover_point *point, size_t points,
                                         const struct crossover_range *);

/* What would decide more: WISH_GPU when at some size only measuring the projected side can; else
 * WISH_ROUNDS at the undecided size that needs fewest, with any number of rounds; WISH_TIE when
 * the sides are so alike that not even 1e5 rounds would; WISH_NOTHING when no size is
 * undecided. */
struct crossover_question crossover_decider(const struct crossover_point *point, size_t points);

#endif
