/* SPDX-License-Identifier: MIT */
/* Bits: logic on registers and on predicates, shifts, fields, permutations. */
#include "tests/emulator/cuda/machine.h"
#include "tests/emulator/cuda/rows.h"

#define SLOT(k) (w->slot[i->op[k]].v)

#define LANEWISE(name, expression)                                                         \
    static void name(struct warp *w, const struct insn *i, uint32_t lanes)                 \
    {                                                                                      \
        const uint64_t *x = SLOT(1), *y = i->operands > 2 ? SLOT(2) : x,                   \
                       *z = i->operands > 3 ? SLOT(3) : x;                                 \
        uint64_t mask = type_bytes(i->type) == 8 ? ~0ull                                   \
                                                 : (1ull << 8 * type_bytes(i->type)) - 1;  \
        unsigned width = 8 * (unsigned)type_bytes(i->type);                                \
                                                                                           \
        EACH(lanes, {                                                                      \
            uint64_t a = x[l] & mask, b = y[l], c = z[l];                                  \
            (void)a, (void)b, (void)c, (void)width;                                        \
            SLOT(0)[l] = (uint64_t)(expression) & mask;                                    \
        });                                                                                \
    }

static uint64_t shift_left(uint64_t a, uint32_t n, unsigned width)
{
    return n >= width ? 0 : a << n;
}

static uint64_t shift_right(uint64_t a, uint32_t n, unsigned width)
{
    return n >= width ? 0 : a >> n;
}

static uint64_t sign_extend(uint64_t a, unsigned width)
{
    return (uint64_t)((int64_t)(a << (64 - width)) >> (64 - width));
}

static uint64_t shift_signed(uint64_t a, uint32_t n, unsigned width)
{
    return (uint64_t)((int64_t)sign_extend(a, width) >> (n >= width ? width - 1 : n));
}

static uint64_t reverse(uint64_t a, unsigned width)
{
    uint64_t r = 0;

    for (unsigned n = 0; n < width; n++)
        r |= (a >> n & 1) << (width - 1 - n);
    return r;
}

static uint64_t leading_zeros(uint64_t a, unsigned width)
{
    return a ? (uint64_t)__builtin_clzll(a) - (64 - width) : width;
}

/* Field of `b` bits from `at`; signed types copy its top bit upwards. */
static uint64_t field(const struct insn *i, uint64_t a, uint64_t at, uint64_t b, unsigned width)
{
    bool is_signed = i->type == TYPE_S32 || i->type == TYPE_S64;
    unsigned n = (unsigned)(b & 0xff), from = (unsigned)(at & 0xff), top = from + n - 1;
    uint64_t r = n == 0 ? 0 : shift_right(a, from, width);

    if (n == 0)
        return 0;
    if (n < width)
        r &= (1ull << n) - 1;
    top = top > width - 1 ? width - 1 : top;
    if (is_signed && a >> top & 1 && n < width)
        r |= from + n > width ? ~0ull << (from < width ? width - from : 0) : ~0ull << n;
    return r;
}

static void bfi(struct warp *w, const struct insn *i, uint32_t lanes)
{
    unsigned width = 8 * (unsigned)type_bytes(i->type);

    EACH(lanes, {
        uint64_t a = SLOT(1)[l], b = SLOT(2)[l], at = SLOT(3)[l] & 0xff, n = SLOT(4)[l] & 0xff;
        uint64_t m = n >= 64 ? ~0ull : (1ull << n) - 1;

        if (width == 32)
            a = (uint32_t)a;
        m = at >= width ? 0 : m << at;
        b = at >= width ? b : (b & ~m) | (a << at & m);
        SLOT(0)[l] = width == 32 ? (uint32_t)b : b;
    });
}

static void bfind(struct warp *w, const struct insn *i, uint32_t lanes)
{
    unsigned width = 8 * (unsigned)type_bytes(i->type);
    bool is_signed = i->type == TYPE_S32 || i->type == TYPE_S64;

    EACH(lanes, {
        uint64_t a = width == 32 ? (uint32_t)SLOT(1)[l] : SLOT(1)[l];

        if (is_signed && a >> (width - 1))
            a = width == 32 ? (uint32_t)~a : ~a;
        uint32_t at = a ? 63u - (uint32_t)__builtin_clzll(a) : 0xffffffffu;
        SLOT(0)[l] = i->mode && a ? width - 1 - at : at;
    });
}

/* Choose bytes of b:a by the nibbles of c; bit 3 copies the byte's sign. */
static void prmt(struct warp *w, const struct insn *i, uint32_t lanes)
{
    EACH(lanes, {
        uint64_t both = (SLOT(1)[l] & 0xffffffffu) | SLOT(2)[l] << 32;
        uint32_t result = 0;

        for (int n = 0; n < 4; n++) {
            unsigned pick = SLOT(3)[l] >> 4 * n & 15;
            uint8_t byte = (uint8_t)(both >> 8 * (pick & 7));

            if (pick & 8)
                byte = byte & 0x80 ? 0xff : 0;
            result |= (uint32_t)byte << 8 * n;
        }
        SLOT(0)[l] = result;
    });
}

/* Any function of three bits, as a table of eight. */
static void lop3(struct warp *w, const struct insn *i, uint32_t lanes)
{
    EACH(lanes, {
        uint32_t a = (uint32_t)SLOT(1)[l], b = (uint32_t)SLOT(2)[l], c = (uint32_t)SLOT(3)[l];
        uint32_t table = (uint32_t)SLOT(4)[l], result = 0;

        for (int n = 0; n < 8; n++)
            if (table >> n & 1)
                result |= (n & 4 ? a : ~a) & (n & 2 ? b : ~b) & (n & 1 ? c : ~c);
        SLOT(0)[l] = result;
    });
}

