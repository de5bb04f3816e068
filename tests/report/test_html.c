/* SPDX-License-Identifier: MIT */
/* The page: whole, closed in itself, inert to whatever a record says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/format.h"
#include "report/report.h"
#include "tests/report/markup.h"

extern const struct format format_html;

static struct results results;
static struct report report;
static struct text page;

static int load(void)
{
    struct why why = {{0}};

    if (results_read(&results, "tests/data/results-llm.jsonl", &why) == 0)
        return 0;
    print_message("%s\n", why.text);
    return -1;
}

static int judge_and_write(void)
{
    struct why why = {{0}};

    if (report_build(&results, &report, &why) == 0 &&
        format_html.write(&report, &page, &why) == 0 && !page.failed)
        return 0;
    print_message("%s\n", why.text);
    return -1;
}

static int setup(void **state)
{
    (void)state;
    return load() == 0 ? judge_and_write() : -1;
}

static int teardown(void **state)
{
    (void)state;
    text_release(&page);
    report_release(&report);
    results_release(&results);
    return 0;
}

static size_t count(const char *needle)
{
    size_t n = 0;

    for (const char *at = page.data; (at = strstr(at, needle)); at += strlen(needle))
        n++;
    return n;
}

static void assert_sound(void)
{
    char problem[200];

    if (!markup_is_sound(page.data, problem, sizeof problem))
        fail_msg("%s", problem);
}

static void page_is_well_formed(void **state)
{
    (void)state;
    assert_sound();
    assert_int_equal(strncmp(page.data, "<!doctype html>", 15), 0);
    assert_int_equal(count("{{"), 0);
    assert_int_equal(count("<h1>"), 1);
}

static void checker_sees_what_is_broken(void **state)
{
    static const char *const broken[] = {"<p>a & b</p>", "<b><i></b></i>", "<div>", "1 < 2",
                                         "</p>", "<p title=\"x>"};
    char problem[200];

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_false(markup_is_sound(broken[i], problem, sizeof problem));
    assert_true(markup_is_sound("<p>a &amp; <br> b<i/></p>", problem, sizeof problem));
}

static void every_verdict_is_there(void **state)
{
    (void)state;
    assert_true(report.verdicts > 0);
    assert_int_equal(count("<tr data-decision="), report.verdicts);
    for (size_t i = 0; i < report.contests; i++)
        if (report.contest[i].cpus)
            assert_non_null(strstr(page.data, report.contest[i].op.text));
    for (size_t i = 0; i < report.gpus; i++)
        assert_non_null(strstr(page.data, report.gpu[i].id.text));
}

static void first_screen_answers(void **state)
{
    const char *answer = strstr(page.data, "<h1>"), *evidence = strstr(page.data, "Evidence:");
    const char *table = strstr(page.data, "<table");

    (void)state;
    assert_non_null(answer);
    assert_non_null(evidence);
    assert_non_null(strstr(page.data, "No GPU was measured"));
    assert_non_null(strstr(page.data, "<code>offload-bench doctor</code>"));
    assert_non_null(strstr(page.data, "<summary>What the words mean</summary>"));
    assert_true(answer < evidence && evidence < table);
}

static void page_needs_nothing_else(void **state)
{
    static const char *const outside[] = {"src=",         "href=\"http", "href='http", "url(http",
                                          "@import",      "<link",       "<iframe",    "url(//",
                                          "xlink:href='h"};

    (void)state;
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (strstr(page.data, outside[i]))
            fail_msg("the page reaches outside: %.60s", strstr(page.data, outside[i]));
}

static void evidence_stands_beside_numbers(void **state)
{
    (void)state;
    assert_true(count("class=\"evidence projected\"") >= report.verdicts);
    assert_true(count("class=\"evidence software\"") > 0); /* the checks of device code */
}

static void hostile_names_are_inert(void **state)
{
    static const char evil[] = "<script>alert('1')</script>&\"";

    (void)state;
    for (size_t i = 0; i < results.records; i++) {
        struct record *r = &results.record[i];

        if (r->kind == RECORD_PROJECTION)
            snprintf(r->device.text, sizeof r->device.text, "%s", evil);
        snprintf(r->variant.text, sizeof r->variant.text, "%s", evil);
        snprintf(r->why.text, sizeof r->why.text, "%s", evil);
        snprintf(r->note.text, sizeof r->note.text, "%s", evil);
        snprintf(r->shape_text.text, sizeof r->shape_text.text, "%s", evil);
    }
    json_object_set_new(json_object_get(results.header, "machine"), evil, json_string(evil));
    assert_int_equal(judge_and_write(), 0);
    assert_null(strstr(page.data, "<script>alert"));
    assert_non_null(strstr(page.data, "&lt;script&gt;alert"));
    assert_int_equal(count("<script"), 1);
    assert_sound();
}

static int setup_records(void **state)
{
    (void)state;
    return load();
}

static void no_gnuplot_is_a_note(void **state)
{
    char *path = strdup(getenv("PATH"));
    int status;

    (void)state;
    setenv("PATH", "/nowhere", 1);
    status = judge_and_write();
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(status, 0);
    assert_non_null(strstr(page.data, "install gnuplot-nox"));
    assert_null(strstr(page.data, "<svg"));
    assert_sound();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checker_sees_what_is_broken),
        cmocka_unit_test_setup_teardown(page_is_well_formed, setup, teardown),
        cmocka_unit_test_setup_teardown(every_verdict_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(first_screen_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(page_needs_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(evidence_stands_beside_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_names_are_inert, setup_records, teardown),
        cmocka_unit_test_setup_teardown(no_gnuplot_is_a_note, setup_records, teardown),
    };

    return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
