/* SPDX-License-Identifier: MIT */
/* gemm_tensor: c[m,n] = alpha * op(a) * op(b) + beta * c on tensor cores, f16 and bf16 with
 * sums in f32, row-major, `batch` products one behind the other (group_id(2)). A block makes
 * ROWS x COLUMNS outputs, a warp WARP_ROWS x WARP_COLUMNS of them, in passes over TERMS terms;
 * the passes' operands travel through STAGES tiles of shared memory, STAGES - 1 ahead.
 * TA, TB: 1 when a is stored [k,m], b as [n,k]: tiles are kept as they are stored, and
 * ldmatrix transposes where needed. VECTOR: 1 when rows of a and b, as stored, are whole
 * chunks of 8 elements. */
#include "dialect_cuda.h"

enum {
    TERMS = 32,
    ACROSS = COLUMNS / WARP_COLUMNS,
    WARPS = ROWS / WARP_ROWS * ACROSS,
    THREADS = 32 * WARPS,
    M_TILES = WARP_ROWS / 16,  /* fragments of a that a warp multiplies */
    N_TILES = WARP_COLUMNS / 8,
    A_LINES = TA ? TERMS : ROWS,
    A_CHUNKS = (TA ? ROWS : TERMS) / CHUNK,
    B_LINES = TB ? COLUMNS : TERMS,
    B_CHUNKS = (TB ? TERMS : COLUMNS) / CHUNK
};

/* Columns col ... col + 7 of a row as stored, zeros outside rows x cols. */
FUNCTION void bring(chunk *to, const elem *p, int row, int col, int rows, int cols)
{
    long_ at = (long_)row * cols + col;
#if VECTOR
    bool is_there = row < rows && col < cols;

    chunk_copy(to, is_there ? p + at : p, is_there);
#else
    uint v[CHUNK];

    for (int i = 0; i < CHUNK; i++)
        v[i] = row < rows && col + i < cols ? p[at + i] : 0;
    *to = make_uint4(v[0] | v[1] << 16, v[2] | v[3] << 16, v[4] | v[5] << 16, v[6] | v[7] << 16);
#endif
}

/* lines x chunks of the stored matrix from (row0, col0) on. */
FUNCTION void bring_tile(chunk *tile, const elem *p, int row0, int col0, int rows, int cols,
                         int lines, int chunks)
{
#pragma unroll
    for (int i = threadIdx.x; i < lines * chunks; i += THREADS) {
        int line = i / chunks, at = i % chunks;

        bring(&tile[chunk_slot(line, at, chunks)], p, row0 + line, col0 + at * CHUNK, rows, cols);
    }
}

/* Fragment of a: 16 lines from `line` on, 16 terms from `term` on. The four matrices of the
 * load are, in order, those of registers a[0] ... a[3]. */
FUNCTION void load_a(uint r[4], const chunk *tile, int line, int term)
{
    int lane = threadIdx.x % 32, matrix = lane / 8, i = lane % 8;
    int l = line + matrix % 2 * 8, t = term + matrix / 2 * 8;

    if (TA)
        matrix_load_transposed(r, &tile[chunk_slot(t + i, l / CHUNK, A_CHUNKS)]);
    else
        matrix_load(r, &tile[chunk_slot(l + i, t / CHUNK, A_CHUNKS)]);
}

/* Two fragments of b: b0, b1 of 8 columns from `column` on, then of the next 8. */
FUNCTION void load_b(uint r[4], const chunk *tile, int column, int term)
{
    int lane = threadIdx.x % 32, matrix = lane / 8, i = lane % 8;
    int c = column + matrix / 2 * 8, t = term + matrix % 2 * 8;

    if (TB)
        matrix_load(r, &tile[chunk_slot(c + i, t / CHUNK, B_CHUNKS)]);
    else
        matrix_load_transposed(r, &tile[chunk_slot(t + i, c / CHUNK, B_CHUNKS)]);
}

