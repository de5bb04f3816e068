/* SPDX-License-Identifier: MIT */
/* Errors of causes add in quadrature by their shares; what is known of a generation is known
 * by cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "projection/interval.h"

static struct ledger ledger_of(const char *gpu, const struct operation *op, enum timing timing)
{
    struct ledger l;

    assert_int_equal(model_project(parameters_builtin(), gpu_find(gpu, NULL), op, timing, &l,
                                   NULL), 0);
    return l;
}

static void test_errors_propagate(void **state)
{
    static struct intervals t;
    struct region r = {.model = MODEL_MAP, .type = NUMBER_F32,
                       .share = {[CAUSE_MEMORY] = 0.6, [CAUSE_LAUNCH] = 0.4}};
    const enum kindred near[CAUSES] = {KINDRED_FAMILY, KINDRED_FAMILY, KINDRED_FAMILY,
                                       KINDRED_FAMILY, KINDRED_NONE, KINDRED_FAMILY,
                                       KINDRED_NONE};
    struct spread s;

    (void)state;
    intervals_init(&t);
    t.sigma[STANDING_USUAL][CLASS_MAP][KINDRED_FAMILY][CAUSE_MEMORY] = 0.1;
    t.sigma[STANDING_USUAL][CLASS_MAP][KINDRED_NONE][CAUSE_LAUNCH] = 0.4;
    t.common[CLASS_MAP] = 0.25;
    s = spread_of(&t, STANDING_USUAL, &r, near);
    assert_float_equal(s.high, 1.2816 * sqrt(0.06 * 0.06 + 0.16 * 0.16 + 0.02 * 0.02), 1e-9);
    assert_float_equal(s.low, -s.high, 1e-12);
    assert_float_equal(s.between, 0.5 * s.high / 1.2816, 1e-9);
}

static void test_nearness_is_by_cause(void **state)
{
    static struct intervals t;
    const struct gpu *h200 = gpu_find("h200-sxm", NULL), *h100 = gpu_find("h100-sxm", NULL);
    struct kind bf16 = kind_of(op_kind_find("gemm"), &(struct operation){.dtype = DTYPE_BF16});

    (void)state;
    assert_non_null(h200);
    intervals_init(&t);
    intervals_mark(&t, h100, CLASS_MATRIX_16, &bf16);
    assert_int_equal(kindred_of(&t, h100, CLASS_MATRIX_16, CAUSE_COMPUTE), KINDRED_GPU);
    assert_int_equal(kindred_of(&t, h100, CLASS_MATRIX_16, CAUSE_LAUNCH), KINDRED_NONE);
    assert_int_equal(kindred_of(&t, h200, CLASS_MATRIX_16, CAUSE_COMPUTE), KINDRED_FAMILY);
    assert_int_equal(kindred_of(&t, h200, CLASS_MATRIX_16, CAUSE_LAUNCH), KINDRED_NONE);
    assert_int_equal(kindred_of(&t, h100, CLASS_MAP, CAUSE_MEMORY), KINDRED_FAMILY);
    assert_int_equal(kindred_of(&t, h100, CLASS_MAP, CAUSE_LATENCY), KINDRED_NONE);
    assert_int_equal(standing_of(h100), STANDING_USUAL);
    assert_int_equal(standing_of(gpu_find("mi300x", NULL)), STANDING_ODD);
    assert_int_equal(standing_of(gpu_find("p4", NULL)), STANDING_ODD);
}

/* The shares are the model's own derivatives: a GPU whose memory is 1 % slower. */
static void test_shares_are_sensitivities(void **state)
{
    struct operation op = {.op = "add", .dtype = DTYPE_F32, .rows = 4096, .cols = 4096};
    struct gpu slower = *gpu_find("v100-pcie", NULL);
    struct ledger before = ledger_of("v100-pcie", &op, TIMING_LAUNCH), after;
    double sum = 0;

    (void)state;
    slower.memory_bytes_per_s /= 1.01;
    assert_int_equal(model_project(parameters_builtin(), &slower, &op, TIMING_LAUNCH, &after,
                                   NULL), 0);
    assert_float_equal(log(after.total / before.total) / log(1.01), before.share[CAUSE_MEMORY],
                       0.01);
    for (int c = 0; c < CAUSES; c++)
        if (c != CAUSE_TILES && c != CAUSE_POWER) /* parts of compute */
            sum += before.share[c];
    assert_float_equal(sum, 1, 1e-6);
}

