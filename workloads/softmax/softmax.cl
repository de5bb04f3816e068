/* SPDX-License-Identifier: MIT */
/* softmax_rows: one work-group of GROUP work-items per row. Online softmax (Milakov &
 * Gimelshein, arXiv 1805.02867): largest element and sum in one reading, the second reading
 * comes from the cache. Reads in fours where the row length allows it. */
#define LEAST -3.4028234e38f /* -FLT_MAX: a masked element (-infinity) then gives 0, not NaN */

KERNEL void softmax_rows(GLOBAL const elem *restrict_ x, GLOBAL elem *restrict_ y, int cols)
{
    LOCAL real scratch[GROUP];
    long_ row = (long_)group_id(0) * cols;
    int me = local_id(0), fours = cols % 4 == 0 ? cols / 4 : 0;
    real top = LEAST, sum = 0, all, inverse;

    for (int c = me; c < fours; c += GROUP) {
        real4 v = LOAD4(x + row, c);
        real next = max_(top, max_(max_(v.x, v.y), max_(v.z, v.w)));

        sum = sum * exp_(top - next) + exp_(v.x - next) + exp_(v.y - next) +
              exp_(v.z - next) + exp_(v.w - next);
        top = next;
    }
    for (int c = 4 * fours + me; c < cols; c += GROUP) {
        real v = LOAD(x + row, c), next = max_(top, v);

        sum = sum * exp_(top - next) + exp_(v - next);
        top = next;
    }
    all = group_max(top, scratch);
    /* a work-item without elements has sum = 0 */
    inverse = 1 / group_add(sum * exp_(top - all), scratch);
    for (int c = me; c < fours; c += GROUP) {
        real4 v = LOAD4(x + row, c);

        v.x = exp_(v.x - all) * inverse;
        v.y = exp_(v.y - all) * inverse;
        v.z = exp_(v.z - all) * inverse;
        v.w = exp_(v.w - all) * inverse;
        STORE4(y + row, c, v);
    }
    for (int c = 4 * fours + me; c < cols; c += GROUP)
        STORE(y + row, c, exp_(LOAD(x + row, c) - all) * inverse);
}
