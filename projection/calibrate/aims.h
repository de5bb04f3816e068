/* SPDX-License-Identifier: MIT */
/* Whether the projection is as good as it set out to be, on GPUs that were left out. */
#ifndef OFFLOAD_BENCH_AIMS_H
#define OFFLOAD_BENCH_AIMS_H

#include "projection/calibrate/jackknife.h"

/* A line per aim on stdout: its limit, the error and coverage reached, and the GPUs that by
 * themselves miss it. The limits in f32 are the errors that NeuSight (Lee et al., ASPLOS
 * 2025) published for the GPUs that it left out: H100, L4 and A100 of 80 GB. */
void aims_print(struct jackknife *);

#endif