static void test_short_eager_calls_follow_the_host(void **state)
{
    struct operation op = {.op = "add", .dtype = DTYPE_F32, .rows = 64, .cols = 64};
    struct ledger small = ledger_of("l4", &op, TIMING_EAGER), large;
    const struct op_kind *kind = op_kind_find("add");
    struct region r = region_of(kind, &op, &small);
    struct spread wide = interval_spread(intervals_builtin(), gpu_find("l4", NULL), &r), narrow;

    (void)state;
    assert_int_equal(r.cause, CAUSE_LAUNCH);
    op.rows = op.cols = 16384;
    large = ledger_of("l4", &op, TIMING_EAGER);
    r = region_of(kind, &op, &large);
    assert_int_equal(r.cause, CAUSE_MEMORY);
    narrow = interval_spread(intervals_builtin(), gpu_find("l4", NULL), &r);
    assert_true(wide.high > 2 * narrow.high);
}

/* A kind that nobody timed: what it lacks is added, a launch excepted; a product's name is no
 * kind of its own. */
static void test_kinds_never_timed(void **state)
{
    static struct intervals t;
    struct operation half = {.dtype = DTYPE_F16}, tf32 = {.dtype = DTYPE_F32,
                                                          .precision = PRECISION_TF32};
    struct kind gemm = kind_of(op_kind_find("gemm"), &half);
    struct kind bmm = kind_of(op_kind_find("bmm"), &half);
    struct kind other = kind_of(op_kind_find("gemm"), &tf32);
    struct region r = {.model = MODEL_MATRIX, .share = {[CAUSE_LAUNCH] = 0.25}};
    struct spread s = {-0.3, 0.3, 0};

    (void)state;
    intervals_init(&t);
    intervals_mark(&t, gpu_find("t4", NULL), CLASS_MATRIX_16, &gemm);
    assert_true(kind_is_timed(&t, &bmm));
    assert_false(kind_is_timed(&t, &other));
    assert_string_equal(precision_name(other.precision), "tf32");
    t.strange[PART_PRODUCTS] = 0.4;
    spread_add(&s, &t, &r);
    assert_float_equal(s.high, hypot(0.3, 1.2816 * 0.3), 1e-9);
    assert_float_equal(s.low, -s.high, 1e-12);
    assert_float_equal(s.between, 0.3, 1e-12);
}

/* Power counts where the limit bites, tiles where few waves run. */
static void test_parts_of_compute(void **state)
{
    struct operation large = {.op = "gemm", .dtype = DTYPE_F32, .m = 8192, .n = 8192, .k = 8192};
    struct operation small = {.op = "gemm", .dtype = DTYPE_F32, .m = 256, .n = 256, .k = 8192};
    struct ledger t4 = ledger_of("t4", &large, TIMING_KERNEL);
    struct ledger h100 = ledger_of("h100-sxm", &large, TIMING_KERNEL);
    struct ledger few = ledger_of("h100-sxm", &small, TIMING_KERNEL);

    (void)state;
    assert_float_equal(t4.throttle, parameters_builtin()->clock_power, 1e-6);
    assert_true(t4.share[CAUSE_POWER] > 0.5);
    assert_float_equal(h100.share[CAUSE_POWER], 0, 1e-9);
    assert_true(h100.share[CAUSE_TILES] < 0.1);
    assert_true(few.share[CAUSE_TILES] > 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_never_timed),
        cmocka_unit_test(test_parts_of_compute),
        cmocka_unit_test(test_errors_propagate),
        cmocka_unit_test(test_nearness_is_by_cause),
        cmocka_unit_test(test_shares_are_sensitivities),
        cmocka_unit_test(test_short_eager_calls_follow_the_host),
    };

    return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
