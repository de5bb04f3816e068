/* SPDX-License-Identifier: MIT */
/* mma.sync and ldmatrix: a warp holds a small matrix spread over its lanes. With g = lane / 4,
 * t = lane % 4 and e elements in a register, element j of register r is (PTX manual, "Matrix
 * Fragments for mma"):
 *   A: row g + 8 (r % 2), column t e + j + 4 e (r / 2)
 *   B: row t e + j + 4 e r, column g
 *   C, D in 32 or 64 bits: row g + 8 (r / 2), column 2 t + r % 2; packed f16: row g + 8 r,
 *   column 2 t + j
 * Products and sums are computed in double and rounded once. */
#include <string.h>

#include "tests/emulator/cuda/narrow.h"
#include "tests/emulator/cuda/rows.h"

#define SLOT(k) (w->slot[i->op[k]].v)

/* Element j of a register of inputs. */
static double element(enum type type, uint64_t bits, int j)
{
    switch (type) {
    case TYPE_F64: return double_of(bits);
    case TYPE_TF32: return narrow_value(TYPE_TF32, (uint32_t)bits);
    case TYPE_S8: return (int8_t)(bits >> 8 * j);
    case TYPE_U8: return (uint8_t)(bits >> 8 * j);
    default: return narrow_value(type, (uint32_t)(bits >> 16 * j & 0xffff));
    }
}

static int elements(enum type type)
{
    return type == TYPE_F64 || type == TYPE_TF32 ? 1 : type == TYPE_S8 || type == TYPE_U8 ? 4 : 2;
}

struct tile {
    int rows, depth, a_registers, b_registers, c_registers;
    double a[16][32], b[32][8];
    double c[16][8];
};

static double accumulator(const struct insn *i, uint64_t bits, int j)
{
    return i->type == TYPE_F64   ? double_of(bits)
           : i->type == TYPE_F32 ? (double)float_of(bits)
           : i->type == TYPE_S32 ? (double)(int32_t)bits
                                 : narrow_value(TYPE_F16, (uint32_t)(bits >> 16 * j & 0xffff));
}

static void tile_gather(struct warp *w, const struct insn *i, struct tile *m)
{
    int e = elements(i->source), d = m->c_registers, a = d, b = a + m->a_registers;
    int c = b + m->b_registers;

    for (int l = 0; l < LANES; l++) {
        int g = l / 4, t = l % 4;

        for (int r = 0; r < m->a_registers; r++)
            for (int j = 0; j < e; j++)
                m->a[g + 8 * (r % 2)][t * e + j + 4 * e * (r / 2)] =
                    element(i->source, SLOT(a + r)[l], j);
        for (int r = 0; r < m->b_registers; r++)
            for (int j = 0; j < e; j++)
                m->b[t * e + j + 4 * e * r][g] = element(i->third, SLOT(b + r)[l], j);
        for (int r = 0; r < m->c_registers; r++)
            if (i->type == TYPE_F16)
                for (int j = 0; j < 2; j++)
                    m->c[g + 8 * r][2 * t + j] = accumulator(i, SLOT(c + r)[l], j);
            else
                m->c[g + 8 * (r / 2)][2 * t + r % 2] = accumulator(i, SLOT(c + r)[l], 0);
    }
}

static uint64_t result(const struct insn *i, double x)
{
    if (i->type == TYPE_F64)
        return double_bits(x);
    if (i->type != TYPE_S32)
        return narrow_bits(i->type, x, ROUND_NEAREST);
    if (i->is_sat)
        x = x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : x;
    return (uint32_t)(int64_t)x;
}

static void tile_scatter(struct warp *w, const struct insn *i, const struct tile *m)
{
    for (int l = 0; l < LANES; l++) {
        int g = l / 4, t = l % 4;

        for (int r = 0; r < m->c_registers; r++)
            if (i->type == TYPE_F16)
                SLOT(r)[l] = result(i, m->c[g + 8 * r][2 * t]) |
                             result(i, m->c[g + 8 * r][2 * t + 1]) << 16;
            else
                SLOT(r)[l] = result(i, m->c[g + 8 * (r / 2)][2 * t + r % 2]);
    }
}

