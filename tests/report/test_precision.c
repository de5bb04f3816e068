/* SPDX-License-Identifier: MIT */
/* What lower precision would buy, from records: it is told and judges nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "report/format.h"
#include "tests/report/judging.h"

#define assert_near(a, b, share) assert_true(fabs((a) - (b)) <= (share)*fabs(1.0 * (b)))

static int begin(void **state)
{
    (void)state;
    results = (struct results){.record = record};
    results.header = json_pack("{s:s,s:[{s:s,s:s}]}", "kind", "header", "gpus", "id", "fast",
                               "model", "FAST");
    return 0;
}

/* A judged f32 record of `workload` at n. */
static struct record *add(const char *workload, int n, const char *variant, const char *device)
{
    struct record *r = &record[results.records++];

    record_init(r);
    strcpy(r->workload.text, workload);
    strcpy(r->variant.text, variant);
    strcpy(r->device.text, device);
    r->shape = json_pack("{s:i}", "n", n);
    r->judged = 1;
    r->upload_bytes = 8e6;
    r->stationary_bytes = 7e6;
    r->download_bytes = 1e3;
    return r;
}

static struct record *add_cpu(const char *workload, int n, const char *variant, double us)
{
    struct record *r = add(workload, n, variant, "cpu");

    rounds_push(r, us);
    return r;
}

static struct record *add_gpu(const char *workload, int n, double us)
{
    struct record *r = add(workload, n, "model", "fast");

    projection_set(r, us);
    return r;
}

static const struct verdict *resident(void)
{
    const struct verdict *v =
        report_verdict(&report, &report.contest[0], "fast", PLACEMENT_RESIDENT);

    assert_non_null(v);
    return v;
}

/* A verdict's numbers, before and after other precisions are known. */
static void assert_same_verdict(const struct verdict *v, struct estimate speedup,
                                const char *because)
{
    assert_int_equal(v->decision, DECISION_STAY);
    assert_near(v->speedup.value, speedup.value, 0);
    assert_near(v->speedup.low, speedup.low, 0);
    assert_string_equal(v->because, because);
}

/* The line of a side of the resident verdict at a rounding error so many times as large. */
static const struct lower *lower_at(bool is_cpu, double error)
{
    const struct verdict *v = resident();

    for (size_t i = 0; i < report.lowers; i++)
        if (&report.verdict[report.lower[i].verdict] == v &&
            report.lower[i].is_cpu == is_cpu && report.lower[i].error == error)
            return &report.lower[i];
    return NULL;
}

/* 39 us instead of 40 is no news: within the tie that verdicts have. */
static void test_a_tie_is_not_told(void **state)
{
    struct record *r;

    (void)state;
    add_cpu("gemm", 1, "simd", 20);
    add_gpu("gemm", 1, 35);
    r = add_gpu("gemm", 1, 34);
    r->judged = 0;
    r->dtype = DTYPE_BF16;
    judge();
    assert_int_equal(report.lowers, 0);
    report_release(&report);
    r->time_us = about(30); /* 35 us: told */
    judge();
    assert_non_null(lower_at(false, dtype_roundoff(DTYPE_BF16) / dtype_roundoff(DTYPE_F32)));
}

