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
                                       KINDRED_NONE, KINDRED_NONE};
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

    (void)state;
    assert_non_null(h200);
    intervals_init(&t);
    intervals_mark(&t, h100, CLASS_MATRIX_16, NUMBER_16);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_propagate),
        cmocka_unit_test(test_nearness_is_by_cause),
        cmocka_unit_test(test_shares_are_sensitivities),
        cmocka_unit_test(test_short_eager_calls_follow_the_host),
    };

    return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
