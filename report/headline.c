/* SPDX-License-Identifier: MIT */
/* The answer in one sentence, and what stands above it. */
#include <string.h>

#include "base/text.h"
#include "report/judge.h"
#include "report/stats.h"
#include "report/units.h"

/* "this CPU (2 threads)": against how much of one is the first thing that a reader must know. */
static struct words this_cpu(const struct report *report)
{
    json_int_t threads =
        json_integer_value(json_object_get(report->results->header, "threads"));
    struct words words = {"this CPU"};

    if (threads > 0)
        snprintf(words.text, sizeof words.text, "this CPU (%lld thread%s)", (long long)threads,
                 threads > 1 ? "s" : "");
    return words;
}

/* ---- the answer for a model ------------------------------------------------------ */

/* The first chain of a phase on a GPU. */
static const struct chain *find_chain(const struct report *report, const char *phase,
                                      const struct gpu_side *gpu)
{
    for (size_t i = 0; i < report->chains; i++) {
        const struct chain *c = &report->chain[i];

        if (c->gpu == gpu && strcmp(c->phase.text, phase) == 0 &&
            estimate_is_known(c->mix_speedup))
            return c;
    }
    return NULL;
}

static const char *answer(const struct chain *a, const struct chain *b)
{
    enum decision first = a ? a->decision : b->decision;

    if (a && b && a->decision != b->decision)
        return "It depends";
    return first == DECISION_OFFLOAD ? "Worth it"
           : first == DECISION_STAY  ? "Not worth it"
                                     : "Undecided";
}

static void say_decode(const struct chain *c, struct text *out)
{
    text_printf(
        out,
        "%s the tokens per second in decode (batch %lld, context %lld: %s instead of "
        "%s per second)",
        words_ratio_range(c->mix_speedup).text, (long long)c->batch,
        (long long)c->context,
        words_number(chain_tokens_per_s(c, c->mix_us).value).text,
        words_number(chain_tokens_per_s(c, c->cpu_us).value).text);
}

static void say_prefill(const struct chain *c, struct text *out)
{
    text_printf(out, "%s as fast (prompt of %lld: %s instead of %s)",
                words_ratio_range(c->mix_speedup).text, (long long)c->context,
                words_time(c->mix_us.value).text, words_time(c->cpu_us.value).text);
}

/* GPUs that a headline names beside the first one. */
enum { OTHERS_SAID = 3 };

static void say_rest(size_t rest, struct text *out)
{
    if (rest)
        text_printf(out, "; %zu more in the tables", rest);
}

static void say_others(const struct report *report, const struct gpu_side *said,
                       struct text *out)
{
    size_t n = 0;

    for (size_t g = 0; g < report->gpus; g++) {
        const struct gpu_side *gpu = &report->gpu[g];
        const struct chain *decode = find_chain(report, "decode", gpu);
        const struct chain *prefill = find_chain(report, "prefill", gpu);

        if (gpu == said || (!decode && !prefill) || n++ >= OTHERS_SAID)
            continue;
        text_printf(out, "; %s:", gpu->id.text);
        if (decode)
            text_printf(out, " decode %s", words_ratio_range(decode->mix_speedup).text);
        if (prefill)
            text_printf(out, "%s prefill %s", decode ? "," : "",
                        words_ratio_range(prefill->mix_speedup).text);
    }
    say_rest(n > OTHERS_SAID ? n - OTHERS_SAID : 0, out);
}

/* At the user's prices, where there are any: what is faster may still cost more. */
static void say_costs(const struct report *report, struct text *out)
{
    static const char *const phase[] = {"decode", "prefill"};
    const char *lead = " By cost, at the prices given: ";
    size_t n = 0;

    for (size_t g = 0; g < report->gpus; g++)
        for (size_t p = 0; p < 2; p++) {
            const struct chain *c = find_chain(report, phase[p], &report->gpu[g]);

            if (!c || !estimate_is_known(c->money.saving) || n++ >= 2 * OTHERS_SAID)
                continue;
            text_printf(out, "%s%s %s %s (%s as cheap)", lead, report->gpu[g].id.text, phase[p],
                        decision_name(c->money.decision),
                        words_ratio_range(c->money.saving).text);
            lead = "; ";
        }
    text_add(out, n ? "." : "");
}

static bool say_model(const struct report *report, struct text *out)
{
    for (size_t g = 0; g < report->gpus; g++) {
        const struct gpu_side *gpu = &report->gpu[g];
        const struct chain *decode = find_chain(report, "decode", gpu);
        const struct chain *prefill = find_chain(report, "prefill", gpu);
        const struct chain *any = decode ? decode : prefill;

        if (!any)
            continue;
        text_printf(out, "%s: moving %s from %s to %s %s ", answer(decode, prefill),
                    any->model.text, this_cpu(report).text, gpu->id.text,
                    any->evidence == EVIDENCE_MEASURED ? "gives" : "would give");
        if (decode)
            say_decode(decode, out);
        if (prefill) {
            /* what differs belongs into one sentence, the page's heading */
            bool is_apart = decode && decode->decision == prefill->decision;

            text_printf(out, "%s first token ", is_apart ? ". The" : decode ? " and the" : "the");
            if (is_apart)
                text_printf(out, "%s ",
                            prefill->evidence == EVIDENCE_MEASURED ? "comes" : "would come");
            say_prefill(prefill, out);
        }
        say_others(report, gpu, out);
        text_printf(out, " (%s).", evidence_name(any->evidence));
        say_costs(report, out);
        return true;
    }
    return false;
}

