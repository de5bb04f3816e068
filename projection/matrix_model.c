/* SPDX-License-Identifier: MIT */
/* Matrix products. */
#include "projection/model.h"

#include <math.h>

void model_matrix(const struct work *w, struct ledger *l)
{
    const struct parameters *p = w->parameter;
    const struct operation *op = w->op;
    double batch = op->batch > 0 ? (double)op->batch : 1;
    double m = (double)op->m, n = (double)op->n, k = (double)op->k;
    double share = w->is_tensor ? p->tensor_share : p->vector_share;
    double bytes = batch * (m * k * w->element_bytes + k * n * w->weight_bytes +
                            m * n * w->element_bytes);

    l->compute = 2 * batch * m * n * k / (w->pipe_flops_per_s * share) * 1e6;
    l->memory = bytes / (w->dram_bytes_per_s * p->dram_share) * 1e6;
    l->latency = p->kernel_floor_us;
    l->total = fmax(l->compute, l->memory) + l->latency;
    ledger_add(l, "multiply-add", l->compute);
    ledger_add(l, "DRAM", l->memory);
    ledger_add(l, "kernel floor", l->latency);
}
