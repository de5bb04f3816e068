/* SPDX-License-Identifier: MIT */
/* How much of a speed-up is the GPU's and how much a weak CPU side's: the factor by which
 * weak ways to use the CPU would enlarge it. */
#ifndef OFFLOAD_BENCH_STRAWMAN_H
#define OFFLOAD_BENCH_STRAWMAN_H

#include <stddef.h>

#include "base/terms.h"

#define STRAW_MAP(X)                                                                   \
    X(STRAW_REFERENCE, "the plain reference")                                          \
    X(STRAW_ONE_THREAD, "one thread")                                                  \
    X(STRAW_WEAKER_ISA, "a weaker instruction set")                                    \
    X(STRAW_NODES, "pages left where one thread touched them")
enum straw_kind {
#define X(value, text) value,
    STRAW_MAP(X)
#undef X
    STRAWS
};
const char *straw_name(enum straw_kind);

/* A weak way of one contest. */
struct straw {
    struct estimate time_us;  /* NAN: not measured */
    double factor;            /* over the strongest's time; NAN */
};

/* All contests together, against one kind of straw man. */
struct straw_sum {
    enum straw_kind kind;
    size_t contests;          /* in which it was measured */
    double median, least, most; /* of the factors */
    size_t verdicts, turned;  /* verdicts of these contests, and how many would become offload */
    size_t crossings;         /* curves on which both cross the bar */
    double moved;             /* median of the strong one's size over the straw man's */
};

#endif
