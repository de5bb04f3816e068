/* SPDX-License-Identifier: MIT */
/* Bodies of functions become instructions: names in nested scopes turn into slots, addresses
 * and branch targets. A called function is expanded in place with registers and local memory
 * of its own, so that branches and reconvergence need no call stack. */
#include "tests/emulator/cuda/ptx_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void emit(struct expansion *e, const struct insn *i)
{
    struct kernel *k = e->kernel;

    k->code = array_grow(k->code, k->length, sizeof *k->code);
    k->code[k->length++] = *i;
}

static void fixup_add(struct expansion *e, const char *name, int entry, int line)
{
    struct fixup f = {.scope = e->scope, .insn = e->kernel->length, .entry = entry,
                      .line = line};

    snprintf(f.name, sizeof f.name, "%s", name);
    e->fixup = array_grow(e->fixup, e->fixups, sizeof *e->fixup);
    e->fixup[e->fixups++] = f;
}

static void label_add(struct expansion *e, const char *name)
{
    struct label l = {.scope = e->scope, .pc = e->kernel->length};

    snprintf(l.name, sizeof l.name, "%s", name);
    e->label = array_grow(e->label, e->labels, sizeof *e->label);
    e->label[e->labels++] = l;
}

static int scope_new(struct expansion *e, int parent)
{
    e->parent = array_grow(e->parent, e->scopes, sizeof *e->parent);
    e->parent[e->scopes] = parent;
    return e->scopes++;
}

/* "brx.idx %r1, table;" with "table: .branchtargets L1, L2;" before it. */
static bool read_table(struct expansion *e, struct cursor *c, struct insn *i)
{
    char word[96];
    int index, n = 0;
    const struct symbol *s;
    struct cursor at;

    if (!read_word(e, c, i, false, -1) || !token_take(c, ","))
        return ptx_fail(e->ptx, i->line, "bad brx.idx");
    token_copy(token_next(c), word, sizeof word);
    s = symbol_find(e, word, &index);
    if (!s || s->kind != SYMBOL_TARGETS)
        return ptx_fail(e->ptx, i->line, "unknown table '%s'", word);
    at = s->targets;
    do {
        token_copy(token_next(&at), word, sizeof word);
        fixup_add(e, word, n++, i->line);
    } while (token_take(&at, ","));
    i->table = calloc((size_t)n, sizeof *i->table);
    i->table_count = n;
    return true;
}

static bool body_read(struct expansion *, struct cursor *);

/* The names of a call's arguments (or results), bound to the function's own parameters. */
static bool bind(struct expansion *e, struct cursor *actual, struct cursor formal, int frame)
{
    while (!token_take(actual, ")")) {
        struct declaration d;
        char word[128];
        const struct variable *v;
        struct variable copy;
        struct token t = token_next(actual);
        int symbols;

        token_copy(t, word, sizeof word);
        token_take(actual, ",");
        v = variable_find(e, word);
        if (!v)
            return ptx_fail(e->ptx, t.line, "argument '%s' is no .param variable", word);
        copy = *v;
        if (!token_take(&formal, ".param") || !declaration_read(e->ptx, &formal, &d))
            return ptx_fail(e->ptx, t.line, "the called function has fewer parameters");
        token_take(&formal, ",");
        symbols = e->symbols;
        symbol_add(e, d.name, SYMBOL_VARIABLE)->variable = copy;
        if (symbols < frame)
            return ptx_fail(e->ptx, t.line, "bad frame");
    }
    return true;
}

