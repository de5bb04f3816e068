/* SPDX-License-Identifier: MIT */
/* Every workload of the registry, every variant that can run here, every dtype, at every
 * smoke shape: the result agrees with the reference; descriptions are well formed. So a
 * workload needs no test of its own.
 *
 * WORKLOAD=name takes that one alone. DEVICE_CODE_ONLY=1, for slow instrumenting devices:
 * only our own device code, each kernel at least once, and more shapes while there is time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "harness/trial.h"

enum { DEVICES = 16, THREADS = 2 };

static struct device device[DEVICES];
static int devices;

static bool is_device_code_only(void)
{
    return getenv("DEVICE_CODE_ONLY") != NULL;
}

/* Oclgrind 21.10 keeps the record of what was initialised when a buffer is freed and applies
 * it to the next one of that number, of whatever size: there, buffers live until the end. */
static struct device_ops lasting;

static void buffer_forget(struct device *d, struct buffer *b)
{
    (void)d;
    *b = (struct buffer){0};
}

static void keep_buffers(struct device *d)
{
    lasting = *d->ops;
    lasting.free = buffer_forget;
    d->ops = &lasting;
}

static int open_devices(void **state)
{
    struct device_row row[DEVICES];
    int rows = device_list(row, DEVICES, NULL);

    (void)state;
    for (int i = 0; i < rows; i++) {
        struct why why = {{0}};

        if (device_open(&device[devices], row[i].id.text, &why) != 0)
            print_message("%s: %s\n", row[i].id.text, why.text);
        else if (is_device_code_only() && device[devices].kind == DEVICE_OPENCL)
            keep_buffers(&device[devices++]);
        else
            devices++;
    }
    return devices > 0 ? 0 : -1;
}

static int close_devices(void **state)
{
    (void)state;
    while (devices > 0)
        device_close(&device[--devices]);
    return 0;
}

/* True when a step of the variant is not in `seen` yet; then it is added. In f32 a kernel with
 * other definitions is other code; in the other types, which differ from it in loading and
 * storing only, it is not. */
static bool is_new_code(const struct variant *v, const struct problem *p,
                        const struct device_facts *facts, struct text *seen)
{
    struct step step[STEPS];
    int steps = v->steps(p, facts, step), fresh = 0;

    for (int s = 0; s < steps; s++) {
        char key[STEP_DEFINES + 100];

        if (step[s].kind != STEP_LAUNCH)
            continue;
        snprintf(key, sizeof key, "|%s %d %s|", step[s].kernel, p->dtype,
                 p->dtype == DTYPE_F32 ? step[s].defines : "");
        if (seen->data && strstr(seen->data, key))
            continue;
        text_add(seen, key);
        fresh++;
    }
    return fresh > 0;
}

/* What DEVICE_CODE_ONLY runs, in passes: code that was not run yet at shapes that cost little,
 * then at those that cost more, then f32 at other cheap shapes while there is time. */
enum pass { PASS_CHEAP, PASS_COSTLY, PASS_MORE, PASSES };

static bool is_cheap(const struct workload *w, const struct problem *p)
{
    const double most = 2e5; /* flops or bytes: about a second under Oclgrind */
    struct cost cost = w->cost(p);

    return cost.flops <= most && cost.bytes_read + cost.bytes_written <= most;
}

static bool has_time(void)
{
    const clock_t limit_s = 6; /* of processor time, for one workload */

    return clock() / CLOCKS_PER_SEC < limit_s;
}

static bool is_wanted(const struct workload *w, const struct variant *v,
                      const struct problem *p, const struct device *d, enum pass pass,
                      struct text *seen)
{
    if (!v->steps || v->provider || (v->fits && !v->fits(p)))
        return false;
    if (pass == PASS_MORE)
        return p->dtype == DTYPE_F32 && is_cheap(w, p) && has_time();
    return is_cheap(w, p) == (pass == PASS_CHEAP) && is_new_code(v, p, &d->facts, seen);
}

/* 1 when the variant ran and agreed, 0 when it cannot run here; fails otherwise. */
static int agrees(struct bench *bench, struct device *d, const struct variant *v)
{
    struct trial trial;
    struct why why = {{0}};
    double error = NAN;
    char shape[200];
    int status = trial_open(&trial, bench, d, v, THREADS, &why);

    workload_shape_text(bench->workload, &bench->problem.shape, shape, sizeof shape);
    if (status == STATUS_UNAVAILABLE)
        return 0;
    /* twice: state must not leak */
    for (int copy = is_device_code_only(); !status && copy < 2; copy++)
        status = trial_check(&trial, &error, &why);
    trial_close(&trial);
    if (status || !(error <= 1))
        fail_msg("%s/%s on %s, %s, %s: %s (error %g of its bound)", bench->workload->name,
                 v->name, d->row.id.text, dtype_name(bench->problem.dtype), shape, why.text,
                 error);
    return 1;
}

/* Make a host processor pass for a GPU of one unit, so that the steps made for GPUs run too.
 * False when the variant's steps stay the same. */
