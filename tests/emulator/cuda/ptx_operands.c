/* SPDX-License-Identifier: MIT */
#include "tests/emulator/cuda/ptx_body.h"

#include <string.h>

static bool operand_add(struct expansion *e, struct insn *i, int slot, int line)
{
    if (i->operands == OPERANDS)
        return ptx_fail(e->ptx, line, "too many operands");
    i->op[i->operands++] = slot;
    return true;
}

static uint64_t variable_value(const struct variable *v, enum space space)
{
    uint64_t window = v->space == SPACE_SHARED ? WINDOW_SHARED
                      : v->space == SPACE_LOCAL ? WINDOW_LOCAL
                      : v->space == SPACE_PARAM ? WINDOW_PARAM : 0;

    return v->offset + (space == SPACE_GENERIC ? window : 0);
}

bool read_word(struct expansion *e, struct cursor *c, struct insn *i, bool is_negative, int space)
{
    char word[128];
    struct token t = token_next(c);
    const struct variable *v;
    uint64_t bits;
    int slot;

    token_copy(t, word, sizeof word);
    if (t.kind == TOKEN_WORD && number_read(word, i->type == TYPE_F64, &bits)) {
        bits = is_negative ? -bits : bits;
        if (is_negative && strchr(word, '.'))
            bits = i->type == TYPE_F64 ? -bits ^ 1ull << 63 : (uint32_t)-bits ^ 1u << 31;
        if (i->type == TYPE_PRED)
            bits = bits ? ~0ull : 0;
        return operand_add(e, i, constant_slot(e, bits, false), t.line);
    }
    if (strcmp(word, "_") == 0)
        return operand_add(e, i, e->kernel->slots++, t.line);
    if (strcmp(word, "WARP_SZ") == 0)
        return operand_add(e, i, constant_slot(e, LANES, false), t.line);
    slot = register_find(e, word);
    if (slot >= 0)
        return operand_add(e, i, slot, t.line);
    v = variable_find(e, word);
    if (!v)
        return ptx_fail(e->ptx, t.line, "unknown name '%s'", word);
    if (space == SPACE_PARAM && v->space == SPACE_LOCAL)
        i->space = SPACE_LOCAL; /* an argument of an expanded call */
    bits = variable_value(v, space == -1 ? v->space : (enum space)space);
    if (space == -1 && token_take(c, "+")) {
        char number[40];
        uint64_t more = 0;

        token_copy(token_next(c), number, sizeof number);
        number_read(number, false, &more);
        bits += more;
    }
    return operand_add(e, i, constant_slot(e, bits, v->is_dynamic_shared), t.line);
}

/* "[base+offset]", the bracket being read. */
static bool read_address(struct expansion *e, struct cursor *c, struct insn *i, int address)
{
    char number[40];
    uint64_t offset = 0;
    bool is_negative;

    if (address > 1)
        return ptx_fail(e->ptx, c->line, "too many addresses");
    /* cp.async names its destination first: shared, then global */
    if (!read_word(e, c, i, false, (int)(address ? SPACE_GLOBAL : i->space)))
        return false;
    if (token_take(c, "+")) {
        is_negative = token_take(c, "-");
    } else if (token_take(c, "-")) {
        is_negative = true;
    } else {
        return token_take(c, "]") || ptx_fail(e->ptx, c->line, "']' is missing");
    }
    token_copy(token_next(c), number, sizeof number);
    if (!number_read(number, false, &offset) || !token_take(c, "]"))
        return ptx_fail(e->ptx, c->line, "bad offset '%s'", number);
    i->offset[address] = is_negative ? -(int64_t)offset : (int64_t)offset;
    return true;
}

bool read_operand(struct expansion *e, struct cursor *c, struct insn *i, int *addresses)
{
    if (token_take(c, "{")) {
        if (i->operands > 0 && i->mode == 0 && i->is_packing)
            i->mode = 1; /* mov.b64 x, {lo, hi} */
        while (!token_take(c, "}")) {
            if (!read_operand(e, c, i, addresses))
                return false;
            token_take(c, ",");
        }
        return true;
    }
    if (token_take(c, "["))
        return read_address(e, c, i, (*addresses)++);
    if (token_take(c, "!")) {
        i->negated |= 1u << i->operands;
        return read_word(e, c, i, false, -1);
    }
    if (!read_word(e, c, i, token_take(c, "-"), -1))
        return false;
    if (token_take(c, "|")) {
        if (!read_word(e, c, i, false, -1))
            return false;
        i->pair = i->op[--i->operands];
    }
    return true;
}
