/* SPDX-License-Identifier: MIT */
/* The four STREAM kernels: one contiguous span a thread, whole vectors in between, plain
 * elements up to the first aligned vector of c and behind the last one. */
#include "workloads/stream/stream.h"

#include <omp.h>

#include "workloads/isa.h"
#include "workloads/simd.h"

/* Below this many bytes of one array a second thread costs more to wake than it saves. */
enum { THREAD_BYTES = 32 << 10 };

/* p is aligned to a whole vector. Off x86-64 there is no such store to name: a plain one. */
static inline void store_through(void *p, vf v)
{
#if SIMD_BYTES == 64
    _mm512_stream_ps(p, (__m512)v);
#elif SIMD_BYTES == 32
    _mm256_stream_ps(p, (__m256)v);
#elif defined(__SSE__)
    _mm_stream_ps(p, (__m128)v);
#else
    memcpy(p, &v, sizeof v);
#endif
}

/* Streaming stores are weakly ordered: they must be done before the call is. */
static inline void store_fence(void)
{
#if defined(__SSE__)
    _mm_sfence();
#endif
}

#define COPY(a, b) (a)
#define SCALE(a, b) (STREAM_FACTOR * (a))
#define ADD(a, b) ((a) + (b))
#define TRIAD(a, b) ((a) + STREAM_FACTOR * (b))

#define SPAN(name, elem, vec, width, load, store, term)                                \
    static void name##_span(const elem *a, const elem *b, elem *c, int64_t n,          \
                            enum stream_store how)                                     \
    {                                                                                  \
        int64_t i = 0;                                                                 \
                                                                                       \
        (void)b;                                                                       \
        for (; i < n && (uintptr_t)(c + i) % SIMD_BYTES; i++)                          \
            c[i] = term(a[i], b[i]);                                                   \
        if (how == STORE_THROUGH) {                                                    \
            for (; i + 4 * width <= n; i += 4 * width)                                 \
                _Pragma("GCC unroll 4")                                                \
                for (int u = 0; u < 4; u++)                                            \
                    store_through(c + i + u * width,                                   \
                                  (vf)term(load(a + i + u * width), load(b + i + u * width))); \
            store_fence();                                                             \
        }                                                                              \
        for (; i + width <= n; i += width)                                             \
            store(c + i, term(load(a + i), load(b + i)));                              \
        for (; i < n; i++)                                                             \
            c[i] = term(a[i], b[i]);                                                   \
    }                                                                                  \
                                                                                       \
    static void name(const struct stream_call *s)                                      \
    {                                                                                  \
        const elem *a = s->a, *b = s->b ? s->b : s->a;                                 \
        elem *c = s->c;                                                                \
        int64_t most = s->n * (int64_t)sizeof *c / THREAD_BYTES;                       \
        int team = most < s->threads ? (int)most : s->threads;                         \
                                                                                       \
        if (team <= 1) {                                                               \
            name##_span(a, b, c, s->n, s->how);                                      \
            return;                                                                    \
        }                                                                              \
        _Pragma("omp parallel num_threads(team)")                                      \
        {                                                                              \
            /* whole pages of elements for every thread */                             \
            int64_t chunk = (s->n / omp_get_num_threads() + 1024) / 1024 * 1024;       \
            int64_t first = omp_get_thread_num() * chunk, count = s->n - first;        \
                                                                                       \
            if (count > 0)                                                             \
                name##_span(a + first, b + first, c + first,                           \
                            count < chunk ? count : chunk, s->how);                  \
        }                                                                              \
    }

#define SPANS(op, term)                                                                \
    SPAN(f32_##op, float, vf, VF, vf_load, vf_store, term)                             \
    SPAN(f64_##op, double, vd, VD, vd_load, vd_store, term)

SPANS(copy, COPY)
SPANS(scale, SCALE)
SPANS(add, ADD)
SPANS(triad, TRIAD)

const struct stream_simd ISA_SYMBOL(stream_simd) = {
    .op = {[STREAM_COPY] = {[DTYPE_F32] = f32_copy, [DTYPE_F64] = f64_copy},
           [STREAM_SCALE] = {[DTYPE_F32] = f32_scale, [DTYPE_F64] = f64_scale},
           [STREAM_ADD] = {[DTYPE_F32] = f32_add, [DTYPE_F64] = f64_add},
           [STREAM_TRIAD] = {[DTYPE_F32] = f32_triad, [DTYPE_F64] = f64_triad}},
};
