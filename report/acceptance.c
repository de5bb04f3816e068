/* SPDX-License-Identifier: MIT */
/* Limits are wide: each check is to catch what is wrong by a factor, on GPUs nobody here has
 * seen; what is a few percent off shows in the report. */
#include "report/acceptance.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pcie.h"
#include "report/stats.h"

const struct acceptance_row acceptance_checks[] = {
    {"result", "every element of every output, against the reference in double"},
    {"event and wall", "time by events within time by the host's clock"},
    {"event and activity", "time by events, and by CUPTI's records of the same kernels"},
    {"records", "no activity record dropped"},
    {"ledger", "rows of a placement add up to its wall time"},
    {"counters", "operations and L2 bytes counted, against the analytic ones"},
    {"no tf32", "f32 is computed in f32"},
    {"link", "pinned transfers, against the peak of the PCIe link that NVML names"},
    {"cuBLASLt", "own matrix products, against the vendor's"},
    {"attention", "attention, against the roofline of the best gemm and stream here"},
    {NULL, NULL},
};

/* Both times below it are mostly launch. */
static const double short_ns = 20e3;

const char *acceptance_name(enum acceptance_result result)
{
    static const char *const name[] = {
#define X(value, text) text,
        ACCEPTANCE_MAP(X)
#undef X
    };

    return name[result];
}

struct judge {
    struct acceptance *out;
    const struct results *results;
    bool failed; /* out of memory */
};

