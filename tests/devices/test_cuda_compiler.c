/* SPDX-License-Identifier: MIT */
/* NVRTC without a GPU: which target is chosen, machine code and PTX, the disk cache, and what is
 * said of code that does not compile. Skipped with the reason where there is no NVRTC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/cuda_compiler.h"

#ifdef HAVE_CUDA

static char cache[] = "/tmp/test_cuda_compiler_XXXXXX";

static const char source[] = "KERNEL void twice(GLOBAL elem *x)\n"
                             "{ STORE(x, global_id(0), FACTOR * LOAD(x, global_id(0))); }\n";

static int open_cache(void **state)
{
    (void)state;
    unsetenv("OFFLOAD_BENCH_CUDA_ARCH");
    return mkdtemp(cache) && setenv("OFFLOAD_BENCH_CACHE", cache, 1) == 0 ? 0 : -1;
}

static int remove_cache(void **state)
{
    char command[80];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", cache);
    return system(command);
}

static void need_compiler(void)
{
    struct name version;
    struct why why = {{0}};

    if (cuda_compiler_version(&version, &why) != 0) {
        assert_non_null(strstr(why.text, "hint: "));
        print_message("skipped: %s\n", why.text);
        skip();
    }
    assert_true(atof(version.text) >= 11.8);
}

static void test_target(void **state)
{
    static const struct {
        const char *wish;
        int capability;
        enum evidence evidence;
        int status;
        const char *target;
    } cases[] = {
        {NULL, 80, EVIDENCE_MEASURED, 0, "sm_80"},
        {NULL, 90, EVIDENCE_MEASURED, 0, "sm_90"},
        {NULL, 80, EVIDENCE_SOFTWARE, 0, "compute_80"},
        {"", 80, EVIDENCE_MEASURED, 0, "sm_80"},
        {NULL, 81, EVIDENCE_MEASURED, 0, "compute_80"}, /* none such: the nearest older one */
        {NULL, 10, EVIDENCE_MEASURED, STATUS_UNAVAILABLE, NULL},
        {"compute_75", 90, EVIDENCE_MEASURED, 0, "compute_75"},
        {"sm_90a", 90, EVIDENCE_SOFTWARE, 0, "sm_90a"},
        {"compute_80", 0, EVIDENCE_SOFTWARE, 0, "compute_80"}, /* the GPU does not say what it is */
        {NULL, 0, EVIDENCE_SOFTWARE, STATUS_UNAVAILABLE, NULL},
        {"sm_90", 80, EVIDENCE_MEASURED, STATUS_UNAVAILABLE, NULL}, /* newer than the GPU */
        {"compute_90", 80, EVIDENCE_SOFTWARE, STATUS_UNAVAILABLE, NULL},
        {"compute_81", 90, EVIDENCE_SOFTWARE, STATUS_UNAVAILABLE, NULL}, /* none such */
        {"compute_999", 90, EVIDENCE_SOFTWARE, STATUS_UNAVAILABLE, NULL},
        {"compute_30", 90, EVIDENCE_SOFTWARE, STATUS_UNAVAILABLE, NULL},
        {"ampere", 80, EVIDENCE_MEASURED, STATUS_INVALID, NULL},
        {"sm_", 80, EVIDENCE_MEASURED, STATUS_INVALID, NULL},
        {"sm_80 -G", 80, EVIDENCE_MEASURED, STATUS_INVALID, NULL},
    };

    (void)state;
    need_compiler();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct name target = {""};
        struct why why = {{0}};
        int status;

        if (cases[i].wish)
            setenv("OFFLOAD_BENCH_CUDA_ARCH", cases[i].wish, 1);
        else
            unsetenv("OFFLOAD_BENCH_CUDA_ARCH");
        status = cuda_compiler_target(cases[i].capability, cases[i].evidence, &target, &why);
        assert_int_equal(status, cases[i].status);
        if (status)
            assert_non_null(strstr(why.text, "hint: "));
        else
            assert_string_equal(target.text, cases[i].target);
    }
    unsetenv("OFFLOAD_BENCH_CUDA_ARCH");
}

