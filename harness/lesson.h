/* SPDX-License-Identifier: MIT */
/* What measured cells of real GPUs teach the projection: records in, project_learn out. */
#ifndef OFFLOAD_BENCH_LESSON_H
#define OFFLOAD_BENCH_LESSON_H

#include "report/record.h"

/* Learn from every judged cell that a recognised GPU really ran (evidence measured; software
 * teaches nothing), each problem's fastest variant. `note`: a sentence on what was learnt and
 * which GPUs the catalogue does not know, "" when there was no such cell. Gives the number of
 * calls learnt from. */
int lesson_learn(const struct results *, char *note, size_t size);

/* The same from a results file or the folder of a run. Errors: as results_read;
 * STATUS_UNAVAILABLE when nothing in it can teach. */
int lesson_read(const char *path, char *note, size_t size, struct why *);

#endif
