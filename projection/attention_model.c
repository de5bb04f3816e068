/* SPDX-License-Identifier: MIT */
/* Attention: prefill is two matrix products without an n x n matrix in memory, decode reads
 * the KV cache once. */
#include "projection/model.h"

#include <math.h>

/* Keys that an average query looks at. */
static double keys_per_query(const struct operation *op, double queries, double keys)
{
    double seen = op->causal ? keys - (queries - 1) / 2 : keys;

    return op->window > 0 ? fmin(seen, (double)op->window) : seen;
}

void model_attention(const struct work *w, struct ledger *l)
{
    const struct parameters *p = w->parameter;
    const struct operation *op = w->op;
    double batch = op->batch > 0 ? (double)op->batch : 1;
    double queries = op->q_len > 0 ? (double)op->q_len : 1;
    double keys = op->kv_len > 0 ? (double)op->kv_len : queries;
    double seen = keys_per_query(op, queries, keys);
    double kv_heads = op->kv_heads > 0 ? (double)op->kv_heads : (double)op->heads;
    double dim = (double)op->head_dim, heads = (double)op->heads;
    double kept = op->window > 0 ? fmin(keys, (double)op->window + queries) : keys;
    double bytes = batch * dim * w->element_bytes *
                   (2 * kv_heads * kept + 2 * heads * queries);

    l->compute = 4 * batch * heads * queries * seen * dim /
                 (model_tensor_rate(w) * p->prefill_share);
    l->memory = bytes / model_dram_rate(w);
    l->latency = p->prefill_floor_us * w->kind->kernels;
    l->total = fmax(l->compute, l->memory) + l->latency;
    ledger_add(l, "multiply-add", l->compute);
    ledger_add(l, "DRAM", l->memory);
    ledger_add(l, "kernel floor", l->latency);
}
