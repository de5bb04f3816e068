/* SPDX-License-Identifier: MIT */
/* Pieces of report.json (offload-bench/report/1): keys are added, never renamed. Times are in
 * microseconds, rates per second; null is "not measured", never 0. All give new references. */
#ifndef OFFLOAD_BENCH_REPORT_JSON_H
#define OFFLOAD_BENCH_REPORT_JSON_H

#include "report/report.h"

/* Takes the reference. */
void key_set(json_t *object, const char *key, json_t *value);
/* "time_us", "low_us", "high_us"; "speedup", "speedup_low", "speedup_high". */
void key_time(json_t *object, struct estimate us);
void key_ratio(json_t *object, struct estimate ratio);

json_t *value_number(double);       /* null when not finite */
json_t *value_string(const char *); /* bytes outside ASCII become '?' where they are no UTF-8 */
json_t *value_problem(const struct record *);
json_t *value_pays(struct estimate calls); /* of a number of calls from which on it pays */

/* `key`: an array of the n elements that `value` makes. */
void key_list(json_t *object, const char *key, const struct report *, size_t n,
              json_t *(*value)(const struct report *, size_t i));

/* Elements of lists: what stands behind the verdicts (json_evidence.c). */
json_t *value_crossover(const struct report *, size_t i);
/* A win of lower precision, of one side of a verdict; `verdict` is its place in `verdicts`. */
json_t *value_lower(const struct report *, size_t i);
/* A call that both sides had better share: axis and its length, cpu_units and cpu_share of it,
 * its time, speedup over `against` ("cpu" or "gpu", the better alone). */
json_t *value_split(const struct report *, size_t i);
json_t *value_straw(const struct report *, size_t i);
json_t *value_ceiling(const struct report *, size_t i);
json_t *value_ledger_row(const struct report *, size_t i);
json_t *value_lifetime(const struct report *, size_t i);
json_t *value_check(const struct report *, size_t i);
json_t *value_left_out(const struct report *, size_t i);

#endif
