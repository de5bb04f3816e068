/* SPDX-License-Identifier: MIT */
/* Results files as teachers: only what a real GPU of the catalogue ran, its fastest variant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/lesson.h"
#include "projection/projection.h"

static const struct operation gemm = {.op = "gemm", .dtype = DTYPE_F16, .m = 512, .n = 4096,
                                      .k = 4096};

static double forecast_us(void)
{
    struct forecast f;

    assert_int_equal(project(gpu_find("l4", NULL), &gemm, TIMING_KERNEL, &f, NULL), 0);
    return f.time_us.value;
}

/* A gemm of 512 x 4096 x 4096 that `model` ran in `us`. */
static void cell_write(FILE *out, const char *variant, const char *model,
                       enum evidence evidence, double us)
{
    struct record r;
    char *line;

    record_init(&r);
    r.kind = RECORD_CELL;
    snprintf(r.workload.text, sizeof r.workload.text, "gemm");
    r.shape = json_pack("{s:i,s:i,s:i}", "m", 512, "n", 4096, "k", 4096);
    r.dtype = DTYPE_F16;
    snprintf(r.variant.text, sizeof r.variant.text, "%s", variant);
    snprintf(r.device.text, sizeof r.device.text, "cuda:0");
    snprintf(r.device_model.text, sizeof r.device_model.text, "%s", model);
    r.device_kind = DEVICE_CUDA;
    r.evidence = evidence;
    r.judged = 1;
    r.outcome = OUTCOME_OK;
    for (int i = 0; i < 5; i++)
        assert_int_equal(series_push(&r.kernel_ns, us * 1e3), 0);
    line = record_write(&r);
    assert_non_null(line);
    fputs(line, out);
    free(line);
    record_release(&r);
}

static int read_one(const char *model, enum evidence evidence, double us, double slower_us,
                    struct lesson *lesson, struct why *why)
{
    char path[] = "/tmp/lesson-XXXXXX";
    int fd = mkstemp(path), status;
    FILE *out = fdopen(fd, "w");

    assert_non_null(out);
    fprintf(out, "{\"kind\":\"header\",\"schema\":\"%s\"}\n", RESULTS_SCHEMA);
    cell_write(out, "ours", model, evidence, slower_us);
    cell_write(out, "library", model, evidence, us);
    fclose(out);
    project_forget();
    status = lesson_read(path, lesson, why);
    unlink(path);
    return status;
}

static double number_of(const json_t *cell, const char *key)
{
    return json_number_value(json_object_get(cell, key));
}

static void test_fastest_variant_teaches(void **state)
{
    struct why why = {""};
    double before, after;
    struct lesson lesson;
    const json_t *cell;

    (void)state;
    project_forget();
    before = forecast_us();
    assert_int_equal(read_one("NVIDIA L4", EVIDENCE_MEASURED, 1.3 * before, 9 * before,
                              &lesson, &why), 0);
    after = forecast_us();
    assert_non_null(strstr(lesson.note.data, "l4 (1 measured call: times 1."));
    assert_int_equal(project_learnt(), 1);
    assert_true(after > 1.01 * before && after < 1.3 * before);
    assert_int_equal(json_array_size(lesson.cells), 1);
    cell = json_array_get(lesson.cells, 0);
    assert_string_equal(json_string_value(json_object_get(cell, "variant")), "library");
    assert_float_equal(number_of(cell, "measured_us"), 1.3 * before, 1e-9 * before);
    assert_float_equal(number_of(cell, "projected_us"), before, 1e-9 * before);
    assert_float_equal(number_of(cell, "corrected_us"), after, 1e-9 * before);
    lesson_release(&lesson);
}

static void test_software_teaches_nothing(void **state)
{
    struct why why = {""};
    double before;
    struct lesson lesson;

    (void)state;
    project_forget();
    before = forecast_us();
    assert_int_equal(read_one("NVIDIA L4", EVIDENCE_SOFTWARE, 3 * before, 9 * before,
                              &lesson, &why), STATUS_UNAVAILABLE);
    lesson_release(&lesson);
    assert_float_equal(forecast_us(), before, 1e-9 * before);
    assert_int_equal(project_learnt(), 0);
}

static void test_unknown_gpu_is_named(void **state)
{
    struct why why = {""};
    struct lesson lesson;

    (void)state;
    assert_int_equal(read_one("Acme Graphics 9000", EVIDENCE_MEASURED, 10, 20, &lesson, &why),
                     STATUS_UNAVAILABLE);
    lesson_release(&lesson);
    assert_non_null(strstr(why.text, "Acme Graphics 9000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fastest_variant_teaches),
        cmocka_unit_test(test_software_teaches_nothing),
        cmocka_unit_test(test_unknown_gpu_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
