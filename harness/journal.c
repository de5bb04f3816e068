/* SPDX-License-Identifier: MIT */
#include "harness/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "harness/group_record.h"
#include "harness/lesson.h"
#include "projection/assumption.h"

/* ---- the file ---------------------------------------------------------------------------- */

/* Cut off what follows the last newline: the line a killed run was writing. */
static int cut_broken_end(int fd, const char *path, struct why *why)
{
    struct text all = {0};
    int status = text_read_file(&all, path, why);

    if (!status && all.n > 0 && all.data[all.n - 1] != '\n') {
        while (all.n > 0 && all.data[all.n - 1] != '\n')
            all.n--;
        if (ftruncate(fd, (off_t)all.n) != 0)
            status = why_fail(why, STATUS_IO, "cannot repair '%s': %s", path, strerror(errno));
    }
    text_release(&all);
    return status;
}

int journal_open(struct journal *j, struct why *why)
{
    const struct options *o = j->options;
    const char *path = j->path;
    struct stat info;
    char old[sizeof j->path];

    if (strlen(o->out) + 100 > sizeof j->path) /* room for the files in it */
        return why_fail(why, STATUS_IO, "the name of the output folder is too long");
    if (mkdir(o->out, 0777) != 0 && errno != EEXIST)
        return why_fail(why, STATUS_IO, "cannot create the output folder '%s': %s", o->out,
                        strerror(errno));
    snprintf(j->path, sizeof j->path, "%s/results.jsonl", o->out);
    snprintf(old, sizeof old, "%s/results-old.jsonl", o->out);
    if (!o->resume && stat(path, &info) == 0 && info.st_size > 0 && rename(path, old) != 0)
        return why_fail(why, STATUS_IO, "cannot keep '%s' aside as '%s': %s", path, old,
                        strerror(errno));
    j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (j->fd < 0)
        return why_fail(why, STATUS_IO, "cannot write '%s': %s", path, strerror(errno));
    if (fstat(j->fd, &info) != 0 || !S_ISREG(info.st_mode)) /* a device may never end */
        return why_fail(why, STATUS_IO, "cannot write '%s': it is no plain file", path);
    if (cut_broken_end(j->fd, path, why) != 0)
        return STATUS_IO;
    j->is_new = fstat(j->fd, &info) == 0 && info.st_size == 0;
    return 0;
}

static int append(int fd, const struct text *lines, struct why *why)
{
    size_t at = 0;

    if (lines->failed)
        return why_fail(why, STATUS_MEMORY, "cannot write results.jsonl: out of memory, or a name "
                        "that is not UTF-8");
    while (at < lines->n) {
        ssize_t wrote = write(fd, lines->data + at, lines->n - at);

        if (wrote < 0 && errno != EINTR)
            return why_fail(why, STATUS_IO, "cannot write results.jsonl: %s", strerror(errno));
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    return 0;
}

static void add_line(struct text *lines, json_t *object)
{
    char *line = json_dumps(object, JSON_COMPACT);

    if (!line) /* out of memory, or a text that is no UTF-8 */
        lines->failed = true;
    text_printf(lines, "%s\n", line ? line : "");
    free(line);
    json_decref(object);
}

/* ---- header and chains ------------------------------------------------------------------- */

static json_t *names(const char *const *name, int n)
{
    json_t *list = json_array();

    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_string(name[i]));
    return list;
}

static json_t *describe_devices(const struct plan *plan)
{
    json_t *list = json_array();

    for (int i = 0; i < plan->devices; i++) {
        const struct device_row *row = &plan->device[i];
        json_t *device = json_pack("{s:s, s:s, s:s, s:s, s:b}", "id", row->id.text, "model",
                                   row->model, "driver", row->driver, "evidence",
                                   evidence_name(row->evidence), "is_gpu", row->is_gpu);

        if (row->uuid.text[0])
            json_object_set_new(device, "uuid", json_string(row->uuid.text));
        if (row->bus.text[0])
            json_object_set_new(device, "bus", json_string(row->bus.text));
        if (row->node >= 0)
            json_object_set_new(device, "memory_node", json_integer(row->node));
        json_array_append_new(list, device);
    }
    return list;
}

