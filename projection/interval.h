/* SPDX-License-Identifier: MIT */
/* The interval around a projection. What a GPU that was left out of the fit errs by is known
 * per cause (compute, memory, latency, launch) and class of operation as a standard deviation
 * of ln(measured / projected); a call's interval adds those of its causes in quadrature, each
 * by its share in the call's time (the ordinary propagation of errors). An operation never
 * timed is as certain as what it is made of. */
#ifndef OFFLOAD_BENCH_INTERVAL_H
#define OFFLOAD_BENCH_INTERVAL_H

#include <jansson.h>

#include "projection/model.h"

/* NUMBER_MIXED: scales per block, weights unpacked or activations smoothed on the way. */
enum number_type { NUMBER_F32, NUMBER_16, NUMBER_SMALL, NUMBER_MIXED, NUMBER_OTHER, NUMBER_TYPES };

/* What errs alike. */
enum class { CLASS_MATRIX_F32, CLASS_MATRIX_16, CLASS_MATRIX_SMALL, CLASS_MATRIX_MIXED,
             CLASS_PREFILL, CLASS_DECODE, CLASS_ROWS, CLASS_MAP, CLASS_GATHER, CLASSES };

/* How near a GPU lies to those with timings: itself, its generation, neither. */
enum kindred { KINDRED_GPU, KINDRED_FAMILY, KINDRED_NONE, KINDREDS };

/* NVIDIA's designs since Volta, of which most is known; all others. */
enum standing { STANDING_USUAL, STANDING_ODD, STANDINGS };

/* What a source timed or did not: an operation (products and either attention count as one
 * each) in one precision. */
struct kind {
    int operation, precision;
};

/* What an interval depends on; cause: the largest share. */
struct region {
    enum model model;
    enum number_type type;
    struct kind kind;
    enum cause cause;
    double share[CAUSES];
};

/* 10 % and 90 % quantiles of ln(measured / projected), and the standard deviation of the
 * part that a GPU's calls of one kind have in common. */
struct spread {
    double low, high, between;
};

/* Products and attention; what streams. */
enum part { PART_PRODUCTS, PART_STREAMS, PARTS };

enum { OPERATIONS = 64 };

struct intervals {
    double sigma[STANDINGS][CLASSES][KINDREDS][CAUSES];
    double common[CLASSES]; /* of the variance, what a GPU's calls of one kind share */
    double strange[PARTS];  /* deviation that a kind never timed has besides, without launches */
    unsigned timed[OPERATIONS]; /* bit p: this operation has timings in precision p */
    unsigned families[CLASSES]; /* bit f: family f has timings of this class; the GPUs that have */
    struct name gpu[CLASSES][16];
};

struct kind kind_of(const struct op_kind *, const struct operation *);
bool kind_is_same(const struct kind *, const struct kind *);
bool kind_is_timed(const struct intervals *, const struct kind *);
enum part part_of(enum model);

struct region region_of(const struct op_kind *, const struct operation *,
                        const struct ledger *);
bool region_is_same(const struct region *, const struct region *);
enum class class_of(enum model, enum number_type);
enum standing standing_of(const struct gpu *);
const char *model_name(enum model);
const char *number_type_name(enum number_type);
const char *class_name(enum class);
const char *standing_name(enum standing);
const char *cause_name(enum cause);
const char *kindred_name(enum kindred);
const char *part_name(enum part);

/* How near `gpu` lies in what a cause depends on: a generation's memory is known from any of
 * its calls, a host's launches never: the next host is another. */
enum kindred kindred_of(const struct intervals *, const struct gpu *, enum class, enum cause);
/* The interval of a region whose causes are so near. */
struct spread spread_of(const struct intervals *, enum standing, const struct region *,
                        const enum kindred kindred[CAUSES]);
struct spread interval_spread(const struct intervals *, const struct gpu *,
                              const struct region *);
/* For an operation that only another's timings stand for, or of a kind never timed. */
void spread_add(struct spread *, const struct intervals *, const struct region *);

/* Nothing marked, nothing known. */
void intervals_init(struct intervals *);
/* Note that `gpu` has timings of this class and kind. */
void intervals_mark(struct intervals *, const struct gpu *, enum class, const struct kind *);
/* "gemm", "16-bit": words of the file. */
const char *kind_operation(const struct kind *);
const char *precision_name(int precision);
enum { KIND_PRECISIONS = 12 };
/* From "intervals", "strange", "timed" and "calibrated" of parameters.json. STATUS_INVALID. */
int intervals_read(struct intervals *, const json_t *root, struct why *why);
const struct intervals *intervals_builtin(void);

#endif
