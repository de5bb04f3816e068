/* SPDX-License-Identifier: MIT */
/* The kernel files of another machine (written by hand, in the kernel's form) read into
 * its description. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "harness/machine.h"
#include "harness/noise.h"

#define TREE "tests/data/sysfs-epyc"

static const char *text_of(const json_t *machine, const char *key)
{
    const char *text = json_string_value(json_object_get(machine, key));

    return text ? text : "(missing)";
}

static double number_of(const json_t *machine, const char *key)
{
    return json_number_value(json_object_get(machine, key));
}

static void test_other_machine(void **state)
{
    json_t *m = machine_read(TREE);

    (void)state;
    assert_string_equal(text_of(m, "cpu_model"), "AMD EPYC 9654 96-Core Processor");
    assert_string_equal(text_of(m, "cpu_flags"),
                        "sse4_2 avx avx2 fma f16c avx512f avx512_bf16");
    assert_string_equal(text_of(m, "caches"), "L1d 32K, L2 1024K, L3 32768K");
    assert_string_equal(text_of(m, "governor"), "schedutil");
    assert_string_equal(text_of(m, "huge_pages"),
                        "transparent: madvise; reserved: 512");
    assert_string_equal(text_of(m, "hypervisor"), "none");
    assert_string_equal(text_of(m, "os"), "Debian GNU/Linux 12 (bookworm)");
    assert_string_equal(text_of(m, "kernel"), "Linux version 6.1.0-18-amd64");
    assert_true(number_of(m, "numa_nodes") == 3);
    assert_true(number_of(m, "cpus_quota") == 2.5);
    assert_true(number_of(m, "memory_bytes") == 792000000.0 * 1024);
    assert_true(number_of(m, "memory_limit_bytes") == 8589934592.0);
    assert_int_equal(strlen(text_of(m, "fingerprint")), 16);
    json_decref(m);
}

static void test_fingerprint(void **state)
{
    json_t *here = machine_read("/"), *again = machine_read("/"),
           *there = machine_read(TREE);
    json_t *nothing = machine_read("/nonexistent");

    (void)state;
    assert_string_equal(text_of(here, "fingerprint"), text_of(again, "fingerprint"));
    assert_string_not_equal(text_of(here, "fingerprint"),
                            text_of(there, "fingerprint"));
    assert_null(json_object_get(nothing, "cpu_model")); /* missing, not empty */
    assert_null(json_object_get(nothing, "memory_bytes"));
    json_decref(here);
    json_decref(again);
    json_decref(there);
    json_decref(nothing);
}

static void test_describe(void **state)
{
    static const char *const keys[] = {"cpus",        "isa",        "kernel",
                                       "compiler",    "flags",      "libraries",
                                       "environment", "fingerprint"};
    json_t *m = machine_describe();

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!json_object_get(m, keys[i]))
            fail_msg("no key '%s'", keys[i]);
    json_decref(m);
}

static void test_noise(void **state)
{
    json_t *noise = noise_read(0.01);
    double lost = number_of(noise, "lost");

    (void)state;
    assert_true(lost >= 0 && lost <= 1);
    assert_true(number_of(noise, "longest_gap_us") <= 1e6);
    assert_true(strlen(text_of(noise, "reading")) > 20);
    json_decref(noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_machine),
        cmocka_unit_test(test_fingerprint),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
