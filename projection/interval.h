/* SPDX-License-Identifier: MIT */
/* The interval around a projection: quantiles of ln(measured / projected) over GPUs that were
 * left out of the fit, by what was projected and how near it lies to what was calibrated. */
#ifndef OFFLOAD_BENCH_INTERVAL_H
#define OFFLOAD_BENCH_INTERVAL_H

#include <jansson.h>

#include "projection/model.h"

enum number_type { NUMBER_F32, NUMBER_16, NUMBER_SMALL, NUMBER_OTHER, NUMBER_TYPES };
enum band { BAND_SHORT, BAND_MIDDLE, BAND_LONG, BANDS };

/* How near a GPU lies to those with timings of this model and type. */
enum kindred { KINDRED_GPU, KINDRED_FAMILY, KINDRED_NONE, KINDREDS };

/* What an interval depends on. */
struct region {
    enum model model;
    enum number_type type;
    int is_eager;
    enum band band;
};

/* 10 % and 90 % quantiles of ln(measured / projected), and the standard deviation of the
 * part that a GPU's calls of one kind have in common; NAN: not known. */
struct spread {
    double low, high, between;
};

struct intervals {
    struct spread spread[KINDREDS][MODELS][NUMBER_TYPES][2][BANDS];
    /* Bit f: family f has timings of this model and type; the GPUs that have. */
    unsigned families[MODELS][NUMBER_TYPES];
    struct name gpu[MODELS][NUMBER_TYPES][16];
    bool is_filled; /* gaps closed from wider regions */
};

struct region region_of(const struct op_kind *, const struct operation *, enum timing,
                        double total_us);
const char *model_name(enum model);
const char *number_type_name(enum number_type);
const char *band_name(enum band);
const char *kindred_name(enum kindred);

enum kindred kindred_of(const struct intervals *, const struct gpu *, const struct region *);
struct spread interval_spread(const struct intervals *, const struct gpu *,
                              const struct region *);

/* Everything unknown. */
void intervals_init(struct intervals *);
/* Note that `gpu` has timings of this region's model and type. */
void intervals_mark(struct intervals *, const struct gpu *, const struct region *);
/* Close gaps: from other bands, other timings, other types, wider kindred (and wider still
 * by `strange` for each step); a nearer kindred is never given more than a farther one. */
void intervals_fill(struct intervals *);
/* From "intervals" and "calibrated" of parameters.json; then filled. STATUS_INVALID. */
int intervals_read(struct intervals *, const json_t *root, struct why *why);
const struct intervals *intervals_builtin(void);

#endif
