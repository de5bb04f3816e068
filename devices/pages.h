/* SPDX-License-Identifier: MIT */
/* Pages of the host behind a buffer. */
#ifndef OFFLOAD_BENCH_PAGES_H
#define OFFLOAD_BENCH_PAGES_H

#include <stdint.h>

#include "base/step.h"

/* What the host has in all; 0 when the system does not say. */
uint64_t host_memory_bytes(void);

/* Zeroed pages of b->bytes at least, all of them touched: b->data, for free(), and
 * b->page_bytes. False when the host has not so much; nothing is held then. */
bool host_pages(struct buffer *b);

#endif
