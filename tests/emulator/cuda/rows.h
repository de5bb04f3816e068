/* SPDX-License-Identifier: MIT */
/* The instructions each room knows, as tables that end with {0}. */
#ifndef EMULATOR_ROWS_H
#define EMULATOR_ROWS_H

#include "tests/emulator/cuda/machine.h"

/* base: the name up to its first meaningful modifiers; the longest base wins. type: the first
 * type in the name, TYPE_NONE for any. modes: further words this instruction takes, separated
 * by spaces; insn.mode is the number of the one that was there, from 1, 0 without. */
struct row {
    const char *base;
    enum type type;
    insn_run run;
    const char *modes;
    enum flow flow;
};

extern const struct row integer_rows[], bit_rows[], float_rows[], narrow_rows[], convert_rows[],
    move_rows[], memory_rows[], atomic_rows[], warp_rows[], matrix_rows[], control_rows[];

#endif
