/* SPDX-License-Identifier: MIT */
#include "tests/emulator/cuda/ptx_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const special_name[SPECIALS] = {
    [SPECIAL_TID_X] = "%tid.x", [SPECIAL_TID_Y] = "%tid.y", [SPECIAL_TID_Z] = "%tid.z",
    [SPECIAL_NTID_X] = "%ntid.x", [SPECIAL_NTID_Y] = "%ntid.y", [SPECIAL_NTID_Z] = "%ntid.z",
    [SPECIAL_CTAID_X] = "%ctaid.x", [SPECIAL_CTAID_Y] = "%ctaid.y",
    [SPECIAL_CTAID_Z] = "%ctaid.z", [SPECIAL_NCTAID_X] = "%nctaid.x",
    [SPECIAL_NCTAID_Y] = "%nctaid.y", [SPECIAL_NCTAID_Z] = "%nctaid.z",
    [SPECIAL_LANEID] = "%laneid", [SPECIAL_WARPID] = "%warpid", [SPECIAL_NWARPID] = "%nwarpid",
    [SPECIAL_SMID] = "%smid", [SPECIAL_NSMID] = "%nsmid", [SPECIAL_LANEMASK_EQ] = "%lanemask_eq",
    [SPECIAL_LANEMASK_LT] = "%lanemask_lt", [SPECIAL_LANEMASK_LE] = "%lanemask_le",
    [SPECIAL_LANEMASK_GT] = "%lanemask_gt", [SPECIAL_LANEMASK_GE] = "%lanemask_ge",
    [SPECIAL_DYNAMIC_SMEM] = "%dynamic_smem_size", [SPECIAL_TOTAL_SMEM] = "%total_smem_size",
    [SPECIAL_CLOCK] = "%clock", [SPECIAL_CLOCK64] = "%clock64", [SPECIAL_TIMER] = "%globaltimer"};

int constant_slot(struct expansion *e, uint64_t value, bool is_dynamic_shared)
{
    struct kernel *k = e->kernel;

    for (int i = 0; i < k->constants; i++)
        if (k->constant[i].value == value &&
            k->constant[i].is_dynamic_shared == is_dynamic_shared)
            return k->constant[i].slot;
    k->constant = array_grow(k->constant, k->constants, sizeof *k->constant);
    k->constant[k->constants++] =
        (struct constant){.slot = k->slots, .value = value,
                          .is_dynamic_shared = is_dynamic_shared};
    return k->slots++;
}

static int special_slot(struct expansion *e, const char *name)
{
    for (int s = 0; s < SPECIALS; s++)
        if (strcmp(name, special_name[s]) == 0) {
            if (e->kernel->special[s] < 0)
                e->kernel->special[s] = e->kernel->slots++;
            return e->kernel->special[s];
        }
    return -1;
}

struct symbol *symbol_add(struct expansion *e, const char *name, enum symbol_kind kind)
{
    struct symbol *s;

    e->symbol = array_grow(e->symbol, e->symbols, sizeof *e->symbol);
    s = &e->symbol[e->symbols++];
    *s = (struct symbol){.kind = kind};
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

/* "%r12" in the range "%r<20>": its number, or -1. */
static int range_index(const struct symbol *s, const char *name)
{
    size_t n = strlen(s->name);
    char *end;
    long at;

    if (strncmp(s->name, name, n) != 0 || name[n] < '0' || name[n] > '9')
        return -1;
    at = strtol(name + n, &end, 10);
    return *end == '\0' && at < s->count ? (int)at : -1;
}

struct symbol *symbol_find(struct expansion *e, const char *name, int *index)
{
    *index = 0;
    for (int i = e->symbols - 1; i >= e->frame; i--) {
        struct symbol *s = &e->symbol[i];

        if (s->kind == SYMBOL_RANGE && (*index = range_index(s, name)) >= 0)
            return s;
        if (s->kind != SYMBOL_RANGE && strcmp(s->name, name) == 0) {
            *index = 0;
            return s;
        }
    }
    return NULL;
}

const struct variable *variable_find(struct expansion *e, const char *name)
{
    int index;
    const struct symbol *s = symbol_find(e, name, &index);

    if (s && s->kind == SYMBOL_VARIABLE)
        return &s->variable;
    for (int i = 0; i < e->ptx->variables; i++)
        if (strcmp(e->ptx->variable[i].name, name) == 0)
            return &e->ptx->variable[i];
    return NULL;
}

int register_find(struct expansion *e, const char *name)
{
    int index, special = name[0] == '%' ? special_slot(e, name) : -1;
    const struct symbol *s;

    if (special >= 0)
        return special;
    s = symbol_find(e, name, &index);
    if (!s || (s->kind != SYMBOL_REGISTER && s->kind != SYMBOL_RANGE))
        return -1;
    return s->slot + index;
}

static void variable_name(struct expansion *e, const struct declaration *d, enum space space)
{
    struct symbol *s = symbol_add(e, d->name, SYMBOL_VARIABLE);
    struct variable *v = &s->variable;
    int64_t *total = space == SPACE_SHARED ? &e->kernel->shared_bytes : &e->kernel->local_bytes;

    snprintf(v->name, sizeof v->name, "%s", d->name);
    v->space = space;
    v->bytes = d->count * d->element_bytes;
    v->is_dynamic_shared = d->count == 0;
    *total = (*total + d->align - 1) / d->align * d->align;
    v->offset = (uint64_t)*total;
    *total += v->bytes;
}

bool read_registers(struct expansion *e, struct cursor *c)
{
    struct declaration d;
    enum type type = TYPE_NONE;
    struct cursor first = *c;

    do {
        struct symbol *s;

        if (type == TYPE_NONE) {
            if (!declaration_read(e->ptx, c, &d))
                return false;
            type = d.type;
        } else { /* further names of the same type */
            struct token t = token_next(c);

            d.range = 0;
            token_copy(t, d.name, sizeof d.name);
            if (token_take(c, "<")) {
                char word[40];

                token_copy(token_next(c), word, sizeof word);
                d.range = atoi(word);
                token_take(c, ">");
            }
        }
        s = symbol_add(e, d.name, d.range ? SYMBOL_RANGE : SYMBOL_REGISTER);
        s->slot = e->kernel->slots;
        s->count = d.range ? d.range : 1;
        s->type = type;
        e->kernel->slots += s->count;
        e->kernel->registers += s->count * (type_bytes(type) > 4 ? 2 : type != TYPE_PRED);
    } while (token_take(c, ","));
    return token_take(c, ";") || ptx_fail(e->ptx, first.line, "bad .reg");
}

bool read_variables(struct expansion *e, struct cursor *c, enum space space)
{
    struct declaration d;

    do {
        if (!declaration_read(e->ptx, c, &d))
            return false;
        variable_name(e, &d, space);
    } while (token_take(c, ","));
    return token_take(c, ";") || ptx_fail(e->ptx, c->line, "';' is missing");
}
