/* SPDX-License-Identifier: MIT */
/* What is ordered before what: each stream, and the host, knows how far every other stream had
 * come at least (a vector clock). Two pieces of work that touch the same bytes, one of them
 * writing, with nothing that orders them, are a finding, in whatever order they ran. Of a kernel
 * all from the first to the last byte it read or wrote of an allocation counts. */
#ifndef EMULATOR_ORDER_H
#define EMULATOR_ORDER_H

#include <stdbool.h>
#include <stdint.h>

/* Streams at a time; more of them share the last place, where nothing is found. */
enum { CLOCKS = 32 };

struct clock {
    uint64_t at[CLOCKS]; /* position, by number of stream */
};

/* A stream's number, and the position that its first work comes behind. */
int order_open(uint64_t *position);
void order_close(int number, uint64_t position);

/* *to knows what `from` knows. */
void order_join(struct clock *to, const struct clock *from);
/* The host has waited; `is_idle`: nothing is left to run. */
void order_waited(const struct clock *, bool is_idle);
/* What the host knows. */
const struct clock *order_host(void);

/* Work runs: between these two it tells what it touches. */
void order_begin(void);
void order_touch(uint64_t low, uint64_t high, bool is_write);
void order_end(int number, uint64_t position, const struct clock *, const char *name);

#endif
