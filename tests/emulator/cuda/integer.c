/* SPDX-License-Identifier: MIT */
/* Integer arithmetic and comparisons of every type; selection by predicate. Each operation is
 * one macro line, expanded for its types. */
#include "tests/emulator/cuda/narrow.h"
#include "tests/emulator/cuda/rows.h"

#define SLOT(k) (w->slot[i->op[k]].v)
#define PUT(T, value) (SLOT(0)[l] = (uint64_t)(u##T)(value))

typedef uint16_t uu16;
typedef uint16_t us16;
typedef uint32_t uu32;
typedef uint32_t us32;
typedef uint64_t uu64;
typedef uint64_t us64;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef __uint128_t wide_u64;
typedef __int128_t wide_s64;
typedef uint64_t wide_u32;
typedef int64_t wide_s32;
typedef uint32_t wide_u16;
typedef int32_t wide_s16;

#define ARITHMETIC(name, T, expression)                                                    \
    static void name##_##T(struct warp *w, const struct insn *i, uint32_t lanes)           \
    {                                                                                      \
        const uint64_t *x = SLOT(1), *y = i->operands > 2 ? SLOT(2) : x,                   \
                       *z = i->operands > 3 ? SLOT(3) : x;                                 \
        EACH(lanes, {                                                                      \
            T a = (T)x[l], b = (T)y[l], c = (T)z[l];                                       \
            (void)a, (void)b, (void)c;                                                     \
            PUT(T, expression);                                                            \
        });                                                                                \
    }

#define OF_ALL(name, expression)                                                           \
    ARITHMETIC(name, u16, expression)                                                      \
    ARITHMETIC(name, s16, expression)                                                      \
    ARITHMETIC(name, u32, expression)                                                      \
    ARITHMETIC(name, s32, expression)                                                      \
    ARITHMETIC(name, u64, expression)                                                      \
    ARITHMETIC(name, s64, expression)

/* Sums and products wrap: they are computed unsigned. */
OF_ALL(add, (u64)a + (u64)b)
OF_ALL(sub, (u64)a - (u64)b)
OF_ALL(mul_lo, (u64)a *(u64)b)
OF_ALL(mad_lo, (u64)a *(u64)b + (u64)c)
OF_ALL(min, a < b ? a : b)
OF_ALL(max, a > b ? a : b)
OF_ALL(neg, -(u64)a)
OF_ALL(abs, a + 0.0 < 0 ? -(u64)a : (u64)a)
#undef OF_ALL

