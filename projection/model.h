/* SPDX-License-Identifier: MIT */
/* Inside of the projection: one call on one GPU as the models see it. The models are pure:
 * numbers in, a ledger of microseconds out; intervals are laid around it elsewhere. */
#ifndef OFFLOAD_BENCH_MODEL_H
#define OFFLOAD_BENCH_MODEL_H

#include "projection/parameters.h"
#include "projection/projection.h"

/* Which model a call belongs to. */
enum model { MODEL_MATRIX, MODEL_PREFILL, MODEL_DECODE, MODEL_ROWS, MODEL_MAP, MODEL_REDUCE,
             MODEL_GATHER, MODEL_LAUNCH, MODEL_COPY, MODELS };

/* Kernels whose arithmetic per element was fitted; others take `flops`. */
enum labour { LABOUR_FLOPS, LABOUR_NORM, LABOUR_GATHER, LABOUR_ROPE, LABOUR_GATE, LABOUR_AMAX,
              LABOURS };

/* What is known of an operation by its name: elements read and written and operations done
 * per element of rows x cols. */
struct op_kind {
    const char *name;
    enum model model;
    double reads, writes, flops;
    double further_kernels; /* launched after the first */
    bool is_batched; /* a framework dispatches it as a batched product */
    double rereads; /* passes over a row after the first */
    enum labour labour;
    bool takes_scalar; /* a framework wraps its scalar in a tensor first */
};

/* By name or synonym, case ignored; NULL when no model knows it. */
const struct op_kind *op_kind_find(const char *name);
/* Another name of an operation; is_akin: it is another operation of the same traffic. */
struct synonym {
    const char *name, *of;
    bool is_akin;
};
/* Case ignored; NULL when there is none. By number: NULL after the last. */
const struct synonym *synonym_find(const char *name);
const struct synonym *synonym_at(int i);
/* The i-th operation known, or NULL. */
const struct op_kind *op_kind_at(int i);

/* One call, prepared: sizes as doubles, bytes of an element, the pipe's datasheet rate. */
struct work {
    const struct gpu *gpu;
    const struct parameters *parameter;
    const struct operation *op;
    const struct op_kind *kind;
    enum timing timing;
    double units, dram_bytes_per_s, l2_bytes; /* of the die that runs the kernel */
    double pipe_flops_per_s;                  /* datasheet rate for this precision */
    bool is_tensor;
    double element_bytes, weight_bytes;       /* of A, C and of B (quantised weights) */
};

/* Where a forecast's error comes from. Two of them are parts of compute: which tiles a library
 * takes, where few waves of them make it count, and the clock that the power limit leaves. */
enum cause { CAUSE_COMPUTE, CAUSE_MEMORY, CAUSE_LATENCY, CAUSE_TILES, CAUSE_LAUNCH, CAUSE_POWER,
             CAUSE_LINK, CAUSES };

/* Microseconds by cause. `total` is what the model says, at most the sum of the others.
 * share[i]: by how many percent the total moves when cause i takes 1 % longer; overlap: how
 * sharply the model lets compute hide memory (p-norm). few: 1 / waves of tiles, at most 1;
 * throttle: by how many percent compute grows when units draw 1 % more power. */
struct ledger {
    double compute, memory, latency, link, launch, total;
    double overlap, few, throttle, share[CAUSES];
    int terms;
    struct term term[FORECAST_TERMS];
    const char *note; /* what was chosen, e.g. the tile; "" when nothing */
};

void ledger_add(struct ledger *, const char *name, double us);

/* Fill *work. STATUS_UNAVAILABLE with the reason when op, dtype or sizes do not fit. */
int work_init(struct work *, const struct gpu *, const struct operation *, enum timing,
              struct why *);

void model_matrix(const struct work *, struct ledger *);
void model_attention(const struct work *, struct ledger *);
void model_traffic(const struct work *, struct ledger *);
void model_copy(const struct work *, struct ledger *);

/* Rate of the multiply pipe, flops per us, of a kernel of so many flops that keeps it busy
 * for `utilisation` of the time: what it leaves idle draws no power. */
double model_tensor_rate(const struct work *, double utilisation, double flops);
/* ledger.throttle of such a kernel. */
double model_throttle(const struct work *, double utilisation, double flops);
/* Share of `bytes` that the L2 still holds from the call before. */
double model_resident_share(const struct work *, double bytes);
/* DRAM bytes per us that a stream reaches. */
double model_dram_rate(const struct work *);
/* Bytes per us that all units stream from the L2. */
double model_l2_rate(const struct work *);

/* The call's time with an assumption at either end of its range; NAN as model_project. */
struct influence influence_of(const struct assumption *, const struct gpu *,
                              const struct operation *, enum timing);

/* The model's time without an interval. Errors as work_init. */
int model_project(const struct parameters *, const struct gpu *, const struct operation *,
                  enum timing, struct ledger *, struct why *);

#endif