static json_t *describe_missing(const struct plan *plan, const struct survey *survey)
{
    json_t *list = json_array();

    for (int k = 0; k < DEVICE_KINDS; k++)
        if (plan->missing[k].text[0])
            json_array_append_new(list, json_pack("{s:s, s:s}", "what",
                                                  device_kind_name((enum device_kind)k), "why",
                                                  plan->missing[k].text));
    for (int i = 0; i < plan->devices; i++)
        if (plan->device[i].lacks[0])
            json_array_append_new(list, json_pack("{s:s, s:s}", "what", plan->device[i].id.text,
                                                  "why", plan->device[i].lacks));
    json_array_extend(list, survey->missing_probes);
    return list;
}

/* A number that the datasheet may lack. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *describe_gpus(const struct plan *plan)
{
    json_t *list = json_array();

    for (int i = 0; i < plan->gpus; i++) {
        const struct gpu *gpu = plan->gpu[i];
        json_t *peak = json_object();

        for (int d = 0; d < DTYPES; d++)
            if (gpu->flops_per_s[d] > 0)
                json_object_set_new(peak, dtype_name((enum dtype)d),
                                    number(gpu->flops_per_s[d]));
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s}", "id", gpu->id.text,
                            "model", gpu->full.text, "arch", gpu->arch.text, "memory_bytes",
                            number(gpu->memory_bytes), "memory_bytes_per_s",
                            number(gpu->memory_bytes_per_s), "link_bytes_per_s",
                            number(gpu->link_bytes_per_s), "tdp_w", number(gpu->tdp_w),
                            "peak_flops_per_s", peak, "unverified", gpu->unverified));
    }
    return list;
}

/* Whether a figure of this run rests on it: copies are projected from pageable memory, kernels
 * without a framework's dispatch, and the calibration stands already. */
static bool is_entered(const struct assumption *a, const struct plan *plan)
{
    static const char *const apart[] = {"pinned_share", "eager_start_us", "process_watts"};

    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        if (strcmp(a->name, apart[i]) == 0)
            return false;
    for (int i = 0; i < plan->gpus; i++)
        if (assumption_concerns(a, plan->gpu[i]) &&
            (a->enters != ENTERS_INTERVAL || *plan->gpu[i]->unverified))
            return true;
    return false;
}

static json_t *describe_assumptions(const struct plan *plan)
{
    json_t *list = json_array();

    for (int i = 0; i < assumption_count(); i++) {
        const struct assumption *a = assumption_at(i);

        if (is_entered(a, plan))
            json_array_append_new(
                list, json_pack("{s:s, s:f, s:f, s:f, s:s, s:s, s:s, s:s, s:s}", "name", a->name,
                                "value", a->value, "low", a->low, "high", a->high, "unit",
                                a->unit, "basis", a->is_published ? "published" : "assumption",
                                "enters", enters_words(a->enters), "meaning", a->meaning,
                                "source", a->source));
    }
    return list;
}

static json_t *describe_notes(const struct plan *plan)
{
    json_t *list = json_array();

    for (int i = 0; i < plan->suites; i++)
        if (plan->suite[i].note[0])
            json_array_append_new(list, json_string(plan->suite[i].note));
    return list;
}

static json_t *numbers(const int64_t *value, int n)
{
    json_t *list = json_array();

    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_integer((json_int_t)value[i]));
    return list;
}

/* What was chosen of a suite, as far as the header does not say it elsewhere. */
static json_t *describe_choice(const struct options *o)
{
    const char *dtype[OPTION_LIST];

    for (int i = 0; i < o->dtypes; i++)
        dtype[i] = dtype_name(o->dtype[i]);
    return json_pack("{s:o, s:o, s:o, s:o}", "device", names(o->device, o->devices), "dtype",
                     names(dtype, o->dtypes), "batch", numbers(o->batch, o->batches), "context",
                     numbers(o->context, o->contexts));
}

