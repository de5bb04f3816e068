/* SPDX-License-Identifier: MIT */
/* The sweep sub-command on a small real sweep: it answers, its records alone give the same
 * answer, it can be stopped and taken up again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "harness/command.h"
#include "tests/harness/program.h"

static void read_file(const char *name, struct text *out)
{
    char path[200];
    struct why why;

    out->n = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(text_read_file(out, path, &why), 0);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *arguments, *words;
    } cases[] = {
        {"sweep", "name a workload"},
        {"sweep gem", "did you mean 'gemm'"},
        {"sweep gemm --sweep squar", "did you mean 'square'"},
        {"sweep launch", "overhead"},
        {"sweep gemm --from 20 --to 10", "not below"},
        {"sweep gemm --from 0", "not a whole number"},
        {"sweep gemm --placement somewhere", "none of resident, once, every"},
        {"sweep gemm --gpu h1000-sxm", "did you mean 'h100-sxm'"},
        {"sweep softmax --dtype f64", "does not exist in f64"},
        {"sweep gemm --place resident --sede 3", "no option '--sede'"},
    };
    struct text said = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(run(cases[i].arguments, &said), EXIT_USAGE);
        if (!strstr(said.data, cases[i].words))
            fail_msg("%s: no '%s' in: %s", cases[i].arguments, cases[i].words, said.data);
    }
    text_release(&said);
}

static void test_names(void **state)
{
    static const char *const gemm[] = {"m=size n=size k=size", "m=16*size n=16*size k=size",
                                       "m=size n=size k=32", "m=size n=size k=16*size",
                                       "m=32 n=32 k=size", "m=16*size n=size k=size (tall)",
                                       "m=size n=32 k=32 (skinny)", "m=size n=16*size k=size",
                                       "m=32 n=size k=32"};
    struct text said = {0};

    (void)state;
    assert_int_equal(run("list sweeps", &said), EXIT_DONE);
    for (size_t i = 0; i < sizeof gemm / sizeof *gemm; i++) /* GPU-BLOB's nine */
        assert_non_null(strstr(said.data, gemm[i]));
    text_release(&said);
}

/* The resident curve of a report: NULL when it is not a sweep's. */
static const json_t *resident_curve(const json_t *report)
{
    const json_t *curve;
    size_t i;

    json_array_foreach(json_object_get(report, "crossovers"), i, curve)
    {
        const char *placement = json_string_value(json_object_get(curve, "placement"));

        if (placement && strcmp(placement, "resident") == 0)
            return curve;
    }
    return NULL;
}

static void assert_json_text(const json_t *object, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(object, key));

    assert_non_null(value);
    assert_string_equal(value, text);
}

/* Microseconds of launch against products of 2, and two TFLOP/s at least against two cores at
 * 1024: noise may leave sizes undecided, but never one side at every size or the sides exchanged. */
static void test_answers_from_records_alone(void **state)
{
    struct text said = {0}, kept = {0};
    const json_t *curve, *change;
    const char *kind;
    json_t *report;
    size_t i;

    (void)state;
    assert_int_equal(run("sweep gemm --sweep square --from 2 --to 1024 --gpu h100-sxm "
                         "--placement resident --budget 40 --out done", &said),
                     EXIT_DONE);
    assert_non_null(strstr(said.data, "thresholds of the sweep"));
    read_file("done/report.json", &kept);
    report = json_loadb(kept.data, kept.n, 0, NULL);
    curve = resident_curve(report);
    assert_non_null(curve);
    assert_json_text(curve, "evidence", "projected");
    kind = json_string_value(json_object_get(curve, "kind"));
    assert_non_null(kind);
    if (strcmp(kind, "always") == 0 || strcmp(kind, "never") == 0)
        fail_msg("%s", kept.data);
    assert_true(json_integer_value(json_object_get(curve, "sizes")) >= 10); /* the net */
    assert_true(json_number_value(json_object_get(curve, "confidence")) == 0.8);
    json_array_foreach(json_object_get(curve, "changes"), i, change)
        assert_true(json_number_value(json_object_get(change, "low")) <
                    json_number_value(json_object_get(change, "high")));
    change = json_array_get(json_object_get(curve, "changes"), 0);
    if (change)
        assert_json_text(change, "after", "offload");
    json_decref(report);
    assert_int_equal(run("report done --format json", &said), EXIT_DONE);
    assert_int_equal(said.n, kept.n);
    assert_memory_equal(said.data, kept.data, kept.n);
    read_file("done/report.html", &kept);
    assert_non_null(strstr(kept.data, "<h1>With the data in place, "));
    text_release(&said);
    text_release(&kept);
}

