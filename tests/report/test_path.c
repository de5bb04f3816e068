/* SPDX-License-Identifier: MIT */
/* The shortest path is what trying every placement finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/random.h"
#include "report/path.h"

enum { LONGEST = 10, CHAINS = 3000 };

static double exhaustive(const struct path_node *node, size_t n)
{
    double least = INFINITY;

    for (unsigned set = 0; set < 1u << n; set++) {
        bool on_gpu[LONGEST];

        for (size_t i = 0; i < n; i++)
            on_gpu[i] = set >> i & 1;
        least = fmin(least, path_cost(node, n, on_gpu));
    }
    return least;
}

/* 1 to 1000, spread over magnitudes; now and then there is no way at all. */
static double draw(uint64_t *state)
{
    if (random_below(state, 12) == 0)
        return random_below(state, 2) ? NAN : INFINITY;
    return pow(10, (double)random_below(state, 3000) / 1000);
}

static void test_equals_exhaustive_search(void **state)
{
    uint64_t seed = 5;
    int mixed = 0, impossible = 0;

    (void)state;
    for (int chain = 0; chain < CHAINS; chain++) {
        size_t n = 1 + random_below(&seed, LONGEST), moved = 0;
        struct path_node node[LONGEST];
        bool on_gpu[LONGEST], from[2 * LONGEST];
        double best, want;

        for (size_t i = 0; i < n; i++)
            node[i] = (struct path_node){draw(&seed), draw(&seed), draw(&seed) / 10,
                                         draw(&seed) / 10};
        best = path_best(node, n, on_gpu, from);
        want = exhaustive(node, n);
        if (isinf(want)) {
            assert_true(isinf(best));
            impossible++;
            continue;
        }
        assert_true(fabs(best - want) <= 1e-12 * want);
        assert_true(fabs(path_cost(node, n, on_gpu) - want) <= 1e-12 * want);
        for (size_t i = 0; i < n; i++)
            moved += on_gpu[i];
        mixed += moved > 0 && moved < n;
    }
    assert_true(mixed > CHAINS / 4 && impossible > 10); /* the draw reaches both */
}

/* The middle operation is slower on the GPU, yet moving back and forth costs more. */
static void test_stays_resident_through_a_slow_operation(void **state)
{
    struct path_node node[] = {{100, 10, 5, 5}, {3, 8, 5, 5}, {100, 10, 5, 5}};
    bool on_gpu[3], from[6];

    (void)state;
    assert_true(path_best(node, 3, on_gpu, from) == 28);
    assert_true(on_gpu[0] && on_gpu[1] && on_gpu[2]);
    node[1].gpu = 20; /* now it does not */
    assert_true(path_best(node, 3, on_gpu, from) == 33);
    assert_true(on_gpu[0] && !on_gpu[1] && on_gpu[2]);
}

static void test_ties_stay(void **state)
{
    const struct path_node node = {7, 7, 0, 0};
    bool on_gpu[1], from[2];

    (void)state;
    assert_true(path_best(&node, 1, on_gpu, from) == 7);
    assert_false(on_gpu[0]);
    assert_true(path_best(&node, 0, on_gpu, from) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_exhaustive_search),
        cmocka_unit_test(test_stays_resident_through_a_slow_operation),
        cmocka_unit_test(test_ties_stay),
    };

    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
