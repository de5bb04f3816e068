/* SPDX-License-Identifier: MIT */
/* Attention of one query a sequence, split over its keys. attention_decode_span: 128
 * work-items take HEADS query heads that share a key head (fewer where the group ends)
 * through one span of keys, 64 at a time: keys come through local memory, in chunks of 64
 * columns, so that a work-item multiplies one half of a key with all heads; values come
 * straight from global memory, 16 work-items side by side in a row, 8 keys at a time. Each
 * key and value is so read once. attention_decode_merge adds up the spans, each worth
 * exp(its largest score). HEAD_DIM (a multiple of 8), GROUP (query heads a key head), HEADS
 * and, when there is one span only, WHOLE come from the host. Local memory: at most 26 KiB.
 *
 * q and out [batch, heads, HEAD_DIM], k and v [batch, kv_len, kv_heads, HEAD_DIM]. Scratch:
 * floats [span][batch][heads][HEAD_DIM + 2], the sums of values, the largest score, the sum.
 * groups of span: spans, kv_heads * ceil(GROUP / HEADS), batch; of merge: heads, batch. */
enum { KEYS = 64, LINE = 17, COLS = (HEAD_DIM + 63) / 64, PARTS = (GROUP + HEADS - 1) / HEADS };

#define NOTHING -1e30f
#define UNSEEN -1e37f

#define ADD4(acc, s, b)                                                                \
    {                                                                                  \
        (acc).x = fma_(s, (b).x, (acc).x);                                             \
        (acc).y = fma_(s, (b).y, (acc).y);                                             \
        (acc).z = fma_(s, (b).z, (acc).z);                                             \
        (acc).w = fma_(s, (b).w, (acc).w);                                             \
    }
#define SET4(a, s)                                                                     \
    {                                                                                  \
        (a).x = (a).y = (a).z = (a).w = (s);                                           \
    }