static void test_resumes_only_itself(void **state)
{
    struct text said = {0}, before = {0}, after = {0};

    (void)state;
    assert_int_equal(run("sweep gemm --sweep tall --from 2 --to 64 --gpu l4 --budget 20 --out again "
                         "-q", &said),
                     EXIT_DONE);
    read_file("again/results.jsonl", &before);
    assert_int_equal(run("sweep gemm --sweep tall --from 2 --to 64 --gpu l4 --budget 20 --out again "
                         "-q --resume", &said),
                     EXIT_DONE);
    read_file("again/results.jsonl", &after);
    assert_true(after.n >= before.n);
    assert_memory_equal(before.data, after.data, before.n);
    assert_null(strstr(after.data + 10, "\"kind\":\"header\""));
    assert_int_equal(run("sweep gemm --sweep tall --from 2 --to 99 --out again --resume", &said),
                     EXIT_USAGE);
    assert_non_null(strstr(said.data, "is of another run"));
    text_release(&said);
    text_release(&before);
    text_release(&after);
}

/* Cells of a real GPU in the file correct every step's projections, and count once at each. */
static void test_learns_once(void **state)
{
    static const char cell[] =
        "{\"kind\":\"cell\",\"workload\":\"gemm\",\"shape\":{\"m\":256,\"n\":256,\"k\":256},"
        "\"dtype\":\"f32\",\"variant\":\"cublaslt\",\"device\":\"cuda:0\",\"device_kind\":\"cuda\","
        "\"device_model\":\"NVIDIA L4\",\"evidence\":\"measured\",\"judged\":1,\"outcome\":\"ok\","
        "\"flops\":33554432,\"kernel_ns\":[90000,90000,90000]}\n";
    struct text said = {0}, all = {0};
    char path[200];
    int taught = 0;
    FILE *file;

    (void)state;
    assert_int_equal(run("sweep gemm --from 2 --to 256 --gpu l4 --budget 0.1 --out taught -q", &said),
                     EXIT_NOTHING);
    snprintf(path, sizeof path, "%s/taught/results.jsonl", folder);
    file = fopen(path, "a");
    assert_non_null(file);
    fputs(cell, file);
    fclose(file);
    assert_int_equal(run("sweep gemm --from 2 --to 256 --gpu l4 --budget 10 --out taught -q "
                         "--resume", &said),
                     EXIT_DONE);
    read_file("taught/results.jsonl", &all);
    for (const char *at = all.data; (at = strstr(at, " measured call")); at++) {
        assert_memory_equal(at - strlen("from 1"), "from 1", strlen("from 1"));
        taught++;
    }
    assert_true(taught >= 3);
    text_release(&said);
    text_release(&all);
}

static void test_stops_on_a_signal(void **state)
{
    struct text said = {0};

    (void)state;
    assert_int_equal(run("sweep gemm --to 4096 --budget 100 --out stopped 2>&1 & p=$!; "
                         "sleep 6; kill -INT $p; wait $p", &said),
                     EXIT_INTERRUPTED);
    assert_non_null(strstr(said.data, "--resume goes on"));
    assert_non_null(strstr(said.data, "report: stopped/report.html"));
    text_release(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_answers_from_records_alone),
        cmocka_unit_test(test_resumes_only_itself),
        cmocka_unit_test(test_learns_once),
        cmocka_unit_test(test_stops_on_a_signal),
    };

    return cmocka_run_group_tests_name("sweep", tests, find_program, remove_folder);
}
