/* SPDX-License-Identifier: MIT */
/* Attention on tensor cores, f16 and bf16, sums in f32; for attention_prefill and, compiled
 * with GROUP, attention_decode. Blocks of WARPS warps walk over the keys they see, KEYS at a
 * time; scores never leave registers (FlashAttention-2: Dao, arXiv 2307.08691): each warp
 * holds 16 rows of queries, multiplies them with its keys of the tile, takes the softmax of
 * what it has seen so far (top: largest score, sum: of exp2), and multiplies the rounded
 * probabilities, which already lie as the next product wants them, with the values.
 *
 * attention_prefill_tensor: a row is a query of one head; all warps share the tile.
 * attention_decode_tensor:  a row is one of the GROUP query heads that share a key head; each
 *                           warp takes 16 keys of the tile, and the warps meet at the end. One
 *                           block takes one span of the keys (WHOLE: all of them).
 * attention_decode_join:    adds up the spans.
 *
 * HEAD_DIM is 64 or 128. q, out [batch, q_len, heads, HEAD_DIM], k, v [batch, kv_len,
 * kv_heads, HEAD_DIM]. `factor` turns scores into exponents of 2: log2(e) / sqrt(HEAD_DIM). */
#include "dialect_cuda.h"

enum {
    KEYS = 64,
    CHUNKS = HEAD_DIM / CHUNK,
    THREADS = 32 * WARPS,
#ifdef GROUP
    WARP_KEYS = KEYS / WARPS,
#else
    WARP_KEYS = KEYS,
#endif
    TILES = WARP_KEYS / 8 /* fragments of scores that a warp has */
};

/* Finite, so that a difference of two is a number: a row that has seen no key yet, a key that
 * a row does not see. exp2((UNSEEN - NOTHING) * factor) is 0. */
#define NOTHING -1e30f
#define UNSEEN -1e37f

/* A warp's rows: of this thread rows quad (index 0) and quad + 8 (index 1). */
struct rows {
    uint query[HEAD_DIM / 16][4];
    float out[HEAD_DIM / 8][4];
    float top[2], sum[2]; /* sum: this thread's columns only until rows_finish */
};

