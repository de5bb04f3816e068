/* SPDX-License-Identifier: MIT */
/* The stable interface offload-bench/report/1 (see report/json.h): verdicts and chains. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/format.h"
#include "report/json.h"

#define REPORT_SCHEMA "offload-bench/report/1"

/* ---- one side --------------------------------------------------------------------- */

static json_t *side(const struct contender *c, struct estimate us)
{
    const struct record *r = c->record;
    json_t *side = json_object();

    key_set(side, "device", value_string(r->device.text));
    key_set(side, "variant", value_string(r->variant.text));
    key_set(side, "provider", value_string(r->provider.text));
    key_set(side, "evidence", json_string(evidence_name(r->evidence)));
    key_time(side, us);
    key_set(side, "bound",
        c->bound.kind.text[0] ? value_string(c->bound.kind.text) : json_null());
    if (r->kind == RECORD_PROJECTION)
        key_set(side, "why", *r->note.text ? value_string(r->note.text) : json_null());
    key_set(side, "share", value_number(c->bound.share));
    key_set(side, "flops_per_s", value_number(c->bound.flops_per_s));
    key_set(side, "bytes_per_s", value_number(c->bound.bytes_per_s));
    if (r->kind == RECORD_CELL) {
        key_set(side, "threads", json_integer(r->threads));
        key_set(side, "isa", *r->isa.text ? value_string(r->isa.text) : json_null());
        if (*r->nodes.text)
            key_set(side, "nodes", value_string(r->nodes.text));
        key_set(side, "rounds", json_integer((json_int_t)c->rounds));
        key_set(side, "contended", json_integer((json_int_t)c->contended));
        key_set(side, "disturbed", json_boolean(c->is_disturbed));
    }
    return side;
}

/* ---- flips and money ------------------------------------------------------------- */

