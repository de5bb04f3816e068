/* SPDX-License-Identifier: MIT */
/* The rows of every built-in suite and model are problems of workloads that exist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "suites/suite.h"
#include "workloads/workload.h"

static void resolve(const struct suite *suite, const struct suite_row *row)
{
    const struct workload *w = workload_find(row->workload.text);
    struct problem p = {.dtype = row->dtype};
    struct why why = {{0}};
    int status = 0;

    if (!w)
        fail_msg("%s: no workload '%s'", suite->name.text, row->workload.text);
    workload_shape_init(w, &p.shape);
    for (int i = 0; !status && i < row->axes; i++)
        status = workload_shape_set(w, &p.shape, row->axis[i].text, row->value[i].text,
                                    &why);
    if (!status)
        status = workload_problem_check(w, &p, &why);
    if (status)
        fail_msg("%s, %s: %s", suite->name.text, dtype_name(row->dtype), why.text);
}

static void resolve_all(const char *name, const struct suite_request *request)
{
    struct suite suite;
    struct why why = {{0}};

    if (suite_load(&suite, name, request, &why) != 0)
        fail_msg("%s: %s", name, why.text);
    for (int i = 0; i < suite.rows; i++)
        resolve(&suite, &suite.row[i]);
    suite_release(&suite);
}

static void test_suites(void **state)
{
    (void)state;
    for (const char *const *name = suite_names(); *name; name++)
        resolve_all(*name, NULL);
}

/* A type that a suite offers at all is one that its workloads have. */
static void test_types(void **state)
{
    (void)state;
    for (const char *const *name = suite_names(); *name; name++)
        for (int d = 0; d < DTYPES; d++) {
            const enum dtype dtype[] = {(enum dtype)d};
            struct suite_request request = {.dtype = dtype, .dtypes = 1};
            struct suite suite;

            if (strcmp(*name, "llm") == 0 && d != DTYPE_F32 && d != DTYPE_F16 &&
                d != DTYPE_BF16)
                continue;
            if (suite_load(&suite, *name, &request, NULL) != 0)
                continue;
            suite_release(&suite);
            resolve_all(*name, &request);
        }
}

static void test_models(void **state)
{
    static const int64_t batch[] = {1, 3}, context[] = {7, 8192};

    (void)state;
    for (const char *const *name = model_names(); *name; name++) {
        struct suite_request request = {.model = *name,
                                        .batch = batch,
                                        .batches = 2,
                                        .context = context,
                                        .contexts = 2};

        resolve_all("llm", &request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suites),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_models),
    };

    return cmocka_run_group_tests_name("suites meet workloads", tests, NULL, NULL);
}
