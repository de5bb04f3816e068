/* SPDX-License-Identifier: MIT */
/* Every kernel of every workload at its smoke shapes under Oclgrind, which interprets device
 * code and reports data races, accesses outside a buffer and uninitialised values: there must
 * be no finding. Each workload runs in a process of its own, two at a time. Skipped with the
 * reason where Oclgrind is not installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "workloads/workload.h"

enum { CHILDREN = 2 };

static char icd[400], program[500], folder[64];

/* Oclgrind as an OpenCL driver: the loader takes the path of a library for a vendor. */
static bool find_oclgrind(void)
{
    static const char *const pattern[] = {"/usr/lib*/oclgrind/liboclgrind-rt-icd.so",
                                          "/usr/lib/*/oclgrind/liboclgrind-rt-icd.so",
                                          "/usr/local/lib*/oclgrind/liboclgrind-rt-icd.so",
                                          "/usr/lib*/liboclgrind-rt-icd.so",
                                          "/usr/local/lib*/liboclgrind-rt-icd.so"};

    for (size_t i = 0; i < sizeof pattern / sizeof *pattern && !icd[0]; i++) {
        glob_t found;

        if (glob(pattern[i], 0, NULL, &found) == 0)
            snprintf(icd, sizeof icd, "%s", found.gl_pathv[0]);
        globfree(&found);
    }
    return icd[0] != '\0';
}

/* The program that runs every variant lies beside this one. */
static void find_program(void)
{
    char self[400] = "", *slash;

    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return;
    slash = strrchr(self, '/');
    *slash = '\0';
    snprintf(program, sizeof program, "%s/../workloads/test_every", self);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/offload-bench-oclgrind-XXXXXX");
    find_program();
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void child_path(const struct workload *w, const char *what, char *path, size_t size)
{
    snprintf(path, size, "%s/%s.%s", folder, w->name, what);
}

static pid_t start(const struct workload *w)
{
    char log[200], out[200], cache[200];
    pid_t child;

    child_path(w, "findings", log, sizeof log);
    child_path(w, "output", out, sizeof out);
    child_path(w, "cache", cache, sizeof cache);
    fflush(NULL);
    child = fork();
    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* a time limit ends the children too */
    setenv("OCL_ICD_VENDORS", icd, 1);
    setenv("OCLGRIND_DATA_RACES", "1", 1);
    setenv("OCLGRIND_UNINITIALIZED", "1", 1);
    setenv("OCLGRIND_BUILD_OPTIONS", "-DINTERPRETED", 1); /* see devices/dialect.h */
    setenv("OCLGRIND_LOG", log, 1);
    setenv("OFFLOAD_BENCH_CACHE", cache, 1);
    setenv("WORKLOAD", w->name, 1);
    setenv("DEVICE_CODE_ONLY", "1", 1);
    if (!freopen(out, "w", stdout) || dup2(1, 2) < 0)
        _exit(98);
    execl(program, program, (char *)NULL);
    _exit(99);
}

/* Own code for a device, with at least one kernel in it. */
static bool has_device_code(const struct workload *w)
{
    return workload_device_code(w->name, DEVICE_OPENCL) != NULL;
}

/* True when it ran, some device code agreed, and nothing was found. */
static bool is_clean(const struct workload *w, int status)
{
    char log[200], out[200];
    struct text findings = {0}, output = {0};
    bool ok;

    child_path(w, "findings", log, sizeof log);
    child_path(w, "output", out, sizeof out);
    text_read_file(&findings, log, NULL);
    text_read_file(&output, out, NULL);
    ok = WIFEXITED(status) && WEXITSTATUS(status) == 0 && findings.n == 0 && output.data &&
         strstr(output.data, "of them from device code") &&
         !strstr(output.data, " 0 of them from device code");
    if (!ok)
        print_error("%s under Oclgrind: status %d\n%.6000s\n%.6000s\n", w->name, status,
                    output.data ? output.data : "(no output)",
                    findings.data ? findings.data : "(no finding)");
    text_release(&findings);
    text_release(&output);
    return ok;
}

static void test_no_findings(void **state)
{
    const struct workload *running[CHILDREN] = {NULL};
    const struct workload *const *next = workloads;
    pid_t child[CHILDREN];
    int left = 0, wrong = 0, done = 0;

    (void)state;
#ifdef __SANITIZE_ADDRESS__
    print_message("skipped: interpreting device code in a sanitized build takes too long\n");
    skip();
#endif
    if (!find_oclgrind()) {
        print_message("skipped: Oclgrind is not here; hint: install oclgrind\n");
        skip();
    }
    while (*next || left) {
        int status;
        pid_t ended;

        for (int i = 0; i < CHILDREN && *next; i++) {
            while (!running[i] && *next && !has_device_code(*next))
                next++;
            if (running[i] || !*next)
                continue;
            running[i] = *next++;
            child[i] = start(running[i]);
            assert_true(child[i] > 0);
            left++;
        }
        if (!left)
            break;
        ended = wait(&status);
        for (int i = 0; i < CHILDREN; i++)
            if (running[i] && child[i] == ended) {
                wrong += !is_clean(running[i], status);
                running[i] = NULL;
                left--;
                done++;
            }
    }
    print_message("%d workloads ran under Oclgrind, %d with findings\n", done, wrong);
    assert_int_equal(wrong, 0);
    assert_true(done > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_findings)};

    return cmocka_run_group_tests_name("device code under Oclgrind", tests, set_up, tear_down);
}
