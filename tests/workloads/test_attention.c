/* SPDX-License-Identifier: MIT */
/* Is the error bound of attention worth something? A plain computation with everything that a
 * fair implementation may round is accepted, at short and long contexts and in every dtype; a
 * mask that is off by one, a wrong head or a wrong scale is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "harness/bench.h"
#include "workloads/attention.h"

/* What is done wrong: the seen span moved at its ends, the scale of the scores multiplied, the
 * key head moved on by one. */
struct fault {
    int64_t first, end;
    float scale;
    int64_t head;
};

static const struct fault none = {0, 0, 1, 0};

static struct device host;

static int open_host(void **state)
{
    (void)state;
    return device_open(&host, "cpu", NULL);
}

static int close_host(void **state)
{
    (void)state;
    device_close(&host);
    return 0;
}

static int64_t axis(const struct workload *w, const struct problem *p, const char *name,
                    int64_t otherwise)
{
    for (int i = 0; i < workload_axes(w); i++)
        if (strcmp(w->axis[i].name, name) == 0)
            return p->shape.n[i];
    return otherwise;
}

static struct attention attention_of(const struct workload *w, const struct problem *p)
{
    return (struct attention){.dtype = p->dtype,
                              .batch = axis(w, p, "batch", 1),
                              .heads = axis(w, p, "heads", 1),
                              .kv_heads = axis(w, p, "kv_heads", 1),
                              .head_dim = axis(w, p, "head_dim", 1),
                              .q_len = axis(w, p, "q_len", 1),
                              .kv_len = axis(w, p, "kv_len", 1),
                              .window = axis(w, p, "window", 0),
                              .causal = axis(w, p, "causal", 1)};
}

static float at(const struct bench *b, int arg, int64_t i)
{
    return (float)element_get(b->problem.dtype, b->arg[0][arg].data, i);
}

/* One row (query i of sequence s, head h) in f32, scores added up one by one, probabilities
 * rounded to the dtype. */
static void plain_row(const struct bench *b, const struct attention *a, const struct fault *f,
                      int64_t s, int64_t i, int64_t h, float *p, void *out)
{
    int64_t d = a->head_dim, g = (h / (a->heads / a->kv_heads) + f->head) % a->kv_heads;
    int64_t q = ((s * a->q_len + i) * a->heads + h) * d, first, end;
    float top = -INFINITY, sum = 0;

    attention_span(a, i, &first, &end);
    first = first + f->first > 0 ? first + f->first : 0;
    end = end + f->end < a->kv_len ? end + f->end : a->kv_len;
    for (int64_t j = first; j < end; j++) {
        int64_t k = ((s * a->kv_len + j) * a->kv_heads + g) * d;

        p[j] = 0;
        for (int64_t c = 0; c < d; c++)
            p[j] += at(b, ATTENTION_Q, q + c) * at(b, ATTENTION_K, k + c);
        p[j] *= f->scale / sqrtf((float)d);
        top = fmaxf(top, p[j]);
    }
    for (int64_t j = first; j < end; j++) {
        uint64_t rounded;

        p[j] = expf(p[j] - top);
        sum += p[j];
        element_set(a->dtype, &rounded, 0, p[j]);
        p[j] = (float)element_get(a->dtype, &rounded, 0);
    }
    for (int64_t c = 0; c < d; c++) {
        float value = 0;

        for (int64_t j = first; j < end; j++)
            value += p[j] * at(b, ATTENTION_V, ((s * a->kv_len + j) * a->kv_heads + g) * d + c);
        element_set(a->dtype, out, q + c, end > first ? value / sum : 0);
    }
}

/* Error over its bound of the plain computation with a fault. */
static double plain_error(const struct workload *w, enum dtype dtype, struct shape shape,
                          const struct fault *f)
{
    struct problem problem = {.dtype = dtype, .shape = shape};
    struct attention a = attention_of(w, &problem);
    struct bench b;
    struct why why = {{0}};
    float *p = malloc(sizeof *p * (size_t)a.kv_len);
    double error;

    assert_non_null(p);
    if (bench_open(&b, w, &problem, &host, 0, 3, &why) != 0)
        fail_msg("%s: %s", w->name, why.text);
    for (int64_t s = 0; s < a.batch; s++)
        for (int64_t i = 0; i < a.q_len; i++)
            for (int64_t h = 0; h < a.heads; h++)
                plain_row(&b, &a, f, s, i, h, p, b.arg[0][ATTENTION_OUT].data);
    error = bench_error(&b, ATTENTION_OUT, b.arg[0][ATTENTION_OUT].data, 0, &why);
    bench_close(&b);
    free(p);
    return error;
}

