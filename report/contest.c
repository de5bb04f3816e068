/* SPDX-License-Identifier: MIT */
/* Who competes with whom: records of one problem become a contest. Only correct, judged
 * cells and projections take part; what an emulated device did proves code, not speed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/judge.h"
#include "report/stats.h"

/* ---- times ----------------------------------------------------------------------- */

bool record_is_contended(const struct record *r, size_t round)
{
    for (size_t i = 0; i < r->contended.n; i++)
        if (r->contended.value[i] == (double)round)
            return true;
    return false;
}

/* With fewer quiet rounds than this the disturbed ones still bound the interval. */
enum { QUIET_LEAST = 3 };

size_t record_quiet_us(const struct record *r, const struct series *series, double *us)
{
    size_t n = 0;

    for (int pass = 0; pass < 2 && n == 0; pass++)
        for (size_t i = 0; i < series->n; i++)
            if (series->value[i] > 0 && (pass || !record_is_contended(r, i)))
                us[n++] = series->value[i] / 1e3;
    return n;
}

/* Disturbance only ever adds time: all rounds disturbed give an upper bound and no
 * more. */
struct estimate record_series_us(const struct record *r, const struct series *series)
{
    double *us = calloc(series->n + 1, sizeof *us);
    struct estimate median;
    size_t n;

    if (!us)
        return estimate_missing();
    n = record_quiet_us(r, series, us);
    median = stats_median_interval(us, n, STATS_CONFIDENCE);
    for (size_t i = 0; n < QUIET_LEAST && i < series->n; i++)
        median.high = fmax(median.high, series->value[i] / 1e3);
    if (record_is_disturbed(r))
        median.low = 0;
    free(us);
    return median;
}

bool record_is_disturbed(const struct record *r)
{
    return r->wall_ns.n > 0 && r->contended.n >= r->wall_ns.n;
}

struct estimate record_wall_us(const struct record *r)
{
    return record_series_us(r, &r->wall_ns);
}

/* ---- GPUs ------------------------------------------------------------------------ */

static bool is_gpu_record(const struct record *r)
{
    return r->judged && !r->proof && r->outcome == OUTCOME_OK &&
           r->evidence != EVIDENCE_SOFTWARE &&
           (r->kind == RECORD_PROJECTION || r->device_kind != DEVICE_CPU);
}

const struct gpu_side *report_gpu(const struct report *report, const char *id)
{
    for (size_t i = 0; i < report->gpus; i++)
        if (strcmp(report->gpu[i].id.text, id) == 0)
            return &report->gpu[i];
    return NULL;
}

static double number_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

static int add_gpu(struct report *report, const char *id, const char *model,
                   enum evidence evidence, const json_t *facts)
{
    struct gpu_side *gpu;

    if (report_gpu(report, id))
        return 0;
    gpu = report_push(&report->gpu, &report->gpus, sizeof *gpu);
    if (!gpu)
        return STATUS_MEMORY;
    gpu->id = name_of(id);
    snprintf(gpu->model, sizeof gpu->model, "%s", model ? model : "");
    gpu->evidence = evidence;
    gpu->memory_bytes = number_at(facts, "memory_bytes");
    gpu->memory_bytes_per_s = number_at(facts, "memory_bytes_per_s");
    gpu->link_bytes_per_s = number_at(facts, "link_bytes_per_s");
    gpu->tdp_w = number_at(facts, "tdp_w");
    return 0;
}

/* Measured ones first, then the projected ones in the order in which they were asked
 * for. */
int judge_gpus(struct report *report)
{
    const struct results *results = report->results;
    const json_t *gpus = json_object_get(results->header, "gpus");
    int status = 0;

    for (int projected = 0; projected < 2; projected++) {
        for (size_t i = 0; projected && i < json_array_size(gpus) && !status; i++) {
            const json_t *gpu = json_array_get(gpus, i);
            const char *id = json_string_value(json_object_get(gpu, "id"));

            if (id)
                status = add_gpu(report, id,
                                 json_string_value(json_object_get(gpu, "model")),
                                 EVIDENCE_PROJECTED, gpu);
        }
        for (size_t i = 0; i < results->records && !status; i++) {
            const struct record *r = &results->record[i];

            if (is_gpu_record(r) && (r->kind == RECORD_PROJECTION) == projected)
                status = add_gpu(report, r->device.text, r->device_model.text,
                                 r->evidence, NULL);
        }
    }
    return status;
}

