/* SPDX-License-Identifier: MIT */
#include "workloads/isa.h"

#include <stdlib.h>
#include <string.h>

static const char *const name[ISAS] = {
#define X(n) [ISA_##n] = #n,
    ISA_MAP(X)
#undef X
};

static enum isa detect(void)
{
    enum isa best = ISA_baseline;
    const char *wish = getenv("OFFLOAD_BENCH_ISA");

#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        best = ISA_avx2;
    if (best == ISA_avx2 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
        best = ISA_avx512;
    if (best == ISA_avx512 && __builtin_cpu_supports("avx512bf16"))
        best = ISA_avx512bf16;
#endif
    for (int i = 0; wish && i < (int)best; i++)
        if (strcmp(wish, name[i]) == 0)
            return (enum isa)i;
    return best;
}

static int strongest = -1, used = -1; /* same answer from every thread: a benign race */

enum isa isa_best(void)
{
    if (used < 0)
        used = strongest = (int)detect();
    return (enum isa)used;
}

void isa_use(enum isa isa)
{
    isa_best();
    used = (int)isa < strongest ? (int)isa : strongest;
}

const char *isa_name(enum isa isa)
{
    return name[isa];
}