/* "call.uni (result), name, (arguments);" */
static bool read_call(struct expansion *e, struct cursor *c, const struct insn *guard)
{
    struct cursor results = {0}, actual, body;
    struct function *f = NULL;
    char name[128], end[96];
    int frame = e->frame, symbols = e->symbols, scope = e->scope;
    struct token t;

    if (token_take(c, "(")) {
        results = *c;
        while (!token_take(c, ")"))
            token_next(c);
        token_take(c, ",");
    }
    t = token_next(c);
    token_copy(t, name, sizeof name);
    for (int i = 0; i < e->ptx->functions; i++)
        if (strcmp(e->ptx->function[i].name, name) == 0)
            f = &e->ptx->function[i];
    if (!f)
        return ptx_fail(e->ptx, t.line, "indirect call, or unknown function '%s'", name);
    if (!f->body.at)
        return ptx_fail(e->ptx, t.line, "function '%s' has no body here", name);
    if (f->is_open)
        return ptx_fail(e->ptx, t.line, "recursive call of '%s'", name);
    if (guard->guard >= 0)
        return ptx_fail(e->ptx, t.line, "predicated call of '%s'", name);
    if (results.at && !bind(e, &results, f->results, symbols))
        return false;
    if (token_take(c, ",") && token_take(c, "(")) {
        actual = *c;
        if (!bind(e, &actual, f->params, symbols))
            return false;
        *c = actual;
    }
    snprintf(end, sizeof end, "%s", e->end);
    snprintf(e->end, sizeof e->end, " end of call %d", e->scopes);
    e->frame = symbols;
    e->scope = scope_new(e, -1);
    e->depth++;
    f->is_open = true;
    body = f->body;
    if (!body_read(e, &body))
        return false;
    label_add(e, e->end);
    f->is_open = false;
    e->depth--;
    snprintf(e->end, sizeof e->end, "%s", end);
    e->frame = frame;
    e->symbols = symbols;
    e->scope = scope;
    return token_take(c, ";") || ptx_fail(e->ptx, c->line, "';' is missing");
}

static bool read_branch(struct expansion *e, struct cursor *c, struct insn *i)
{
    char word[96];

    if (i->flow == FLOW_TABLE)
        return read_table(e, c, i);
    token_copy(token_next(c), word, sizeof word);
    fixup_add(e, word, -1, i->line);
    return true;
}

static bool read_instruction(struct expansion *e, struct cursor *c, struct token t)
{
    char name[96], guard[64];
    struct insn i = {.pair = -1, .guard = -1, .line = t.line, .text = t.start};
    int addresses = 0;

    if (token_is(t, "@")) {
        i.guard_is_negated = token_take(c, "!");
        token_copy(token_next(c), guard, sizeof guard);
        i.guard = register_find(e, guard);
        if (i.guard < 0)
            return ptx_fail(e->ptx, t.line, "unknown predicate '%s'", guard);
        t = token_next(c);
    }
    token_copy(t, name, sizeof name);
    if (strcmp(name, "call") == 0 || strncmp(name, "call.", 5) == 0)
        return read_call(e, c, &i);
    if (!insn_decode(name, &i))
        return ptx_fail(e->ptx, t.line, "unknown instruction '%s'", name);
    if (i.flow == FLOW_EXIT && name[0] == 'r' && e->depth > 0) { /* ret of an expansion */
        i.flow = FLOW_BRANCH;
        fixup_add(e, e->end, -1, i.line);
    } else if (i.flow == FLOW_BRANCH || i.flow == FLOW_TABLE) {
        if (!read_branch(e, c, &i))
            return false;
    } else {
        i.is_packing = strncmp(name, "mov", 3) == 0;
        while (!token_is(token_peek(c), ";")) {
            if (!read_operand(e, c, &i, &addresses))
                return false;
            if (!token_take(c, ",") && !token_is(token_peek(c), ";"))
                return ptx_fail(e->ptx, t.line, "',' is missing in '%s'", name);
        }
    }
    for (int s = SPECIAL_CLOCK; s <= SPECIAL_TIMER; s++)
        if (i.operands == 2 && i.op[1] == e->kernel->special[s])
            i.run = clock_read;
    emit(e, &i);
    return token_take(c, ";") || ptx_fail(e->ptx, t.line, "';' is missing after '%s'", name);
}

