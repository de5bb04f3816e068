/* SPDX-License-Identifier: MIT */
/* The register-blocked kernels of gemm_simd.c, included once per kind of element, with
 *
 *   T(name)                  name of a function for this kind
 *   ELEM                     how elements are stored (float, double, uint16_t)
 *   REAL, VEC, LANES         what sums are made of: type, vector of it, its lanes
 *   SET(REAL), GET(REAL *), PUT(REAL *, VEC), TOTAL(VEC)       on such vectors
 *   TOTALS(VEC *)            a vector of the totals of LANES vectors
 *   LOAD(ELEM *)             LANES elements as VEC
 *   TERM, WIDE, STEP         how op(a) is packed: type, vector of STEP of them
 *   LOAD_TERM(TERM *), LOAD_WIDE(ELEM *)      STEP of them as WIDE
 *   MADD(VEC, WIDE, WIDE)    sum + the products; where STEP is twice LANES, pairwise
 *   CONVERT(TERM *, ELEM *)  STEP elements as terms
 *   WRITE(ELEM *, VEC)       LANES elements, rounded
 *
 * The last panel of a block of rows may be narrower than four (`width`: 1, 2 or 4, a third
 * row is padded with zeros); terms are padded with zeros to whole STEPs. */

enum { T(LINES) = SIMD_BYTES == 64 ? 4 : 2, T(VECTORS) = SIMD_BYTES == 64 ? 6 : 3 };

/* Steps from ... to-1 of dot(). `ahead`: what is prefetched meanwhile, or NULL: the places
 * that step 0 would read if the next terms were these; `reach` lines of it. */
static inline __attribute__((always_inline)) void
T(dot_steps)(VEC sum[4][4], const TERM *a, const ELEM *b, int64_t ldb, int64_t from, int64_t to,
             const ELEM *ahead, const int reach, const int lines, const int width)
{
    for (int64_t s = from; s < to; s++) {
        WIDE w[4];

#pragma GCC unroll 4
        for (int l = 0; l < lines; l++)
            w[l] = LOAD_WIDE(b + l * ldb + s * STEP);
#pragma GCC unroll 4
        for (int l = 0; l < reach; l++)
            ASK(ahead + l * ldb + s * STEP, reach);
#pragma GCC unroll 4
        for (int r = 0; r < width; r++) {
            WIDE x = LOAD_TERM(a + (s * width + r) * STEP);

#pragma GCC unroll 4
            for (int l = 0; l < lines; l++)
                sum[r][l] = MADD(sum[r][l], w[l], x);
        }
    }
}

/* Dot products of a panel of op(a), [term / STEP][row][STEP], with `lines` lines of b, [n,k],
 * where it lies: over `steps` whole steps and `rest` terms after them, added to
 * out[row * SPAN + line]. `next`: the lines that are wanted after these. When b streams from
 * memory (NEXT_STREAM) it is prefetched AHEAD steps before its use, across the seam to the
 * next lines; else (NEXT_LINE, NEXT_PAIR) one or two of the next lines are fetched whole. */
static inline __attribute__((always_inline)) void
T(dot)(const TERM *a, const ELEM *b, int64_t ldb, int64_t steps, int rest, const ELEM *next,
       REAL *out, const enum next kind, const int lines, const int width)
{
    VEC sum[4][4];
    const int sums = lines * width;

#pragma GCC unroll 4
    for (int r = 0; r < width; r++)
#pragma GCC unroll 4
        for (int l = 0; l < lines; l++)
            sum[r][l] = SET(0);
    if (kind == NEXT_STREAM) {
        int64_t seam = steps > AHEAD ? steps - AHEAD : 0;
        const ELEM *ahead = b + AHEAD * STEP;

        for (int64_t from = 0, to = seam; from < steps; from = to, to = steps) {
            T(dot_steps)(sum, a, b, ldb, from, to, ahead, lines, lines, width);
            ahead = next - seam * STEP;
        }
    } else {
        T(dot_steps)(sum, a, b, ldb, 0, steps, next, kind, lines, width);
    }
    if (rest) {
        ELEM last[4][STEP];

        memset(last, 0, sizeof last);
#pragma GCC unroll 4
        for (int l = 0; l < lines; l++) {
            memcpy(last[l], b + l * ldb + steps * STEP, (size_t)rest * sizeof *b);
#pragma GCC unroll 4
            for (int r = 0; r < width; r++)
                sum[r][l] = MADD(sum[r][l], LOAD_WIDE(last[l]),
                                 LOAD_TERM(a + (steps * width + r) * STEP));
        }
    }
    if (sums % LANES == 0) {
        VEC flat[16];
        REAL total[16];

#pragma GCC unroll 16
        for (int i = 0; i < sums; i++)
            flat[i] = sum[i / lines][i % lines];
#pragma GCC unroll 16
        for (int i = 0; i < sums; i += LANES)
            PUT(total + i, TOTALS(flat + i));
        for (int i = 0; i < sums; i++)
            out[i / lines * SPAN + i % lines] += total[i];
        return;
    }
#pragma GCC unroll 4
    for (int r = 0; r < width; r++)
#pragma GCC unroll 4
        for (int l = 0; l < lines; l++)
            out[r * SPAN + l] += TOTAL(sum[r][l]);
}

