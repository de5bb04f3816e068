/* SPDX-License-Identifier: MIT */
/* Two stages: reduce_parts reads the whole array once, grid-stride, in fours, UNROLL of them
 * in flight per work-item (4 x 16 bytes hide DRAM latency at full occupancy), and leaves one
 * partial result a work-group; reduce_finish is one work-group over those. One of
 * OP_SUM, OP_DOT, OP_MAX, OP_ARGMAX, OP_NORM2 is defined, and GROUP, the work-group's size.
 * argmax keeps (value, index) pairs: values first in the scratch, indices behind them. */

#ifdef OP_ARGMAX

/* The pair (value, at) of this work-item becomes the group's: largest, lowest index on ties;
 * in work-item 0 only. */
#define ARGMAX_GROUP(value, at, tops, ats)                                             \
    tops[local_id(0)] = value;                                                         \
    ats[local_id(0)] = at;                                                             \
    barrier_local();                                                                   \
    for (int half_size = GROUP / 2; half_size > 0; half_size /= 2) {                   \
        int me = local_id(0), you = me + half_size;                                    \
                                                                                       \
        if (me < half_size && (tops[you] > tops[me] ||                                 \
                               (tops[you] == tops[me] && ats[you] < ats[me]))) {       \
            tops[me] = tops[you];                                                      \
            ats[me] = ats[you];                                                        \
        }                                                                              \
        barrier_local();                                                               \
    }

#define LOOK(v, i)                                                                     \
    if ((v) > top) {                                                                   \
        top = (v);                                                                     \
        at = (int)(i);                                                                 \
    }

KERNEL void reduce_parts(GLOBAL const elem *restrict_ x, GLOBAL const elem *restrict_ y,
                         GLOBAL real *restrict_ part, long_ n)
{
    LOCAL real tops[GROUP];
    LOCAL int ats[GROUP];
    long_ fours = n / 4, stride = global_size(0), i = global_id(0);
    real top = -INFINITY;
    int at = 0x7fffffff;

    for (; i + stride < fours; i += 2 * stride) {
        real4 a = LOAD4(x, i), b = LOAD4(x, i + stride);

        LOOK(a.x, 4 * i)
        LOOK(a.y, 4 * i + 1)
        LOOK(a.z, 4 * i + 2)
        LOOK(a.w, 4 * i + 3)
        LOOK(b.x, 4 * (i + stride))
        LOOK(b.y, 4 * (i + stride) + 1)
        LOOK(b.z, 4 * (i + stride) + 2)
        LOOK(b.w, 4 * (i + stride) + 3)
    }
    for (; i < fours; i += stride) {
        real4 a = LOAD4(x, i);

        LOOK(a.x, 4 * i)
        LOOK(a.y, 4 * i + 1)
        LOOK(a.z, 4 * i + 2)
        LOOK(a.w, 4 * i + 3)
    }
    for (i = 4 * fours + global_id(0); i < n; i += stride) {
        real v = LOAD(x, i);

        LOOK(v, i)
    }
    ARGMAX_GROUP(top, at, tops, ats)
    if (local_id(0) == 0) {
        part[group_id(0)] = tops[0];
        ((GLOBAL int *)(part + group_count(0)))[group_id(0)] = ats[0];
    }
}

KERNEL void reduce_finish(GLOBAL const real *restrict_ part, GLOBAL int *restrict_ index,
                          int parts)
{
    LOCAL real tops[GROUP];
    LOCAL int ats[GROUP];
    GLOBAL const int *where = (GLOBAL const int *)(part + parts);
    real top = -INFINITY;
    int at = 0x7fffffff;

    for (int i = local_id(0); i < parts; i += GROUP)
        if (part[i] > top || (part[i] == top && where[i] < at)) {
            top = part[i];
            at = where[i];
        }
    ARGMAX_GROUP(top, at, tops, ats)
    if (local_id(0) == 0)
        index[0] = ats[0] == 0x7fffffff ? 0 : ats[0]; /* nothing above -infinity: the first */
}

#else

#ifdef OP_MAX
#define NOTHING (-INFINITY)
#define COMBINE(a, b) max_(a, b)
#define TERM(a, b) (a)
#define GROUP_COMBINE group_max
#else
#define NOTHING 0
#define COMBINE(a, b) ((a) + (b))
#define GROUP_COMBINE group_add
#if defined(OP_SUM)
#define TERM(a, b) (a)
#elif defined(OP_DOT)
#define TERM(a, b) ((a) * (b))
#else
#define TERM(a, b) ((a) * (a))
#endif
#endif

#ifdef OP_DOT
#define Y4(i) LOAD4(y, i)
#else
#define Y4(i) a
#endif

/* Elements 4*i ... 4*i+3 of x, with those of y for dot, made one term. */
FUNCTION real four(GLOBAL const elem *x, GLOBAL const elem *y, long_ i)
{
    real4 a = LOAD4(x, i), b = Y4(i);

    return COMBINE(COMBINE(TERM(a.x, b.x), TERM(a.y, b.y)),
                   COMBINE(TERM(a.z, b.z), TERM(a.w, b.w)));
}

KERNEL void reduce_parts(GLOBAL const elem *restrict_ x, GLOBAL const elem *restrict_ y,
                         GLOBAL real *restrict_ part, long_ n)
{
    LOCAL real scratch[GROUP];
    long_ fours = n / 4, stride = global_size(0), i = global_id(0);
    real s0 = NOTHING, s1 = NOTHING, s2 = NOTHING, s3 = NOTHING;

    for (; i + 3 * stride < fours; i += 4 * stride) {
        real t0 = four(x, y, i), t1 = four(x, y, i + stride);
        real t2 = four(x, y, i + 2 * stride), t3 = four(x, y, i + 3 * stride);

        s0 = COMBINE(s0, t0);
        s1 = COMBINE(s1, t1);
        s2 = COMBINE(s2, t2);
        s3 = COMBINE(s3, t3);
    }
    for (; i < fours; i += stride)
        s0 = COMBINE(s0, four(x, y, i));
    for (i = 4 * fours + global_id(0); i < n; i += stride)
        s1 = COMBINE(s1, TERM(LOAD(x, i), LOAD(y, i)));
    s0 = GROUP_COMBINE(COMBINE(COMBINE(s0, s1), COMBINE(s2, s3)), scratch);
    if (local_id(0) == 0)
        part[group_id(0)] = s0;
}

KERNEL void reduce_finish(GLOBAL const real *restrict_ part, GLOBAL elem *restrict_ out,
                          int parts)
{
    LOCAL real scratch[GROUP];
    real all = NOTHING;

    for (int i = local_id(0); i < parts; i += GROUP)
        all = COMBINE(all, part[i]);
    all = GROUP_COMBINE(all, scratch);
#ifdef OP_NORM2
    all = sqrt_(all);
#endif
    if (local_id(0) == 0)
        STORE(out, 0, all);
}

#endif