#define HIGH(T)                                                                            \
    ARITHMETIC(mul_hi, T, ((wide_##T)a * (wide_##T)b) >> (8 * sizeof(T)))                  \
    ARITHMETIC(mad_hi, T, (u64)(((wide_##T)a * (wide_##T)b) >> (8 * sizeof(T))) + (u64)c)  \
    ARITHMETIC(div, T, b == 0 ? (T)-1 : b == (T)-1 && (T)-1 < (T)1 ? (T)-(u64)a : (T)(a / b)) \
    ARITHMETIC(rem, T, b == 0 ? a : b == (T)-1 && (T)-1 < (T)1 ? (T)0 : (T)(a % b))
HIGH(u16) HIGH(s16) HIGH(u32) HIGH(s32) HIGH(u64) HIGH(s64)

#define WIDE(T, W)                                                                         \
    static void mul_wide_##T(struct warp *w, const struct insn *i, uint32_t lanes)         \
    {                                                                                      \
        EACH(lanes, { SLOT(0)[l] = (u##W)((W)(T)SLOT(1)[l] * (W)(T)SLOT(2)[l]); });        \
    }                                                                                      \
    static void mad_wide_##T(struct warp *w, const struct insn *i, uint32_t lanes)         \
    {                                                                                      \
        EACH(lanes, {                                                                      \
            SLOT(0)[l] = (u##W)((u##W)((W)(T)SLOT(1)[l] * (W)(T)SLOT(2)[l]) + SLOT(3)[l]); \
        });                                                                                \
    }
WIDE(u16, u32) WIDE(s16, s32) WIDE(u32, u64) WIDE(s32, s64)

/* Which of a < b, a == b, a > b (bits 0, 1, 2) satisfy a comparison. Bit 3: unordered, of
 * floating point. The order is that of COMPARISONS. */
#define COMPARISONS "eq ne lt le gt ge lo ls hi hs equ neu ltu leu gtu geu num nan"
static const uint8_t accepted[] = {0, 2, 5, 1, 3, 4, 6, 1, 3, 4, 6, 10, 13, 9, 11, 12, 14, 7, 8};

static void predicate_put(struct warp *w, int slot, uint32_t lanes, uint32_t value)
{
    uint32_t *at = (uint32_t *)&w->slot[slot].v[0];

    *at = (*at & ~lanes) | (value & lanes);
}

static uint32_t predicate_get(const struct warp *w, const struct insn *i, int k)
{
    uint32_t value = (uint32_t)w->slot[i->op[k]].v[0];

    return i->negated >> k & 1 ? ~value : value;
}

/* d|p = comparison [combined with a further predicate] */
static void setp_put(struct warp *w, const struct insn *i, uint32_t lanes, uint32_t value)
{
    uint32_t third = i->operands > 3 ? predicate_get(w, i, 3) : 0, other = ~value;

    if (i->combine == 1) {
        value &= third;
        other &= third;
    } else if (i->combine == 2) {
        value |= third;
        other |= third;
    } else if (i->combine == 3) {
        value ^= third;
        other ^= third;
    }
    predicate_put(w, i->op[0], lanes, value);
    if (i->pair >= 0)
        predicate_put(w, i->pair, lanes, other);
}

#define ORDER(a, b) ((a) < (b) ? 1 : (a) == (b) ? 2 : (a) > (b) ? 4 : 8)
#define COMPARE(T, A, B)                                                                   \
    static uint32_t compare_##T(struct warp *w, const struct insn *i, uint32_t lanes)      \
    {                                                                                      \
        uint32_t value = 0, accept = accepted[i->mode];                                    \
                                                                                           \
        EACH(lanes, { value |= (uint32_t)((accept & ORDER(A, B)) != 0) << l; });           \
        return value;                                                                      \
    }                                                                                      \
    static void setp_##T(struct warp *w, const struct insn *i, uint32_t lanes)             \
    {                                                                                      \
        setp_put(w, i, lanes, compare_##T(w, i, lanes));                                   \
    }                                                                                      \
    /* set: all ones, or 1.0 for an f32 result */                                          \
    static void set_##T(struct warp *w, const struct insn *i, uint32_t lanes)              \
    {                                                                                      \
        uint32_t value = compare_##T(w, i, lanes);                                         \
        uint64_t yes = i->type == TYPE_F32 ? float_bits(1) : 0xffffffffu;                  \
                                                                                           \
        EACH(lanes, { SLOT(0)[l] = value >> l & 1 ? yes : 0; });                           \
    }
COMPARE(u16, (u16)SLOT(1)[l], (u16)SLOT(2)[l])
COMPARE(s16, (s16)SLOT(1)[l], (s16)SLOT(2)[l])
COMPARE(u32, (u32)SLOT(1)[l], (u32)SLOT(2)[l])
COMPARE(s32, (s32)SLOT(1)[l], (s32)SLOT(2)[l])
COMPARE(u64, (u64)SLOT(1)[l], (u64)SLOT(2)[l])
COMPARE(s64, (s64)SLOT(1)[l], (s64)SLOT(2)[l])
COMPARE(f32, float_of(SLOT(1)[l]), float_of(SLOT(2)[l]))
COMPARE(f64, double_of(SLOT(1)[l]), double_of(SLOT(2)[l]))

static void set_any(struct warp *w, const struct insn *i, uint32_t lanes)
{
    switch (i->source) {
    case TYPE_S32: set_s32(w, i, lanes); break;
    case TYPE_S64: set_s64(w, i, lanes); break;
    case TYPE_U64: case TYPE_B64: set_u64(w, i, lanes); break;
    case TYPE_U16: case TYPE_B16: set_u16(w, i, lanes); break;
    case TYPE_S16: set_s16(w, i, lanes); break;
    case TYPE_F32: set_f32(w, i, lanes); break;
    case TYPE_F64: set_f64(w, i, lanes); break;
    case TYPE_F16: case TYPE_BF16: case TYPE_F16X2: case TYPE_BF16X2:
        narrow_set(w, i, lanes);
        break;
    default: set_u32(w, i, lanes);
    }
}

static void selp(struct warp *w, const struct insn *i, uint32_t lanes)
{
    uint32_t which = predicate_get(w, i, 3);
    const uint64_t *a = SLOT(1), *b = SLOT(2);

    EACH(lanes, { SLOT(0)[l] = which >> l & 1 ? a[l] : b[l]; });
}

/* Four (two) products of bytes (and halves) added to c; the types are those of a and b. */
static void dp4a(struct warp *w, const struct insn *i, uint32_t lanes)
{
    EACH(lanes, {
        uint32_t a = (u32)SLOT(1)[l], b = (u32)SLOT(2)[l], sum = (u32)SLOT(3)[l];
        for (int n = 0; n < 32; n += 8) {
            int32_t x = i->type == TYPE_S32 ? (int8_t)(a >> n) : (uint8_t)(a >> n);
            int32_t y = i->source == TYPE_S32 ? (int8_t)(b >> n) : (uint8_t)(b >> n);

            sum += (uint32_t)(x * y);
        }
        SLOT(0)[l] = sum;
    });
}

/* Carries: one bit per lane, in the warp's own predicate. */
#define CARRY(name, T, first, WIDE_SUM)                                                         \
    static void name##_##T(struct warp *w, const struct insn *i, uint32_t lanes)           \
    {                                                                                      \
        EACH(lanes, {                                                                      \
            __uint128_t a = (T)SLOT(1)[l], b = (T)SLOT(2)[l];                              \
            __uint128_t c = i->operands > 3 ? (T)SLOT(3)[l] : 0, carry = w->carry >> l & 1; \
            __uint128_t sum = WIDE_SUM;                                                    \
            (void)c, (void)carry;                                                          \
            SLOT(0)[l] = (T)sum;                                                           \
            if (first || i->mode)                                                           \
                w->carry = (w->carry & ~(1u << l)) |                                       \
                           (uint32_t)(sum >> (8 * sizeof(T)) & 1) << l;                    \
        });                                                                                \
    }
#define CARRIES(T)                                                                         \
    CARRY(add_cc, T, true, a + b)                                                                \
    CARRY(addc, T, false, a + b + carry)                                                          \
    CARRY(sub_cc, T, true, a - b)                                                                \
    CARRY(subc, T, false, a - b - carry)                                                          \
    CARRY(mad_lo_cc, T, true, (T)(a * b) + c)                                                    \
    CARRY(madc_lo, T, false, (T)(a * b) + c + carry)                                              \
    CARRY(mad_hi_cc, T, true, (T)((a * b) >> (8 * sizeof(T))) + c)                               \
    CARRY(madc_hi, T, false, (T)((a * b) >> (8 * sizeof(T))) + c + carry)
CARRIES(u32)
CARRIES(u64)

#define ROWS_16(base, run, modes)                                                          \
    {base, TYPE_U16, run##_u16, modes, 0}, {base, TYPE_S16, run##_s16, modes, 0},
#define ROWS_32(base, run, modes)                                                          \
    {base, TYPE_U32, run##_u32, modes, 0}, {base, TYPE_S32, run##_s32, modes, 0},
#define ROWS_64(base, run, modes)                                                          \
    {base, TYPE_U64, run##_u64, modes, 0}, {base, TYPE_S64, run##_s64, modes, 0},
#define ROWS(base, run) ROWS_16(base, run, NULL) ROWS_32(base, run, NULL) ROWS_64(base, run, NULL)
#define BITS(base, run, modes)                                                             \
    {base, TYPE_B16, run##_u16, modes, 0}, {base, TYPE_B32, run##_u32, modes, 0},          \
        {base, TYPE_B64, run##_u64, modes, 0},
#define CARRY_ROWS(base, run)                                                              \
    {base, TYPE_U32, run##_u32, "cc", 0}, {base, TYPE_S32, run##_u32, "cc", 0},            \
        {base, TYPE_U64, run##_u64, "cc", 0}, {base, TYPE_S64, run##_u64, "cc", 0},

const struct row integer_rows[] = {
    ROWS("add", add) ROWS("sub", sub) ROWS("mul.lo", mul_lo) ROWS("mad.lo", mad_lo)
    ROWS("min", min) ROWS("max", max) ROWS("neg", neg) ROWS("abs", abs)
    ROWS("mul.hi", mul_hi) ROWS("mad.hi", mad_hi) ROWS("div", div) ROWS("rem", rem)
    ROWS_16("mul.wide", mul_wide, NULL) ROWS_32("mul.wide", mul_wide, NULL)
    ROWS_16("mad.wide", mad_wide, NULL) ROWS_32("mad.wide", mad_wide, NULL)
    ROWS_16("setp", setp, COMPARISONS) ROWS_32("setp", setp, COMPARISONS)
    ROWS_64("setp", setp, COMPARISONS) BITS("setp", setp, COMPARISONS)
    {"setp", TYPE_F32, setp_f32, COMPARISONS, 0}, {"setp", TYPE_F64, setp_f64, COMPARISONS, 0},
    {"set", TYPE_NONE, set_any, COMPARISONS, 0}, {"selp", TYPE_NONE, selp, NULL, 0},
    {"dp4a", TYPE_NONE, dp4a, NULL, 0},
    CARRY_ROWS("add.cc", add_cc) CARRY_ROWS("sub.cc", sub_cc)
    CARRY_ROWS("mad.lo.cc", mad_lo_cc) CARRY_ROWS("mad.hi.cc", mad_hi_cc)
    CARRY_ROWS("addc", addc) CARRY_ROWS("subc", subc)
    CARRY_ROWS("madc.lo", madc_lo) CARRY_ROWS("madc.hi", madc_hi)
    {0}};
