/* SPDX-License-Identifier: MIT */
/* For continuous integration: a test case per verdict (its sentence as output) and one
 * per check; wrong results and failed cells are failures, skipped cells are skipped. */
#include <math.h>

#include "report/format.h"
#include "report/report.h"

/* Control characters have no place in XML 1.0, not even escaped. */
static void add_escaped(struct text *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '&')
            text_add(out, "&amp;");
        else if (c == '<')
            text_add(out, "&lt;");
        else if (c == '>')
            text_add(out, "&gt;");
        else if (c == '"')
            text_add(out, "&quot;");
        else
            text_add_bytes(out, c < 0x20 ? " " : text, 1);
    }
}

static void add_attribute(struct text *out, const char *name, const char *value)
{
    text_printf(out, " %s=\"", name);
    add_escaped(out, value);
    text_add(out, "\"");
}

/* Opens <testcase ...; the caller closes it. */
static void open_case(struct text *out, const char *suite, const struct record *r,
                      const char *name, double us)
{
    char class[160];

    snprintf(class, sizeof class, "%s.%s.%s", suite, r->workload.text,
             dtype_name(r->dtype));
    text_add(out, "    <testcase");
    add_attribute(out, "classname", class);
    add_attribute(out, "name", name);
    if (isfinite(us))
        text_printf(out, " time=\"%.9f\"", us * 1e-6);
}

static void add_verdict(const struct verdict *v, struct text *out)
{
    const struct record *r = v->contest->about;
    char name[300];

    snprintf(name, sizeof name, "%s %s %s on %s", r->shape_text.text,
             cache_name(r->cache), placement_name(v->placement),
             v->gpu->record->device.text);
    open_case(out, "verdicts", r, name, v->cpu_us.value);
    text_printf(out, ">\n      <system-out>%s (%s): ", decision_name(v->decision),
                evidence_name(v->evidence));
    add_escaped(out, v->because);
    text_add(out, "</system-out>\n    </testcase>\n");
}

static void add_cell(const struct record *r, struct text *out)
{
    char name[300];

    snprintf(name, sizeof name, "%s %s on %s%s%s", r->shape_text.text,
             cache_name(r->cache), r->device.text, r->variant.text[0] ? ", " : "",
             r->variant.text);
    open_case(out, "checks", r, name, record_wall_us(r).value);
    if (r->outcome == OUTCOME_OK) {
        text_add(out, "/>\n");
        return;
    }
    if (r->outcome == OUTCOME_SKIPPED) {
        text_add(out, ">\n      <skipped");
        add_attribute(out, "message", r->why.text);
        text_add(out, "/>\n    </testcase>\n");
        return;
    }
    text_add(out, ">\n      <failure");
    add_attribute(out, "type", outcome_name(r->outcome));
    add_attribute(out, "message", r->why.text);
    text_add(out, "/>\n    </testcase>\n");
}

static size_t count(const struct report *report, enum outcome outcome)
{
    size_t n = 0;

    for (size_t i = 0; i < report->left_outs; i++)
        n += report->left_out[i]->outcome == outcome;
    return n;
}

/* Every check, then what never came so far; wrong cells stand in both lists. */
static void add_checks(const struct report *report, struct text *out)
{
    for (size_t i = 0; i < report->checks; i++)
        if (report->check[i]->outcome == OUTCOME_OK)
            add_cell(report->check[i], out);
    for (size_t i = 0; i < report->left_outs; i++)
        add_cell(report->left_out[i], out);
}

static size_t passed(const struct report *report)
{
    size_t n = 0;

    for (size_t i = 0; i < report->checks; i++)
        n += report->check[i]->outcome == OUTCOME_OK;
    return n;
}

static int write(const struct report *report, struct text *out, struct why *why)
{
    size_t failures = count(report, OUTCOME_WRONG) + count(report, OUTCOME_FAILED);
    size_t skipped = count(report, OUTCOME_SKIPPED),
           cells = passed(report) + report->left_outs;

    text_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text_printf(out,
                "<testsuites name=\"offload-bench\" tests=\"%zu\" failures=\"%zu\">\n",
                report->verdicts + cells, failures);
    text_printf(out, "  <testsuite name=\"verdicts\" tests=\"%zu\" failures=\"0\">\n",
                report->verdicts);
    for (size_t i = 0; i < report->verdicts; i++)
        add_verdict(&report->verdict[i], out);
    text_printf(
        out,
        "  </testsuite>\n  <testsuite name=\"checks\" tests=\"%zu\" failures=\"%zu\" "
        "skipped=\"%zu\">\n",
        cells, failures, skipped);
    add_checks(report, out);
    text_add(out, "  </testsuite>\n</testsuites>\n");
    return out->failed
               ? why_fail(why, STATUS_MEMORY, "cannot write the file: out of memory")
               : 0;
}

const struct format format_junit = {
    .name = "junit",
    .brief = "verdicts and checks for continuous integration",
    .write = write,
};
