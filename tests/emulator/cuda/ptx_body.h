/* SPDX-License-Identifier: MIT */
/* The body of a kernel while it is read: what its names stand for, and the instructions so far.
 * All that read return false when they left a finding in expansion->ptx. */
#ifndef EMULATOR_PTX_BODY_H
#define EMULATOR_PTX_BODY_H

#include "tests/emulator/cuda/ptx.h"

enum symbol_kind { SYMBOL_REGISTER, SYMBOL_RANGE, SYMBOL_VARIABLE, SYMBOL_TARGETS };

struct symbol {
    char name[128];
    enum symbol_kind kind;
    int slot, count;
    enum type type;
    struct variable variable;
    struct cursor targets;
};

struct label {
    char name[96];
    int scope, pc;
};

/* A branch whose label is not known yet. entry: its place in a table, or -1. */
struct fixup {
    char name[96];
    int scope, insn, entry, line;
};

struct expansion {
    struct ptx *ptx;
    struct kernel *kernel;
    struct symbol *symbol;
    int symbols, frame; /* the running function sees symbols from `frame` on */
    struct label *label;
    int labels;
    struct fixup *fixup;
    int fixups;
    int *parent; /* of each scope, -1 for a function's own */
    int scopes, scope;
    int depth; /* of calls */
    char end[96]; /* label behind the expanded function */
};

/* ---- ptx_names.c ---- */

/* The slot that always holds `value`; dynamic: it moves by the launch's static shared memory. */
int constant_slot(struct expansion *, uint64_t value, bool is_dynamic_shared);
/* Newer names hide older ones. NULL or -1: there is none; *index: the place in a range of
 * registers. A register may be a special one ("%tid.x"). */
struct symbol *symbol_add(struct expansion *, const char *name, enum symbol_kind);
struct symbol *symbol_find(struct expansion *, const char *name, int *index);
const struct variable *variable_find(struct expansion *, const char *name);
int register_find(struct expansion *, const char *name);
/* What follows ".reg", or the name of a space: declarations up to the semicolon. */
bool read_registers(struct expansion *, struct cursor *);
bool read_variables(struct expansion *, struct cursor *, enum space);

/* ---- ptx_operands.c ---- */

/* A word: register, number, or the address of a variable. `space`: of the access for an
 * address, or -1 for a plain operand. */
bool read_word(struct expansion *, struct cursor *, struct insn *, bool is_negative, int space);
/* One operand with its marks: "[base+offset]", "!p", "{a, b}", "p|q". */
bool read_operand(struct expansion *, struct cursor *, struct insn *, int *addresses);

#endif
