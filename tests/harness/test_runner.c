/* SPDX-License-Identifier: MIT */
/* The runner against workloads that behave badly: a wrong result, a crash, a hang, a refusal.
 * Each must end in its own record, with a reason, and the others must go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "harness/process.h"
#include "harness/journal.h"
#include "harness/runner.h"
#include "tests/devices/two_nodes.h"

static const double twice = 2;

static int64_t one(const struct problem *p)
{
    return p->shape.n[0];
}

static struct cost cost(const struct problem *p)
{
    (void)p;
    return (struct cost){1, 4, 4};
}

static double length(const struct problem *p)
{
    (void)p;
    return 1;
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    for (int64_t i = 0; i < p->shape.n[0]; i++) {
        want[1][i] = twice * ((const float *)in[0])[i];
        scale[1][i] = 1;
    }
}

static int right(struct call *call, struct why *why)
{
    (void)why;
    for (int64_t i = 0; i < call->problem->shape.n[0]; i++)
        ((float *)call->arg[1].data)[i] = 2 * ((const float *)call->arg[0].data)[i];
    return 0;
}

/* All but the last element. */
static int wrong(struct call *call, struct why *why)
{
    (void)why;
    for (int64_t i = 0; i + 1 < call->problem->shape.n[0]; i++)
        ((float *)call->arg[1].data)[i] = 2 * ((const float *)call->arg[0].data)[i];
    return 0;
}

/* By 1e-5 in one element, a dozen times what rounding explains. */
static int near(struct call *call, struct why *why)
{
    right(call, why);
    ((float *)call->arg[1].data)[0] += 1e-5f;
    return 0;
}

static int crash(struct call *call, struct why *why)
{
    (void)call;
    (void)why;
    signal(SIGSEGV, SIG_DFL); /* past any handler of a sanitizer */
    raise(SIGSEGV);
    return 0;
}

static int crash_alone(struct call *call, struct why *why)
{
    return call->threads == 1 ? crash(call, why) : right(call, why);
}

static int hang(struct call *call, struct why *why)
{
    (void)call;
    (void)why;
    for (;;)
        pause();
    return 0;
}

static int refuse(struct call *call, struct why *why)
{
    (void)call;
    return why_fail(why, STATUS_DEVICE, "the device said no");
}

static int absent(const struct variant *v, struct why *why)
{
    return why_fail(why, STATUS_UNAVAILABLE, "library of '%s' is not installed", v->name);
}

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "right", .on = DEVICE_CPU, .run = right},
    {.name = "wrong", .on = DEVICE_CPU, .run = wrong},
    {.name = "near", .on = DEVICE_CPU, .run = near},
    {.name = "crash", .on = DEVICE_CPU, .run = crash},
    {.name = "hang", .on = DEVICE_CPU, .run = hang},
    {.name = "refuse", .on = DEVICE_CPU, .run = refuse},
    {.name = "absent", .on = DEVICE_CPU, .run = right, .available = absent},
    {0},
};

static const struct workload unruly = {
    .name = "unruly",
    .brief = "for this test only",
    .dtypes = 1u << DTYPE_F32,
    .axis = {{"n", "elements", NULL, AXIS_REQUIRED, 1}},
    .args = {{.name = "x", .type = DTYPE_SAME, .flow = FLOW_IN, .count = one},
             {.name = "y", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = one}},
    .variants = variants,
    .cost = cost,
    .length = length,
};

static const struct variant sociable[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "crash alone", .on = DEVICE_CPU, .run = crash_alone},
    {0},
};

/* Its rounds together take longer than the limit, no call does. */
static int plod(struct call *call, struct why *why)
{
    struct timespec fifth = {0, 200000000};

    nanosleep(&fifth, NULL);
    return right(call, why);
}

/* Well when it is checked, hangs when it is sampled. */
static int tire(struct call *call, struct why *why)
{
    static int calls;

    return ++calls > 1 ? hang(call, why) : right(call, why);
}

static const struct variant tardy[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "plod", .on = DEVICE_CPU, .run = plod},
    {.name = "tire", .on = DEVICE_CPU, .run = tire},
    {0},
};

