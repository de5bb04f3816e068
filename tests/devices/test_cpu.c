/* SPDX-License-Identifier: MIT */
/* The host as a device: memory of any size or a sentence, marks, no device code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "devices/device.h"

static struct device cpu;

static int open_cpu(void **state)
{
    (void)state;
    return device_open(&cpu, "cpu", NULL);
}

static int close_cpu(void **state)
{
    (void)state;
    device_close(&cpu);
    device_close(&cpu); /* safe again */
    return 0;
}

static void test_facts(void **state)
{
    (void)state;
    assert_int_equal(cpu.kind, DEVICE_CPU);
    assert_true(cpu.row.model[0] != '\0');
    assert_true(cpu.facts.compute_units >= 1);
    assert_true(cpu.memory_bytes > 0);
    assert_false(cpu.row.is_gpu);
}

static void test_memory(void **state)
{
    static const size_t bytes[] = {0, 1, 4095, 4096, (2 << 20) - 1, 2 << 20, (2 << 20) + 1,
                                   9 << 20};

    (void)state;
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        struct buffer b, c;
        struct why why = {{0}};

        assert_int_equal(cpu.ops->alloc(&cpu, &b, bytes[i], MEMORY_PAGEABLE, &why), 0);
        assert_int_equal(cpu.ops->alloc(&cpu, &c, bytes[i], MEMORY_PAGEABLE, &why), 0);
        assert_int_equal(b.bytes, bytes[i]);
        assert_int_equal((uintptr_t)b.data % 4096, 0);
        assert_true(b.page_bytes >= 4096);
        memset(b.data, 0x5a, bytes[i]);
        assert_int_equal(cpu.ops->copy(&cpu, &c, &b, bytes[i], &why), 0);
        assert_memory_equal(b.data, c.data, bytes[i]);
        cpu.ops->free(&cpu, &b);
        cpu.ops->free(&cpu, &c);
        cpu.ops->free(&cpu, &b); /* zeroed: safe */
    }
}

static void test_too_much_memory(void **state)
{
    static const size_t bytes[] = {SIZE_MAX, SIZE_MAX / 2, (size_t)1 << 46};

    (void)state;
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        struct buffer b;
        struct why why = {{0}};

        assert_int_equal(cpu.ops->alloc(&cpu, &b, bytes[i], MEMORY_PAGEABLE, &why),
                         STATUS_MEMORY);
        assert_non_null(strstr(why.text, "cannot allocate"));
        assert_null(b.data);
        cpu.ops->free(&cpu, &b);
    }
}

static void test_marks(void **state)
{
    struct mark from = {0}, to = {0};

    (void)state;
    assert_true(isnan(cpu.ops->elapsed_ns(&cpu, &from, &to)));
    assert_int_equal(cpu.ops->mark(&cpu, &from, NULL), 0);
    assert_int_equal(cpu.ops->mark(&cpu, &to, NULL), 0);
    assert_true(cpu.ops->elapsed_ns(&cpu, &from, &to) >= 0);
    assert_null(from.event);
}

static void test_runs_no_device_code(void **state)
{
    struct kernel *kernel = NULL;
    struct why why = {{0}};

    (void)state;
    assert_int_equal(cpu.ops->build(&cpu, "", "k", "", DTYPE_F32, &kernel, &why),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "device code"));
}

static void test_unknown_ids(void **state)
{
    static const char *const id[] = {"gpu9", "cpu:7", "", "cpux", "cpu:-1"};

    (void)state;
    for (size_t i = 0; i < sizeof id / sizeof *id; i++) {
        struct device d;
        struct why why = {{0}};

        assert_int_equal(device_open(&d, id[i], &why), STATUS_INVALID);
        assert_non_null(strstr(why.text, "list devices"));
        assert_null(d.ops);
        device_close(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),         cmocka_unit_test(test_memory),
        cmocka_unit_test(test_too_much_memory), cmocka_unit_test(test_marks),
        cmocka_unit_test(test_runs_no_device_code), cmocka_unit_test(test_unknown_ids),
    };

    return cmocka_run_group_tests_name("the host as a device", tests, open_cpu, close_cpu);
}
