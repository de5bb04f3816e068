/* SPDX-License-Identifier: MIT */
/* The answer in one sentence, what stands above it, and the notes under it. */
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

/* ---- notes ----------------------------------------------------------------------- */

static int note_missing(struct report *report)
{
    const json_t *missing = json_object_get(report->results->header, "missing");
    int status = 0;

    for (size_t i = 0; i < json_array_size(missing) && !status; i++) {
        const json_t *row = json_array_get(missing, i);
        const char *what = json_string_value(json_object_get(row, "what"));
        const char *why = json_string_value(json_object_get(row, "why"));

        if (what && why)
            status = report_note(report, "not measured: %s: %s", what, why);
    }
    return status;
}

static int note_contended(struct report *report)
{
    size_t rounds = 0, contended = 0, cells = 0;

    for (size_t i = 0; i < report->results->records; i++) {
        const struct record *r = &report->results->record[i];

        rounds += r->wall_ns.n;
        contended += r->contended.n;
        cells += r->contended.n > 0;
    }
    return contended == 0
               ? 0
               : report_note(report,
                             "%zu of %zu samples, in %zu cells, were set aside: the "
                             "system took the processor away meanwhile",
                             contended, rounds, cells);
}

static int note_disturbed(struct report *report)
{
    size_t cells = 0;

    for (size_t i = 0; i < report->contests; i++)
        cells += report->contest[i].cpus && report->contest[i].cpu->is_disturbed;
    return cells == 0 ? 0
                      : report_note(
                            report,
                            "%zu of %zu CPU times are upper bounds, because other work "
                            "disturbed every one of their rounds: their intervals "
                            "reach down to what the ceilings allow; run again on a "
                            "quiet machine",
                            cells, report->contests);
}

/* GPU times that nothing on the CPU stands against. */
static int note_alone(struct report *report)
{
    const struct record *first = NULL;
    size_t alone = 0;

    for (size_t i = 0; i < report->contests; i++)
        if (report->contest[i].gpus && !report->contest[i].cpus) {
            first = first ? first : report->contest[i].about;
            alone++;
        }
    return alone == 0
               ? 0
               : report_note(report,
                             "%zu problem%s (%s in %s%s) without a verdict: no variant on this CPU "
                             "gave a right result to stand against the GPU's%s",
                             alone, alone == 1 ? "" : "s", first->workload.text,
                             dtype_name(first->dtype), alone == 1 ? "" : " and others",
                             first->dtype == DTYPE_E4M3
                                 ? "; no library for CPUs here multiplies e4m3 (fp8), and the plain "
                                   "reference does not compete"
                                 : "");
}

static int note_pages(struct report *report)
{
    size_t small = 0, known = 0;

    for (size_t i = 0; i < report->contests; i++)
        for (size_t k = 0; k < report->contest[i].cpus; k++) {
            const struct record *r = report->contest[i].cpu[k].record;

            if (r->page_bytes == 0 || r->bytes_read + r->bytes_written < 4e6)
                continue;
            known++;
            small += r->page_bytes <= 65536;
        }
    return small == 0
               ? 0
               : report_note(report,
                             "%zu of %zu CPU cells with more than 4 MB of data lay on "
                             "small pages: with huge pages (echo madvise > "
                             "/sys/kernel/mm/transparent_hugepage/enabled) "
                             "memory-bound times may fall",
                             small, known);
}

/* What a weak CPU side would have made of it. */
static int note_strawmen(struct report *report)
{
    int status = 0;

    for (int k = 0; k < STRAWS && !status; k++) {
        const struct straw_sum *s = &report->straw[k];
        char turned[80] = "", moved[128] = "";

        if (!s->contests)
            continue;
        if (s->verdicts)
            snprintf(turned, sizeof turned, ", and %zu of %zu verdicts more would say offload",
                     s->turned, s->verdicts);
        if (s->crossings && s->moved > 1.01)
            snprintf(moved, sizeof moved, "; the size at which it wins would be %s smaller",
                     words_ratio(s->moved).text);
        status = report_note(report,
                             "straw man: against %s of this CPU any GPU would look %s better "
                             "(%s to %s, %zu problems)%s%s",
                             straw_name(s->kind), words_ratio(s->median).text,
                             words_ratio(s->least).text, words_ratio(s->most).text, s->contests,
                             turned, moved);
    }
    return status;
}

