/* SPDX-License-Identifier: MIT */
/* Our reductions beside the libraries', interleaved, same threads, f32. argmax has no library
 * peer here: it is set against the loop that ggml runs on one thread and, on data without a
 * sign, against isamax, which then finds the same element; a plain scan is shown
 * (docs/decisions/0004). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "harness/duel.h"
#include "workloads/cblas.h"
#include "workloads/isa.h"
#include "workloads/reduction/reduction.h"

ISA_DECLARE(const struct reduction_simd, reduction_simd);

enum { THREADS = 2, ROUNDS = 15 };

/* Sizes and promises (0: none). The libraries read the same arrays, on 2 MiB pages where the
 * system has them: at 1e8 elements both sides meet DRAM, and what our pages are worth is told
 * apart (pages_duel). */
static const struct {
    int64_t n;
    double most;
} size[] = {{1000, 0}, {10000, 0}, {100000, 0.8}, {1000000, 0.8}, {10000000, 0.7},
            {100000000, 1.0}};

static int duel_op(struct device *host, const char *op, int64_t n, double most)
{
    static struct duel duel;
    const struct workload *w = workload_find("reduction");
    struct problem p = {.dtype = DTYPE_F32};
    struct duel_goal goal[] = {{"simd", NULL, most}, {0}};
    char text[32];
    struct why why = {{0}};
    int missed;

    snprintf(text, sizeof text, "%lld", (long long)n);
    if (workload_shape_set(w, &p.shape, "op", op, &why) ||
        workload_shape_set(w, &p.shape, "n", text, &why) ||
        duel_open(&duel, w, &p, host, NULL, 0, THREADS, 1, &why) ||
        duel_run(&duel, ROUNDS, DUEL_ROUNDS, 1, &why)) {
        fprintf(stderr, "bench_reduction: %s\n", why.text);
        return 1;
    }
    if (!duel_best_provider(&duel))
        goal[0].most = 0;
    missed = duel_print(&duel, goal, stdout);
    duel_close(&duel);
    return missed;
}

static int64_t scan(const float *x, int64_t n)
{
    int64_t at = 0;

    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[at])
            at = i;
    return at;
}

/* As ggml_vec_argmax_f32 (ggml/src/ggml-cpu/vec.h) does it, the last of equal elements; ggml
 * calls it from one thread. */
static int64_t ggml_loop(const float *x, int64_t n)
{
    float top = -INFINITY;
    int64_t at = 0;

    for (int64_t i = 0; i < n; i++) {
        top = top > x[i] ? top : x[i];
        if (top == x[i])
            at = i;
    }
    return at;
}

static int by_value(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;

    return (d > 0) - (d < 0);
}

static double median(double *value, int n)
{
    qsort(value, (size_t)n, sizeof *value, by_value);
    return value[n / 2];
}

enum { OURS, ISAMAX, GGML, SCAN, PEERS };

static int64_t argmax(int peer, const float *x, int64_t n)
{
    if (peer == OURS)
        return ISA_PICK(reduction_simd)->op[REDUCTION_ARGMAX][DTYPE_F32](x, NULL, n, THREADS).at;
    if (peer == ISAMAX)
        return (int64_t)cblas_use(&cblas[CBLAS_OPENBLAS], THREADS)->isamax((int)n, x, 1);
    return peer == GGML ? ggml_loop(x, n) : scan(x, n);
}

/* Nanoseconds a call. */
static double argmax_ns(int peer, const float *x, int64_t n, int calls)
{
    volatile int64_t at = 0;
    int64_t start = clock_ns();

    for (int i = 0; i < calls; i++)
        at += argmax(peer, x, n);
    return (double)(clock_ns() - start) / calls;
}

static int goal_print(const char *name, const char *against, double ratio, double most)
{
    bool met = ratio <= most;

    printf("    simd against %-10s %.2f", against, ratio);
    if (most > 0)
        printf("  goal <= %.2f: %s%s", most, met ? "met" : "MISSED by ", met ? "" : name);
    printf("\n");
    return most > 0 && !met;
}

static int argmax_duel(const float *x, int64_t n, bool has_isamax)
{
    static const char *const name[] = {"simd", "isamax", "ggml-loop", "scan"};
    static double ns[PEERS][ROUNDS], ratio[PEERS][ROUNDS];
    int calls = n < 1000000 ? (int)(2000000 / n) : 1, missed = 0;
    char title[64];

    for (int r = -1; r < ROUNDS; r++) /* round -1 warms up */
        for (int k = 0; k < PEERS; k++) {
            int peer = (k + r + 1) % PEERS;

            if (peer != ISAMAX || has_isamax)
                ns[peer][r < 0 ? 0 : r] = argmax_ns(peer, x, n, calls);
        }
    snprintf(title, sizeof title, "argmax f32 n=%lld without signs", (long long)n);
    printf("%s\n", title);
    for (int k = 0; k < PEERS; k++)
        for (int r = 0; r < ROUNDS; r++)
            ratio[k][r] = ns[OURS][r] / ns[k][r];
    for (int k = 0; k < PEERS; k++) {
        double t;

        if (k == ISAMAX && !has_isamax)
            continue;
        t = median(ns[k], ROUNDS);
        printf("  %-10s %10.2f us %8.1f GB/s\n", name[k], t / 1e3, 4 * (double)n / t);
    }
    if (has_isamax)
        missed += goal_print(title, "isamax", median(ratio[ISAMAX], ROUNDS), n >= 100000 ? 0.8 : 0);
    goal_print(title, "scan", median(ratio[SCAN], ROUNDS), 0);
    return missed + goal_print(title, "ggml-loop", median(ratio[GGML], ROUNDS), n >= 100000 ? 0.3 : 0);
}

