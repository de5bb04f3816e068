/* SPDX-License-Identifier: MIT */
/* The parts of report.json that stand behind the verdicts: where winners change, calls that
 * both sides had better share, what weak CPUs would have shown, ceilings, the ledger, answers by
 * lifetime, every cell. */
#include <math.h>
#include <string.h>

#include "report/json.h"
#include "report/judge.h"
#include "report/ledger.h"

static json_t *end(double size)
{
    return isfinite(size) ? json_real(size) : json_null();
}

static json_t *stretches(const struct crossover_stretch *stretch, int n)
{
    json_t *array = json_array();

    for (int i = 0; i < n; i++) {
        json_t *object = json_object();

        key_set(object, "low", end(stretch[i].low));
        key_set(object, "high", end(stretch[i].high));
        key_set(object, "before", json_string(decision_name(stretch[i].before)));
        key_set(object, "after", json_string(decision_name(stretch[i].after)));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *regret(const struct regret *r)
{
    json_t *object = json_object();

    key_set(object, "sizes", json_integer((json_int_t)r->sizes));
    key_set(object, "right", json_integer((json_int_t)r->right));
    key_set(object, "mean_loss", value_number(r->mean));
    key_set(object, "worst_loss", value_number(r->worst));
    key_set(object, "worst_size", value_number(r->worst_size));
    return object;
}

/* low and high: the first bracket, null when the winner never changes. */
json_t *value_crossover(const struct report *report, size_t i)
{
    const struct crossover *x = &report->crossover[i];
    json_t *object = value_problem(x->from->about);

    key_set(object, "device", value_string(x->gpu.text));
    key_set(object, "placement", json_string(placement_name(x->placement)));
    key_set(object, "evidence", json_string(evidence_name(x->evidence)));
    key_set(object, "confidence", value_number(x->confidence));
    key_set(object, "axis", value_string(x->axis.text));
    key_set(object, "sweep", x->is_sweep ? value_string(x->axis.text) : json_null());
    key_set(object, "from", value_number(x->point[0].size));
    key_set(object, "to", value_number(x->point[x->points - 1].size));
    key_set(object, "sizes", json_integer((json_int_t)x->points));
    key_set(object, "kind", json_string(crossover_kind_name(x->found.kind)));
    key_set(object, "low", x->found.changes ? value_number(x->found.change[0].low) : json_null());
    key_set(object, "high", x->found.changes ? value_number(x->found.change[0].high) : json_null());
    key_set(object, "changes", stretches(x->found.change, x->found.changes));
    key_set(object, "undecided", stretches(x->found.doubt, x->found.doubts));
    key_set(object, "decider", *x->decider ? value_string(x->decider) : json_null());
    key_set(object, "regret", regret(&x->regret));
    key_set(object, "text", value_string(x->text));
    return object;
}

json_t *value_split(const struct report *report, size_t i)
{
    const struct split *s = &report->split[i];
    const struct verdict *v = s->verdict;
    const struct record *about = v->contest->about;
    json_t *object = value_problem(about);

    key_set(object, "op", value_string(v->contest->op.text));
    key_set(object, "device", value_string(v->gpu->record->device.text));
    key_set(object, "placement", json_string(placement_name(v->placement)));
    key_set(object, "evidence", json_string(evidence_name(v->evidence)));
    key_set(object, "basis", json_string("derived"));
    key_set(object, "axis", value_string(about->split_axis.text));
    key_set(object, "length", json_integer(about->split_length));
    key_set(object, "cpu_units", json_integer(s->best.units));
    key_set(object, "cpu_share", value_number(s->share));
    key_time(object, s->best.us);
    key_set(object, "against", json_string(s->is_over_gpu ? "gpu" : "cpu"));
    key_ratio(object, s->best.gain);
    key_set(object, "text", value_string(s->text));
    return object;
}

json_t *value_straw(const struct report *report, size_t i)
{
    const struct straw_sum *s = &report->straw[i];
    json_t *object = json_object();

    key_set(object, "against", json_string(straw_name(s->kind)));
    key_set(object, "problems", json_integer((json_int_t)s->contests));
    key_set(object, "factor", value_number(s->median));
    key_set(object, "factor_least", s->contests ? value_number(s->least) : json_null());
    key_set(object, "factor_most", s->contests ? value_number(s->most) : json_null());
    key_set(object, "verdicts", json_integer((json_int_t)s->verdicts));
    key_set(object, "turned_to_offload", json_integer((json_int_t)s->turned));
    key_set(object, "crossings", json_integer((json_int_t)s->crossings));
    key_set(object, "crossover_factor", value_number(s->moved));
    return object;
}

json_t *value_lower(const struct report *report, size_t i)
{
    const struct lower *l = &report->lower[i];
    const struct verdict *v = &report->verdict[l->verdict];
    json_t *object = value_problem(v->contest->about);
    struct text words = {0};

    lower_write(report, l, &words);
    key_set(object, "verdict", json_integer((json_int_t)l->verdict));
    key_set(object, "placement", json_string(placement_name(v->placement)));
    key_set(object, "side", json_string(l->is_cpu ? "cpu" : "gpu"));
    key_set(object, "device", value_string(l->record->device.text));
    key_set(object, "variant", value_string(l->record->variant.text));
    key_set(object, "precision", json_string(record_precision(l->record)));
    key_set(object, "rounding_error_factor", value_number(l->error));
    key_set(object, "evidence", json_string(evidence_name(l->evidence)));
    key_time(object, l->us);
    key_set(object, "time_factor", value_number(l->share));
    key_ratio(object, l->speedup);
    key_set(object, "would_be", json_string(decision_name(l->decision)));
    key_set(object, "text", value_string(words.n ? words.data : ""));
    text_release(&words);
    return object;
}

json_t *value_ceiling(const struct report *report, size_t i)
{
    const struct ceiling *c = &report->ceiling[i];
    json_t *object = json_object();

    key_set(object, "device", value_string(c->device.text));
    key_set(object, "resource", json_string(c->is_memory ? "memory" : "compute"));
    key_set(object, "dtype", c->is_memory ? json_null() : json_string(dtype_name(c->dtype)));
    key_set(object, "per_s", value_number(c->per_s));
    key_set(object, "evidence", json_string(evidence_name(c->evidence)));
    return object;
}

json_t *value_ledger_row(const struct report *report, size_t i)
{
    const struct ledger_row *row = &report->ledger[i];
    json_t *object = value_problem(row->record), *rows = json_object();
    const double *ns = row->record->ledger_ns;

    for (int k = 0; k < LEDGERS; k++)
        key_set(rows, ledger_name((enum ledger)k), value_number(ns[k] / 1e3));
    key_set(object, "device", value_string(row->record->device.text));
    key_set(object, "variant", value_string(row->record->variant.text));
    key_set(object, "evidence", json_string(evidence_name(row->record->evidence)));
    key_set(object, "timeline",
        json_string(row->record->kind == RECORD_COLD ? "first call" : "warm call"));
    key_set(object, "placement", json_string(placement_name(row->record->placement)));
    key_set(object, "memory", json_string(memory_name(row->record->memory)));
    key_set(object, "calls", json_integer(row->record->calls));
    key_set(object, "chunks",
        row->record->chunks > 0 ? json_integer(row->record->chunks) : json_null());
    key_set(object, "rows_us", rows);
    key_set(object, "call_us",
        value_number((ns[LEDGER_LAUNCH] + ns[LEDGER_KERNEL] + ns[LEDGER_SYNC]) / 1e3));
    key_set(object, "sum_us", value_number(row->sum_ns / 1e3));
    key_set(object, "wall_us", value_number(row->wall_ns / 1e3));
    key_set(object, "whole_us", value_number(row->whole_ns / 1e3));
    key_set(object, "residual_us", value_number((row->wall_ns - row->sum_ns) / 1e3));
    key_set(object, "residual", value_number(ledger_residual(row)));
    return object;
}

static json_t *estimate(struct estimate e)
{
    return json_pack("{s:o,s:o,s:o}", "value", value_number(e.value), "low", value_number(e.low),
                     "high", value_number(e.high));
}

json_t *value_lifetime(const struct report *report, size_t i)
{
    static const char *const key[LIFETIMES] = {"one_cold_call", "one_second", "service"};
    const struct lifetime *l = &report->lifetime[i];
    json_t *object = value_problem(l->contest->about);

    key_set(object, "op", value_string(l->contest->op.text));
    key_set(object, "gpu", value_string(l->gpu->record->device.text));
    key_set(object, "evidence", json_string(evidence_name(l->evidence)));
    key_set(object, "cpu_us", estimate(l->cpu->time_us));
    key_set(object, "call_us", estimate(l->call_us));
    key_set(object, "setup_us", estimate(l->setup_us));
    key_set(object, "setup_basis", json_string(isnan(l->setup_us.value) ? "not known"
                                           : l->is_assumed          ? "assumed"
                                                                    : "measured"));
    for (int k = 0; k < LIFETIMES; k++) {
        json_t *answer = json_object();
        bool is_known = !isnan(l->speedup[k].value);

        key_set(answer, "calls", value_number(l->calls[k]));
        key_ratio(answer, l->speedup[k]);
        key_set(answer, "verdict",
                is_known ? json_string(decision_name(l->decision[k])) : json_null());
        key_set(object, key[k], answer);
    }
    key_set(object, "pays_from_calls", estimate(l->flip));
    key_set(object, "pays", value_pays(l->flip));
    key_set(object, "why", value_string(l->why));
    return object;
}

static json_t *cell(const struct record *r)
{
    json_t *object = value_problem(r);

    key_set(object, "device", value_string(r->device.text));
    key_set(object, "variant", value_string(r->variant.text));
    key_set(object, "evidence", json_string(evidence_name(r->evidence)));
    key_set(object, "outcome", json_string(outcome_name(r->outcome)));
    key_set(object, "error", value_number(r->error));
    if (r->outcome != OUTCOME_OK)
        key_set(object, "why", value_string(r->why.text));
    return object;
}

json_t *value_check(const struct report *report, size_t i)
{
    return cell(report->check[i]);
}

json_t *value_left_out(const struct report *report, size_t i)
{
    return cell(report->left_out[i]);
}
