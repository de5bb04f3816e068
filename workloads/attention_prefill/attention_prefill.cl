/* SPDX-License-Identifier: MIT */
/* attention_prefill: 256 work-items, a 16 x 16 grid (tx, ty), take 64 queries of one head
 * through all keys that they see, 64 at a time, with an online softmax. The grid keeps the
 * scores (4 keys x 4 queries each) and the output (4 queries x 4 columns of every 64) in
 * registers; local memory holds the operands of one product at a time, query-major for the
 * first, so that every operand is read in fours: CHUNK columns of queries and keys, then the
 * probabilities and 64 columns of 2 CHUNK values. HEAD_DIM (a multiple of 8) and CHUNK (16 or
 * 32) come from the host. Local memory: 31 or 39 KiB.
 *
 * q and out [batch, q_len, heads, HEAD_DIM], k and v [batch, kv_len, kv_heads, HEAD_DIM];
 * query i is position kv_len - q_len + i. groups: query tiles, heads, batch. */
enum {
    TILE = 64,
    LINE = TILE / 4 + 1, /* fours from row to row: one more, against bank conflicts */
    VALUES = 2 * CHUNK,
    COLS = (HEAD_DIM + TILE - 1) / TILE
};

/* Below every score, and so far below that exp(UNSEEN - NOTHING) is 0. */
#define NOTHING -1e30f
#define UNSEEN -1e37f

#define SET4(a, s)                                                                     \
    {                                                                                  \
        (a).x = (a).y = (a).z = (a).w = (s);                                           \
    }
#define SCALE4(a, s)                                                                   \
    {                                                                                  \
        (a).x *= (s);                                                                  \
        (a).y *= (s);                                                                  \
        (a).z *= (s);                                                                  \
        (a).w *= (s);                                                                  \
    }
/* a += s * b */
#define ADD4(a, s, b)                                                                  \
    {                                                                                  \
        (a).x = fma_(s, (b).x, (a).x);                                                 \
        (a).y = fma_(s, (b).y, (a).y);                                                 \
        (a).z = fma_(s, (b).z, (a).z);                                                 \
        (a).w = fma_(s, (b).w, (a).w);                                                 \
    }

/* Columns `from` ... + CHUNK - 1 of up to TILE rows, to [column][row]; the rest is 0. */
FUNCTION void load_turned(GLOBAL const elem *p, long_ step, int rows, int from,
                          LOCAL_POINTER float *to)
{
    uint me = (uint)local_id(0); /* unsigned: its quotients are shifts */
    int row = me / 2 % TILE;

    for (int quad = me % 2 + me / 128 * 2; quad < CHUNK / 4; quad += 4) {
        LOCAL_POINTER float *at = to + 4 * quad * (4 * LINE) + row;
        int column = from / 4 + quad;
        real4 x;

        SET4(x, 0);
        if (row < rows && column < HEAD_DIM / 4)
            x = LOAD4(p + row * step, column);
        at[0] = x.x;
        at[4 * LINE] = x.y;
        at[8 * LINE] = x.z;
        at[12 * LINE] = x.w;
    }
}

/* 64 columns of up to VALUES rows as they lie; the rest is 0. */
FUNCTION void load_plain(GLOBAL const elem *p, long_ step, int rows, int from,
                         LOCAL_POINTER float4 *to)
{
    uint me = (uint)local_id(0);
    int first = me / 16, tx = me % 16, column = from / 4 + tx;

    for (int row = first; row < VALUES; row += 16) {
        LOCAL_POINTER float4 *at = to + row * 16 + tx;
        real4 x;

        SET4(x, 0);
        if (row < rows && column < HEAD_DIM / 4)
            x = LOAD4(p + row * step, column);
        at->x = x.x;
        at->y = x.y;
        at->z = x.z;
        at->w = x.w;
    }
}

/* s[key] += the products of CHUNK columns; each s is of four queries. */
FUNCTION void add_scores(LOCAL_POINTER const float4 *stage, int tx, int ty, float4 *s)
{
#pragma unroll 8
    for (int d = 0; d < CHUNK; d++) {
        float4 x = stage[d * LINE + ty], y = stage[(CHUNK + d) * LINE + tx];

        ADD4(s[0], y.x, x);
        ADD4(s[1], y.y, x);
        ADD4(s[2], y.z, x);
        ADD4(s[3], y.w, x);
    }
}

/* o[query] += probabilities times VALUES values; each o is of four columns. */
FUNCTION void add_values(LOCAL_POINTER const float4 *prob, LOCAL_POINTER const float4 *stage,
                         int tx, int ty, float4 *o)
{
#pragma unroll 8
    for (int j = 0; j < VALUES; j++) {
        float4 p = prob[j * LINE + ty], y = stage[j * 16 + tx];

        ADD4(o[0], p.x, y);
        ADD4(o[1], p.y, y);
        ADD4(o[2], p.z, y);
        ADD4(o[3], p.w, y);
    }
}

/* The score, or UNSEEN where the query at position `at` does not see key `key`. */
FUNCTION float seen(float score, int key, int at, int causal, int window, int kv_len)
{
    int is_seen = key < kv_len && (!causal || key <= at) && (window == 0 || key > at - window);

    return is_seen ? score : UNSEEN;
}

/* Four queries' values of one tx, to [query][tx]. */
FUNCTION void put_part(LOCAL_POINTER float *part, int tx, int ty, float4 x)
{
    part[(4 * ty + 0) * LINE + tx] = x.x;
    part[(4 * ty + 1) * LINE + tx] = x.y;
    part[(4 * ty + 2) * LINE + tx] = x.z;
    part[(4 * ty + 3) * LINE + tx] = x.w;
}

