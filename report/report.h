/* SPDX-License-Identifier: MIT */
/* Everything that the records say, judged: what limits this machine, who won each contest
 * and why, what that adds up to for a model, what to do about it. Formats only print it. */
#ifndef OFFLOAD_BENCH_REPORT_H
#define OFFLOAD_BENCH_REPORT_H

#include "report/crossover.h"
#include "report/flip.h"
#include "report/money.h"
#include "report/precision.h"
#include "report/record.h"
#include "report/regret.h"
#include "report/split.h"
#include "report/strawman.h"

/* The rate that a resource can reach. From cells of the workload "peak" (measured), or from
 * the header's `gpus` (projected: a datasheet). */
struct ceiling {
    struct name device;
    bool is_memory;          /* bytes per second of memory, else operations of `dtype` */
    enum dtype dtype;
    double per_s;            /* flop/s or byte/s */
    enum evidence evidence;
};

/* What limits a time. `kind`: "compute", "memory" (DRAM), "cache" (reads faster than DRAM
 * delivers), "latency", "link"; "" when the ceilings do not tell. */
struct bound {
    struct name kind;
    double share;                     /* reached share of that ceiling; NAN unknown */
    double flops_per_s, bytes_per_s;  /* achieved; NAN without a count */
};

/* One way to do the work, with its time. */
struct contender {
    const struct record *record;
    struct estimate time_us;  /* one call with its arguments in place; GPU: launch included */
    struct bound bound;
    size_t rounds, contended; /* quiet; set aside because the system took the processor */
    bool is_disturbed;        /* no quiet round, or none on more threads: an upper bound, low is
                               * what ceilings and threads allow */
};

/* One problem (workload, dtype, shape, cache) and everything that ran it. */
struct contest {
    const struct record *about; /* any of its records: names, shape, cost, bytes */
    struct name op;             /* what models call it ("k_proj, v_proj"); else the workload */
    size_t rank;                /* its place in the models, from 1; 0: in none */
    struct contender *cpu;      /* correct and judged, fastest first */
    size_t cpus;
    const struct record *reference; /* the plain reference, timed once; or NULL */
    struct straw straw[STRAWS];
    struct contender *gpu;      /* strongest per GPU and memory, in order of report.gpu */
    size_t gpus;
};

/* A GPU that takes part. Facts are NAN where the header has none. */
struct gpu_side {
    struct name id;
    char model[128];
    enum evidence evidence;
    double memory_bytes, memory_bytes_per_s, link_bytes_per_s;
    double tdp_w;              /* power limit of the datasheet or the board */
};

/* The answer for one contest, GPU and placement. `speedup` is CPU time over GPU time; its
 * interval combines both sides' extremes, or comes from interleaved pairs when is_paired.
 * Decision: offload when the whole interval lies above 1 + VERDICT_TIE, stay when it lies
 * below 1 + VERDICT_TIE (moving must pay for itself), else undecided. */
struct verdict {
    const struct contest *contest;
    const struct contender *cpu, *gpu;
    enum placement placement;
    const struct record *placed; /* the measured placement; NULL: derived from parts */
    double calls;              /* placement once: calls that share the upload; else 1 */
    struct estimate cpu_us, gpu_us, speedup;
    bool is_paired;
    enum decision decision;
    enum evidence evidence;    /* the weaker of both sides */
    struct estimate reuse_n;   /* calls that must share one upload before the GPU pays; value
                                * NAN: never, or unknown when low is NAN too; high
                                * INFINITY: perhaps never */
    char reuse_why[300];       /* why no number of calls pays, or "" */
    char because[700];         /* one sentence from both sides' bounds */
    char flip[900];            /* what would change the decision, in words */
    struct flips flips;        /* the same as numbers */
    struct money money;
};

/* What an upload may be shared by in the verdict `once`. */
enum { ONCE_CALLS = 100 };

/* A verdict's call that CPU and GPU had better share. Derived from the verdict's parts, never
 * measured: neither side is thought to slow the other, but for copies that a CPU bound by memory
 * pays for. */