/* ---- contests -------------------------------------------------------------------- */

bool record_same_shape(const struct record *a, const struct record *b)
{
    return a->cache == b->cache &&
           strcmp(a->workload.text, b->workload.text) == 0 &&
           (a->shape == b->shape ||
            (a->shape && b->shape && json_equal(a->shape, b->shape)));
}

bool record_same_problem(const struct record *a, const struct record *b)
{
    return a->dtype == b->dtype && record_same_shape(a, b);
}

static struct contest *contest_for(struct report *report, const struct record *r)
{
    struct contest *contest;

    for (size_t i = 0; i < report->contests; i++)
        if (record_same_problem(report->contest[i].about, r))
            return &report->contest[i];
    contest = report_push(&report->contest, &report->contests, sizeof *contest);
    if (contest) {
        contest->about = r;
        contest->op = r->workload;
    }
    return contest;
}

struct estimate record_in_place_us(const struct record *r)
{
    if (r->kind == RECORD_CELL)
        return record_wall_us(r);
    return isnan(r->launch_us.value) ? r->time_us
                                     : estimate_add(r->time_us, r->launch_us);
}

static int add_contender(const struct report *report, struct contender **contender,
                         size_t *count, const struct record *r)
{
    struct contender *c, new = {.record = r, .time_us = record_in_place_us(r)};

    if (!estimate_is_known(new.time_us))
        return 0;
    new.bound = bound_of(report, r, new.time_us);
    new.is_disturbed = record_is_disturbed(r);
    if (new.is_disturbed)
        new.time_us.low = fmin(ceiling_floor_us(report, r), new.time_us.value);
    for (size_t i = 0; i < r->wall_ns.n; i++)
        new.contended += record_is_contended(r, i);
    new.rounds = r->wall_ns.n - new.contended;
    c = report_push(contender, count, sizeof *c);
    if (!c)
        return STATUS_MEMORY;
    *c = new;
    return 0;
}

/* Of the variants that ran on one GPU from one kind of memory, the fastest competes. */
static int add_gpu_contender(const struct report *report, struct contest *contest,
                             const struct record *r)
{
    struct contender *list = NULL;
    size_t n = 0;
    int status = add_contender(report, &list, &n, r);

    for (size_t i = 0; i < contest->gpus && n; i++) {
        struct contender *held = &contest->gpu[i];

        if (strcmp(held->record->device.text, r->device.text) == 0 &&
            held->record->memory == r->memory) {
            if (list->time_us.value < held->time_us.value)
                *held = *list;
            n = 0;
        }
    }
    if (n)
        status = add_contender(report, &contest->gpu, &contest->gpus, r);
    free(list);
    return status;
}

static int by_time(const void *a, const void *b)
{
    const struct contender *x = a, *y = b;

    return (x->time_us.value > y->time_us.value) -
           (x->time_us.value < y->time_us.value);
}

/* The fastest variant may be faster yet on more threads, where other work left those no quiet
 * round: by as much as the threads are more, or up to the ceilings. */
static void widen_fastest(struct contest *contest)
{
    struct contender *best = contest->cpu;
    const struct record *r = best->record;

    for (size_t i = 1; i < contest->cpus; i++) {
        const struct contender *c = &contest->cpu[i];
        double low = fmax(c->time_us.low, best->time_us.value * (double)r->threads /
                                              (double)c->record->threads);

        if (!c->is_disturbed || c->record->threads <= r->threads ||
            strcmp(c->record->variant.text, r->variant.text) != 0 ||
            strcmp(c->record->isa.text, r->isa.text) != 0 || low >= best->time_us.low)
            continue;
        best->time_us.low = low;
        best->is_disturbed = true;
    }
}

/* In order of report->gpu: a simple insertion, the lists are short. */
static void order_gpus(const struct report *report, struct contest *contest)
{
    size_t done = 0;

    for (size_t g = 0; g < report->gpus; g++)
        for (size_t i = done; i < contest->gpus; i++)
            if (strcmp(contest->gpu[i].record->device.text, report->gpu[g].id.text) ==
                0) {
                struct contender keep = contest->gpu[i];

                memmove(&contest->gpu[done + 1], &contest->gpu[done],
                        (i - done) * sizeof keep);
                contest->gpu[done++] = keep;
            }
}

/* ---- order and names ------------------------------------------------------------- */