/* Name of the model that the suites take apart, "" when there is none. */
static const char *model_of(const struct plan *plan)
{
    for (int s = 0; s < plan->suites; s++)
        if (plan->suite[s].chains)
            return plan->suite[s].chain[0].model.text;
    return "";
}

static json_t *header(const struct journal *j, const struct plan *plan)
{
    const struct options *o = j->options;
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    json_t *head;

    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    head = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:I, s:f, s:i, s:o, s:o, s:o, s:o, s:O}",
                     "kind", "header", "schema", RESULTS_SCHEMA, "version",
                     OFFLOAD_BENCH_VERSION, "date", date, "command", j->command_line, "suites",
                     names(o->suite, o->suites), "model", model_of(plan), "seed",
                     (json_int_t)o->seed, "budget_s", o->budget_s > 0 ? o->budget_s : plan->budget_s, "threads", plan->threads,
                     "gpus", describe_gpus(plan), "devices", describe_devices(plan), "missing",
                     describe_missing(plan, j->survey), "suite_notes", describe_notes(plan),
                     "machine", j->survey->machine ? j->survey->machine : json_null());
    json_object_set_new(head, "choice", describe_choice(o));
    if (j->lesson) {
        json_object_set_new(head, "lesson", json_string(j->lesson->note.data));
        json_object_set(head, "lessons", j->lesson->cells);
    }
    if (plan->gpus)
        json_object_set_new(head, "assumptions", describe_assumptions(plan));
    if (plan->sweep)
        json_object_set(head, "sweep", plan->sweep);
    if (o->prices)
        json_object_set(head, "prices", o->prices);
    return head;
}

static json_t *describe_link(const struct suite *suite, const struct suite_link *link)
{
    const struct suite_row *row = &suite->row[link->row];
    const struct workload *w = workload_find(row->workload.text);
    struct group group = {.workload = w};
    char text[128];

    workload_shape_init(w, &group.problem.shape);
    for (int i = 0; i < row->axes; i++)
        workload_shape_set(w, &group.problem.shape, row->axis[i].text, row->value[i].text, NULL);
    workload_shape_text(w, &group.problem.shape, text, sizeof text);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:f, s:b}", "op", link->op.text, "workload",
                     row->workload.text, "dtype", dtype_name(row->dtype), "cache",
                     cache_name(row->cache), "shape", group_shape(&group), "shape_text", text,
                     "count", link->count, "shared", link->is_shared);
}

