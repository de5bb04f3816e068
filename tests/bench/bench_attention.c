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
 * the mask hides is not computed. */
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

static struct duel duel;

static void axis(struct problem *p, const struct workload *w, const char *name, int64_t n)
{
    for (int i = 0; i < workload_axes(w); i++)
        if (strcmp(w->axis[i].name, name) == 0)
            p->shape.n[i] = n;
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
    status = duel_run(&duel, rounds, DUEL_ROUNDS, 1, why);
    if (!status)
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
