/* SPDX-License-Identifier: MIT */
/* Every format of a fixed results file, byte for byte. `make golden` writes the files
 * anew: look at the difference before it is committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/format.h"
#include "report/report.h"

static struct results results;
static struct report report;

static int build(void **state)
{
    struct why why = {{0}};

    (void)state;
    if (results_read(&results, "tests/data/results-llm.jsonl", &why) == 0 &&
        report_build(&results, &report, &why) == 0)
        return 0;
    print_message("%s\n", why.text);
    return -1;
}

static int release(void **state)
{
    (void)state;
    report_release(&report);
    results_release(&results);
    return 0;
}

/* First line in which the two differ. */
static void explain(const char *path, const char *want, const char *got)
{
    size_t line = 1, start = 0, i = 0;

    for (; want[i] && want[i] == got[i]; i++)
        if (want[i] == '\n') {
            line++;
            start = i + 1;
        }
    fail_msg("%s, line %zu:\n  want %.*s\n  got  %.*s\n(make golden, when it is meant)",
             path, line, (int)strcspn(want + start, "\n"), want + start,
             (int)strcspn(got + start, "\n"), got + start);
}

/* The bytes of a format; released by the caller. */
static struct text written(const char *name)
{
    const struct format *format = format_find(name);
    struct text text = {0};
    struct why why = {{0}};

    assert_non_null(format);
    if (format->write(&report, &text, &why) != 0)
        fail_msg("%s: %s", name, why.text);
    assert_non_null(text.data);
    return text;
}

static void check_golden(const char *name)
{
    struct text got = written(name), want = {0};
    struct why why = {{0}};
    char path[200];

    snprintf(path, sizeof path, "tests/data/golden/report.%s", name);
    if (getenv("GOLDEN")) {
        assert_int_equal(text_write_file(path, got.data, got.n, &why), 0);
    } else {
        if (text_read_file(&want, path, &why) != 0)
            fail_msg("%s", why.text);
        if (strcmp(want.data, got.data) != 0)
            explain(path, want.data, got.data);
    }
    text_release(&got);
    text_release(&want);
}

static void test_golden(void **state)
{
    static const char *const name[] = {"csv", "json", "junit", "markdown", "text"};

    (void)state;
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        check_golden(name[i]);
}

/* 160 columns where no terminal is known, else what it has; a wide one gets rows in one line. */
static void test_text_fits(void **state)
{
    static const size_t columns[] = {0, 80, 200};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct text text;
        size_t longest = 0;

        report.columns = columns[i];
        text = written("text");
        for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"))
            longest = strlen(line) > longest ? strlen(line) : longest;
        assert_in_range(longest, columns[i] == 200 ? 101 : 60, columns[i] ? columns[i] : 160);
        text_release(&text);
    }
    report.columns = 0;
}

static void test_formats_are_sorted_and_described(void **state)
{
    (void)state;
    for (const struct format *const *f = formats; *f; f++) {
        assert_ptr_equal(format_find((*f)->name), *f);
        assert_non_null((*f)->brief);
        assert_true(!f[1] || strcmp((*f)->name, f[1]->name) < 0);
    }
    assert_null(format_find("no such format"));
}

static void test_json_is_the_interface(void **state)
{
    struct text text = written("json");
    json_t *root = json_loads(text.data, 0, NULL), *verdict;

    (void)state;
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "schema")),
                        "offload-bench/report/1");
    assert_int_equal(json_array_size(json_object_get(root, "verdicts")),
                     report.verdicts);
    verdict = json_array_get(json_object_get(root, "verdicts"), 0);
    for (const char *const *key =
             (const char *const[]){"workload", "dtype", "shape", "placement", "cpu",
                                   "gpu", "speedup", "speedup_low", "speedup_high",
                                   "verdict", "reuse_n", "because", NULL};
         *key; key++)
        if (!json_object_get(verdict, *key))
            fail_msg("a verdict has no '%s'", *key);
    for (const char *const *key = (const char *const[]){"variant", "time_us", "low_us",
                                                        "high_us", "bound", NULL};
         *key; key++)
        assert_non_null(json_object_get(json_object_get(verdict, "cpu"), *key));
    for (const char *const *key =
             (const char *const[]){"machine", "run", "crossovers", "ledger", "checks",
                                   "notes", "chains", "ceilings", NULL};
         *key; key++)
        assert_non_null(json_object_get(root, *key));
    json_decref(root);
    text_release(&text);
}

static void test_projections_say_how(void **state)
{
    struct text json = written("json"), html = written("html"), text = written("text");
    json_t *root = json_loads(json.data, 0, NULL), *verdict;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(root, "verdicts"), i, verdict)
        assert_non_null(strstr(json_string_value(json_object_get(
                                   json_object_get(verdict, "gpu"), "why")),
                               "calibrated on this GPU"));
    assert_true(i > 0);
    assert_non_null(strstr(html.data, "how it was projected"));
    assert_non_null(strstr(text.data, "every projected time: calibrated on this GPU\n"));
    json_decref(root);
    text_release(&json);
    text_release(&html);
    text_release(&text);
}

static void test_calibration_stands_at_the_top(void **state)
{
    struct report taught;

    (void)state;
    assert_null(strstr(report.caution, "--calibrate"));
    json_object_set_new(results.header, "lesson", json_string("projections are corrected"));
    assert_int_equal(report_build(&results, &taught, NULL), 0);
    assert_non_null(strstr(taught.caution, "With --calibrate, projections are corrected."));
    assert_non_null(strstr(taught.caution, "No GPU was measured"));
    json_object_del(results.header, "lesson");
    report_release(&taught);
}

static void test_junit_is_xml(void **state)
{
    struct text text = written("junit");
    FILE *xmllint;

    (void)state;
    if (system("command -v xmllint >/dev/null 2>&1") == 0) {
        xmllint = popen("xmllint --noout -", "w");
        assert_non_null(xmllint);
        fputs(text.data, xmllint);
        assert_int_equal(pclose(xmllint), 0);
    }
    assert_non_null(strstr(text.data, "<failure type=\"wrong\""));
    assert_non_null(strstr(text.data, "<failure type=\"failed\""));
    assert_non_null(strstr(text.data, "<skipped message="));
    text_release(&text);
}

/* Nothing missing is printed as a number, in any format. */
static void test_no_nan_anywhere(void **state)
{
    static const char *const bad[] = {"nan", "NaN", "-nan", "(null)", "\033["};

    (void)state;
    for (const struct format *const *f = formats; *f; f++) {
        struct text text = written((*f)->name);

        for (size_t i = 0; i < sizeof bad / sizeof *bad && strcmp((*f)->name, "html");
             i++)
            if (strstr(text.data, bad[i]))
                fail_msg("%s holds '%s'", (*f)->name, bad[i]);
        text_release(&text);
    }
}

static void test_files_are_not_painted(void **state)
{
    FILE *file = tmpfile();
    char line[64] = "";

    (void)state;
    format_print("  offload  \n", file);
    rewind(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "  offload  \n");
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_text_fits),
        cmocka_unit_test(test_formats_are_sorted_and_described),
        cmocka_unit_test(test_json_is_the_interface),
        cmocka_unit_test(test_projections_say_how),
        cmocka_unit_test(test_calibration_stands_at_the_top),
        cmocka_unit_test(test_junit_is_xml),
        cmocka_unit_test(test_no_nan_anywhere),
        cmocka_unit_test(test_files_are_not_painted),
    };

    return cmocka_run_group_tests_name("formats", tests, build, release);
}