static bool is_link_of(const json_t *link, const struct record *r)
{
    const char *workload = json_string_value(json_object_get(link, "workload"));
    const char *dtype = json_string_value(json_object_get(link, "dtype"));
    const char *cache = json_string_value(json_object_get(link, "cache"));

    return workload && strcmp(workload, r->workload.text) == 0 && dtype &&
           strcmp(dtype, dtype_name(r->dtype)) == 0 &&
           (!cache || strcmp(cache, cache_name(r->cache)) == 0) &&
           json_equal(json_object_get(link, "shape"), r->shape);
}

const struct contest *contest_of_link(const struct report *report, const json_t *link)
{
    for (size_t i = 0; i < report->contests; i++)
        if (is_link_of(link, report->contest[i].about))
            return &report->contest[i];
    return NULL;
}

/* "k_proj, v_proj": every name that models have for it, once. */
static void add_op(struct contest *contest, const char *op)
{
    size_t n = strlen(contest->op.text), m = strlen(op);
    const char *at = contest->op.text;

    for (; *at; at += strcspn(at, ","), at += strspn(at, ", "))
        if (strncmp(at, op, m) == 0 && (at[m] == ',' || at[m] == '\0'))
            return;
    if (n + m + 3 < sizeof contest->op.text)
        snprintf(contest->op.text + n, sizeof contest->op.text - n, "%s%s",
                 n ? ", " : "", op);
}

static void name_contests(struct report *report)
{
    for (size_t c = 0; c < report->results->chains; c++) {
        const json_t *links = json_object_get(report->results->chain[c], "links");

        for (size_t i = 0; i < json_array_size(links); i++) {
            const json_t *link = json_array_get(links, i);
            const char *op = json_string_value(json_object_get(link, "op"));
            struct contest *contest = NULL;

            for (size_t k = 0; k < report->contests && !contest; k++)
                if (is_link_of(link, report->contest[k].about))
                    contest = &report->contest[k];
            if (!contest || !op)
                continue;
            if (contest->rank == 0) { /* the first name replaces the workload's */
                contest->rank = c * 10000 + i + 1;
                contest->op.text[0] = '\0';
            }
            add_op(contest, op);
        }
    }
}

static int by_shape(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)a, key, value)
    {
        const json_t *other = json_object_get(b, key);
        double x = json_number_value(value), y = json_number_value(other);

        if (json_is_string(value) && json_is_string(other)) {
            int order = strcmp(json_string_value(value), json_string_value(other));

            if (order)
                return order;
        } else if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return (json_object_size(a) > json_object_size(b)) -
           (json_object_size(a) < json_object_size(b));
}

static int by_place(const void *a, const void *b)
{
    const struct contest *x = a, *y = b;
    size_t p = x->rank ? x->rank : SIZE_MAX, q = y->rank ? y->rank : SIZE_MAX;
    int order = (p > q) - (p < q);

    if (!order)
        order = strcmp(x->about->workload.text, y->about->workload.text);
    if (!order)
        order =
            (x->about->dtype > y->about->dtype) - (x->about->dtype < y->about->dtype);
    if (!order)
        order = by_shape(x->about->shape, y->about->shape);
    return order ? order : (int)x->about->cache - (int)y->about->cache;
}

int judge_contests(struct report *report)
{
    int status = 0;

    for (size_t i = 0; i < report->results->records && !status; i++) {
        const struct record *r = &report->results->record[i];
        struct contest *contest;

        if (!(r->judged || r->straw) || r->proof || r->evidence == EVIDENCE_SOFTWARE)
            continue;
        contest = contest_for(report, r);
        if (!contest)
            return STATUS_MEMORY;
        if (r->straw) {
            contest->reference = r;
            continue;
        }
        if (is_gpu_record(r))
            status = add_gpu_contender(report, contest, r);
        else if (r->outcome == OUTCOME_OK)
            status = add_contender(report, &contest->cpu, &contest->cpus, r);
    }
    name_contests(report);
    for (size_t i = 0; i < report->contests; i++) {
        struct contest *contest = &report->contest[i];

        if (contest->cpus) {
            qsort(contest->cpu, contest->cpus, sizeof *contest->cpu, by_time);
            widen_fastest(contest);
        }
        order_gpus(report, contest);
    }
    if (report->contests)
        qsort(report->contest, report->contests, sizeof *report->contest, by_place);
    return status;
}
