/* SPDX-License-Identifier: MIT */
/* Numbers as they are printed everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "report/units.h"

static void test_times(void **state)
{
    (void)state;
    assert_string_equal(words_time(12.3456).text, "12.3 us");
    assert_string_equal(words_time(0.0123).text, "12.3 ns");
    assert_string_equal(words_time(999.7).text,
                        "1.00 ms"); /* rounded before the unit */
    assert_string_equal(words_time(4.03e6).text, "4.03 s");
    assert_string_equal(words_time(NAN).text, "-");
    assert_string_equal(words_time_range((struct estimate){12, 9.96, 1300}).text,
                        "9.96-1300 us");
    assert_string_equal(words_time_estimate((struct estimate){1500, 1400, 1700}).text,
                        "1.50 ms (1.40-1.70)");
    assert_string_equal(words_time_range((struct estimate){NAN, NAN, NAN}).text, "-");
}

static void test_rates(void **state)
{
    (void)state;
    assert_string_equal(words_si(1.43e9, "B/s").text, "1.43 GB/s");
    assert_string_equal(words_si(9.894e14, "FLOP/s").text, "989 TFLOP/s");
    assert_string_equal(words_si(999.9e6, "B").text, "1.00 GB");
    assert_string_equal(words_si(0, "B").text, "0 B");
    assert_string_equal(words_si(NAN, "B").text, "-");
}

static void test_ratios(void **state)
{
    (void)state;
    assert_string_equal(words_ratio(31.4).text, "31x");
    assert_string_equal(words_ratio(9.96).text, "10x");
    assert_string_equal(words_ratio(1.2).text, "1.20x");
    assert_string_equal(words_ratio(0.0532).text, "0.053x");
    assert_string_equal(words_ratio(0.0999).text, "0.10x");
    assert_string_equal(words_ratio(1e-5).text, "<0.001x");
    assert_string_equal(words_ratio(1433).text, "1430x");
    assert_string_equal(words_ratio(1e300).text, ">1e6x");
    assert_string_equal(words_ratio(INFINITY).text, ">1e6x");
    assert_string_equal(words_ratio(NAN).text, "-");
    assert_string_equal(words_ratio_range((struct estimate){40, 31, 55}).text,
                        "31-55x");
    assert_string_equal(words_ratio_range((struct estimate){40, 0, 55}).text, "0-55x");
}

static void test_counts(void **state)
{
    (void)state;
    assert_string_equal(words_percent(0.803).text, "80 %");
    assert_string_equal(words_percent(0.004).text, "0.4 %");
    assert_string_equal(words_percent(NAN).text, "-");
    assert_string_equal(words_count(1200).text, "1200");
    assert_string_equal(words_reuse((struct estimate){NAN, INFINITY, INFINITY}).text,
                        "never");
    assert_string_equal(words_reuse((struct estimate){NAN, NAN, NAN}).text, "-");
    assert_string_equal(words_reuse((struct estimate){3, 2, INFINITY}).text, "3");
    assert_string_equal(words_number(0.0123).text, "0.0123");
    assert_string_equal(words_number(12345).text, "12300");
    assert_string_equal(words_number(-1.5).text, "-1.50");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_ratios),
        cmocka_unit_test(test_counts),
    };

    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