static json_t *describe_chain(const struct suite *suite, const struct suite_chain *chain)
{
    json_t *links = json_array();

    for (int i = 0; i < chain->links; i++)
        json_array_append_new(links, describe_link(suite, &chain->link[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:o}", "kind", "chain", "suite",
                     suite->name.text, "model", chain->model.text, "phase", chain->phase.text,
                     "batch", (json_int_t)chain->batch, "context", (json_int_t)chain->context,
                     "tokens", chain->tokens, "links", links);
}

static int write_head(const struct journal *j, const struct plan *plan, struct why *why)
{
    struct text lines = {0};
    int status;

    add_line(&lines, header(j, plan));
    for (int s = 0; s < plan->suites; s++)
        for (int c = 0; c < plan->suite[s].chains; c++)
            add_line(&lines, describe_chain(&plan->suite[s], &plan->suite[s].chain[c]));
    status = append(j->fd, &lines, why);
    text_release(&lines);
    return status;
}

/* ---- going on ---------------------------------------------------------------------------- */

static bool is_problem_of(const struct record *r, const struct group *g)
{
    json_t *shape;
    bool same;

    if (r->dtype != g->problem.dtype || r->cache != g->cache || !!r->proof != g->is_proof ||
        r->size != g->size || strcmp(r->workload.text, g->workload->name) != 0)
        return false;
    shape = group_shape(g);
    same = r->shape && json_equal(r->shape, shape);
    json_decref(shape);
    return same;
}

static bool is_cell_of(const struct record *r, const struct group *g)
{
    return r->kind == RECORD_CELL && is_problem_of(r, g);
}

/* Also when both are missing. */
static bool is_equal(const json_t *a, const json_t *b)
{
    return a && b ? json_equal(a, b) : a == b;
}

/* The header must be of the same question, and its projections of the same GPUs taught alike. */
static int is_same_run(const json_t *head, const struct plan *plan, const struct journal *j,
                       struct why *why)
{
    const struct options *o = j->options;
    const struct {
        const char *key, *options;
        json_t *value;
    } now[] = {
        {"suites", "--suite", names(o->suite, o->suites)},
        {"model", "--model", json_string(model_of(plan))},
        {"sweep", "the sweep", json_incref(plan->sweep)},
        {"seed", "--seed", json_integer((json_int_t)o->seed)},
        {"choice", "--device, --dtype, --batch or --context", describe_choice(o)},
        {"gpus", "--gpu", describe_gpus(plan)},
        {"lessons", "--calibrate", j->lesson ? json_incref(j->lesson->cells) : NULL},
    };
    const char *other = NULL;

    for (size_t i = 0; i < sizeof now / sizeof *now; i++) {
        if (!other && !is_equal(json_object_get(head, now[i].key), now[i].value))
            other = now[i].options;
        json_decref(now[i].value);
    }
    return other ? why_fail(why, STATUS_INVALID, "'%s' is of another run (%s differs); hint: leave "
                            "out --resume or name another --out", j->path, other)
                 : 0;
}

static int find_done(const struct journal *j, const struct plan *plan, bool *is_done,
                     struct why *why)
{
    struct results results = {0};
    int status = results_read(&results, j->path, why);

    if (!status)
        status = is_same_run(results.header, plan, j, why);
    for (int g = 0; g < plan->groups && !status; g++)
        for (size_t r = 0; r < results.records && !is_done[g]; r++)
            is_done[g] = is_cell_of(&results.record[r], &plan->group[g]);
    results_release(&results);
    return status;
}

int journal_begin(const struct journal *j, const struct plan *plan, bool *is_done,
                  struct why *why)
{
    return j->is_new ? write_head(j, plan, why) : find_done(j, plan, is_done, why);
}

/* ---- projections ------------------------------------------------------------------------- */

static struct estimate transfer_us(const struct gpu *gpu, double bytes)
{
    struct forecast forecast = {.time_us = {NAN, NAN, NAN}};

    if (bytes <= 0)
        return (struct estimate){0, 0, 0}; /* nothing to move takes no time */
    if (project_transfer(gpu, bytes, MEMORY_PAGEABLE, &forecast, NULL) != 0)
        return (struct estimate){NAN, NAN, NAN};
    return forecast.time_us;
}

/* A precision below the plan's, whose gain is told beside the verdicts. */
struct lower {
    enum dtype dtype;
    enum precision precision;
    double roundoff;
};

/* Judged as the plan wants it, or not judged in a lower precision (NULL: none). */
static void project_group(const struct group *g, const struct gpu *gpu, const struct lower *lower,
                          struct text *lines)
{
    struct operation op = workload_operation(g->workload, &g->problem, g->cache);
    struct operation launch = {.op = "launch", .dtype = DTYPE_F32};
    struct forecast forecast = {.bound = NULL};
    struct why why = {{0}};
    struct record r;
    char *line;

    group_describe(&r, g, NULL, NULL);
    r.kind = RECORD_PROJECTION;
    r.evidence = EVIDENCE_PROJECTED;
    r.device_kind = DEVICE_CUDA;
    r.device = gpu->id;
    r.device_model = why_of(gpu->full.text);
    r.variant = name_of(lower ? "model-lower" : "model");
    if (lower) {
        r.judged = 0;
        r.roundoff = lower->roundoff;
        if (lower->precision != PRECISION_PLAIN)
            op.precision = lower->precision;
    }
    if (project(gpu, &op, TIMING_KERNEL, &forecast, &why) != 0) {
        r.outcome = OUTCOME_SKIPPED;
        r.why = why;
    } else {
        r.time_us = forecast.time_us;
        r.bound = name_of(forecast.bound);
        r.note = why_of(forecast.why);
        if (project(gpu, &launch, TIMING_LAUNCH, &forecast, NULL) == 0)
            r.launch_us = forecast.time_us;
        r.upload_us = transfer_us(gpu, r.upload_bytes);
        r.activation_us = transfer_us(gpu, r.upload_bytes - r.stationary_bytes);
        r.download_us = transfer_us(gpu, r.download_bytes);
        r.setup_us = project_startup_us();
    }
    line = r.outcome == OUTCOME_OK || !lower ? record_write(&r) : NULL;
    text_add(lines, line ? line : "");
    free(line);
    record_release(&r);
}

/* The unit roundoff of a variant of the problem that rounds its inputs (tf32); 0: there is none. */
static double rounding_of(const struct group *g)
{
    double roundoff = 0;

    for (const struct variant *v = g->workload->variants; v->name; v++)
        if (v->roundoff > 0 && (!v->fits || v->fits(&g->problem)))
            roundoff = v->roundoff;
    return roundoff;
}

/* The same call in every lower precision that the workload has. 16-bit types share their rates:
 * bf16 stands for both. */
static void project_lower(const struct group *g, const struct gpu *gpu, struct text *lines)
{
    static const enum dtype below[] = {DTYPE_F32, DTYPE_BF16, DTYPE_E4M3};
    struct lower tf32 = {g->problem.dtype, PRECISION_TF32, rounding_of(g)};

    if (tf32.roundoff > 0)
        project_group(g, gpu, &tf32, lines);
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        struct lower lower = {below[i], PRECISION_PLAIN, dtype_roundoff(below[i])};
        struct group other = *g;

        other.problem.dtype = lower.dtype;
        if (g->workload->dtypes >> lower.dtype & 1 && dtype_roundoff(g->problem.dtype) > 0 &&
            dtype_bytes(lower.dtype) < dtype_bytes(g->problem.dtype) &&
            workload_problem_check(g->workload, &other.problem, NULL) == 0)
            project_group(&other, gpu, &lower, lines);
    }
}

