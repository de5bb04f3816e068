/* SPDX-License-Identifier: MIT */
/* Lists of flips and their words; the search for one. */
#include "report/flip.h"

#include <math.h>

#include "report/units.h"

const char *flip_kind_name(enum flip_kind kind)
{
    static const char *const spelling[] = {
#define X(value, text) text,
        FLIP_MAP(X)
#undef X
    };
    return spelling[kind];
}

bool flip_is_price(const struct flip *f)
{
    return f->kind == FLIP_GPU_PRICE || f->kind == FLIP_ENERGY_PRICE;
}

/* A flip whose distance is not known stands behind all others. */
static double distance(const struct flip *flip)
{
    return isnan(flip->factor) ? INFINITY : flip->factor;
}

void flips_add(struct flips *flips, struct flip flip)
{
    bool is_full = flips->n == FLIPS;
    int at = is_full ? FLIPS - 1 : flips->n++;

    if (is_full && distance(&flip) >= distance(&flips->at[at]))
        return;
    for (; at > 0 && distance(&flips->at[at - 1]) > distance(&flip); at--)
        flips->at[at] = flips->at[at - 1];
    flips->at[at] = flip;
}

double flip_search(enum decision (*decide)(const void *at, double input), const void *at,
                   double from, double to, enum decision now)
{
    enum { HALVINGS = 60 };

    if (!(from > 0) || decide(at, from) != now || decide(at, to) == now)
        return NAN;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = sqrt(from) * sqrt(to);

        if (decide(at, middle) == now)
            from = middle;
        else
            to = middle;
    }
    return to;
}

/* ---- words ----------------------------------------------------------------------- */

static void write_link(const struct flip *f, struct text *out)
{
    text_printf(out, "a link %s %s", words_ratio(f->factor).text,
                f->to > f->from ? "as fast" : "slower");
    if (!f->is_relative)
        text_printf(out, " (%s)", words_si(f->to, "B/s").text);
}

/* Endless calls: the data are there for good. */
static void write_calls(const struct flip *f, struct text *out)
{
    if (isinf(f->from))
        text_printf(out, "only %s passes sharing one upload of the weights",
                    words_count(f->to).text);
    else
        text_printf(out, "%s call%s sharing one upload instead of %s",
                    words_count(f->to).text, f->to == 1 ? "" : "s", words_count(f->from).text);
}

static void write_size(const struct flip *f, struct text *out)
{
    text_printf(out, "%s=%.0f instead of %.0f", f->axis, f->to, f->from);
}

static void write_threads(const struct flip *f, struct text *out)
{
    bool is_perfect = f->to > f->from && f->is_derived;

    text_printf(out, "%.0f CPU thread%s%s instead of %.0f", f->to, f->to == 1 ? "" : "s",
                is_perfect ? " or more (were scaling perfect)" : "", f->from);
    if (f->to > f->from && !is_perfect)
        text_add(out, " (at the scaling that was measured)");
}

static void write_gpu_price(const struct flip *f, struct text *out)
{
    if (f->is_relative)
        text_printf(out, "a GPU hour at %s the price of a CPU hour", words_ratio(f->to).text);
    else
        text_printf(out, "a GPU hour for %s instead of %s", words_number(f->to).text,
                    words_number(f->from).text);
}

void flip_write(const struct flip *f, struct text *out)
{
    switch (f->kind) {
    case FLIP_LINK:
        write_link(f, out);
        break;
    case FLIP_CALLS:
        write_calls(f, out);
        break;
    case FLIP_RESIDENT:
        if (f->to > f->from)
            text_printf(out, "%s of the inputs on the GPU already", words_percent(f->to).text);
        else
            text_printf(out, "%s of the data sent on each call", words_percent(1 - f->to).text);
        break;
    case FLIP_SIZE:
        write_size(f, out);
        break;
    case FLIP_THREADS:
        write_threads(f, out);
        break;
    case FLIP_GPU_PRICE:
        write_gpu_price(f, out);
        break;
    case FLIP_ENERGY_PRICE:
        text_printf(out, "energy for %s per kWh instead of %s", words_number(f->to).text,
                    words_number(f->from).text);
        break;
    default:
        break;
    }
}
