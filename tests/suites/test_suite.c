/* SPDX-License-Identifier: MIT */
/* Suites: data files become rows, bad ones become sentences that name file and field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "suites/shelf.h"
#include "suites/suite.h"
#include "suites/table.h"

static int read_text(struct suite *suite, const char *text,
                     const struct suite_request *request, struct why *why)
{
    json_t *root = shelf_parse("x.json", text, why);
    int status =
        root ? suite_read(suite, "x.json", root, request, why) : STATUS_INVALID;

    json_decref(root);
    return status;
}

static const char *value_of(const struct suite_row *row, const char *axis)
{
    for (int i = 0; i < row->axes; i++)
        if (strcmp(row->axis[i].text, axis) == 0)
            return row->value[i].text;
    return NULL;
}

#define HEAD "{\"name\":\"x\",\"brief\":\"b\",\"budget_s\":1,\"rows\":["
#define TAIL "]}"

static void test_product(void **state)
{
    struct suite suite;
    struct why why = {{0}};

    (void)state;
    assert_int_equal(read_text(&suite,
                               HEAD
                               "{\"workload\":\"gemm\",\"dtype\":[\"f32\",\"bf16\"],"
                               "\"cache\":\"cold\",\"shape\":{\"m\":[1,2],\"n\":\"=m\","
                               "\"k\":[3,\"4Ki\"],\"tb\":\"t\"}}" TAIL,
                               NULL, &why),
                     0);
    assert_int_equal(suite.rows, 8);
    assert_int_equal(suite.row[1].dtype, DTYPE_BF16);
    assert_int_equal(suite.row[1].cache, CACHE_COLD);
    assert_string_equal(value_of(&suite.row[2], "k"), "4Ki");
    assert_string_equal(value_of(&suite.row[4], "m"), "2");
    assert_string_equal(value_of(&suite.row[4], "n"), "2");
    assert_string_equal(value_of(&suite.row[7], "tb"), "t");
    suite_release(&suite);
}

static void test_merge_and_dtypes(void **state)
{
    static const enum dtype ask[] = {DTYPE_F64};
    static const enum dtype none[] = {DTYPE_I8};
    struct suite_request request = {.dtype = ask, .dtypes = 1};
    struct suite suite;
    struct why why = {{0}};
    const char *text =
        HEAD "{\"workload\":\"a\",\"dtype\":\"f32\",\"also\":[\"f64\"],\"shape\":{}},"
             "{\"workload\":\"a\",\"dtype\":\"f32\",\"shape\":{}}" TAIL;

    (void)state;
    assert_int_equal(read_text(&suite, text, NULL, &why), 0);
    assert_int_equal(suite.rows, 1);
    suite_release(&suite);
    assert_int_equal(read_text(&suite, text, &request, &why), 0);
    assert_int_equal(suite.rows, 1);
    assert_int_equal(suite.row[0].dtype, DTYPE_F64);
    suite_release(&suite);
    request.dtype = none;
    assert_int_equal(read_text(&suite, text, &request, &why), STATUS_INVALID);
    assert_non_null(strstr(why.text, "no row of the dtypes"));
}

static void test_bad_files(void **state)
{
    static const struct {
        const char *text, *sentence;
    } bad[] = {
        {"", "x.json"},
        {"[]", "not a JSON object"},
        {"{\"name\":\"x\",", "line 1"},
        {"{\"nam\":\"x\"}", "unknown field 'nam'"},
        {"{\"name\":\"x\"}", "'brief'"},
        {"{\"name\":\"x\",\"brief\":\"b\"}", "'budget_s'"},
        {"{\"name\":\"x\",\"brief\":\"b\",\"budget_s\":1}", "'rows'"},
        {HEAD TAIL, "'rows'"},
        {HEAD "7" TAIL, "row 1"},
        {HEAD "{\"dtype\":\"f32\",\"shape\":{}}" TAIL, "row 1: field 'workload'"},
        {HEAD "{\"workload\":\"a\",\"shape\":{}}" TAIL, "'dtype' is missing"},
        {HEAD "{\"workload\":\"a\",\"dtype\":[],\"shape\":{}}" TAIL, "empty"},
        {HEAD "{\"workload\":\"a\",\"dtype\":\"f23\",\"shape\":{}}" TAIL,
         "'f23' is no dtype"},
        {HEAD "{\"workload\":\"a\",\"dtype\":\"f32\"}" TAIL, "'shape'"},
        {HEAD "{\"workload\":\"a\",\"dtype\":\"f32\",\"cache\":1,\"shape\":{}}" TAIL,
         "'cache'"},
        {HEAD "{\"workload\":\"a\",\"dtype\":\"f32\",\"shape\":{\"m\":1.5}}" TAIL,
         "axis 'm'"},
        {HEAD "{\"workload\":\"a\",\"dtype\":\"f32\",\"shape\":{\"m\":[]}}" TAIL,
         "empty list"},
        {HEAD "{\"workload\":\"a\",\"dtype\":\"f32\",\"shape\":{\"m\":\"=k\"}}" TAIL,
         "no other axis"},
        {HEAD "{\"workload\":\"a\",\"dtype\":\"f32\",\"shape\":{\"m\":\"=n\",\"n\":\"="
              "m\"}}" TAIL,
         "refers on"},
        {HEAD "{\"workload\":\"a\",\"dtype\":\"f32\",\"shpae\":{}}" TAIL, "'shpae'"},
        {HEAD "{\"workload\":\"a\",\"dtype\":\"f32\",\"shape\":{\"a\":1,\"b\":1,\"c\":"
              "1,\"d\":1,"
              "\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}}" TAIL,
         "more than 8 axes"},
        {"{\"name\":\"x\",\"brief\":\"b\",\"budget_s\":1,\"chains\":[{}]}", "'model'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct suite suite;
        struct why why = {{0}};

        assert_int_equal(read_text(&suite, bad[i].text, NULL, &why), STATUS_INVALID);
        if (!strstr(why.text, bad[i].sentence) || !strstr(why.text, "x.json"))
            fail_msg("case %zu: '%s' does not say \"%s\"", i, why.text,
                     bad[i].sentence);
    }
}

static void test_every_builtin(void **state)
{
    const char *const *name = suite_names();
    int suites = 0;

    (void)state;
    for (; *name; name++, suites++) {
        struct suite suite;
        struct why why = {{0}};

        if (suite_load(&suite, *name, NULL, &why) != 0)
            fail_msg("%s: %s", *name, why.text);
        assert_string_equal(suite.name.text, *name);
        assert_true(suite.rows > 0 && suite.budget_s > 0);
        assert_string_equal(suite_brief(*name), suite.brief);
        suite_release(&suite);
    }
    assert_true(suites >= 6);
}

static void test_unknown(void **state)
{
    struct suite suite;
    struct why why = {{0}};

    (void)state;
    assert_int_equal(suite_load(&suite, "lllm", NULL, &why), STATUS_INVALID);
    assert_non_null(strstr(why.text, "'llm'"));
    assert_null(suite_brief("lllm"));
    suite_release(&suite);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_product),   cmocka_unit_test(test_merge_and_dtypes),
        cmocka_unit_test(test_bad_files), cmocka_unit_test(test_every_builtin),
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests_name("suites", tests, NULL, NULL);
}