FUNCTION float exp2_(float x)
{
    float y;

    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

/* The two rows' queries, from global memory as fragments of a; NULL: no such row. */
FUNCTION void rows_start(struct rows *r, const elem *first, const elem *second)
{
    int pair = threadIdx.x % 4;

#pragma unroll
    for (int i = 0; i < HEAD_DIM / 16; i++) {
        int at = 16 * i + 2 * pair;

        r->query[i][0] = first ? *(const uint *)(first + at) : 0;
        r->query[i][1] = second ? *(const uint *)(second + at) : 0;
        r->query[i][2] = first ? *(const uint *)(first + at + 8) : 0;
        r->query[i][3] = second ? *(const uint *)(second + at + 8) : 0;
    }
#pragma unroll
    for (int i = 0; i < HEAD_DIM / 8; i++)
        r->out[i][0] = r->out[i][1] = r->out[i][2] = r->out[i][3] = 0;
    r->top[0] = r->top[1] = NOTHING;
    r->sum[0] = r->sum[1] = 0;
}

/* KEYS keys or values from `from` on, zeros from `end` on. */
FUNCTION void bring_tile(chunk *tile, const elem *p, int from, int end, long_ stride)
{
#pragma unroll
    for (int i = threadIdx.x; i < KEYS * CHUNKS; i += THREADS) {
        int key = i / CHUNKS, at = i % CHUNKS;
        bool is_there = from + key < end;

        chunk_copy(&tile[chunk_slot(key, at, CHUNKS)],
                   is_there ? p + (from + key) * stride + at * CHUNK : p, is_there);
    }
}

/* Scores of the warp's rows with its keys, which begin at key `first` of the tile. */
FUNCTION void scores_of(float score[TILES][4], const struct rows *r, const chunk *keys, int first)
{
    int matrix = threadIdx.x % 32 / 8, i = threadIdx.x % 8;

#pragma unroll
    for (int n = 0; n < TILES; n++)
        score[n][0] = score[n][1] = score[n][2] = score[n][3] = 0;
#pragma unroll
    for (int d = 0; d < HEAD_DIM / 16; d++)
#pragma unroll
        for (int n = 0; n < TILES; n += 2) {
            /* b0, b1 of 8 keys, then of the next 8 */
            int key = first + 8 * n + matrix / 2 * 8 + i;
            uint b[4];

            matrix_load(b, &keys[chunk_slot(key, 2 * d + matrix % 2, CHUNKS)]);
            matrix_product(score[n], r->query[d], b[0], b[1]);
            matrix_product(score[n + 1], r->query[d], b[2], b[3]);
        }
}

/* Row quad sees keys low[0] ... high[0] - 1, row quad + 8 those of index 1; the warp's keys
 * begin at `key`. */
FUNCTION void scores_mask(float score[TILES][4], int key, const int low[2], const int high[2])
{
#pragma unroll
    for (int n = 0; n < TILES; n++)
#pragma unroll
        for (int c = 0; c < 4; c++) {
            int at = key + 8 * n + threadIdx.x % 4 * 2 + c % 2;

            if (at < low[c / 2] || at >= high[c / 2])
                score[n][c] = UNSEEN;
        }
}

/* Scores become exp2(factor (score - top)); what was seen before is scaled to the new top. */
FUNCTION void rows_softmax(struct rows *r, float score[TILES][4], float factor)
{
#pragma unroll
    for (int half = 0; half < 2; half++) {
        float top = r->top[half], scale, shift;

#pragma unroll
        for (int n = 0; n < TILES; n++)
            top = fmaxf(top, fmaxf(score[n][2 * half], score[n][2 * half + 1]));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
        scale = exp2_((r->top[half] - top) * factor);
        shift = top * factor;
        r->top[half] = top;
        r->sum[half] *= scale;
#pragma unroll
        for (int n = 0; n < TILES; n++)
#pragma unroll
            for (int c = 2 * half; c < 2 * half + 2; c++) {
                score[n][c] = exp2_(fmaf(score[n][c], factor, -shift));
                r->sum[half] += score[n][c];
            }
#pragma unroll
        for (int d = 0; d < HEAD_DIM / 8; d++) {
            r->out[d][2 * half] *= scale;
            r->out[d][2 * half + 1] *= scale;
        }
    }
}

/* out += probabilities times values, which begin at value `first` of the tile. */
FUNCTION void rows_add(struct rows *r, const float score[TILES][4], const chunk *values, int first)
{
    int matrix = threadIdx.x % 32 / 8, i = threadIdx.x % 8;

#pragma unroll
    for (int n = 0; n < TILES; n += 2) {
        uint a[4] = {pair_of(score[n][0], score[n][1]), pair_of(score[n][2], score[n][3]),
                     pair_of(score[n + 1][0], score[n + 1][1]),
                     pair_of(score[n + 1][2], score[n + 1][3])};
        int key = first + 8 * n + matrix % 2 * 8 + i;

#pragma unroll
        for (int d = 0; d < HEAD_DIM / 8; d += 2) {
            uint b[4];

            matrix_load_transposed(b, &values[chunk_slot(key, d + matrix / 2, CHUNKS)]);
            matrix_product(r->out[d], a, b[0], b[1]);
            matrix_product(r->out[d + 1], a, b[2], b[3]);
        }
    }
}

/* The sums of a whole row, in all four threads that have it. */
FUNCTION void rows_finish(struct rows *r)
{
#pragma unroll
    for (int half = 0; half < 2; half++) {
        r->sum[half] += __shfl_xor_sync(0xffffffffu, r->sum[half], 1);
        r->sum[half] += __shfl_xor_sync(0xffffffffu, r->sum[half], 2);
    }
}

/* One walk over the keys from `from` to `end`: the values come while the scores are made, the
 * next keys while the values are added. `low`, `high` as in scores_mask; `first`: where in a
 * tile the warp's keys begin; those from all_from to all_to are seen by all of its rows and need
 * no mask. */
FUNCTION void rows_walk(struct rows *r, chunk *keys, chunk *values, const elem *k, const elem *v,
                        long_ stride, int from, int end, int first, const int low[2],
                        const int high[2], int all_from, int all_to, float factor)
{
    bring_tile(keys, k, from, end, stride);
    chunk_commit();
    for (int at = from; at < end; at += KEYS) {
        float score[TILES][4];

        chunk_wait(0);
        __syncthreads(); /* the keys are there, and all are done with the values before */
        bring_tile(values, v, at, end, stride);
        chunk_commit();
        scores_of(score, r, keys, first);
        if (at + first < all_from || at + first + WARP_KEYS > all_to)
            scores_mask(score, at + first, low, high);
        rows_softmax(r, score, factor);
        chunk_wait(0);
        __syncthreads(); /* the values are there, and all are done with the keys */
        if (at + KEYS < end)
            bring_tile(keys, k, at + KEYS, end, stride);
        chunk_commit();
        rows_add(r, score, values, first);
    }
}

#ifndef GROUP

/* groups: ceil(q_len / (16 WARPS)), heads, batch. The blocks that see most keys come first. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    attention_prefill_tensor(const elem *__restrict__ q, const elem *__restrict__ k,
                             const elem *__restrict__ v, elem *__restrict__ out, int heads,
                             int kv_heads, int q_len, int kv_len, int causal, int window,
                             float factor)
{
    __shared__ chunk keys[KEYS * CHUNKS], values[KEYS * CHUNKS];
    struct rows r;
    int block = (gridDim.x - 1 - blockIdx.x) * 16 * WARPS, head = blockIdx.y;
    int warp_row = block + threadIdx.x / 32 * 16, quad = threadIdx.x % 32 / 4;
    int before = kv_len - q_len; /* keys older than query 0 */
    int last = MIN(block + 16 * WARPS, q_len) - 1;
    int from = window > 0 ? max(0, before + block + 1 - window) : 0;
    int end = causal ? before + last + 1 : kv_len;
    int low[2], high[2];
    long_ stride = (long_)kv_heads * HEAD_DIM, row_stride = (long_)heads * HEAD_DIM;
    long_ kv_at = ((long_)blockIdx.z * kv_len * kv_heads + head / (heads / kv_heads)) * HEAD_DIM;
    long_ q_at = ((long_)blockIdx.z * q_len * heads + head) * HEAD_DIM;

    for (int half = 0; half < 2; half++) {
        int at = before + warp_row + quad + 8 * half;

        low[half] = window > 0 ? at + 1 - window : 0;
        high[half] = causal ? MIN(at + 1, kv_len) : kv_len;
    }
    rows_start(&r, warp_row + quad < q_len ? q + q_at + (warp_row + quad) * row_stride : 0,
               warp_row + quad + 8 < q_len ? q + q_at + (warp_row + quad + 8) * row_stride : 0);
    rows_walk(&r, keys, values, k + kv_at, v + kv_at, stride, from, end, 0, low, high,
              window > 0 ? before + warp_row + 16 - window : 0,
              causal ? MIN(before + warp_row + 1, kv_len) : kv_len, factor);
    rows_finish(&r);
    for (int half = 0; half < 2; half++) {
        int row = warp_row + quad + 8 * half;
        float scale = 1 / r.sum[half];
        elem *to = out + q_at + row * row_stride + threadIdx.x % 4 * 2;

        if (row < q_len)
#pragma unroll
            for (int d = 0; d < HEAD_DIM / 8; d++)
                *(uint *)(to + 8 * d) =
                    pair_of(r.out[d][2 * half] * scale, r.out[d][2 * half + 1] * scale);
    }
}

