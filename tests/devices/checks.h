/* SPDX-License-Identifier: MIT */
/* What every device with kernels must do, whoever drives it: compute, build, mark, use lanes. */
#ifndef OFFLOAD_BENCH_TESTS_CHECKS_H
#define OFFLOAD_BENCH_TESTS_CHECKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "devices/device.h"

static const char code[] =
    "KERNEL void twice(GLOBAL const elem *x, GLOBAL elem *y, long_ n, int q, float f)\n"
    "{ for (long_ i = global_id(0); i < n; i += global_size(0))\n"
    "      STORE(y, i, q * LOAD(x, i) + f); }\n"
    "KERNEL void fill(GLOBAL elem *y) { STORE(y, global_id(0), VALUE); }\n";

static inline int check_built(struct device *d, const char *source, const char *name,
                              const char *defines, struct kernel **kernel, struct why *why)
{
    return d->ops->build(d, source, name, defines, DTYPE_F32, kernel, why);
}

/* y = 3 x + 0.5 over n floats, in `groups` work-groups of 64; true when every element is. */
static inline bool computes(struct device *d, int n, int groups, enum memory host_memory)
{
    const struct device_ops *ops = d->ops;
    struct buffer arg[2] = {{0}}, host[2] = {{0}}, none = {0};
    struct step step = {.kernel = "twice", .groups = {groups, 1, 1}, .group = {64, 1, 1}};
    struct kernel *kernel;
    struct why why = {{0}};
    size_t bytes = (size_t)n * sizeof(float);
    bool ok = true;

    for (int i = 0; i < 2; i++) {
        ok = ok && ops->alloc(d, &arg[i], bytes, MEMORY_DEVICE, &why) == 0;
        ok = ok && ops->alloc(d, &host[i], bytes, host_memory, &why) == 0;
    }
    for (int i = 0; ok && i < n; i++) {
        ((float *)host[0].data)[i] = (float)i;
        ((float *)host[1].data)[i] = NAN;
    }
    step_buffer(&step, 0);
    step_buffer(&step, 1);
    step_long(&step, n);
    step_int(&step, 3);
    step_float(&step, 0.5);
    ok = ok && ops->build(d, code, "twice", "-DVALUE=1", DTYPE_F32, &kernel, &why) == 0 &&
         ops->copy(d, &arg[0], &host[0], bytes, &why) == 0 &&
         ops->copy(d, &arg[1], &host[1], bytes, &why) == 0 &&
         ops->launch(d, kernel, &step, arg, &none, &why) == 0 &&
         ops->copy(d, &host[1], &arg[1], bytes, &why) == 0 && ops->sync(d, &why) == 0;
    for (int i = 0; ok && i < n; i++)
        ok = ((float *)host[1].data)[i] == 3 * (float)i + 0.5f;
    for (int i = 0; i < 2; i++) {
        ops->free(d, &arg[i]);
        ops->free(d, &host[i]);
    }
    if (why.text[0])
        print_message("%s\n", why.text);
    return ok;
}

static inline void check_build(struct device *d)
{
    struct kernel *one, *two, *three;
    struct why why = {{0}};

    assert_int_equal(check_built(d, code, "twice", "-DVALUE=1", &one, &why), 0);
    assert_int_equal(check_built(d, code, "twice", "-DVALUE=1", &two, &why), 0);
    assert_ptr_equal(one, two);
    assert_int_equal(check_built(d, code, "fill", "-DVALUE=1", &three, &why), 0);
    assert_ptr_not_equal(one, three);
    assert_int_equal(check_built(d, code, "twice", "-DVALUE=2", &three, &why), 0);
    assert_ptr_not_equal(one, three);
    assert_int_equal(check_built(d, code, "thrice", "-DVALUE=1", &two, &why), STATUS_DEVICE);
    assert_non_null(strstr(why.text, "'thrice'"));
    assert_int_equal(check_built(d, "KERNEL void k(GLOBAL elem *y) { y[0] = nowhere; }\n", "k", "", &two,
                           &why), STATUS_DEVICE);
    assert_non_null(strstr(why.text, "kernel 'k' does not compile"));
    assert_non_null(strstr(why.text, "nowhere"));
}