static void test_code(void **state)
{
    const char options[] = "-DDTYPE_F16 -DFACTOR=3";
    struct text ptx = {0}, machine = {0}, again = {0};

    (void)state;
    need_compiler();
    assert_int_equal(cuda_compile(source, "twice", "compute_80", options, &ptx, NULL), 0);
    assert_non_null(strstr(ptx.data, ".target sm_80"));
    assert_non_null(strstr(ptx.data, ".entry twice"));
    assert_int_equal(cuda_compile(source, "twice", "sm_80", options, &machine, NULL), 0);
    assert_memory_equal(machine.data, "\177ELF", 4);
    assert_int_equal(cuda_compile(source, "twice", "compute_80", options, &again, NULL), 0);
    assert_string_equal(again.data, ptx.data); /* from the cache, NUL and all */
    text_release(&ptx);
    text_release(&machine);
    text_release(&again);
}

/* PTX of an older version, where nothing in it is newer. */
static void test_age(void **state)
{
    struct text ptx = {0}, new = {0};

    (void)state;
    need_compiler();
    assert_int_equal(cuda_compile(source, "twice", "compute_80", "-DDTYPE_F32 -DFACTOR=3", &ptx,
                                  NULL), 0);
    assert_null(strstr(ptx.data, ".version 7.8"));
    assert_true(cuda_compiler_age(&ptx));
    assert_non_null(strstr(ptx.data, ".version 7.8\n.target sm_80"));
    assert_false(cuda_compiler_age(&ptx)); /* once */
    text_release(&ptx);
    text_add(&new, ".version 9.0\n.target sm_100\n");
    assert_false(cuda_compiler_age(&new));
    assert_non_null(strstr(new.data, ".version 9.0"));
    text_release(&new);
}

/* What may be asked of a GPU follows from what its code is compiled for. */
static void test_capability(void **state)
{
    (void)state;
    unsetenv("OFFLOAD_BENCH_CUDA_ARCH");
    assert_int_equal(cuda_compiler_capability(90), 90);
    assert_int_equal(cuda_compiler_capability(0), 0);
    setenv("OFFLOAD_BENCH_CUDA_ARCH", "compute_75", 1);
    assert_int_equal(cuda_compiler_capability(90), 75);
    assert_int_equal(cuda_compiler_capability(0), 75);
    setenv("OFFLOAD_BENCH_CUDA_ARCH", "sm_100", 1);
    assert_int_equal(cuda_compiler_capability(90), 90);
    unsetenv("OFFLOAD_BENCH_CUDA_ARCH");
}

static void test_words(void **state)
{
    struct text code = {0};
    struct why why = {{0}};

    (void)state;
    need_compiler();
    assert_int_equal(cuda_compile(source, "twice", "compute_80", "-DDTYPE_F32", &code, &why),
                     STATUS_DEVICE);
    assert_non_null(strstr(why.text, "'twice' does not compile"));
    assert_non_null(strstr(why.text, "FACTOR"));
    assert_int_equal(cuda_compile(source, "twice", "sm_10", "-DDTYPE_F32 -DFACTOR=1", &code, &why),
                     STATUS_DEVICE);
    assert_non_null(strstr(why.text, "sm_10"));
    text_release(&code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target), cmocka_unit_test(test_code), cmocka_unit_test(test_age),
        cmocka_unit_test(test_capability), cmocka_unit_test(test_words)};

    return cmocka_run_group_tests_name("CUDA compiler", tests, open_cache, remove_cache);
}

#else

static void test_without(void **state)
{
    struct name version;
    struct why why = {{0}};

    (void)state;
    assert_int_equal(cuda_compiler_version(&version, &why), STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "hint: install the CUDA toolkit"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_without)};

    return cmocka_run_group_tests_name("CUDA compiler", tests, NULL, NULL);
}

#endif
