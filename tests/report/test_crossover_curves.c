/* SPDX-License-Identifier: MIT */
/* Curves out of records: a sweep on a measured and on a projected GPU, whose crossing is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "report/page.h"
#include "report/plot.h"
#include "report/tables.h"

enum { RECORDS = 64, ROUNDS = 45 };

static struct results results;
static struct report report;
static struct record record[RECORDS];
static uint64_t state = 3;

static int begin(void **ignored)
{
    (void)ignored;
    results = (struct results){.record = record};
    results.header = json_pack("{s:s,s:s,s:[],s:{s:s,s:s,s:s,s:i,s:i,s:[s]}}", "kind", "header",
                               "schema", RESULTS_SCHEMA, "gpus", "sweep", "workload", "gemm", "name",
                               "square", "shape", "m=size n=size k=size", "from", 1, "to", 4096,
                               "placements", "resident");
    return 0;
}

static int end(void **ignored)
{
    (void)ignored;
    report_release(&report);
    for (size_t i = 0; i < results.records; i++)
        record_release(&record[i]);
    json_decref(results.header);
    return 0;
}

static struct record *add(int size, const char *variant, const char *device)
{
    struct record *r = &record[results.records++];

    assert_true(results.records <= RECORDS);
    record_init(r);
    snprintf(r->workload.text, sizeof r->workload.text, "gemm");
    snprintf(r->sweep.text, sizeof r->sweep.text, "square");
    snprintf(r->variant.text, sizeof r->variant.text, "%s", variant);
    snprintf(r->device.text, sizeof r->device.text, "%s", device);
    r->shape = json_pack("{s:i,s:i,s:i}", "m", size, "n", size, "k", size);
    r->size = size;
    r->judged = 1;
    r->calls = 1;
    r->upload_bytes = r->stationary_bytes = r->download_bytes = 0;
    return r;
}

/* The same disturbance in round i on both sides: a factor of up to three. */
static void add_rounds(struct record *r, double us)
{
    for (int i = 0; i < ROUNDS; i++) {
        double noise = (double)random_below(&state, 1000) / 1000 - 0.5;

        series_push(&r->wall_ns, us * 1e3 * (1 + 0.04 * noise) * (1 + i % 3));
    }
}

/* The CPU takes size/10 us, the GPU 10 us: the bar is passed at 105. */
static void add_size(int size, enum evidence evidence)
{
    struct record *gpu;

    add_rounds(add(size, "openblas", "cpu"), size / 10.0);
    gpu = add(size, "tiled", "fast");
    gpu->device_kind = DEVICE_CUDA;
    gpu->evidence = evidence;
    if (evidence == EVIDENCE_MEASURED) {
        add_rounds(gpu, 10);
    } else {
        gpu->kind = RECORD_PROJECTION;
        gpu->time_us = (struct estimate){20, 10, 40}; /* the CPU's median is twice its rounds' base */
        gpu->launch_us = gpu->upload_us = gpu->activation_us = gpu->download_us =
            (struct estimate){0, 0, 0};
    }
}

static const struct crossover *judge(void)
{
    struct why why;

    assert_int_equal(report_build(&results, &report, &why), 0);
    assert_int_equal(report.crossovers, 1); /* only the placement asked for */
    return &report.crossover[0];
}

static const int sizes[] = {4096, 100, 10, 110, 1, 60, 250, 1000};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void test_measured(void **ignored)
{
    const struct crossover *x;

    (void)ignored;
    for (int i = 0; i < SIZES; i++)
        add_size(sizes[i], EVIDENCE_MEASURED);
    x = judge();
    assert_true(x->is_sweep && x->evidence == EVIDENCE_MEASURED && x->confidence == 0.95);
    assert_int_equal(x->points, SIZES);
    assert_int_equal(x->found.kind, CROSSOVER_ONE);
    assert_true(x->found.change[0].low == 100 && x->found.change[0].high == 110);
    assert_string_equal(x->answer, "stay up to size 100, offload from 110 on");
    assert_int_equal(x->regret.sizes, SIZES);
    assert_true(x->regret.mean >= 0 && x->regret.mean <= x->regret.worst);
    assert_non_null(strstr(report.headline, "move gemm square in f32 to fast from size 110 on and "
                                            "keep it on this CPU up to size 100 (measured, 95 % sure). Between 100 and "
                                            "110 it is open. The speed-up by fast is largest at "
                                            "size 4096: "));
}

/* The CPU's time at 100 was five times as long a moment ago: which of both holds is not known. */
static void test_contradicted_size_is_undecided(void **ignored)
{
    const struct crossover *x;
    struct record *cpu;

    (void)ignored;
    for (int i = 0; i < SIZES; i++)
        add_size(sizes[i], EVIDENCE_MEASURED);
    cpu = &record[2];
    assert_true(cpu->size == 100 && strcmp(cpu->variant.text, "openblas") == 0);
    cpu->repeats = 1;
    cpu->before_ns = 5 * 20e3;
    x = judge();
    assert_true(x->point[3].size == 100 && x->point[3].is_contradicted);
    assert_true(x->found.change[0].low == 60 && x->found.change[0].high == 110);
}

