/* SPDX-License-Identifier: MIT */
/* Every workload of the registry, every variant that can run here, every dtype, at every
 * smoke shape: the result agrees with the reference; descriptions are well formed. So a
 * workload needs no test of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/trial.h"

enum { DEVICES = 16, THREADS = 2 };

static struct device device[DEVICES];
static int devices;

static int open_devices(void **state)
{
    struct device_row row[DEVICES];
    int rows = device_list(row, DEVICES, NULL);

    (void)state;
    for (int i = 0; i < rows; i++) {
        struct why why = {{0}};

        if (device_open(&device[devices], row[i].id.text, &why) == 0)
            devices++;
        else
            print_message("%s: %s\n", row[i].id.text, why.text);
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

/* Portable kernels name OpenCL; CUDA runs them too. */
static bool runs_on(const struct variant *v, const struct device *d)
{
    return v->on == d->kind || (d->kind == DEVICE_CUDA && v->on == DEVICE_OPENCL && v->steps);
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
    for (int copy = 0; !status && copy < 2; copy++) /* twice: state must not leak */
        status = trial_check(&trial, &error, &why);
    trial_close(&trial);
    if (status || !(error <= 1))
        fail_msg("%s/%s on %s, %s, %s: %s (error %g of its bound)", bench->workload->name,
                 v->name, d->row.id.text, dtype_name(bench->problem.dtype), shape, why.text,
                 error);
    return 1;
}

static void check_workload(const struct workload *w)
{
    int ran = 0, kernels = 0;

    for (int dtype = 0; dtype < DTYPES; dtype++) {
        if (!(w->dtypes >> dtype & 1))
            continue;
        for (int s = 0; s < w->smokes; s++) {
            struct problem problem = {.dtype = (enum dtype)dtype, .shape = w->smoke[s]};
            struct bench bench;
            struct why why = {{0}};

            if (bench_open(&bench, w, &problem, &device[0], 0, 7, &why) != 0)
                fail_msg("%s: %s", w->name, why.text);
            for (const struct variant *v = w->variants + 1; v->name; v++)
                for (int d = 0; d < devices; d++)
                    if (runs_on(v, &device[d])) {
                        int ok = agrees(&bench, &device[d], v);

                        ran += ok;
                        kernels += ok && device[d].kind != DEVICE_CPU;
                    }
            bench_close(&bench);
        }
    }
    print_message("%s: %d results agree with the reference, %d of them from device code\n",
                  w->name, ran, kernels);
    assert_true(ran > 0);
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

                if (!(w->dtypes >> dtype & 1))
                    continue;
                if (workload_problem_check(w, &p, &why) != 0)
                    fail_msg("smoke %d: %s", s, why.text);
                cost = w->cost(&p);
                assert_true(cost.flops >= 0 && cost.bytes_read >= 0 && cost.bytes_written >= 0);
                assert_true(w->length(&p) >= 0);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptions),
        cmocka_unit_test_setup_teardown(test_variants_agree, open_devices, close_devices),
    };

    return cmocka_run_group_tests_name("every workload", tests, NULL, NULL);
}
