/* SPDX-License-Identifier: MIT */
/* Operations that a kernel streams through memory: maps, row-wise norms, reductions,
 * gathers; and copies over the host link. */
#include "projection/model.h"

#include <math.h>

static double element_count(const struct operation *op)
{
    double rows = (double)(op->rows > 0 ? op->rows : op->m);
    double cols = (double)(op->cols > 0 ? op->cols : op->k);

    return rows * cols;
}

void model_traffic(const struct work *w, struct ledger *l)
{
    const struct parameters *p = w->parameter;
    double n = w->kind->model == MODEL_LAUNCH ? 0 : element_count(w->op);
    double bytes = n * w->element_bytes * (w->kind->reads + w->kind->writes);

    l->memory = bytes / (w->dram_bytes_per_s * p->dram_share) * 1e6;
    l->latency = p->kernel_floor_us * w->kind->kernels;
    l->total = l->memory + l->latency;
    ledger_add(l, "DRAM", l->memory);
    ledger_add(l, "kernel floor", l->latency);
}

void model_copy(const struct work *w, struct ledger *l)
{
    const struct parameters *p = w->parameter;
    bool is_pinned = w->op->memory == MEMORY_PINNED;
    double share = is_pinned ? p->pinned_share : p->pageable_share;

    l->link = (double)w->op->cols / (w->gpu->link_bytes_per_s * share) * 1e6;
    l->latency = p->copy_us;
    l->total = l->link + l->latency;
    ledger_add(l, "link", l->link);
    ledger_add(l, "starting the copy", l->latency);
}
