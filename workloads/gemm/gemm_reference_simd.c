/* SPDX-License-Identifier: MIT */
/* The reference product: double precision, in tiles of 128 x 128 outputs and 256 terms whose
 * operands are first widened into buffers on the stack, so that bf16 is converted once per
 * tile and not once per product. The sum of magnitudes is made in the same pass. */
#include <math.h>

#include "base/half.h"
#include "workloads/gemm/gemm.h"
#include "workloads/isa.h"
#include "workloads/simd.h"

enum { TILE = 128, DEPTH = 256, ROWS = 4, COLS = 2 * VD };

/* Elements start ... start+n-1 of an array as doubles. */
static void widen(enum dtype dtype, const void *array, int64_t start, int n, double *out)
{
    const uint16_t *halves = (const uint16_t *)array + start;
    float part[VF];
    int i = 0;

    if (dtype == DTYPE_F32) {
        for (; i < n; i++)
            out[i] = ((const float *)array)[start + i];
    } else if (dtype == DTYPE_F64) {
        for (; i < n; i++)
            out[i] = ((const double *)array)[start + i];
    } else {
        for (; dtype_bytes(dtype) == 2 && i + VF <= n; i += VF) {
            vf_store(part, dtype == DTYPE_BF16 ? vf_load_bf16(halves + i)
                                               : vf_load_f16(halves + i));
            for (int j = 0; j < VF; j++)
                out[i + j] = part[j];
        }
        for (; i < n; i++)
            out[i] = element_get(dtype, array, start + i);
    }
}

/* Lines first ... first+lines-1 of an operand, `depth` terms of each from `from` on, in
 * groups of `group` lines: out[line / group][term][line % group], missing lines zero.
 * is_line_major: the terms of a line lie side by side (ld apart from the next line's). */
static void gather(enum dtype dtype, const void *array, bool is_line_major, int64_t ld,
                   int64_t first, int lines, int64_t from, int depth, int group, double *out)
{
    double run[TILE > DEPTH ? TILE : DEPTH];
    int whole = (lines + group - 1) / group * group;

    for (int i = 0; is_line_major && i < lines; i++) {
        double *to = out + (size_t)(i / group) * (size_t)(group * DEPTH) + i % group;

        widen(dtype, array, (first + i) * ld + from, depth, run);
        for (int d = 0; d < depth; d++)
            to[d * group] = run[d];
    }
    for (int d = 0; !is_line_major && d < depth; d++) {
        widen(dtype, array, (from + d) * ld + first, lines, run);
        for (int i = 0; i < lines; i++)
            out[(size_t)(i / group) * (size_t)(group * DEPTH) + (size_t)(d * group + i % group)] =
                run[i];
    }
    for (int i = lines; i < whole; i++)
        for (int d = 0; d < depth; d++)
            out[(size_t)(i / group) * (size_t)(group * DEPTH) + (size_t)(d * group + i % group)] = 0;
}

static vd magnitude(vd v)
{
    typedef int64_t vl __attribute__((vector_size(SIMD_BYTES)));

    return (vd)((vl)v & (INT64_MAX - (vl){0}));
}

/* Add ROWS x COLS outputs over `depth` terms to sums and magnitudes, both [ROWS][TILE]. */
static void block(const double *a, const double *b, int depth, double *sum, double *size)
{
    vd s[ROWS][2], z[ROWS][2];

#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++)
        for (int h = 0; h < 2; h++)
            s[r][h] = z[r][h] = vd_set(0);
    for (int d = 0; d < depth; d++) {
        vd b0 = vd_load(b + d * COLS), b1 = vd_load(b + d * COLS + VD);
        vd size0 = magnitude(b0), size1 = magnitude(b1);

#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) {
            vd x = vd_set(a[d * ROWS + r]), xsize = vd_set(fabs(a[d * ROWS + r]));

            s[r][0] += x * b0;
            s[r][1] += x * b1;
            z[r][0] += xsize * size0;
            z[r][1] += xsize * size1;
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int h = 0; h < 2; h++) {
            double *to = sum + r * TILE + h * VD, *to_size = size + r * TILE + h * VD;

            vd_store(to, vd_load(to) + s[r][h]);
            vd_store(to_size, vd_load(to_size) + z[r][h]);
        }
}

/* One tile of outputs: rows i0 ... i0+rows-1, columns j0 ... j0+cols-1. */
static void tile(const struct gemm *g, int64_t i0, int rows, int64_t j0, int cols,
                 const void *c0, double *want, double *scale)
{
    double a[TILE * DEPTH], b[TILE * DEPTH];
    double sum[TILE * TILE], size[TILE * TILE];
    enum dtype out = dtype_product(g->dtype);

    memset(sum, 0, sizeof sum);
    memset(size, 0, sizeof size);
    for (int64_t from = 0; from < g->k; from += DEPTH) {
        int depth = (int)(g->k - from < DEPTH ? g->k - from : DEPTH);

        gather(g->dtype, g->a, !g->ta, g->ta ? g->m : g->k, i0, rows, from, depth, ROWS, a);
        gather(g->dtype, g->b, g->tb, g->tb ? g->k : g->n, j0, cols, from, depth, COLS, b);
        for (int j = 0; j < cols; j += COLS)
            for (int i = 0; i < rows; i += ROWS)
                block(a + i * DEPTH, b + j * DEPTH, depth, sum + i * TILE + j,
                      size + i * TILE + j);
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            int64_t at = (i0 + i) * g->n + j0 + j;
            double before = g->beta != 0 ? g->beta * element_get(out, c0, at) : 0;

            want[at] = g->alpha * sum[i * TILE + j] + before;
            scale[at] = fabs(g->alpha) * size[i * TILE + j] + fabs(before);
        }
}

static void product(const struct gemm *g, const void *c0, double *want, double *scale)
{
#pragma omp parallel for collapse(2) schedule(dynamic)
    for (int64_t j = 0; j < g->n; j += TILE)
        for (int64_t i = 0; i < g->m; i += TILE)
            tile(g, i, (int)(g->m - i < TILE ? g->m - i : TILE), j,
                 (int)(g->n - j < TILE ? g->n - j : TILE), c0, want, scale);
}

const struct gemm_reference_simd ISA_SYMBOL(gemm_reference_simd) = {.product = product};
