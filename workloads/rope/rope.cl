/* SPDX-License-Identifier: MIT */
/* rope: one work-group of GROUP work-items per token, so that its table row is read once.
 * A work-item turns PAIRS pairs of elements (4, or 1 where the half heads do not divide by
 * four); the two of a pair stand `half_dim` apart. */
FUNCTION real4 turned(real4 a, float4 c, real4 b, float4 s)
{
    a.x = a.x * c.x + b.x * s.x;
    a.y = a.y * c.y + b.y * s.y;
    a.z = a.z * c.z + b.z * s.z;
    a.w = a.w * c.w + b.w * s.w;
    return a;
}

FUNCTION float4 negated(float4 v)
{
    v.x = -v.x;
    v.y = -v.y;
    v.z = -v.z;
    v.w = -v.w;
    return v;
}

KERNEL void rope(GLOBAL const elem *restrict_ x, GLOBAL const int *restrict_ positions,
                 GLOBAL const float *restrict_ table, GLOBAL elem *restrict_ y, int heads,
                 int half_dim)
{
    long_ token = group_id(0);
    long_ first = token * heads * 2 * half_dim;
    GLOBAL const float *cosine = table + (long_)positions[token] * 2 * half_dim;
    GLOBAL const float *sine = cosine + half_dim;
    int each = half_dim / PAIRS; /* pieces of work in a head */

    for (int at = local_id(0); at < heads * each; at += GROUP) {
        int head = at / each, i = at - head * each;
        long_ u = first + (long_)head * 2 * half_dim;
#if PAIRS == 4
        real4 a = LOAD4(x + u, i), b = LOAD4(x + u + half_dim, i);
        float4 c = ((GLOBAL const float4 *)cosine)[i], s = ((GLOBAL const float4 *)sine)[i];

        STORE4(y + u, i, turned(a, c, b, negated(s)));
        STORE4(y + u + half_dim, i, turned(b, c, a, s));
#else
        real a = LOAD(x + u, i), b = LOAD(x + u + half_dim, i);

        STORE(y + u, i, a * cosine[i] - b * sine[i]);
        STORE(y + u + half_dim, i, b * cosine[i] + a * sine[i]);
#endif
    }
}
