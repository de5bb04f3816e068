/* SPDX-License-Identifier: MIT */
/* Which workloads at which sizes. Suites are data files (suites/NAME.json, compiled
 * in); the llm suite is made from a model's facts (suites/models/NAME.json). A suite
 * names workloads and axes as text only; the plan resolves them. */
#ifndef OFFLOAD_BENCH_SUITE_H
#define OFFLOAD_BENCH_SUITE_H

#include "base/terms.h"
#include "base/why.h"

/* One problem of a suite. `axis[i]` = `value[i]`, as text. */
struct suite_row {
    struct name workload;
    enum dtype dtype;
    enum cache cache;
    int axes;
    struct name axis[AXES], value[AXES];
};

/* One step of a chain: row `row` of the suite, done `count` times in a row of layers.
 */
struct suite_link {
    struct name op; /* "q_proj": what the model calls it */
    int row;
    double count;
    bool is_shared; /* its weights are another link's: in memory once (tied embeddings) */
};

/* A sequence that is judged as a whole: one phase of an LLM. */
struct suite_chain {
    struct name model, phase; /* phase: "prefill", "decode" */
    int64_t batch, context;
    double tokens; /* tokens produced (decode) or read (prefill) by one pass */
    struct suite_link *link;
    int links;
};

struct suite {
    struct name name;
    char brief[160];
    double budget_s; /* what a run may take unless --budget says otherwise */
    bool has_others; /* beside the rows: every judged workload that none names, small */
    struct suite_row *row;
    int rows;
    struct suite_chain *chain;
    int chains;
    char note[400]; /* facts the report must print (model, weights' bytes) */
};

/* What the user asked of a suite. Lists may be empty (the suite's own defaults). */
struct suite_request {
    const char *model; /* llm: name or file; NULL: the default */
    const int64_t *batch, *context;
    int batches, contexts;
    const enum dtype *dtype;
    int dtypes;
};

/* Load a built-in suite by name. Identical rows are merged. Errors: STATUS_INVALID with
 * the nearest names, STATUS_MEMORY. Release with suite_release. */
int suite_load(struct suite *, const char *name, const struct suite_request *,
               struct why *);
void suite_release(struct suite *);

/* Names and one-line descriptions, for `list`. NULL-terminated. */
const char *const *suite_names(void);
const char *suite_brief(const char *name);
const char *const *model_names(void);
const char *model_brief(const char *name);

#endif
