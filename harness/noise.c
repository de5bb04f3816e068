/* SPDX-License-Identifier: MIT */
#include "harness/noise.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/sysfs.h"

/* A clock read takes about 25 ns and an undisturbed loop stays far below this. */
static const int64_t gap_ns = 5000;

/* A timer tick of 1 kHz at 2-3 us each costs 0.3 %; a competing program costs tens. */
static const double some_lost = 0.01, much_lost = 0.05;

/* "cpu  user nice system idle iowait irq softirq steal ..." in ticks; NAN when untold.
 */
static double stolen_share(void)
{
    char line[256];
    double t[8], sum = 0;

    if (!sysfs_line("/", line, sizeof line, "/proc/stat") ||
        sscanf(line, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1], &t[2], &t[3],
               &t[4], &t[5], &t[6], &t[7]) != 8)
        return NAN;
    for (int i = 0; i < 8; i++)
        sum += t[i];
    return sum > 0 ? t[7] / sum : NAN;
}

json_t *noise_read(double spin_s)
{
    int64_t start = clock_ns(), last = start, now = start, lost_ns = 0, longest_ns = 0;
    double lost, stolen = stolen_share();
    json_t *noise = json_object();

    while ((double)(now - start) * 1e-9 < spin_s) {
        now = clock_ns();
        if (now - last >= gap_ns) {
            lost_ns += now - last;
            longest_ns = now - last > longest_ns ? now - last : longest_ns;
        }
        last = now;
    }
    lost = (double)lost_ns / (double)(now - start);
    json_object_set_new(noise, "lost", json_real(lost));
    json_object_set_new(noise, "longest_gap_us", json_real((double)longest_ns * 1e-3));
    if (!isnan(stolen))
        json_object_set_new(noise, "stolen", json_real(stolen));
    json_object_set_new(
        noise, "reading",
        json_sprintf("%s: %.2g %% of %.0f ms of one CPU went to others, %.0f us "
                     "at the longest",
                     lost > much_lost   ? "noisy"
                     : lost > some_lost ? "some noise"
                                        : "quiet",
                     100 * lost, 1e3 * spin_s, (double)longest_ns * 1e-3));
    return noise;
}