/* A panel of one row with one line: b is then one run of memory, which needs no prefetch. */
static inline void T(dot_line)(const TERM *a, const ELEM *b, int64_t k, REAL *out)
{
    int64_t steps = k / STEP, s = 0;
    VEC sum[4] = {SET(0), SET(0), SET(0), SET(0)};
    ELEM last[STEP];

    for (; s + 4 <= steps; s += 4)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            sum[i] = MADD(sum[i], LOAD_WIDE(b + (s + i) * STEP), LOAD_TERM(a + (s + i) * STEP));
    for (; s < steps; s++)
        sum[0] = MADD(sum[0], LOAD_WIDE(b + s * STEP), LOAD_TERM(a + s * STEP));
    if (k % STEP) {
        memset(last, 0, sizeof last);
        memcpy(last, b + s * STEP, (size_t)(k % STEP) * sizeof *b);
        sum[1] = MADD(sum[1], LOAD_WIDE(last), LOAD_TERM(a + s * STEP));
    }
    *out = TOTAL((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* One panel against fewer than LINES lines, one at a time. */
static void T(dot_lines)(const TERM *a, const ELEM *b, int64_t ldb, int lines, int64_t steps,
                         int rest, REAL *out, int width)
{
#define LINE(w) T(dot)(a, b + l * ldb, ldb, steps, rest, NULL, out + l, NEXT_NONE, 1, w)
    for (int l = 0; l < lines; l++)
        if (width == 4)
            LINE(4);
        else if (width == 2)
            LINE(2);
        else
            LINE(1);
#undef LINE
}

/* One panel against a group of LINES lines, or against fewer. */
static inline __attribute__((always_inline)) void
T(dot_group)(const TERM *a, const ELEM *b, int64_t ldb, int lines, int64_t steps, int rest,
             const ELEM *next, REAL *out, const enum next kind, const int width)
{
    if (lines == T(LINES))
        T(dot)(a, b, ldb, steps, rest, next, out, kind, T(LINES), width);
    else
        T(dot_lines)(a, b, ldb, lines, steps, rest, out, width);
}

/* All panels of four rows, and the last one of `width`, against a group of lines. A single
 * panel streams; of several, the first ones fetch the lines after the next for all, a line each
 * where there are enough of them: spread out, the requests hold no panel up, and one group of
 * lines ahead was too late for a busy memory. */
static void T(dot_panels)(const TERM *a, int64_t panel, int panels, const TERM *a_last, int width,
                          const ELEM *b, int64_t ldb, int lines, int64_t terms,
                          const ELEM *next, REAL *out)
{
    int64_t steps = terms / STEP;
    int rest = (int)(terms % STEP), all = panels + (width > 0), each = all < T(LINES) ? 2 : 1;

#define GROUP(kind, w)                                                                 \
    T(dot_group)(at, b, ldb, lines, steps, rest, next + p * each * ldb, out + p * 4 * SPAN, kind, w)
    for (int p = 0; p < all; p++) {
        const TERM *at = p < panels ? a + p * panel : a_last;
        int w = p < panels ? 4 : width;

        if (w == 4 && all == 1)
            GROUP(NEXT_STREAM, 4);
        else if (w == 4 && p * each >= T(LINES))
            GROUP(NEXT_NONE, 4);
        else if (w == 4 && each == 1)
            GROUP(NEXT_LINE, 4);
        else if (w == 4)
            GROUP(NEXT_PAIR, 4);
        else if (w == 2 && all == 1)
            GROUP(NEXT_STREAM, 2);
        else if (w == 2)
            GROUP(NEXT_NONE, 2);
        else
            GROUP(NEXT_NONE, 1);
    }
#undef GROUP
}

/* A tile of outputs with b as [n,k]: `panels` panels of four rows and a last one of `width`
 * (0: none) against `lines` lines. Terms are taken in chunks for which op(a) stays in the
 * first cache while all lines pass over it, and a group of lines while all panels do. */
static void T(tile_dot)(const TERM *a, int64_t panel, int panels, int width, const ELEM *b,
                        int64_t ldb, int lines, int64_t k, REAL *out)
{
    int64_t fit = CACHE_BYTES / (4 * panels + width) / (int64_t)sizeof(TERM) / 64 * 64;
    int64_t chunk = MIN(MAX(fit, CHUNK_BYTES / 2 / (int64_t)sizeof(ELEM)),
                        CHUNK_BYTES / (int64_t)sizeof(ELEM));

    if (panels == 0 && width == 1) {
        for (int l = 0; l < lines; l++)
            T(dot_line)(a, b + l * ldb, k, out + l);
        return;
    }
    for (int64_t from = 0; from < k; from += chunk)
        for (int l = 0; l < lines; l += T(LINES)) {
            const ELEM *at = b + l * ldb + from;

            T(dot_panels)(a + from * 4, panel, panels, a + panels * panel + from * width, width,
                          at, ldb, MIN(lines - l, (int)T(LINES)), MIN(k - from, chunk),
                          at + 2 * T(LINES) * ldb, out + l);
        }
}

/* Outer products of a panel of op(a), [term][row], with VECTORS vectors of columns of b,
 * [k,n], over k terms, added to out[row * SPAN + column]. b lies where it is (ELEM), or was
 * packed (REAL). */
static inline __attribute__((always_inline)) void
T(outer)(const REAL *a, const void *b, int64_t ldb, int64_t k, REAL *out, const int width,
         const bool packed)
{
    VEC sum[4][T(VECTORS)];

#pragma GCC unroll 4
    for (int r = 0; r < width; r++)
#pragma GCC unroll 6
        for (int v = 0; v < T(VECTORS); v++)
            sum[r][v] = SET(0);
    for (int64_t t = 0; t < k; t++) {
        VEC w[T(VECTORS)];

#pragma GCC unroll 6
        for (int v = 0; v < T(VECTORS); v++) {
            int64_t at = t * ldb + v * LANES;

            w[v] = packed ? GET((const REAL *)b + at) : LOAD((const ELEM *)b + at);
            if (!packed)
                __builtin_prefetch((const ELEM *)b + at + AHEAD_TERMS * ldb);
        }
#pragma GCC unroll 4
        for (int r = 0; r < width; r++) {
            VEC x = SET(a[t * width + r]);

#pragma GCC unroll 6
            for (int v = 0; v < T(VECTORS); v++)
                sum[r][v] += x * w[v];
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < width; r++)
#pragma GCC unroll 6
        for (int v = 0; v < T(VECTORS); v++) {
            REAL *at = out + r * SPAN + v * LANES;

            PUT(at, GET(at) + sum[r][v]);
        }
}

static void T(outer_panel)(const REAL *a, const void *b, int64_t ldb, int64_t k, REAL *out,
                           int width, bool packed)
{
#define OUTER(w) (packed ? T(outer)(a, b, ldb, k, out, w, true) : T(outer)(a, b, ldb, k, out, w, false))
    if (width == 4)
        OUTER(4);
    else if (width == 2)
        OUTER(2);
    else
        OUTER(1);
#undef OUTER
}

/* Terms from ... from+depth-1 of `cols` columns of b, as REAL, the columns padded with zeros. */
static void T(pack_columns)(const ELEM *b, int64_t ldb, int cols, int depth, REAL *out)
{
    int whole = cols / LANES * LANES;
    ELEM last[LANES];

    memset(last, 0, sizeof last);
    for (int t = 0; t < depth; t++, b += ldb, out += SPAN) {
        for (int c = 0; c < whole; c += LANES)
            PUT(out + c, LOAD(b + c));
        memcpy(last, b + whole, (size_t)(cols - whole) * sizeof *b);
        for (int c = whole; c < SPAN; c += LANES) {
            PUT(out + c, c == whole ? LOAD(last) : SET(0));
        }
    }
}

/* A tile of outputs with b as [k,n]; see tile_dot. Few panels read b in place; more of them
 * pass over a packed block of it. */
static void T(tile_outer)(const REAL *a, int64_t panel, int panels, int width, const ELEM *b,
                          int64_t ldb, int cols, int64_t k, REAL *out)
{
    enum { GROUP = T(VECTORS) * LANES };
    int in_place = panels + (width > 0) <= 2 ? cols / GROUP * GROUP : 0;
    REAL block[DEPTH * SPAN];

    for (int64_t from = 0; from < k; from += DEPTH) {
        int depth = (int)MIN(k - from, DEPTH);

        if (in_place < cols)
            T(pack_columns)(b + from * ldb + in_place, ldb, cols - in_place, depth, block);
        for (int c = 0; c < cols; c += GROUP) {
            bool packed = c >= in_place;
            const void *at = packed ? (const void *)(block + c - in_place)
                                    : (const void *)(b + from * ldb + c);

            for (int p = 0; p <= panels; p++)
                if (p < panels || width)
                    T(outer_panel)(a + p * panel + from * (p < panels ? 4 : width), at,
                                   packed ? SPAN : ldb, depth, out + p * 4 * SPAN + c,
                                   p < panels ? 4 : width, packed);
        }
    }
}

/* Vectors from ... to-1 of rows_add(); `ahead` and `reach` as in dot_steps. */
static inline __attribute__((always_inline)) void
T(row_steps)(const VEC x[4][4], const ELEM *b, int64_t ldb, int from, int to, const ELEM *ahead,
             REAL *out, int span, const int reach, const int terms, const int width)
{
    for (int v = from; v < to; v++) {
        VEC w[4];

#pragma GCC unroll 4
        for (int t = 0; t < terms; t++)
            w[t] = LOAD(b + t * ldb + v * LANES);
#pragma GCC unroll 4
        for (int t = 0; t < reach; t++)
            ASK(ahead + t * ldb + v * LANES, reach);
#pragma GCC unroll 4
        for (int r = 0; r < width; r++) {
            VEC sum = GET(out + r * span + v * LANES);

#pragma GCC unroll 4
            for (int t = 0; t < terms; t++)
                sum += x[r][t] * w[t];
            PUT(out + r * span + v * LANES, sum);
        }
    }
}

/* Add `terms` terms of a panel, each times its row of b, to out[row * span + column]. Long
 * runs of few rows of b are what memory gives fastest. `kind` as in dot: `next` are the rows
 * to be fetched. */
static inline __attribute__((always_inline)) void
T(rows_add)(const REAL *a, const ELEM *b, int64_t ldb, int cols, const ELEM *next, REAL *out,
            int span, const enum next kind, const int terms, const int width)
{
    int whole = cols / LANES, seam = whole > AHEAD ? whole - AHEAD : 0, rest = cols % LANES;
    VEC x[4][4];

#pragma GCC unroll 4
    for (int r = 0; r < width; r++)
#pragma GCC unroll 4
        for (int t = 0; t < terms; t++)
            x[r][t] = SET(a[t * width + r]);
    if (kind == NEXT_STREAM) {
        const ELEM *ahead = b + AHEAD * LANES;

        for (int from = 0, to = seam; from < whole; from = to, to = whole) {
            T(row_steps)(x, b, ldb, from, to, ahead, out, span, terms, terms, width);
            ahead = b + terms * ldb - seam * LANES;
        }
    } else {
        T(row_steps)(x, b, ldb, 0, whole, next, out, span, kind, terms,
                     width);
    }
    if (rest) {
        ELEM last[4 * LANES];

        memset(last, 0, sizeof last);
        for (int t = 0; t < terms; t++)
            memcpy(last + t * LANES, b + t * ldb + whole * LANES, (size_t)rest * sizeof *b);
        T(row_steps)(x, last, LANES, 0, 1, NULL, out + whole * LANES, span, 0, terms, width);
    }
}

/* n terms (1 ... 4) of panel p of `all`. As in dot_panels, a single one streams, but a single
 * row needs no prefetch (7 percent in caches, 2 from memory); of several panels, the first ones
 * fetch the four rows of b after the next for all. */
static void T(rows_panel)(const REAL *a, int width, const ELEM *b, int64_t ldb, int cols, int n,
                          REAL *out, int span, int p, int all)
{
    int each = all < 4 ? 2 : 1;
    const ELEM *next = b + (8 + p * each) * ldb;

#define ADD(kind, terms, w)                                                            \
    T(rows_add)(a + t * w, b + t * ldb, ldb, cols, next, out, span, kind, terms, w)
#define WIDTH(kind, terms) width == 4 ? ADD(kind, terms, 4) : width == 2 ? ADD(kind, terms, 2) : ADD(kind, terms, 1)
    for (int t = 0; t < n; t += n % 4 ? 1 : n)
        if (n < 4)
            WIDTH(NEXT_NONE, 1);
        else if (all == 1 && width > 1)
            WIDTH(NEXT_STREAM, 4);
        else if (each == 1 && p < 4 && width == 4)
            ADD(NEXT_LINE, 4, 4);
        else if (each == 2 && p < 2 && width == 4)
            ADD(NEXT_PAIR, 4, 4);
        else
            WIDTH(NEXT_NONE, 4);
#undef WIDTH
#undef ADD
}

/* A tile of few rows and wide_span(g) columns with b as [k,n]: four rows of b pass under all
 * panels. */
static void T(tile_rows)(const REAL *a, int64_t panel, int panels, int width, const ELEM *b,
                         int64_t ldb, int cols, int64_t k, REAL *out, int span)
{
    int all = panels + (width > 0), n;

    for (int64_t t = 0; t < k; t += n) {
        n = (int)MIN(k - t, 4);
        for (int p = 0; p < all; p++) {
            int w = p < panels ? 4 : width;

            T(rows_panel)(a + p * panel + t * w, w, b + t * ldb, ldb, cols, n,
                          out + p * 4 * span, span, p, all);
        }
    }
}

/* Panel of `rows` rows of op(a) from row i on, `width` with the padding, for tile_dot. */
static void T(pack_dot)(const struct gemm *g, int64_t i, int rows, int width, TERM *out)
{
    const ELEM *a = g->a;
    ELEM part[STEP];

    memset(part, 0, sizeof part);
    if (!g->ta) {
        int64_t steps = g->k / STEP;

        memset(out, 0, (size_t)round_up(g->k, STEP) * (size_t)width * sizeof *out);
        for (int r = 0; r < rows; r++) {
            const ELEM *row = a + (i + r) * g->k;

            for (int64_t s = 0; s < steps; s++)
                CONVERT(out + (s * width + r) * STEP, row + s * STEP);
            memcpy(part, row + steps * STEP, (size_t)(g->k % STEP) * sizeof *a);
            if (g->k % STEP)
                CONVERT(out + (steps * width + r) * STEP, part);
        }
        return;
    }
    for (int64_t t = 0; t < round_up(g->k, STEP); t++)
        for (int r = 0; r < width; r += STEP) { /* STEP may be less than four */
            int n = t < g->k ? (int)MIN(rows - r, STEP) : 0;
            TERM column[STEP];

            memset(part, 0, sizeof part);
            if (n > 0)
                memcpy(part, a + t * g->m + i + r, (size_t)n * sizeof *a);
            CONVERT(column, part);
            for (int l = 0; l < MIN(width - r, STEP); l++)
                out[(t / STEP * width + r + l) * STEP + t % STEP] = column[l];
        }
}

/* The same for tile_outer. */
static void T(pack_outer)(const struct gemm *g, int64_t i, int rows, int width, REAL *out)
{
    const ELEM *a = g->a;
    ELEM part[LANES];
    REAL term[LANES];

    memset(part, 0, sizeof part);
    if (!g->ta) {
        int64_t whole = width == 1 ? g->k / LANES * LANES : 0;

        for (int64_t t = 0; t < whole; t += LANES)
            PUT(out + t, LOAD(a + i * g->k + t));
        memset(out + whole, 0, (size_t)(g->k - whole) * (size_t)width * sizeof *out);
        for (int r = 0; r < rows; r++)
            for (int64_t t = whole; t < g->k; t += LANES) {
                int n = (int)MIN(g->k - t, LANES);

                memcpy(part, a + (i + r) * g->k + t, (size_t)n * sizeof *a);
                PUT(term, LOAD(part));
                for (int l = 0; l < n; l++)
                    out[(t + l) * width + r] = term[l];
            }
        return;
    }
    for (int64_t t = 0; t < g->k; t++)
        for (int r = 0; r < width; r += LANES) {
            int n = (int)MIN(rows - r, LANES);

            memset(part, 0, sizeof part);
            if (n > 0)
                memcpy(part, a + t * g->m + i + r, (size_t)n * sizeof *a);
            PUT(term, LOAD(part));
            for (int l = 0; l < MIN(width - r, LANES); l++)
                out[t * width + r + l] = term[l];
        }
}

/* alpha * sums + beta * c, rounded, to `rows` x `cols` outputs. */
static void T(write)(const struct gemm *g, const REAL *sum, int span, int rows, int cols,
                     ELEM *c)
{
    VEC alpha = SET((REAL)g->alpha), beta = SET((REAL)g->beta);
    ELEM part[LANES];

    for (int r = 0; r < rows; r++)
        for (int j = 0; j < cols; j += LANES) {
            int n = (int)MIN(cols - j, LANES);
            ELEM *to = c + r * g->n + j;
            VEC v = alpha * GET(sum + r * span + j);

            if (n == LANES) {
                WRITE(to, g->beta != 0 ? v + beta * LOAD(to) : v);
                continue;
            }
            if (g->beta != 0) {
                memset(part, 0, sizeof part);
                memcpy(part, to, (size_t)n * sizeof *to);
                v += beta * LOAD(part);
            }
            WRITE(part, v);
            memcpy(to, part, (size_t)n * sizeof *to);
        }
}

/* One tile: panels first ... of the packed block, lines or columns j ... j+cols-1. */
static void T(tile)(const struct gemm *g, const void *packed, int64_t i0, int rows, int64_t j,
                    int cols)
{
    int panels = rows / 4, width = width_of(rows % 4);
    int64_t panel = 4 * round_up(g->k, STEP);
    int span = is_wide(g) ? wide_span(g) : SPAN;
    REAL sum[MAX(TILE_ROWS * SPAN, WIDE_SUMS)] __attribute__((aligned(64)));

    memset(sum, 0, sizeof *sum * (size_t)span * (size_t)(4 * panels + width));
    if (is_wide(g))
        T(tile_rows)((const REAL *)packed, panel, panels, width, (const ELEM *)g->b + j, g->n,
                     cols, g->k, sum, span);
    else if (g->tb)
        T(tile_dot)((const TERM *)packed + i0 % BLOCK_ROWS / 4 * panel, panel, panels, width,
                    (const ELEM *)g->b + j * g->k, g->k, cols, g->k, sum);
    else
        T(tile_outer)((const REAL *)packed + i0 % BLOCK_ROWS / 4 * panel, panel, panels, width,
                      (const ELEM *)g->b + j, g->n, cols, g->k, sum);
    T(write)(g, sum, span, rows, cols, (ELEM *)g->c + i0 * g->n + j);
}

static void T(pack)(const struct gemm *g, int64_t i, int rows, void *packed)
{
    int64_t panel = 4 * round_up(g->k, STEP);
    int width = rows < 4 ? width_of(rows) : 4;

    if (g->tb)
        T(pack_dot)(g, i, rows, width, (TERM *)packed + i % BLOCK_ROWS / 4 * panel);
    else
        T(pack_outer)(g, i, rows, width, (REAL *)packed + i % BLOCK_ROWS / 4 * panel);
}

#undef T
#undef ELEM
#undef REAL
#undef VEC
#undef LANES
#undef SET
#undef GET
#undef PUT
#undef TOTAL
#undef TOTALS
#undef LOAD
#undef TERM
#undef WIDE
#undef STEP
#undef LOAD_TERM
#undef LOAD_WIDE
#undef MADD
#undef WRITE
#undef CONVERT
