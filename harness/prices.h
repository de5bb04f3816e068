/* SPDX-License-Identifier: MIT */
/* The options that name prices and powers, alike for every sub-command that judges. */
#ifndef OFFLOAD_BENCH_HARNESS_PRICES_H
#define OFFLOAD_BENCH_HARNESS_PRICES_H

#include <argp.h>
#include <jansson.h>

#include "base/why.h"

/* A child parser; its input is a `json_t **` that gets an object of the form that prices_of
 * reads (report/money.h), only with what was given; NULL when nothing was. */
extern const struct argp prices_argp;

/* GPUs that have a price get the id that records call them by; devices such as cuda:0 and the
 * GPUs of `header` (may be NULL) have it already. Errors: STATUS_INVALID for a name that no
 * record will have. `given` may be NULL. */
int prices_check(json_t *given, const json_t *header, struct why *);

/* Put what was given over what a header holds. `given` may be NULL. */
void prices_apply(json_t *header, const json_t *given);

#endif
