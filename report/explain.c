/* SPDX-License-Identifier: MIT */
/* Why, in one sentence: what each side reaches of what limits it, then what decides.
 * Rates and shares are printed only where they are known. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "report/judge.h"
#include "report/stats.h"
#include "report/units.h"

/* The link decides when it takes more than this share of the GPU's time. */
static const double link_decides = 0.5;

static bool is_bound(const struct bound *b, const char *kind)
{
    return strcmp(b->kind.text, kind) == 0;
}

static const char *would(const struct contender *gpu)
{
    return gpu->record->kind == RECORD_PROJECTION ? "would " : "";
}

/* "s" of the third person, which a conditional has not. */
static const char *person(const struct contender *gpu)
{
    return gpu->record->kind == RECORD_PROJECTION ? "" : "s";
}

static double bytes_of(const struct record *r)
{
    return r->bytes_read + r->bytes_written;
}

static void cpu_phrase(const struct contender *cpu, struct text *out)
{
    const struct record *r = cpu->record;
    const struct bound *b = &cpu->bound;

    text_printf(out, "the CPU (%s%s%s) ", r->variant.text, *r->nodes.text ? ", " : "",
                r->nodes.text);
    if (cpu->is_disturbed)
        text_printf(out, "needs at most %s (other work disturbed every round%s)",
                    words_time(cpu->time_us.value).text,
                    record_is_disturbed(r) ? "" : " on more threads");
    else if (is_bound(b, "memory"))
        text_printf(out, "moves %s at %s, %s of its DRAM rate",
                    words_si(bytes_of(r), "B").text,
                    words_si(b->bytes_per_s, "B/s").text, words_percent(b->share).text);
    else if (is_bound(b, "cache"))
        text_printf(out, "moves %s at %s, from its caches",
                    words_si(bytes_of(r), "B").text,
                    words_si(b->bytes_per_s, "B/s").text);
    else if (is_bound(b, "compute"))
        text_printf(out, "computes at %s, %s of its %s peak",
                    words_si(b->flops_per_s, "FLOP/s").text,
                    words_percent(b->share).text, dtype_name(r->dtype));
    else if (is_bound(b, "latency"))
        text_printf(out, "needs %s, most of it the cost of a call",
                    words_time(cpu->time_us.value).text);
    else
        text_printf(out, "needs %s", words_time(cpu->time_us.value).text);
}

/* Value per call that a probe saw, by name; NAN when none did or it is suspect. */
static double counted(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->measures; i++)
        if (strcmp(r->measure[i].name.text, name) == 0 && !r->measure[i].is_suspect)
            return r->measure[i].value;
    return NAN;
}

/* What hardware counters say of the CPU's side, where there are any. */
static void counter_phrase(const struct record *r, struct text *out)
{
    double per_cycle = counted(r, "instructions") / counted(r, "cycles");
    double fetched = counted(r, "memory_fetched");

    if (per_cycle > 0)
        text_printf(out, " (counters: %s instructions a cycle%s", words_number(per_cycle).text,
                    fetched > 0 ? "" : ")");
    if (per_cycle > 0 && fetched > 0)
        text_printf(out, ", %s fetched)", words_si(fetched, "B").text);
}

static void gpu_phrase(const struct contender *gpu, struct text *out)
{
    const struct record *r = gpu->record;
    const struct bound *b = &gpu->bound;
    const char *s = person(gpu);

    text_printf(out, "%s %s", r->device.text, would(gpu));
    if (is_bound(b, "memory") && bytes_of(r) > 0)
        text_printf(out, "move%s %s at %s", s, words_si(bytes_of(r), "B").text,
                    words_si(b->bytes_per_s, "B/s").text);
    else if (is_bound(b, "compute") && r->flops > 0)
        text_printf(out, "compute%s at %s", s, words_si(b->flops_per_s, "FLOP/s").text);
    else if (is_bound(b, "latency"))
        text_printf(out, "need%s %s, most of it launch and latency", s,
                    words_time(gpu->time_us.value).text);
    else if (is_bound(b, "instructions"))
        text_printf(out, "need%s %s, mostly to issue instructions", s,
                    words_time(gpu->time_us.value).text);
    else
        text_printf(out, "need%s %s", s, words_time(gpu->time_us.value).text);
}

