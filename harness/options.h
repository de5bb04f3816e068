/* SPDX-License-Identifier: MIT */
/* What the user asked of `run`. */
#ifndef OFFLOAD_BENCH_OPTIONS_H
#define OFFLOAD_BENCH_OPTIONS_H

#include "suites/suite.h"

enum { OPTION_LIST = 32 };

struct options {
    const char *suite[OPTION_LIST], *device[OPTION_LIST], *gpu[OPTION_LIST];
    int suites, devices, gpus;
    const char *model;
    int64_t batch[OPTION_LIST], context[OPTION_LIST];
    enum dtype dtype[OPTION_LIST];
    int batches, contexts, dtypes;
    double budget_s;     /* 0: the suite's own */
    const char *out;
    uint64_t seed;
    bool resume, quiet, no_progress;
};

/* Parse `run`'s arguments; lists inside argv are cut up in place. `--help` and mistakes end
 * the program (argp): status 0 and EXIT_USAGE. Unknown names inside lists are found later,
 * by whoever knows the names. */
void options_parse(struct options *, int argc, char **argv);

/* "90", "90s", "2m", "1.5h" in seconds; NAN when it is no time. */
double options_seconds(const char *text);

#endif
