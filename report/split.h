/* SPDX-License-Identifier: MIT */
/* One call shared by CPU and GPU, both at work at the same time: the best cut, from the parts of
 * one verdict. With k of `length` units on the CPU, f = k / length,
 *     cpu(f) = cpu_us (cpu_fixed + cpu_shared f)      gpu(f) = gpu_fixed_us + gpu_shared_us (1 - f)
 * and t = max(cpu, gpu). One grows with f, the other falls, so the best k stands beside the f
 * where they meet. Alone the CPU takes cpu_us, the GPU gpu_fixed_us + gpu_shared_us.
 *
 * Assumed: each side's time is linear in what it gets. tests/report/test_split.c holds it against
 * trying every k. */
#ifndef OFFLOAD_BENCH_SPLIT_H
#define OFFLOAD_BENCH_SPLIT_H

#include "base/terms.h"

struct split_parts {
    int64_t length;
    struct estimate cpu_us;
    double cpu_fixed, cpu_shared; /* shares of cpu_us, at least 0 */
    struct estimate gpu_fixed_us, gpu_shared_us;
};

/* `gain`: the faster of both alone over the split. Its low end is the least of all combinations of
 * the parts' ends; it cannot be less within them, because min(...) / max(...) of linear functions
 * is quasi-concave. The high end is a bound: no side gains more than it hands over. */
struct split_best {
    int64_t units;             /* on the CPU; 1 to length - 1 */
    struct estimate us, gain;  /* NAN when a part is not known */
    bool pays;                 /* gain.low > 1 + VERDICT_TIE */
};

/* Length at least 2. */
struct split_best split_find(const struct split_parts *);

#endif
