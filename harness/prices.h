/* SPDX-License-Identifier: MIT */
/* The options that name prices and powers, alike for every sub-command that judges. */
#ifndef OFFLOAD_BENCH_HARNESS_PRICES_H
#define OFFLOAD_BENCH_HARNESS_PRICES_H

#include <argp.h>
#include <jansson.h>

/* A child parser; its input is a `json_t **` that gets an object of the form that prices_of
 * reads (report/money.h), only with what was given; NULL when nothing was. */
extern const struct argp prices_argp;

/* Put what was given over what a header holds. `given` may be NULL. */
void prices_apply(json_t *header, const json_t *given);

#endif
