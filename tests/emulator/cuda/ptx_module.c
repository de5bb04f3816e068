/* SPDX-License-Identifier: MIT */
/* The outer level of a PTX module: its variables with their initial values, its functions
 * (kept as places in the text) and its entries, which are expanded into kernels. */
#include "tests/emulator/cuda/ptx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/emulator/cuda/allocation.h"

bool ptx_fail(struct ptx *p, int line, const char *format, ...)
{
    va_list list;
    int n;

    if (p->error[0])
        return false;
    n = snprintf(p->error, sizeof p->error, "PTX line %d: ", line);
    va_start(list, format);
    vsnprintf(p->error + n, sizeof p->error - (size_t)n, format, list);
    va_end(list);
    return false;
}

int type_bytes(enum type type)
{
    static const int bytes[TYPES] = {
        [TYPE_B8] = 1,  [TYPE_U8] = 1,    [TYPE_S8] = 1,     [TYPE_B16] = 2, [TYPE_U16] = 2,
        [TYPE_S16] = 2, [TYPE_F16] = 2,   [TYPE_BF16] = 2,   [TYPE_B32] = 4, [TYPE_U32] = 4,
        [TYPE_S32] = 4, [TYPE_F16X2] = 4, [TYPE_BF16X2] = 4, [TYPE_F32] = 4, [TYPE_TF32] = 4,
        [TYPE_B64] = 8, [TYPE_U64] = 8,   [TYPE_S64] = 8,    [TYPE_F64] = 8};

    return bytes[type];
}

/* The dimensions "[8][4]" and the range "<12>" behind a name. */
static bool read_extent(struct ptx *p, struct cursor *c, struct declaration *d)
{
    char word[40];
    uint64_t n;

    d->count = 1;
    d->range = 0;
    while (token_take(c, "[")) {
        if (token_take(c, "]")) {
            d->count = 0;
            continue;
        }
        token_copy(token_next(c), word, sizeof word);
        if (!number_read(word, false, &n) || !token_take(c, "]"))
            return ptx_fail(p, c->line, "bad dimension of '%s'", d->name);
        d->count *= (int64_t)n;
    }
    if (token_take(c, "<")) {
        token_copy(token_next(c), word, sizeof word);
        if (!number_read(word, false, &n) || !token_take(c, ">"))
            return ptx_fail(p, c->line, "bad number of registers '%s'", d->name);
        d->range = (int)n;
    }
    return true;
}

bool declaration_read(struct ptx *p, struct cursor *c, struct declaration *d)
{
    char word[128];

    *d = (struct declaration){.type = TYPE_NONE};
    for (;;) {
        struct token t = token_next(c);

        token_copy(t, word, sizeof word);
        if (t.kind != TOKEN_WORD)
            return ptx_fail(p, t.line, "a declaration was expected, not '%s'", word);
        if (strcmp(word, ".align") == 0) {
            token_copy(token_next(c), word, sizeof word);
            d->align = atoi(word);
        } else if (word[0] == '.' && type_of(word + 1) != TYPE_NONE) {
            d->type = type_of(word + 1);
        } else if (word[0] != '.') {
            break;
        } else if (strcmp(word, ".ptr") != 0 && strcmp(word, ".global") != 0 &&
                   strcmp(word, ".shared") != 0 && strcmp(word, ".const") != 0) {
            return ptx_fail(p, t.line, "unknown word '%s' in a declaration", word);
        }
    }
    snprintf(d->name, sizeof d->name, "%s", word);
    d->element_bytes = type_bytes(d->type);
    if (d->align < d->element_bytes)
        d->align = d->element_bytes;
    return read_extent(p, c, d);
}

/* One initial value, or a list of them in braces. */
static bool read_values(struct ptx *p, struct cursor *c, const struct declaration *d,
                        uint8_t *at, int64_t *filled)
{
    char word[128];
    bool is_negative;
    uint64_t bits;

    if (token_take(c, "{")) {
        while (!token_take(c, "}")) {
            if (!read_values(p, c, d, at, filled))
                return false;
            token_take(c, ",");
        }
        return true;
    }
    is_negative = token_take(c, "-");
    token_copy(token_next(c), word, sizeof word);
    if (!number_read(word, d->type == TYPE_F64, &bits))
        return ptx_fail(p, c->line, "initial value '%s' of '%s' is no number", word, d->name);
    bits = is_negative ? -bits : bits;
    if (*filled >= d->count)
        return ptx_fail(p, c->line, "too many initial values of '%s'", d->name);
    memcpy(at + *filled * d->element_bytes, &bits, (size_t)d->element_bytes);
    ++*filled;
    return true;
}