KERNEL void attention_prefill(GLOBAL const elem *restrict_ q, GLOBAL const elem *restrict_ k,
                              GLOBAL const elem *restrict_ v, GLOBAL elem *restrict_ out,
                              int heads, int kv_heads, int q_len, int kv_len, int causal,
                              int window, float scale)
{
    LOCAL float4 stage[2 * CHUNK * LINE]; /* queries and keys, or values */
    LOCAL float4 prob[TILE * LINE];       /* [key][query] */
    LOCAL float part[TILE * LINE];        /* [query][tx] */
    LOCAL float4 top[TILE / 4], alpha[TILE / 4];
    LOCAL_POINTER float *top_of = (LOCAL_POINTER float *)top;
    LOCAL_POINTER float *alpha_of = (LOCAL_POINTER float *)alpha;
    uint me = (uint)local_id(0);
    int ty = me / 16, tx = me % 16;
    /* the longest rows of a causal mask first: the last groups then end together */
    int query = (group_count(0) - 1 - group_id(0)) * TILE, head = group_id(1);
    int rows = MIN(TILE, q_len - query), first_at = kv_len - q_len + query;
    int from = window > 0 && first_at + 1 > window ? first_at + 1 - window : 0;
    int end = causal ? first_at + rows : kv_len;
    long_ q_step = (long_)heads * HEAD_DIM, kv_step = (long_)kv_heads * HEAD_DIM;
    long_ q_at = ((long_)group_id(2) * q_len + query) * q_step + (long_)head * HEAD_DIM;
    long_ kv_at = (long_)group_id(2) * kv_len * kv_step +
                  (long_)(head / (heads / kv_heads)) * HEAD_DIM;
    float4 sum, o[COLS][4];

    SET4(sum, 0);
#pragma unroll
    for (int c = 0; c < COLS; c++)
#pragma unroll
        for (int r = 0; r < 4; r++)
            SET4(o[c][r], 0);
    if (me < TILE)
        top_of[me] = NOTHING;
    for (from = from / TILE * TILE; from < end; from += TILE) {
        int keys = MIN(TILE, kv_len - from), at = first_at + 4 * ty;
        long_ key_at = kv_at + from * kv_step;
        float4 s[4], m, a;

#pragma unroll
        for (int j = 0; j < 4; j++)
            SET4(s[j], 0);
        for (int c = 0; c < HEAD_DIM; c += CHUNK) {
            barrier_local(); /* stage has been read */
            load_turned(q + q_at, q_step, rows, c, (LOCAL_POINTER float *)stage);
            load_turned(k + key_at, kv_step, keys, c,
                        (LOCAL_POINTER float *)(stage + CHUNK * LINE));
            barrier_local();
            add_scores(stage, tx, ty, s);
        }

        SET4(m, UNSEEN);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            int key = from + 4 * tx + j;

            s[j].x = seen(s[j].x * scale, key, at, causal, window, kv_len);
            s[j].y = seen(s[j].y * scale, key, at + 1, causal, window, kv_len);
            s[j].z = seen(s[j].z * scale, key, at + 2, causal, window, kv_len);
            s[j].w = seen(s[j].w * scale, key, at + 3, causal, window, kv_len);
            m.x = max_(m.x, s[j].x);
            m.y = max_(m.y, s[j].y);
            m.z = max_(m.z, s[j].z);
            m.w = max_(m.w, s[j].w);
        }
        put_part(part, tx, ty, m);
        barrier_local();
        if (me < TILE) {
            float old = top_of[me], now = old;

            for (int i = 0; i < 16; i++)
                now = max_(now, part[me * LINE + i]);
            top_of[me] = now;
            alpha_of[me] = exp_(old - now);
        }
        barrier_local();

        m = top[ty];
        a = alpha[ty];
        sum.x *= a.x;
        sum.y *= a.y;
        sum.z *= a.z;
        sum.w *= a.w;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            s[j].x = exp_(s[j].x - m.x);
            s[j].y = exp_(s[j].y - m.y);
            s[j].z = exp_(s[j].z - m.z);
            s[j].w = exp_(s[j].w - m.w);
            ADD4(sum, 1.0f, s[j]);
            prob[(4 * tx + j) * LINE + ty] = s[j];
        }
#pragma unroll
        for (int c = 0; c < COLS; c++) {
            SCALE4(o[c][0], a.x);
            SCALE4(o[c][1], a.y);
            SCALE4(o[c][2], a.z);
            SCALE4(o[c][3], a.w);
            for (int j = 0; j < TILE; j += VALUES) {
                barrier_local(); /* stage has been read, prob written */
                load_plain(v + key_at + j * kv_step, kv_step, keys - j, c * TILE, stage);
                barrier_local();
                add_values(prob + j * LINE, stage, tx, ty, o[c]);
            }
        }
    }

    put_part(part, tx, ty, sum);
    barrier_local();
    if (me < TILE) {
        float whole = 0;

        for (int i = 0; i < 16; i++)
            whole += part[me * LINE + i];
        alpha_of[me] = 1 / whole;
    }
    barrier_local();
#pragma unroll
    for (int c = 0; c < COLS; c++)
#pragma unroll
        for (int r = 0; r < 4; r++) {
            int row = 4 * ty + r, column = c * 16 + tx;
            real4 x;

            SET4(x, 0);
            ADD4(x, alpha_of[row], o[c][r]);
            if (row < rows && column < HEAD_DIM / 4)
                STORE4(out + q_at + row * q_step, column, x);
        }
}
