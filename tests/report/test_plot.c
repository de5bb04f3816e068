/* SPDX-License-Identifier: MIT */
/* The figures: each a sound SVG that says what it shows, and no name runs as a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/gnuplot.h"
#include "report/plot.h"
#include "tests/report/markup.h"

static struct results results;
static struct report report;
static struct plots plots;
static struct why why;

static void draw_or_skip(void)
{
    if (report_build(&results, &report, &why) != 0 || plots_draw(&report, &plots, &why) != 0)
        fail_msg("%s", why.text);
    if (strstr(plots.missing, "not installed")) {
        print_message("skipped: %s\n", plots.missing);
        skip();
    }
}

static int setup(void **state)
{
    (void)state;
    if (results_read(&results, "tests/data/results-llm.jsonl", &why) == 0)
        return 0;
    print_message("%s\n", why.text);
    return -1;
}

static int teardown(void **state)
{
    (void)state;
    plots_release(&plots);
    report_release(&report);
    results_release(&results);
    return 0;
}

static const struct plot *find(enum plot_kind kind)
{
    for (size_t i = 0; i < plots.plots; i++)
        if (plots.plot[i].kind == kind)
            return &plots.plot[i];
    fail_msg("no figure of kind %d", kind);
    return NULL;
}

static void assert_says(const struct plot *plot, const char *words)
{
    if (!strstr(plot->svg.data, words))
        fail_msg("'%s' does not say '%s'", plot->name.text, words);
}

static void every_figure_is_sound(void **state)
{
    char problem[200];

    (void)state;
    draw_or_skip();
    assert_string_equal(plots.missing, "");
    assert_true(plots.plots >= 6);
    for (size_t i = 0; i < plots.plots; i++) {
        const struct plot *plot = &plots.plot[i];

        if (!markup_is_sound(plot->svg.data, problem, sizeof problem))
            fail_msg("%s: %s", plot->name.text, problem);
        assert_int_equal(strncmp(plot->svg.data, "<svg id=", 8), 0);
        assert_says(plot, plot->title);
        assert_true(strlen(plot->caption) > 20);
        assert_null(strstr(plot->svg.data, "\"black\""));
        assert_null(strstr(plot->svg.data, "'black'"));
        assert_null(strstr(plot->svg.data, "$points"));
    }
}

static void axes_and_evidence_are_told(void **state)
{
    (void)state;
    draw_or_skip();
    assert_int_equal(plots.plot[0].kind, PLOT_MODEL);
    assert_says(find(PLOT_MODEL), "tokens per second");
    assert_says(find(PLOT_TIME), "CPU (measured: filled, solid)");
    assert_says(find(PLOT_TIME), "h100-sxm (projected: hollow, dashed)");
    assert_says(find(PLOT_TIME), "qkv_proj");
    assert_says(find(PLOT_TIME), "stroke-dasharray");
    assert_says(find(PLOT_SPEEDUP), "CPU time / GPU time");
    assert_says(find(PLOT_SPEEDUP), "offload");
    assert_says(find(PLOT_SHARE), "(projected: hatched)");
    assert_says(find(PLOT_ROOFLINE), "FLOP per byte");
    assert_says(find(PLOT_ROOFLINE), "operations per second");
    assert_says(find(PLOT_PHASE), "resident");
}

static void ids_are_unique_in_a_page(void **state)
{
    (void)state;
    draw_or_skip();
    for (size_t i = 0; i < plots.plots; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(plots.plot[i].name.text, plots.plot[k].name.text);
    for (size_t i = 0; i < plots.plots; i++)
        for (const char *at = plots.plot[i].svg.data; (at = strstr(at, " id=")); at += 5) {
            const char *name = plots.plot[i].name.text;

            assert_int_equal(strncmp(at + 5, name, strlen(name)), 0);
        }
}

static void names_never_run(void **state)
{
    static const char evil[] = "x\"; system 'touch plot-was-here'; `touch plot-was-here` #";

    (void)state;
    for (size_t i = 0; i < results.records; i++) {
        struct record *r = &results.record[i];

        snprintf(r->variant.text, sizeof r->variant.text, "%s", evil);
        if (r->kind == RECORD_PROJECTION)
            snprintf(r->device.text, sizeof r->device.text, "@x $y\\%s", evil);
    }
    draw_or_skip();
    assert_string_equal(plots.missing, "");
    assert_int_not_equal(access("plot-was-here", F_OK), 0);
    assert_says(find(PLOT_TIME), "touch plot-was-here");
}

static void text_is_made_inert(void **state)
{
    struct text out = {0};

    (void)state;
    gnuplot_text(&out, "a\"b'c`d\\e$f@g\nh q_proj µs <x> &");
    assert_non_null(out.data);
    for (const char *c = "\"'`\\$@\n"; *c; c++)
        assert_null(strchr(out.data, *c));
    assert_non_null(strstr(out.data, "q_proj µs <x> &"));
    text_release(&out);
}

static void figures_become_files(void **state)
{
    char folder[] = "/tmp/offload-bench-plots-XXXXXX", path[200];
    struct stat info;

    (void)state;
    draw_or_skip();
    assert_non_null(mkdtemp(folder));
    assert_int_equal(plots_write(&plots, folder, &why), 0);
    for (size_t i = 0; i < plots.plots; i++) {
        snprintf(path, sizeof path, "%s/%s.svg", folder, plots.plot[i].name.text);
        assert_int_equal(stat(path, &info), 0);
        assert_true(info.st_size > 1000);
        unlink(path);
    }
    rmdir(folder);
    assert_int_equal(plots_write(&plots, "/proc/no/folder", &why), STATUS_IO);
    assert_non_null(strstr(why.text, "/proc/no/folder"));
}

static void a_broken_script_is_told(void **state)
{
    struct text svg = {0};
    int status = gnuplot_draw("set terminal svg\nplot nonsense(\n", "x", "t", &svg, &why);

    (void)state;
    text_release(&svg);
    if (status == STATUS_UNAVAILABLE)
        skip();
    assert_int_equal(status, STATUS_DEVICE);
    if (!strstr(why.text, "line "))
        fail_msg("%s", why.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_figure_is_sound, setup, teardown),
        cmocka_unit_test_setup_teardown(axes_and_evidence_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_are_unique_in_a_page, setup, teardown),
        cmocka_unit_test_setup_teardown(names_never_run, setup, teardown),
        cmocka_unit_test_setup_teardown(figures_become_files, setup, teardown),
        cmocka_unit_test(text_is_made_inert),
        cmocka_unit_test(a_broken_script_is_told),
    };

    return cmocka_run_group_tests_name("plot", tests, NULL, NULL);
}
