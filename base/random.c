/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <math.h>

#include "base/half.h"

static double uniform(uint64_t *state)
{
    /* odd multiples of 2^-24: never zero, exact in f32 */
    return ((double)(random_next(state) >> 41) * 2 + 1 - 0x1p23) * 0x1p-23;
}

void random_fill(enum dtype dtype, void *array, int64_t count, uint64_t seed)
{
    uint64_t state = seed;

    if (dtype == DTYPE_F32) { /* the common and the largest case, kept fast */
        for (int64_t i = 0; i < count; i++)
            ((float *)array)[i] = (float)uniform(&state);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        if (dtype == DTYPE_I8 || dtype == DTYPE_I32)
            element_set(dtype, array, i,
                        (double)(int64_t)(1 + random_below(&state, 127)) *
                            (random_next(&state) & 1 ? 1 : -1));
        else if (dtype == DTYPE_E4M3) { /* what is smaller would become zero */
            double value = uniform(&state);

            element_set(dtype, array, i, copysign(fmax(fabs(value), 0x1p-9), value));
        } else
            element_set(dtype, array, i, uniform(&state));
    }
}
