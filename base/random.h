/* SPDX-License-Identifier: MIT */
/* Seeded pseudo-random numbers: the same seed gives the same inputs and order everywhere. */
#ifndef OFFLOAD_BENCH_RANDOM_H
#define OFFLOAD_BENCH_RANDOM_H

#include <stdint.h>

#include "base/terms.h"

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014): one step; the state is the seed. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Whole number in 0 ... below-1; `below` > 0. */
static inline uint64_t random_below(uint64_t *state, uint64_t below)
{
    return random_next(state) % below;
}

/* Fill `count` elements: floating types uniform in [-1, 1) without exact zeros, integers
 * uniform over -127 ... 127 without zero. */
void random_fill(enum dtype, void *array, int64_t count, uint64_t seed);

#endif