static inline void check_marks(struct device *d)
{
    struct mark from = {0}, to = {0}, left = {0};

    assert_true(isnan(d->ops->elapsed_ns(d, &from, &to)));
    for (int i = 0; i < 3; i++) {
        double ns;

        assert_int_equal(d->ops->mark(d, &from, NULL), 0);
        assert_int_equal(d->ops->mark(d, &from, NULL), 0); /* moves it */
        assert_int_equal(d->ops->mark(d, &to, NULL), 0);
        ns = d->ops->elapsed_ns(d, &from, &to);
        assert_true(ns >= 0 && ns < 1e9);
        assert_null(from.event);
        assert_null(to.event);
    }
    assert_int_equal(d->ops->mark(d, &left, NULL), 0); /* released by close */
}

/* Chunks up on lane 1, doubled on lane 0, down on lane 2: in order by waits alone. */
static inline void check_lanes(struct device *d)
{
    enum { N = 3000, CHUNK = 1000 };
    struct buffer arg[2] = {{0}}, host = {0};
    struct step step = {.kernel = "twice", .groups = {4, 1, 1}, .group = {64, 1, 1}};
    struct kernel *kernel;
    const struct lane_ops *lanes = d->ops->lanes;
    struct part chunk = {.bytes = CHUNK * sizeof(float)};
    void *first;

    assert_non_null(lanes);
    first = d->queue;
    for (int i = 0; i < 2; i++)
        assert_int_equal(d->ops->alloc(d, &arg[i], N * sizeof(float), MEMORY_DEVICE,
                                           NULL), 0);
    assert_int_equal(d->ops->alloc(d, &host, N * sizeof(float), MEMORY_PINNED, NULL), 0);
    for (int i = 0; i < N; i++)
        ((float *)host.data)[i] = (float)i;
    step_buffer(&step, 0);
    step_buffer(&step, 1);
    step_long(&step, N);
    step_int(&step, 2);
    step_float(&step, 0);
    assert_int_equal(check_built(d, code, "twice", "-DVALUE=1", &kernel, NULL), 0);
    assert_int_equal(lanes->use(d, 1, NULL), 0);
    assert_ptr_not_equal(d->queue, first);
    for (int c = 0; c < 3; c++) {
        chunk.to = chunk.from = (size_t)c * chunk.bytes;
        assert_int_equal(lanes->copy(d, &arg[0], &host, chunk, NULL), 0);
    }
    assert_int_equal(lanes->use(d, 0, NULL), 0);
    assert_int_equal(lanes->wait(d, 0, 1, NULL), 0);
    assert_int_equal(d->ops->launch(d, kernel, &step, arg, NULL, NULL), 0);
    assert_int_equal(lanes->wait(d, 2, 0, NULL), 0);
    assert_ptr_equal(d->queue, first); /* waiting changes no lane */
    assert_int_equal(lanes->use(d, 2, NULL), 0);
    for (int c = 0; c < 3; c++) { /* the chunks swap places on their way back */
        chunk.from = (size_t)c * chunk.bytes;
        chunk.to = (size_t)(2 - c) * chunk.bytes;
        assert_int_equal(lanes->copy(d, &host, &arg[1], chunk, NULL), 0);
    }
    assert_int_equal(d->ops->sync(d, NULL), 0);
    for (int i = 0; i < N; i++)
        assert_true(((float *)host.data)[i] ==
                    2 * (float)((2 - i / CHUNK) * CHUNK + i % CHUNK));
    assert_int_equal(lanes->use(d, 0, NULL), 0);
    assert_int_equal(lanes->use(d, LANES, NULL), STATUS_INVALID);
    for (int i = 0; i < 2; i++)
        d->ops->free(d, &arg[i]);
    d->ops->free(d, &host);
}

#endif
