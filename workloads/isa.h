/* SPDX-License-Identifier: MIT */
/* One source, several instruction sets: every workloads/X/X_simd.c is compiled once per
 * instruction set, with ISA defined as one of the names below, and picked at run time. */
#ifndef OFFLOAD_BENCH_ISA_H
#define OFFLOAD_BENCH_ISA_H

/* From weakest to strongest. Off x86-64 only `baseline` is built. */
#define ISA_MAP(X) X(baseline) X(avx2) X(avx512) X(avx512bf16)

enum isa {
#define X(name) ISA_##name,
    ISA_MAP(X)
#undef X
    ISAS
};

/* The strongest that this processor has and this build holds. The environment variable
 * OFFLOAD_BENCH_ISA names a weaker one ("avx2") to see what it costs. */
enum isa isa_best(void);
/* From now on isa_best is this, or the strongest there is when it is weaker: to measure what
 * another one makes of it. Not while variants run. */
void isa_use(enum isa);
const char *isa_name(enum isa);

/* In X_simd.c: the symbol of this instruction set, e.g. ISA_SYMBOL(reduction_simd) ->
 * reduction_simd_avx512. Export one table of functions per file under such a name. */
#define ISA_JOIN_(x, isa) x##_##isa
#define ISA_JOIN(x, isa) ISA_JOIN_(x, isa)
#define ISA_SYMBOL(x) ISA_JOIN(x, ISA)

/* In X.c: declare the tables (`type` const), then pick: ISA_PICK(reduction_simd)->sum(...). */
#if defined(__x86_64__)
#define ISA_DECLARE(type, x) extern type x##_baseline, x##_avx2, x##_avx512, x##_avx512bf16
#define ISA_PICK(x)                                                                    \
    (isa_best() == ISA_avx512bf16 ? &x##_avx512bf16                                    \
     : isa_best() == ISA_avx512   ? &x##_avx512                                        \
     : isa_best() == ISA_avx2     ? &x##_avx2                                          \
                                  : &x##_baseline)
#else
#define ISA_DECLARE(type, x) extern type x##_baseline
#define ISA_PICK(x) (&x##_baseline)
#endif

#endif
