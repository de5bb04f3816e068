/* SPDX-License-Identifier: MIT */
/* Measured calls correct forecasts of their GPU, less of relatives, not of strangers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "projection/lessons.h"

static struct operation product(int64_t m)
{
    return (struct operation){.op = "gemm", .dtype = DTYPE_BF16, .m = m, .n = 4096, .k = 4096};
}

static struct estimate forecast_us(const char *gpu, const struct operation *op)
{
    struct forecast f;

    assert_int_equal(project(gpu_find(gpu, NULL), op, TIMING_KERNEL, &f, NULL), 0);
    return f.time_us;
}

static double width(struct estimate e)
{
    return log(e.high / e.low);
}

/* Five products on a GPU that takes half as long again as forecast. */
static void learn_slow(const char *gpu)
{
    struct operation op[5];
    double us[5];

    for (int i = 0; i < 5; i++) {
        op[i] = product(512 << i);
        us[i] = 1.5 * forecast_us(gpu, &op[i]).value;
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(project_learn(gpu_find(gpu, NULL), &op[i], TIMING_KERNEL, us[i], NULL),
                         0);
}

static void test_own_gpu_most(void **state)
{
    struct operation op = product(3072), decode = {
        .op = "attn_decode", .dtype = DTYPE_BF16, .kv_dtype = DTYPE_BF16, .batch = 8,
        .heads = 32, .kv_heads = 8, .head_dim = 128, .q_len = 1, .kv_len = 4096};
    const char *gpu[] = {"b200-sxm", "gb200", "mi300x"};
    struct estimate before[3], after[3], other;
    double moved;

    (void)state;
    project_forget();
    for (int i = 0; i < 3; i++)
        before[i] = forecast_us(gpu[i], &op);
    other = forecast_us("b200-sxm", &decode);
    learn_slow("b200-sxm");
    for (int i = 0; i < 3; i++)
        after[i] = forecast_us(gpu[i], &op);
    moved = after[0].value / before[0].value;
    assert_true(moved > 1.05 && moved < 1.5);
    assert_true(width(after[0]) < width(before[0]));
    assert_true(after[1].value / before[1].value > 1.01);
    assert_true(after[1].value / before[1].value < moved);
    assert_float_equal(after[2].value, before[2].value, 1e-9 * before[2].value);
    assert_float_equal(after[2].low, before[2].low, 1e-9 * before[2].low);
    assert_true(forecast_us("b200-sxm", &decode).value > other.value);
    assert_true(forecast_us("b200-sxm", &decode).value / other.value < moved);
    project_forget();
}

/* Teach all calls but one, ten times each: how far that one moves, as a part of what they did. */
static void moved_by_others(const char *id, const struct operation *call, int calls, int left,
                            double off)
{
    const struct gpu *gpu = gpu_find(id, NULL);
    double us[16], moved;

    project_forget();
    for (int i = 0; i < calls; i++)
        us[i] = forecast_us(id, &call[i]).value;
    for (int i = 0; i < 10 * calls; i++)
        if (i % calls != left)
            assert_int_equal(project_learn(gpu, &call[i % calls], TIMING_KERNEL,
                                           off * us[i % calls], NULL), 0);
    moved = log(forecast_us(id, &call[left]).value / us[left]) / log(off);
    if (!(moved > 0 && moved <= 1 + 1e-9))
        fail_msg("%s on %s: moved by %.3f of what was seen", call[left].op, id, moved);
}

/* Cells that all took half as long again move no call by more, and all of the GPU's by something:
 * also where the call's interval is several times as wide as that of what was measured. */
static void test_no_call_moves_beyond_the_cells(void **state)
{
    struct operation call[] = {
        product(256), product(8192),
        {.op = "sum", .dtype = DTYPE_F32, .rows = 1, .cols = 1 << 26},
        {.op = "embedding", .dtype = DTYPE_BF16, .rows = 4096, .cols = 4096},
        {.op = "softmax", .dtype = DTYPE_F32, .rows = 4096, .cols = 4096},
        {.op = "add", .dtype = DTYPE_F32, .rows = 4096, .cols = 4096},
        {.op = "upload", .dtype = DTYPE_I8, .cols = 1 << 24}};
    enum { CALLS = sizeof call / sizeof *call };
    static const double off[] = {1.5, 1 / 1.5};
    static const char *const gpus[] = {"l4", "a100-sxm-80gb", "v100-pcie", "mi300x"};

    (void)state;
    for (int k = 0; k < 8; k++)
        for (int i = 0; i < CALLS; i++)
            moved_by_others(gpus[k / 2], call, CALLS, i, off[k % 2]);
    project_forget();
}

/* A kind known within 5 % was off by 20: one known within 100 % of the same GPU moves by no more,
 * and one known within 1 % hardly at all. By the product of the deviations the wide one would
 * move by several times what was seen. */
static void test_narrow_kind_moves_wide_one_no_further(void **state)
{
    static struct lessons lessons;
    const struct gpu *gpu = gpu_find("l4", NULL);
    struct region seen = {.model = MODEL_MATRIX, .type = NUMBER_16, .cause = CAUSE_COMPUTE};
    struct region wide = {.model = MODEL_MATRIX, .type = NUMBER_16, .cause = CAUSE_LATENCY};
    struct spread narrow = {-0.08, 0.08, 0.05}, broad = {-1.6, 1.6, 1}, sure = {-0.016, 0.016, 0.01};
    double far, near;

    (void)state;
    lessons = (struct lessons){.n = 0};
    for (int i = 0; i < 50; i++)
        assert_int_equal(lessons_add(&lessons, gpu, &seen, &narrow, 0.1), 0);
    far = lessons_apply(&lessons, gpu, &wide, &broad);
    near = lessons_apply(&lessons, gpu, &wide, &sure);
    assert_true(far > 0.3 * 0.1 && far < 0.1);
    assert_true(near > 0 && near < 0.1 * far);
    assert_true(broad.high - broad.low > 3); /* and it stays as uncertain as it was */
}

static void test_forecast_says_so(void **state)
{
    struct operation op = product(2048);
    struct forecast f;

    (void)state;
    project_forget();
    learn_slow("b200-sxm");
    assert_int_equal(project(gpu_find("b200-sxm", NULL), &op, TIMING_KERNEL, &f, NULL), 0);
    assert_non_null(strstr(f.why, "5 measured calls"));
    project_forget();
    assert_int_equal(project(gpu_find("b200-sxm", NULL), &op, TIMING_KERNEL, &f, NULL), 0);
    assert_null(strstr(f.why, "measured calls"));
}

static void test_confirmed_only_narrows(void **state)
{
    struct operation op = product(1024);
    struct estimate before, after;

    (void)state;
    project_forget();
    before = forecast_us("b200-sxm", &op);
    assert_int_equal(project_learn(gpu_find("b200-sxm", NULL), &op, TIMING_KERNEL,
                                   before.value, NULL), 0);
    after = forecast_us("b200-sxm", &op);
    assert_float_equal(after.value, before.value, 1e-6 * before.value);
    assert_true(width(after) < width(before));
    project_forget();
}

static void test_bad_measurements(void **state)
{
    struct operation op = product(1024), strange = {.op = "fold_space"};
    const struct gpu *gpu = gpu_find("l4", NULL);

    (void)state;
    assert_true(project_learn(gpu, &op, TIMING_KERNEL, 0, NULL) < 0);
    assert_true(project_learn(gpu, &op, TIMING_KERNEL, NAN, NULL) < 0);
    assert_true(project_learn(gpu, &strange, TIMING_KERNEL, 1, NULL) < 0);
    assert_int_equal(project_learnt(), 0);
}

static void recognised(const char *model, const char *id)
{
    const struct gpu *gpu = gpu_recognise(model);

    if (id)
        assert_non_null(gpu);
    if (!id)
        assert_null(gpu);
    else
        assert_string_equal(gpu->id.text, id);
}

static void test_names_of_drivers(void **state)
{
    (void)state;
    recognised("NVIDIA A100-SXM4-80GB", "a100-sxm-80gb");
    recognised("NVIDIA A100-PCIE-40GB", "a100-pcie-40gb");
    recognised("NVIDIA A100 80GB PCIe", "a100-pcie-80gb");
    recognised("NVIDIA H100 80GB HBM3", "h100-sxm");
    recognised("NVIDIA H100 PCIe", "h100-pcie");
    recognised("Tesla T4", "t4");
    recognised("NVIDIA L40S", "l40s");
    recognised("Tesla V100-PCIE-32GB", "v100-pcie");
    recognised("NVIDIA GeForce RTX 4090", "rtx-4090");
    recognised("NVIDIA GeForce RTX 4090 Laptop GPU", NULL);
    recognised("NVIDIA GeForce RTX 2060", NULL);
    recognised("pthread-AMD EPYC 7B13", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_gpu_most),
        cmocka_unit_test(test_no_call_moves_beyond_the_cells),
        cmocka_unit_test(test_narrow_kind_moves_wide_one_no_further),
        cmocka_unit_test(test_forecast_says_so),
        cmocka_unit_test(test_confirmed_only_narrows),
        cmocka_unit_test(test_bad_measurements),
        cmocka_unit_test(test_names_of_drivers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
