/* SPDX-License-Identifier: MIT */
/* embedding_rows: one work-group of GROUP work-items per picked row; elements are moved in
 * fours where the row length allows it, and never converted. */
KERNEL void embedding_rows(GLOBAL const int *restrict_ ids, GLOBAL const elem *restrict_ table,
                           GLOBAL elem *restrict_ y, int cols)
{
    GLOBAL const elem *from = table + (long_)ids[group_id(0)] * cols;
    GLOBAL elem *to = y + (long_)group_id(0) * cols;
    int fours = cols % 4 == 0 ? cols / 4 : 0;

    for (int c = local_id(0); c < fours; c += GROUP)
        ((GLOBAL elem4 *)to)[c] = ((GLOBAL const elem4 *)from)[c];
    for (int c = 4 * fours + local_id(0); c < cols; c += GROUP)
        to[c] = from[c];
}