static bool add_variable(struct ptx *p, const struct declaration *d, enum space space)
{
    struct variable v = {.space = space, .bytes = d->count * d->element_bytes};

    snprintf(v.name, sizeof v.name, "%s", d->name);
    if (space == SPACE_SHARED && d->count == 0) {
        v.is_dynamic_shared = true;
    } else if (space == SPACE_SHARED) {
        p->shared_bytes = (p->shared_bytes + d->align - 1) / d->align * d->align;
        v.offset = (uint64_t)p->shared_bytes;
        p->shared_bytes += v.bytes;
    } else {
        void *at = allocation_new((size_t)v.bytes, ALLOCATION_MODULE);

        if (!at)
            return ptx_fail(p, 0, "no memory for variable '%s'", d->name);
        memset(at, 0, (size_t)v.bytes);
        v.offset = (uint64_t)(uintptr_t)at;
    }
    p->variable = array_grow(p->variable, p->variables, sizeof *p->variable);
    p->variable[p->variables++] = v;
    return true;
}

static bool read_variable(struct ptx *p, struct cursor *c, enum space space)
{
    struct declaration d;

    do {
        int64_t filled = 0;

        if (!declaration_read(p, c, &d) || !add_variable(p, &d, space))
            return false;
        if (token_take(c, "=") &&
            !read_values(p, c, &d, (uint8_t *)(uintptr_t)p->variable[p->variables - 1].offset,
                         &filled))
            return false;
    } while (token_take(c, ","));
    return token_take(c, ";") || ptx_fail(p, c->line, "';' is missing");
}

/* Leave the cursor behind the mark that closes what stands open. */
static bool skip_group(struct cursor *c, const char *open, const char *close)
{
    for (int depth = 1; depth > 0;) {
        struct token t = token_next(c);

        if (t.kind == TOKEN_END)
            return false;
        depth += token_is(t, open) - token_is(t, close);
    }
    return true;
}

static bool read_function(struct ptx *p, struct cursor *c)
{
    struct function f = {.is_open = false}, *known = NULL;

    if (token_take(c, "(")) {
        f.results = *c;
        skip_group(c, "(", ")");
    }
    token_copy(token_next(c), f.name, sizeof f.name);
    if (token_take(c, "(")) {
        f.params = *c;
        skip_group(c, "(", ")");
    }
    while (token_peek(c).kind == TOKEN_WORD)
        token_next(c); /* .noreturn and the like */
    if (token_take(c, "{")) {
        f.body = *c;
        if (!skip_group(c, "{", "}"))
            return ptx_fail(p, c->line, "function '%s' does not end", f.name);
    } else if (!token_take(c, ";")) {
        return ptx_fail(p, c->line, "function '%s' has no body", f.name);
    }
    for (int i = 0; i < p->functions; i++)
        if (strcmp(p->function[i].name, f.name) == 0)
            known = &p->function[i];
    if (!known) {
        p->function = array_grow(p->function, p->functions, sizeof *p->function);
        known = &p->function[p->functions++];
        *known = f;
    } else if (f.body.at) {
        *known = f;
    }
    return true;
}

static bool read_params(struct ptx *p, struct cursor *c, struct kernel *k)
{
    while (!token_take(c, ")")) {
        struct declaration d;
        struct param *param;

        if (!token_take(c, ".param"))
            return ptx_fail(p, c->line, ".param was expected");
        if (!declaration_read(p, c, &d))
            return false;
        k->param = array_grow(k->param, k->params, sizeof *k->param);
        param = &k->param[k->params++];
        snprintf(param->name, sizeof param->name, "%s", d.name);
        k->param_bytes = (k->param_bytes + d.align - 1) / d.align * d.align;
        param->offset = k->param_bytes;
        param->bytes = (int)(d.count * d.element_bytes);
        k->param_bytes += param->bytes;
        token_take(c, ",");
    }
    return true;
}

