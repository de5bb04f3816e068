/* SPDX-License-Identifier: MIT */
/* The catalogue of GPUs and the user's own files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
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

/* Every number has a source, and one that is said to follow from others does so. */
static void test_every_figure_has_its_source(void **state)
{
    int identities = 0;

    (void)state;
    for (int i = 0; i < gpu_count(); i++) {
        const struct gpu *g = gpu_at(i);
        struct gpu_fact fact[GPU_FACTS];
        int n = gpu_facts(g, fact);

        for (int k = 0; k < n; k++) {
            char *rest;
            double per_unit;

            assert_string_not_equal(fact[k].source, "");
            assert_null(strstr(fact[k].source, "names no source"));
            if (isnan(fact[k].value))
                assert_int_equal(strncmp(fact[k].source, "not given: ", 11), 0);
            if (strncmp(fact[k].source, "units x ", 8) != 0)
                continue;
            per_unit = strtod(fact[k].source + 8, &rest);
            per_unit *= strncmp(rest, " lanes x 2", 10) == 0 ? 2 : 1;
            if (fabs(per_unit * g->units * g->boost_hz * 1e-12 / fact[k].value - 1) > 0.01)
                fail_msg("'%s': '%s' is not %s", g->id.text, fact[k].name, fact[k].source);
            identities++;
        }
    }
    assert_true(identities >= 10);
}