struct split {
    const struct verdict *verdict; /* placement resident, once or every */
    struct split_best best;    /* pays */
    double share;              /* of the axis, on the CPU */
    bool is_over_gpu;          /* the better side alone is the GPU */
    char text[500];
};

/* One operation of a chain on one GPU. Times are of all its calls in one pass. */
struct chain_step {
    struct name op;
    const struct contest *contest; /* NULL: was not measured */
    double count;
    struct estimate cpu_us, gpu_us;
    struct estimate up_us, down_us, weights_us; /* link time of one call, by what is moved */
    double gpu_moved_us;       /* gpu_us and its activations over the link, both ways */
    double cpu_share;          /* of the chain's CPU time */
    bool is_advised;           /* moving it alone pays, operation by operation */
    double moved;              /* calls of `count` on the GPU in the best plan */
};

/* The best plan for a whole chain: the shortest path over both sides, activations moving
 * only where the side changes. */
struct route {
    struct estimate us, speedup; /* one pass; NAN unknown */
    enum decision decision;
    double moved;              /* operations of the chain that run on the GPU at least once */
    double crossings;          /* how often a pass changes sides; both NAN unknown */
};

/* One phase of a model, as a whole, on one GPU. */
struct chain {
    struct name model, phase;
    int64_t batch, context;
    double tokens;
    const struct gpu_side *gpu; /* NULL: no GPU side; only the CPU's numbers */
    struct chain_step *step;
    size_t steps;
    struct estimate cpu_us, gpu_us, mix_us; /* one pass; NAN when operations are missing */
    struct estimate advised_us; /* following the advice operation by operation */
    struct estimate speedup, mix_speedup;   /* mix: route[PLACEMENT_RESIDENT] */
    struct route route[PLACEMENT_EVERY + 1]; /* weights there already, sent once for
                                              * ONCE_CALLS passes, sent on every pass */
    bool is_too_large;         /* weights exceed the GPU's memory: sent on every pass */
    enum decision decision;
    enum evidence evidence;
    double missing;            /* operations without a CPU time or a GPU time */
    double weight_bytes;       /* stationary bytes of all calls; NAN unknown */
    double moved;              /* operations on the GPU in the best plan; NAN unknown */
    char because[700];
    struct flips flips;        /* of the best plan with weights in place */
    struct money money;        /* of a pass, by the best plan */
};
/* Tokens per second of a pass that takes `us`; low and high change places. */
struct estimate chain_tokens_per_s(const struct chain *, struct estimate us);

/* How the winner changes over problems that differ in their size only: in one axis, or along a
 * workload's sweep. */
struct crossover {
    const struct contest *from, *to; /* the smallest and the largest size */
    struct name gpu, axis;           /* axis: of the shape, or the sweep's name */
    bool is_sweep;
    enum placement placement;
    enum evidence evidence;
    double confidence;               /* of what is found */
    struct crossing found;
    struct crossover_point *point;   /* by size */
    const struct verdict **verdict;  /* of each point */
    size_t points;
    struct regret regret;            /* of a sweep */
    char answer[300];                /* "stay up to 180, offload from 200 on" */
    char decider[200];               /* which measurement would decide what is open, or "" */
    char text[600];                  /* the whole sentence */
};

/* One timeline: a placement of a device cell, or a process's first call, its rows beside the
 * wall time that was measured apart from them. Of files that hold no placements, the cells. */
struct ledger_row {
    const struct record *record;
    double sum_ns;             /* of the rows; of a cell launch, kernel and sync */
    double wall_ns;            /* of the call that the rows are of; residual = wall - sum */
    double whole_ns;           /* median of the calls that wait at their end only */
};

/* How long the process lives that asks. */
#define LIFETIME_MAP(X)                                                                \
    X(LIFETIME_COLD, "one cold call") X(LIFETIME_SECOND, "a one-second process")       \
    X(LIFETIME_SERVICE, "a resident service")
enum lifetime_kind {
#define X(value, text) value,
    LIFETIME_MAP(X)
#undef X
    LIFETIMES
};
const char *lifetime_name(enum lifetime_kind);