static bool is_projected(const struct results *results, const struct group *g,
                         const struct gpu *gpu)
{
    for (size_t r = 0; r < results->records; r++)
        if (results->record[r].kind == RECORD_PROJECTION && results->record[r].judged &&
            strcmp(results->record[r].device.text, gpu->id.text) == 0 &&
            is_problem_of(&results->record[r], g))
            return true;
    return false;
}

int journal_project(const struct journal *j, const struct plan *plan, struct why *why)
{
    struct results results = {0};
    struct text lines = {0};
    int status = plan->gpus ? results_read(&results, j->path, why) : 0;

    if (plan->gpus && !status) /* a real GPU of this very run teaches, too; forecasts say so */
        lesson_learn(&results, NULL);
    for (int g = 0; g < plan->groups && !status; g++)
        for (int i = 0; i < plan->gpus; i++)
            if (plan->group[g].workload->role == ROLE_JUDGED && !plan->group[g].is_proof &&
                !is_projected(&results, &plan->group[g], plan->gpu[i])) {
                project_group(&plan->group[g], plan->gpu[i], NULL, &lines);
                project_lower(&plan->group[g], plan->gpu[i], &lines);
            }
    if (!status)
        status = append(j->fd, &lines, why);
    text_release(&lines);
    results_release(&results);
    return status;
}
