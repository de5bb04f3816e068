/* SPDX-License-Identifier: MIT */
/* What formats say about timelines and lifetimes. */
#ifndef OFFLOAD_BENCH_LEDGER_H
#define OFFLOAD_BENCH_LEDGER_H

#include "base/text.h"
#include "report/report.h"

/* Share of the wall time that is in no row; below 0 when the rows are more than it. */
double ledger_residual(const struct ledger_row *);
/* "every, pinned", "first call, pageable". */
struct name ledger_title(const struct record *);
/* How well the rows of timelines over a millisecond add up, in one sentence; nothing when
 * there is no such timeline. */
void ledger_summary(const struct report *, struct text *out);

#endif