/* The answer by lifetime, for one contest and GPU. n calls take the CPU n * cpu, and the GPU
 * setup + n * call. A process of one second makes as many calls as the CPU can in it; a service
 * has set up long ago. The CPU's own start-up counts for nothing. */
struct lifetime {
    const struct contest *contest;
    const struct contender *cpu, *gpu;
    enum evidence evidence;    /* of the GPU's time of a call */
    bool is_assumed;           /* setup holds an assumption instead of a measured first call */
    struct estimate setup_us;  /* context, compile, alloc, pin, free, what calls share; NAN: not
                                * known, then `why` says what is missing */
    struct estimate call_us;   /* stationary inputs there, the others and the results moved */
    double calls[LIFETIMES];   /* 1, those of a second, INFINITY */
    struct estimate speedup[LIFETIMES];
    enum decision decision[LIFETIMES];
    struct estimate flip;      /* calls from which on the GPU pays; as verdict.reuse_n */
    char why[240];
};

struct report {
    const struct results *results; /* not owned: must outlive the report */
    size_t columns;            /* of the terminal that the text is for; 0: not known */
    const struct plots *plots; /* its figures, when somebody has drawn them; not owned */
    char headline[1400];       /* answers "is it worth it?" in one sentence */
    char caution[500];         /* what stands above everything ("no GPU was measured ..."), or "" */
    struct gpu_side *gpu;
    size_t gpus;
    struct ceiling *ceiling;
    size_t ceilings;
    struct contest *contest;   /* in a model's order, then by workload, dtype and shape */
    size_t contests;
    struct verdict *verdict;   /* by contest, GPU, placement */
    size_t verdicts;
    struct split *split;       /* largest gain first */
    size_t splits;
    size_t splittable;         /* verdicts of which a split was considered */
    struct chain *chain;       /* by chain, GPU */
    size_t chains;
    struct crossover *crossover;
    size_t crossovers;
    struct ledger_row *ledger;
    size_t ledgers;
    struct lifetime *lifetime; /* by contest, GPU */
    size_t lifetimes;
    struct straw_sum straw[STRAWS];
    struct lower *lower;       /* by verdict: what lower precision would buy */
    size_t lowers;
    struct lower_sum *lower_sum; /* the same by device and precision */
    size_t lower_sums;
    const struct record **check; /* every cell that was compared with the reference */
    size_t checks;
    const struct record **left_out; /* wrong, failed or skipped, with their why */
    size_t left_outs;
    const struct record **overhead; /* measured but never judged: launch, transfer, peak */
    size_t overheads;
    char **note;
    size_t notes;
};

/* Judge `results`. On failure everything is released. Errors: STATUS_INVALID when the file
 * holds no record at all, STATUS_MEMORY. */
int report_build(const struct results *, struct report *, struct why *);
void report_release(struct report *);

/* The GPU side of this id, or NULL. */
const struct gpu_side *report_gpu(const struct report *, const char *id);
/* Verdict of a contest on a GPU at a placement, or NULL. */
const struct verdict *report_verdict(const struct report *, const struct contest *,
                                     const char *gpu, enum placement);
/* Rate of `device`, or NAN. */
double report_flops_per_s(const struct report *, const char *device, enum dtype);
double report_bytes_per_s(const struct report *, const char *device);
/* Text of a key of the header ("" when absent): "version", "suite", "model", "date". */
const char *report_header(const struct report *, const char *key);
/* Whether a variable so named may make a CPU library, or our code, slower than it is. */
bool environment_weakens(const char *name);

/* Times of a cell without its contended rounds, in microseconds: the median with its 95 %
 * interval. With fewer than 3 quiet rounds the interval reaches up to the slowest round of
 * all; with none the estimate is an upper bound: median of all, low end 0. NAN without any. */
struct estimate record_wall_us(const struct record *);
struct estimate record_series_us(const struct record *, const struct series *);
bool record_is_disturbed(const struct record *);

#endif
