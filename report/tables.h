/* SPDX-License-Identifier: MIT */
/* The tables of the formats that people read, filled once for all of them. "~" marks a
 * projected number. Each fills a zeroed grid; release it. */
#ifndef OFFLOAD_BENCH_TABLES_H
#define OFFLOAD_BENCH_TABLES_H

#include "report/grid.h"
#include "report/report.h"

/* Per operation of a chain: share of the CPU's time, best CPU variant, time and bound, GPU
 * time, speed-up with the data in place, the decision per placement. */
void table_steps(const struct report *, const struct chain *, struct grid *);
/* The same per problem that belongs to no model, against one GPU (NULL: no GPU columns). */
void table_problems(const struct report *, const struct gpu_side *, struct grid *);
/* Chains as a whole, one row per chain and GPU. */
void table_chains(const struct report *, struct grid *);
/* Why, per contest, GPU and placement. */
void table_reasons(const struct report *, const struct gpu_side *, struct grid *);
void table_crossovers(const struct report *, struct grid *);
/* Thresholds of a sweep (sweep_answer.c): one row per type, GPU and placement. */
void table_sweeps(const struct report *, struct grid *);
void table_ceilings(const struct report *, struct grid *);
/* Measured cells that corrected projections (--calibrate), and what they changed. */
void table_lessons(const struct report *, struct grid *);
/* Overheads that were measured: launch, transfer, peak. */
void table_overheads(const struct report *, struct grid *);
/* Every timeline, its rows and residual. */
void table_ledger(const struct report *, struct grid *);
/* The answer by lifetime of the process, per contest and GPU. */
void table_lifetimes(const struct report *, struct grid *);
/* Largest error over its bound, per workload and variant. */
void table_checks(const struct report *, struct grid *);
/* Wrong, failed, skipped: alike ones in one row. */
void table_left_out(const struct report *, struct grid *);
/* The header's assumptions of the projection, with what each enters. */
void table_assumptions(const struct report *, struct grid *);
/* The header's machine, flat: "libraries.openblas". */
void table_machine(const struct report *, struct grid *);

/* The nearest flips of every model's pass and of every problem that belongs to no model.
 * (tables_decide.c) */
void table_flips(const struct report *, struct grid *);
/* Calls that CPU and GPU had better share, largest gain first. */
void table_splits(const struct report *, struct grid *);
/* How far weak ways to use the CPU would move the answer. */
void table_strawmen(const struct report *, struct grid *);
/* What lower precision would buy, per device; no verdict counts it. */
void table_precision(const struct report *, struct grid *);
/* Energy and cost per million tokens or per call, and the price of a GPU hour at which both
 * sides cost the same. "~": power that was not measured. */
void table_money(const struct report *, struct grid *);

/* "llama-3.2-1b, decode, batch 1, context 1024, bf16". */
struct name chain_title(const struct chain *);
/* "~" for anything that was not measured. */
const char *evidence_mark(enum evidence);

#endif
