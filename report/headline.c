/* SPDX-License-Identifier: MIT */
/* The answer in one sentence, and what stands above it. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "report/judge.h"
#include "report/stats.h"
#include "report/units.h"

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
    text_printf(out, "the first token %s as fast (prompt of %lld: %s instead of %s)",
                words_ratio_range(c->mix_speedup).text, (long long)c->context,
                words_time(c->mix_us.value).text, words_time(c->cpu_us.value).text);
}

static void say_others(const struct report *report, const struct gpu_side *said,
                       struct text *out)
{
    for (size_t g = 0; g < report->gpus; g++) {
        const struct gpu_side *gpu = &report->gpu[g];
        const struct chain *decode = find_chain(report, "decode", gpu);
        const struct chain *prefill = find_chain(report, "prefill", gpu);

        if (gpu == said || (!decode && !prefill))
            continue;
        text_printf(out, "; %s:", gpu->id.text);
        if (decode)
            text_printf(out, " decode %s", words_ratio_range(decode->mix_speedup).text);
        if (prefill)
            text_printf(out, "%s prefill %s", decode ? "," : "",
                        words_ratio_range(prefill->mix_speedup).text);
    }
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
        text_printf(out, "%s: moving %s from this CPU to %s %s ",
                    answer(decode, prefill), any->model.text, gpu->id.text,
                    any->evidence == EVIDENCE_MEASURED ? "gives" : "would give");
        if (decode)
            say_decode(decode, out);
        if (decode && prefill)
            text_add(out, " and ");
        if (prefill)
            say_prefill(prefill, out);
        say_others(report, gpu, out);
        text_printf(out, " (%s).", evidence_name(any->evidence));
        return true;
    }
    return false;
}

/* ---- the answer for a list of problems ------------------------------------------- */

struct tally {
    size_t problems, offload, stay, undecided;
    double low, high; /* of the speed-ups */
};

static struct tally count(const struct report *report, const struct gpu_side *gpu,
                          enum placement placement)
{
    struct tally t = {.low = INFINITY};

    for (size_t i = 0; i < report->verdicts; i++) {
        const struct verdict *v = &report->verdict[i];

        if (v->placement != placement ||
            strcmp(v->gpu->record->device.text, gpu->id.text) != 0)
            continue;
        t.problems++;
        t.offload += v->decision == DECISION_OFFLOAD;
        t.stay += v->decision == DECISION_STAY;
        t.undecided += v->decision == DECISION_UNDECIDED;
        t.low = fmin(t.low, v->speedup.value);
        t.high = fmax(t.high, v->speedup.value);
    }
    return t;
}

static bool say_problems(const struct report *report, struct text *out)
{
    for (size_t g = 0; g < report->gpus; g++) {
        const struct gpu_side *gpu = &report->gpu[g];
        struct tally resident = count(report, gpu, PLACEMENT_RESIDENT);
        struct tally every = count(report, gpu, PLACEMENT_EVERY);

        if (resident.problems == 0)
            continue;
        text_printf(
            out,
            "%sOf %zu problems, moving to %s %s for %zu when the data are already "
            "there (%s to %s as fast)",
            g ? " " : "", resident.problems, gpu->id.text,
            gpu->evidence == EVIDENCE_MEASURED ? "pays" : "would pay", resident.offload,
            words_ratio(resident.low).text, words_ratio(resident.high).text);
        if (every.problems)
            text_printf(out, " and for %zu when they are sent on every call",
                        every.offload);
        text_printf(out, " (%s).", evidence_name(gpu->evidence));
    }
    return out->n > 0;
}

static const char *nothing_to_say(const struct report *report)
{
    for (size_t i = 0; i < report->contests; i++)
        if (report->contest[i].gpus && !report->contest[i].cpus)
            return "No verdict: no variant on this CPU gave a right result to stand against the GPU's.";
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
