/* SPDX-License-Identifier: MIT */
/* f16 and bf16 arithmetic, one or two values in a register. Products of two such numbers are
 * exact in double; their sum with a third is rounded to odd there, so that the rounding to
 * the narrow format is the only one (Boldo and Melquiond, 2008). */
#include "tests/emulator/cuda/narrow.h"

#include <fenv.h>
#include <math.h>

#include "tests/emulator/cuda/rows.h"

#define SLOT(k) (w->slot[i->op[k]].v)

struct format {
    int exponent_bits, mantissa_bits;
};

static struct format format_of(enum type type)
{
    switch (type) {
    case TYPE_F16: case TYPE_F16X2: return (struct format){5, 10};
    case TYPE_BF16: case TYPE_BF16X2: return (struct format){8, 7};
    case TYPE_TF32: return (struct format){8, 10};
    default: return (struct format){8, 23};
    }
}

double narrow_value(enum type type, uint32_t bits)
{
    if (type == TYPE_F16 || type == TYPE_F16X2) {
        int exponent = bits >> 10 & 31, mantissa = bits & 1023;
        double value = exponent == 31 ? (mantissa ? NAN : INFINITY)
                       : exponent     ? ldexp(1024 + mantissa, exponent - 25)
                                      : ldexp(mantissa, -24);

        return bits & 0x8000 ? -value : value;
    }
    if (type == TYPE_TF32)
        return (double)float_of(bits & ~0x1fffu);
    return (double)float_of(bits << 16);
}

/* |value| in units of the last place, rounded as the sign demands. */
static double rounded(double units, enum rounding rounding, bool is_negative)
{
    switch (rounding) {
    case ROUND_ZERO: return floor(units);
    case ROUND_DOWN: return is_negative ? ceil(units) : floor(units);
    case ROUND_UP: return is_negative ? floor(units) : ceil(units);
    case ROUND_AWAY: return floor(units + 0.5);
    default: return nearbyint(units);
    }
}

uint32_t narrow_bits(enum type type, double value, enum rounding rounding)
{
    struct format f = format_of(type);
    int shift = type == TYPE_TF32 ? 13 : 0, bias = (1 << (f.exponent_bits - 1)) - 1, exponent;
    bool is_negative = signbit(value);
    uint32_t sign = (uint32_t)is_negative << (f.exponent_bits + f.mantissa_bits), bits;
    uint32_t infinity = ((1u << f.exponent_bits) - 1) << f.mantissa_bits;

    if (isnan(value))
        return f.exponent_bits + f.mantissa_bits == 15 ? 0x7fffu : 0x7fffffffu;
    if (value == 0)
        return sign << shift;
    if (isinf(value))
        return (sign | infinity) << shift;
    frexp(fabs(value), &exponent); /* |value| in [2^(exponent-1), 2^exponent) */
    exponent = exponent - 1 < 1 - bias ? 1 - bias : exponent - 1;
    value = rounded(ldexp(fabs(value), f.mantissa_bits - exponent), rounding, is_negative);
    /* a carry into the next exponent, or out of the subnormals, comes by itself */
    if (exponent > bias) {
        bits = infinity;
    } else {
        bits = (uint32_t)(exponent + bias - 1) << f.mantissa_bits;
        bits += (uint32_t)value;
    }
    if (bits >= infinity) {
        bool to_largest = rounding == ROUND_ZERO || (rounding == ROUND_DOWN && !is_negative) ||
                          (rounding == ROUND_UP && is_negative);

        bits = to_largest ? infinity - 1 : infinity;
    }
    return (sign | bits) << shift;
}

double fused_odd(double a, double b, double c)
{
    double product = a * b, sum = product + c, back = sum - product;
    double rest = (product - (sum - back)) + (c - back);

    if (!isfinite(sum) || rest == 0)
        return sum;
    if (!(double_bits(sum) & 1))
        sum = nextafter(sum, rest > 0 ? INFINITY : -INFINITY);
    return sum;
}

enum operation {
    NARROW_ADD = 1, NARROW_SUB, NARROW_MUL, NARROW_FMA, NARROW_NEG, NARROW_ABS, NARROW_MIN,
    NARROW_MAX, NARROW_EX2, NARROW_TANH
};

static double extreme(const struct insn *i, enum operation operation, double a, double b)
{
    if (i->mode && (isnan(a) || isnan(b)))
        return NAN;
    if (a == b)
        return signbit(a) == (operation == NARROW_MIN) ? a : b;
    return operation == NARROW_MIN ? fmin(a, b) : fmax(a, b);
}

static uint32_t one(const struct insn *i, enum operation operation, uint32_t x, uint32_t y,
                    uint32_t z)
{
    double a = narrow_value(i->type, x), b = narrow_value(i->type, y),
           c = narrow_value(i->type, z), r;

    switch (operation) {
    case NARROW_NEG: return x ^ 0x8000;
    case NARROW_ABS: return x & 0x7fff;
    case NARROW_ADD: r = fused_odd(a, 1, b); break;
    case NARROW_SUB: r = fused_odd(a, 1, -b); break;
    case NARROW_MUL: r = a * b; break;
    case NARROW_FMA: r = fused_odd(a, b, c); break;
    case NARROW_EX2: r = exp2(a); break;
    case NARROW_TANH: r = tanh(a); break;
    default: r = extreme(i, operation, a, b);
    }
    if (i->is_sat)
        r = !(r > 0) ? 0 : r > 1 ? 1 : r;
    if (i->is_relu && !isnan(r))
        r = r > 0 ? r : 0;
    return narrow_bits(i->type, r, i->rounding);
}

