/* SPDX-License-Identifier: MIT */
/* Rounding first, then the unit: 999.7 ns is "1.00 us", not "1000 ns". */
#include "report/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct words missing(void)
{
    return (struct words){"-"};
}

/* Rounded to three significant digits. */
static double rounded(double value)
{
    char text[32];
    double back;

    snprintf(text, sizeof text, "%.2e", value);
    return sscanf(text, "%lf", &back) == 1 ? back : value;
}

/* Decimals that show three significant digits of a rounded value below 1000. */
static int decimals(double value)
{
    double size = fabs(value);

    return size >= 100 ? 0 : size >= 10 ? 1 : 2;
}

struct words words_number(double value)
{
    struct words w;
    double size = fabs(value = rounded(value));

    if (isnan(value))
        return missing();
    if (value == INFINITY)
        return (struct words){"inf"};
    if (size == 0)
        return (struct words){"0"};
    if (size < 1e-3 || size >= 1e6)
        snprintf(w.text, sizeof w.text, "%.2e", value);
    else if (size < 1)
        snprintf(w.text, sizeof w.text, "%.3g", value);
    else
        snprintf(w.text, sizeof w.text, "%.*f", decimals(value), value);
    return w;
}

/* ---- units ----------------------------------------------------------------------- */

struct unit {
    double scale; /* of the base unit */
    const char *name;
};

static const struct unit time_unit[] = {
    {1e-3, "ns"}, {1, "us"}, {1e3, "ms"}, {1e6, "s"}};
static const struct unit si_unit[] = {{1, ""},    {1e3, "k"},  {1e6, "M"},
                                      {1e9, "G"}, {1e12, "T"}, {1e15, "P"}};

/* The largest unit in which the value is not below 1. */
static const struct unit *unit_for(double value, const struct unit *unit, int units)
{
    int i = units - 1;

    while (i > 0 && rounded(fabs(value)) < unit[i].scale)
        i--;
    return &unit[i];
}

#define UNIT_FOR(value, table)                                                         \
    unit_for(value, table, (int)(sizeof table / sizeof *table))

struct words words_time(double us)
{
    const struct unit *unit = UNIT_FOR(us, time_unit);
    struct words w = words_number(us / unit->scale);

    if (!isnan(us) && !isinf(us))
        snprintf(w.text + strlen(w.text), 8, " %s", unit->name);
    return w;
}

struct words words_time_range(struct estimate us)
{
    const struct unit *unit = UNIT_FOR(us.value, time_unit);
    struct words w;

    if (isnan(us.value))
        return missing();
    snprintf(w.text, sizeof w.text, "%.20s-%.20s %s",
             words_number(us.low / unit->scale).text,
             words_number(us.high / unit->scale).text, unit->name);
    return w;
}

struct words words_time_estimate(struct estimate us)
{
    const struct unit *unit = UNIT_FOR(us.value, time_unit);
    struct words w;

    if (isnan(us.value))
        return missing();
    snprintf(w.text, sizeof w.text, "%.12s %s (%.12s-%.12s)",
             words_number(us.value / unit->scale).text, unit->name,
             words_number(us.low / unit->scale).text,
             words_number(us.high / unit->scale).text);
    return w;
}

struct words words_si(double value, const char *unit)
{
    const struct unit *prefix = UNIT_FOR(value, si_unit);
    struct words w = words_number(value / prefix->scale);

    if (!isnan(value))
        snprintf(w.text + strlen(w.text), 20, " %s%s", prefix->name, unit);
    return w;
}

/* Two digits are enough from 10 on: an interval stands beside every ratio. */
static struct words ratio(double value)
{
    struct words w;

    if (isnan(value))
        return missing();
    if (value > 1e6)
        return (struct words){">1e6"};
    if (value < 0.001)
        return value > 0 ? (struct words){"<0.001"} : (struct words){"0"};
    snprintf(w.text, sizeof w.text,
             value < 0.0995 ? "%#.2g"
             : value < 9.95 ? "%.2f"
                            : "%.0f",
             value < 100 ? value : rounded(value));
    return w;
}

struct words words_ratio(double value)
{
    struct words w = ratio(value);

    if (!isnan(value))
        strcat(w.text, "x");
    return w;
}

struct words words_ratio_range(struct estimate e)
{
    struct words w;

    if (isnan(e.value))
        return missing();
    if (e.high < 0.001)
        return (struct words){"<0.001x"};
    snprintf(w.text, sizeof w.text, "%.20s-%.20sx", ratio(e.low).text,
             ratio(e.high).text);
    return w;
}

struct words words_percent(double share)
{
    struct words w;

    if (isnan(share))
        return missing();
    snprintf(w.text, sizeof w.text, fabs(share) < 0.0095 ? "%.1f %%" : "%.0f %%",
             100 * share);
    return w;
}

struct words words_reuse(struct estimate n)
{
    return isnan(n.low) ? missing() : words_count(n.value);
}

struct words words_count(double count)
{
    struct words w;

    if (isnan(count))
        return (struct words){"never"};
    if (isinf(count) || count > 1e9)
        return (struct words){">1e9"};
    snprintf(w.text, sizeof w.text, "%.0f", count);
    return w;
}