static void mma(struct warp *w, const struct insn *i, uint32_t lanes, int rows, int depth)
{
    struct tile m = {.rows = rows, .depth = depth};
    int e = elements(i->source);

    (void)lanes;
    m.a_registers = rows * depth / LANES / e;
    m.b_registers = depth * 8 / LANES / e;
    m.c_registers = rows * 8 / LANES / (i->type == TYPE_F16 ? 2 : 1);
    if (i->operands != 2 * m.c_registers + m.a_registers + m.b_registers) {
        block_fault(w, i, 0, 715, "mma with %d registers", i->operands);
        return;
    }
    tile_gather(w, i, &m);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < 8; c++) {
            double sum = m.c[r][c];

            for (int k = 0; k < depth; k++)
                sum += m.a[r][k] * m.b[k][c];
            m.c[r][c] = sum;
        }
    tile_scatter(w, i, &m);
}

#define MMA(rows, depth)                                                                   \
    static void mma_##rows##_##depth(struct warp *w, const struct insn *i, uint32_t lanes) \
    {                                                                                      \
        mma(w, i, lanes, rows, depth);                                                     \
    }
MMA(8, 4)
MMA(16, 4)
MMA(16, 8)
MMA(16, 16)
MMA(16, 32)

/* ---- ldmatrix ------------------------------------------------------------------------------ */

/* Lanes 8 m ... 8 m + 7 give the rows of matrix m; lane l receives elements 2 (l % 4) and the
 * next of row l / 4, transposed the elements of column l / 4. */
static void ldmatrix(struct warp *w, const struct insn *i, uint32_t lanes, bool is_transposed)
{
    int matrices = i->operands - 1;
    uint16_t element_of[4][8][8];

    (void)lanes;
    for (int m = 0; m < matrices; m++)
        for (int row = 0; row < 8; row++) {
            int l = 8 * m + row;
            uint64_t at = SLOT(matrices)[l] + (uint64_t)i->offset[0];
            const void *from = memory_reach(w, i, l, i->space, at, 16, ACCESS_READ);

            if (!from)
                return;
            memcpy(element_of[m][row], from, 16);
        }
    for (int m = 0; m < matrices; m++)
        for (int l = 0; l < LANES; l++) {
            int g = l / 4, t = l % 4 * 2;
            uint32_t low = is_transposed ? element_of[m][t][g] : element_of[m][g][t];
            uint32_t high = is_transposed ? element_of[m][t + 1][g] : element_of[m][g][t + 1];

            SLOT(m)[l] = low | high << 16;
        }
}

static void ldmatrix_plain(struct warp *w, const struct insn *i, uint32_t lanes)
{
    ldmatrix(w, i, lanes, false);
}

static void ldmatrix_trans(struct warp *w, const struct insn *i, uint32_t lanes)
{
    ldmatrix(w, i, lanes, true);
}

#define TRANS(n)                                                                           \
    {"ldmatrix.sync.aligned.m8n8." n ".trans", TYPE_NONE, ldmatrix_trans, NULL, FLOW_WARP}
#define PLAIN(n)                                                                           \
    {"ldmatrix.sync.aligned.m8n8." n, TYPE_NONE, ldmatrix_plain, NULL, FLOW_WARP}

const struct row matrix_rows[] = {
    {"mma.sync.aligned.m8n8k4.row.col", TYPE_F64, mma_8_4, NULL, FLOW_WARP},
    {"mma.sync.aligned.m16n8k4.row.col", TYPE_NONE, mma_16_4, NULL, FLOW_WARP},
    {"mma.sync.aligned.m16n8k8.row.col", TYPE_NONE, mma_16_8, NULL, FLOW_WARP},
    {"mma.sync.aligned.m16n8k16.row.col", TYPE_NONE, mma_16_16, NULL, FLOW_WARP},
    {"mma.sync.aligned.m16n8k32.row.col", TYPE_S32, mma_16_32, NULL, FLOW_WARP},
    TRANS("x1"), TRANS("x2"), TRANS("x4"), PLAIN("x1"), PLAIN("x2"), PLAIN("x4"),
    {0}};
