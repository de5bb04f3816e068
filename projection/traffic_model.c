/* SPDX-License-Identifier: MIT */
/* Operations that a kernel streams through memory: maps, row-wise norms, reductions and
 * gathers, and copies over the host link. What the L2 still holds comes from there; passes
 * over a row beyond the first are free while the rows that are in flight together fit the
 * L2; instructions per element run beside the loads, at the same rate per unit and clock on
 * every generation. */
#include "projection/model.h"

#include <math.h>

/* Instructions that a unit does per clock, whatever its lanes; how sharply the longer of these
 * and the loads hides the other (p-norm). */
enum { LANES = 64, OVERLAP = 3 };

/* Threads of a block and vector width of PyTorch's row kernels (aten/native/cuda). */
enum { NORM_THREADS = 128, SOFTMAX_THREADS = 512, ROW_VECTOR = 4, SOFTMAX_WARP_COLS = 1024 };

/* What a row kernel does: reads after the first, rows at work. */
struct walk {
    double rows, cols, rereads, rows_at_once;
};

double model_dram_rate(const struct work *w)
{
    return w->dram_bytes_per_s * 1e-6 * w->parameter->dram_share[w->gpu->family];
}

double model_l2_rate(const struct work *w)
{
    return w->parameter->stream_l2_bytes * w->gpu->boost_hz * 1e-6 * w->units;
}

static double threads_per_unit(const struct work *w)
{
    return w->gpu->family == FAMILY_TURING ? 1024 : 2048;
}

/* Softmax of a row too long for a warp: the power of two below a quarter of its vectors'
 * number, and one more step (SoftMax_getBlockSize). */
static double softmax_threads(double cols)
{
    double threads = 32;

    while (threads < SOFTMAX_THREADS && threads * 2 * ROW_VECTOR < cols)
        threads *= 2;
    return threads;
}

static struct walk walk_of(const struct work *w)
{
    const struct operation *op = w->op;
    struct walk walk = {.rows = (double)(op->rows > 0 ? op->rows : op->m),
                        .cols = (double)(op->cols > 0 ? op->cols : op->k)};
    double threads = NORM_THREADS;

    if (w->kind->model != MODEL_ROWS)
        return walk;
    walk.rereads = w->kind->rereads;
    if (w->kind->rereads > 1) { /* softmax: a warp per short row, a block per long one */
        bool is_short = walk.cols <= SOFTMAX_WARP_COLS;

        walk.rereads = is_short ? 0 : w->kind->rereads;
        threads = is_short ? NORM_THREADS : softmax_threads(walk.cols);
    }
    walk.rows_at_once = fmin(walk.rows, w->units * threads_per_unit(w) / threads);
    return walk;
}

/* Share of what is read again that a cache of so many bytes has lost by then. */
static double lost_share(const struct work *w, double used, double bytes)
{
    double from = w->parameter->row_reuse, to = 1.6 * from;

    return fmin(1, fmax(0, (used / bytes - from) / (to - from)));
}

/* Share of a row's later reads that come from DRAM: neither a unit's L1 holds its rows, nor
 * the L2 all of them beside what is written. */
static double reread_share(const struct work *w, const struct walk *walk)
{
    double used = walk->rows_at_once * walk->cols * w->element_bytes;
    double units = fmin(w->units, walk->rows_at_once);

    return fmin(lost_share(w, used / units, 1024 * w->parameter->l1_kib[w->gpu->family]),
                lost_share(w, used * (1 + w->kind->writes), w->l2_bytes));
}

static double stream_share(const struct work *w, const struct walk *walk)
{
    const struct parameters *p = w->parameter;

    if (walk->rereads == 0)
        return p->map_share;
    return w->kind->rereads > 1 ? p->softmax_share : p->norm_share;
}

static double element_work(const struct work *w)
{
    const struct parameters *p = w->parameter;

    switch (w->kind->labour) {
    case LABOUR_NORM:
        return p->norm_work;
    case LABOUR_GATHER:
        return p->gather_work;
    case LABOUR_ROPE:
        return p->rope_work;
    case LABOUR_GATE:
        return p->gate_work;
    case LABOUR_AMAX:
        return p->amax_work;
    default:
        return w->kind->flops * p->special_share;
    }
}

/* Microseconds of instructions. Norms, rotary embeddings and gates of serving frameworks give a
 * row to a block, so fewer rows than units leave units idle. */
static double labour_us(const struct work *w, const struct walk *walk)
{
    bool is_by_row = w->kind->labour == LABOUR_NORM || w->kind->labour == LABOUR_ROPE ||
                     w->kind->labour == LABOUR_GATE;
    double rows = is_by_row ? fmax(walk->rows, w->units) : walk->rows;

    return rows * walk->cols * element_work(w) /
           (LANES * w->units * w->gpu->boost_hz * 1e-6);
}

void model_traffic(const struct work *w, struct ledger *l)
{
    const struct parameters *p = w->parameter;
    struct walk walk = {0};
    double n, bytes, rereads, passes, resident, rate;

    if (w->kind->model != MODEL_LAUNCH)
        walk = walk_of(w);
    n = walk.rows * walk.cols;
    bytes = n * w->element_bytes * (w->kind->reads + w->kind->writes);
    rereads = n * w->element_bytes * walk.rereads;
    resident = w->op->cold ? 0 : model_resident_share(w, bytes);
    rate = model_dram_rate(w) * stream_share(w, &walk);
    passes = bytes + rereads;
    if (walk.rereads > 0)
        bytes += rereads * reread_share(w, &walk);
    l->memory = fmax(bytes * (1 - resident) / rate, passes / model_l2_rate(w));
    l->compute = labour_us(w, &walk);
    l->overlap = OVERLAP;
    l->latency = p->map_floor_us;
    if (w->kind->model == MODEL_ROWS)
        l->latency += p->row_step_us * walk.cols / 1024;
    l->latency += w->kind->further_kernels * p->reduce_us;
    l->total = pow(pow(l->memory, OVERLAP) + pow(l->compute, OVERLAP), 1.0 / OVERLAP) +
               l->latency;
    ledger_add(l, resident > 0.5 ? "L2 and DRAM" : "DRAM", l->memory);
    ledger_add(l, "instructions", l->compute);
    ledger_add(l, "kernel floor and latency", l->latency);
}

void model_copy(const struct work *w, struct ledger *l)
{
    const struct parameters *p = w->parameter;
    bool is_pinned = w->op->memory == MEMORY_PINNED;
    double share = is_pinned ? p->pinned_share : p->pageable_share;
    double bytes = fmax((double)w->op->rows, 1) * (double)w->op->cols * w->element_bytes;

    l->link = bytes / (w->gpu->link_bytes_per_s * share) * 1e6;
    l->latency = p->copy_us;
    l->total = l->link + l->latency;
    ledger_add(l, "link", l->link);
    ledger_add(l, "starting the copy", l->latency);
}