/* Notes on how many processors it could run. */
static int seated(struct call *call, struct why *why)
{
    if (kernel)
        kernel->cpus[kernel->mode] = cpus_allowed();
    return right(call, why);
}

static const struct variant laid[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "seated", .on = DEVICE_CPU, .run = seated},
    {0},
};

static volatile sig_atomic_t interrupted;
static struct numa_nodes nodes; /* of the machine that plans are for */

/* Run the plan with the results going to a temporary file that is read back. */
static struct results run_within(double silence_s, struct group *group, int groups, int threads,
                                 struct runner *runner)
{
    struct plan plan = {.group = group, .groups = groups, .devices = 1, .threads = threads,
                        .nodes = nodes,
                        .budget_s = 0.05 * groups,
                        .device = {{.kind = DEVICE_CPU, .id = {"cpu"}}}};
    char path[] = "/tmp/test_runner_XXXXXX";
    struct results results = {0};
    struct why why = {{0}};
    const char *head = "{\"kind\":\"header\",\"schema\":\"" RESULTS_SCHEMA "\"}\n";

    interrupted = 0;
    *runner = (struct runner){.plan = &plan, .seed = 1, .results = mkstemp(path),
                              .silence_s = silence_s, .interrupted = &interrupted};
    assert_true(write(runner->results, head, strlen(head)) == (ssize_t)strlen(head));
    assert_int_equal(runner_run(runner, &why), 0);
    if (results_read(&results, path, &why) != 0)
        fail_msg("%s", why.text);
    close(runner->results);
    unlink(path);
    return results;
}

static struct results run_groups(struct group *group, int groups, int threads,
                                 struct runner *runner)
{
    return run_within(4, group, groups, threads, runner);
}

static const struct record *find(const struct results *results, const char *variant, int64_t n)
{
    char shape[32];

    snprintf(shape, sizeof shape, "n=%d", (int)n);
    for (size_t i = 0; i < results->records; i++)
        if (strcmp(results->record[i].variant.text, variant) == 0 &&
            strcmp(results->record[i].shape_text.text, shape) == 0)
            return &results->record[i];
    fail_msg("no record of '%s' at %s", variant, shape);
    return NULL;
}

static void test_bad_cells_cost_only_themselves(void **state)
{
    struct group group[2] = {
        {.workload = &unruly, .problem = {DTYPE_F32, {{5}}}, .devices = 1},
        {.workload = &unruly, .problem = {DTYPE_F32, {{9}}}, .devices = 1}};
    struct runner runner;
    struct results results = run_groups(group, 2, 1, &runner);
    int right_ones = 0, references = 0;

    (void)state;
    for (int n = 5; n <= 9; n += 4) {
        assert_int_equal(find(&results, "right", n)->outcome, OUTCOME_OK);
        assert_true(find(&results, "right", n)->wall_ns.n > 0);
        assert_int_equal(find(&results, "wrong", n)->outcome, OUTCOME_WRONG);
        assert_true(find(&results, "wrong", n)->wall_ns.n == 0); /* never timed */
        assert_int_equal(find(&results, "near", n)->outcome, OUTCOME_WRONG);
        assert_int_equal(find(&results, "crash", n)->outcome, OUTCOME_FAILED);
        assert_int_equal(find(&results, "hang", n)->outcome, OUTCOME_FAILED);
        assert_int_equal(find(&results, "refuse", n)->outcome, OUTCOME_FAILED);
        assert_string_equal(find(&results, "refuse", n)->why.text, "the device said no");
        assert_int_equal(find(&results, "absent", n)->outcome, OUTCOME_SKIPPED);
    }
    assert_non_null(strstr(find(&results, "wrong", 5)->why.text, "y[4]"));
    assert_non_null(strstr(find(&results, "crash", 5)->why.text, "Segmentation"));
    assert_non_null(strstr(find(&results, "hang", 5)->why.text, "killed"));
    assert_int_equal(results.notes, 0);
    /* the right one, the same on other threads and instruction sets, and the reference's run */
    for (size_t i = 0; i < results.records; i++)
        if (results.record[i].outcome == OUTCOME_OK) {
            right_ones += strcmp(results.record[i].variant.text, "right") == 0;
            references += results.record[i].straw && !results.record[i].judged;
        }
    assert_int_equal(references, 2);
    assert_true(right_ones >= 2);
    assert_int_equal(runner.outcome[OUTCOME_OK], right_ones + references);
    assert_int_equal(runner.outcome[OUTCOME_WRONG], 4);
    assert_int_equal(runner.outcome[OUTCOME_FAILED], 6);
    results_release(&results);
}