static bool read_directive(struct expansion *e, struct cursor *c, struct token t)
{
    if (token_is(t, ".reg"))
        return read_registers(e, c);
    if (token_is(t, ".local") || token_is(t, ".param"))
        return read_variables(e, c, SPACE_LOCAL);
    if (token_is(t, ".shared"))
        return read_variables(e, c, SPACE_SHARED);
    if (token_is(t, ".pragma")) {
        token_next(c);
        return token_take(c, ";");
    }
    if (token_is(t, ".loc") || token_is(t, ".file")) {
        int line = t.line;

        while (token_peek(c).line == line)
            token_next(c);
        return true;
    }
    return ptx_fail(e->ptx, t.line, "unknown directive '%.*s'", t.length, t.start);
}

static bool read_label(struct expansion *e, struct cursor *c, struct token t)
{
    char name[96];

    token_copy(t, name, sizeof name);
    if (token_take(c, ".branchtargets")) {
        symbol_add(e, name, SYMBOL_TARGETS)->targets = *c;
        while (!token_take(c, ";"))
            token_next(c);
        return true;
    }
    label_add(e, name);
    return true;
}

/* Up to the brace that closes it. */
static bool body_read(struct expansion *e, struct cursor *c)
{
    int outer = e->scope, symbols = e->symbols;

    for (;;) {
        struct token t = token_next(c);
        bool is_well = true;

        if (token_is(t, "}")) {
            e->symbols = symbols;
            return true;
        }
        if (t.kind == TOKEN_END)
            return ptx_fail(e->ptx, t.line, "the body does not end");
        if (token_is(t, "{")) {
            e->scope = scope_new(e, outer);
            is_well = body_read(e, c);
            e->scope = outer;
        } else if (token_is(t, ";")) {
            continue;
        } else if (*t.start == '.') {
            is_well = read_directive(e, c, t);
        } else if (t.kind == TOKEN_WORD && token_take(c, ":")) {
            is_well = read_label(e, c, t);
        } else {
            is_well = read_instruction(e, c, t);
        }
        if (!is_well)
            return false;
    }
}

/* The label of a name as seen from a scope, or -1. */
static int label_find(const struct expansion *e, const char *name, int scope)
{
    for (; scope >= 0; scope = e->parent[scope])
        for (int i = 0; i < e->labels; i++)
            if (e->label[i].scope == scope && strcmp(e->label[i].name, name) == 0)
                return e->label[i].pc;
    return -1;
}

static bool fixups_apply(struct expansion *e)
{
    for (int f = 0; f < e->fixups; f++) {
        const struct fixup *fix = &e->fixup[f];
        int pc = label_find(e, fix->name, fix->scope);

        if (pc < 0)
            return ptx_fail(e->ptx, fix->line, "unknown label '%s'", fix->name);
        if (fix->entry >= 0)
            ((int *)e->kernel->code[fix->insn].table)[fix->entry] = pc;
        else
            e->kernel->code[fix->insn].target = pc;
    }
    return true;
}

bool body_expand(struct ptx *p, struct kernel *k, struct cursor body)
{
    struct expansion e = {.ptx = p, .kernel = k};
    struct insn last = {.pair = -1, .guard = -1, .flow = FLOW_EXIT, .text = "ret;"};
    bool is_well;

    k->shared_bytes = p->shared_bytes;
    for (int i = 0; i < k->params; i++) {
        struct variable *v = &symbol_add(&e, k->param[i].name, SYMBOL_VARIABLE)->variable;

        *v = (struct variable){.space = SPACE_PARAM, .offset = (uint64_t)k->param[i].offset,
                               .bytes = k->param[i].bytes};
    }
    e.scope = scope_new(&e, -1);
    token_take(&body, "{");
    is_well = body_read(&e, &body);
    if (is_well) {
        emit(&e, &last); /* falling off the end returns */
        is_well = fixups_apply(&e);
    }
    for (int i = 0; i < k->constants; i++)
        if (k->constant[i].is_dynamic_shared)
            k->constant[i].value += (uint64_t)((k->shared_bytes + 15) / 16 * 16);
    free(e.symbol);
    free(e.label);
    free(e.fixup);
    free(e.parent);
    return is_well;
}
