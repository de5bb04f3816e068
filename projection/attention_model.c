/* SPDX-License-Identifier: MIT */
/* Attention in one pass over keys and values (FlashAttention, Dao et al. 2022, 2023): prefill
 * is tiles of queries that walk over the keys they may see, on units that end unevenly;
 * decode streams the KV cache once per group of query heads that share it, split along its
 * length until every unit has work (Flash-Decoding). Appending to the cache is part of it. */
#include "projection/model.h"

#include <math.h>

enum { KEY_STEP = 128, DECODE_ROWS = 64 };

/* One call in the model's units. */
struct heads {
    double batch, heads, kv_heads, dim, queries, keys, window; /* window: 0 is none */
    double kv_bytes;                                            /* of one cached element */
    double rate, exp_rate, dram, cycles_per_us;
};

static void heads_init(const struct work *w, struct heads *h)
{
    const struct parameters *p = w->parameter;
    const struct operation *op = w->op;
    int family = (int)w->gpu->family;
    bool is_small = op->kv_precision == PRECISION_FP8 ||
                    (op->kv_precision == PRECISION_PLAIN && op->kv_dtype == DTYPE_I8);

    *h = (struct heads){.batch = op->batch > 0 ? (double)op->batch : 1,
                        .heads = (double)op->heads, .dim = (double)op->head_dim,
                        .window = (double)op->window};
    h->kv_heads = op->kv_heads > 0 ? (double)op->kv_heads : h->heads;
    h->queries = op->q_len > 0 ? (double)op->q_len : 1;
    h->keys = op->kv_len > 0 ? (double)op->kv_len : h->queries;
    if (w->kind->model == MODEL_DECODE && op->q_len < 1)
        h->queries = 1;
    h->kv_bytes = is_small ? 1 : w->element_bytes < 2 ? 2 : w->element_bytes;
    h->rate = model_tensor_rate(w, p->prefill_share,
                                4 * h->batch * h->heads * h->dim * h->queries * h->keys) /
              w->units * p->attention_share[family];
    h->dram = model_dram_rate(w);
    h->cycles_per_us = w->gpu->boost_hz * 1e-6;
    /* 16 special functions per unit and clock (CUDA C++ Programming Guide, table of
     * arithmetic throughput, every generation from 6.x to 10.x but 6.1). */
    h->exp_rate = 16 * h->cycles_per_us;
}

/* Keys that the queries first ... first+rows-1 look at together. */
static double keys_seen(const struct work *w, const struct heads *h, double first, double rows)
{
    double end = w->op->causal ? fmin(h->keys, h->keys - h->queries + first + rows) : h->keys;
    double begin = h->window > 0 ? fmax(0, h->keys - h->queries + first - h->window) : 0;

    return fmax(end - begin, 1);
}

/* Keys summed over all tiles of `rows` queries; long sequences by trapezoids. */
static double keys_total(const struct work *w, const struct heads *h, double rows)
{
    double tiles = ceil(h->queries / rows), stride = ceil(tiles / 16), sum = 0;

    for (double i = 0; i < tiles; i += stride) {
        double last = fmin(i + stride, tiles) - 1;

        sum += (keys_seen(w, h, i * rows, rows) + keys_seen(w, h, last * rows, rows)) / 2 *
               (last - i + 1);
    }
    return sum;
}

/* Attention and append; before them, on Hopper, FlashAttention-3 lays out its schedule
 * (flash-attention, hopper/flash_prepare_scheduler.cu). */
static int prefill_kernels(const struct work *w)
{
    return w->gpu->family == FAMILY_HOPPER ? 3 : 2;
}

