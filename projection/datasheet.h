/* SPDX-License-Identifier: MIT */
/* One entry of the catalogue, from JSON: the form that gpus.json and users' files share. */
#ifndef OFFLOAD_BENCH_DATASHEET_H
#define OFFLOAD_BENCH_DATASHEET_H

#include <jansson.h>

#include "projection/projection.h"

/* Read an entry; what it leaves out is NAN, or another figure stands in (gpu_facts says which).
 * file: the user's file that it stands in, NULL for the built-in ones. Errors: STATUS_INVALID
 * with the field, its unit and its range; gpu->id is then set if the entry gave one. */
int datasheet_read(struct gpu *, const json_t *entry, const char *file, struct why *);

#endif
