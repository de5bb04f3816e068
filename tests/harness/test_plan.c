/* SPDX-License-Identifier: MIT */
/* What a suite becomes on a machine with a CPU and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "harness/plan.h"

static const struct survey cpu_alone = {
    .device = {{.kind = DEVICE_CPU, .id = {"cpu"}, .evidence = EVIDENCE_MEASURED}}, .devices = 1};

static void plan_suite(struct plan *plan, struct options *o, const char *suite)
{
    struct why why;

    o->suites = 1;
    o->suite[0] = suite;
    o->gpus = 1;
    o->gpu[0] = "none";
    if (plan_make(plan, o, &cpu_alone, &why) != 0)
        fail_msg("%s", why.text);
}

static const struct group *group_of(const struct plan *plan, const char *workload)
{
    for (int i = 0; i < plan->groups; i++)
        if (strcmp(plan->group[i].workload->name, workload) == 0)
            return &plan->group[i];
    return NULL;
}

static void test_smoke_has_every_workload(void **state)
{
    struct options options = {0};
    struct plan plan;

    (void)state;
    plan_suite(&plan, &options, "smoke");
    for (const struct workload *const *w = workloads; *w; w++)
        if (!group_of(&plan, (*w)->name))
            fail_msg("the smoke suite lacks '%s'", (*w)->name);
    plan_release(&plan);
}

/* No row of the suite has add in f64: it comes by itself, as a new workload would. */
static void test_what_no_row_names_is_planned_at_its_smoke_shape(void **state)
{
    struct options options = {.dtypes = 1, .dtype = {DTYPE_F64}};
    const struct workload *add = workload_find("add");
    const struct group *g;
    struct plan plan;

    (void)state;
    plan_suite(&plan, &options, "smoke");
    g = group_of(&plan, "add");
    assert_non_null(g);
    assert_int_equal(g->problem.dtype, DTYPE_F64);
    assert_memory_equal(&g->problem.shape, &add->smoke[add->smokes - 1], sizeof g->problem.shape);
    assert_int_equal(g->devices, 1);
    assert_false(g->is_proof);
    assert_null(group_of(&plan, "softmax")); /* has no f64 */
    plan_release(&plan);
}

static void test_a_suite_of_its_own_rows_stays_so(void **state)
{
    struct options options = {0};
    struct plan plan;

    (void)state;
    plan_suite(&plan, &options, "reduce");
    assert_non_null(group_of(&plan, "reduction"));
    assert_null(group_of(&plan, "gemm"));
    plan_release(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smoke_has_every_workload),
        cmocka_unit_test(test_what_no_row_names_is_planned_at_its_smoke_shape),
        cmocka_unit_test(test_a_suite_of_its_own_rows_stays_so),
    };

    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
