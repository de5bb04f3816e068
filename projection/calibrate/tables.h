/* SPDX-License-Identifier: MIT */
/* What validate prints: errors and coverage on GPUs and generations that were left out,
 * and whether the aims are met. */
#ifndef OFFLOAD_BENCH_TABLES_H
#define OFFLOAD_BENCH_TABLES_H

#include "projection/calibrate/spread.h"

/* All tables on stdout. An interval is made from the other GPUs' residuals only. */
void tables_print(const struct samples *, const struct residuals *);

#endif
