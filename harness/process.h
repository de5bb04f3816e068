/* SPDX-License-Identifier: MIT */
/* Child processes that talk to their parent over a pipe and die with it. Everything that would
 * leave threads or driver state behind, or that may crash, is done in one. */
#ifndef OFFLOAD_BENCH_PROCESS_H
#define OFFLOAD_BENCH_PROCESS_H

#include <sys/types.h>

#include "base/text.h"

/* Start a child that does `work`, with its end of the pipe, and exits with 0; the parent gets the
 * reading end. Ctrl-C is the parent's to handle. -1 with errno when it does not start. */
pid_t process_start(void (*work)(int fd, void *to), void *to, int *fd);

/* Wait for its end; gives what waitpid says of it. */
int process_wait(pid_t);

/* Both: append to *said all that `work` wrote. Errors: STATUS_IO when it could not start, ended
 * badly, or was killed because it wrote nothing for limit_s. */
int process_isolate(void (*work)(int fd, void *to), void *to, double limit_s, struct text *said,
                    struct why *);

#endif
