/* SPDX-License-Identifier: MIT */
/* add: work-items stride over fours of elements; the last one to three go singly. */
KERNEL void add(GLOBAL const elem *restrict_ a, GLOBAL const elem *restrict_ b,
                GLOBAL elem *restrict_ y, long_ n)
{
    long_ fours = n / 4;

    for (long_ i = global_id(0); i < fours; i += global_size(0)) {
        real4 u = LOAD4(a, i), v = LOAD4(b, i);

        u.x += v.x;
        u.y += v.y;
        u.z += v.z;
        u.w += v.w;
        STORE4(y, i, u);
    }
    for (long_ i = 4 * fours + global_id(0); i < n; i += global_size(0))
        STORE(y, i, LOAD(a, i) + LOAD(b, i));
}