#else

enum { ROWS = 16, PARTS = (GROUP + ROWS - 1) / ROWS, PITCH = HEAD_DIM };

/* Scratch: floats [span][batch * heads][HEAD_DIM], the sums of values; then the largest scores,
 * as exponents of 2, and the sums, [span][batch * heads] each. */

/* groups: spans, kv_heads * PARTS, batch. Keys `first` ... kv_len - 1 are seen. */
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    attention_decode_tensor(const elem *__restrict__ q, const elem *__restrict__ k,
                            const elem *__restrict__ v, elem *__restrict__ out,
                            float *__restrict__ scratch, int kv_heads, int kv_len, int first,
                            float factor)
{
    /* 2 KEYS CHUNKS chunks hold the warps' outputs too: 16 WARPS HEAD_DIM floats */
    __shared__ chunk tile[2 * KEYS * CHUNKS];
    __shared__ float tops[WARPS][ROWS], sums[WARPS][ROWS];
    struct rows r;
    int warp = threadIdx.x / 32, quad = threadIdx.x % 32 / 4, pair = threadIdx.x % 4;
    int kv_head = blockIdx.y / PARTS, part = blockIdx.y % PARTS * ROWS;
    int rows = MIN(ROWS, GROUP - part);
    int spans = gridDim.x, seen = kv_len - first;
    int from = first + (int)((long_)seen * blockIdx.x / spans);
    int end = first + (int)((long_)seen * (blockIdx.x + 1) / spans);
    int low[2] = {from, from}, high[2] = {end, end};
    long_ stride = (long_)kv_heads * HEAD_DIM;
    long_ kv_at = ((long_)blockIdx.z * kv_len * kv_heads + kv_head) * HEAD_DIM;
    long_ heads = (long_)gridDim.z * kv_heads * GROUP;
    long_ head = ((long_)blockIdx.z * kv_heads + kv_head) * GROUP + part;
    float *merged = (float *)tile;

    q += head * HEAD_DIM;
    rows_start(&r, quad < rows ? q + quad * HEAD_DIM : 0,
               quad + 8 < rows ? q + (quad + 8) * HEAD_DIM : 0);
    rows_walk(&r, tile, tile + KEYS * CHUNKS, k + kv_at, v + kv_at, stride, from, end,
              warp * WARP_KEYS, low, high, from, end, factor);
    rows_finish(&r);
    __syncthreads(); /* all are done with the tile */
    for (int half = 0; half < 2; half++) {
        int row = quad + 8 * half;

        if (pair == 0) {
            tops[warp][row] = r.top[half] * factor;
            sums[warp][row] = r.sum[half];
        }
#pragma unroll
        for (int d = 0; d < HEAD_DIM / 8; d++) {
            float *to = merged + (warp * ROWS + row) * PITCH + 8 * d + 2 * pair;

            to[0] = r.out[d][2 * half];
            to[1] = r.out[d][2 * half + 1];
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < rows * HEAD_DIM; i += THREADS) {
        int row = i / HEAD_DIM, column = i % HEAD_DIM;
        float top = tops[0][row], sum = 0, value = 0;

        for (int w = 1; w < WARPS; w++)
            top = fmaxf(top, tops[w][row]);
        for (int w = 0; w < WARPS; w++) {
            float weight = exp2_(tops[w][row] - top);

            sum += weight * sums[w][row];
            value += weight * merged[(w * ROWS + row) * PITCH + column];
        }
#ifdef WHOLE
        STORE(out, (head + row) * HEAD_DIM + column, value / sum);
#else
        {
            long_ at = blockIdx.x * heads + head + row;

            scratch[at * HEAD_DIM + column] = value;
            if (column == 0) {
                scratch[spans * heads * HEAD_DIM + at] = top;
                scratch[spans * heads * (HEAD_DIM + 1) + at] = sum;
            }
        }
#endif
    }
}

/* groups: batch * heads; 128 threads: each has four columns of every LANES-th span. */
extern "C" __global__ void __launch_bounds__(128)
    attention_decode_join(const float *__restrict__ scratch, elem *__restrict__ out, int spans)
{
    enum { COLUMNS = HEAD_DIM / 4, LANES = 128 / COLUMNS };
    __shared__ float weight[SPANS], reduced[128];
    __shared__ float4 part[128];
    long_ heads = gridDim.x, head = blockIdx.x;
    const float *tops = scratch + spans * heads * HEAD_DIM, *sums = tops + spans * heads;
    int column = threadIdx.x % COLUMNS, lane = threadIdx.x / COLUMNS;
    float top = NOTHING, sum = 0;
    float4 value = {0, 0, 0, 0};

    for (int i = threadIdx.x; i < spans; i += 128)
        top = fmaxf(top, tops[i * heads + head]);
    top = group_max(top, reduced);
    for (int i = threadIdx.x; i < spans; i += 128) {
        weight[i] = exp2_(tops[i * heads + head] - top);
        sum += weight[i] * sums[i * heads + head];
    }
    sum = group_add(sum, reduced); /* its barriers make the weights seen */
#pragma unroll 4
    for (int i = lane; i < spans; i += LANES) {
        float4 x = ((const float4 *)(scratch + (i * heads + head) * HEAD_DIM))[column];

        value.x += weight[i] * x.x;
        value.y += weight[i] * x.y;
        value.z += weight[i] * x.z;
        value.w += weight[i] * x.w;
    }
    part[threadIdx.x] = value;
    __syncthreads();
    if (lane > 0)
        return;
    for (int l = 1; l < LANES; l++) {
        float4 x = part[l * COLUMNS + column];

        value.x += x.x;
        value.y += x.y;
        value.z += x.z;
        value.w += x.w;
    }
    *(uint2 *)(out + head * HEAD_DIM + 4 * column) =
        make_uint2(pair_of(value.x / sum, value.y / sum), pair_of(value.z / sum, value.w / sum));
}

#endif
