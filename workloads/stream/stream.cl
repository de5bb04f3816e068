/* SPDX-License-Identifier: MIT */
/* stream_pass: c = a, q a, a + b or a + q b with q = FACTOR, one of OP_COPY, OP_SCALE, OP_ADD,
 * OP_TRIAD being defined. Grid-stride in fours, two of them in flight a work-item; each
 * element is read once and written once. */
#if defined(OP_COPY)
#define TERM(a, b) (a)
#elif defined(OP_SCALE)
#define TERM(a, b) (FACTOR * (a))
#elif defined(OP_ADD)
#define TERM(a, b) ((a) + (b))
#else
#define TERM(a, b) ((a) + FACTOR * (b))
#endif

FUNCTION real4 four(GLOBAL const elem *a, GLOBAL const elem *b, long_ i)
{
    real4 v = LOAD4(a, i);
#if defined(OP_ADD) || defined(OP_TRIAD)
    real4 w = LOAD4(b, i);
#else
    real4 w = v;
#endif
    v.x = TERM(v.x, w.x);
    v.y = TERM(v.y, w.y);
    v.z = TERM(v.z, w.z);
    v.w = TERM(v.w, w.w);
    return v;
}

KERNEL void stream_pass(GLOBAL const elem *restrict_ a, GLOBAL const elem *restrict_ b,
                        GLOBAL elem *restrict_ c, long_ n)
{
    long_ fours = n / 4, stride = global_size(0), i = global_id(0);

    for (; i + stride < fours; i += 2 * stride) {
        real4 v = four(a, b, i), w = four(a, b, i + stride);

        STORE4(c, i, v);
        STORE4(c, i + stride, w);
    }
    for (; i < fours; i += stride)
        STORE4(c, i, four(a, b, i));
    for (i = 4 * fours + global_id(0); i < n; i += stride)
        STORE(c, i, TERM(LOAD(a, i), LOAD(b, i)));
}