/* What is fastest is tried on one thread, too, and what becomes of that is recorded. */
static void test_a_death_in_the_lineup_is_recorded(void **state)
{
    struct workload workload = unruly;
    struct group group = {.workload = &workload, .problem = {DTYPE_F32, {{5}}}, .devices = 1};
    const struct record *by_threads[3] = {NULL};
    struct runner runner;
    struct results results;

    (void)state;
    workload.variants = sociable;
    results = run_groups(&group, 1, 2, &runner);
    for (size_t i = 0; i < results.records; i++)
        if (strcmp(results.record[i].variant.text, "crash alone") == 0 &&
            results.record[i].threads <= 2)
            by_threads[results.record[i].threads] = &results.record[i];
    assert_non_null(by_threads[1]);
    assert_int_equal(by_threads[1]->outcome, OUTCOME_FAILED);
    assert_non_null(strstr(by_threads[1]->why.text, "Segmentation"));
    assert_non_null(by_threads[2]);
    assert_int_equal(by_threads[2]->outcome, OUTCOME_OK);
    assert_int_equal(runner.outcome[OUTCOME_FAILED], 1);
    results_release(&results);
}

/* Calls are signs of life: what is slow is no hang; and a hang costs its own cell only. */
static void test_slow_is_no_hang(void **state)
{
    struct workload late = unruly;
    struct group group = {.workload = &late, .problem = {DTYPE_F32, {{100}}}, .devices = 1,
                          .rounds = 12};
    struct runner runner;
    struct results results;
    int plods = 0, tires = 0;

    (void)state;
    late.name = "late";
    late.variants = tardy;
    results = run_within(2, &group, 1, 2, &runner);
    for (size_t i = 0; i < results.records; i++) {
        const struct record *r = &results.record[i];

        if (strcmp(r->variant.text, "plod") == 0 && r->threads == 2) {
            plods++;
            if (r->outcome != OUTCOME_OK)
                fail_msg("%s", r->why.text);
            assert_int_equal(r->wall_ns.n, 12);
        } else if (strcmp(r->variant.text, "tire") == 0) {
            tires++;
            assert_int_equal(r->outcome, OUTCOME_FAILED);
            assert_non_null(strstr(r->why.text, "no sign of life within 2 s"));
        }
    }
    assert_int_equal(plods, 1);
    assert_int_equal(tires, 1);
    results_release(&results);
}

/* How often the fastest ran laid so, and how that ended last. */
static int count_laid(const struct results *results, const char *where, const struct record **last)
{
    int n = 0;

    *last = NULL;
    for (size_t i = 0; i < results->records; i++)
        if (strcmp(results->record[i].variant.text, "seated") == 0 &&
            strcmp(results->record[i].nodes.text, where) == 0) {
            n++;
            *last = &results->record[i];
        }
    return n;
}

