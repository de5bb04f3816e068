/* SPDX-License-Identifier: MIT */
/* Every operation on every GPU gives a time with an interval that makes sense, and the times
 * follow sizes, GPUs and a few published measurements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "projection/interval.h"
#include "projection/model.h"

/* A call of some size of any operation. */
static struct operation call_of(const struct op_kind *kind, int64_t size)
{
    struct operation op = {.op = kind->name, .dtype = DTYPE_F32, .kv_dtype = DTYPE_F32};

    switch (kind->model) {
    case MODEL_MATRIX:
        op.m = size, op.n = 1024, op.k = 1024, op.batch = kind->is_batched ? 8 : 0;
        break;
    case MODEL_PREFILL:
    case MODEL_DECODE:
        op.dtype = op.kv_dtype = DTYPE_BF16;
        op.batch = 4, op.heads = 32, op.kv_heads = 8, op.head_dim = 128, op.causal = 1;
        op.kv_len = size;
        op.q_len = kind->model == MODEL_PREFILL ? size : 1;
        break;
    case MODEL_LAUNCH:
        break;
    default:
        op.rows = size, op.cols = 4096;
    }
    return op;
}

/* False when the GPU's memory cannot hold it. */
static bool check(const struct gpu *gpu, const struct operation *op, enum timing timing,
                  struct forecast *f)
{
    struct why why = {""};
    double sum = 0;

    if (project(gpu, op, timing, f, &why) != 0 && strstr(why.text, "do not fit"))
        return false;
    if (why.text[0])
        fail_msg("%s on %s: %s", op->op, gpu->id.text, why.text);
    if (!(isfinite(f->time_us.high) && 0 < f->time_us.low && f->time_us.low < f->time_us.value &&
          f->time_us.value < f->time_us.high))
        fail_msg("%s on %s: %g ... %g ... %g us", op->op, gpu->id.text, f->time_us.low,
                 f->time_us.value, f->time_us.high);
    for (int i = 0; i < f->terms; i++)
        sum += f->term[i].us;
    assert_true(sum >= f->time_us.value * 0.999);
    assert_true(f->terms > 0 && f->why[0] && f->bound[0]);
    return true;
}

static void test_every_operation_on_every_gpu(void **state)
{
    struct forecast f;
    size_t calls = 0, fit = 0;

    (void)state;
    for (int g = 0; g < gpu_count(); g++)
        for (int i = 0; op_kind_at(i); i++)
            for (int timing = 0; timing < TIMINGS; timing++)
                for (int64_t size = 1; size <= 1 << 20; size *= 64) {
                    struct operation op = call_of(op_kind_at(i), size);

                    fit += check(gpu_at(g), &op, (enum timing)timing, &f);
                    calls++;
                }
    assert_true(fit < calls && fit > calls / 2);
}

static void test_time_grows_with_size(void **state)
{
    static const char *const names[] = {"h100-sxm", "l4", "t4", "mi300x", "rtx-5090"};

    (void)state;
    for (size_t g = 0; g < sizeof names / sizeof *names; g++)
        for (int i = 0; op_kind_at(i); i++) {
            double before = 0;

            if (op_kind_at(i)->model == MODEL_LAUNCH || op_kind_at(i)->model == MODEL_COPY)
                continue;
            for (int64_t size = 16; size <= 1 << 17; size *= 4) {
                struct operation op = call_of(op_kind_at(i), size);
                struct forecast f;

                if (!check(gpu_find(names[g], NULL), &op, TIMING_KERNEL, &f))
                    break;
                if (f.time_us.value < before * 0.98)
                    fail_msg("%s on %s: %g us at %ld after %g us", op.op, names[g],
                             f.time_us.value, (long)size, before);
                before = f.time_us.value;
            }
        }
}

/* Rows of public collections: aiconfigurator @095f58a (bf16, graph), vidur @7d47513 (fp16,
 * kernel), NeuSight @6945927 (fp32, eager). */