static bool pass_for_gpu(struct device *d, const struct variant *v, const struct problem *p)
{
    struct step as_host[STEPS], as_gpu[STEPS];
    struct device_facts gpu = d->facts;
    int steps;

    if (!v->steps || !d->facts.is_host_processor || (v->fits && !v->fits(p)))
        return false;
    gpu.is_host_processor = false;
    gpu.compute_units = 1;
    memset(as_host, 0, sizeof as_host);
    memset(as_gpu, 0, sizeof as_gpu);
    steps = v->steps(p, &d->facts, as_host);
    if (v->steps(p, &gpu, as_gpu) == steps && memcmp(as_host, as_gpu, sizeof as_gpu) == 0)
        return false;
    d->facts = gpu;
    return true;
}

/* How many results of one variant agreed on one device. */
static int check_variant(struct bench *bench, struct device *d, const struct variant *v,
                         enum pass pass, struct text *seen)
{
    struct device_facts facts = d->facts;
    const struct problem *p = &bench->problem;
    int ran = 0;

    if (!trial_runs_on(v, d->kind))
        return 0;
    do
        if (!is_device_code_only() || is_wanted(bench->workload, v, p, d, pass, seen))
            ran += agrees(bench, d, v);
    while (pass_for_gpu(d, v, p));
    d->facts = facts;
    return ran;
}

/* How many results agreed; *kernels: of these, from device code. */
static int check_problem(const struct workload *w, const struct problem *problem,
                         enum pass pass, struct text *seen, int *kernels)
{
    struct bench bench;
    struct why why = {{0}};
    int ran = 0;

    if (bench_open(&bench, w, problem, &device[0], 0, 7, &why) != 0)
        fail_msg("%s: %s", w->name, why.text);
    for (const struct variant *v = w->variants + 1; v->name; v++)
        for (int d = 0; d < devices; d++) {
            int ok = check_variant(&bench, &device[d], v, pass, seen);

            ran += ok;
            *kernels += device[d].kind != DEVICE_CPU ? ok : 0;
        }
    bench_close(&bench);
    return ran;
}

static void check_workload(const struct workload *w)
{
    struct text seen = {0};
    int ran = 0, kernels = 0;

    for (int pass = 0; pass < (is_device_code_only() ? PASSES : 1); pass++)
        for (int dtype = 0; dtype < DTYPES; dtype++)
            for (int s = 0; w->dtypes >> dtype & 1 && s < w->smokes; s++) {
                struct problem problem = {.dtype = (enum dtype)dtype, .shape = w->smoke[s]};

                ran += check_problem(w, &problem, (enum pass)pass, &seen, &kernels);
            }
    text_release(&seen);
    print_message("%s: %d results agree with the reference, %d of them from device code\n",
                  w->name, ran, kernels);
    assert_true(ran > 0 || is_device_code_only());
}

static void test_variants_agree(void **state)
{
    const char *only = getenv("WORKLOAD");

    (void)state;
    for (const struct workload *const *w = workloads; *w; w++)
        if (!only || strcmp(only, (*w)->name) == 0)
            check_workload(*w);
}

static void test_descriptions(void **state)
{
    (void)state;
    for (const struct workload *const *at = workloads; *at; at++) {
        const struct workload *w = *at;
        char path[200];

        snprintf(path, sizeof path, "workloads/%s/README.md", w->name);
        if (access("workloads", F_OK) == 0)
            assert_int_equal(access(path, R_OK), 0);
        assert_ptr_equal(workload_find(w->name), w);
        assert_non_null(w->brief);
        assert_true(workload_axes(w) > 0 && workload_args(w) >= 0);
        assert_true(w->smokes > 0 && w->variants[0].reference != NULL);
        for (const struct variant *v = w->variants; v->name; v++)
            assert_int_equal(!!v->reference + !!v->run + !!v->steps, 1);
        for (int s = 0; s < w->smokes; s++)
            for (int dtype = 0; dtype < DTYPES; dtype++) {
                struct problem p = {.dtype = (enum dtype)dtype, .shape = w->smoke[s]};
                struct why why = {{0}};
                struct cost cost;
                double written = 0;

                if (!(w->dtypes >> dtype & 1))
                    continue;
                if (workload_problem_check(w, &p, &why) != 0)
                    fail_msg("smoke %d: %s", s, why.text);
                cost = w->cost(&p);
                assert_true(cost.flops >= 0 && cost.bytes_read >= 0 && cost.bytes_written >= 0);
                for (int i = 0; i < workload_args(w); i++)
                    if (w->args[i].flow & FLOW_OUT)
                        written += (double)workload_arg_bytes(w, &p, i);
                if (w->role == ROLE_JUDGED && cost.bytes_written != written)
                    fail_msg("%s, smoke %d: %g bytes are written, the results have %g", w->name,
                             s, cost.bytes_written, written);
                assert_true(w->length(&p) >= 0);
            }
    }
}

/* The leak checker itself dies on the thread-local storage of BLAS libraries that were opened
 * at run time; the other checks of a sanitized build stay on, leaks are looked for by the
 * tests that open none. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptions),
        cmocka_unit_test_setup_teardown(test_variants_agree, open_devices, close_devices),
    };

    return cmocka_run_group_tests_name("every workload", tests, NULL, NULL);
}
