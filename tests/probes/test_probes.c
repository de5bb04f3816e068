/* SPDX-License-Identifier: MIT */
/* Every probe opens or says why not; those that read files read recorded trees right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "probes/probe.h"

struct open_probe {
    const struct probe *probe;
    void *self;
    const struct metric *metric;
    int metrics;
    double value[PROBE_METRICS];
};

static const struct probe *probe_find(const char *name)
{
    for (const struct probe *const *p = probes; *p; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    fail_msg("no probe '%s'", name);
    return NULL;
}

static int probe_begin(struct open_probe *o, const char *name, const char *root,
                       struct why *why)
{
    o->probe = probe_find(name);
    return o->probe->open(&o->self, root, &o->metric, &o->metrics, why);
}

static double value_of(const struct open_probe *o, const char *metric)
{
    for (int i = 0; i < o->metrics; i++)
        if (strcmp(o->metric[i].name, metric) == 0)
            return o->value[i];
    fail_msg("%s has no metric '%s'", o->probe->name, metric);
    return NAN;
}

static bool has_metric(const struct open_probe *o, const char *metric)
{
    for (int i = 0; i < o->metrics; i++)
        if (strcmp(o->metric[i].name, metric) == 0)
            return true;
    return false;
}

static void run_between(struct open_probe *o, void (*work)(void))
{
    for (int i = 0; i < PROBE_METRICS; i++)
        o->value[i] = NAN;
    assert_int_equal(o->probe->start(o->self, NULL), 0);
    work();
    assert_int_equal(o->probe->stop(o->self, o->value), 0);
}

/* 64 page faults and 20 ms of a second thread. */
static void *spin(void *unused)
{
    int64_t end = clock_ns() + 20000000;
    volatile int turns = 0;

    while (clock_ns() < end)
        turns++;
    return unused;
}

static void work(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    volatile char *fresh = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t thread;

    assert_true((void *)fresh != MAP_FAILED);
    madvise((void *)fresh, 64 * page, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < 64; i++)
        fresh[i * page] = 1;
    munmap((void *)fresh, 64 * page);
    assert_int_equal(pthread_create(&thread, NULL, spin, NULL), 0);
    pthread_join(thread, NULL);
}

static void test_every_probe(void **state)
{
    (void)state;
    for (const struct probe *const *p = probes; *p; p++) {
        struct open_probe o = {.probe = *p};
        struct why why = {{0}};
        int status = (*p)->open(&o.self, "/", &o.metric, &o.metrics, &why);

        assert_true(strlen((*p)->brief) > 10);
        if (status) {
            assert_int_equal(status, STATUS_UNAVAILABLE);
            assert_true(strlen(why.text) > 20);
            print_message("%s: %s\n", (*p)->name, why.text);
            continue;
        }
        assert_true(o.metrics > 0 && o.metrics <= PROBE_METRICS);
        for (int round = 0; round < 2; round++)
            run_between(&o, work);
        for (int m = 0; m < o.metrics; m++) {
            assert_true(o.metric[m].name[0] && o.metric[m].unit[0] &&
                        o.metric[m].meaning[0]);
            print_message("%s %s: %g %s\n", (*p)->name, o.metric[m].name, o.value[m],
                          o.metric[m].unit);
            assert_true(isnan(o.value[m]) || o.value[m] >= 0);
        }
        (*p)->close(o.self);
    }
}

static void test_usage_sees_faults(void **state)
{
    struct open_probe o = {.probe = NULL};
    struct why why = {{0}};

    (void)state;
    assert_int_equal(probe_begin(&o, "usage", "/", &why), 0);
    run_between(&o, work);
    assert_true(value_of(&o, "minor_faults") >= 64);
    /* the second thread's 20 ms of spinning, less what a busy machine took from it */
    assert_true(value_of(&o, "user_time") + value_of(&o, "system_time") > 0.002);
    o.probe->close(o.self);
}

static void test_perf_counts_threads(void **state)
{
    struct open_probe o = {.probe = NULL};
    struct why why = {{0}};

    (void)state;
    if (probe_begin(&o, "perf", "/", &why) != 0) {
        print_message("%s\n", why.text);
        skip();
    }
    run_between(&o, work);
    assert_true(value_of(&o, "page_faults") >= 64);
    assert_true(value_of(&o, "task_clock") > 0.002);
    o.probe->close(o.self);
}

static char tree[64];

