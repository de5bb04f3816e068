/* SPDX-License-Identifier: MIT */
/* launch_empty: nothing but one store by the first work-item, so that a check can see it. */
KERNEL void launch_empty(GLOBAL int *restrict_ done, int mark)
{
    if (global_id(0) == 0)
        done[0] = mark;
}
