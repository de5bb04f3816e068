/* SPDX-License-Identifier: MIT */
/* 16-bit and 8-bit floating types on the host, one element at a time (fills, references, checks). */
#ifndef OFFLOAD_BENCH_HALF_H
#define OFFLOAD_BENCH_HALF_H

#include <stdint.h>

#include "base/terms.h"

/* Round to nearest even; overflow gives infinity, NaN stays NaN. */
uint16_t half_from_float(float value);
uint16_t bfloat_from_float(float value);
float float_from_half(uint16_t bits);
float float_from_bfloat(uint16_t bits);

/* e4m3 as GPUs have it (OCP 8-bit floating point specification, revision 1.0: bias 7, no
 * infinities, NaN is 0x7f): round to nearest even, beyond 448 to 448, NaN stays NaN. */
uint8_t e4m3_from_float(float value);
float float_from_e4m3(uint8_t bits);

/* Element i of an array of `dtype`, as double; and the way back, rounded to nearest. */
double element_get(enum dtype dtype, const void *array, int64_t i);
void element_set(enum dtype dtype, void *array, int64_t i, double value);

#endif
