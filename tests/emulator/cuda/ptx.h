/* SPDX-License-Identifier: MIT */
/* PTX text, and the kernels decoded from it. Device functions are expanded at each call, so
 * a kernel is one stretch of code; recursion and indirect calls are refused by name. */
#ifndef EMULATOR_PTX_H
#define EMULATOR_PTX_H

#include "tests/emulator/cuda/machine.h"

/* A place in the text. */
struct cursor {
    const char *at;
    int line;
};

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_MARK };

/* A word keeps its dots, % and $: "ld.global.f32", "%tid.x", "$L__BB0_3", "0f3F800000". */
struct token {
    enum token_kind kind;
    const char *start;
    int length, line;
};

struct token token_next(struct cursor *);
struct token token_peek(const struct cursor *);
bool token_is(struct token, const char *text);
/* Take the next token when it is `text`. */
bool token_take(struct cursor *, const char *text);
void token_copy(struct token, char *out, size_t size);

/* A number as PTX writes it: integers, 0f and 0d bit patterns, decimals (as f64 or f32). */
bool number_read(const char *word, bool is_double, uint64_t *bits);

/* A named variable. `offset`: its address in its own space (a host address for global and
 * const). */
struct variable {
    char name[128];
    enum space space;
    uint64_t offset;
    int64_t bytes;
    bool is_dynamic_shared;
};

struct function {
    char name[128];
    struct cursor results, params, body; /* body.at NULL: only declared */
    bool is_open;                        /* being expanded: a call would be recursive */
};

struct ptx {
    char *text;
    struct kernel *kernel;
    int kernels;
    struct variable *variable;
    int variables;
    struct function *function;
    int functions;
    int64_t shared_bytes; /* of the module's own shared variables */
    char error[600];      /* empty when well */
};

/* Decode a module; the caller owns it, also after a failure (see `error`). Memory of its
 * global variables is allocated. NULL when out of memory. */
struct ptx *ptx_load(const char *text);
void ptx_free(struct ptx *);

/* Note the first error with its line; always false. */
bool ptx_fail(struct ptx *, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ".align 16 .b8 name[8][4]" behind a state space: the cursor stands on the first word and is
 * left behind the declaration. Several names share one type. */
struct declaration {
    char name[128];
    int element_bytes, align;
    int64_t count; /* 0: without a size ("[]") */
    int range;     /* of "%r<12>", else 0 */
    enum type type;
};
bool declaration_read(struct ptx *, struct cursor *, struct declaration *);

/* Expand the body of an entry into `kernel`, whose parameters are there. */
bool body_expand(struct ptx *, struct kernel *, struct cursor body);

/* Fill in what the name of an instruction says: run, flow, types, modifiers. False when the
 * name is unknown. */
bool insn_decode(const char *name, struct insn *);
enum type type_of(const char *name);

void *array_grow(void *array, int count, size_t item);

#endif
