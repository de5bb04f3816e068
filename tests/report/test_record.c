/* SPDX-License-Identifier: MIT */
/* Records survive the way through a file; damaged files lose only what is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/record.h"

#define HEADER "{\"kind\":\"header\",\"schema\":\"" RESULTS_SCHEMA "\"}\n"
#define CELL(variant, extra)                                                           \
    "{\"kind\":\"cell\",\"workload\":\"softmax\",\"variant\":\"" variant               \
    "\",\"device\":\"cpu\",\"shape\":{\"rows\":3}" extra "}\n"

static struct record example(void)
{
    struct record r;
    struct measure m = {.probe = {"papi"},
                        .name = {"cycles"},
                        .unit = {"1"},
                        .value = NAN,
                        .why = "no counters in this \"machine\"",
                        .is_suspect = true};

    record_init(&r);
    r.shape = json_pack("{s:i,s:s,s:i}", "rows", 3, "op", "sum", "alpha", -1);
    strcpy(r.workload.text, "reduction");
    strcpy(r.why.text, "quotes \" and \\ and \n newline and \xc3\xa9 and a cut \xc3");
    r.dtype = DTYPE_BF16;
    r.evidence = EVIDENCE_PROJECTED;
    r.outcome = OUTCOME_WRONG;
    r.error = INFINITY;
    r.flops = 1.0 / 3;
    r.seed = INT64_MAX;
    r.time_us = (struct estimate){2, 1, 3};
    r.ledger_ns[LEDGER_KERNEL] = 12.5;
    series_push(&r.wall_ns, 0.1);
    series_push(&r.wall_ns, NAN);
    series_push(&r.wall_ns, 1e300);
    record_observe(&r, &m);
    return r;
}

static void test_round_trip(void **state)
{
    struct record before = example(), after;
    char *line = record_write(&before), *again;
    json_t *parsed = json_loads(line, 0, NULL);
    struct why why = {{0}};

    (void)state;
    assert_int_equal(line[strlen(line) - 1], '\n');
    assert_int_equal(record_read(&after, parsed, &why), 0);
    assert_true(json_equal(before.shape, after.shape));
    assert_int_equal(after.dtype, DTYPE_BF16);
    assert_int_equal(after.evidence, EVIDENCE_PROJECTED);
    assert_true(isinf(after.error) && isnan(after.bytes_read) &&
                isnan(after.launch_us.value));
    assert_true(after.flops >= 0.333333333333333 && after.flops < 0.333333333333334);
    assert_true(after.seed == INT64_MAX);
    assert_true(after.time_us.low == 1 && after.time_us.value == 2 &&
                after.time_us.high == 3);
    assert_true(after.ledger_ns[LEDGER_KERNEL] == 12.5 &&
                isnan(after.ledger_ns[LEDGER_SYNC]));
    assert_int_equal(after.wall_ns.n, 3);
    assert_true(after.wall_ns.value[0] == 0.1 && isnan(after.wall_ns.value[1]));
    assert_true(after.wall_ns.value[2] == 1e300);
    assert_int_equal(after.measures, 1);
    assert_true(isnan(after.measure[0].value) && after.measure[0].is_suspect);
    assert_non_null(strstr(after.why.text, "newline"));
    again = record_write(&after);
    assert_string_equal(line, again);
    json_decref(parsed);
    record_release(&before);
    record_release(&after);
    record_release(&after); /* safe twice */
    free(line);
    free(again);
}

#define BESIDE(fields) "{\"kind\":\"cell\",\"workload\":\"x\"," fields "}"

/* A long name is cut between its characters, so that every format can write it. */
static void test_long_text_stays_text(void **state)
{
    json_t *line = json_pack("{s:s, s:s, s:s}", "kind", "cell", "workload", "x", "variant",
                             "0123456789012345678901234567890123456789012345678901234567890"
                             "\xc3\xa9\xc3\xa9\xc3\xa9");
    struct record r;

    (void)state;
    assert_int_equal(record_read(&r, line, NULL), 0);
    assert_int_equal(strlen(r.variant.text), 63);
    assert_memory_equal(r.variant.text + 61, "\xc3\xa9", 3);
    record_release(&r);
    json_object_set_new(line, "variant", json_string("0123456789012345678901234567890123456789"
                                                     "0123456789012345678901\xc3\xa9"));
    assert_int_equal(record_read(&r, line, NULL), 0);
    assert_int_equal(strlen(r.variant.text), 62);
    record_release(&r);
    json_decref(line);
}

