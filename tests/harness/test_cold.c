/* SPDX-License-Identifier: MIT */
/* A process's first call: its result is right, its rows add up to the wall time, and a variant
 * that kills its process, or hangs, is a sentence and not the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <string.h>

#include "harness/cold.h"

/* The helper knows what was there when it was made. */
enum { GOOD = 2 };
static struct group group[GOOD];
static struct plan plan = {.threads = 2};
static struct coldroom *room;
static struct device host, device;

/* The helper comes before any device, as in a run. */
static int open_all(void **state)
{
    struct device_row row[16];
    int rows;

    (void)state;
    for (int i = 0; i < GOOD; i++) {
        const struct workload *w = workload_find(i ? "rmsnorm" : "gemm");

        group[i] = (struct group){.workload = w, .problem = {DTYPE_F32, w->smoke[1]}};
    }
    if (coldroom_open(&room, &plan, 7, NULL) != 0)
        return -1;
    rows = device_list(row, 16, NULL);
    for (int i = 0; i < rows && !device.ops; i++)
        if (row[i].kind != DEVICE_CPU)
            device_open(&device, row[i].id.text, NULL);
    return device_open(&host, "cpu", NULL);
}

static int close_all(void **state)
{
    (void)state;
    coldroom_close(room);
    device_close(&device);
    device_close(&host);
    return 0;
}

static const struct variant *device_variant(const struct workload *w)
{
    const struct variant *v = w->variants + 1;

    while (v->name && !(trial_runs_on(v, device.kind) && v->steps))
        v++;
    return v;
}

/* ---- a call that goes well --------------------------------------------------------------- */

static double residual(const struct timeline *line)
{
    return fabs(line->wall_ns - timeline_sum_ns(line)) / line->wall_ns;
}

static void call(struct bench *bench, const struct group *of, enum memory memory)
{
    enum { ATTEMPTS = 5 };
    struct timeline line;
    struct trial trial;
    struct why why = {{0}};
    double error = NAN, best = INFINITY;

    assert_int_equal(trial_open(&trial, bench, &device, device_variant(of->workload), 2, &why),
                     0);
    for (int i = 0; i < ATTEMPTS && best > 0.05; i++) {
        if (coldroom_call(room, of, &trial, memory, 60, &line, &error, &why) != 0)
            fail_msg("%s", why.text);
        best = fmin(best, residual(&line));
    }
    trial_close(&trial);
    if (!(error <= 1))
        fail_msg("%s", why.text);
    for (int row = 0; row < LEDGERS; row++)
        if (row == LEDGER_PIN && memory == MEMORY_PAGEABLE)
            assert_true(isnan(line.row_ns[row]));
        else
            assert_true(line.row_ns[row] >= 0);
    assert_true(line.row_ns[LEDGER_CONTEXT] > 0 && line.row_ns[LEDGER_KERNEL] > 0);
    assert_true(best <= 0.05);
}

static void test_first_calls_add_up(void **state)
{
    struct why why = {{0}};

    (void)state;
    if (!device.ops)
        skip();
    for (int i = 0; i < GOOD; i++) {
        struct bench bench;

        assert_int_equal(bench_open(&bench, group[i].workload, &group[i].problem, &host, 0, 7,
                                    &why), 0);
        call(&bench, &group[i], MEMORY_PAGEABLE);
        call(&bench, &group[i], MEMORY_PINNED);
        bench_close(&bench);
    }
}

/* ---- calls that end badly ---------------------------------------------------------------- */

static int die(struct call *c, struct why *why)
{
    (void)c, (void)why;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return 0;
}

static int hang(struct call *c, struct why *why)
{
    (void)c, (void)why;
    for (;;)
        pause();
    return 0;
}

static void test_bad_calls_are_sentences(void **state)
{
    static const struct variant deadly = {.name = "deadly", .on = DEVICE_OPENCL, .run = die},
                                endless = {.name = "endless", .on = DEVICE_OPENCL, .run = hang};
    struct trial trial = {.device = &device, .variant = &deadly};
    struct timeline line;
    struct why why = {{0}};
    double error;

    (void)state;
    if (!device.ops)
        skip();
    assert_int_equal(coldroom_call(room, &group[0], &trial, MEMORY_PAGEABLE, 60, &line, &error,
                                   &why), STATUS_IO);
    assert_non_null(strstr(why.text, "Segmentation fault"));
    assert_int_equal(coldroom_call(room, &group[0], &trial, MEMORY_MANAGED, 60, &line, &error,
                                   &why), device.kind == DEVICE_OPENCL ? STATUS_UNAVAILABLE
                                                                       : STATUS_IO);
    trial.variant = &endless;
    assert_int_equal(coldroom_call(room, &group[0], &trial, MEMORY_PAGEABLE, 2, &line, &error,
                                   &why), STATUS_IO);
    assert_non_null(strstr(why.text, "longer than 2 s"));
    assert_int_equal(coldroom_call(room, &group[0], &trial, MEMORY_PAGEABLE, 2, &line, &error,
                                   &why), STATUS_IO);
    assert_non_null(strstr(why.text, "is gone"));
}

const char *__asan_default_options(void); /* see test_every.c */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_calls_add_up),
        cmocka_unit_test(test_bad_calls_are_sentences), /* last: the helper dies of it */
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