/* Funnel shift: modes l.clamp 1, r.clamp 2, l.wrap 3, r.wrap 4 by the rows below. */
static void funnel(struct warp *w, const struct insn *i, uint32_t lanes, bool is_left)
{
    EACH(lanes, {
        uint64_t both = (SLOT(1)[l] & 0xffffffffu) | SLOT(2)[l] << 32;
        uint32_t n = (uint32_t)SLOT(3)[l];

        n = i->mode == 2 ? n & 31 : n > 32 ? 32 : n;
        SLOT(0)[l] = (uint32_t)(is_left ? both << n >> 32 : both >> n);
        if (is_left && n == 32)
            SLOT(0)[l] = (uint32_t)both;
    });
}

static void funnel_left(struct warp *w, const struct insn *i, uint32_t lanes)
{
    funnel(w, i, lanes, true);
}

static void funnel_right(struct warp *w, const struct insn *i, uint32_t lanes)
{
    funnel(w, i, lanes, false);
}

LANEWISE(and_, a &b)
LANEWISE(or_, a | b)
LANEWISE(xor_, a ^ b)
LANEWISE(not_, ~a)
LANEWISE(cnot, a == 0)
LANEWISE(shl, shift_left(a, (uint32_t)b, width))
LANEWISE(shr_unsigned, shift_right(a, (uint32_t)b, width))
LANEWISE(shr_signed, shift_signed(a, (uint32_t)b, width))
LANEWISE(brev, reverse(a, width))
LANEWISE(bfe, field(i, a, b, c, width))

static void popc(struct warp *w, const struct insn *i, uint32_t lanes)
{
    uint64_t mask = type_bytes(i->type) == 8 ? ~0ull : 0xffffffffu;

    EACH(lanes, { SLOT(0)[l] = (uint64_t)__builtin_popcountll(SLOT(1)[l] & mask); });
}

static void clz(struct warp *w, const struct insn *i, uint32_t lanes)
{
    unsigned width = 8 * (unsigned)type_bytes(i->type);

    EACH(lanes, {
        SLOT(0)[l] = leading_zeros(width == 32 ? (uint32_t)SLOT(1)[l] : SLOT(1)[l], width);
    });
}

/* ---- predicates: a bit per lane ------------------------------------------------------- */

static uint32_t predicate(const struct warp *w, const struct insn *i, int k)
{
    uint32_t value = (uint32_t)w->slot[i->op[k]].v[0];

    return i->negated >> k & 1 ? ~value : value;
}

static void predicate_set(struct warp *w, const struct insn *i, uint32_t lanes, uint32_t value)
{
    uint64_t *at = &w->slot[i->op[0]].v[0];

    *at = (*at & ~(uint64_t)lanes) | (value & lanes);
}

#define PREDICATES(name, expression)                                                       \
    static void name(struct warp *w, const struct insn *i, uint32_t lanes)                 \
    {                                                                                      \
        predicate_set(w, i, lanes, expression);                                            \
    }
PREDICATES(and_pred, predicate(w, i, 1) & predicate(w, i, 2))
PREDICATES(or_pred, predicate(w, i, 1) | predicate(w, i, 2))
PREDICATES(xor_pred, predicate(w, i, 1) ^ predicate(w, i, 2))
PREDICATES(not_pred, ~predicate(w, i, 1))
PREDICATES(mov_pred, predicate(w, i, 1))

const struct row bit_rows[] = {
    {"and", TYPE_NONE, and_, NULL, 0}, {"or", TYPE_NONE, or_, NULL, 0},
    {"xor", TYPE_NONE, xor_, NULL, 0}, {"not", TYPE_NONE, not_, NULL, 0},
    {"cnot", TYPE_NONE, cnot, NULL, 0}, {"shl", TYPE_NONE, shl, NULL, 0},
    {"shr", TYPE_S16, shr_signed, NULL, 0}, {"shr", TYPE_S32, shr_signed, NULL, 0},
    {"shr", TYPE_S64, shr_signed, NULL, 0}, {"shr", TYPE_NONE, shr_unsigned, NULL, 0},
    {"brev", TYPE_NONE, brev, NULL, 0}, {"bfe", TYPE_NONE, bfe, NULL, 0},
    {"bfi", TYPE_NONE, bfi, NULL, 0}, {"bfind", TYPE_NONE, bfind, "shiftamt", 0},
    {"popc", TYPE_NONE, popc, NULL, 0}, {"clz", TYPE_NONE, clz, NULL, 0},
    {"prmt", TYPE_B32, prmt, NULL, 0}, {"lop3", TYPE_B32, lop3, NULL, 0},
    {"shf.l", TYPE_B32, funnel_left, "clamp wrap", 0},
    {"shf.r", TYPE_B32, funnel_right, "clamp wrap", 0},
    {"and.pred", TYPE_NONE, and_pred, NULL, 0}, {"or.pred", TYPE_NONE, or_pred, NULL, 0},
    {"xor.pred", TYPE_NONE, xor_pred, NULL, 0}, {"not.pred", TYPE_NONE, not_pred, NULL, 0},
    {"mov.pred", TYPE_NONE, mov_pred, NULL, 0},
    {0}};
