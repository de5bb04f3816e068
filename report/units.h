/* SPDX-License-Identifier: MIT */
/* Numbers as a person reads them: three significant digits and an SI unit, alike in every
 * format. Missing (NAN) is "-", never 0. */
#ifndef OFFLOAD_BENCH_UNITS_H
#define OFFLOAD_BENCH_UNITS_H

#include "base/terms.h"

/* A quantity spelled out, by value, so that several fit one printf. */
struct words {
    char text[64];
};

/* 12.3456 us as "12.3 us"; picks ns, us, ms, s. */
struct words words_time(double us);
/* "12.3 us (11.8-13.0)"; one unit for all three. */
struct words words_time_estimate(struct estimate us);
/* "11.8-13.0 us": the interval alone. */
struct words words_time_range(struct estimate us);
/* Value with an SI prefix (k, M, G, T, P) before `unit`: (1.43e9, "B/s") is "1.43 GB/s". */
struct words words_si(double value, const char *unit);
/* A ratio: "31x", "1.20x", "0.53x", "<0.001x". */
struct words words_ratio(double ratio);
/* "31-55x". */
struct words words_ratio_range(struct estimate ratio);
/* "80 %"; NAN is "-". */
struct words words_percent(double share);
/* "12", "1200", ">1e9"; NAN is "never". */
struct words words_count(double count);
/* A verdict's reuse_n: a count, "never", or "-" when the transfers are not known. */
struct words words_reuse(struct estimate n);
/* Three significant digits without a unit: "0.0123", "1.00", "12300". */
struct words words_number(double value);

#endif