static void put(const char *path, const char *text)
{
    char full[256];
    struct why why = {{0}};

    snprintf(full, sizeof full, "%s%s", tree, path);
    for (char *slash = full + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    if (text_write_file(full, text, strlen(text), &why) != 0)
        fail_msg("%s", why.text);
}

static int tree_make(void **state)
{
    (void)state;
    strcpy(tree, "/tmp/offload-probes-XXXXXX");
    return mkdtemp(tree) ? 0 : -1;
}

static int tree_remove(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", tree);
    return system(command);
}

#define ZONE "/sys/class/powercap/intel-rapl:"

static void spend(void)
{
    put(ZONE "0/energy_uj", "1000000\n"); /* wrapped */
    put(ZONE "1/energy_uj", "7500000\n");
    put(ZONE "0:1/energy_uj", "900000\n");
}

static void test_energy(void **state)
{
    struct open_probe o = {.probe = NULL};
    struct why why = {{0}};

    (void)state;
    put(ZONE "0/name", "package-0\n");
    put(ZONE "0/energy_uj", "262140000000\n");
    put(ZONE "0/max_energy_range_uj", "262143000000\n");
    put(ZONE "0:0/name", "core\n");
    put(ZONE "0:0/energy_uj", "1\n");
    put(ZONE "0:1/name", "dram\n");
    put(ZONE "0:1/energy_uj", "400000\n");
    put(ZONE "0:1/max_energy_range_uj", "65712999613\n");
    put(ZONE "1/name", "package-1\n");
    put(ZONE "1/energy_uj", "5000000\n");
    put(ZONE "1/max_energy_range_uj", "262143000000\n");
    assert_int_equal(probe_begin(&o, "energy", tree, &why), 0);
    assert_int_equal(o.metrics, 2);
    run_between(&o, spend);
    assert_true(fabs(value_of(&o, "package_energy") - (3 + 1 + 2.5)) < 1e-6);
    assert_true(fabs(value_of(&o, "dram_energy") - 0.5) < 1e-6);
    o.probe->close(o.self);
}

static void test_energy_without_zones(void **state)
{
    struct open_probe o = {.probe = NULL};
    struct why why = {{0}};

    (void)state;
    assert_int_equal(probe_begin(&o, "energy", tree, &why), STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "no RAPL zone"));
    put(ZONE "0/name", "package-0\n"); /* a zone whose counter may not be read */
    assert_int_equal(probe_begin(&o, "energy", tree, &why), STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "chmod a+r"));
}

static void nothing(void)
{
}

static void test_frequency(void **state)
{
    struct open_probe o = {.probe = NULL};
    struct why why = {{0}};
    char path[128];

    (void)state;
    assert_int_equal(probe_begin(&o, "frequency", tree, &why), STATUS_UNAVAILABLE);
    put("/proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 2500.000\n");
    assert_int_equal(probe_begin(&o, "frequency", tree, &why), 0);
    for (int cpu = 0; cpu < 64; cpu++) {
        snprintf(path, sizeof path,
                 "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq", cpu);
        put(path, "3100000\n");
    }
    run_between(&o, nothing);
    assert_true(value_of(&o, "cpu_clock") == 3.1e9 &&
                value_of(&o, "cpu_clock_low") == 3.1e9);
    o.probe->close(o.self);
}

static void wait_for_cpu(void)
{
    put("/proc/pressure/cpu", "some avg10=0.1 avg60=0.0 avg300=0.0 total=1250000\n");
}

static void test_psi(void **state)
{
    struct open_probe o = {.probe = NULL};
    struct why why = {{0}};

    (void)state;
    assert_int_equal(probe_begin(&o, "psi", tree, &why), STATUS_UNAVAILABLE);
    put("/proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n");
    assert_int_equal(probe_begin(&o, "psi", tree, &why), 0);
    run_between(&o, wait_for_cpu);
    assert_true(fabs(value_of(&o, "cpu_stall") - 0.25) < 1e-9);
    assert_true(isnan(value_of(&o, "io_stall"))); /* unreadable is not 0 */
    o.probe->close(o.self);
}

static void test_papi(void **state)
{
    struct open_probe o = {.probe = NULL};
    struct why why = {{0}};

    (void)state;
    if (probe_begin(&o, "papi", tree, &why) == 0)
        fail_msg("a root without libpapi gave counters");
    assert_true(strstr(why.text, "libpapi") != NULL);
    if (probe_begin(&o, "papi", "/", &why) != 0) {
        print_message("%s\n", why.text);
        skip();
    }
    run_between(&o, work);
    if (has_metric(&o, "instructions"))
        assert_true(value_of(&o, "instructions") > 1e5);
    o.probe->close(o.self);
}

/* The emulator stands beside this program: BUILD/emulator and BUILD/tests/probes. */
static bool emulator_link(void)
{
    char path[512], link[128];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);

    if (n < 0)
        return false;
    path[n] = '\0';
    for (int up = 0; up < 3; up++)
        *strrchr(path, '/') = '\0';
    strcat(path, "/emulator/libpapi.so");
    put("/usr/lib/placeholder", "");
    snprintf(link, sizeof link, "%s/usr/lib/libpapi.so", tree);
    return access(path, R_OK) == 0 && symlink(path, link) == 0;
}

static void test_papi_counts(void **state)
{
    struct open_probe o = {.probe = NULL};
    struct why why = {{0}};

    (void)state;
    if (!emulator_link()) {
        print_message("no emulator; hint: make test\n");
        skip();
    }
    if (probe_begin(&o, "papi", tree, &why) != 0) {
        print_message("%s\n", why.text); /* built without papi.h */
        skip();
    }
    for (int round = 0; round < 2; round++) {
        run_between(&o, nothing);
        assert_true(value_of(&o, "cycles") == 1000);
        assert_true(value_of(&o, "instructions") == 2000); /* by its native name */
        assert_true(value_of(&o, "fp_ops") == 3000 + 4000);
        assert_true(value_of(&o, "fp_ops_double") == 4000);
        assert_false(has_metric(&o, "l3_misses")); /* no fifth counter */
    }
    o.probe->close(o.self);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, tree_make, tree_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_probe),
        cmocka_unit_test(test_usage_sees_faults),
        cmocka_unit_test(test_perf_counts_threads),
        IN_TREE(test_energy),
        IN_TREE(test_energy_without_zones),
        IN_TREE(test_frequency),
        IN_TREE(test_psi),
        IN_TREE(test_papi),
        IN_TREE(test_papi_counts),
    };

    return cmocka_run_group_tests_name("probes", tests, NULL, NULL);
}
