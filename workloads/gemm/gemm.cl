/* SPDX-License-Identifier: MIT */
/* c[m,n] = alpha * op(a) * op(b) + beta * c, row-major, `batch` products one behind the
 * other (group_id(2)). Compiled with TA, TB: 1 when a is stored [k,m], b as [n,k]. Used by
 * gemm, gemm_batched and gemv. */

/* Four local reals that move in one access. */
#ifdef __OPENCL_VERSION__
#define ALIGNED __attribute__((aligned(16)))
#else
#define ALIGNED __align__(16)
#endif
typedef struct ALIGNED { real x, y, z, w; } quad;

/* Elements col ... col+3 of a row, zero outside rows x cols; one access where alignment
 * allows it, which it does for all rows or none. */
FUNCTION real4 fetch(GLOBAL const elem *p, int row, int col, int rows, int cols)
{
    real4 v;
    long_ at = (long_)row * cols + col;

    v.x = v.y = v.z = v.w = 0;
    if (row >= rows)
        return v;
    if (cols % 4 == 0 && col < cols)
        return LOAD4(p, at / 4);
    if (col < cols)
        v.x = LOAD(p, at);
    if (col + 1 < cols)
        v.y = LOAD(p, at + 1);
    if (col + 2 < cols)
        v.z = LOAD(p, at + 2);
    if (col + 3 < cols)
        v.w = LOAD(p, at + 3);
    return v;
}

/* The way back: c = v + beta * c. */
FUNCTION void give(GLOBAL elem *p, int row, int col, int rows, int cols, real4 v, float beta)
{
    long_ at = (long_)row * cols + col;

    if (row >= rows)
        return;
    if (beta != 0) {
        real4 before = fetch(p, row, col, rows, cols);

        v.x += beta * before.x;
        v.y += beta * before.y;
        v.z += beta * before.z;
        v.w += beta * before.w;
    }
    if (cols % 4 == 0 && col < cols) {
        STORE4(p, at / 4, v);
        return;
    }
    if (col < cols)
        STORE(p, at, v.x);
    if (col + 1 < cols)
        STORE(p, at + 1, v.y);
    if (col + 2 < cols)
        STORE(p, at + 2, v.z);
    if (col + 3 < cols)
        STORE(p, at + 3, v.w);
}

#ifdef PER
/* gemm_tiled: 256 work-items make a tile of SIDE x SIDE outputs, PER x PER each (4 or 8), in
 * passes over DEPTH terms held in local memory. The next pass is read into registers while
 * this one is computed. A work-item's rows and columns are runs of four, 64 apart, so that a
 * local read is one access and neighbours read neighbours. */
#define SIDE (16 * PER)
#define DEPTH 16
#define PAD 4
#define RUNS (PER / 4)

/* A tile of an operand in local memory is [term][line]; work-item `me` brings piece `run`.
 * Lines are rows of op(a) or columns of op(b). */
#define BRING(piece, p, lines_first, line0, lines, k0, k, run)                         \
    do {                                                                               \
        uint i_ = me + 256u * (run);                                                   \
        piece = (lines_first) ? fetch(p, line0 + i_ / 4, k0 + i_ % 4 * 4, lines, k)    \
                              : fetch(p, k0 + i_ / (SIDE / 4), line0 + i_ % (SIDE / 4) * 4, \
                                      k, lines);                                       \
    } while (0)
#define PUT(tile, piece, lines_first, run)                                             \
    do {                                                                               \
        uint i_ = me + 256u * (run);                                                   \
        if (lines_first) {                                                             \
            int line_ = i_ / 4, term_ = i_ % 4 * 4;                                    \
            tile[term_][line_] = piece.x;                                              \
            tile[term_ + 1][line_] = piece.y;                                          \
            tile[term_ + 2][line_] = piece.z;                                          \
            tile[term_ + 3][line_] = piece.w;                                          \
        } else {                                                                       \
            LOCAL_POINTER real *to_ = &tile[i_ / (SIDE / 4)][i_ % (SIDE / 4) * 4];     \
            to_[0] = piece.x;                                                          \
            to_[1] = piece.y;                                                          \
            to_[2] = piece.z;                                                          \
            to_[3] = piece.w;                                                          \
        }                                                                              \
    } while (0)

