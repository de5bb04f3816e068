/* SPDX-License-Identifier: MIT */
/* One row per verdict, for a spreadsheet or a script (RFC 4180). A missing number is an
 * empty field. */
#include <math.h>
#include <string.h>

#include "report/format.h"
#include "report/report.h"

static void add_text(struct text *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        text_add(out, text);
        return;
    }
    text_add(out, "\"");
    for (; *text; text++) {
        if (*text == '"')
            text_add(out, "\"");
        text_add_bytes(out, text, 1);
    }
    text_add(out, "\"");
}

static void add_number(struct text *out, double value)
{
    if (isfinite(value))
        text_printf(out, "%.6g", value);
}

static void add_estimate(struct text *out, struct estimate e)
{
    add_number(out, e.value);
    text_add(out, ",");
    add_number(out, e.low);
    text_add(out, ",");
    add_number(out, e.high);
}

/* The one list of columns: X(name, statement that adds the field of verdict v). */
#define COLUMNS(X)                                                                     \
    X("workload", add_text(out, v->contest->about->workload.text))                     \
    X("op", add_text(out, v->contest->op.text))                                        \
    X("dtype", add_text(out, dtype_name(v->contest->about->dtype)))                    \
    X("shape", add_text(out, v->contest->about->shape_text.text))                      \
    X("cache", add_text(out, cache_name(v->contest->about->cache)))                    \
    X("placement", add_text(out, placement_name(v->placement)))                        \
    X("calls", add_number(out, v->calls))                                              \
    X("evidence", add_text(out, evidence_name(v->evidence)))                           \
    X("cpu_variant", add_text(out, v->cpu->record->variant.text))                      \
    X("cpu_threads", add_number(out, (double)v->cpu->record->threads))                 \
    X("cpu_us,cpu_low_us,cpu_high_us", add_estimate(out, v->cpu_us))                   \
    X("cpu_bound", add_text(out, v->cpu->bound.kind.text))                             \
    X("cpu_share", add_number(out, v->cpu->bound.share))                               \
    X("gpu", add_text(out, v->gpu->record->device.text))                               \
    X("gpu_variant", add_text(out, v->gpu->record->variant.text))                      \
    X("gpu_us,gpu_low_us,gpu_high_us", add_estimate(out, v->gpu_us))                   \
    X("gpu_bound", add_text(out, v->gpu->bound.kind.text))                             \
    X("speedup,speedup_low,speedup_high", add_estimate(out, v->speedup))               \
    X("verdict", add_text(out, decision_name(v->decision)))                            \
    X("reuse_n", add_number(out, v->reuse_n.value))                                    \
    X("because", add_text(out, v->because))

static void add_row(const struct verdict *v, struct text *out)
{
    const char *comma = "";

#define X(name, statement)                                                             \
    text_add(out, comma);                                                              \
    statement;                                                                         \
    comma = ",";
    COLUMNS(X)
#undef X
    text_add(out, "\n");
}

static int write(const struct report *report, struct text *out, struct why *why)
{
#define X(name, statement) "," name
    static const char heading[] = COLUMNS(X);
#undef X

    text_printf(out, "%s\n", heading + 1);
    for (size_t i = 0; i < report->verdicts; i++)
        add_row(&report->verdict[i], out);
    return out->failed
               ? why_fail(why, STATUS_MEMORY, "cannot write the table: out of memory")
               : 0;
}

const struct format format_csv = {
    .name = "csv",
    .brief = "one row per verdict",
    .write = write,
};
