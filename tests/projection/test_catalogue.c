/* SPDX-License-Identifier: MIT */
/* The catalogue of GPUs and the user's own files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "projection/projection.h"

static void test_every_field_is_sane_and_sourced(void **state)
{
    (void)state;
    assert_true(gpu_count() >= 38);
    for (int i = 0; i < gpu_count(); i++) {
        const struct gpu *g = gpu_at(i);

        if (i > 0 && strcasecmp(gpu_at(i - 1)->id.text, g->id.text) >= 0)
            fail_msg("'%s' is out of order", g->id.text);
        assert_string_not_equal(g->sources, "");
        assert_string_not_equal(g->vendor.text, "");
        assert_true(g->units >= 8 && g->units <= 400);
        assert_true(g->boost_hz > 9e8 && g->boost_hz < 3e9);
        assert_true(g->memory_bytes_per_s > 1e11 && g->memory_bytes_per_s < 1e13);
        assert_true(g->l2_bytes >= 1 << 20 && g->tdp_w >= 50);
        assert_true(g->flops_per_s[DTYPE_F32] >= g->vector_flops_per_s);
        assert_true(g->link_bytes_per_s > 5e9);
        if (!isnan(g->fp8_flops_per_s))
            assert_true(g->fp8_flops_per_s >= g->flops_per_s[DTYPE_BF16]);
        if (strcmp(g->vendor.text, "NVIDIA") == 0)
            assert_int_not_equal(g->family, FAMILY_OTHER);
    }
}

static void test_names_are_found_however_spelled(void **state)
{
    static const char *const same[] = {"h100-sxm", "H100-SXM5-80GB", "h100", "H100 SXM",
                                       "h100_sxm"};
    struct why why;

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_ptr_equal(gpu_find(same[i], NULL), gpu_find("h100-sxm", NULL));
    assert_null(gpu_find("h101-sxm", &why));
    assert_non_null(strstr(why.text, "'h100-sxm'"));
    assert_null(gpu_find("", &why));
    assert_null(gpu_at(-1));
    assert_null(gpu_at(gpu_count()));
}

/* Load `text` as a file; the status, and the sentence in *why. */
static int load(const char *text, const struct gpu **gpu, struct why *why)
{
    char path[] = "/tmp/test_gpu_XXXXXX";
    int fd = mkstemp(path), status;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    status = gpu_load(path, gpu, why);
    unlink(path);
    return status;
}

#define MINE                                                                           \
    "{\"id\": \"mine\", \"arch\": \"Ada\", \"units\": 20, \"boost_mhz\": 2000, "       \
    "\"memory_gb\": 8, \"memory_gb_per_s\": 250, \"l2_mb\": 24, \"f32_tflops\": 10, "  \
    "\"tdp_w\": 100"

static void test_a_user_file_is_added(void **state)
{
    const struct gpu *gpu = NULL;
    struct operation op = {.op = "gemm", .dtype = DTYPE_BF16, .m = 64, .n = 64, .k = 64};
    struct forecast f;
    struct why why = {""};

    (void)state;
    assert_int_equal(load(MINE "}", &gpu, &why), 0);
    assert_ptr_equal(gpu, gpu_find("MINE", NULL));
    assert_int_equal(gpu->family, FAMILY_ADA);
    assert_true(isnan(gpu->link_bytes_per_s));
    /* No bf16 rate: the vector rate is taken; no link: a copy cannot be projected. */
    assert_int_equal(project(gpu, &op, TIMING_KERNEL, &f, &why), 0);
    assert_int_equal(project_transfer(gpu, 1e6, MEMORY_PINNED, &f, &why), STATUS_UNAVAILABLE);
    assert_int_equal(load("[" MINE ", \"bf16_tflops\": 40}]", &gpu, &why), 0);
    assert_true(gpu_find("mine", NULL)->flops_per_s[DTYPE_BF16] == 40e12);
}

static void test_errors_name_the_field(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"{", "is not JSON"},
        {"[]", "holds no gpu"},
        {"[1]", "is not an object"},
        {"{\"units\": 3}", "no 'id'"},
        {"{\"id\": \"x\"}", "no 'units'"},
        {"{\"id\": \"x\", \"unit\": 3}", "did you mean 'units'?"},
        {MINE ", \"tf32_tflops\": \"9\"}", "'tf32_tflops' is not a number"},
        {MINE ", \"dies\": 0}", "'dies' is 0, outside"},
    };
    struct why why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(load(cases[i].text, NULL, &why), STATUS_INVALID);
        if (!strstr(why.text, cases[i].said))
            fail_msg("'%s' does not say '%s'", why.text, cases[i].said);
    }
    assert_int_equal(gpu_load("/nowhere/gpu.json", NULL, &why), STATUS_IO);
    assert_non_null(strstr(why.text, "/nowhere/gpu.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_is_sane_and_sourced),
        cmocka_unit_test(test_names_are_found_however_spelled),
        cmocka_unit_test(test_a_user_file_is_added),
        cmocka_unit_test(test_errors_name_the_field),
    };

    return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