static void test_field_errors_are_named(void **state)
{
    static const struct {
        const char *line, *field;
    } row[] = {
        {"{\"workload\":\"x\"}", "'kind'"},
        {"{\"kind\":\"cell\"}", "'workload'"},
        {"{\"kind\":\"cell\",\"workload\":3}", "'workload'"},
        {"{\"kind\":\"cell\",\"workload\":\"x\",\"dtype\":\"f23\"}", "'dtype'"},
        {"{\"kind\":\"cell\",\"workload\":\"x\",\"wall_ns\":[1,\"two\"]}", "'wall_ns'"},
        {"{\"kind\":\"cell\",\"workload\":\"x\",\"threads\":1.5}", "'threads'"},
        {"{\"kind\":\"cell\",\"workload\":\"x\",\"shape\":[1]}", "'shape'"},
        {"{\"kind\":\"cell\",\"workload\":\"x\",\"time_us\":{\"value\":1}}",
         "'time_us'"},
        {"{\"kind\":\"cell\",\"workload\":\"x\",\"measures\":[{}]}", "'measures'"},
        {BESIDE("\"roundoff\":-1"), "'roundoff' is missing or"},
        {BESIDE("\"roundoff\":2"), "'roundoff' contradicts"},
        {BESIDE("\"split_length\":-8"), "'split_length'"},
        {BESIDE("\"parts_ns\":-1"), "'parts_ns'"},
        {BESIDE("\"wall_ns\":[1,-1]"), "'wall_ns'"},
        {BESIDE("\"wall_ns\":[\"inf\"]"), "'wall_ns'"},
        {BESIDE("\"ledger_ns\":{\"kernel\":-1}"), "'ledger_ns'"},
        {BESIDE("\"ledger_ns\":{\"kernel\":99},\"parts_ns\":9"), "'ledger_ns' contradicts"},
        {BESIDE("\"time_us\":{\"value\":2,\"low\":3,\"high\":4}"), "'time_us'"},
        {BESIDE("\"time_us\":{\"value\":2,\"low\":1,\"high\":1}"), "'time_us'"},
        {BESIDE("\"shape\":{\"m\":-1}"), "'shape'"},
        {BESIDE("\"judged\":2"), "'judged' contradicts"},
        {BESIDE("\"error\":2"), "'error' contradicts"},
        {BESIDE("\"wall_ns\":[1,1],\"contended\":[2]"), "'contended' contradicts"},
        {BESIDE("\"upload_bytes\":1,\"stationary_bytes\":2"), "'stationary_bytes' contradicts"},
        {BESIDE("\"bytes_read\":1,\"bytes_written\":1,\"whole_bytes\":3"),
         "'whole_bytes' contradicts"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        json_t *line = json_loads(row[i].line, 0, NULL);
        struct record r;
        struct why why = {{0}};

        assert_int_equal(record_read(&r, line, &why), STATUS_INVALID);
        if (!strstr(why.text, row[i].field))
            fail_msg("%s: %s", row[i].line, why.text);
        json_decref(line);
    }
}

/* ---- files ----------------------------------------------------------------------- */

static char path[] = "/tmp/offload-bench-test-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int drop_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* Status of reading `text`; `results` is zeroed before. */
static int read_text(const char *text, struct results *results, struct why *why)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    *results = (struct results){0};
    *why = (struct why){{0}};
    return results_read(results, path, why);
}