/* A line for each part of the answer, with its decision in its colour. */
static void test_page_says_what_to_do(void **ignored)
{
    struct text page = {0};

    (void)ignored;
    for (int i = 0; i < SIZES; i++)
        add_size(sizes[i], EVIDENCE_MEASURED);
    judge();
    page_sweep_answer(&report, &page);
    assert_non_null(strstr(page.data, "<div><span class=\"decision stay\">stay</span> up to size "
                                      "100</div><div><span class=\"decision offload\">offload</span> "
                                      "from 110 on</div></td><td>-</td>"));
    assert_non_null(strstr(page.data, "95&nbsp;%<br><span class=\"evidence measured\">"));
    assert_non_null(strstr(report.headline, "Between 100 and 110 it is open. "));
    assert_non_null(strstr(report.headline, "Size means m=size n=size k=size, here from 1 to 4096."));
    text_release(&page);
}

/* Half to twice the time: undecided from half to twice the size, and only a GPU helps. */
static void test_projected(void **ignored)
{
    const struct crossover *x;

    (void)ignored;
    for (int i = 0; i < SIZES; i++)
        add_size(sizes[i], EVIDENCE_PROJECTED);
    x = judge();
    assert_true(x->evidence == EVIDENCE_PROJECTED && x->confidence == CROSSOVER_PROJECTED);
    assert_int_equal(x->found.kind, CROSSOVER_ONE);
    assert_true(x->found.change[0].low <= 60 && x->found.change[0].high >= 250);
    assert_non_null(strstr(x->decider, "measuring the GPU"));
    assert_non_null(strstr(report.headline, "(projected, 80 % sure)"));
}

/* At 500 the GPU takes a tenth of the CPU's time or ten times it, by turns: no advice there. */
static void test_advice_ends_where_it_is_undecided(void **ignored)
{
    struct record *gpu;
    struct grid grid = {0};
    struct text page = {0};

    (void)ignored;
    for (int i = 0; i < SIZES; i++)
        add_size(sizes[i], EVIDENCE_MEASURED);
    add_rounds(add(500, "openblas", "cpu"), 50);
    gpu = add(500, "tiled", "fast");
    gpu->device_kind = DEVICE_CUDA;
    for (int i = 0; i < ROUNDS; i++)
        series_push(&gpu->wall_ns, i % 2 ? 5e3 : 500e3);
    assert_int_equal(judge()->found.doubts, 1);
    assert_null(strstr(report.headline, "from size 110 on"));
    assert_non_null(strstr(report.headline,
                           "move gemm square in f32 to fast from size 110 to 250 and from size 1000 "
                           "on, and keep it on this CPU up to size 100, undecided elsewhere (measured, "
                           "95 % sure). What would decide more: "));
    table_sweeps(&report, &grid);
    assert_string_equal(grid.cell[6], "110-250, 1000-4096");
    grid_release(&grid);
    page_sweep_answer(&report, &page);
    assert_non_null(strstr(page.data, "undecided</span> between 250 and 1000</div>"));
    text_release(&page);
}

static void test_what_was_not_reached_is_said(void **ignored)
{
    (void)ignored;
    for (int i = 1; i < SIZES; i++)
        add_size(sizes[i], EVIDENCE_MEASURED);
    judge();
    assert_non_null(strstr(report.headline, " Sizes above 1000, up to 4096, were not measured: a longer "
                                            "--budget may reach them. Size means m=size n=size "
                                            "k=size, here from 1 to 1000."));
}

/* The GPU's 10 us against a CPU that takes `factor` of it, at each of four sizes. */
static void add_factors(const double *factor)
{
    for (int i = 0; i < 4; i++) {
        struct record *gpu;

        add_rounds(add(100 << i, "openblas", "cpu"), 10 * factor[i]);
        gpu = add(100 << i, "tiled", "fast");
        gpu->device_kind = DEVICE_CUDA;
        add_rounds(gpu, 10);
    }
}

/* What a manager asks next: how much is gained, or missed by how much. */
static void test_words_of_always(void **ignored)
{
    (void)ignored;
    add_factors((double[]){8, 4, 2, 16});
    assert_int_equal(judge()->found.kind, CROSSOVER_ALWAYS);
    assert_non_null(strstr(report.headline,
                           "move gemm square in f32 to fast at every size from 100 to 800 (measured, "
                           "95 % sure). The speed-up by fast is smallest at size 400: "));
}

static void test_words_of_never(void **ignored)
{
    (void)ignored;
    add_factors((double[]){0.2, 0.5, 0.1, 0.3});
    assert_int_equal(judge()->found.kind, CROSSOVER_NEVER);
    assert_non_null(strstr(report.headline,
                           "keep gemm square in f32 on this CPU at every size from 100 to 800, fast "
                           "pays at none of them (measured, 95 % sure). The speed-up by fast is "
                           "largest at size 200: "));
}