/* On two nodes: threads and pages on one, and pages dealt out; on one node neither. */
static void test_lineup_on_nodes(void **state)
{
    struct workload workload = unruly;
    struct group group = {.workload = &workload, .problem = {DTYPE_F32, {{5000}}}, .devices = 1};
    const struct record *r;
    struct runner runner;
    struct results results;
    int cpus = cpus_allowed();

    workload.variants = laid;
    kernel_begin(state);
    results = run_groups(&group, 1, 2, &runner);
    assert_int_equal(count_laid(&results, "interleaved over 2 nodes", &r), 0);
    assert_int_equal(kernel->moved[0] + kernel->moved[1], 0);
    results_release(&results);
    if (!two_nodes(&nodes))
        skip();
    results = run_groups(&group, 1, 2, &runner);
    assert_int_equal(count_laid(&results, "interleaved over 2 nodes", &r), 1);
    if (r->outcome != OUTCOME_OK)
        fail_msg("%s", r->why.text);
    assert_true(r->wall_ns.n > 0 && r->threads == 2);
    assert_true(isnan(r->memory_node));
    assert_int_equal(count_laid(&results, "node 0", &r), 1);
    assert_true(r->outcome == OUTCOME_OK && r->wall_ns.n > 0 && r->threads == 1);
    assert_true(r->memory_node == 0);
    assert_true(kernel->moved[0] > kernel->moved[1] && kernel->moved[1] > 0);
    assert_int_equal(kernel->cpus[BIND], 1);
    assert_int_equal(kernel->cpus[INTERLEAVE], cpus);
    assert_int_equal(kernel->cpus[0], cpus);
    assert_int_equal(kernel->mode, 0);
    results_release(&results);
    kernel->refuses = EPERM;
    results = run_groups(&group, 1, 2, &runner);
    assert_int_equal(count_laid(&results, "node 0", &r), 1);
    assert_int_equal(r->outcome, OUTCOME_SKIPPED);
    assert_non_null(strstr(r->why.text, "the kernel refuses"));
    assert_true(count_laid(&results, "", &r) > 1 && r->outcome == OUTCOME_OK);
    results_release(&results);
    nodes.n = 0;
}

static void test_too_large_is_skipped(void **state)
{
    struct group group = {.workload = &unruly, .problem = {DTYPE_F32, {{1LL << 42}}},
                          .devices = 1};
    struct runner runner;
    struct results results = run_groups(&group, 1, 1, &runner);

    (void)state;
    assert_int_equal(results.records, 1);
    assert_int_equal(results.record[0].outcome, OUTCOME_SKIPPED);
    assert_non_null(strstr(results.record[0].why.text, "GiB"));
    results_release(&results);
}

static void give_up(int fd, void *to)
{
    (void)fd;
    (void)to;
    _exit(3);
}

static void say_much(int fd, void *to)
{
    (void)to;
    for (int i = 0; i < 5000; i++)
        assert_int_equal(write(fd, "0123456789", 10), 10);
}

static void say_nothing(int fd, void *to)
{
    (void)fd;
    (void)to;
    for (;;)
        pause();
}

static void test_isolate(void **state)
{
    struct text said = {0};
    struct why why = {{0}};

    (void)state;
    assert_int_equal(process_isolate(give_up, NULL, 60, &said, &why), STATUS_IO);
    assert_true(strlen(why.text) > 0);
    assert_int_equal(process_isolate(say_much, NULL, 60, &said, &why), 0);
    assert_int_equal(said.n, 50000);
    assert_int_equal(process_isolate(say_nothing, NULL, 0.4, &said, &why), STATUS_IO);
    assert_non_null(strstr(why.text, "silent for 0.4 s"));
    text_release(&said);
}

/* What cannot be written whole is not there at all; a removed file is told. */
static void test_append_is_all_or_nothing(void **state)
{
    static char many[8192];
    char path[] = "/tmp/test_append_XXXXXX";
    struct text line = {.data = many, .n = sizeof many}, first = {.data = many, .n = 100};
    struct rlimit limit, little;
    struct stat info;
    struct why why = {{0}};
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(journal_append(fd, &first, &why), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    little = (struct rlimit){4096, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    assert_int_equal(journal_append(fd, &line, &why), STATUS_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_non_null(strstr(why.text, "hint: --resume goes on"));
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_size, 100);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(journal_append(fd, &first, &why), STATUS_IO);
    assert_non_null(strstr(why.text, "was removed"));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_cells_cost_only_themselves),
        cmocka_unit_test(test_a_death_in_the_lineup_is_recorded),
        cmocka_unit_test(test_slow_is_no_hang),
        cmocka_unit_test(test_lineup_on_nodes),
        cmocka_unit_test(test_too_large_is_skipped),
        cmocka_unit_test(test_isolate),
        cmocka_unit_test(test_append_is_all_or_nothing),
    };

    return cmocka_run_group_tests_name("runner", tests, NULL, NULL);
}