static void narrow(struct warp *w, const struct insn *i, uint32_t lanes, enum operation o)
{
    bool is_pair = i->type == TYPE_F16X2 || i->type == TYPE_BF16X2;
    const uint64_t *x = SLOT(1), *y = i->operands > 2 ? SLOT(2) : x,
                   *z = i->operands > 3 ? SLOT(3) : x;

    EACH(lanes, {
        uint32_t a = (uint32_t)x[l], b = (uint32_t)y[l], c = (uint32_t)z[l];
        uint32_t low = one(i, o, a & 0xffff, b & 0xffff, c & 0xffff);

        SLOT(0)[l] = is_pair ? low | one(i, o, a >> 16, b >> 16, c >> 16) << 16 : low;
    });
}

#define NARROW(name, operation)                                                            \
    static void name(struct warp *w, const struct insn *i, uint32_t lanes)                 \
    {                                                                                      \
        narrow(w, i, lanes, operation);                                                    \
    }
NARROW(add, NARROW_ADD)
NARROW(sub, NARROW_SUB)
NARROW(mul, NARROW_MUL)
NARROW(fma_, NARROW_FMA)
NARROW(neg, NARROW_NEG)
NARROW(abs_, NARROW_ABS)
NARROW(min, NARROW_MIN)
NARROW(max, NARROW_MAX)
NARROW(ex2, NARROW_EX2)
NARROW(tanh_, NARROW_TANH)

/* Comparison of one value or of two: setp.lt.f16x2 p|q, a, b. The table is integer.c's. */
static const uint8_t accepted[] = {0, 2, 5, 1, 3, 4, 6, 1, 3, 4, 6, 10, 13, 9, 11, 12, 14, 7, 8};

static bool compare(const struct insn *i, enum type type, uint32_t x, uint32_t y)
{
    double a = narrow_value(type, x & 0xffff), b = narrow_value(type, y & 0xffff);
    int order = a < b ? 1 : a == b ? 2 : a > b ? 4 : 8;

    return accepted[i->mode] & order;
}

static void setp(struct warp *w, const struct insn *i, uint32_t lanes)
{
    EACH(lanes, {
        uint32_t a = (uint32_t)SLOT(1)[l], b = (uint32_t)SLOT(2)[l], bit = 1u << l;
        bool low = compare(i, i->type, a, b), is_pair = i->type == TYPE_F16X2 ||
                                                        i->type == TYPE_BF16X2;
        bool high = is_pair ? compare(i, i->type, a >> 16, b >> 16) : !low;
        uint64_t *p = &SLOT(0)[0];

        *p = low ? *p | bit : *p & ~(uint64_t)bit;
        if (i->pair >= 0) {
            p = &w->slot[i->pair].v[0];
            *p = high ? *p | bit : *p & ~(uint64_t)bit;
        }
    });
}

/* set.lt.f16x2.f16x2: 1.0 where it holds; set.lt.u32.f16x2: all ones of the half. */
void narrow_set(struct warp *w, const struct insn *i, uint32_t lanes)
{
    bool is_pair = i->source == TYPE_F16X2 || i->source == TYPE_BF16X2;
    bool is_float = i->type == TYPE_F16 || i->type == TYPE_F16X2 || i->type == TYPE_BF16 ||
                    i->type == TYPE_BF16X2;
    uint32_t yes = is_float ? narrow_bits(i->type, 1, ROUND_NEAREST) : 0xffffu;

    EACH(lanes, {
        uint32_t a = (uint32_t)SLOT(1)[l], b = (uint32_t)SLOT(2)[l], r;

        r = compare(i, i->source, a, b) ? yes : 0;
        if (is_pair)
            r |= compare(i, i->source, a >> 16, b >> 16) ? yes << 16 : 0;
        else if (!is_float && r)
            r = type_bytes(i->type) == 2 ? 0xffffu : 0xffffffffu;
        SLOT(0)[l] = r;
    });
}

#define COMPARISONS "eq ne lt le gt ge lo ls hi hs equ neu ltu leu gtu geu num nan"
#define FOUR(name, run, modes)                                                             \
    {name, TYPE_F16, run, modes, 0}, {name, TYPE_F16X2, run, modes, 0},                    \
        {name, TYPE_BF16, run, modes, 0}, {name, TYPE_BF16X2, run, modes, 0}

const struct row narrow_rows[] = {
    FOUR("add", add, NULL), FOUR("sub", sub, NULL), FOUR("mul", mul, NULL),
    FOUR("fma", fma_, NULL), FOUR("neg", neg, NULL), FOUR("abs", abs_, NULL),
    FOUR("min", min, "NaN"), FOUR("max", max, "NaN"), FOUR("ex2", ex2, NULL),
    FOUR("tanh", tanh_, NULL), FOUR("setp", setp, COMPARISONS),
    {0}};
