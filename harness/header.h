/* SPDX-License-Identifier: MIT */
/* What a results file says before its first record: what was asked, with which options, on which
 * machine and devices, and of what the suites' chains consist. All return a new reference. */
#ifndef OFFLOAD_BENCH_HEADER_H
#define OFFLOAD_BENCH_HEADER_H

#include "harness/journal.h"

json_t *header_make(const struct journal *, const struct plan *);
json_t *header_chain(const struct suite *, const struct suite_chain *);

/* Is `head` of the same question, and its projections of the same GPUs taught alike? Errors:
 * STATUS_INVALID with the option that differs. */
int header_check(const json_t *head, const struct journal *, const struct plan *, struct why *);

#endif
