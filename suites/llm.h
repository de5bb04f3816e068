/* SPDX-License-Identifier: MIT */
/* A transformer as a suite: what its prefill and its decode compute. */
#ifndef OFFLOAD_BENCH_LLM_H
#define OFFLOAD_BENCH_LLM_H

#include <jansson.h>

#include "suites/model.h"
#include "suites/suite.h"

/* Rows and chains of `model` from the data file's field "chains": an array of
 *     {"phase": "prefill" | "decode", "batch": [...], "context": [...]}
 * whose lists the request's replace. One chain for each phase, batch, context and
 * dtype. prefill: `context` new tokens of each of `batch` sequences in one pass decode:
 * one new token of each, against `context` tokens in the KV cache Weights and KV cache
 * of a decode step are cold (a model's weights never fit the caches between two
 * layers); activations are hot. Errors: STATUS_INVALID naming `path` and field,
 * STATUS_MEMORY. */
int llm_read(struct suite *, const char *path, const json_t *root,
             const struct suite_request *, struct why *why);

/* The links of one pass, appended to *chain, rows to *suite. */
int llm_chain(struct suite *, struct suite_chain *chain, const struct model *,
              enum dtype, struct why *why);

#endif