/* The picture's words: a box where the winner changes, none where it does not. */
static void test_picture_agrees_with_the_words(void **ignored)
{
    struct plots plots;
    struct why why;

    (void)ignored;
    add_factors((double[]){8, 4, 2, 16});
    judge();
    assert_int_equal(plots_draw(&report, &plots, &why), 0);
    if (plots.plots) {
        assert_int_equal(plots.plot[0].kind, PLOT_SWEEP);
        assert_non_null(strstr(plots.plot[0].caption, "No box: no change of the winner was found."));
        assert_null(strstr(plots.plot[0].caption, "The boxes"));
    }
    plots_release(&plots);
}

/* A power that the user gave makes a cost an estimate, if energy has a price. */
static void test_cost_by_a_given_power_is_marked(void **ignored)
{
    (void)ignored;
    add_factors((double[]){8, 4, 2, 16});
    for (int i = 0; i < 2; i++) {
        struct grid grid = {0};

        json_object_set_new(results.header, "prices",
                            json_pack("{s:f,s:f,s:f}", "cpu_per_hour", 2.0, "cpu_watt", 200.0,
                                      "energy_per_kwh", i ? 0.3 : 0.0));
        judge();
        table_money(&report, &grid);
        assert_int_equal(grid.cell[5][0] == '~', i);
        assert_string_equal(grid.cell[6], "-"); /* no price of the GPU was given */
        grid_release(&grid);
        report_release(&report);
    }
}

static void test_words_of_several_crossings(void **ignored)
{
    (void)ignored;
    add_factors((double[]){0.2, 5, 0.1, 3});
    assert_int_equal(judge()->found.kind, CROSSOVER_SEVERAL);
    assert_non_null(strstr(report.headline,
                           "move gemm square in f32 to fast at size 200 and at size 800, and keep it "
                           "on this CPU at size 100 and at size 400, open in between (measured, "
                           "95 % sure). The speed-up by fast is largest at size 200: "));
}

/* Problems of no sweep, three lengths along each of two axes: a curve for each row and column. */
static void test_axes_of_a_grid(void **ignored)
{
    size_t along_m = 0, along_k = 0;
    struct why why;

    (void)ignored;
    for (int m = 1; m <= 3; m++)
        for (int k = 3; k >= 1; k--) {
            add_size(10, EVIDENCE_MEASURED);
            for (size_t i = results.records - 2; i < results.records; i++) {
                record[i].sweep = name_of("");
                json_object_set_new(record[i].shape, "m", json_integer(10 * m));
                json_object_set_new(record[i].shape, "k", json_integer(10 * k));
            }
        }
    assert_int_equal(report_build(&results, &report, &why), 0);
    for (size_t i = 0; i < report.crossovers; i++) {
        const struct crossover *x = &report.crossover[i];

        assert_false(x->is_sweep);
        assert_int_equal(x->points, 3);
        assert_true(x->point[0].size == 10 && x->point[1].size == 20 && x->point[2].size == 30);
        if (x->placement == PLACEMENT_RESIDENT) {
            along_m += strcmp(x->axis.text, "m") == 0;
            along_k += strcmp(x->axis.text, "k") == 0;
        }
    }
    assert_int_equal(along_m, 3);
    assert_int_equal(along_k, 3);
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)

/* Nothing is known, so nobody is sure of it; and what is known at some sizes is said of those. */
static void test_advice_where_little_is_decided(void **ignored)
{
    struct text page = {0};

    (void)ignored;
    for (int i = 0; i < 3; i++) {
        add_size(200 + 10 * i, EVIDENCE_PROJECTED);
        record[results.records - 1].time_us = (struct estimate){40, 4, 400};
    }
    assert_int_equal(judge()->found.kind, CROSSOVER_UNDECIDED);
    assert_non_null(strstr(report.headline, "nobody can tell yet whether gemm square in f32 is faster "
                                            "on this CPU or on fast: undecided at every size "
                                            "(projected). What would decide more: measuring the "
                                            "GPU"));
    assert_null(strstr(report.headline, "speed-up"));
    page_sweep_answer(&report, &page);
    assert_non_null(strstr(page.data, "<td class=\"nowrap\">-<br><span class=\"evidence projected\">"));
    text_release(&page);
    report_release(&report);
    for (int i = 0; i < 2; i++) {
        add_size(100 + 10 * i, EVIDENCE_PROJECTED);
        record[results.records - 1].time_us = (struct estimate){400, 300, 500};
    }
    judge();
    assert_non_null(strstr(report.headline, "keep gemm square in f32 on this CPU up to size 110, "
                                            "undecided elsewhere (projected, 80 % sure)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_measured),
        T(test_contradicted_size_is_undecided),
        T(test_page_says_what_to_do),
        T(test_projected),
        T(test_advice_ends_where_it_is_undecided),
        T(test_what_was_not_reached_is_said),
        T(test_words_of_always),
        T(test_words_of_never),
        T(test_picture_agrees_with_the_words),
        T(test_cost_by_a_given_power_is_marked),
        T(test_words_of_several_crossings),
        T(test_advice_where_little_is_decided),
        T(test_axes_of_a_grid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