static int note_software(struct report *report)
{
    size_t cells = 0, wrong = 0;

    for (size_t i = 0; i < report->results->records; i++) {
        const struct record *r = &report->results->record[i];

        cells += r->evidence == EVIDENCE_SOFTWARE &&
                 (r->outcome == OUTCOME_OK || r->outcome == OUTCOME_WRONG);
        wrong += r->evidence == EVIDENCE_SOFTWARE && r->outcome == OUTCOME_WRONG;
    }
    return cells == 0
               ? 0
               : report_note(report,
                             "the device code ran in software in %zu cells (OpenCL on this CPU, "
                             "or an emulated GPU), %zu of them wrong: this proves the code, its "
                             "times say nothing about GPUs",
                             cells, wrong);
}

static int note_transfers(struct report *report)
{
    for (size_t g = 0; g < report->gpus; g++) {
        struct tally resident = count(report, &report->gpu[g], PLACEMENT_RESIDENT);
        struct tally every = count(report, &report->gpu[g], PLACEMENT_EVERY);

        if (every.problems < resident.problems &&
            report_note(
                report,
                "%s: the transfer times of %zu problems are not known, so only the "
                "resident placement is judged there",
                report->gpu[g].id.text, resident.problems - every.problems))
            return STATUS_MEMORY;
    }
    return 0;
}

struct span {
    const char *at;
    size_t n;
};

/* What is said of a projection but its model and number type: "calibrated on other
 * generations only" of "matrix product model; calibrated on other generations only (bf16)". */
static struct span caution_of(const struct record *r)
{
    const char *at = strstr(r->note.text, "; ");

    at = at ? at + 2 : r->note.text;
    return (struct span){at, strcspn(at, "(;")};
}

/* Said once, when it is the same of every GPU time that was projected. */
static int note_projected(struct report *report)
{
    struct span shared = {NULL, 0};

    for (size_t i = 0; i < report->verdicts; i++) {
        const struct record *r = report->verdict[i].gpu->record;
        struct span here = caution_of(r);

        if (r->kind != RECORD_PROJECTION)
            continue;
        if (here.n == 0 ||
            (shared.at && (here.n != shared.n || strncmp(here.at, shared.at, here.n) != 0)))
            return 0;
        shared = here;
    }
    while (shared.n > 0 && shared.at[shared.n - 1] == ' ')
        shared.n--;
    return shared.n == 0 ? 0
                         : report_note(report, "every projected time: %.*s", (int)shared.n,
                                       shared.at);
}

static int note_method(struct report *report)
{
    const json_t *notes = json_object_get(report->results->header, "suite_notes");
    int status = 0;

    for (size_t i = 0; i < json_array_size(notes) && !status; i++) {
        const char *note = json_string_value(json_array_get(notes, i));

        if (note && *note)
            status = report_note(report, "%s", note);
    }
    for (size_t i = 0; i < report->results->notes && !status; i++)
        status = report_note(report, "%s", report->results->note[i]);
    if (!status && report->verdicts)
        status = report_note(
            report,
            "a measured interval is the 95 %% interval of a median, a "
            "projected one 80 %%; a speed-up's interval combines both sides' "
            "extremes; offload needs all of it above %.2fx, stay all of it "
            "below",
            1 + VERDICT_TIE);
    if (!status && report->verdicts)
        status = report_note(
            report,
            "placements: resident - the data are on the GPU already; once - "
            "weights and caches are sent once for %d calls, activations and "
            "results on each; every - everything is sent on each call",
            ONCE_CALLS);
    if (!status && report->chains && report->gpus)
        status = report_note(
            report, "a model's GPU time launches every operation from the host one "
                    "by one; token ids and logits over the link are left out "
                    "(kilobytes per token)");
    return status;
}

int judge_headline(struct report *report)
{
    static int (*const note[])(struct report *) = {
        note_method,    note_missing, note_contended, note_disturbed,
        note_transfers, note_alone,   note_pages,     note_strawmen,
        note_precision, note_software, note_projected,
    };
    int status = 0;

    write_headline(report);
    write_caution(report);
    for (size_t i = 0; i < sizeof note / sizeof *note && !status; i++)
        status = note[i](report);
    return status;
}
