/* SPDX-License-Identifier: MIT */
#include "report/reuse.h"

#include <math.h>
#include <stdio.h>

#include "report/stats.h"
#include "report/units.h"

/* Smallest whole n >= 1 with n * cpu > shared + n * call; INFINITY when there is none. */
static double calls_to_pay(double shared, double cpu, double call)
{
    return cpu > call ? fmax(floor(shared / (cpu - call)) + 1, 1) : INFINITY;
}

static int is_known(const struct reuse_parts *p)
{
    return estimate_is_known(p->cpu_us) && estimate_is_known(p->shared_us) &&
           estimate_is_known(p->call_us);
}

struct estimate reuse_calls(const struct reuse_parts *p)
{
    struct estimate n = {
        calls_to_pay(p->shared_us.value, p->cpu_us.value, p->call_us.value),
        calls_to_pay(p->shared_us.low, p->cpu_us.high, p->call_us.low),
        calls_to_pay(p->shared_us.high, p->cpu_us.low, p->call_us.high)};

    if (!is_known(p))
        return estimate_missing();
    if (isinf(n.value))
        n.value = NAN;
    return n;
}

void reuse_why(const struct reuse_parts *p, char *out, size_t size)
{
    struct estimate n = reuse_calls(p);
    struct words cpu = words_time(p->cpu_us.value), call = words_time(p->call_us.value);
    double transfers = p->call_us.value - p->kernel_us.value;

    *out = '\0';
    if (!is_known(p) || !isnan(n.value))
        return;
    if (p->kernel_us.value < p->cpu_us.value)
        snprintf(out, size,
                 "each call on the GPU takes %s against %s on the CPU, %s of it for what every "
                 "call sends and fetches, which sharing the upload does not save",
                 call.text, cpu.text, words_time(transfers).text);
    else
        snprintf(out, size,
                 "a call takes the GPU %s against %s on the CPU even with its data in place",
                 words_time(p->kernel_us.value).text, cpu.text);
    if (isfinite(n.low)) {
        size_t at = 0;

        while (out[at])
            at++;
        snprintf(out + at, size - at, "; at the favourable ends of the intervals it would from %s "
                 "call%s on", words_count(n.low).text, n.low > 1 ? "s" : "");
    }
}
