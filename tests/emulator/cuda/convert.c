/* SPDX-License-Identifier: MIT */
/* cvt between any two types, and moves: registers, packing and unpacking of vectors, address
 * space conversions. */
#include <fenv.h>
#include <math.h>
#include <time.h>

#include "tests/emulator/cuda/narrow.h"
#include "tests/emulator/cuda/rows.h"

#define SLOT(k) (w->slot[i->op[k]].v)

static const int host_rounding[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD,
                                    FE_TONEAREST};

static bool is_float(enum type t)
{
    return t == TYPE_F16 || t == TYPE_BF16 || t == TYPE_F32 || t == TYPE_F64 || t == TYPE_TF32;
}

static bool is_signed(enum type t)
{
    return t == TYPE_S8 || t == TYPE_S16 || t == TYPE_S32 || t == TYPE_S64;
}

static double float_read(enum type t, uint64_t bits)
{
    return t == TYPE_F64 ? double_of(bits) : t == TYPE_F32 ? (double)float_of(bits)
                                                           : narrow_value(t, (uint32_t)bits);
}

static uint64_t float_write(const struct insn *i, enum type t, double x)
{
    if (i->is_sat)
        x = !(x > 0) ? 0 : x > 1 ? 1 : x;
    if (i->is_relu && !isnan(x))
        x = x > 0 ? x : 0;
    if (t == TYPE_F64)
        return double_bits(x);
    if (i->is_ftz && t == TYPE_F32 && fabs(x) < 0x1p-126)
        x = copysign(0, x);
    return narrow_bits(t, x, i->is_integer_rounding ? ROUND_NEAREST : i->rounding);
}

static uint64_t integer_read(enum type t, uint64_t bits)
{
    unsigned shift = 64 - 8 * (unsigned)type_bytes(t);

    return is_signed(t) ? (uint64_t)((int64_t)(bits << shift) >> shift) : bits << shift >> shift;
}

static uint64_t integer_write(enum type t, uint64_t value)
{
    int bytes = type_bytes(t);

    /* a register is at least 16 bits wide: bytes keep their sign in it */
    return bytes == 8 ? value : bytes == 1 ? value & 0xffffffff : value & ((1ull << 8 * bytes) - 1);
}

static uint64_t integer_clamp(const struct insn *i, uint64_t value)
{
    unsigned width = 8 * (unsigned)type_bytes(i->type);
    bool is_negative = is_signed(i->source) && (int64_t)value < 0;
    uint64_t most = is_signed(i->type) ? (1ull << (width - 1)) - 1 : ~0ull >> (64 - width);

    if (is_negative) {
        int64_t least = is_signed(i->type) ? -(int64_t)most - 1 : 0;

        return (int64_t)value < least ? (uint64_t)least : value;
    }
    return value > most ? most : value;
}

/* Out of range gives the nearest end, NaN gives 0 (or the top bit alone in 64 bits). */
static uint64_t float_to_integer(const struct insn *i, double x)
{
    unsigned width = 8 * (unsigned)type_bytes(i->type);
    double most, least;

    if (isnan(x))
        return width == 64 ? 1ull << 63 : 0;
    x = i->rounding == ROUND_ZERO   ? trunc(x)
        : i->rounding == ROUND_DOWN ? floor(x)
        : i->rounding == ROUND_UP   ? ceil(x)
                                    : nearbyint(x);
    most = ldexp(1, (int)width - is_signed(i->type));
    least = is_signed(i->type) ? -most : 0;
    if (x >= most)
        return is_signed(i->type) ? (1ull << (width - 1)) - 1 : ~0ull >> (64 - width);
    if (x < least)
        return is_signed(i->type) ? ~0ull << (width - 1) : 0;
    return is_signed(i->type) ? (uint64_t)(int64_t)x : (uint64_t)x;
}

static double integral(enum rounding rounding, double x)
{
    return rounding == ROUND_ZERO   ? trunc(x)
           : rounding == ROUND_DOWN ? floor(x)
           : rounding == ROUND_UP   ? ceil(x)
                                    : nearbyint(x);
}

static uint64_t integer_to_float(const struct insn *i, uint64_t value)
{
    uint64_t bits;

    if (i->type != TYPE_F32 && i->type != TYPE_F64)
        return float_write(i, i->type, is_signed(i->source) ? (double)(int64_t)value
                                                            : (double)value);
    fesetround(host_rounding[i->rounding]);
    if (i->type == TYPE_F32)
        bits = float_bits(is_signed(i->source) ? (float)(int64_t)value : (float)value);
    else
        bits = double_bits(is_signed(i->source) ? (double)(int64_t)value : (double)value);
    fesetround(FE_TONEAREST);
    return bits;
}