/* What a call pays for the link; the sent bytes depend on the placement. */
static void link_phrase(const struct verdict *v, double share, struct text *out)
{
    const struct record *r = v->gpu->record;
    double sent = v->placement == PLACEMENT_EVERY
                      ? r->upload_bytes
                      : r->upload_bytes - r->stationary_bytes * (1 - 1 / v->calls);

    text_printf(out, "%s %sspend%s %s of %s a call on the link (%s up, %s down)",
                r->device.text, would(v->gpu), person(v->gpu),
                words_percent(share).text, words_time(v->gpu_us.value).text,
                words_si(sent, "B").text, words_si(r->download_bytes, "B").text);
}

/* A GPU that loses takes so many times as long: "0.11x as fast" is hard to read. */
static void conclusion(const struct verdict *v, struct text *out)
{
    struct estimate s = v->speedup;
    bool is_projected = *would(v->gpu);

    if (v->decision == DECISION_UNDECIDED)
        text_printf(out, ": %s, the speed-up lies within %s",
                    v->cpu->is_disturbed ? "not known well enough" : "too close to call",
                    words_ratio_range(s).text);
    else if (s.value >= 1)
        text_printf(out, ": the GPU %s %s as fast (%s)", is_projected ? "would be" : "is",
                    words_ratio(s.value).text, words_ratio_range(s).text);
    else
        text_printf(out, ": the GPU %s %s as long (%s)", is_projected ? "would take" : "takes",
                    words_ratio(1 / s.value).text,
                    words_ratio_range((struct estimate){1 / s.value, 1 / s.high, 1 / s.low}).text);
}

/* What limits a side, as the object of "limited by". */
static const char *limit_of(const struct bound *b, const char *latency)
{
    return is_bound(b, "memory")         ? "memory bandwidth"
           : is_bound(b, "cache")        ? "its caches"
           : is_bound(b, "compute")      ? "arithmetic"
           : is_bound(b, "instructions") ? "issuing instructions"
           : is_bound(b, "latency")      ? latency
                                         : b->kind.text;
}

/* How the two bounds stand against each other; nothing where one is not known. */
static void decider(const struct verdict *v, double share, struct text *out)
{
    const char *cpu = limit_of(&v->cpu->bound, "the cost of a call"),
               *gpu = limit_of(&v->gpu->bound, "launch and latency");

    if (share > link_decides)
        text_add(out, "; the link decides");
    else if (is_bound(&v->cpu->bound, "latency") && is_bound(&v->gpu->bound, "latency"))
        text_add(out, "; fixed costs decide on both sides");
    else if (*cpu && strcmp(cpu, gpu) == 0)
        text_printf(out, "; both are limited by %s",
                    is_bound(&v->cpu->bound, "cache") ? "their caches" : cpu);
    else if (*cpu && *gpu)
        text_printf(out, "; the CPU is limited by %s, the GPU by %s", cpu, gpu);
}

static void because(const struct verdict *v, struct text *out)
{
    double share = 1 - v->gpu->time_us.value / v->gpu_us.value;

    cpu_phrase(v->cpu, out);
    counter_phrase(v->cpu->record, out);
    text_add(out, "; ");
    if (share > link_decides)
        link_phrase(v, share, out);
    else
        gpu_phrase(v->gpu, out);
    decider(v, share, out);
    conclusion(v, out);
}

/* ---- what would change it -------------------------------------------------------- */

