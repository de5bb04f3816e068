/* SPDX-License-Identifier: MIT */
/* rmsnorm_rows: one work-group of GROUP work-items per row. The sum of squares reads the row
 * from memory, the product reads it from the cache. In fours where the row length allows it. */
KERNEL void rmsnorm_rows(GLOBAL const elem *restrict_ x, GLOBAL const elem *restrict_ weight,
                         GLOBAL elem *restrict_ y, int cols, float epsilon)
{
    LOCAL real scratch[GROUP];
    long_ row = (long_)group_id(0) * cols;
    int me = local_id(0), fours = cols % 4 == 0 ? cols / 4 : 0;
    real squares = 0, factor;

    for (int c = me; c < fours; c += GROUP) {
        real4 v = LOAD4(x + row, c);

        squares += v.x * v.x + v.y * v.y + (v.z * v.z + v.w * v.w);
    }
    for (int c = 4 * fours + me; c < cols; c += GROUP) {
        real v = LOAD(x + row, c);

        squares += v * v;
    }
    factor = rsqrt_(group_add(squares, scratch) / cols + epsilon);
    for (int c = me; c < fours; c += GROUP) {
        real4 v = LOAD4(x + row, c), w = LOAD4(weight, c);

        v.x *= factor * w.x;
        v.y *= factor * w.y;
        v.z *= factor * w.z;
        v.w *= factor * w.w;
        STORE4(y + row, c, v);
    }
    for (int c = 4 * fours + me; c < cols; c += GROUP)
        STORE(y + row, c, LOAD(x + row, c) * factor * LOAD(weight, c));
}
