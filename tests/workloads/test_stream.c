/* SPDX-License-Identifier: MIT */
/* The STREAM loops of every instruction set of this processor, with both kinds of store, at
 * awkward lengths and alignments: only large arrays take the streaming stores otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "workloads/isa.h"
#include "workloads/stream/stream.h"

ISA_DECLARE(const struct stream_simd, stream_simd);

enum { MOST = 300, ROOM = MOST + 32 };

static const struct stream_simd *const table[] = {
#if defined(__x86_64__)
    &stream_simd_baseline, &stream_simd_avx2, &stream_simd_avx512, &stream_simd_avx512bf16
#else
    &stream_simd_baseline
#endif
};

#define EXPECTED(op, a, b)                                                             \
    ((op) == STREAM_COPY    ? (a)                                                      \
     : (op) == STREAM_SCALE ? STREAM_FACTOR * (a)                                      \
     : (op) == STREAM_ADD   ? (a) + (b)                                                \
                            : (a) + STREAM_FACTOR * (b))

/* Small whole numbers: every result is exact. c must be written in [0, n) and only there. */
#define CHECK(name, elem, dtype)                                                       \
    static void name(const struct stream_simd *simd, int op, int64_t n, int offset,    \
                     enum stream_store how)                                            \
    {                                                                                  \
        static _Alignas(64) elem a[ROOM], b[ROOM], c[ROOM];                            \
        struct stream_call call = {a, b, c + offset, n, 2, how};                       \
                                                                                       \
        for (int i = 0; i < ROOM; i++) {                                               \
            a[i] = (elem)(i + 1);                                                      \
            b[i] = (elem)(1000 - 3 * i);                                               \
            c[i] = -7;                                                                 \
        }                                                                              \
        simd->op[op][dtype](&call);                                                    \
        for (int i = 0; i < ROOM; i++) {                                               \
            int at = i - offset;                                                       \
                                                                                       \
            assert_true(c[i] == (at >= 0 && at < n ? EXPECTED(op, a[at], b[at]) : -7)); \
        }                                                                              \
    }

CHECK(check_f32, float, DTYPE_F32)
CHECK(check_f64, double, DTYPE_F64)

static void test_every_store(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)isa_best(); isa++)
        for (int op = 0; op < STREAM_OPS; op++)
            for (int64_t n = 1; n <= MOST; n += n < 70 ? 1 : 23)
                for (int offset = 0; offset < 20; offset += 3)
                    for (int how = STORE_CACHED; how <= STORE_THROUGH; how++) {
                        check_f32(table[isa], op, n, offset, (enum stream_store)how);
                        check_f64(table[isa], op, n, offset, (enum stream_store)how);
                    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_store)};

    return cmocka_run_group_tests_name("stream loops", tests, NULL, NULL);
}