/* ".maxntid 256, 1, 1" between the parameters and the body. */
static void read_limits(struct cursor *c, struct kernel *k)
{
    char word[64];

    while (token_peek(c).kind == TOKEN_WORD) {
        int64_t product = 1;
        char number[40];

        token_copy(token_next(c), word, sizeof word);
        do {
            if (token_peek(c).start[0] == '.' || token_peek(c).kind != TOKEN_WORD)
                break;
            token_copy(token_next(c), number, sizeof number);
            product *= atoll(number);
        } while (token_take(c, ","));
        if (strcmp(word, ".maxntid") == 0 || strcmp(word, ".reqntid") == 0) {
            k->block_limit = product;
            k->is_block_required = strcmp(word, ".reqntid") == 0;
        }
    }
}

/* Only note where it stands: functions and variables may come later in the text. */
static bool read_entry(struct ptx *p, struct cursor *c, struct cursor **body)
{
    struct kernel k = {.text = p->text, .block_limit = 1024};
    char name[128];

    for (int s = 0; s < SPECIALS; s++)
        k.special[s] = -1;
    token_copy(token_next(c), name, sizeof name);
    k.name = strdup(name);
    p->kernel = array_grow(p->kernel, p->kernels, sizeof *p->kernel);
    *body = array_grow(*body, p->kernels, sizeof **body);
    if (token_take(c, "(") && !read_params(p, c, &k)) {
        p->kernel[p->kernels++] = k;
        return false;
    }
    read_limits(c, &k);
    p->kernel[p->kernels] = k;
    (*body)[p->kernels] = *c;
    p->kernels++;
    if (!token_take(c, "{") || !skip_group(c, "{", "}"))
        return ptx_fail(p, c->line, "entry '%s' has no body", name);
    return true;
}

static bool read_outer(struct ptx *p, struct cursor *c, struct cursor **body)
{
    static const char *const linking[] = {".visible", ".extern", ".weak", ".common"};
    char word[64];
    struct token t = token_next(c);

    for (size_t i = 0; i < sizeof linking / sizeof *linking; i++)
        if (token_is(t, linking[i]))
            return true;
    token_copy(t, word, sizeof word);
    if (strcmp(word, ".version") == 0 || strcmp(word, ".address_size") == 0) {
        token_next(c);
        return true;
    }
    if (strcmp(word, ".target") == 0) {
        do
            token_next(c);
        while (token_take(c, ","));
        return true;
    }
    if (strcmp(word, ".entry") == 0)
        return read_entry(p, c, body);
    if (strcmp(word, ".func") == 0)
        return read_function(p, c);
    if (strcmp(word, ".global") == 0)
        return read_variable(p, c, SPACE_GLOBAL);
    if (strcmp(word, ".const") == 0)
        return read_variable(p, c, SPACE_CONST);
    if (strcmp(word, ".shared") == 0)
        return read_variable(p, c, SPACE_SHARED);
    if (strcmp(word, ".pragma") == 0) {
        token_next(c);
        return token_take(c, ";");
    }
    return ptx_fail(p, t.line, "unknown directive '%s'", word);
}

struct ptx *ptx_load(const char *text)
{
    struct ptx *p = calloc(1, sizeof *p);
    struct cursor c = {.line = 1}, *body = NULL;

    if (!p)
        return NULL;
    p->text = strdup(text);
    c.at = p->text;
    while (!p->error[0] && token_peek(&c).kind != TOKEN_END)
        if (!read_outer(p, &c, &body))
            ptx_fail(p, c.line, "not understood");
    for (int k = 0; k < p->kernels && !p->error[0]; k++)
        body_expand(p, &p->kernel[k], body[k]);
    free(body);
    return p;
}

static void kernel_release(struct kernel *k)
{
    for (int i = 0; i < k->length; i++)
        free((void *)k->code[i].table);
    free(k->name);
    free(k->code);
    free(k->constant);
    free(k->param);
}

void ptx_free(struct ptx *p)
{
    if (!p)
        return;
    for (int k = 0; k < p->kernels; k++)
        kernel_release(&p->kernel[k]);
    for (int v = 0; v < p->variables; v++)
        if (p->variable[v].space != SPACE_SHARED)
            allocation_free((void *)(uintptr_t)p->variable[v].offset, ALLOCATION_MODULE);
    free(p->kernel);
    free(p->variable);
    free(p->function);
    free(p->text);
    free(p);
}