KERNEL void attention_decode_span(GLOBAL const elem *restrict_ q,
                                  GLOBAL const elem *restrict_ k,
                                  GLOBAL const elem *restrict_ v, GLOBAL elem *restrict_ out,
                                  GLOBAL float *restrict_ scratch, int kv_heads, int kv_len,
                                  int first, float scale)
{
    LOCAL float4 query[HEADS * (HEAD_DIM / 4)];
    LOCAL float4 stage[KEYS * LINE];       /* keys; at the end, output */
    LOCAL float half_score[2][HEADS][KEYS];
    LOCAL float top[HEADS], sum[HEADS], alpha[HEADS];
    int me = local_id(0), half_of = me / KEYS, key = me - KEYS * half_of;
    int row = me / 16, quad = me - 16 * row;
    int kv_head = group_id(1) / PARTS, head = (group_id(1) - PARTS * kv_head) * HEADS;
    int heads = MIN(HEADS, GROUP - head), spans = group_count(0), batch = group_id(2);
    int keys_all = kv_len - first;
    int from = first + (int)((long_)keys_all * group_id(0) / spans);
    int to = first + (int)((long_)keys_all * (group_id(0) + 1) / spans);
    long_ step = (long_)kv_heads * HEAD_DIM;
    long_ kv_at = (long_)batch * kv_len * step + (long_)kv_head * HEAD_DIM;
    long_ head_at = (long_)batch * kv_heads * GROUP + kv_head * GROUP + head;
    float4 o[COLS][HEADS];

#pragma unroll
    for (int c = 0; c < COLS; c++)
#pragma unroll
        for (int h = 0; h < HEADS; h++)
            SET4(o[c][h], 0);
    for (int i = me; i < HEADS * (HEAD_DIM / 4); i += 128) {
        real4 x;

        SET4(x, 0);
        if (i < heads * (HEAD_DIM / 4))
            x = LOAD4(q + head_at * HEAD_DIM, i);
        query[i].x = x.x * scale;
        query[i].y = x.y * scale;
        query[i].z = x.z * scale;
        query[i].w = x.w * scale;
    }
    if (me < HEADS) {
        top[me] = NOTHING;
        sum[me] = 0;
    }
    for (; from < to; from += KEYS) {
        int keys = MIN(KEYS, to - from);
        float s[HEADS];

#pragma unroll
        for (int h = 0; h < HEADS; h++)
            s[h] = 0;
        for (int c = 0; c < COLS; c++) {
            int quads = MIN(16, HEAD_DIM / 4 - 16 * c), last = MIN(quads, 8 * half_of + 8);

            barrier_local();
            for (int r = row; r < keys && quad < quads; r += 8) {
                real4 x = LOAD4(k + kv_at + (from + r) * step, 16 * c + quad);
                LOCAL_POINTER float4 *at = stage + r * LINE + quad;

                at->x = x.x;
                at->y = x.y;
                at->z = x.z;
                at->w = x.w;
            }
            barrier_local();
            for (int i = 8 * half_of; i < last && key < keys; i++) {
                float4 x = stage[key * LINE + i];

#pragma unroll
                for (int h = 0; h < HEADS; h++) {
                    float4 y = query[h * (HEAD_DIM / 4) + 16 * c + i];

                    s[h] = fma_(x.x, y.x, s[h]);
                    s[h] = fma_(x.y, y.y, s[h]);
                    s[h] = fma_(x.z, y.z, s[h]);
                    s[h] = fma_(x.w, y.w, s[h]);
                }
            }
        }
#pragma unroll
        for (int h = 0; h < HEADS; h++)
            half_score[half_of][h][key] = key < keys ? s[h] : UNSEEN;
        barrier_local();
        if (me < HEADS) {
            float now = top[me];

            for (int j = 0; j < KEYS; j++)
                now = max_(now, half_score[0][me][j] + half_score[1][me][j]);
            alpha[me] = exp_(top[me] - now);
            top[me] = now;
        }
        barrier_local();
        for (int h = half_of; h < HEADS; h += 2) {
            float score = half_score[0][h][key] + half_score[1][h][key];

            half_score[0][h][key] = exp_(score - top[h]);
        }
        barrier_local();
        if (me < HEADS) {
            float all = sum[me] * alpha[me];

            for (int j = 0; j < KEYS; j++)
                all += half_score[0][me][j];
            sum[me] = all;
        }
#pragma unroll
        for (int c = 0; c < COLS; c++) {
#pragma unroll
            for (int h = 0; h < HEADS; h++) {
                float a = alpha[h];

                o[c][h].x *= a;
                o[c][h].y *= a;
                o[c][h].z *= a;
                o[c][h].w *= a;
            }
            for (int r = row; r < keys && 16 * c + quad < HEAD_DIM / 4; r += 8) {
                real4 x = LOAD4(v + kv_at + (from + r) * step, 16 * c + quad);

#pragma unroll
                for (int h = 0; h < HEADS; h++)
                    ADD4(o[c][h], half_score[0][h][r], x);
            }
        }
    }
#pragma unroll
    for (int c = 0; c < COLS; c++)
#pragma unroll
        for (int h = 0; h < HEADS; h++) {
            barrier_local();
            stage[me] = o[c][h];
            barrier_local();
            if (me < 16 && h < heads && 16 * c + me < HEAD_DIM / 4) {
                real4 x;

                SET4(x, 0);
                for (int r = 0; r < 8; r++)
                    ADD4(x, 1.0f, stage[r * 16 + me]);
#ifdef WHOLE
                x.x /= sum[h];
                x.y /= sum[h];
                x.z /= sum[h];
                x.w /= sum[h];
                STORE4(out + (head_at + h) * HEAD_DIM, 16 * c + me, x);
#else
                {
                    GLOBAL float *at =
                        scratch + (((long_)group_id(0) * group_count(2) * kv_heads * GROUP +
                                    head_at + h) * (HEAD_DIM + 2));
                    int column = 4 * (16 * c + me);

                    at[column] = x.x;
                    at[column + 1] = x.y;
                    at[column + 2] = x.z;
                    at[column + 3] = x.w;
                    if (column == 0) {
                        at[HEAD_DIM] = top[h];
                        at[HEAD_DIM + 1] = sum[h];
                    }
                }
#endif
            }
        }
}

KERNEL void attention_decode_merge(GLOBAL const float *restrict_ scratch,
                                   GLOBAL elem *restrict_ out, int spans)
{
    long_ heads = (long_)group_count(0) * group_count(1);
    long_ head = (long_)group_id(1) * group_count(0) + group_id(0);
    long_ step = heads * (HEAD_DIM + 2);
    GLOBAL const float *at = scratch + head * (HEAD_DIM + 2);
    float top = NOTHING, sum = 0;

    for (int i = 0; i < spans; i++)
        top = max_(top, at[i * step + HEAD_DIM]);
    for (int i = 0; i < spans; i++)
        sum += exp_(at[i * step + HEAD_DIM] - top) * at[i * step + HEAD_DIM + 1];
    for (int c = local_id(0); c < HEAD_DIM; c += group_size(0)) {
        float value = 0;

        for (int i = 0; i < spans; i++)
            value = fma_(exp_(at[i * step + HEAD_DIM] - top), at[i * step + c], value);
        STORE(out, head * HEAD_DIM + c, value / sum);
    }
}