static void model_prefill(const struct work *w, struct ledger *l)
{
    const struct parameters *p = w->parameter;
    struct heads h;
    double rows, keys, longest, per_key, groups, rounds, rate, all, append, io, hot;

    heads_init(w, &h);
    rows = h.dim > 128 ? 64 : 128;
    rate = h.rate * p->prefill_share * (h.kv_bytes < 2 ? p->small_kv_share : 1);
    per_key = 4 * rows * h.dim / rate + p->prefill_softmax * rows / h.exp_rate;
    if (h.dim > 256)
        per_key *= p->wide_head;
    groups = h.batch * h.heads * ceil(h.queries / rows);
    keys = keys_total(w, &h, rows);
    longest = keys_seen(w, &h, h.queries - fmin(rows, h.queries), rows) * per_key;
    all = h.batch * h.heads * keys * per_key / w->units;
    rounds = fmax(1, groups / w->units);
    l->compute = fmax(longest * p->solo_step, all + p->prefill_tail * longest *
                                                 fmin(1, groups / w->units)) +
                 rounds * p->attention_start_cycles / h.cycles_per_us;
    append = h.batch * h.queries * h.kv_heads * h.dim * 2 * (2 + h.kv_bytes);
    io = h.batch * h.queries * h.dim * 2 * (2 * h.heads + 2 * h.kv_heads);
    hot = model_resident_share(w, append + io);
    l->few = fmin(1, 1 / groups * w->units);
    l->throttle = model_throttle(w, p->prefill_share,
                                 4 * h.batch * h.heads * h.dim * h.queries * h.keys);
    l->memory = (append + p->prefill_io * io) *
                fmax((1 - hot) / h.dram, 1 / model_l2_rate(w));
    l->latency = prefill_kernels(w) * p->prefill_kernel_us[w->gpu->family];
    l->total = l->compute + l->memory + l->latency;
    ledger_add(l, "tiles of queries over their keys", l->compute);
    ledger_add(l, "DRAM, with the KV append", l->memory);
    ledger_add(l, "floor of its kernels", l->latency);
}

static void model_decode(const struct work *w, struct ledger *l)
{
    const struct parameters *p = w->parameter;
    struct heads h;
    double kept, groups, splits, steps, bytes, rounds, reach, rows, hot, stream, start, io;

    heads_init(w, &h);
    kept = h.window > 0 ? fmin(h.keys, h.window + h.queries) : h.keys;
    groups = h.batch * h.kv_heads;
    steps = ceil(kept / KEY_STEP);
    splits = fmax(1, fmin(floor(w->units / groups), steps / 2));
    rounds = fmax(1, groups * splits / w->units);
    rows = ceil(h.queries * h.heads / h.kv_heads / DECODE_ROWS) * DECODE_ROWS;
    bytes = groups * kept * h.dim * 2 * h.kv_bytes;
    hot = model_resident_share(w, bytes);
    reach = fmin(1, groups * splits * p->decode_unit_gain / w->units);
    stream = bytes * (1 - hot) / (h.dram * p->decode_dram_share * reach *
                                  p->decode_share[w->gpu->family]) +
             bytes * hot / (model_l2_rate(w) * reach);
    if (h.kv_bytes < 2)
        stream *= p->small_kv_cost;
    io = h.batch * h.queries * h.dim * 2 * (2 * h.heads + 3 * h.kv_heads);
    start = rounds * p->decode_start_us + p->decode_io * io / h.dram +
            steps / splits * p->decode_step_cycles / h.cycles_per_us;
    l->compute = 4 * groups * rows * kept * h.dim / (h.rate * w->units * p->prefill_share);
    l->memory = h.dim > 256 ? stream * p->wide_head : stream;
    l->latency = p->decode_floor_cycles[w->gpu->family] / h.cycles_per_us + start +
                 (splits > 1 ? p->decode_split_us : 0);
    l->overlap = 3;
    l->total = pow(pow(l->compute, 3) + pow(l->memory, 3), 1.0 / 3) + l->latency;
    ledger_add(l, "multiply-add", l->compute);
    ledger_add(l, "KV cache", l->memory);
    ledger_add(l, "floor, steps and joining splits", l->latency);
}

void model_attention(const struct work *w, struct ledger *l)
{
    if (w->kind->model == MODEL_PREFILL)
        model_prefill(w, l);
    else
        model_decode(w, l);
}