static void test_unusable_files(void **state)
{
    static const struct {
        const char *text, *says;
    } row[] = {
        {"", "is empty"},
        {"\n", "header"},
        {CELL("a", ""), "header"},
        {"{\"kind\":\"header\",\"schema\":\"offload-bench/results/99\"}\n",
         "results/99"},
        {"{\"kind\":\"header\",\"schema\":\"" RESULTS_SCHEMA "\",\"gpus\":[{\"tdp_w\":-7}]}\n",
         "line 1 of '"},
        {"{\"kind\":\"header\",\"kind\":\"header\",\"schema\":\"" RESULTS_SCHEMA "\"}\n", "header"},
        {"\x7f"
         "ELF",
         "header"},
    };
    struct results results;
    struct why why;

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_int_equal(read_text(row[i].text, &results, &why), STATUS_INVALID);
        if (!strstr(why.text, row[i].says) || !strstr(why.text, path))
            fail_msg("%s: %s", row[i].text, why.text);
        results_release(&results);
    }
    assert_int_equal(results_read(&results, "/nowhere/results.jsonl", &why), STATUS_IO);
    results_release(&results);
}

static void test_broken_lines_are_named(void **state)
{
    struct results results;
    struct why why;

    (void)state;
    assert_int_equal(
        read_text(
            HEADER CELL("a", "") "{broken}\n" CELL("b", ",\"dtype\":\"f23\"") "\n" CELL("c", "")
                CELL("d", ",\"variant\":\"e\"")
                "{\"kind\":\"chain\",\"tokens\":1,\"links\":[{\"count\":-1}]}\n"
                "{\"kind\":\"cell\",\"workl",
            &results, &why),
        0);
    assert_int_equal(results.records, 2);
    assert_string_equal(results.record[1].variant.text, "c");
    assert_int_equal(results.record[1].line, 6);
    assert_int_equal(results.chains, 0);
    assert_int_equal(results.notes, 5);
    assert_non_null(strstr(results.note[0], "line 3 of"));
    assert_non_null(strstr(results.note[1], "'dtype'"));
    assert_non_null(strstr(results.note[2], "duplicate"));
    assert_non_null(strstr(results.note[3], "line 8 of"));
    assert_non_null(strstr(results.note[3], "'count'"));
    assert_non_null(strstr(results.note[4], "line 9 of"));
    assert_non_null(strstr(results.note[4], "cut short"));
    results_release(&results);
}

static void test_last_line_without_newline_counts(void **state)
{
    struct results results;
    struct why why;
    char text[] = HEADER CELL("a", "");

    (void)state;
    text[strlen(text) - 1] = '\0';
    assert_int_equal(read_text(text, &results, &why), 0);
    assert_int_equal(results.records, 1);
    assert_int_equal(results.notes, 0);
    results_release(&results);
}

static void test_later_records_replace_earlier(void **state)
{
    struct results results;
    struct why why;

    (void)state;
    assert_int_equal(read_text(HEADER CELL("a", ",\"outcome\":\"failed\"") CELL("b", "")
                                   CELL("a", ",\"threads\":2") CELL("a", ",\"flops\":7")
                                       CELL("a", ",\"cache\":\"cold\"")
                                           CELL("a", ",\"memory\":\"pinned\""),
                               &results, &why),
                     0);
    assert_int_equal(results.records,
                     5); /* threads, cache and memory make other cells */
    assert_int_equal(results.record[0].outcome, OUTCOME_OK);
    assert_true(results.record[0].flops == 7);
    results_release(&results);
}

static void test_several_files_into_one(void **state)
{
    struct results results;
    struct why why;

    (void)state;
    assert_int_equal(read_text(HEADER
                               "{\"kind\":\"chain\",\"model\":\"m\"}\n" CELL("a", ""),
                               &results, &why),
                     0);
    assert_int_equal(results_read(&results, path, &why), 0);
    assert_int_equal(results.records, 1);
    assert_int_equal(results.chains, 1);
    results_release(&results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_long_text_stays_text),
        cmocka_unit_test(test_field_errors_are_named),
        cmocka_unit_test(test_unusable_files),
        cmocka_unit_test(test_broken_lines_are_named),
        cmocka_unit_test(test_last_line_without_newline_counts),
        cmocka_unit_test(test_later_records_replace_earlier),
        cmocka_unit_test(test_several_files_into_one),
    };

    return cmocka_run_group_tests_name("record", tests, make_file, drop_file);
}
