/* SPDX-License-Identifier: MIT */
#include "harness/header.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "harness/group_record.h"
#include "harness/lesson.h"
#include "projection/assumption.h"

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
    static const char *const apart[] = {"pinned_share", "eager_start_us", "process_watts",
                                        "lanes_watts"};

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

json_t *header_make(const struct journal *j, const struct plan *plan)
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
                     (json_int_t)o->seed, "budget_s",
                     o->budget_s > 0 ? o->budget_s : plan->budget_s, "threads", plan->threads,
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

json_t *header_chain(const struct suite *suite, const struct suite_chain *chain)
{
    json_t *links = json_array();

    for (int i = 0; i < chain->links; i++)
        json_array_append_new(links, describe_link(suite, &chain->link[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:o}", "kind", "chain", "suite",
                     suite->name.text, "model", chain->model.text, "phase", chain->phase.text,
                     "batch", (json_int_t)chain->batch, "context", (json_int_t)chain->context,
                     "tokens", chain->tokens, "links", links);
}

/* Also when both are missing. */
static bool is_equal(const json_t *a, const json_t *b)
{
    return a && b ? json_equal(a, b) : a == b;
}

int header_check(const json_t *head, const struct journal *j, const struct plan *plan,
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
