/* SPDX-License-Identifier: MIT */
/* What the user asked of `run`, and of commands that measure as it does. */
#ifndef OFFLOAD_BENCH_OPTIONS_H
#define OFFLOAD_BENCH_OPTIONS_H

#include <argp.h>
#include <jansson.h>

#include "suites/suite.h"

enum { OPTION_LIST = 64 };

struct options {
    const char *suite[OPTION_LIST], *device[OPTION_LIST], *gpu[OPTION_LIST];
    int suites, devices, gpus;
    const char *model;
    int64_t batch[OPTION_LIST], context[OPTION_LIST];
    enum dtype dtype[OPTION_LIST];
    int batches, contexts, dtypes;
    double budget_s;     /* 0: the suite's own */
    const char *out;
    const char *calibrate; /* results that correct projections, or NULL */
    const char *trace;   /* NULL: none */
    uint64_t seed;
    bool resume, quiet, no_progress;
    json_t *prices;      /* as given (harness/prices.h), or NULL; json_decref frees */
};

/* Parse `run`'s arguments; lists inside argv are cut up in place. `--help` and mistakes end
 * the program (argp): status 0 and EXIT_USAGE. Unknown names inside lists are found later,
 * by whoever knows the names. */
void options_parse(struct options *, int argc, char **argv);

/* For parsers of other commands with options of the same kind; mistakes end the program: cut
 * `text` at its commas (most OPTION_LIST parts); dtypes by name; a whole number from 1. */
int options_cut(struct argp_state *, const char *option, char *text, const char **part);
int options_cut_dtypes(struct argp_state *, char *text, enum dtype *);
int64_t options_count(struct argp_state *, const char *option, const char *text);
/* The options that measuring commands share: device gpu dtype cuda-arch budget out resume seed
 * quiet no-progress, by their short names. False: `key` is none of them. */
bool options_common(struct options *, int key, char *arg, struct argp_state *);
/* Parsers that go on to options_common have these children (prices). */
extern const struct argp_child options_children[];
/* End the program when argv holds an option (--name) that is neither in `table` nor one of
 * prices', with the nearest. */
void options_check(int argc, char **argv, const struct argp_option *table, const char *command);

/* "90", "90s", "2m", "1.5h" in seconds; NAN when it is no time. */
double options_seconds(const char *text);

#endif
