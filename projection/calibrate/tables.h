/* SPDX-License-Identifier: MIT */
/* The tables that calibrate and validate print. */
#ifndef OFFLOAD_BENCH_TABLES_H
#define OFFLOAD_BENCH_TABLES_H

#include "projection/calibrate/fit.h"

/* One line per group: rows, median and mean absolute percentage error, median ratio. */
void table_print(const struct samples *, const struct parameters *, const struct left_out *);

#endif