/* ---- the answer for a list of problems ------------------------------------------- */

struct tally {
    size_t problems, offload, undecided;
    const struct verdict *best;
};

static struct tally count(const struct report *report, const struct gpu_side *gpu,
                          enum placement placement)
{
    struct tally t = {0};

    for (size_t i = 0; i < report->verdicts; i++) {
        const struct verdict *v = &report->verdict[i];

        if (v->placement != placement ||
            strcmp(v->gpu->record->device.text, gpu->id.text) != 0)
            continue;
        t.problems++;
        t.offload += v->decision == DECISION_OFFLOAD;
        t.undecided += v->decision == DECISION_UNDECIDED;
        if (!t.best || v->speedup.value > t.best->speedup.value)
            t.best = v;
    }
    return t;
}

/* "1 (2 undecided)", "none". */
static struct words how_many(const struct tally *t)
{
    struct words words = {"none"};
    size_t n = 4;

    if (t->offload)
        n = (size_t)snprintf(words.text, sizeof words.text, "%zu", t->offload);
    if (t->undecided)
        snprintf(words.text + n, sizeof words.text - n, " (%zu undecided)", t->undecided);
    return words;
}

/* The sentence for one GPU, and the counts alone for those after it. */
static void say_tally(const struct report *report, const struct gpu_side *gpu, bool is_first,
                      struct text *out)
{
    struct tally resident = count(report, gpu, PLACEMENT_RESIDENT);
    struct tally every = count(report, gpu, PLACEMENT_EVERY);
    const struct verdict *best = resident.best;

    if (!is_first) {
        text_printf(out, "; on %s: %s", gpu->id.text, how_many(&resident).text);
        if (every.problems)
            text_printf(out, " and %s", how_many(&every).text);
        return;
    }
    text_printf(out, "Of %zu problem%s, moving from %s to %s %s for %s when the data are there "
                "already", resident.problems, resident.problems == 1 ? "" : "s",
                this_cpu(report).text, gpu->id.text,
                gpu->evidence == EVIDENCE_MEASURED ? "pays" : "would pay",
                how_many(&resident).text);
    if (every.problems)
        text_printf(out, " and for %s when they are sent on every call", how_many(&every).text);
    text_printf(out, ". At best, with the data there, %s %s %s %s as fast",
                best->contest->op.text, dtype_name(best->contest->about->dtype),
                gpu->evidence == EVIDENCE_MEASURED ? "is" : "would be",
                words_ratio_range(best->speedup).text);
}

static bool say_problems(const struct report *report, struct text *out)
{
    enum evidence least = EVIDENCE_MEASURED;
    size_t n = 0;

    for (size_t g = 0; g < report->gpus; g++) {
        if (count(report, &report->gpu[g], PLACEMENT_RESIDENT).problems == 0 ||
            n++ > OTHERS_SAID)
            continue;
        if (out->n && report->gpu[g].evidence != least)
            text_printf(out, " (%s)", evidence_name(least));
        least = report->gpu[g].evidence;
        say_tally(report, &report->gpu[g], out->n == 0, out);
    }
    say_rest(n > OTHERS_SAID + 1 ? n - OTHERS_SAID - 1 : 0, out);
    if (out->n)
        text_printf(out, " (%s).", evidence_name(least));
    return out->n > 0;
}

static const char *nothing_to_say(const struct report *report)
{
    for (size_t i = 0; i < report->contests; i++)
        if (report->contest[i].gpus && !report->contest[i].cpus)
            return "No verdict: no right result of this CPU is on record to stand against the GPU's.";
    return report->contests ? "No verdict: there is no GPU side to compare this CPU with."
                            : "No verdict: nothing that is judged was measured.";
}

static void write_headline(struct report *report)
{
    struct text text = {0};

    if (!sweep_headline(report, &text) && !say_model(report, &text) && !say_problems(report, &text))
        text_add(&text, nothing_to_say(report));
    snprintf(report->headline, sizeof report->headline, "%s",
             text.failed ? "" : text.data);
    text_release(&text);
}

static bool has_software(const struct report *report)
{
    for (size_t i = 0; i < report->results->records; i++)
        if (report->results->record[i].evidence == EVIDENCE_SOFTWARE)
            return true;
    return false;
}

static bool is_any_measured(const struct report *report)
{
    for (size_t i = 0; i < report->gpus; i++)
        if (report->gpu[i].evidence == EVIDENCE_MEASURED)
            return true;
    return false;
}

static void write_unmeasured(struct report *report)
{
    snprintf(
        report->caution, sizeof report->caution,
        "No GPU was measured%s%s. To raise the evidence to measured, run the same "
        "command "
        "on a machine with the GPU; `offload-bench doctor` says what it needs there.",
        report->gpus
            ? ": every GPU time is projected from a datasheet and a calibrated "
              "model, with an 80 % interval"
            : " and none was projected (--gpu NAME projects one)",
        report->gpus || !has_software(report)
            ? ""
            : "; what ran in software here proves the device code and decides nothing");
}

static void write_caution(struct report *report)
{
    const char *lesson = report_header(report, "lesson");
    size_t n;

    if (!is_any_measured(report))
        write_unmeasured(report);
    n = strlen(report->caution);
    if (*lesson)
        snprintf(report->caution + n, sizeof report->caution - n, "%sWith --calibrate, %s.",
                 n ? " " : "", lesson);
}

int judge_headline(struct report *report)
{
    write_headline(report);
    write_caution(report);
    return 0;
}
