/* SPDX-License-Identifier: MIT */
/* What no datasheet and no calibration timing here says: an assumption, kept apart from the
 * model so that nobody takes it for a measurement. */
#include "projection/assumption.h"

struct estimate project_startup_us(void)
{
    const struct assumption *a = assumption_find("startup_us", FAMILY_OTHER);

    return (struct estimate){a->value, a->low, a->high};
}
