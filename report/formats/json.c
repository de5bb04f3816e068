/* SPDX-License-Identifier: MIT */
/* The stable interface offload-bench/report/1: keys are added, never renamed. Times are
 * in microseconds, rates per second; null is "not measured", never 0. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/format.h"
#include "report/ledger.h"
#include "report/report.h"

#define REPORT_SCHEMA "offload-bench/report/1"

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Text of a record may have been cut within a character. */
static json_t *string(const char *text)
{
    json_t *value = json_string(text);
    char *plain;

    if (value)
        return value;
    plain = strdup(text);
    for (char *c = plain; c && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    value = plain ? json_string(plain) : NULL;
    free(plain);
    return value;
}

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

/* key, low_key and high_key of an estimate: "time_us", "low_us", "high_us". */
static void set_time(json_t *object, struct estimate us)
{
    set(object, "time_us", number(us.value));
    set(object, "low_us", number(us.low));
    set(object, "high_us", number(us.high));
}

static void set_ratio(json_t *object, struct estimate ratio)
{
    set(object, "speedup", number(ratio.value));
    set(object, "speedup_low", number(ratio.low));
    set(object, "speedup_high", number(ratio.high));
}

/* ---- verdicts -------------------------------------------------------------------- */

static json_t *side(const struct contender *c, struct estimate us)
{
    const struct record *r = c->record;
    json_t *side = json_object();

    set(side, "device", string(r->device.text));
    set(side, "variant", string(r->variant.text));
    set(side, "provider", string(r->provider.text));
    set(side, "evidence", json_string(evidence_name(r->evidence)));
    set_time(side, us);
    set(side, "bound",
        c->bound.kind.text[0] ? string(c->bound.kind.text) : json_null());
    if (r->kind == RECORD_PROJECTION)
        set(side, "why", *r->note.text ? string(r->note.text) : json_null());
    set(side, "share", number(c->bound.share));
    set(side, "flops_per_s", number(c->bound.flops_per_s));
    set(side, "bytes_per_s", number(c->bound.bytes_per_s));
    if (r->kind == RECORD_CELL) {
        set(side, "threads", json_integer(r->threads));
        set(side, "isa", *r->isa.text ? string(r->isa.text) : json_null());
        set(side, "rounds", json_integer((json_int_t)c->rounds));
        set(side, "contended", json_integer((json_int_t)c->contended));
        set(side, "disturbed", json_boolean(c->is_disturbed));
    }
    return side;
}

static json_t *problem(const struct record *r)
{
    json_t *object = json_object();

    set(object, "workload", string(r->workload.text));
    set(object, "dtype", json_string(dtype_name(r->dtype)));
    set(object, "shape", r->shape ? json_incref(r->shape) : json_null());
    set(object, "cache", json_string(cache_name(r->cache)));
    return object;
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
        set(object, "what", json_string(flip_kind_name(f->kind)));
        if (f->axis)
            set(object, "axis", string(f->axis));
        set(object, "from", number(f->from));
        set(object, "to", number(f->to));
        set(object, "factor", number(f->factor));
        set(object, "relative", json_boolean(f->is_relative));
        set(object, "verdict", json_string(decision_name(f->decision)));
        set(object, "text", string(words.n ? words.data : ""));
        text_release(&words);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *side_cost(const struct side_cost *c, double tokens)
{
    json_t *object = json_object();

    set(object, "watt", number(c->power.watt));
    set(object, "watt_source", json_string(power_source_name(c->power.source)));
    set(object, "joule", number(c->joule));
    set(object, "cost", number(c->cost));
    if (tokens > 0) {
        set(object, "joule_per_million_tokens", number(c->joule / tokens * 1e6));
        set(object, "cost_per_million_tokens", number(c->cost / tokens * 1e6));
    }
    return object;
}

/* `tokens` of a pass; 0: of a call. */
static json_t *money(const struct money *m, double tokens)
{
    json_t *object = json_object();

    set(object, "cpu_per_hour", number(m->prices.cpu_per_hour));
    set(object, "gpu_per_hour", number(m->prices.gpu_per_hour));
    set(object, "energy_per_kwh", number(m->prices.energy_per_kwh));
    set(object, "cpu", side_cost(&m->cpu, tokens));
    set(object, "gpu", side_cost(&m->gpu, tokens));
    set(object, "saving", number(m->saving.value));
    set(object, "saving_low", number(m->saving.low));
    set(object, "saving_high", number(m->saving.high));
    set(object, "verdict",
        isnan(m->saving.value) ? json_null() : json_string(decision_name(m->decision)));
    set(object, "even_price_ratio", number(m->even_ratio.value));
    set(object, "even_price_ratio_low", number(m->even_ratio.low));
    set(object, "even_price_ratio_high", number(m->even_ratio.high));
    set(object, "even_gpu_per_hour", number(m->even_gpu_per_hour));
    set(object, "even_energy_per_kwh", number(m->even_energy_per_kwh));
    return object;
}

static json_t *straws(const struct contest *contest)
{
    json_t *object = json_object();

    for (int k = 0; k < STRAWS; k++)
        set(object, straw_name((enum straw_kind)k), number(contest->straw[k].factor));
    return object;
}

/* ---- verdicts, one by one -------------------------------------------------------- */

/* Of a number of calls from which on it pays. */
static json_t *pays(struct estimate calls)
{
    return json_string(isnan(calls.low) ? "unknown" : isnan(calls.value) ? "never" : "pays");
}

static json_t *verdict(const struct verdict *v)
{
    json_t *object = problem(v->contest->about);

    set(object, "op", string(v->contest->op.text));
    set(object, "placement", json_string(placement_name(v->placement)));
    set(object, "calls", number(v->calls));
    set(object, "basis", json_string(v->placed || (v->placement == PLACEMENT_RESIDENT &&
                                                   v->gpu->record->kind == RECORD_CELL)
                                         ? "measured"
                                         : "derived"));
    if (v->placed)
        set(object, "placed_memory", json_string(memory_name(v->placed->memory)));
    set(object, "memory", json_string(memory_name(v->gpu->record->memory)));
    set(object, "cpu", side(v->cpu, v->cpu_us));
    set(object, "gpu", side(v->gpu, v->gpu_us));
    set_ratio(object, v->speedup);
    set(object, "paired", json_boolean(v->is_paired));
    set(object, "verdict", json_string(decision_name(v->decision)));
    set(object, "evidence", json_string(evidence_name(v->evidence)));
    set(object, "reuse_n", number(v->reuse_n.value));
    set(object, "reuse_n_low", number(v->reuse_n.low));
    set(object, "reuse_n_high", number(v->reuse_n.high));
    set(object, "reuse_why", *v->reuse_why ? string(v->reuse_why) : json_null());
    set(object, "reuse", pays(v->reuse_n));
    set(object, "because", string(v->because));
    set(object, "flip", string(v->flip));
    set(object, "straw_factors", straws(v->contest));
    set(object, "flips", flips(&v->flips));
    set(object, "money", money(&v->money, 0));
    return object;
}

static json_t *verdicts(const struct report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->verdicts; i++)
        json_array_append_new(array, verdict(&report->verdict[i]));
    return array;
}

/* ---- chains ---------------------------------------------------------------------- */

static json_t *pass(const struct chain *chain, struct estimate us)
{
    struct estimate rate = chain_tokens_per_s(chain, us);
    json_t *object = json_object();

    set_time(object, us);
    set(object, "tokens_per_s", number(rate.value));
    set(object, "tokens_per_s_low", number(rate.low));
    set(object, "tokens_per_s_high", number(rate.high));
    return object;
}

static json_t *step(const struct chain *chain, const struct chain_step *s)
{
    json_t *object = s->contest ? problem(s->contest->about) : json_object();
    bool is_known = s->contest && s->contest->cpus;

    set(object, "op", string(s->op.text));
    set(object, "count", number(s->count));
    set(object, "cpu_variant",
        is_known ? string(s->contest->cpu[0].record->variant.text) : json_null());
    set(object, "cpu_us", number(s->cpu_us.value));
    set(object, "cpu_share", number(s->cpu_share));
    if (chain->gpu) {
        set(object, "gpu_us", number(s->gpu_us.value));
        set(object, "gpu_moved_us", number(s->gpu_moved_us));
        set(object, "advised", json_boolean(s->is_advised));
        set(object, "move", json_boolean(s->moved > 0));
        set(object, "moved_calls", number(s->moved));
    }
    return object;
}

static json_t *chain_gpu(const struct chain *c)
{
    json_t *object = pass(c, c->gpu_us);

    set(object, "device", string(c->gpu->id.text));
    set(object, "evidence", json_string(evidence_name(c->evidence)));
    set_ratio(object, c->speedup);
    set(object, "memory_bytes", number(c->gpu->memory_bytes));
    return object;
}

/* The best plan of every placement of the weights. */
static json_t *routes(const struct chain *c)
{
    json_t *array = json_array();

    for (int p = PLACEMENT_RESIDENT; p <= PLACEMENT_EVERY; p++) {
        const struct route *r = &c->route[p];
        json_t *object = pass(c, r->us);

        set(object, "placement", json_string(placement_name((enum placement)p)));
        set_ratio(object, r->speedup);
        set(object, "verdict", json_string(decision_name(r->decision)));
        set(object, "moved", number(r->moved));
        set(object, "crossings", number(r->crossings));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *chain(const struct chain *c)
{
    json_t *object = json_object(), *steps = json_array();

    set(object, "model", string(c->model.text));
    set(object, "phase", string(c->phase.text));
    set(object, "batch", json_integer(c->batch));
    set(object, "context", json_integer(c->context));
    set(object, "tokens", number(c->tokens));
    set(object, "cpu", pass(c, c->cpu_us));
    set(object, "gpu", c->gpu ? chain_gpu(c) : json_null());
    set(object, "mix", c->gpu ? pass(c, c->mix_us) : json_null());
    if (c->gpu) {
        set(object, "op_by_op", pass(c, c->advised_us));
        set(object, "plans", routes(c));
        set(object, "weights_fit",
            isnan(c->gpu->memory_bytes) ? json_null() : json_boolean(!c->is_too_large));
    }
    set_ratio(object, c->mix_speedup);
    set(object, "verdict", json_string(decision_name(c->decision)));
    set(object, "missing", number(c->missing));
    set(object, "weight_bytes", number(c->weight_bytes));
    for (size_t i = 0; i < c->steps; i++)
        json_array_append_new(steps, step(c, &c->step[i]));
    set(object, "steps", steps);
    set(object, "flips", flips(&c->flips));
    set(object, "money", money(&c->money, c->tokens));
    set(object, "because", string(c->because));
    return object;
}

static json_t *chains(const struct report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->chains; i++)
        json_array_append_new(array, chain(&report->chain[i]));
    return array;
}

/* ---- what stands behind ---------------------------------------------------------- */

static json_t *end(double size)
{
    return isfinite(size) ? json_real(size) : json_null();
}

static json_t *stretches(const struct crossover_stretch *stretch, int n)
{
    json_t *array = json_array();

    for (int i = 0; i < n; i++) {
        json_t *object = json_object();

        set(object, "low", end(stretch[i].low));
        set(object, "high", end(stretch[i].high));
        set(object, "before", json_string(decision_name(stretch[i].before)));
        set(object, "after", json_string(decision_name(stretch[i].after)));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *regret(const struct regret *r)
{
    json_t *object = json_object();

    set(object, "sizes", json_integer((json_int_t)r->sizes));
    set(object, "right", json_integer((json_int_t)r->right));
    set(object, "mean_loss", number(r->mean));
    set(object, "worst_loss", number(r->worst));
    set(object, "worst_size", number(r->worst_size));
    return object;
}

/* low and high: the first bracket, null when the winner never changes. */
static json_t *crossover(const struct crossover *x)
{
    json_t *object = problem(x->from->about);

    set(object, "device", string(x->gpu.text));
    set(object, "placement", json_string(placement_name(x->placement)));
    set(object, "evidence", json_string(evidence_name(x->evidence)));
    set(object, "confidence", number(x->confidence));
    set(object, "axis", string(x->axis.text));
    set(object, "sweep", x->is_sweep ? string(x->axis.text) : json_null());
    set(object, "from", number(x->point[0].size));
    set(object, "to", number(x->point[x->points - 1].size));
    set(object, "sizes", json_integer((json_int_t)x->points));
    set(object, "kind", json_string(crossover_kind_name(x->found.kind)));
    set(object, "low", x->found.changes ? number(x->found.change[0].low) : json_null());
    set(object, "high", x->found.changes ? number(x->found.change[0].high) : json_null());
    set(object, "changes", stretches(x->found.change, x->found.changes));
    set(object, "undecided", stretches(x->found.doubt, x->found.doubts));
    set(object, "decider", *x->decider ? string(x->decider) : json_null());
    set(object, "regret", regret(&x->regret));
    set(object, "text", string(x->text));
    return object;
}

static json_t *crossovers(const struct report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->crossovers; i++)
        json_array_append_new(array, crossover(&report->crossover[i]));
    return array;
}

static json_t *strawmen(const struct report *report)
{
    json_t *array = json_array();

    for (int k = 0; k < STRAWS; k++) {
        const struct straw_sum *s = &report->straw[k];
        json_t *object = json_object();

        set(object, "against", json_string(straw_name(s->kind)));
        set(object, "problems", json_integer((json_int_t)s->contests));
        set(object, "factor", number(s->median));
        set(object, "factor_least", s->contests ? number(s->least) : json_null());
        set(object, "factor_most", s->contests ? number(s->most) : json_null());
        set(object, "verdicts", json_integer((json_int_t)s->verdicts));
        set(object, "turned_to_offload", json_integer((json_int_t)s->turned));
        set(object, "crossings", json_integer((json_int_t)s->crossings));
        set(object, "crossover_factor", number(s->moved));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *ceilings(const struct report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->ceilings; i++) {
        const struct ceiling *c = &report->ceiling[i];
        json_t *object = json_object();

        set(object, "device", string(c->device.text));
        set(object, "resource", json_string(c->is_memory ? "memory" : "compute"));
        set(object, "dtype",
            c->is_memory ? json_null() : json_string(dtype_name(c->dtype)));
        set(object, "per_s", number(c->per_s));
        set(object, "evidence", json_string(evidence_name(c->evidence)));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *ledger(const struct report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->ledgers; i++) {
        const struct ledger_row *row = &report->ledger[i];
        json_t *object = problem(row->record), *rows = json_object();
        const double *ns = row->record->ledger_ns;

        for (int k = 0; k < LEDGERS; k++)
            set(rows, ledger_name((enum ledger)k),
                number(row->record->ledger_ns[k] / 1e3));
        set(object, "device", string(row->record->device.text));
        set(object, "variant", string(row->record->variant.text));
        set(object, "evidence", json_string(evidence_name(row->record->evidence)));
        set(object, "timeline",
            json_string(row->record->kind == RECORD_COLD ? "first call" : "warm call"));
        set(object, "placement", json_string(placement_name(row->record->placement)));
        set(object, "memory", json_string(memory_name(row->record->memory)));
        set(object, "calls", json_integer(row->record->calls));
        set(object, "chunks",
            row->record->chunks > 0 ? json_integer(row->record->chunks) : json_null());
        set(object, "rows_us", rows);
        set(object, "call_us",
            number((ns[LEDGER_LAUNCH] + ns[LEDGER_KERNEL] + ns[LEDGER_SYNC]) / 1e3));
        set(object, "sum_us", number(row->sum_ns / 1e3));
        set(object, "wall_us", number(row->wall_ns / 1e3));
        set(object, "residual_us", number((row->wall_ns - row->sum_ns) / 1e3));
        set(object, "residual", number(ledger_residual(row)));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *estimate(struct estimate e)
{
    return json_pack("{s:o,s:o,s:o}", "value", number(e.value), "low", number(e.low), "high",
                     number(e.high));
}

static json_t *lifetime(const struct lifetime *l)
{
    static const char *const key[LIFETIMES] = {"one_cold_call", "one_second", "service"};
    json_t *object = problem(l->contest->about);

    set(object, "op", string(l->contest->op.text));
    set(object, "gpu", string(l->gpu->record->device.text));
    set(object, "evidence", json_string(evidence_name(l->evidence)));
    set(object, "cpu_us", estimate(l->cpu->time_us));
    set(object, "call_us", estimate(l->call_us));
    set(object, "setup_us", estimate(l->setup_us));
    set(object, "setup_basis", json_string(isnan(l->setup_us.value) ? "not known"
                                           : l->is_assumed          ? "assumed"
                                                                    : "measured"));
    for (int i = 0; i < LIFETIMES; i++) {
        json_t *answer = json_object();
        bool is_known = !isnan(l->speedup[i].value);

        set(answer, "calls", number(l->calls[i]));
        set_ratio(answer, l->speedup[i]);
        set(answer, "verdict",
            is_known ? json_string(decision_name(l->decision[i])) : json_null());
        set(object, key[i], answer);
    }
    set(object, "pays_from_calls", estimate(l->flip));
    set(object, "pays", pays(l->flip));
    set(object, "why", string(l->why));
    return object;
}

static json_t *lifetimes(const struct report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->lifetimes; i++)
        json_array_append_new(array, lifetime(&report->lifetime[i]));
    return array;
}

static json_t *cell(const struct record *r)
{
    json_t *object = problem(r);

    set(object, "device", string(r->device.text));
    set(object, "variant", string(r->variant.text));
    set(object, "evidence", json_string(evidence_name(r->evidence)));
    set(object, "outcome", json_string(outcome_name(r->outcome)));
    set(object, "error", number(r->error));
    if (r->outcome != OUTCOME_OK)
        set(object, "why", string(r->why.text));
    return object;
}

static json_t *cells(const struct record *const *record, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, cell(record[i]));
    return array;
}

static json_t *run(const struct report *report)
{
    static const char *const key[] = {"version", "date",    "command",  "suites",
                                      "model",   "seed",    "budget_s", "threads",
                                      "gpus",    "devices", "missing"};
    json_t *object = json_object();

    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        json_t *value = json_object_get(report->results->header, key[i]);

        set(object, key[i], value ? json_incref(value) : json_null());
    }
    return object;
}

static json_t *notes(const struct report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->notes; i++)
        json_array_append_new(array, string(report->note[i]));
    return array;
}

static int write(const struct report *report, struct text *out, struct why *why)
{
    json_t *machine = json_object_get(report->results->header, "machine");
    json_t *root = json_object();
    char *text;

    set(root, "schema", json_string(REPORT_SCHEMA));
    set(root, "headline", string(report->headline));
    set(root, "caution", string(report->caution));
    set(root, "machine", machine ? json_incref(machine) : json_null());
    set(root, "run", run(report));
    set(root, "verdicts", verdicts(report));
    set(root, "chains", chains(report));
    set(root, "crossovers", crossovers(report));
    set(root, "strawmen", strawmen(report));
    set(root, "ceilings", ceilings(report));
    set(root, "ledger", ledger(report));
    set(root, "lifetimes", lifetimes(report));
    set(root, "checks", cells(report->check, report->checks));
    set(root, "left_out", cells(report->left_out, report->left_outs));
    set(root, "notes", notes(report));
    text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
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