static void test_published_measurements(void **state)
{
    static const struct {
        const char *gpu, *op;
        enum dtype dtype;
        enum timing timing;
        int64_t batch, m, n, k;
        double us;
    } rows[] = {
        {"h100-sxm", "gemm", DTYPE_BF16, TIMING_GRAPH, 0, 2, 4096, 65536, 186.77},
        {"h100-sxm", "gemm", DTYPE_BF16, TIMING_GRAPH, 0, 16, 1024, 65536, 52.08},
        {"h100-sxm", "gemm", DTYPE_BF16, TIMING_GRAPH, 0, 80, 768, 65536, 45.712},
        {"h100-sxm", "gemm", DTYPE_BF16, TIMING_GRAPH, 0, 512, 1024, 51200, 85.301},
        {"h100-sxm", "gemm", DTYPE_BF16, TIMING_GRAPH, 0, 2048, 10240, 16384, 928.14},
        {"h100-sxm", "gemm", DTYPE_BF16, TIMING_GRAPH, 0, 16384, 1024, 16384, 681.3},
        {"a40", "gemm", DTYPE_F16, TIMING_KERNEL, 0, 8, 4096, 4096, 65},
        {"a40", "gemm", DTYPE_F16, TIMING_KERNEL, 0, 96, 8192, 11008, 358},
        {"a40", "gemm", DTYPE_F16, TIMING_KERNEL, 0, 1000, 4096, 2048, 188},
        {"a40", "gemm", DTYPE_F16, TIMING_KERNEL, 0, 3072, 8192, 14336, 6254.5},
        {"a100-pcie-80gb", "bmm", DTYPE_F32, TIMING_EAGER, 24, 1024, 1024, 128, 392.92},
        {"a100-pcie-80gb", "bmm", DTYPE_F32, TIMING_EAGER, 160, 96, 196, 196, 145.86},
        {"a100-pcie-80gb", "bmm", DTYPE_F32, TIMING_EAGER, 768, 384, 384, 64, 941.92},
        {"a100-pcie-80gb", "bmm", DTYPE_F32, TIMING_EAGER, 8192, 196, 196, 96, 5771.1},
    };
    int inside = 0, count = sizeof rows / sizeof *rows;

    (void)state;
    for (int i = 0; i < count; i++) {
        struct operation op = {.op = rows[i].op, .dtype = rows[i].dtype, .m = rows[i].m,
                               .n = rows[i].n, .k = rows[i].k, .batch = rows[i].batch};
        struct forecast f;

        check(gpu_find(rows[i].gpu, NULL), &op, rows[i].timing, &f);
        if (fabs(log(f.time_us.value / rows[i].us)) > log(1.5))
            fail_msg("row %d: %g us projected, %g us measured", i, f.time_us.value, rows[i].us);
        inside += f.time_us.low <= rows[i].us && rows[i].us <= f.time_us.high;
    }
    assert_true(inside >= count / 2);
}

static void test_interval_widens_with_distance(void **state)
{
    struct operation op = {.op = "gemm", .dtype = DTYPE_BF16, .m = 4096, .n = 4096, .k = 4096};
    struct forecast near, far, odd;

    (void)state;
    check(gpu_find("h100-sxm", NULL), &op, TIMING_KERNEL, &near);
    check(gpu_find("b200-sxm", NULL), &op, TIMING_KERNEL, &far);
    assert_true(near.time_us.high / near.time_us.low < far.time_us.high / far.time_us.low);
    op.dtype = DTYPE_F64;
    check(gpu_find("b200-sxm", NULL), &op, TIMING_KERNEL, &odd);
    assert_true(far.time_us.high / far.time_us.low <= odd.time_us.high / odd.time_us.low);
    assert_non_null(strstr(near.why, "calibrated on this GPU"));
}

static void test_what_cannot_be_projected_says_why(void **state)
{
    const struct gpu *gpu = gpu_find("t4", NULL);
    struct operation op = {.op = "fft", .dtype = DTYPE_F32};
    struct forecast f;
    struct why why = {""};

    (void)state;
    assert_int_equal(project(gpu, &op, TIMING_KERNEL, &f, &why), STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "'fft'"));
    assert_true(isnan(f.time_us.value));
    op.op = "gemm";
    assert_int_equal(project(gpu, &op, TIMING_KERNEL, &f, &why), STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "'m'"));
    op = (struct operation){.op = "gemm", .dtype = DTYPE_BF16, .precision = PRECISION_FP8,
                            .m = 8, .n = 8, .k = 8};
    assert_int_equal(project(gpu, &op, TIMING_KERNEL, &f, &why), STATUS_UNAVAILABLE);
}

static void test_transfers_follow_the_link(void **state)
{
    struct forecast pinned, pageable;
    const struct gpu *gpu = gpu_find("h100-pcie", NULL);

    (void)state;
    assert_int_equal(project_transfer(gpu, 1e9, MEMORY_PINNED, &pinned, NULL), 0);
    assert_int_equal(project_transfer(gpu, 1e9, MEMORY_PAGEABLE, &pageable, NULL), 0);
    assert_string_equal(pinned.bound, "link");
    assert_true(1e9 / (pinned.time_us.value * 1e-6) > 0.7 * gpu->link_bytes_per_s);
    assert_true(pageable.time_us.value > 1.5 * pinned.time_us.value);
}

static void test_reuse_of_the_l2_is_seen(void **state)
{
    struct operation op = {.op = "gemm", .dtype = DTYPE_BF16, .m = 1, .n = 2048, .k = 2048};
    struct forecast hot, cold;

    (void)state;
    check(gpu_find("l40s", NULL), &op, TIMING_KERNEL, &hot);
    op.cold = true;
    check(gpu_find("l40s", NULL), &op, TIMING_KERNEL, &cold);
    assert_true(cold.time_us.value > 1.3 * hot.time_us.value);
}

