/* SPDX-License-Identifier: MIT */
/* What measured cells of real GPUs teach the projection: records in, project_learn out. */
#ifndef OFFLOAD_BENCH_LESSON_H
#define OFFLOAD_BENCH_LESSON_H

#include "base/text.h"
#include "report/record.h"

/* What was learnt, for the report: a sentence with every GPU, its cells and by how much they
 * move their own forecasts, or on a GPU that the catalogue does not know; and the cells, each
 * {"gpu","workload","shape","dtype","variant","measured_us","projected_us","corrected_us"}. */
struct lesson {
    struct text note;
    json_t *cells; /* an array */
};

/* Learn from every judged cell that a recognised GPU really ran (evidence measured; software
 * teaches nothing), each problem's fastest variant. Gives the number of calls learnt from;
 * `lesson` (may be NULL) is added to. */
int lesson_learn(const struct results *, struct lesson *);

/* The same from a results file or the folder of a run; lesson_release afterwards in any case.
 * Errors: as results_read; STATUS_UNAVAILABLE when nothing in it can teach. */
int lesson_read(const char *path, struct lesson *, struct why *);
void lesson_release(struct lesson *);

#endif
