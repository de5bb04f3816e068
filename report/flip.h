/* SPDX-License-Identifier: MIT */
/* What would change a verdict, and how far away it is: one input at a time is changed until
 * the decision is another one. */
#ifndef OFFLOAD_BENCH_FLIP_H
#define OFFLOAD_BENCH_FLIP_H

#include <stdbool.h>

#include "base/text.h"
#include "report/decision.h"

#define FLIP_MAP(X)                                                                    \
    X(FLIP_LINK, "link bandwidth")       /* byte/s, else a factor */                   \
    X(FLIP_CALLS, "call count")          /* calls (or passes) that share one upload */ \
    X(FLIP_RESIDENT, "data resident")    /* share of the inputs already there */       \
    X(FLIP_SIZE, "size")                 /* of `axis`, a size that was measured */     \
    X(FLIP_THREADS, "threads")           /* of the CPU */                              \
    X(FLIP_GPU_PRICE, "GPU price")       /* per hour, else over the CPU's */           \
    X(FLIP_ENERGY_PRICE, "energy price") /* per kWh */
enum flip_kind {
#define X(value, text) value,
    FLIP_MAP(X)
#undef X
    FLIP_KINDS
};
const char *flip_kind_name(enum flip_kind);

struct flip {
    enum flip_kind kind;
    double from, to;        /* the input as it is (NAN: not known) and where it flips */
    double factor;          /* how far: to over from or from over to, at least 1; for
                             * FLIP_RESIDENT 1 over the share that does not change */
    enum decision decision; /* what it becomes there; of a price: by cost */
    const char *axis;       /* FLIP_SIZE: what is changed; owned by the records */
    bool is_relative;       /* from and to are factors, for want of the absolute number */
    bool is_derived;        /* THREADS: scaling assumed to be perfect */
};

enum { FLIPS = 16 };

/* Nearest first. */
struct flips {
    struct flip at[FLIPS];
    int n;
};

/* Does it change the answer by cost, not by time? */
bool flip_is_price(const struct flip *);

/* Room left or not: the nearest stay. */
void flips_add(struct flips *, struct flip);
/* "a link 2.3x as fast (145 GB/s)", "9 calls that share one upload instead of 100". */
void flip_write(const struct flip *, struct text *out);

/* The input nearest to `from` towards `to` (both above 0) at which `decide` differs from `now`,
 * by bisection of the logarithm: decisions must change once at most on the way. NAN: nowhere.
 * The input returned is on the far side: decide(it) != now. */
double flip_search(enum decision (*decide)(const void *at, double input), const void *at,
                   double from, double to, enum decision now);

#endif
