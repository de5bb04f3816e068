/* SPDX-License-Identifier: MIT */
/* What the attention workloads share: their sizes, their mask, their cost, the reference.
 *
 *     out[b][i][h] = sum_j p_j v[b][j][g],  p = softmax_j(q[b][i][h] . k[b][j][g] / sqrt(d))
 *
 * over the keys j that query i may see; query head h reads key/value head g = h / (heads /
 * kv_heads). q and out are [batch, q_len, heads, head_dim], k and v are [batch, kv_len,
 * kv_heads, head_dim], all row-major. The queries are the last q_len of kv_len positions:
 * query i stands at t = kv_len - q_len + i. Causal: it sees j <= t; with a window w > 0 also
 * only j > t - w. */
#ifndef OFFLOAD_BENCH_ATTENTION_H
#define OFFLOAD_BENCH_ATTENTION_H

#include "workloads/workload.h"

struct attention {
    enum dtype dtype;
    int64_t batch, heads, kv_heads, head_dim, q_len, kv_len, window;
    bool causal;
};

/* Arguments of both workloads, in order. */
enum { ATTENTION_Q, ATTENTION_K, ATTENTION_V, ATTENTION_OUT };

/* Largest head_dim; it is a multiple of 8 (every published model's is). */
enum { ATTENTION_DIM = 256 };

/* Elements of q or out, of k or v. */
int64_t attention_q_count(const struct attention *);
int64_t attention_kv_count(const struct attention *);

/* Keys that query i sees: *first ... *end - 1; at least one. */
static inline void attention_span(const struct attention *a, int64_t i, int64_t *first,
                                  int64_t *end)
{
    int64_t at = a->kv_len - a->q_len + i;

    *end = a->causal ? at + 1 : a->kv_len;
    *first = a->window > 0 && at + 1 > a->window ? at + 1 - a->window : 0;
}

/* (query, key) pairs that one head computes. */
double attention_pairs(const struct attention *);

/* 4 head_dim flops a visible pair (two products; the softmax is not counted); q, out and the
 * keys and values that some query sees, each once. */
struct cost attention_cost(const struct attention *);

/* False with a sentence that begins with `workload`. */
bool attention_valid(const struct attention *, const char *workload, struct why *);

void attention_operation(const struct attention *, const char *op, struct operation *);

/* Fill v: random, but the first position, every MARK_EVERY-th from the last one back, and
 * the two on either side of the last query's window are MARK_BY times as large. Long contexts average v out:
 * in 16 bits one key too many or too few would then hide in the rounding. */
enum { ATTENTION_MARK_EVERY = 61, ATTENTION_MARK_BY = 32 };
void attention_fill_values(const struct attention *, void *data, uint64_t seed);

/* prepare() and release() of our own variants: call->self is scratch of at least `bytes`.
 * Errors: STATUS_MEMORY. */
int attention_scratch(struct call *, size_t bytes, struct why *);
void attention_scratch_release(struct call *);

/* Do the kernels of attention_prefill.cu, for tensor cores, cover this head and dtype? */
bool attention_tensor_fits(const struct attention *);

/* In double precision. The yardstick `scale` makes the bound of workload_error_bound,
 * F scale with F = (4 sqrt(length) + 8) u32 + roundings u_dtype, cover two things:
 *
 *  - adding up p_j v_j, normalising, storing p in the dtype: F sum_j p_j |v_j|.
 *  - a score that is off by e_j changes the result by p_j e_j (v_j - out) to first order
 *    (the derivative of the softmax), at most p_j |e_j| (|v_j| + |out|). A score is a dot
 *    product of head_dim terms, added up in f32 for all dtypes, whose magnitudes sum to at
 *    most |q| |k_j| (Cauchy-Schwarz), then scaled, and its distance to the largest score is
 *    rounded and multiplied by log2(e):
 *        |e_j| <= u32 ((4 sqrt(head_dim) + 8) |q| |k_j| / sqrt(head_dim) + 4 |s_j - s_max|)
 *
 * so scale = sum_j p_j |v_j| (1 + |e_j| / F) + |out| sum_j p_j |e_j| / F. `factor` is F. */
void attention_reference(const struct attention *, double factor, const void *const *in,
                         double *want, double *scale);

#endif
