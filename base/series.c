/* SPDX-License-Identifier: MIT */
#include "base/series.h"

#include <stdlib.h>

#include "base/why.h"

int series_push(struct series *s, double value)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        double *grown = realloc(s->value, cap * sizeof *grown);

        if (!grown)
            return STATUS_MEMORY;
        s->value = grown;
        s->cap = cap;
    }
    s->value[s->n++] = value;
    return 0;
}

void series_clear(struct series *s)
{
    s->n = 0;
}

void series_release(struct series *s)
{
    free(s->value);
    *s = (struct series){0};
}
