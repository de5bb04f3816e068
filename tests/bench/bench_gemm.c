/* SPDX-License-Identifier: MIT */
/* Our matrix products beside the libraries', interleaved. Weights are cold: copies of them
 * rotate past the caches, as the layers of a model do. Goals: gemv within 1.15 of the best
 * library; skinny products twice as fast as cblas_sgemm. docs/decisions/0004 says why bf16 of 4
 * and 16 rows promises nothing. Squares are the libraries' job and shown for comparison only. BLIS is left out of the
 * products: where it knows the processor it does not lead, where not it takes seconds. */
#include <stdlib.h>
#include <string.h>

#include "harness/duel.h"

enum { ROUNDS = 9, THREADS = 2, COLD_BYTES = 320 << 20 };

static const struct job {
    const char *workload;
    enum dtype dtype;
    struct shape shape;
    bool is_cold;
    struct duel_goal goal[3];
} job[] = {
    /* m n ta alpha */
    {"gemv", DTYPE_F32, {{2048, 2048, 0, 1}}, true, {{"simd", NULL, 1.15}}},
    {"gemv", DTYPE_F32, {{8192, 2048, 0, 1}}, true, {{"simd", NULL, 1.15}}},
    {"gemv", DTYPE_F32, {{2048, 8192, 0, 1}}, true, {{"simd", NULL, 1.15}}},
    {"gemv", DTYPE_F32, {{4096, 4096, 0, 1}}, true, {{"simd", NULL, 1.15}}},
    {"gemv", DTYPE_F32, {{4096, 4096, 1, 1}}, true, {{"simd", NULL, 1.15}}},
    {"gemv", DTYPE_F64, {{4096, 4096, 0, 1}}, true, {{"simd", NULL, 1.15}}},
    {"gemv", DTYPE_BF16, {{4096, 4096, 0, 1}}, true, {{"simd", NULL, 1.15}}},
    {"gemv", DTYPE_F32, {{1024, 1024, 0, 1}}, false, {{"simd", NULL, 1.15}}},
    {"gemv", DTYPE_F32, {{1024, 1024, 1, 1}}, false, {{"simd", NULL, 1.15}}},
    /* m n k ta tb alpha */
    {"gemm", DTYPE_F32, {{4, 2048, 2048, 0, 1, 1}}, true, {{"simd", "openblas", 0.5}, {"simd", NULL, 0}}},
    {"gemm", DTYPE_F32, {{16, 2048, 2048, 0, 1, 1}}, true, {{"simd", "openblas", 0.5}, {"simd", NULL, 0}}},
    {"gemm", DTYPE_F32, {{4, 4096, 4096, 0, 1, 1}}, true, {{"simd", "openblas", 0.5}, {"simd", NULL, 0}}},
    {"gemm", DTYPE_F32, {{16, 4096, 4096, 0, 1, 1}}, true, {{"simd", "openblas", 0.5}, {"simd", NULL, 0}}},
    {"gemm", DTYPE_F32, {{4, 4096, 4096, 0, 0, 1}}, true, {{"simd", "openblas", 0.5}, {"simd", NULL, 0}}},
    {"gemm", DTYPE_F32, {{16, 4096, 4096, 0, 0, 1}}, true, {{"simd", "openblas", 0.5}, {"simd", NULL, 0}}},
    {"gemm", DTYPE_BF16, {{1, 4096, 4096, 0, 1, 1}}, true, {{"simd", NULL, 1.15}}},
    {"gemm", DTYPE_BF16, {{4, 4096, 4096, 0, 1, 1}}, true, {{"simd", NULL, 0}}},
    {"gemm", DTYPE_BF16, {{16, 4096, 4096, 0, 1, 1}}, true, {{"simd", NULL, 0}}},
    {"gemm", DTYPE_F32, {{64, 2048, 2048, 0, 1, 1}}, true, {{"simd", NULL, 0}}},
    {"gemm", DTYPE_BF16, {{64, 2048, 2048, 0, 1, 1}}, true, {{"simd", NULL, 0}}},
    {"gemm", DTYPE_F32, {{512, 2048, 2048, 0, 1, 1}}, true, {{"simd", NULL, 0}}},
    {"gemm", DTYPE_BF16, {{512, 2048, 2048, 0, 1, 1}}, true, {{"simd", NULL, 0}}},
    {"gemm", DTYPE_F32, {{256, 256, 256, 0, 0, 1}}, false, {{"simd", NULL, 0}}},
    {"gemm", DTYPE_F32, {{1024, 1024, 1024, 0, 0, 1}}, false, {{"simd", NULL, 0}}},
    {"gemm", DTYPE_F32, {{2048, 2048, 2048, 0, 0, 1}}, false, {{"simd", NULL, 0}}},
    /* batch m n k ta tb */
    {"gemm_batched", DTYPE_F32, {{64, 64, 64, 64}}, false, {{"simd", NULL, 0}}},
    {"gemm_batched", DTYPE_F32, {{32, 1, 1024, 64, 0, 1}}, false, {{"simd", NULL, 0}}},
};

static const char *const peers[] = {"simd", "openblas", "openblas-gemv", "openblas-each", "mkl",
                                    "mkl-gemv", "mkl-each", "aocl", "aocl-gemv", "aocl-each",
                                    "onednn", "onednn-packed", NULL};

static int run(const struct job *j, struct device *host)
{
    static struct duel duel;
    struct problem problem = {.dtype = j->dtype, .shape = j->shape};
    struct why why = {{0}};
    int missed = 1;

    if (duel_open(&duel, workload_find(j->workload), &problem, host,
                  strcmp(j->workload, "gemv") == 0 ? NULL : peers,
                  j->is_cold ? COLD_BYTES : 0, THREADS, 1, &why) == 0 &&
        duel_run(&duel, ROUNDS, DUEL_ROUNDS, 1, &why) == 0)
        missed = duel_print(&duel, j->goal, stdout);
    else
        fprintf(stderr, "bench_gemm: %s: %s\n", j->workload, why.text);
    duel_close(&duel);
    return missed;
}

/* bench_gemm [WORKLOAD [DTYPE [M]]]: all jobs, or those of one workload, dtype and m. */
int main(int argc, char **argv)
{
    struct device host;
    struct why why = {{0}};
    int missed = 0;

    if (device_open(&host, "cpu", &why)) {
        fprintf(stderr, "bench_gemm: %s\n", why.text);
        return 1;
    }
    for (size_t i = 0; i < sizeof job / sizeof *job; i++)
        if ((argc < 2 || strcmp(argv[1], job[i].workload) == 0) &&
            (argc < 3 || strcmp(argv[2], dtype_name(job[i].dtype)) == 0) &&
            (argc < 4 || atoi(argv[3]) == job[i].shape.n[0]))
            missed += run(&job[i], &host);
    device_close(&host);
    printf("%d goals missed\n", missed);
    return missed != 0;
}
