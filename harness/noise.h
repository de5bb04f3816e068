/* SPDX-License-Identifier: MIT */
/* How noisy the machine is right now. */
#ifndef OFFLOAD_BENCH_NOISE_H
#define OFFLOAD_BENCH_NOISE_H

#include <jansson.h>

/* Reads the clock without pause for `spin_s` and looks for gaps that no program of its
 * own explains (the method of osnoise and of the fixed-time-quantum benchmarks:
 * docs.kernel.org, "OSNOISE Tracer"). New reference: lost            share of the time
 * that went away in gaps of 5 us and more longest_gap_us  the longest of them stolen
 * share of all CPU time since boot that the hypervisor gave to others; absent when the
 * kernel does not tell reading         "quiet", "some noise", "noisy" and what that
 * rests on, in words */
json_t *noise_read(double spin_s);

#endif