static const enum dtype dtypes[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
static const struct fault faults[] = {
    {0, 1, 1, 0},  /* sees the next key */
    {0, -1, 1, 0}, /* does not see its own */
    {1, 0, 1, 0},  /* misses the oldest key */
    {0, 0, 1.1f, 0}, {0, 0, 1, 1},
};

static void check(const char *name, const struct shape *shape, int shapes, bool has_next)
{
    const struct workload *w = workload_find(name);

    assert_non_null(w);
    for (int s = 0; s < shapes; s++)
        for (size_t t = 0; t < sizeof dtypes / sizeof *dtypes; t++) {
            double right = plain_error(w, dtypes[t], shape[s], &none);

            if (!(right <= 1))
                fail_msg("%s %s, shape %d: a right result is refused (%g of its bound)", name,
                         dtype_name(dtypes[t]), s, right);
            for (size_t f = has_next ? 0 : 1; f < sizeof faults / sizeof *faults; f++) {
                double wrong = plain_error(w, dtypes[t], shape[s], &faults[f]);

                if (!(wrong > 1))
                    fail_msg("%s %s, shape %d: fault %zu passes (%g of its bound)", name,
                             dtype_name(dtypes[t]), s, f, wrong);
            }
        }
}

static void test_prefill_bound(void **state)
{
    static const struct shape shape[] = {
        {{1, 4, 2, 64, 40, 40, 1, 0}},
        {{1, 2, 2, 128, 65, 700, 1, 0}},  /* the end of a long prompt */
        {{1, 2, 2, 64, 130, 1500, 1, 1000}},
    };

    (void)state;
    check("attention_prefill", shape, 3, true);
}

static void test_decode_bound(void **state)
{
    static const struct shape shape[] = {
        {{2, 4, 2, 64, 50, 0}}, {{1, 8, 2, 128, 2048, 0}}, {{1, 8, 2, 64, 4096, 1500}}};

    (void)state;
    /* the newest key is the last one: there is no next */
    check("attention_decode", shape, 3, false);
}

static void test_pairs(void **state)
{
    struct attention a = {.dtype = DTYPE_F32, .batch = 2, .heads = 4, .kv_heads = 2,
                          .head_dim = 8, .q_len = 5, .kv_len = 7, .causal = true};

    (void)state;
    assert_true(attention_pairs(&a) == 3 + 4 + 5 + 6 + 7);
    assert_true(attention_cost(&a).flops == 4.0 * 2 * 4 * 8 * 25);
    assert_true(attention_cost(&a).bytes_written == 4.0 * 2 * 5 * 4 * 8);
    a.window = 4;
    assert_true(attention_pairs(&a) == 3 + 4 + 4 + 4 + 4);
    a.q_len = 1; /* keys 3 ... 6 are seen */
    assert_true(attention_cost(&a).bytes_read == 4.0 * 2 * 8 * (4 + 2 * 4 * 2));
    a.window = 0;
    a.causal = false;
    a.q_len = 5;
    assert_true(attention_pairs(&a) == 35);
}

static void test_refusals(void **state)
{
    const struct attention good = {.dtype = DTYPE_F32, .batch = 1, .heads = 6, .kv_heads = 2,
                                   .head_dim = 64, .q_len = 5, .kv_len = 7, .causal = true};
    struct attention a = good;
    struct why why = {{0}};

    (void)state;
    assert_true(attention_valid(&a, "x", &why));
    a.kv_heads = 4;
    assert_false(attention_valid(&a, "x", &why));
    a = good;
    a.head_dim = 65;
    assert_false(attention_valid(&a, "x", &why));
    a = good;
    a.q_len = 8;
    assert_false(attention_valid(&a, "x", &why));
    a = good;
    a.causal = false;
    a.window = 3;
    assert_false(attention_valid(&a, "x", &why));
    assert_non_null(strstr(why.text, "window"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefill_bound),
        cmocka_unit_test(test_decode_bound),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests_name("attention", tests, open_host, close_host);
}
