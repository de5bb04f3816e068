/* SPDX-License-Identifier: MIT */
/* Measured timings, read from a folder of CSV files. */
#ifndef OFFLOAD_BENCH_SAMPLES_H
#define OFFLOAD_BENCH_SAMPLES_H

#include "projection/interval.h"

/* One measured call. `group` numbers source x gpu x op x dtype. */
struct sample {
    const struct gpu *gpu;
    struct operation op;
    const struct op_kind *kind;
    enum timing timing;
    double time_us;
    int group;
    bool is_chosen; /* part of the fit, if its GPU is not left out */
};

struct group {
    char source[32], op[24], dtype[24];
    const struct gpu *gpu;
    enum who who;
    enum class class;   /* of its first sample */
    struct kind kind;
    double weight;      /* in the fit */
    int count, chosen;
};

enum { GROUPS = 400 };

struct samples {
    struct sample *sample;
    size_t n, cap;
    struct group group[GROUPS];
    int groups;
};

/* Read every file of the list below `folder`; files that are not there are named on stderr
 * and left out. Errors: STATUS_IO when none could be read, STATUS_MEMORY. */
int samples_read(struct samples *, const char *folder, struct why *);
/* Choose at most `most` evenly spread samples of every group. */
void samples_choose(struct samples *, int most);
void samples_release(struct samples *);

enum who model_who(enum model);

#endif