static int bench_argmax(struct device *host)
{
    struct buffer x;
    struct why why = {{0}};
    int missed = 0;
    int64_t most = size[sizeof size / sizeof *size - 1].n;
    bool has_isamax = cblas_open(&cblas[CBLAS_OPENBLAS], &why) == 0;
    uint64_t state = 7;

    if (host->ops->alloc(host, &x, (size_t)most * sizeof(float), MEMORY_PAGEABLE, &why)) {
        fprintf(stderr, "bench_reduction: %s\n", why.text);
        return 1;
    }
    for (int64_t i = 0; i < most; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        ((float *)x.data)[i] = (float)(state >> 40) * 0x1p-24f;
    }
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        missed += argmax_duel(x.data, size[i].n, has_isamax);
    host->ops->free(host, &x);
    return missed;
}

/* dot of 1e8 elements: ours on the harness's memory against OpenBLAS on plain malloc, which is
 * where a program that calls it has its data. */
static int pages_duel(struct device *host)
{
    const int64_t n = 100000000;
    static double ns[3][ROUNDS], ratio[ROUNDS], least[ROUNDS];
    struct buffer x = {0}, y = {0};
    float *plain_x = malloc((size_t)n * sizeof *plain_x);
    float *plain_y = malloc((size_t)n * sizeof *plain_y);
    struct why why = {{0}};
    int missed = 1;

    if (!plain_x || !plain_y ||
        host->ops->alloc(host, &x, (size_t)n * sizeof(float), MEMORY_PAGEABLE, &why) ||
        host->ops->alloc(host, &y, (size_t)n * sizeof(float), MEMORY_PAGEABLE, &why) ||
        cblas_open(&cblas[CBLAS_OPENBLAS], &why)) {
        fprintf(stderr, "bench_reduction: dot on 4 KiB pages left out: %s\n", why.text);
        goto out;
    }
    for (int64_t i = 0; i < n; i++) {
        float value = (float)(i % 1000 + 1);

        ((float *)x.data)[i] = ((float *)y.data)[i] = plain_x[i] = plain_y[i] = value;
    }
    for (int r = -1; r < ROUNDS; r++) {
        const struct cblas *b = cblas_use(&cblas[CBLAS_OPENBLAS], THREADS);
        int at = r < 0 ? 0 : r;
        volatile double sink;
        int64_t start = clock_ns(), between;

        sink = ISA_PICK(reduction_simd)
                   ->op[REDUCTION_DOT][DTYPE_F32](x.data, y.data, n, THREADS).value;
        between = clock_ns();
        sink = b->sdot((int)n, plain_x, 1, plain_y, 1);
        ns[1][at] = (double)(clock_ns() - between);
        ns[0][at] = (double)(between - start);
        start = clock_ns();
        sink = ISA_PICK(reduction_simd)->op[REDUCTION_SUM][DTYPE_F32](x.data, NULL, n, THREADS).value;
        ns[2][at] = 2 * (double)(clock_ns() - start);
        ratio[at] = ns[0][at] / ns[1][at];
        least[at] = ns[2][at] / ns[1][at];
        (void)sink;
    }
    printf("dot f32 n=%lld, ours on pages of %zu KiB, OpenBLAS on malloc\n", (long long)n,
           x.page_bytes >> 10);
    printf("  simd       %10.2f us %8.1f GB/s\n", median(ns[0], ROUNDS) / 1e3,
           8 * (double)n / median(ns[0], ROUNDS));
    printf("  openblas   %10.2f us %8.1f GB/s\n", median(ns[1], ROUNDS) / 1e3,
           8 * (double)n / median(ns[1], ROUNDS));
    printf("  sum of both %9.2f us %8.1f GB/s: reading alone takes %.2f of OpenBLAS's time now\n",
           median(ns[2], ROUNDS) / 1e3, 8 * (double)n / median(ns[2], ROUNDS),
           median(least, ROUNDS));
    missed = goal_print("dot f32 n=100000000 on large pages", "openblas", median(ratio, ROUNDS), 0.7);
out:
    host->ops->free(host, &x);
    host->ops->free(host, &y);
    free(plain_x);
    free(plain_y);
    return missed;
}

int main(void)
{
    static const char *const op[] = {"sum", "dot", "max", "norm2"};
    struct device host;
    struct why why = {{0}};
    int missed = 0;

    if (device_open(&host, "cpu", &why)) {
        fprintf(stderr, "bench_reduction: %s\n", why.text);
        return 1;
    }
    for (size_t o = 0; o < sizeof op / sizeof *op; o++)
        for (size_t i = 0; i < sizeof size / sizeof *size; i++)
            missed += duel_op(&host, op[o], size[i].n, o < 2 ? size[i].most : 0);
    missed += bench_argmax(&host);
    missed += pages_duel(&host);
    device_close(&host);
    printf("%d goals missed\n", missed);
    return missed != 0;
}
