/* SPDX-License-Identifier: MIT */
/* GPUs that are not here: a catalogue of datasheets and a physical model of a call's time,
 * always with an interval. */
#ifndef OFFLOAD_BENCH_PROJECTION_H
#define OFFLOAD_BENCH_PROJECTION_H

#include <stdbool.h>

#include "base/operation.h"
#include "base/terms.h"
#include "base/why.h"

/* Architecture generations that the model tells apart; those with one memory and SM design
 * count as one. */
enum family {
    FAMILY_OTHER, FAMILY_PASCAL, FAMILY_VOLTA, FAMILY_TURING, FAMILY_AMPERE,
    FAMILY_AMPERE_RTX, FAMILY_ADA, FAMILY_HOPPER, FAMILY_BLACKWELL, FAMILY_BLACKWELL_RTX,
    FAMILY_CDNA, FAMILY_CDNA3, FAMILIES
};

/* A datasheet. Rates are dense, in the units named; NAN where the datasheet has none. */
struct gpu {
    struct name id;        /* short name: "h100-sxm" */
    struct name full;      /* the data's name: "H100-SXM5-80GB" */
    struct name also[3];   /* other names it goes by; empty when unused */
    struct name vendor, arch;
    enum family family;    /* follows from arch */
    double units;          /* SMs or CUs */
    double dies;           /* 2: one kernel sees half of every number (MI250); else 1 */
    double boost_hz;
    double memory_bytes, memory_bytes_per_s, l2_bytes, l3_bytes;
    double flops_per_s[DTYPES]; /* best dense rate for this type of input (matrix cores) */
    double vector_flops_per_s;  /* f32 without tensor cores */
    double tf32_flops_per_s, f64_vector_flops_per_s, fp8_flops_per_s;
    double link_gen, link_lanes; /* PCI Express of the host link */
    double link_bytes_per_s;     /* host link, one direction, datasheet */
    double tdp_w;
    char sources[200];           /* ';' separated; any of them may have given a field */
    char unverified[200];        /* fields no source was read for, ';' separated */
    char source_of[600];         /* lines "field: where this one comes from" */
    char remark[200];
    struct name file;            /* the user's file that it was read from; empty: built in */
    unsigned derived;            /* bit i: field i was left out and another figure stands in */
};

/* One field of an entry, for people. */
struct gpu_fact {
    const char *name, *unit; /* as in the file */
    double value;            /* in `unit`; NAN: not given */
    bool is_unverified;      /* no source was read for it */
    char source[240];        /* never empty; "source 1, 2": of the entry's sources */
};

enum { GPU_FACTS = 24 };

/* What the time includes. TIMING_KERNEL: the kernel alone; TIMING_GRAPH: replayed in a
 * graph; TIMING_LAUNCH: one host launch and its wait; TIMING_EAGER: a framework's dispatch. */
enum timing { TIMING_KERNEL, TIMING_GRAPH, TIMING_LAUNCH, TIMING_EAGER, TIMINGS };

/* One term of a forecast, for --explain: "DRAM reads", 12.3 us. */
struct term {
    const char *name;
    double us;
};

enum { FORECAST_TERMS = 12 };

/* 80 % interval. `bound`: compute, memory, latency, link. */
struct forecast {
    struct estimate time_us;
    const char *bound;
    int terms;
    struct term term[FORECAST_TERMS];
    char why[200]; /* how it was predicted and how far from the calibration it lies */
};

/* The built-in catalogue, sorted by id, then whatever gpu_load added. */
int gpu_count(void);
const struct gpu *gpu_at(int index);
/* By short or full name, case ignored; NULL when unknown (then `why` names the nearest). */
const struct gpu *gpu_find(const char *name, struct why *);

/* The GPUs that one word of the user means, in the order of their file. */
enum { USER_GPUS = 64 };
struct gpu_list {
    const struct gpu *gpu[USER_GPUS];
    int n;
};
/* Add the GPUs of a user's JSON file (one object or an array of the catalogue's form) and
 * give them. Errors: STATUS_IO; STATUS_INVALID with file, entry and field. */
int gpu_load(const char *path, struct gpu_list *, struct why *);
/* What a user calls a GPU: a name of the catalogue or a file to load. Errors of both. */
int gpu_named(const char *name, struct gpu_list *, struct why *);

/* Every field that the form has and the link's rate, in order; returns how many. */
int gpu_facts(const struct gpu *, struct gpu_fact fact[GPU_FACTS]);
/* The generation whose parameters it is projected with: "ada"; "all" where none was calibrated. */
const char *gpu_generation(const struct gpu *);

/* Predict one call. Errors: STATUS_UNAVAILABLE when this operation or dtype cannot be
 * projected on this GPU, with the reason. Thread-safe, allocates nothing. */
int project(const struct gpu *, const struct operation *, enum timing, struct forecast *,
            struct why *);

/* A call measured on a real GPU corrects the forecasts that follow: of its kind on that GPU
 * most, of other kinds and of its generation less; their intervals narrow. Never for software
 * evidence. Not thread-safe: learn before projecting. Errors: as project; STATUS_INVALID;
 * STATUS_UNAVAILABLE also when no more is taken. */
int project_learn(const struct gpu *, const struct operation *, enum timing,
                  double measured_us, struct why *);
/* Calls learnt from so far. */
int project_learnt(void);
void project_forget(void);

/* The GPU of the catalogue that a driver calls `model` ("NVIDIA A100-SXM4-80GB", "Tesla T4");
 * NULL when none or several fit. */
const struct gpu *gpu_recognise(const char *model);

/* Time of moving `bytes` over the host link from or to `memory` (pageable, pinned). */
int project_transfer(const struct gpu *, double bytes, enum memory, struct forecast *,
                     struct why *);

/* Opening a GPU and loading code in a new process: an assumption (assumption.h). */
struct estimate project_startup_us(void);

#endif
