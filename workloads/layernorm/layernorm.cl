/* SPDX-License-Identifier: MIT */
/* layernorm_rows: one work-group of GROUP work-items per row. The sum reads the row from
 * memory; the squared differences and the result read it from the cache. In fours where the
 * row length allows it. */
KERNEL void layernorm_rows(GLOBAL const elem *restrict_ x, GLOBAL const elem *restrict_ weight,
                           GLOBAL const elem *restrict_ bias, GLOBAL elem *restrict_ y,
                           int cols, float epsilon)
{
    LOCAL real scratch[GROUP];
    long_ row = (long_)group_id(0) * cols;
    int me = local_id(0), fours = cols % 4 == 0 ? cols / 4 : 0;
    real sum = 0, squares = 0, mean, factor;

    for (int c = me; c < fours; c += GROUP) {
        real4 v = LOAD4(x + row, c);

        sum += v.x + v.y + (v.z + v.w);
    }
    for (int c = 4 * fours + me; c < cols; c += GROUP)
        sum += LOAD(x + row, c);
    mean = group_add(sum, scratch) / cols;
    for (int c = me; c < fours; c += GROUP) {
        real4 v = LOAD4(x + row, c);

        v.x -= mean;
        v.y -= mean;
        v.z -= mean;
        v.w -= mean;
        squares += v.x * v.x + v.y * v.y + (v.z * v.z + v.w * v.w);
    }
    for (int c = 4 * fours + me; c < cols; c += GROUP) {
        real v = LOAD(x + row, c) - mean;

        squares += v * v;
    }
    factor = rsqrt_(group_add(squares, scratch) / cols + epsilon);
    for (int c = me; c < fours; c += GROUP) {
        real4 v = LOAD4(x + row, c), w = LOAD4(weight, c), b = LOAD4(bias, c);

        v.x = (v.x - mean) * factor * w.x + b.x;
        v.y = (v.y - mean) * factor * w.y + b.y;
        v.z = (v.z - mean) * factor * w.z + b.z;
        v.w = (v.w - mean) * factor * w.w + b.w;
        STORE4(y + row, c, v);
    }
    for (int c = 4 * fours + me; c < cols; c += GROUP)
        STORE(y + row, c, (LOAD(x + row, c) - mean) * factor * LOAD(weight, c) + LOAD(bias, c));
}
