/* SPDX-License-Identifier: MIT */
/* swiglu: work-items stride over fours of elements; the last one to three go singly. */
FUNCTION real gated(real gate, real up)
{
    return gate / (1 + exp_(-gate)) * up;
}

KERNEL void swiglu(GLOBAL const elem *restrict_ gate, GLOBAL const elem *restrict_ up,
                   GLOBAL elem *restrict_ y, long_ n)
{
    long_ fours = n / 4;

    for (long_ i = global_id(0); i < fours; i += global_size(0)) {
        real4 g = LOAD4(gate, i), u = LOAD4(up, i);

        g.x = gated(g.x, u.x);
        g.y = gated(g.y, u.y);
        g.z = gated(g.z, u.z);
        g.w = gated(g.w, u.w);
        STORE4(y, i, g);
    }
    for (long_ i = 4 * fours + global_id(0); i < n; i += global_size(0))
        STORE(y, i, gated(LOAD(gate, i), LOAD(up, i)));
}