/* Fewer bits would win on either side; they are told, and the f32 verdict stays what it was. */
static void test_lower_precision_wins_no_verdict(void **state)
{
    const struct lower *l;
    struct estimate speedup;
    struct record *r;
    char because[sizeof report.verdict->because];
    size_t said = 0;

    (void)state;
    add_cpu("gemm", 1, "simd", 20);
    add_gpu("gemm", 1, 35); /* 40 us: stay */
    judge();
    assert_int_equal(report.lowers, 0);
    speedup = resident()->speedup;
    strcpy(because, resident()->because);
    report_release(&report);

    r = add_gpu("gemm", 1, 5); /* tf32: 10 us */
    r->judged = 0;
    r->roundoff = 0x1p-10;
    strcpy(r->variant.text, "model-lower");
    r = add_gpu("gemm", 1, 3); /* bf16: 8 us, and what it saves on the link */
    r->judged = 0;
    r->dtype = DTYPE_BF16;
    r->upload_us = about(500);
    r = add_gpu("gemm", 1, 1);
    r->judged = 0;
    r->dtype = DTYPE_F64; /* faster than f32 or not: more bits are no lower precision */
    r = add_gpu("gemm", 2, 1);
    r->judged = 0;
    r->dtype = DTYPE_BF16; /* another shape */
    r = add_gpu("gemm", 1, 1);
    r->judged = 0;
    r->dtype = DTYPE_I8; /* no roundoff to compare */
    add_cpu("gemm", 1, "onednn", 14)->dtype = DTYPE_BF16;
    add_cpu("gemm", 1, "slower", 19)->dtype = DTYPE_BF16;
    add_cpu("gemm", 1, "wrong", 1)->dtype = DTYPE_F16;
    record[results.records - 1].outcome = OUTCOME_WRONG;
    judge();

    assert_int_equal(report.contest[0].about->dtype, DTYPE_F32);
    assert_same_verdict(resident(), speedup, because);
    l = lower_at(false, 0x1p-10 / 0x1p-24);
    assert_non_null(l);
    assert_near(l->share, 10.0 / 40, 1e-9);
    assert_int_equal(l->decision, DECISION_OFFLOAD);
    assert_int_equal(l->evidence, EVIDENCE_PROJECTED);
    assert_string_equal(record_precision(l->record), "tf32");
    l = lower_at(false, 65536);
    assert_non_null(l);
    assert_near(l->share, 8.0 / 40, 1e-9);
    l = lower_at(true, 65536);
    assert_non_null(l);
    assert_near(l->share, 0.7, 1e-9);
    assert_string_equal(l->record->variant.text, "onednn");
    assert_int_equal(l->evidence, EVIDENCE_MEASURED);
    assert_int_equal(l->decision, DECISION_STAY);
    /* every: 40 + 1010 us against 8 + 510 us */
    for (size_t i = 0; i < report.lowers; i++)
        if (report.verdict[report.lower[i].verdict].placement == PLACEMENT_EVERY &&
            !report.lower[i].is_cpu && report.lower[i].error == 65536) {
            assert_near(report.lower[i].share, 518.0 / 1050, 1e-9);
            said++;
        }
    assert_int_equal(said, 1);
    assert_int_equal(report.lower_sums, 3);
    for (size_t i = 0; i < report.lower_sums; i++)
        assert_int_equal(report.lower_sum[i].problems, 1);
}

/* In words: once as a note that says what it is, in no word as a verdict. */
static void test_lower_precision_is_named(void **state)
{
    const char *note = NULL;
    struct record *r;

    (void)state;
    add_cpu("gemm", 1, "simd", 20);
    add_gpu("gemm", 1, 35);
    r = add_gpu("gemm", 1, 11); /* 16 us of 40 */
    r->judged = 0;
    r->dtype = DTYPE_BF16;
    judge();
    for (size_t i = 0; i < report.notes; i++)
        if (strstr(report.note[i], "lower precision: "))
            note = report.note[i];
    assert_non_null(note);
    assert_non_null(strstr(note, "bf16 instead of f32 would take (projected) 0.40x the time on fast"));
    assert_non_null(strstr(note, "65536 times the rounding error"));
    assert_non_null(strstr(note, "not the same answer"));
}

static void test_formats(void **state)
{
    struct text out = {0};
    const json_t *line;
    struct record *r;
    json_t *root;

    (void)state;
    add_cpu("gemm", 1, "simd", 20);
    add_gpu("gemm", 1, 35);
    r = add_gpu("gemm", 1, 11);
    r->judged = 0;
    r->dtype = DTYPE_BF16;
    judge();
    assert_int_equal(format_find("json")->write(&report, &out, NULL), 0);
    root = json_loads(out.data, 0, NULL);
    line = json_array_get(json_object_get(root, "lower_precision"), 0);
    assert_string_equal(json_string_value(json_object_get(line, "precision")), "bf16");
    assert_string_equal(json_string_value(json_object_get(line, "dtype")), "f32");
    assert_string_equal(json_string_value(json_object_get(line, "evidence")), "projected");
    assert_string_equal(json_string_value(json_object_get(line, "would_be")), "offload");
    assert_near(json_number_value(json_object_get(line, "time_factor")), 0.4, 1e-6);
    assert_near(json_number_value(json_object_get(line, "rounding_error_factor")), 65536, 0);
    assert_int_equal(json_integer_value(json_object_get(line, "verdict")), 0);
    assert_non_null(strstr(json_string_value(json_object_get(line, "text")),
                           "bf16 on the same GPU would take 0.40x the time (projected), at 65536 "
                           "times the rounding error: not the same answer"));
    json_decref(root);
    text_release(&out);
    assert_int_equal(format_find("html")->write(&report, &out, NULL), 0);
    assert_non_null(strstr(out.data, "<summary>lower precision</summary>bf16 on the same GPU"));
    assert_non_null(strstr(out.data, "<h3>Lower precision</h3>"));
    text_release(&out);
}

/* A saving of less than a sixth that turns nothing is in the files, not in the notes. */
static void test_small_gains_are_no_note(void **state)
{
    struct record *r;

    (void)state;
    add_cpu("gemm", 1, "simd", 4000);
    add_gpu("gemm", 1, 35);
    r = add_gpu("gemm", 1, 31); /* 36 us of 40 */
    r->judged = 0;
    r->dtype = DTYPE_BF16;
    judge();
    assert_true(report.lowers > 0);
    for (size_t i = 0; i < report.notes; i++)
        assert_null(strstr(report.note[i], "lower precision"));
}