static void test_doubts_are_told(void **state)
{
    struct gpu_fact fact[GPU_FACTS];
    int n = gpu_facts(gpu_find("a30", NULL), fact), seen = 0;

    (void)state;
    for (int k = 0; k < n; k++) {
        bool is_doubtful = strncmp(fact[k].source, "unverified: ", 12) == 0;

        assert_int_equal(fact[k].is_unverified, is_doubtful);
        seen += is_doubtful;
        if (strcmp(fact[k].name, "l2_mb") == 0)
            assert_string_equal(fact[k].source, "unverified: no source was read");
        if (strcmp(fact[k].name, "memory_gb") == 0)
            assert_string_equal(fact[k].source, "source 1, 2");
    }
    assert_int_equal(seen, 4);
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

/* Load `text` as a file; the status, the last of its GPUs, and the sentence in *why. */
static int load(const char *text, const struct gpu **gpu, struct why *why)
{
    char path[] = "/tmp/test_gpu_XXXXXX";
    struct gpu_list list;
    int fd = mkstemp(path), status;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    status = gpu_load(path, &list, why);
    unlink(path);
    if (gpu && !status)
        *gpu = list.gpu[list.n - 1];
    return status;
}

#define MINE_BODY                                                                      \
    ", \"arch\": \"Ada\", \"units\": 20, \"boost_mhz\": 2000, "       \
    "\"memory_gb\": 8, \"memory_gb_per_s\": 250, \"l2_mb\": 24, \"f32_tflops\": 10, "  \
    "\"tdp_w\": 100"
#define MINE "{\"id\": \"mine\"" MINE_BODY

#define SHEET(arch, boost, f32)                                                        \
    "{\"id\": \"mine\", \"arch\": \"" arch "\", \"units\": 20, \"boost_mhz\": " boost   \
    ", \"memory_gb\": 8, \"memory_gb_per_s\": 250, \"l2_mb\": 24, \"f32_tflops\": " f32 \
    ", \"tdp_w\": 100}"

static void test_a_user_file_is_added(void **state)
{
    const struct gpu *gpu = NULL;
    struct operation op = {.op = "gemm", .dtype = DTYPE_BF16, .m = 64, .n = 64, .k = 64};
    struct gpu_fact fact[GPU_FACTS];
    struct forecast f;
    struct why why = {""};

    (void)state;
    assert_int_equal(load(MINE "}", &gpu, &why), 0);
    assert_ptr_equal(gpu, gpu_find("MINE", NULL));
    assert_int_equal(gpu->family, FAMILY_ADA);
    assert_true(isnan(gpu->link_bytes_per_s));
    assert_int_equal(gpu_facts(gpu, fact), 20);
    assert_string_equal(fact[0].name, "units");
    assert_non_null(strstr(fact[0].source, "', which names no source"));
    assert_string_equal(fact[1].source, "not given: 1 is taken");
    assert_true(fact[1].value == 1);
    assert_string_equal(gpu_generation(gpu), "ada");
    /* No bf16 rate: the vector rate is taken; no link: a copy cannot be projected. */
    assert_int_equal(project(gpu, &op, TIMING_KERNEL, &f, &why), 0);
    assert_int_equal(project_transfer(gpu, 1e6, MEMORY_PINNED, &f, &why), STATUS_UNAVAILABLE);
    assert_int_equal(load("[" MINE ", \"bf16_tflops\": 40}]", &gpu, &why), 0);
    assert_true(gpu_find("mine", NULL)->flops_per_s[DTYPE_BF16] == 40e12);
    /* All entries of a file are given, in its order. */
    assert_int_equal(load("[" MINE "}, {\"id\": \"second\"" MINE_BODY "}]", &gpu, &why), 0);
    assert_ptr_equal(gpu, gpu_find("second", NULL));
}

static void test_errors_name_the_field(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"{", "is not JSON"},
        {"[]", "holds no gpu"},
        {"[1]", "entry 1: it is not an object"},
        {"{\"units\": 3}", "entry 1: it has no 'id'"},
        {"{\"id\": \"x\", \"arch\": \"Ada\"}", "entry 1 ('x'): it has no 'units'"},
        {"[" MINE "}, " MINE ", \"i8_tops\": -4}]", "entry 2 ('mine'): 'i8_tops' is -4, outside"},
        {"[" MINE "}, " MINE "}]", "entry 2 ('mine'): an entry above it has this id already"},
        {MINE ", \"l3_mb\": NaN}", "is not JSON: line 1"},
        {MINE ", \"l3_mb\": 1e999}", "is not JSON: line 1"},
        {MINE ", \"l3_mb\": null}", "'l3_mb' is not a number"},
        {MINE ", \"l3_mb\": true}", "'l3_mb' is not a number"},
        {MINE ", \"l3_mb\": 1e30}", "'l3_mb' is 1e+30, outside 1 ... 65536 MiB"},
        {MINE ", \"tdp_w\": 90}", "is not JSON: line 1"}, /* twice */
        {MINE ", \"bf16_tflops\": 40000}", "'bf16_tflops' is 40000: 1e+06 operations"},
        {MINE ", \"also\": \"x\"}", "'also' is no list"},
        {MINE ", \"also\": [\"a\", \"b\", \"c\", \"d\"]}", "'also' is no list"},
        {MINE ", \"sources\": 4}", "'sources' is no printable text"},
        {MINE ", \"vendor\": \"a\\nb\"}", "'vendor' is no printable text"},
        {MINE ", \"unverified\": [\"tdp\"]}", "'unverified' names 'tdp'"},
        {MINE ", \"unverified\": \"tdp_w\"}", "'unverified' is no list"},
        {MINE ", \"source_of\": {\"tdp\": \"x\"}}", "'source_of' says of 'tdp'"},
        {MINE ", \"source_of\": {\"tdp_w\": 4}}", "'source_of' says of 'tdp_w'"},
        {SHEET("Hoper", "2000", "10"), "'arch' is 'Hoper', no generation known; did you mean "
                                       "'Hopper'"},
        {SHEET("", "2000", "10"), "'arch' is '', no generation"},
        {SHEET("Ada", "2.0", "10"), "'boost_mhz' is 2, outside 100 ... 6000 MHz"},
        {SHEET("Ada", "0", "10"), "'boost_mhz' is 0, outside"},
        {SHEET("Ada", "\"2000\"", "10"), "'boost_mhz' is not a number"},
        {SHEET("Ada", "2000", "10000"), "'f32_tflops' is 10000: 2.5e+05 operations"},
        {"{\"id\": \"x\", \"unit\": 3}", "did you mean 'units'?"},
        {MINE ", \"tf32_tflops\": \"9\"}", "'tf32_tflops' is not a number"},
        {MINE ", \"dies\": 0}", "'dies' is 0, outside"},
    };
    struct gpu_list list;
    struct why why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(load(cases[i].text, NULL, &why), STATUS_INVALID);
        if (!strstr(why.text, cases[i].said))
            fail_msg("'%s' does not say '%s'", why.text, cases[i].said);
        assert_int_equal(strncmp(why.text, "'/tmp/test_gpu_", 15), 0);
    }
    assert_int_equal(load(SHEET("other", "2000", "10"), NULL, &why), 0);
    assert_string_equal(gpu_generation(gpu_find("mine", NULL)), "all");
    assert_int_equal(gpu_load("/nowhere/gpu.json", &list, &why), STATUS_IO);
    assert_non_null(strstr(why.text, "/nowhere/gpu.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_is_sane_and_sourced),
        cmocka_unit_test(test_every_figure_has_its_source),
        cmocka_unit_test(test_doubts_are_told),
        cmocka_unit_test(test_names_are_found_however_spelled),
        cmocka_unit_test(test_a_user_file_is_added),
        cmocka_unit_test(test_errors_name_the_field),
    };

    return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
