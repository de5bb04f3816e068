/* SPDX-License-Identifier: MIT */
/* Which ways of running the CPU's best are tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/lineup.h"

static const struct variant own = {.name = "simd"}, library = {.name = "lib", .provider = "Lib"},
                            slow = {.name = "slow"};

static bool has(const struct way *way, int ways, const struct variant *variant, int threads,
                enum isa isa, enum spread spread)
{
    for (int i = 0; i < ways; i++)
        if (way[i].variant == variant && way[i].threads == threads && way[i].isa == isa &&
            way[i].spread == spread)
            return true;
    return false;
}

static void test_ways_of_a_large_machine(void **state)
{
    const struct lineup_member member[] = {{&slow, 500, 0}, {&own, 150, 0}, {&library, 100, 0}};
    const struct lineup_machine machine = {.threads = 64, .cpus = 128, .node_threads = 32,
                                           .isa = ISA_avx512};
    struct way way[WAYS];
    int ways = lineup_ways(member, 3, machine, way);

    (void)state;
    assert_true(has(way, ways, &library, 64, ISA_avx512, SPREAD_ALL));
    assert_true(has(way, ways, &library, 32, ISA_avx512, SPREAD_NODE));
    assert_true(has(way, ways, &library, 1, ISA_avx512, SPREAD_NONE));
    assert_true(has(way, ways, &library, 16, ISA_avx512, SPREAD_NONE));
    assert_true(has(way, ways, &library, 32, ISA_avx512, SPREAD_NONE));
    assert_true(has(way, ways, &library, 128, ISA_avx512, SPREAD_NONE));
    assert_true(has(way, ways, &own, 1, ISA_avx512, SPREAD_NONE));
    assert_true(has(way, ways, &own, 64, ISA_avx2, SPREAD_NONE));
    assert_true(has(way, ways, &own, 64, ISA_baseline, SPREAD_NONE));
    assert_int_equal(ways, 9); /* nothing twice, nothing of the slow one */
    for (int i = 0; i < ways; i++) /* perfect scaling says how long it may take */
        if (way[i].threads == 1 && way[i].variant == &library)
            assert_true(way[i].call_ns == 6400);
}

/* Each weaker set that makes other code: bf16 instructions do for bf16 alone. */
static void test_ways_of_instruction_sets(void **state)
{
    const struct lineup_member member[] = {{&own, 100, 0}};
    struct lineup_machine machine = {.threads = 1, .cpus = 1, .isa = ISA_avx512bf16};
    struct way way[WAYS];

    (void)state;
    assert_int_equal(lineup_ways(member, 1, machine, way), 2);
    assert_int_equal(way[0].isa, ISA_avx2);
    assert_true(way[0].call_ns == 200 && way[1].call_ns == 400);
    machine.is_bf16 = true;
    assert_int_equal(lineup_ways(member, 1, machine, way), 3);
    assert_int_equal(way[0].isa, ISA_avx512);
}

static void test_ways_of_one_core(void **state)
{
    const struct lineup_member member[] = {{&own, 100, 0}};
    const struct lineup_machine machine = {.threads = 1, .cpus = 1, .isa = ISA_baseline};
    struct way way[WAYS];

    (void)state;
    assert_int_equal(lineup_ways(member, 1, machine, way), 0);
    assert_int_equal(lineup_ways(member, 0, machine, way), 0);
}

static void test_isa_is_used_and_given_back(void **state)
{
    enum isa best = isa_best();

    (void)state;
    isa_use(ISA_baseline);
    assert_int_equal(isa_best(), ISA_baseline);
    isa_use((enum isa)(ISAS - 1)); /* no further than what is here */
    assert_int_equal(isa_best(), best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways_of_a_large_machine),
        cmocka_unit_test(test_ways_of_instruction_sets),
        cmocka_unit_test(test_ways_of_one_core),
        cmocka_unit_test(test_isa_is_used_and_given_back),
    };

    return cmocka_run_group_tests_name("lineup", tests, NULL, NULL);
}
