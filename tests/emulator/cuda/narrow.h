/* SPDX-License-Identifier: MIT */
/* Floating-point formats narrower than f32, to and from double. */
#ifndef EMULATOR_NARROW_H
#define EMULATOR_NARROW_H

#include "tests/emulator/cuda/machine.h"

/* Value of the bits of an f16 or bf16 (or tf32, in the upper bits of 32). */
double narrow_value(enum type, uint32_t bits);

/* Round to f16, bf16, tf32 or f32 under any rounding; overflow follows IEEE 754. NaN gives the
 * format's canonical one (0x7fff). */
uint32_t narrow_bits(enum type, double value, enum rounding);

/* a * b + c rounded to odd in double: rounding it again to a narrow format is exact. */
double fused_odd(double a, double b, double c);

/* set.lt.f16x2.f16x2 and its kin, whatever the result's type. */
void narrow_set(struct warp *, const struct insn *, uint32_t lanes);

#endif
