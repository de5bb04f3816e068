/* SPDX-License-Identifier: MIT */
/* The shape of the model, whatever its parameters: over the whole catalogue, operations, types
 * and timings no time is senseless, more work is not faster, and a better GPU is not slower. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "projection/model.h"

static const enum dtype types[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};
enum { TYPES = sizeof types / sizeof *types };

static struct operation call_of(const struct op_kind *kind, enum dtype type, int64_t size)
{
    struct operation op = {.op = kind->name, .dtype = type, .kv_dtype = type};

    switch (kind->model) {
    case MODEL_MATRIX:
        op.m = size, op.n = 1536, op.k = 1024, op.batch = kind->is_batched ? 8 : 0;
        break;
    case MODEL_PREFILL:
    case MODEL_DECODE:
        op.batch = 4, op.heads = 32, op.kv_heads = 8, op.head_dim = 128, op.causal = 1;
        op.kv_len = size, op.q_len = kind->model == MODEL_PREFILL ? size : 1;
        break;
    default:
        op.rows = size, op.cols = 4096;
    }
    return op;
}

/* The value, or NAN when this GPU has no such type; its interval holds it. */
static double time_us(const struct gpu *gpu, const struct operation *op)
{
    struct forecast f;
    struct why why = {""};

    if (project(gpu, op, TIMING_KERNEL, &f, &why) != 0) {
        assert_true(why.text[0]);
        return NAN;
    }
    if (!(0 < f.time_us.low && f.time_us.low <= f.time_us.value &&
          f.time_us.value <= f.time_us.high && isfinite(f.time_us.high)))
        fail_msg("%s %s on %s: %g ... %g ... %g us", op->op, dtype_name(op->dtype), gpu->id.text,
                 f.time_us.low, f.time_us.value, f.time_us.high);
    return f.time_us.value;
}

static void everywhere(void (*look)(const struct gpu *, const struct op_kind *, enum dtype))
{
    for (int g = 0; g < gpu_count(); g++)
        for (int i = 0; op_kind_at(i); i++)
            for (int t = 0; t < TYPES; t++)
                if (op_kind_at(i)->model != MODEL_LAUNCH && op_kind_at(i)->model != MODEL_COPY)
                    look(gpu_at(g), op_kind_at(i), types[t]);
}

static void look_doubled_size(const struct gpu *gpu, const struct op_kind *kind, enum dtype type)
{
    double before = 0;

    for (int64_t size = 1; size <= 1 << 17; size *= 2) {
        struct operation op = call_of(kind, type, size);
        double us = time_us(gpu, &op);

        if (us < 0.9 * before)
            fail_msg("%s %s on %s: %g us at %ld after %g us", op.op, dtype_name(type),
                     gpu->id.text, us, (long)size, before);
        before = us;
    }
}

static struct gpu doubled(const struct gpu *gpu)
{
    struct gpu d = *gpu;

    d.units *= 2;
    d.memory_bytes *= 2, d.memory_bytes_per_s *= 2;
    d.l2_bytes *= 2, d.l3_bytes *= 2;
    for (int t = 0; t < DTYPES; t++)
        d.flops_per_s[t] *= 2;
    d.vector_flops_per_s *= 2, d.tf32_flops_per_s *= 2;
    d.f64_vector_flops_per_s *= 2, d.fp8_flops_per_s *= 2;
    d.link_bytes_per_s *= 2;
    d.tdp_w *= 2;
    return d;
}

static void look_doubled_gpu(const struct gpu *gpu, const struct op_kind *kind, enum dtype type)
{
    struct gpu twice = doubled(gpu);

    for (int64_t size = 1; size <= 1 << 17; size *= 4) {
        struct operation op = call_of(kind, type, size);
        double one = time_us(gpu, &op), two = time_us(&twice, &op);

        if (two > 1.02 * one)
            fail_msg("%s %s, %ld: twice %s takes %g us, it takes %g us", op.op, dtype_name(type),
                     (long)size, gpu->id.text, two, one);
    }
}

/* Long or thin beyond what was calibrated: wide bounds that only nonsense leaves. Not under a
 * fiftieth of the time that the traffic takes (caches may hold it), not over a hundred times
 * plain traffic and arithmetic plus a millisecond. */
static void extreme(const struct gpu *gpu, struct operation op, double flops, double bytes)
{
    double us = time_us(gpu, &op);
    double least = fmax(flops / gpu->vector_flops_per_s, bytes / gpu->memory_bytes_per_s) * 1e6;

    if (us > 100 * least + 1000 || us < bytes / (50 * gpu->memory_bytes_per_s) * 1e6)
        fail_msg("%s on %s: %g us, plain arithmetic and traffic %g us", op.op, gpu->id.text, us,
                 least);
}

static void test_extreme_shapes(void **state)
{
    (void)state;
    for (int g = 0; g < gpu_count(); g++) {
        const struct gpu *gpu = gpu_at(g);
        struct operation op = {.op = "gemm", .dtype = DTYPE_F32, .m = 1, .n = 8192, .k = 8192};

        extreme(gpu, op, 2.0 * 8192 * 8192, 4.0 * 8192 * 8192);
        op = (struct operation){.op = "gemm", .dtype = DTYPE_F32, .m = 8192, .n = 8192, .k = 1};
        extreme(gpu, op, 2.0 * 8192 * 8192, 4.0 * 8192 * 8192);
        op = (struct operation){.op = "bmm", .dtype = DTYPE_F32, .m = 64, .n = 64, .k = 64,
                                .batch = 100000};
        extreme(gpu, op, 2.0 * 64 * 64 * 64 * 1e5, 3 * 4.0 * 64 * 64 * 1e5);
        op = (struct operation){.op = "softmax", .dtype = DTYPE_F32, .rows = 100000000,
                                .cols = 64};
        extreme(gpu, op, 5.0 * 64e8, 2 * 4.0 * 64e8);
        op = (struct operation){.op = "attn_decode", .dtype = DTYPE_F16, .kv_dtype = DTYPE_F16,
                                .batch = 1, .heads = 32, .kv_heads = 8, .head_dim = 128,
                                .q_len = 1, .kv_len = 1000000};
        extreme(gpu, op, 4.0 * 32 * 128 * 1e6, 2 * 2.0 * 8 * 128 * 1e6);
    }
}

static void test_more_work_is_not_faster(void **state)
{
    (void)state;
    everywhere(look_doubled_size);
}

static void test_a_better_gpu_is_not_slower(void **state)
{
    (void)state;
    everywhere(look_doubled_gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_work_is_not_faster),
        cmocka_unit_test(test_a_better_gpu_is_not_slower),
        cmocka_unit_test(test_extreme_shapes),
    };

    return cmocka_run_group_tests_name("monotone", tests, NULL, NULL);
}