static void say(struct judge *j, const char *name, const struct record *r,
                enum acceptance_result result, double value, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static void say(struct judge *j, const char *name, const struct record *r,
                enum acceptance_result result, double value, const char *format, ...)
{
    struct check check = {.result = result, .name = name, .value = value}, *grown;
    va_list args;

    snprintf(check.subject, sizeof check.subject, "%.40s %.60s %s%s, %.30s on %.30s",
             r->workload.text, r->shape_text.text, dtype_name(r->dtype),
             r->cache == CACHE_COLD ? " cold" : "", r->variant.text, r->device.text);
    va_start(args, format);
    vsnprintf(check.says, sizeof check.says, format, args);
    va_end(args);
    grown = realloc(j->out->check, (j->out->checks + 1) * sizeof *grown);
    if (!grown) {
        j->failed = true;
        return;
    }
    j->out->check = grown;
    j->out->check[j->out->checks++] = check;
    j->out->count[result]++;
}

static const struct measure *measure_of(const struct record *r, const char *probe,
                                        const char *name)
{
    for (size_t i = 0; i < r->measures; i++)
        if (strcmp(r->measure[i].probe.text, probe) == 0 &&
            strcmp(r->measure[i].name.text, name) == 0)
            return &r->measure[i];
    return NULL;
}

static double measured(const struct record *r, const char *probe, const char *name)
{
    const struct measure *m = measure_of(r, probe, name);

    return m ? m->value : NAN;
}

/* What the probe said when it could not look, or that it was not there. */
static const char *absence(const struct record *r, const char *probe)
{
    for (size_t i = 0; i < r->measures; i++)
        if (strcmp(r->measure[i].probe.text, probe) == 0 && r->measure[i].why[0])
            return r->measure[i].why;
    return "the probe was not there; hint: offload-bench doctor";
}

/* ---- one record ------------------------------------------------------------------------- */

static void check_result(struct judge *j, const struct record *r)
{
    enum acceptance_result result = r->outcome == OUTCOME_OK        ? ACCEPTANCE_PASS
                                    : r->outcome == OUTCOME_SKIPPED ? ACCEPTANCE_ABSENT
                                                                    : ACCEPTANCE_FAIL;

    say(j, "result", r, result, r->error, "%.220s",
        r->outcome == OUTCOME_OK ? "largest error over its bound" : r->why.text);
}

static void check_wall(struct judge *j, const struct record *r, double event_ns)
{
    double wall_ns = stats_series_median(&r->wall_ns), ratio = event_ns / wall_ns;

    say(j, "event and wall", r, ratio > 0 && ratio <= 1.02 ? ACCEPTANCE_PASS : ACCEPTANCE_FAIL,
        ratio, "events %.2f us, wall %.2f us", event_ns / 1e3, wall_ns / 1e3);
}

bool acceptance_times_agree(double activity_ns, double event_ns)
{
    double ratio = activity_ns / event_ns;

    return !(event_ns >= short_ns) || (ratio > 0.5 && ratio < 1.25);
}

static void check_activity(struct judge *j, const struct record *r, double event_ns)
{
    double activity_ns = (measured(r, "cupti_activity", "kernel_time") +
                          measured(r, "cupti_activity", "copy_time") +
                          measured(r, "cupti_activity", "fill_time")) * 1e9;
    double dropped = measured(r, "cupti_activity", "dropped"), ratio = activity_ns / event_ns;

    if (isnan(activity_ns)) {
        say(j, "event and activity", r, ACCEPTANCE_ABSENT, NAN, "%.220s",
            absence(r, "cupti_activity"));
        return;
    }
    if (event_ns >= short_ns)
        say(j, "event and activity", r,
            acceptance_times_agree(activity_ns, event_ns) ? ACCEPTANCE_PASS : ACCEPTANCE_FAIL, ratio,
            "activity %.2f us, events %.2f us", activity_ns / 1e3, event_ns / 1e3);
    say(j, "records", r, dropped == 0 ? ACCEPTANCE_PASS : ACCEPTANCE_FAIL, dropped,
        "records dropped per call");
}

static void check_counter(struct judge *j, const struct record *r, const char *name,
                          double analytic)
{
    const struct measure *m = measure_of(r, "cupti_counters", name);

    if (m && !isnan(m->value) && analytic > 0)
        say(j, "counters", r, m->is_suspect ? ACCEPTANCE_FAIL : ACCEPTANCE_PASS,
            m->value / analytic, "%s counted %.4g, analytic %.4g", name, m->value, analytic);
}

static void check_counters(struct judge *j, const struct record *r)
{
    double tf32 = measured(r, "cupti_counters", "tensor_ops_tf32");

    if (isnan(measured(r, "cupti_counters", "gpu_time"))) {
        say(j, "counters", r, ACCEPTANCE_ABSENT, NAN, "%.220s", absence(r, "cupti_counters"));
        return;
    }
    check_counter(j, r, "fp_ops", r->flops);
    check_counter(j, r, "l2_bytes", r->bytes_read + r->bytes_written);
    if (r->dtype == DTYPE_F32 && r->flops > 0 && !isnan(tf32) &&
        !strstr(r->variant.text, "tf32"))
        say(j, "no tf32", r, tf32 > 0.01 * r->flops ? ACCEPTANCE_FAIL : ACCEPTANCE_PASS,
            tf32 / r->flops, "operations on tensor cores in tf32 over all");
}

static void check_link(struct judge *j, const struct record *r)
{
    double peak = pcie_lane_bytes_per_s(measured(r, "nvml", "pcie_generation")) *
                  measured(r, "nvml", "pcie_width");
    double rate = r->bytes_read / stats_series_median(&r->wall_ns) * 1e9, ratio = rate / peak;

    if (strcmp(r->workload.text, "transfer") != 0 || r->memory != MEMORY_PINNED ||
        r->bytes_read < 16e6)
        return;
    if (isnan(peak))
        say(j, "link", r, ACCEPTANCE_ABSENT, NAN, "%.2f GB/s; %.180s", rate / 1e9,
            absence(r, "nvml"));
    else
        say(j, "link", r,
            ratio > 1.02   ? ACCEPTANCE_FAIL
            : ratio >= 0.6 ? ACCEPTANCE_PASS
                           : ACCEPTANCE_SLOW,
            ratio, "%.2f GB/s of %.2f GB/s%s", rate / 1e9, peak / 1e9,
            ratio > 1.02 ? ": faster than this link can be" : "");
}

/* Rows of one timeline: what they leave out, or count twice, is more than noise. */
static void check_ledger(struct judge *j, const struct record *r)
{
    double wall_ns = isnan(r->parts_ns) ? stats_series_median(&r->wall_ns) : r->parts_ns;
    double sum = 0, residual;

    for (int i = 0; i < LEDGERS; i++)
        sum += isnan(r->ledger_ns[i]) ? 0 : r->ledger_ns[i];
    residual = (wall_ns - sum) / wall_ns;
    if (!isnan(residual))
        say(j, "ledger", r,
            fabs(wall_ns - sum) <= 0.1 * wall_ns + 5e3 ? ACCEPTANCE_PASS : ACCEPTANCE_FAIL,
            residual, "%s: rows %.2f us, wall %.2f us", placement_name(r->placement), sum / 1e3,
            wall_ns / 1e3);
}

/* ---- one problem ------------------------------------------------------------------------ */

static bool is_timed(const struct record *r)
{
    return r->kind == RECORD_CELL && r->device_kind == DEVICE_CUDA &&
           r->evidence == EVIDENCE_MEASURED && r->outcome == OUTCOME_OK && r->wall_ns.n > 0;
}

static double time_ns(const struct record *r)
{
    double event_ns = stats_series_median(&r->kernel_ns);

    return event_ns > 0 ? event_ns : stats_series_median(&r->wall_ns);
}

static bool is_same_problem(const struct record *a, const struct record *b)
{
    return strcmp(a->workload.text, b->workload.text) == 0 &&
           strcmp(a->shape_text.text, b->shape_text.text) == 0 && a->dtype == b->dtype &&
           a->cache == b->cache && strcmp(a->device.text, b->device.text) == 0;
}

/* The fastest timed record of the problem that is (or is not) cuBLASLt's, or NULL. */
static const struct record *fastest(const struct judge *j, const struct record *problem,
                                    bool is_vendors)
{
    const struct record *best = NULL;

    for (size_t i = 0; i < j->results->records; i++) {
        const struct record *r = &j->results->record[i];

        if (is_timed(r) && is_same_problem(r, problem) &&
            is_vendors == (strstr(r->provider.text, "cuBLASLt") != NULL) &&
            (!best || time_ns(r) < time_ns(best)))
            best = r;
    }
    return best;
}

/* Once per problem: at its fastest own variant. */
static void check_vendor(struct judge *j, const struct record *r)
{
    const struct record *vendors;
    double ratio;

    if (strncmp(r->workload.text, "gem", 3) != 0 || fastest(j, r, false) != r)
        return;
    vendors = fastest(j, r, true);
    if (!vendors) {
        say(j, "cuBLASLt", r, ACCEPTANCE_ABSENT, NAN, "no cuBLASLt variant ran on this problem");
        return;
    }
    ratio = time_ns(vendors) / time_ns(r);
    say(j, "cuBLASLt", r, ratio >= 0.5 ? ACCEPTANCE_PASS : ACCEPTANCE_SLOW, ratio,
        "own %.2f us, cuBLASLt %.2f us (%.60s)", time_ns(r) / 1e3, time_ns(vendors) / 1e3,
        vendors->variant.text);
}

/* Highest rate that records of `workload` reached on the device. */
static double best_rate(const struct judge *j, const struct record *like, const char *workload,
                        bool of_flops)
{
    double best = NAN;

    for (size_t i = 0; i < j->results->records; i++) {
        const struct record *r = &j->results->record[i];
        double work = of_flops ? r->flops : r->bytes_read + r->bytes_written;

        if (is_timed(r) && strcmp(r->workload.text, workload) == 0 &&
            strcmp(r->device.text, like->device.text) == 0 &&
            (!of_flops || r->dtype == like->dtype))
            best = fmax(best, work / time_ns(r));
    }
    return best;
}

static void check_attention(struct judge *j, const struct record *r)
{
    double flops_per_ns, bytes_per_ns, bound_ns, ratio;

    if (strncmp(r->workload.text, "attention", 9) != 0 || fastest(j, r, false) != r)
        return;
    flops_per_ns = best_rate(j, r, "gemm", true);
    bytes_per_ns = best_rate(j, r, "stream", false);
    bound_ns = fmax(r->flops / flops_per_ns, (r->bytes_read + r->bytes_written) / bytes_per_ns);
    ratio = bound_ns / time_ns(r);
    if (isnan(flops_per_ns) || isnan(bytes_per_ns))
        say(j, "attention", r, ACCEPTANCE_ABSENT, NAN,
            "no gemm of this type or no stream was measured on this device");
    else
        say(j, "attention", r, ratio >= 0.25 ? ACCEPTANCE_PASS : ACCEPTANCE_SLOW, ratio,
            "roofline %.2f us, measured %.2f us", bound_ns / 1e3, time_ns(r) / 1e3);
}

static void check_record(struct judge *j, const struct record *r)
{
    double event_ns;

    if (r->kind == RECORD_CELL)
        check_result(j, r);
    if (r->evidence != EVIDENCE_MEASURED || r->outcome != OUTCOME_OK)
        return;
    if (r->kind == RECORD_PLACEMENT || r->kind == RECORD_COLD)
        check_ledger(j, r);
    if (!is_timed(r))
        return;
    event_ns = stats_series_median(&r->kernel_ns);
    if (event_ns > 0) {
        check_wall(j, r, event_ns);
        check_activity(j, r, event_ns);
    }
    check_counters(j, r);
    check_link(j, r);
    check_vendor(j, r);
    check_attention(j, r);
}

int acceptance_judge(struct acceptance *out, const struct results *results, struct why *why)
{
    struct judge j = {.out = out, .results = results};

    *out = (struct acceptance){.check = NULL};
    for (size_t i = 0; i < results->records; i++)
        if (results->record[i].device_kind == DEVICE_CUDA &&
            results->record[i].kind != RECORD_PROJECTION)
            check_record(&j, &results->record[i]);
    if (!j.failed)
        return 0;
    acceptance_release(out);
    return why_fail(why, STATUS_MEMORY, "no memory for the checks");
}

void acceptance_release(struct acceptance *a)
{
    free(a->check);
    a->check = NULL;
}