static void test_other_names_of_operations(void **state)
{
    struct operation op = {.op = "gemm_bias", .dtype = DTYPE_F32, .m = 64, .n = 512, .k = 512};
    const struct gpu *gpu = gpu_find("l4", NULL);
    struct forecast own, other;
    struct why why = {""};

    (void)state;
    check(gpu, &op, TIMING_KERNEL, &own);
    op.op = "Linear";
    check(gpu, &op, TIMING_KERNEL, &other);
    assert_memory_equal(&own.time_us, &other.time_us, sizeof own.time_us);
    assert_string_equal(own.why, other.why);

    op = (struct operation){.op = "copy", .dtype = DTYPE_F16, .rows = 512, .cols = 4096};
    check(gpu, &op, TIMING_KERNEL, &own);
    op.op = "transpose";
    check(gpu, &op, TIMING_KERNEL, &other);
    assert_true(other.time_us.value == own.time_us.value);
    assert_true(other.time_us.low < own.time_us.low && other.time_us.high > own.time_us.high);
    assert_non_null(strstr(other.why, "'transpose' taken as 'copy'"));

    op.op = "sort";
    assert_int_equal(project(gpu, &op, TIMING_KERNEL, &other, &why), STATUS_UNAVAILABLE);
}

/* Of the same elements, in memory and in dtype, the first takes longer: it launches a second
 * kernel, computes more, wraps its scalar, has keys and values of its own for every head. */
static void test_what_sets_operations_apart(void **state)
{
    static const struct {
        const char *longer, *shorter;
        enum timing timing;
        int64_t size, longer_kv_heads;
    } pair[] = {{"sum", "stream_read", TIMING_KERNEL, 2048, 0},
                {"pow", "div", TIMING_KERNEL, 2048, 0},
                {"add_scalar", "stream_scale", TIMING_EAGER, 1, 0}, /* dispatch hides the kernel */
                {"attn_decode", "attn_decode", TIMING_KERNEL, 2048, 32}};
    const struct gpu *gpu = gpu_find("h100-sxm", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        struct operation longer = call_of(op_kind_find(pair[i].longer), pair[i].size);
        struct operation shorter = call_of(op_kind_find(pair[i].shorter), pair[i].size);
        struct forecast slow, fast;

        if (pair[i].longer_kv_heads)
            longer.kv_heads = pair[i].longer_kv_heads;
        assert_true(check(gpu, &longer, pair[i].timing, &slow));
        assert_true(check(gpu, &shorter, pair[i].timing, &fast));
        if (!(slow.time_us.value > fast.time_us.value * 1.001))
            fail_msg("%s takes %g us, %s %g us", longer.op, slow.time_us.value, shorter.op,
                     fast.time_us.value);
    }
}

static void test_every_synonym_leads_to_an_operation(void **state)
{
    (void)state;
    for (int i = 0; synonym_at(i); i++) {
        const struct op_kind *kind = op_kind_find(synonym_at(i)->name);

        if (!kind || strcmp(kind->name, synonym_at(i)->of) != 0)
            fail_msg("'%s' does not lead to '%s'", synonym_at(i)->name, synonym_at(i)->of);
    }
}

/* int8 on the lanes, four at a time: between f32 and the matrix cores. */
static void test_dp4a_runs_on_the_lanes(void **state)
{
    struct operation op = {.op = "gemm", .dtype = DTYPE_F32, .m = 4096, .n = 4096, .k = 4096};
    const struct gpu *t4 = gpu_find("t4", NULL);
    struct forecast f32, lanes, cores;

    (void)state;
    assert_int_equal(project(t4, &op, TIMING_KERNEL, &f32, NULL), 0);
    op.dtype = DTYPE_I8;
    assert_int_equal(project(t4, &op, TIMING_KERNEL, &cores, NULL), 0);
    op.precision = PRECISION_DP4A;
    assert_int_equal(project(t4, &op, TIMING_KERNEL, &lanes, NULL), 0);
    assert_true(lanes.time_us.value < 0.35 * f32.time_us.value);
    assert_true(lanes.time_us.value > 1.5 * cores.time_us.value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dp4a_runs_on_the_lanes),
        cmocka_unit_test(test_every_operation_on_every_gpu),
        cmocka_unit_test(test_time_grows_with_size),
        cmocka_unit_test(test_published_measurements),
        cmocka_unit_test(test_interval_widens_with_distance),
        cmocka_unit_test(test_what_cannot_be_projected_says_why),
        cmocka_unit_test(test_transfers_follow_the_link),
        cmocka_unit_test(test_reuse_of_the_l2_is_seen),
        cmocka_unit_test(test_other_names_of_operations),
        cmocka_unit_test(test_what_sets_operations_apart),
        cmocka_unit_test(test_every_synonym_leads_to_an_operation),
    };

    return cmocka_run_group_tests_name("projection", tests, NULL, NULL);
}