/* Where a placement was measured, a sum of parts does not stand beside it. */
static void test_measured_placements_want_measured_rivals(void **state)
{
    static const double us[] = {300, 90};
    struct record *r;
    size_t placed = 0;

    (void)state;
    add_cpu("gemm", 1, "simd", 400);
    for (int lower = 0; lower < 2; lower++)
        for (int kind = 0; kind < 2; kind++) {
            r = add_cpu("gemm", 1, "tiles", kind ? us[lower] : 20 - 5 * lower);
            r->kind = kind ? RECORD_PLACEMENT : RECORD_CELL;
            r->placement = kind ? PLACEMENT_EVERY : PLACEMENT_RESIDENT;
            r->dtype = lower ? DTYPE_BF16 : DTYPE_F32;
            r->device_kind = DEVICE_CUDA;
            strcpy(r->device.text, "fast");
        }
    r = add_cpu("gemm", 1, "cublaslt-tf32", 10);
    r->judged = 0;
    r->roundoff = 0x1p-10;
    r->device_kind = DEVICE_CUDA;
    strcpy(r->device.text, "fast");
    judge();
    assert_near(lower_at(false, 0x1p14)->share, 0.5, 1e-6);
    for (size_t i = 0; i < report.lowers; i++)
        if (report.verdict[report.lower[i].verdict].placement == PLACEMENT_EVERY) {
            assert_near(report.lower[i].share, 0.3, 1e-6);
            assert_near(report.lower[i].error, 65536, 0);
            placed++;
        }
    assert_int_equal(placed, 1);
}

static bool has_note(const char *words)
{
    for (size_t i = 0; i < report.notes; i++)
        if (strstr(report.note[i], words))
            return true;
    return false;
}

/* Four products at 40 us and eight others at 10: 240 us; products in bf16 take 8: 112 us. On the CPU
 * 4 x 20 + 8 x 2 us, and 4 x 10 + 8 x 2. */
static void test_passes_of_a_model(void **state)
{
    static json_t *chain;
    int sides[2] = {0};
    struct record *r;

    (void)state;
    chain = json_pack("{s:s,s:s,s:s,s:i,s:i,s:f,s:[{s:s,s:s,s:s,s:{s:i},s:i},{s:s,s:s,s:s,s:{s:i},"
                      "s:i}]}",
                      "kind", "chain", "model", "tiny", "phase", "decode", "batch", 1, "context", 64,
                      "tokens", 1.0, "links", "op", "big", "workload", "gemm", "dtype", "f32", "shape",
                      "n", 1, "count", 4, "op", "small", "workload", "norm", "dtype", "f32", "shape",
                      "n", 1, "count", 8);
    results.chain = &chain;
    results.chains = 1;
    add_cpu("gemm", 1, "simd", 20);
    add_gpu("gemm", 1, 35);
    add_cpu("norm", 1, "simd", 2);
    add_gpu("norm", 1, 5);
    r = add_gpu("gemm", 1, 3);
    r->judged = 0;
    r->dtype = DTYPE_BF16;
    add_cpu("gemm", 1, "onednn", 10)->dtype = DTYPE_BF16;
    judge();
    assert_int_equal(report.chains, 1);
    for (size_t i = 0; i < report.lower_sums; i++) {
        struct lower_pass p = lower_pass_of(&report, report.chain, &report.lower_sum[i]);
        bool is_cpu = report.lower_sum[i].about->is_cpu;

        assert_int_equal(p.operations, 1);
        assert_near(p.own_us.value, is_cpu ? 96 : 240, 1e-6);
        assert_near(p.us.value, is_cpu ? 56 : 112, 1e-6);
        assert_int_equal(p.evidence, is_cpu ? EVIDENCE_MEASURED : EVIDENCE_PROJECTED);
        sides[is_cpu]++;
    }
    assert_true(sides[0] == 1 && sides[1] == 1);
    assert_true(has_note("decode (batch 1, context 64) wholly on fast would give 8930 instead of 4170 "
                         "tokens per second with bf16 in 1 of 2 operations (projected), at 65536"));
    assert_true(has_note("wholly on this CPU gives "));
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_lower_precision_wins_no_verdict),
        T(test_lower_precision_is_named),
        T(test_formats),
        T(test_a_tie_is_not_told),
        T(test_small_gains_are_no_note),
        T(test_measured_placements_want_measured_rivals),
        T(test_passes_of_a_model),
    };

    return cmocka_run_group_tests_name("precision", tests, NULL, NULL);
}
