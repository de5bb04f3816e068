/* SPDX-License-Identifier: MIT */
/* What a record says of the group it belongs to: the same words for what is measured, placed,
 * projected or refused. */
#ifndef OFFLOAD_BENCH_GROUP_RECORD_H
#define OFFLOAD_BENCH_GROUP_RECORD_H

#include "harness/plan.h"
#include "report/record.h"

/* Start a record of the group, on a device (NULL: none yet), by a variant (NULL: by none). */
void group_describe(struct record *, const struct group *, const struct device_row *,
                    const struct variant *);
/* Axes of the shape by name, those at their fallback left out. New reference or NULL. */
json_t *group_shape(const struct group *);

#endif
