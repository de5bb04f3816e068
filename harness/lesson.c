/* SPDX-License-Identifier: MIT */
#include "harness/lesson.h"

#include <stdio.h>
#include <string.h>

#include "projection/projection.h"
#include "report/stats.h"
#include "workloads/workload.h"

static bool is_teaching(const struct record *r)
{
    return r->kind == RECORD_CELL && r->outcome == OUTCOME_OK &&
           r->evidence == EVIDENCE_MEASURED && r->device_kind != DEVICE_CPU && r->judged &&
           r->kernel_ns.n > 0;
}

static double kernel_us(const struct record *r)
{
    return stats_series_median(&r->kernel_ns) * 1e-3;
}

static bool is_same_problem(const struct record *a, const struct record *b)
{
    return strcmp(a->workload.text, b->workload.text) == 0 && a->dtype == b->dtype &&
           a->cache == b->cache && strcmp(a->device_model.text, b->device_model.text) == 0 &&
           json_equal(a->shape, b->shape);
}

/* The library is credited with its best kernel, so its fastest variant teaches. */
static bool is_fastest(const struct results *results, size_t at)
{
    const struct record *r = &results->record[at];
    double us = kernel_us(r);

    for (size_t i = 0; i < results->records; i++) {
        const struct record *other = &results->record[i];
        double its;

        if (i == at || !is_teaching(other) || !is_same_problem(r, other))
            continue;
        its = kernel_us(other);
        if (its < us || (its == us && i < at))
            return false;
    }
    return us > 0;
}

/* The call as the projection knows it, from the record alone. */
static int operation_of(const struct record *r, struct operation *op, struct why *why)
{
    const struct workload *w = workload_find(r->workload.text);
    struct problem problem = {.dtype = r->dtype};
    const char *axis;
    const json_t *value;
    int status = 0;

    if (!w)
        return why_fail(why, STATUS_UNAVAILABLE, "no workload '%s'", r->workload.text);
    workload_shape_init(w, &problem.shape);
    json_object_foreach(r->shape, axis, value) {
        char number[32];

        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        if (status == 0)
            status = workload_shape_set(w, &problem.shape, axis,
                                        json_is_string(value) ? json_string_value(value) : number,
                                        why);
    }
    *op = (struct operation){.dtype = r->dtype, .kv_dtype = r->dtype, .batch = 1,
                             .cold = r->cache == CACHE_COLD, .flops = r->flops,
                             .bytes_read = r->bytes_read, .bytes_written = r->bytes_written};
    if (status == 0)
        status = workload_problem_check(w, &problem, why);
    if (status == 0)
        w->operation(&problem, op);
    return status;
}

int lesson_learn(const struct results *results, char *note, size_t size)
{
    const struct gpu *last = NULL;
    const char *unknown = NULL;
    int calls = 0;

    note[0] = '\0';
    for (size_t i = 0; i < results->records; i++) {
        const struct record *r = &results->record[i];
        const struct gpu *gpu = is_teaching(r) ? gpu_recognise(r->device_model.text) : NULL;
        struct operation op;

        if (is_teaching(r) && !gpu)
            unknown = r->device_model.text;
        if (!gpu || !is_fastest(results, i) || operation_of(r, &op, NULL) != 0 ||
            project_learn(gpu, &op, TIMING_KERNEL, kernel_us(r), NULL) != 0)
            continue;
        last = gpu;
        calls++;
    }
    if (calls > 0)
        snprintf(note, size, "projections of %s and, less, of its relatives are corrected by %d "
                 "measured call%s", last->id.text, calls, calls == 1 ? "" : "s");
    else if (unknown)
        snprintf(note, size, "projections are not corrected: the catalogue has no '%.60s'",
                 unknown);
    return calls;
}

int lesson_read(const char *path, char *note, size_t size, struct why *why)
{
    struct results results = {0};
    int status = results_read(&results, path, why);

    if (status == 0 && lesson_learn(&results, note, size) == 0)
        status = why_fail(why, STATUS_UNAVAILABLE, "'%.120s' holds no cell measured on a GPU of "
                          "the catalogue%s%s", path, note[0] ? ": " : "", note);
    results_release(&results);
    return status;
}
