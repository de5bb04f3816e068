/* SPDX-License-Identifier: MIT */
/* Our attention beside the best composition of library products, in interleaved rounds, and
 * the speed that it promises. An argument limits the workload ("decode") or, as a number, the
 * rounds. Exit status 1 when a promise is missed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/duel.h"

enum { THREADS = 2 };

/* Goals follow from what a fused kernel saves: scores are never written to memory, and what
 * the mask hides is not computed. A prefill's holds against the best composition found, which
 * leaves out what the mask hides, block by block, and against one of whole products, which computes
 * the masked half too (docs/decisions/0004): the same without a mask, so that it writes none. */
struct row {
    const char *workload;
    enum dtype dtype;
    int64_t heads, kv_heads, head_dim, q_len, kv_len;
    double most;
};

static const struct row rows[] = {
    {"attention_prefill", DTYPE_F32, 32, 8, 64, 512, 512, 0.8},
    {"attention_prefill", DTYPE_F32, 32, 8, 64, 1024, 1024, 0.8},
    {"attention_prefill", DTYPE_F32, 32, 8, 64, 2048, 2048, 0.8},
    {"attention_prefill", DTYPE_F32, 32, 8, 128, 512, 512, 0.8},
    {"attention_prefill", DTYPE_F32, 32, 8, 128, 1024, 1024, 0.8},
    {"attention_prefill", DTYPE_F32, 32, 8, 128, 2048, 2048, 0.8},
    {"attention_prefill", DTYPE_BF16, 32, 8, 64, 1024, 1024, 0.8},
    {"attention_prefill", DTYPE_BF16, 32, 8, 128, 1024, 1024, 0.8},
    {"attention_decode", DTYPE_F32, 32, 8, 64, 1, 512, 0.6},
    {"attention_decode", DTYPE_F32, 32, 8, 64, 1, 1024, 0.6},
    {"attention_decode", DTYPE_F32, 32, 8, 64, 1, 4096, 0.6},
    {"attention_decode", DTYPE_F32, 32, 8, 64, 1, 16384, 0.6},
    {"attention_decode", DTYPE_F32, 32, 8, 128, 1, 512, 1.0},
    {"attention_decode", DTYPE_F32, 32, 8, 128, 1, 4096, 1.0},
    {"attention_decode", DTYPE_F32, 32, 8, 128, 1, 16384, 1.0},
    {"attention_decode", DTYPE_BF16, 32, 8, 128, 1, 4096, 1.0},
};

static struct duel duel, square;

static void axis(struct problem *p, const struct workload *w, const char *name, int64_t n)
{
    for (int i = 0; i < workload_axes(w); i++)
        if (strcmp(w->axis[i].name, name) == 0)
            p->shape.n[i] = n;
}

/* The open duel, and the composition of the whole square in rounds that alternate with it. */
static int bench_square(const struct row *row, struct problem *p, struct device *host, int rounds,
                        int *missed, struct why *why)
{
    static const char *const only[] = {"composed", "composed-openblas", NULL};
    const struct duel_goal goal[] = {{"simd", NULL, row->most}, {0}};
    const struct duel_row *simd, *best;
    bool is_missed;
    double ratio;
    int status;

    axis(p, duel.bench.workload, "causal", 0);
    status = duel_open(&square, duel.bench.workload, p, host, only, 0, THREADS, 1, why);
    if (status)
        return status;
    for (int round = 0; round < rounds && !status; round++) {
        status = duel_run(&duel, 1, 1, (uint64_t)round, why);
        if (!status)
            status = duel_run(&square, 1, 1, (uint64_t)round, why);
    }
    *missed += duel_print(&duel, goal, stdout);
    simd = duel_find(&duel, "simd");
    best = duel_best_provider(&square);
    if (!status && simd && best) {
        ratio = duel_median_ns(&duel, simd, NULL) / duel_median_ns(&square, best, NULL);
        is_missed = !(ratio <= row->most);
        *missed += is_missed;
        printf("  simd / %s of the whole square = %.2f, goal <= %.2f: %s", best->trial.variant->name,
               ratio, row->most, is_missed ? "MISSED by " : "met\n");
        if (is_missed)
            printf("%s %s head_dim=%d q_len=%d\n", row->workload, dtype_name(row->dtype),
                   (int)row->head_dim, (int)row->q_len);
        fflush(stdout);
    }
    duel_close(&square);
    return status;
}

static int bench(const struct row *row, struct device *host, int rounds, int *missed,
                 struct why *why)
{
    const struct workload *w = workload_find(row->workload);
    const struct duel_goal goal[] = {{"simd", NULL, row->most}, {0}};
    struct problem p = {.dtype = row->dtype};
    int status;

    workload_shape_init(w, &p.shape);
    axis(&p, w, "heads", row->heads);
    axis(&p, w, "kv_heads", row->kv_heads);
    axis(&p, w, "head_dim", row->head_dim);
    axis(&p, w, "q_len", row->q_len);
    axis(&p, w, "kv_len", row->kv_len);
    if ((status = duel_open(&duel, w, &p, host, NULL, 0, THREADS, 1, why)))
        return status;
    if (row->q_len > 1)
        status = bench_square(row, &p, host, rounds, missed, why);
    else if ((status = duel_run(&duel, rounds, DUEL_ROUNDS, 1, why)) == 0)
        *missed += duel_print(&duel, goal, stdout);
    duel_close(&duel);
    return status;
}

int main(int argc, char **argv)
{
    struct device host = {0};
    struct why why = {{0}};
    const char *only = "";
    int rounds = 9, missed = 0, status;

    for (int i = 1; i < argc; i++)
        if (atoi(argv[i]) > 0)
            rounds = atoi(argv[i]);
        else
            only = argv[i];
    status = device_open(&host, "cpu", &why);
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !status; i++)
        if (strstr(rows[i].workload, only) && workload_find(rows[i].workload))
            status = bench(&rows[i], &host, rounds, &missed, &why);
    if (status)
        fprintf(stderr, "bench_attention: %s\n", why.text);
    device_close(&host);
    return status || missed;
}
