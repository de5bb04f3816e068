/* SPDX-License-Identifier: MIT */
/* The notes under the answer: what was not measured, what disturbed the measurements, what the
 * words mean. */
#include <string.h>

#include "base/text.h"
#include "report/judge.h"
#include "report/units.h"

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
                            "disturbed every one of their rounds, or of the same code's on "
                            "more threads: their intervals reach down to what the ceilings "
                            "and threads allow; run again on a quiet machine",
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
                             "%zu problem%s (%s in %s%s) without a verdict: no right result of this "
                             "CPU is on record to stand against the GPU's%s",
                             alone, alone == 1 ? "" : "s", first->workload.text,
                             dtype_name(first->dtype), alone == 1 ? "" : " and others",
                             first->dtype == DTYPE_E4M3
                                 ? "; no library for CPUs here multiplies e4m3 (fp8), and the plain "
                                   "reference does not compete"
                                 : "");
}

bool environment_weakens(const char *name)
{
    static const char *const weakens[] = {
        "OPENBLAS_CORETYPE",  "OPENBLAS_NUM_THREADS", "BLIS_ARCH_TYPE",
        "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA",     "MKL_ENABLE_INSTRUCTIONS",
        "OFFLOAD_BENCH_ISA"};

    for (size_t i = 0; i < sizeof weakens / sizeof *weakens; i++)
        if (strcmp(name, weakens[i]) == 0)
            return true;
    return false;
}

/* A strong CPU side is worth little when its libraries were told to be slow. */
static int note_environment(struct report *report)
{
    json_t *machine = json_object_get(report->results->header, "machine"), *value;
    struct text set = {0};
    const char *name;
    int status = 0;

    json_object_foreach(json_object_get(machine, "environment"), name, value)
        if (json_is_string(value) && environment_weakens(name))
            text_printf(&set, "%s%s=%s", set.n ? ", " : "", name, json_string_value(value));
    if (set.n && !set.failed)
        status = report_note(report, "%s in the environment may have made a CPU library slower than "
                             "it is; hint: unset it and run again", set.data);
    status = set.failed ? STATUS_MEMORY : status;
    text_release(&set);
    return status;
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

/* Which layout over NUMA nodes set the bar, where several were tried. */
static int note_nodes(struct report *report)
{
    size_t tried = 0, dealt = 0, one = 0;

    for (size_t i = 0; i < report->contests; i++) {
        const struct contest *c = &report->contest[i];
        bool is_tried = false;

        for (size_t k = 0; k < c->cpus && !is_tried; k++)
            is_tried = *c->cpu[k].record->nodes.text;
        tried += is_tried;
        dealt += is_tried && strncmp(c->cpu->record->nodes.text, "inter", 5) == 0;
        one += is_tried && strncmp(c->cpu->record->nodes.text, "node", 4) == 0;
    }
    return tried == 0 ? 0
                      : report_note(report,
                                    "NUMA: of %zu problems %zu are fastest with pages interleaved "
                                    "over the nodes, %zu on one node alone, %zu as the system lays "
                                    "them", tried, dealt, one, tried - dealt - one);
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
            snprintf(turned, sizeof turned, ", and %zu more of %zu verdicts would say offload",
                     s->turned, s->verdicts);
        if (s->crossings && s->moved > 1.01)
            snprintf(moved, sizeof moved, "; the size at which it wins would be %s smaller",
                     words_ratio(s->moved).text);
        status = report_note(report,
                             "straw man: judged by %s on this CPU instead, any GPU would look %s better "
                             "(%s to %s, %zu problem%s)%s%s",
                             straw_name(s->kind), words_ratio(s->median).text,
                             words_ratio(s->least).text, words_ratio(s->most).text, s->contests,
                             s->contests == 1 ? "" : "s", turned, moved);
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

static size_t verdicts_at(const struct report *report, const char *gpu, enum placement placement)
{
    size_t n = 0;

    for (size_t i = 0; i < report->verdicts; i++)
        n += report->verdict[i].placement == placement &&
             strcmp(report->verdict[i].gpu->record->device.text, gpu) == 0;
    return n;
}

static int note_transfers(struct report *report)
{
    for (size_t g = 0; g < report->gpus; g++) {
        const char *gpu = report->gpu[g].id.text;
        size_t resident = verdicts_at(report, gpu, PLACEMENT_RESIDENT);
        size_t every = verdicts_at(report, gpu, PLACEMENT_EVERY);

        if (every < resident &&
            report_note(
                report,
                "%s: the transfer times of %zu problems are not known, so only the "
                "resident placement is judged there",
                gpu, resident - every))
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

int judge_notes(struct report *report)
{
    static int (*const note[])(struct report *) = {
        note_method,    note_missing, note_contended, note_disturbed, note_transfers,
        note_alone,     note_environment, note_pages, note_nodes, note_strawmen,  note_precision,
        note_precision_passes, note_software, note_projected,
    };
    int status = 0;

    for (size_t i = 0; i < sizeof note / sizeof *note && !status; i++)
        status = note[i](report);
    return status;
}