static uint64_t convert(const struct insn *i, uint64_t bits)
{
    if (is_float(i->source)) {
        double x = float_read(i->source, bits);

        if (i->is_ftz && i->source == TYPE_F32 && fabs(x) < 0x1p-126)
            x = copysign(0, x);
        if (!is_float(i->type))
            return integer_write(i->type, float_to_integer(i, x));
        return float_write(i, i->type, i->is_integer_rounding ? integral(i->rounding, x) : x);
    }
    bits = integer_read(i->source, bits);
    if (is_float(i->type))
        return integer_to_float(i, bits);
    return integer_write(i->type, i->is_sat ? integer_clamp(i, bits) : bits);
}

static void cvt(struct warp *w, const struct insn *i, uint32_t lanes)
{
    const uint64_t *x = SLOT(1);

    EACH(lanes, { SLOT(0)[l] = convert(i, x[l]); });
}

/* Two f32 become the upper and the lower half. */
static void cvt_pair(struct warp *w, const struct insn *i, uint32_t lanes)
{
    EACH(lanes, {
        uint64_t high = float_write(i, i->type, float_read(TYPE_F32, SLOT(1)[l]));
        uint64_t low = float_write(i, i->type, float_read(TYPE_F32, SLOT(2)[l]));

        SLOT(0)[l] = high << 16 | low;
    });
}

/* ---- moves ------------------------------------------------------------------------------ */

/* mov.b64 {lo, hi}, x and mov.b64 x, {lo, hi}: the parts are equally wide. */
static void mov(struct warp *w, const struct insn *i, uint32_t lanes)
{
    unsigned parts = (unsigned)i->operands - 1, bits = 8 * (unsigned)type_bytes(i->type) / parts;
    uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;

    if (parts == 1) {
        const uint64_t *x = SLOT(1);

        EACH(lanes, { SLOT(0)[l] = x[l] & mask; });
    } else if (i->mode) { /* from a vector */
        EACH(lanes, {
            uint64_t whole = 0;

            for (unsigned p = 0; p < parts; p++)
                whole |= (SLOT(1 + p)[l] & mask) << p * bits;
            SLOT(0)[l] = whole;
        });
    } else {
        EACH(lanes, {
            uint64_t whole = SLOT(parts)[l];

            for (unsigned p = 0; p < parts; p++)
                SLOT(p)[l] = whole >> p * bits & mask;
        });
    }
}

void clock_read(struct warp *w, const struct insn *i, uint32_t lanes)
{
    struct timespec now;
    uint64_t ns;

    clock_gettime(CLOCK_MONOTONIC, &now);
    ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    EACH(lanes, { SLOT(0)[l] = type_bytes(i->type) == 4 ? (uint32_t)ns : ns; });
}

static void window_shift(struct warp *w, const struct insn *i, uint32_t lanes, bool is_to)
{
    static const uint64_t window[] = {[SPACE_SHARED] = WINDOW_SHARED,
                                      [SPACE_LOCAL] = WINDOW_LOCAL,
                                      [SPACE_PARAM] = WINDOW_PARAM};
    uint64_t base = window[i->space];

    EACH(lanes, { SLOT(0)[l] = is_to ? SLOT(1)[l] - base : SLOT(1)[l] + base; });
}

static void cvta(struct warp *w, const struct insn *i, uint32_t lanes)
{
    window_shift(w, i, lanes, false);
}

static void cvta_to(struct warp *w, const struct insn *i, uint32_t lanes)
{
    window_shift(w, i, lanes, true);
}

static void isspacep(struct warp *w, const struct insn *i, uint32_t lanes)
{
    uint32_t value = 0;

    EACH(lanes, {
        uint64_t at = SLOT(1)[l], window = at / WINDOW_SHARED;
        bool is = i->space == SPACE_SHARED  ? window == 1
                  : i->space == SPACE_LOCAL ? window == 2
                  : i->space == SPACE_PARAM ? window == 3
                                            : window == 0;

        value |= (uint32_t)is << l;
    });
    SLOT(0)[0] = (SLOT(0)[0] & ~(uint64_t)lanes) | value;
}

const struct row convert_rows[] = {{"cvt", TYPE_NONE, cvt, NULL, 0},
                                   {"cvt", TYPE_F16X2, cvt_pair, NULL, 0},
                                   {"cvt", TYPE_BF16X2, cvt_pair, NULL, 0},
                                   {0}};

const struct row move_rows[] = {{"mov", TYPE_NONE, mov, NULL, 0},
                                {"cvta", TYPE_NONE, cvta, NULL, 0},
                                {"cvta.to", TYPE_NONE, cvta_to, NULL, 0},
                                {"isspacep", TYPE_NONE, isspacep, NULL, 0},
                                {0}};