static void flip_by_reuse(const struct verdict *v, struct text *out)
{
    double n = v->reuse_n.value;

    if (v->decision == DECISION_UNDECIDED)
        text_add(out, v->cpu->is_disturbed ? "a quiet machine would decide"
                      : v->evidence == EVIDENCE_PROJECTED
                          ? "the GPU itself, measured, would decide"
                          : "more rounds would decide");
    else if (isnan(v->reuse_n.low)) /* transfers unknown */
        return;
    else if (isnan(n))
        text_printf(out, "%s: %s",
                    v->gpu->time_us.value < v->cpu_us.value
                        ? "pays only where inputs and results stay on the GPU"
                        : "no link is fast enough",
                    v->reuse_why);
    else if (v->decision == DECISION_STAY && n > v->calls)
        text_printf(out, "pays once %s calls share one upload", words_count(n).text);
    else if (v->decision == DECISION_OFFLOAD && n > 1)
        text_printf(out, "pays as long as at least %s calls share one upload",
                    words_count(n).text);
    else if (v->decision == DECISION_OFFLOAD)
        text_printf(out, "holds until the CPU is %s as fast",
                    words_ratio(v->speedup.low).text);
}

/* How much the choice of the CPU variant matters. */
static void flip_by_runner_up(const struct verdict *v, struct text *out)
{
    const struct contest *contest = v->contest;
    const char *best = contest->cpu->record->variant.text;

    for (size_t i = 1; i < contest->cpus; i++) {
        const struct contender *c = &contest->cpu[i];

        if (strcmp(c->record->variant.text, best) == 0) /* the same on other threads */
            continue;
        text_printf(out, "%sagainst the runner-up on the CPU, %s, it would read %s",
                    out->n ? "; " : "", c->record->variant.text,
                    words_ratio(c->time_us.value / v->gpu_us.value).text);
        return;
    }
}

void verdict_explain(const struct report *report, struct verdict *v)
{
    struct text text = {0};

    (void)report;
    because(v, &text);
    snprintf(v->because, sizeof v->because, "%s", text.failed ? "" : text.data);
    text_release(&text);
    flip_by_reuse(v, &text);
    flip_by_runner_up(v, &text);
    snprintf(v->flip, sizeof v->flip, "%s", text.n ? text.data : "");
    text_release(&text);
}

/* ---- chains ---------------------------------------------------------------------- */

/* The operation that takes most of the CPU's time. */
static const struct chain_step *heaviest(const struct chain *chain)
{
    const struct chain_step *top = NULL;

    for (size_t i = 0; i < chain->steps; i++)
        if (!top || chain->step[i].cpu_us.value > top->cpu_us.value)
            top = &chain->step[i];
    return top;
}

static void explain_gpu(const struct chain *chain, struct text *out)
{
    const char *gpu = chain->gpu->id.text;
    double weights = chain->weight_bytes, memory = chain->gpu->memory_bytes;

    if (estimate_is_known(chain->gpu_us))
        text_printf(out, "; on %s all of it %s %s (%s as fast, %s)", gpu,
                    chain->evidence == EVIDENCE_MEASURED ? "takes" : "would take",
                    words_time(chain->gpu_us.value).text,
                    words_ratio(chain->speedup.value).text,
                    words_ratio_range(chain->speedup).text);
    if (chain->moved > 0 && chain->moved < (double)chain->steps)
        text_printf(out, "; the best plan moves %.0f of %zu operations (%s)",
                    chain->moved, chain->steps,
                    words_ratio_range(chain->mix_speedup).text);
    else if (chain->moved == 0)
        text_add(out, "; no operation is worth moving");
    if (weights > 0 && memory > 0)
        text_printf(out, "; weights and caches, %s, %s its %s of memory",
                    words_si(weights, "B").text,
                    weights < memory ? "fit" : "do not fit",
                    words_si(memory, "B").text);
}

void chain_explain(const struct report *report, struct chain *chain)
{
    const struct chain_step *top = heaviest(chain);
    struct text text = {0};

    (void)report;
    if (!estimate_is_known(chain->cpu_us)) {
        snprintf(chain->because, sizeof chain->because,
                 "%.0f of %zu operations have no CPU time, so the sum is not known",
                 chain->missing, chain->steps);
        return;
    }
    text_printf(&text, "a pass takes the CPU %s, %s of it in %s",
                words_time(chain->cpu_us.value).text,
                words_percent(top->cpu_share).text, top->op.text);
    if (chain->gpu)
        explain_gpu(chain, &text);
    snprintf(chain->because, sizeof chain->because, "%s", text.failed ? "" : text.data);
    text_release(&text);
}