KERNEL void gemm_tiled(GLOBAL const elem *restrict_ a, GLOBAL const elem *restrict_ b,
                       GLOBAL elem *restrict_ c, int m, int n, int k, float alpha, float beta)
{
    LOCAL ALIGNED real ta[DEPTH][SIDE + PAD];
    LOCAL ALIGNED real tb[DEPTH][SIDE + PAD];
    real4 next_a[RUNS], next_b[RUNS];
    real sum[PER][PER];
    uint me = (uint)local_id(0); /* unsigned: its quotients are shifts */
    int column = me % 16 * 4, row = me / 16 * 4;
    int i0 = group_id(1) * SIDE, j0 = group_id(0) * SIDE;

    a += (long_)group_id(2) * m * k;
    b += (long_)group_id(2) * n * k;
    c += (long_)group_id(2) * m * n;
    for (int i = 0; i < PER; i++)
        for (int j = 0; j < PER; j++)
            sum[i][j] = 0;
    for (int run = 0; run < RUNS; run++) {
        BRING(next_a[run], a, !TA, i0, m, 0, k, run);
        BRING(next_b[run], b, TB, j0, n, 0, k, run);
    }
    for (int k0 = 0; k0 < k; k0 += DEPTH) {
        barrier_local(); /* the previous pass is done with the tiles */
        for (int run = 0; run < RUNS; run++) {
            PUT(ta, next_a[run], !TA, run);
            PUT(tb, next_b[run], TB, run);
        }
        barrier_local();
        if (k0 + DEPTH < k)
            for (int run = 0; run < RUNS; run++) {
                BRING(next_a[run], a, !TA, i0, m, k0 + DEPTH, k, run);
                BRING(next_b[run], b, TB, j0, n, k0 + DEPTH, k, run);
            }
        for (int t = 0; t < DEPTH; t++) {
            real x[PER], y[PER];

            for (int run = 0; run < RUNS; run++) {
                quad qa = *(LOCAL_POINTER const quad *)&ta[t][row + 64 * run];
                quad qb = *(LOCAL_POINTER const quad *)&tb[t][column + 64 * run];

                x[4 * run] = qa.x, x[4 * run + 1] = qa.y;
                x[4 * run + 2] = qa.z, x[4 * run + 3] = qa.w;
                y[4 * run] = qb.x, y[4 * run + 1] = qb.y;
                y[4 * run + 2] = qb.z, y[4 * run + 3] = qb.w;
            }
            for (int i = 0; i < PER; i++)
                for (int j = 0; j < PER; j++)
                    sum[i][j] = fma_(x[i], y[j], sum[i][j]);
        }
    }
    /* unrolled, or the sums would be indexed at run time and live in memory */
#pragma unroll
    for (int i = 0; i < PER; i++)
#pragma unroll
        for (int j = 0; j < PER; j += 4) {
            int r = i0 + row + i / 4 * 64 + i % 4, q = j0 + column + j / 4 * 64;
            real4 v;

            v.x = alpha * sum[i][j];
            v.y = alpha * sum[i][j + 1];
            v.z = alpha * sum[i][j + 2];
            v.w = alpha * sum[i][j + 3];
            give(c, r, q, m, n, v, beta);
        }
}
#endif

#ifdef ROWS
/* gemm_skinny: m <= ROWS, b stored [n,k]. 32 work-items read one line of b together, a
 * work-group of 128 reads four; every line is read once for all rows of a. */
#define LANES 32
#define LINES 4

KERNEL void gemm_skinny(GLOBAL const elem *restrict_ a, GLOBAL const elem *restrict_ b,
                        GLOBAL elem *restrict_ c, int m, int n, int k, float alpha, float beta)
{
    LOCAL real part[ROWS][LINES * LANES];
    real sum[ROWS];
    uint me = (uint)local_id(0); /* unsigned: its quotients are shifts */
    int lane = me % LANES, line = group_id(0) * LINES + me / LANES;

    for (int r = 0; r < ROWS; r++)
        sum[r] = 0;
    for (int t = lane * 4; t < k; t += 4 * LANES) {
        real4 w = fetch(b, line, t, n, k);

        for (int r = 0; r < ROWS; r++) {
            real4 x = fetch(a, r, t, m, k);

            sum[r] = fma_(x.x, w.x, fma_(x.y, w.y, fma_(x.z, w.z, fma_(x.w, w.w, sum[r]))));
        }
    }
    for (int r = 0; r < ROWS; r++)
        part[r][me] = sum[r];
    for (int half_size = LANES / 2; half_size > 0; half_size /= 2) {
        barrier_local();
        if (lane < half_size)
            for (int r = 0; r < ROWS; r++)
                part[r][me] += part[r][me + half_size];
    }
    if (lane == 0 && line < n)
        for (int r = 0; r < MIN(ROWS, m); r++) {
            long_ at = (long_)r * n + line;
            real v = alpha * part[r][me];

            if (beta != 0)
                v += beta * LOAD(c, at);
            STORE(c, at, v);
        }
}
#endif

#ifdef COLUMNS
/* gemm_columns: m = 1, b stored [k,n]. A work-group of 256 makes 4 * ACROSS columns of c:
 * ACROSS work-items read four columns each, and the terms are dealt out to the 256 / ACROSS
 * rows of work-items, whose sums meet in local memory. */
#define ACROSS 8
#define DOWN (256 / ACROSS)

KERNEL void gemm_columns(GLOBAL const elem *restrict_ a, GLOBAL const elem *restrict_ b,
                         GLOBAL elem *restrict_ c, int n, int k, float alpha, float beta)
{
    LOCAL real part[DOWN][4 * ACROSS];
    uint me = (uint)local_id(0); /* unsigned: its quotients are shifts */
    int across = me % ACROSS * 4, down = me / ACROSS;
    int j = group_id(0) * 4 * ACROSS + across;
    real4 sum;

    sum.x = sum.y = sum.z = sum.w = 0;
    for (int t = down; t < k; t += DOWN) {
        real4 w = fetch(b, t, j, k, n);
        real x = LOAD(a, t);

        sum.x = fma_(x, w.x, sum.x);
        sum.y = fma_(x, w.y, sum.y);
        sum.z = fma_(x, w.z, sum.z);
        sum.w = fma_(x, w.w, sum.w);
    }
    part[down][across] = sum.x;
    part[down][across + 1] = sum.y;
    part[down][across + 2] = sum.z;
    part[down][across + 3] = sum.w;
    barrier_local();
    j = group_id(0) * 4 * ACROSS + me;
    if (me < 4 * ACROSS && j < n) {
        real all = 0;

        for (int d = 0; d < DOWN; d++)
            all += part[d][me];
        all = alpha * all;
        if (beta != 0)
            all += beta * LOAD(c, j);
        STORE(c, j, all);
    }
}
#endif
