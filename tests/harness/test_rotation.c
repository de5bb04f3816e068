/* SPDX-License-Identifier: MIT */
/* Cold cells: calls take copies of what is stationary in turn, as many as exceed the caches, on the
 * CPU and on a device; activations stay, and every copy holds the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "harness/trial.h"

extern const struct workload workload_gemv;

enum { A, X, Y, CALLS = 10, COPIES_WANTED = 4 };
/* y = a x of 64 x 64 in f32: a is 16 KiB, 3 of them and a bit must be exceeded */
static const struct problem problem = {.dtype = DTYPE_F32, .shape = {{64, 64, 0, 1, 0}}};
static const uint64_t cold_bytes = 3 * 64 * 64 * 4 + 100;

static struct device cpu;
static const void *seen[CALLS][3]; /* where each call found its arguments */
static char content[CALLS][64 * 64 * 4];
static int calls;

static void see(const struct buffer *arg, bool is_device)
{
    for (int i = 0; i < 3 && calls < CALLS; i++)
        seen[calls][i] = is_device ? arg[i].handle : arg[i].data;
    if (calls < CALLS)
        memcpy(content[calls], seen[calls][A], sizeof content[0]);
    calls++;
}

/* ---- a device whose memory is the host's --------------------------------------------------- */

static int device_alloc(struct device *device, struct buffer *b, size_t bytes, enum memory memory,
                        struct why *why)
{
    (void)device, (void)why;
    *b = (struct buffer){.handle = calloc(bytes, 1), .bytes = bytes, .memory = memory};
    return b->handle ? 0 : STATUS_MEMORY;
}

static void device_free(struct device *device, struct buffer *b)
{
    (void)device;
    free(b->handle);
    *b = (struct buffer){0};
}

static int device_copy(struct device *device, struct buffer *to, const struct buffer *from,
                       size_t bytes, struct why *why)
{
    (void)device, (void)why;
    memcpy(to->handle ? to->handle : to->data, from->handle ? from->handle : from->data, bytes);
    return 0;
}

static int device_build(struct device *device, const char *source, const char *name,
                        const char *defines, enum dtype dtype, struct kernel **kernel,
                        struct why *why)
{
    (void)device, (void)source, (void)name, (void)defines, (void)dtype, (void)why;
    *kernel = NULL;
    return 0;
}

static int device_launch(struct device *device, struct kernel *kernel, const struct step *step,
                         const struct buffer *arg, const struct buffer *scratch, struct why *why)
{
    (void)device, (void)kernel, (void)step, (void)scratch, (void)why;
    see(arg, true);
    return 0;
}

static int device_sync(struct device *device, struct why *why)
{
    (void)device, (void)why;
    return 0;
}

static const struct device_ops ops = {.alloc = device_alloc, .free = device_free,
                                      .copy = device_copy, .build = device_build,
                                      .launch = device_launch, .sync = device_sync};
static struct device gpu = {.ops = &ops, .kind = DEVICE_CUDA};

/* ---- variants that only look ---------------------------------------------------------------- */

static int look(struct call *call, struct why *why)
{
    (void)why;
    see(call->arg, false);
    return 0;
}

static int one_step(const struct problem *p, const struct device_facts *facts, struct step *step)
{
    (void)p, (void)facts;
    *step = (struct step){.kind = STEP_LAUNCH, .kernel = "look"};
    return 1;
}

static const struct variant on_cpu = {.name = "look", .on = DEVICE_CPU, .run = look};
static const struct variant on_gpu = {.name = "look", .on = DEVICE_OPENCL, .steps = one_step};

static void run(struct device *device, const struct variant *variant, uint64_t cold, int copies)
{
    struct bench bench;
    struct trial trial;

    assert_int_equal(bench_open(&bench, &workload_gemv, &problem, &cpu, cold, 1, NULL), 0);
    assert_int_equal(bench.copies, copies);
    assert_int_equal(trial_open(&trial, &bench, device, variant, 1, NULL), 0);
    calls = 0;
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(trial_run(&trial, NULL), 0);
    trial_close(&trial);
    bench_close(&bench);
}

static void check(int copies)
{
    assert_int_equal(calls, CALLS);
    for (int i = 0; i < CALLS; i++) {
        for (int before = 0; before < i; before++)
            assert_int_equal(seen[i][A] == seen[before][A], (i - before) % copies == 0);
        assert_ptr_equal(seen[i][X], seen[0][X]);
        assert_ptr_equal(seen[i][Y], seen[0][Y]);
        assert_memory_equal(content[i], content[0], sizeof content[0]);
    }
    assert_int_not_equal(content[0][0] | content[0][1] | content[0][2], 0);
}

static void test_cold(void **state)
{
    (void)state;
    run(&cpu, &on_cpu, cold_bytes, COPIES_WANTED);
    check(COPIES_WANTED);
    run(&gpu, &on_gpu, cold_bytes, COPIES_WANTED);
    check(COPIES_WANTED);
}

static void test_hot(void **state)
{
    (void)state;
    run(&cpu, &on_cpu, 0, 1);
    check(1);
    run(&gpu, &on_gpu, 0, 1);
    check(1);
}

static void test_copies_that_stay(void **state)
{
    const uint64_t all = (uint64_t)COPIES * 64 * 64 * 4;
    struct bench *bench = malloc(sizeof *bench);

    (void)state;
    for (int more = 0; more <= 2; more += 2) {
        assert_int_equal(
            bench_open(bench, &workload_gemv, &problem, &cpu, 2 * all + more, 1, NULL), 0);
        assert_int_equal(bench->copies, COPIES);
        assert_int_equal(bench->stays_in_caches, more > 0);
        bench_close(bench);
    }
    free(bench);
}

static int open_host(void **state)
{
    (void)state;
    return device_open(&cpu, "cpu", NULL);
}

static int close_host(void **state)
{
    (void)state;
    device_close(&cpu);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cold), cmocka_unit_test(test_hot),
                                       cmocka_unit_test(test_copies_that_stay)};

    return cmocka_run_group_tests_name("cold arguments", tests, open_host, close_host);
}
