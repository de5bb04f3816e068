/* SPDX-License-Identifier: MIT */
/* Arithmetic in f32 and f64. Directed rounding is the host's own; everything goes through
 * fused operations, so nothing is rounded twice. The approximations of the hardware (ex2, lg2,
 * sin, ...) are computed exactly and rounded: an emulator cannot be less accurate than what
 * they promise. */
#include "tests/emulator/cuda/machine.h"

#include <fenv.h>
#include <math.h>

#include "tests/emulator/cuda/rows.h"

#define SLOT(k) (w->slot[i->op[k]].v)

static const int host_rounding[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD,
                                    FE_TONEAREST};

static float flush(float x)
{
    return fpclassify(x) == FP_SUBNORMAL ? copysignf(0, x) : x;
}

static double saturate(double x)
{
    return !(x > 0) ? 0 : x > 1 ? 1 : x;
}

#define F32(name, expression)                                                              \
    static void name##_f32(struct warp *w, const struct insn *i, uint32_t lanes)           \
    {                                                                                      \
        const uint64_t *x = SLOT(1), *y = i->operands > 2 ? SLOT(2) : x,                   \
                       *z = i->operands > 3 ? SLOT(3) : x;                                 \
                                                                                           \
        if (i->rounding != ROUND_NEAREST)                                                  \
            fesetround(host_rounding[i->rounding]);                                        \
        if (!i->is_ftz && !i->is_sat)                                                      \
            EACH(lanes, {                                                                  \
                float a = float_of(x[l]), b = float_of(y[l]), c = float_of(z[l]);          \
                (void)a, (void)b, (void)c;                                                 \
                SLOT(0)[l] = float_bits(expression);                                       \
            });                                                                            \
        else                                                                               \
            EACH(lanes, {                                                                  \
                float a = float_of(x[l]), b = float_of(y[l]), c = float_of(z[l]), r;       \
                if (i->is_ftz)                                                             \
                    a = flush(a), b = flush(b), c = flush(c);                              \
                r = (expression);                                                          \
                r = i->is_ftz ? flush(r) : r;                                              \
                SLOT(0)[l] = float_bits(i->is_sat ? (float)saturate(r) : r);               \
            });                                                                            \
        if (i->rounding != ROUND_NEAREST)                                                  \
            fesetround(FE_TONEAREST);                                                      \
    }
#define F64(name, expression)                                                              \
    static void name##_f64(struct warp *w, const struct insn *i, uint32_t lanes)           \
    {                                                                                      \
        const uint64_t *x = SLOT(1), *y = i->operands > 2 ? SLOT(2) : x,                   \
                       *z = i->operands > 3 ? SLOT(3) : x;                                 \
                                                                                           \
        fesetround(host_rounding[i->rounding]);                                            \
        EACH(lanes, {                                                                      \
            double a = double_of(x[l]), b = double_of(y[l]), c = double_of(z[l]);          \
            (void)a, (void)b, (void)c;                                                     \
            SLOT(0)[l] = double_bits(expression);                                          \
        });                                                                                \
        fesetround(FE_TONEAREST);                                                          \
    }

static float min_nan_f32(float a, float b) { return isnan(a) || isnan(b) ? NAN : fminf(a, b); }
static float max_nan_f32(float a, float b) { return isnan(a) || isnan(b) ? NAN : fmaxf(a, b); }

F32(add, a + b)
F32(sub, a - b)
F32(mul, a *b)
F32(fma, fmaf(a, b, c))
F32(div, a / b)
F32(rcp, 1 / a)
F32(sqrt, sqrtf(a))
F32(rsqrt, (float)(1 / sqrt((double)a)))
F32(neg, -a)
F32(abs, fabsf(a))
F32(min, i->mode ? min_nan_f32(a, b) : a < b || (a == b && signbit(a)) || isnan(b) ? a : b)
F32(max, i->mode ? max_nan_f32(a, b) : a > b || (a == b && !signbit(a)) || isnan(b) ? a : b)
F32(copysign, copysignf(b, a))
F32(ex2, (float)exp2((double)a))
F32(lg2, (float)log2((double)a))
F32(sin, (float)sin((double)a))
F32(cos, (float)cos((double)a))
F32(tanh, (float)tanh((double)a))

F64(add, a + b)
F64(sub, a - b)
F64(mul, a *b)
F64(fma, fma(a, b, c))
F64(div, a / b)
F64(rcp, 1 / a)
F64(sqrt, sqrt(a))
F64(neg, -a)
F64(abs, fabs(a))
F64(min, fmin(a, b))
F64(max, fmax(a, b))
F64(copysign, copysign(b, a))

/* rcp and rsqrt "approx.ftz.f64" keep the upper 32 bits of the result; compiled code refines
 * them with its own steps. */
static uint64_t upper(double x)
{
    return double_bits(x) & ~0xffffffffull;
}
F64(rcp_approx, double_of(upper(1 / a)))
F64(rsqrt_approx, double_of(upper(1 / sqrt(a))))

enum { TEST_FINITE = 1, TEST_INFINITE, TEST_NUMBER, TEST_NOT, TEST_NORMAL, TEST_SUBNORMAL };

static void testp(struct warp *w, const struct insn *i, uint32_t lanes)
{
    uint32_t value = 0;

    EACH(lanes, {
        double x = i->type == TYPE_F32 ? (double)float_of(SLOT(1)[l]) : double_of(SLOT(1)[l]);
        int kind = i->type == TYPE_F32 ? fpclassify(float_of(SLOT(1)[l])) : fpclassify(x);
        bool is = i->mode == TEST_FINITE     ? isfinite(x)
                  : i->mode == TEST_INFINITE ? kind == FP_INFINITE
                  : i->mode == TEST_NUMBER   ? kind != FP_NAN
                  : i->mode == TEST_NOT      ? kind == FP_NAN
                  : i->mode == TEST_NORMAL   ? kind == FP_NORMAL
                                             : kind == FP_SUBNORMAL;

        value |= (uint32_t)is << l;
    });
    SLOT(0)[0] = (SLOT(0)[0] & ~(uint64_t)lanes) | value;
}

#define BOTH(name, run, modes)                                                             \
    {name, TYPE_F32, run##_f32, modes, 0}, {name, TYPE_F64, run##_f64, modes, 0}
#define ONLY32(name, run) {name, TYPE_F32, run##_f32, NULL, 0}

const struct row float_rows[] = {
    BOTH("add", add, NULL), BOTH("sub", sub, NULL), BOTH("mul", mul, NULL),
    BOTH("fma", fma, NULL), BOTH("mad", fma, NULL), BOTH("div", div, NULL),
    BOTH("rcp", rcp, NULL), BOTH("sqrt", sqrt, NULL), BOTH("neg", neg, NULL),
    BOTH("abs", abs, NULL), BOTH("min", min, "NaN"), BOTH("max", max, "NaN"),
    BOTH("copysign", copysign, NULL), ONLY32("rsqrt", rsqrt), ONLY32("ex2", ex2),
    ONLY32("lg2", lg2), ONLY32("sin", sin), ONLY32("cos", cos), ONLY32("tanh", tanh),
    {"rcp.approx", TYPE_F64, rcp_approx_f64, NULL, 0},
    {"rsqrt.approx", TYPE_F64, rsqrt_approx_f64, NULL, 0},
    {"testp", TYPE_NONE, testp, "finite infinite number notanumber normal subnormal", 0},
    {0}};