/* c = v + beta * c for two outputs side by side; `at` is even when n is. */
FUNCTION void give(elem *c, int row, int col, int m, int n, float v0, float v1, float beta)
{
    long_ at = (long_)row * n + col;

    if (row >= m || col >= n)
        return;
    if (beta != 0) {
        v0 += beta * LOAD(c, at);
        if (col + 1 < n)
            v1 += beta * LOAD(c, at + 1);
    }
    if (n % 2 == 0) {
        *(uint *)(c + at) = pair_of(v0, v1);
        return;
    }
    STORE(c, at, v0);
    if (col + 1 < n)
        STORE(c, at + 1, v1);
}

FUNCTION void multiply(float sum[M_TILES][N_TILES][4], const chunk *a, const chunk *b, int line,
                       int column)
{
#pragma unroll
    for (int term = 0; term < TERMS; term += 16) {
        uint fa[M_TILES][4], fb[N_TILES / 2][4];

#pragma unroll
        for (int i = 0; i < M_TILES; i++)
            load_a(fa[i], a, line + 16 * i, term);
#pragma unroll
        for (int j = 0; j < N_TILES / 2; j++)
            load_b(fb[j], b, column + 16 * j, term);
#pragma unroll
        for (int i = 0; i < M_TILES; i++)
#pragma unroll
            for (int j = 0; j < N_TILES; j++)
                matrix_product(sum[i][j], fa[i], fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
    gemm_tensor(const elem *__restrict__ a, const elem *__restrict__ b, elem *__restrict__ c,
                int m, int n, int k, float alpha, float beta)
{
    __shared__ chunk tile_a[STAGES][A_LINES * A_CHUNKS], tile_b[STAGES][B_LINES * B_CHUNKS];
    float sum[M_TILES][N_TILES][4] = {};
    int warp = threadIdx.x / 32, quad = threadIdx.x % 32 / 4, pair = threadIdx.x % 4;
    int line = warp / ACROSS * WARP_ROWS, column = warp % ACROSS * WARP_COLUMNS;
    int i0 = blockIdx.y * ROWS, j0 = blockIdx.x * COLUMNS;
    int passes = (k + TERMS - 1) / TERMS;

    a += (long_)blockIdx.z * m * k;
    b += (long_)blockIdx.z * n * k;
    c += (long_)blockIdx.z * m * n;
/* every pass commits one group, empty at the end, so that the groups can be counted */
#define BRING_PASS(pass)                                                               \
    do {                                                                               \
        int stage_ = (pass) % STAGES, k0_ = (pass) * TERMS;                            \
        if ((pass) < passes) {                                                         \
            bring_tile(tile_a[stage_], a, TA ? k0_ : i0, TA ? i0 : k0_, TA ? k : m,    \
                       TA ? m : k, A_LINES, A_CHUNKS);                                 \
            bring_tile(tile_b[stage_], b, TB ? j0 : k0_, TB ? k0_ : j0, TB ? n : k,    \
                       TB ? k : n, B_LINES, B_CHUNKS);                                 \
        }                                                                              \
        chunk_commit();                                                                \
    } while (0)
    for (int pass = 0; pass < STAGES - 1; pass++)
        BRING_PASS(pass);
    for (int pass = 0; pass < passes; pass++) {
        chunk_wait(STAGES - 2);
        /* this pass's tiles are there, and all are done with those of the pass before,
         * which the next copies overwrite */
        __syncthreads();
        BRING_PASS(pass + STAGES - 1);
        multiply(sum, tile_a[pass % STAGES], tile_b[pass % STAGES], line, column);
    }
#pragma unroll
    for (int i = 0; i < M_TILES; i++)
#pragma unroll
        for (int j = 0; j < N_TILES; j++) {
            int row = i0 + line + 16 * i + quad, col = j0 + column + 8 * j + 2 * pair;

            give(c, row, col, m, n, alpha * sum[i][j][0], alpha * sum[i][j][1], beta);
            give(c, row + 8, col, m, n, alpha * sum[i][j][2], alpha * sum[i][j][3], beta);
        }
}