static json_t *flips(const struct flips *flips)
{
    json_t *array = json_array();

    for (int i = 0; i < flips->n; i++) {
        const struct flip *f = &flips->at[i];
        struct text words = {0};
        json_t *object = json_object();

        flip_write(f, &words);
        key_set(object, "what", json_string(flip_kind_name(f->kind)));
        if (f->axis)
            key_set(object, "axis", value_string(f->axis));
        key_set(object, "from", value_number(f->from));
        key_set(object, "to", value_number(f->to));
        key_set(object, "factor", value_number(f->factor));
        key_set(object, "relative", json_boolean(f->is_relative));
        key_set(object, "verdict", json_string(decision_name(f->decision)));
        key_set(object, "text", value_string(words.n ? words.data : ""));
        text_release(&words);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *side_cost(const struct side_cost *c, double tokens)
{
    json_t *object = json_object();

    key_set(object, "watt", value_number(c->power.watt));
    key_set(object, "watt_source", json_string(power_source_name(c->power.source)));
    key_set(object, "joule", value_number(c->joule));
    key_set(object, "cost", value_number(c->cost));
    if (tokens > 0) {
        key_set(object, "joule_per_million_tokens", value_number(c->joule / tokens * 1e6));
        key_set(object, "cost_per_million_tokens", value_number(c->cost / tokens * 1e6));
    }
    return object;
}

/* `tokens` of a pass; 0: of a call. */
static json_t *money(const struct money *m, double tokens)
{
    json_t *object = json_object();

    key_set(object, "cpu_per_hour", value_number(m->prices.cpu_per_hour));
    key_set(object, "gpu_per_hour", value_number(m->prices.gpu_per_hour));
    key_set(object, "energy_per_kwh", value_number(m->prices.energy_per_kwh));
    key_set(object, "cpu", side_cost(&m->cpu, tokens));
    key_set(object, "gpu", side_cost(&m->gpu, tokens));
    key_set(object, "saving", value_number(m->saving.value));
    key_set(object, "saving_low", value_number(m->saving.low));
    key_set(object, "saving_high", value_number(m->saving.high));
    key_set(object, "verdict",
        isnan(m->saving.value) ? json_null() : json_string(decision_name(m->decision)));
    key_set(object, "even_price_ratio", value_number(m->even_ratio.value));
    key_set(object, "even_price_ratio_low", value_number(m->even_ratio.low));
    key_set(object, "even_price_ratio_high", value_number(m->even_ratio.high));
    key_set(object, "even_gpu_per_hour", value_number(m->even_gpu_per_hour));
    key_set(object, "even_energy_per_kwh", value_number(m->even_energy_per_kwh));
    return object;
}

static json_t *straws(const struct contest *contest)
{
    json_t *object = json_object();

    for (int k = 0; k < STRAWS; k++)
        key_set(object, straw_name((enum straw_kind)k), value_number(contest->straw[k].factor));
    return object;
}

/* ---- verdicts, one by one -------------------------------------------------------- */

static json_t *verdict(const struct report *report, size_t i)
{
    const struct verdict *v = &report->verdict[i];
    json_t *object = value_problem(v->contest->about);

    key_set(object, "op", value_string(v->contest->op.text));
    key_set(object, "placement", json_string(placement_name(v->placement)));
    key_set(object, "calls", value_number(v->calls));
    key_set(object, "basis", json_string(v->placed || (v->placement == PLACEMENT_RESIDENT &&
                                                   v->gpu->record->kind == RECORD_CELL)
                                         ? "measured"
                                         : "derived"));
    if (v->placed)
        key_set(object, "placed_memory", json_string(memory_name(v->placed->memory)));
    key_set(object, "memory", json_string(memory_name(v->gpu->record->memory)));
    key_set(object, "cpu", side(v->cpu, v->cpu_us));
    key_set(object, "gpu", side(v->gpu, v->gpu_us));
    key_ratio(object, v->speedup);
    key_set(object, "paired", json_boolean(v->is_paired));
    key_set(object, "verdict", json_string(decision_name(v->decision)));
    key_set(object, "evidence", json_string(evidence_name(v->evidence)));
    key_set(object, "reuse_n", value_number(v->reuse_n.value));
    key_set(object, "reuse_n_low", value_number(v->reuse_n.low));
    key_set(object, "reuse_n_high", value_number(v->reuse_n.high));
    key_set(object, "reuse_why", *v->reuse_why ? value_string(v->reuse_why) : json_null());
    key_set(object, "reuse", value_pays(v->reuse_n));
    key_set(object, "because", value_string(v->because));
    key_set(object, "flip", value_string(v->flip));
    key_set(object, "straw_factors", straws(v->contest));
    key_set(object, "flips", flips(&v->flips));
    key_set(object, "money", money(&v->money, 0));
    return object;
}

/* ---- chains ---------------------------------------------------------------------- */

static json_t *pass(const struct chain *chain, struct estimate us)
{
    struct estimate rate = chain_tokens_per_s(chain, us);
    json_t *object = json_object();

    key_time(object, us);
    key_set(object, "tokens_per_s", value_number(rate.value));
    key_set(object, "tokens_per_s_low", value_number(rate.low));
    key_set(object, "tokens_per_s_high", value_number(rate.high));
    return object;
}

static json_t *step(const struct chain *chain, const struct chain_step *s)
{
    json_t *object = s->contest ? value_problem(s->contest->about) : json_object();
    bool is_known = s->contest && s->contest->cpus;

    key_set(object, "op", value_string(s->op.text));
    key_set(object, "count", value_number(s->count));
    key_set(object, "cpu_variant",
        is_known ? value_string(s->contest->cpu[0].record->variant.text) : json_null());
    key_set(object, "cpu_us", value_number(s->cpu_us.value));
    key_set(object, "cpu_share", value_number(s->cpu_share));
    if (chain->gpu) {
        key_set(object, "gpu_us", value_number(s->gpu_us.value));
        key_set(object, "gpu_moved_us", value_number(s->gpu_moved_us));
        key_set(object, "advised", json_boolean(s->is_advised));
        key_set(object, "move", json_boolean(s->moved > 0));
        key_set(object, "moved_calls", value_number(s->moved));
    }
    return object;
}

static json_t *chain_gpu(const struct chain *c)
{
    json_t *object = pass(c, c->gpu_us);

    key_set(object, "device", value_string(c->gpu->id.text));
    key_set(object, "evidence", json_string(evidence_name(c->evidence)));
    key_ratio(object, c->speedup);
    key_set(object, "memory_bytes", value_number(c->gpu->memory_bytes));
    return object;
}

/* The best plan of every placement of the weights. */
static json_t *routes(const struct chain *c)
{
    json_t *array = json_array();

    for (int p = PLACEMENT_RESIDENT; p <= PLACEMENT_EVERY; p++) {
        const struct route *r = &c->route[p];
        json_t *object = pass(c, r->us);

        key_set(object, "placement", json_string(placement_name((enum placement)p)));
        key_ratio(object, r->speedup);
        key_set(object, "verdict", json_string(decision_name(r->decision)));
        key_set(object, "moved", value_number(r->moved));
        key_set(object, "crossings", value_number(r->crossings));
        json_array_append_new(array, object);
    }
    return array;
}

/* Of the pass wholly on either side, with lower precision where it is shorter. */
static json_t *lower_passes(const struct report *report, const struct chain *c)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->lower_sums; i++) {
        const struct lower *about = report->lower_sum[i].about;
        struct lower_pass p = lower_pass_of(report, c, &report->lower_sum[i]);
        json_t *object;

        if (!p.operations)
            continue;
        object = pass(c, p.us);
        key_set(object, "side", json_string(about->is_cpu ? "cpu" : "gpu"));
        key_set(object, "precision", json_string(record_precision(about->record)));
        key_set(object, "operations", json_integer((json_int_t)p.operations));
        key_set(object, "rounding_error", value_number(about->error));
        key_set(object, "evidence", json_string(evidence_name(p.evidence)));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *chain(const struct report *report, size_t i)
{
    const struct chain *c = &report->chain[i];
    json_t *object = json_object(), *steps = json_array();

    key_set(object, "model", value_string(c->model.text));
    key_set(object, "phase", value_string(c->phase.text));
    key_set(object, "batch", json_integer(c->batch));
    key_set(object, "context", json_integer(c->context));
    key_set(object, "tokens", value_number(c->tokens));
    key_set(object, "cpu", pass(c, c->cpu_us));
    key_set(object, "gpu", c->gpu ? chain_gpu(c) : json_null());
    key_set(object, "mix", c->gpu ? pass(c, c->mix_us) : json_null());
    if (c->gpu) {
        key_set(object, "op_by_op", pass(c, c->advised_us));
        key_set(object, "plans", routes(c));
        key_set(object, "weights_fit",
            isnan(c->gpu->memory_bytes) ? json_null() : json_boolean(!c->is_too_large));
    }
    key_ratio(object, c->mix_speedup);
    key_set(object, "verdict", json_string(decision_name(c->decision)));
    key_set(object, "missing", value_number(c->missing));
    key_set(object, "weight_bytes", value_number(c->weight_bytes));
    for (size_t s = 0; s < c->steps; s++)
        json_array_append_new(steps, step(c, &c->step[s]));
    key_set(object, "steps", steps);
    key_set(object, "lower_precision", lower_passes(report, c));
    key_set(object, "flips", flips(&c->flips));
    key_set(object, "money", money(&c->money, c->tokens));
    key_set(object, "because", value_string(c->because));
    return object;
}

static json_t *run(const struct report *report)
{
    static const char *const key[] = {"version", "date",    "command",  "suites",
                                      "model",   "seed",    "budget_s", "threads",
                                      "gpus",    "devices", "missing"};
    json_t *object = json_object();

    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        json_t *value = json_object_get(report->results->header, key[i]);

        key_set(object, key[i], value ? json_incref(value) : json_null());
    }
    return object;
}

static json_t *note(const struct report *report, size_t i)
{
    return value_string(report->note[i]);
}

static int write(const struct report *report, struct text *out, struct why *why)
{
    json_t *machine = json_object_get(report->results->header, "machine");
    json_t *lessons = json_object_get(report->results->header, "lessons");
    json_t *root = json_object();
    char *text;

    key_set(root, "schema", json_string(REPORT_SCHEMA));
    key_set(root, "headline", value_string(report->headline));
    key_set(root, "caution", value_string(report->caution));
    key_set(root, "machine", machine ? json_incref(machine) : json_null());
    key_set(root, "run", run(report));
    if (lessons)
        key_set(root, "lessons", json_incref(lessons));
    key_list(root, "verdicts", report, report->verdicts, verdict);
    key_list(root, "splits", report, report->splits, value_split);
    key_list(root, "chains", report, report->chains, chain);
    key_list(root, "crossovers", report, report->crossovers, value_crossover);
    key_list(root, "strawmen", report, STRAWS, value_straw);
    key_list(root, "lower_precision", report, report->lowers, value_lower);
    key_list(root, "ceilings", report, report->ceilings, value_ceiling);
    key_list(root, "ledger", report, report->ledgers, value_ledger_row);
    key_list(root, "lifetimes", report, report->lifetimes, value_lifetime);
    key_list(root, "checks", report, report->checks, value_check);
    key_list(root, "left_out", report, report->left_outs, value_left_out);
    key_list(root, "notes", report, report->notes, note);
    text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    json_decref(root);
    if (text)
        text_add(out, text);
    text_add(out, "\n");
    free(text);
    return !text || out->failed
               ? why_fail(why, STATUS_MEMORY, "cannot write the report: out of memory")
               : 0;
}

const struct format format_json = {
    .name = "json",
    .brief = "the stable interface " REPORT_SCHEMA,
    .extension = "json",
    .write = write,
};
