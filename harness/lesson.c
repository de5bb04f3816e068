/* SPDX-License-Identifier: MIT */
#include "harness/lesson.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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
    if (status == 0)
        status = workload_problem_check(w, &problem, why);
    if (status == 0)
        *op = workload_operation(w, &problem, r->cache);
    return status;
}

/* ---- what became of it ------------------------------------------------------------------- */

/* A record that teaches, and the forecast of its call. */
struct teacher {
    const struct record *record;
    const struct gpu *gpu;
    struct operation op;
    bool is_heard;
    double before_us;
};

static double forecast_us(const struct teacher *t)
{
    struct forecast f;

    return project(t->gpu, &t->op, TIMING_KERNEL, &f, NULL) == 0 ? f.time_us.value : NAN;
}

/* Into `teacher`, a place per record; `unknown` gets a model that the catalogue lacks. */
static size_t find_teachers(const struct results *results, struct teacher *teacher,
                            const char **unknown)
{
    size_t n = 0;

    for (size_t i = 0; i < results->records; i++) {
        const struct record *r = &results->record[i];
        struct teacher t = {.record = r};

        if (!is_teaching(r))
            continue;
        t.gpu = gpu_recognise(r->device_model.text);
        if (!t.gpu)
            *unknown = r->device_model.text;
        else if (is_fastest(results, i) && operation_of(r, &t.op, NULL) == 0)
            teacher[n++] = t;
    }
    return n;
}

static json_t *cell_of(const struct teacher *t)
{
    const struct record *r = t->record;

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f}", "gpu", t->gpu->id.text,
                     "workload", r->workload.text, "shape", r->shape_text.text, "dtype",
                     dtype_name(r->dtype), "variant", r->variant.text, "measured_us",
                     kernel_us(r), "projected_us", t->before_us, "corrected_us", forecast_us(t));
}

/* "l4 (15 calls: 1.16x to 1.87x)", once per GPU. */
static void add_gpu(const struct teacher *teacher, size_t n, size_t at, struct text *out)
{
    double low = INFINITY, high = 0;
    int calls = 0;

    for (size_t i = 0; i < n; i++) {
        double change = forecast_us(&teacher[i]) / teacher[i].before_us;

        if (!teacher[i].is_heard || teacher[i].gpu != teacher[at].gpu)
            continue;
        if (i < at)
            return;
        low = fmin(low, change);
        high = fmax(high, change);
        calls++;
    }
    if (!calls)
        return;
    text_printf(out, "%s%s (%d measured call%s: times ", out->n ? ", " : "",
                teacher[at].gpu->id.text, calls, calls == 1 ? "" : "s");
    text_printf(out, high - low < 0.005 ? "%.2f)" : "%.2f to %.2f)", low, high);
}

static void make_note(const struct teacher *teacher, size_t n, const char *unknown,
                      struct text *note)
{
    struct text gpus = {0};

    for (size_t i = 0; i < n; i++)
        add_gpu(teacher, n, i, &gpus);
    if (gpus.n)
        text_printf(note, "projections of %s and, less, of relatives are corrected", gpus.data);
    else if (unknown)
        text_printf(note, "projections are not corrected: the catalogue has no '%.60s'", unknown);
    text_release(&gpus);
}

int lesson_learn(const struct results *results, struct lesson *lesson)
{
    struct teacher *teacher = calloc(results->records + 1, sizeof *teacher);
    const char *unknown = NULL;
    size_t n = teacher ? find_teachers(results, teacher, &unknown) : 0;
    int heard = 0;

    for (size_t i = 0; i < n; i++)
        teacher[i].before_us = forecast_us(&teacher[i]);
    for (size_t i = 0; i < n; i++) {
        const struct teacher *t = &teacher[i];

        teacher[i].is_heard = project_learn(t->gpu, &t->op, TIMING_KERNEL, kernel_us(t->record),
                                            NULL) == 0;
        heard += teacher[i].is_heard;
    }
    for (size_t i = 0; i < n && lesson; i++)
        if (teacher[i].is_heard)
            json_array_append_new(lesson->cells, cell_of(&teacher[i]));
    if (lesson)
        make_note(teacher, n, unknown, &lesson->note);
    free(teacher);
    return heard;
}

int lesson_read(const char *path, struct lesson *lesson, struct why *why)
{
    struct results results = {0};
    int status = results_read(&results, path, why);

    for (size_t i = 0; i < results.notes; i++)
        fprintf(stderr, "offload-bench: %s\n", results.note[i]);
    *lesson = (struct lesson){.cells = json_array()};
    if (status == 0 && lesson_learn(&results, lesson) == 0)
        status = why_fail(why, STATUS_UNAVAILABLE, "'%.120s' holds no cell measured on a GPU of "
                          "the catalogue%s%s", path, lesson->note.n ? ": " : "",
                          lesson->note.n ? lesson->note.data : "");
    results_release(&results);
    return status;
}

void lesson_release(struct lesson *lesson)
{
    json_decref(lesson->cells);
    text_release(&lesson->note);
    *lesson = (struct lesson){.cells = NULL};
}
