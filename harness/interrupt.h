/* SPDX-License-Identifier: MIT */
/* Ctrl-C ends a measurement in good order: what was measured is kept and reported. */
#ifndef OFFLOAD_BENCH_INTERRUPT_H
#define OFFLOAD_BENCH_INTERRUPT_H

#include <signal.h>

/* From now on SIGINT and SIGTERM only set the flag that is given. */
const volatile sig_atomic_t *interrupt_watch(void);

#endif
