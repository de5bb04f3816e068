/* SPDX-License-Identifier: MIT */
/* Costs by hand, unit by unit, and what is not said where a price is not given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "report/money.h"
#include "report/stats.h"

#define assert_near(a, b) assert_true(fabs((a) - (b)) <= 1e-9 * fabs(1.0 * (b)))

static const struct prices unknown = {NAN, NAN, NAN, NAN};
static const struct power no_power = {NAN, POWER_UNKNOWN};

/* 100 s on the CPU, 20 s on the GPU, within 10 %. */
static struct money money(struct prices prices, struct power cpu, struct power gpu)
{
    struct estimate cpu_us = estimate_exact(1e8), gpu_us = {2e7, 1.9e7, 2.2e7};

    return money_of(prices, cpu, gpu, cpu_us, gpu_us, estimate_ratio(cpu_us, gpu_us));
}

static void test_nothing_is_assumed(void **state)
{
    struct money m = money(unknown, no_power, no_power);

    (void)state;
    assert_true(isnan(m.cpu.joule) && isnan(m.gpu.joule));
    assert_true(isnan(m.cpu.cost) && isnan(m.gpu.cost) && isnan(m.saving.value));
    assert_true(isnan(m.even_gpu_per_hour) && isnan(m.even_energy_per_kwh));
    assert_int_equal(m.decision, DECISION_UNDECIDED);
    assert_near(m.even_ratio.value, 5); /* what is left: 5 times the price at 5 times the speed */
}

/* 3.6 an hour is a thousandth a second. */
static void test_hours(void **state)
{
    struct prices p = {.cpu_per_hour = 3.6, .gpu_per_hour = 7.2, .energy_per_kwh = NAN};
    struct money m = money(p, no_power, no_power);

    (void)state;
    assert_near(m.cpu.cost, 0.1);
    assert_near(m.gpu.cost, 0.04);
    assert_near(m.saving.value, 2.5);
    assert_int_equal(m.decision, DECISION_OFFLOAD);
    assert_near(m.even_gpu_per_hour, 18);
    p.gpu_per_hour = 36;
    assert_int_equal(money(p, no_power, no_power).decision, DECISION_STAY);
    p.gpu_per_hour = 17; /* 1.06, but not within the whole interval */
    assert_int_equal(money(p, no_power, no_power).decision, DECISION_UNDECIDED);
}

/* 360 W for 100 s are 36 kJ, a hundredth of a kWh. */
static void test_energy_alone(void **state)
{
    struct prices p = {.cpu_per_hour = NAN, .gpu_per_hour = NAN, .energy_per_kwh = 0.5};
    struct power cpu = {360, POWER_MEASURED}, gpu = {720, POWER_TDP};
    struct money m = money(p, cpu, gpu);

    (void)state;
    assert_near(m.cpu.joule, 36000);
    assert_near(m.gpu.joule, 14400);
    assert_near(m.cpu.cost, 0.005);
    assert_near(m.gpu.cost, 0.002);
    assert_near(m.saving.value, 2.5);
    assert_true(isnan(money(p, no_power, gpu).saving.value)); /* joules that nobody knows */
    assert_near(money(p, no_power, gpu).gpu.cost, 0.002);
}

static void test_hours_and_energy(void **state)
{
    struct prices p = {.cpu_per_hour = 3.6, .gpu_per_hour = 7.2, .energy_per_kwh = 0.5};
    struct power cpu = {360, POWER_GIVEN}, gpu = {720, POWER_TDP};
    struct money m = money(p, cpu, gpu), even;

    (void)state;
    assert_near(m.cpu.cost, 0.105);
    assert_near(m.gpu.cost, 0.042);
    p.gpu_per_hour = m.even_gpu_per_hour; /* there both really cost the same */
    even = money(p, cpu, gpu);
    assert_near(even.cpu.cost, even.gpu.cost);
    p.gpu_per_hour = 36; /* dear hours, but little energy: a high enough energy price decides */
    m = money(p, cpu, gpu);
    p.energy_per_kwh = m.even_energy_per_kwh;
    even = money(p, cpu, gpu);
    assert_near(even.cpu.cost, even.gpu.cost);
    p.energy_per_kwh = 0; /* free energy needs no power */
    assert_near(money(p, no_power, no_power).cpu.cost, 0.1);
}

static void test_half_of_the_prices(void **state)
{
    struct prices p = {.cpu_per_hour = 3.6, .gpu_per_hour = NAN, .energy_per_kwh = NAN};
    struct money m = money(p, no_power, no_power);

    (void)state;
    assert_near(m.cpu.cost, 0.1);
    assert_true(isnan(m.gpu.cost) && isnan(m.saving.value));
    assert_near(m.even_gpu_per_hour, 18); /* all that can be said */
}

static void test_prices_of_a_header(void **state)
{
    json_t *header = json_pack("{s:{s:f,s:{s:f,s:f},s:s}}", "prices", "cpu_per_hour", 0.5,
                               "gpu_per_hour", "*", 2.0, "l4", 0.7, "energy_per_kwh", "cheap");
    struct prices other = prices_of(header, "h100-sxm"), l4 = prices_of(header, "l4");

    (void)state;
    assert_near(other.gpu_per_hour, 2);
    assert_near(l4.gpu_per_hour, 0.7);
    assert_near(l4.cpu_per_hour, 0.5);
    assert_true(isnan(l4.energy_per_kwh) && isnan(l4.cpu_watt));
    json_decref(header);
    assert_true(isnan(prices_of(NULL, "l4").cpu_per_hour));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_assumed), cmocka_unit_test(test_hours),
        cmocka_unit_test(test_energy_alone),       cmocka_unit_test(test_hours_and_energy),
        cmocka_unit_test(test_half_of_the_prices), cmocka_unit_test(test_prices_of_a_header),
    };

    return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}
