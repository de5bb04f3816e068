/* SPDX-License-Identifier: MIT */
/* What no datasheet and no calibration timing here says: an assumption, kept apart from the
 * model so that nobody takes it for a measurement. */
#include "projection/projection.h"

/* Drivers are commonly reported to take 0.1 to 0.3 s to create a context, more on machines of
 * many GPUs or without a persistent driver; loading compiled code adds milliseconds. The middle
 * is the geometric mean of the ends. */
static const struct estimate assumed_us = {220e3, 100e3, 500e3};

struct estimate project_startup_us(void)
{
    return assumed_us;
}
