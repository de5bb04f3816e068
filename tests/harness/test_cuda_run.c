/* SPDX-License-Identifier: MIT */
/* The main job on the emulated CUDA driver, from the command line to the report: all is checked
 * and well, every placement is there, the evidence is software; and with a fault that no
 * context survives, the cells that met it say so and the others are measured all the same.
 * Before that, every kernel of every workload agrees with its reference there, without a
 * finding of the driver. Skipped with the reason where CUDA is not built in or NVRTC missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "devices/cuda_compiler.h"
#include "report/acceptance.h"
#include "report/record.h"
#include "report/stats.h"
#include "tests/emulator/faults.h"

static char build[1000]; /* folder of what make built */
static char folder[] = "/tmp/test_cuda_run_XXXXXX";

/* The double of CUPTI is written with the headers of CUDA 12.6 or newer. */
#ifdef HAVE_COUNTERS
static const bool has_cupti = true;
#else
static const bool has_cupti = false;
#endif

static int find_build(void **state)
{
    ssize_t n = readlink("/proc/self/exe", build, sizeof build - 1);

    (void)state;
    if (n < 0 || !mkdtemp(folder))
        return -1;
    build[n] = '\0';
    for (int up = 0; up < 3; up++) /* build/tests/harness/test_cuda_run */
        *strrchr(build, '/') = '\0';
    return 0;
}

static int remove_folder(void **state)
{
    char command[80];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void need_compiler(void)
{
    struct name version;
    struct why why = {{0}};

#ifdef __SANITIZE_ADDRESS__
    print_message("skipped: interpreting device code in a sanitized build takes too long\n");
    skip();
#endif
    if (cuda_compiler_version(&version, &why) != 0) {
        print_message("skipped: %s\n", why.text);
        skip();
    }
}

/* Run `command` (relative to the build folder) on the emulated driver alone, with `settings`
 * before it; its exit status, and what it and the driver said. */
static int run(const char *settings, const char *command, struct text *said,
               struct text *findings)
{
    char line[4096], path[100], chunk[4096];
    FILE *pipe;
    size_t n;
    int end;

    snprintf(path, sizeof path, "%s/findings", folder);
    snprintf(line, sizeof line,
             "cd %s && rm -rf findings out && env -u CUDA_VISIBLE_DEVICES OCL_ICD_VENDORS=/nonexistent "
             "LD_LIBRARY_PATH=%s/emulator OFFLOAD_BENCH_CACHE=%s/cache %s=%s %s %s/%s 2>&1",
             folder, build, folder, EMULATOR_FINDINGS, path, settings, build, command);
    pipe = popen(line, "r");
    assert_non_null(pipe);
    while ((n = fread(chunk, 1, sizeof chunk, pipe)) > 0)
        text_add_bytes(said, chunk, n);
    end = pclose(pipe);
    text_read_file(findings, path, NULL);
    return WIFEXITED(end) ? WEXITSTATUS(end) : -1;
}

static void test_every_kernel(void **state)
{
    struct text said = {0}, findings = {0};
    int status;

    (void)state;
    need_compiler();
    status = run("DEVICE_CODE_ONLY=1", "tests/workloads/test_every", &said, &findings);
    if (status != 0 || findings.n > 0 ||
        !strstr(said.data, "attention_decode: ") || strstr(said.data, "gemm: 0 results"))
        fail_msg("test_every ended with %d\n%.6000s\n%.3000s", status, said.data,
                 findings.n ? findings.data : "");
    text_release(&said);
    text_release(&findings);
}

/* ---- the instructions that docs/cuda.md lists ---------------------------------------------- */

/* The list's line of an instruction, or NULL: "add sub: .f32 .f64". */
static const char *listed(const char *list, const char *name, size_t n)
{
    for (const char *line = list; line && *line; line = strchr(line, '\n'), line += line != NULL)
        for (const char *word = line; *word && *word != '\n' && word[-1] != ':';
             word += strcspn(word, " :\n") + 1)
            if (strcspn(word, " :\n") == n && strncmp(word, name, n) == 0)
                return line;
    return NULL;
}

/* Is ".f32" of the opcode in the list's line? */
static bool has_modifier(const char *line, const char *modifier)
{
    size_t n = 1 + strcspn(modifier + 1, ".");

    for (const char *at = line; *at && *at != '\n'; at++)
        if (strncmp(at, modifier, n) == 0 && (at[n] == ' ' || at[n] == '\n'))
            return true;
    return false;
}

/* "@%p1 ld.global.nc.v4.f32 {...": every part of the opcode must be listed. */
static void check_instruction(const char *list, char *text)
{
    char *opcode = text + strspn(text, " \t{"), *rest;
    const char *line;

    if (*opcode == '@')
        opcode += strcspn(opcode, " \t"), opcode += strspn(opcode, " \t");
    opcode[strcspn(opcode, " \t;,")] = '\0';
    if (*opcode < 'a' || *opcode > 'z' || strchr(opcode, ':'))
        return; /* a directive, a label, a brace, a comment */
    line = listed(list, opcode, strcspn(opcode, "."));
    if (!line)
        fail_msg("docs/cuda.md does not list the instruction '%s'", opcode);
    for (rest = strchr(opcode, '.'); rest; rest = strchr(rest + 1, '.'))
        if (!has_modifier(line, rest))
            fail_msg("docs/cuda.md does not list '%s' of '%s'", rest, opcode);
}

static int check_program(const char *list, const char *path)
{
    struct text code = {0};
    char *ptx = NULL;
    int lines = 0;

    assert_int_equal(text_read_file(&code, path, NULL), 0);
    for (size_t i = 0; i + 9 < code.n && !ptx; i++) /* behind the cache's own header */
        ptx = memcmp(code.data + i, ".version ", 9) == 0 ? code.data + i : NULL;
    for (char *line; ptx && (line = strtok_r(ptx, "\n", &ptx)); lines++)
        check_instruction(list, line);
    text_release(&code);
    return lines;
}

/* A driver must execute what docs/cuda.md says, and no more: by the code that was compiled above. */
static void test_listed_instructions(void **state)
{
    static const char head[] = "```ptx\n";
    struct text docs = {0};
    char pattern[100];
    glob_t files;
    int programs = 0;
    char *list;

    (void)state;
    need_compiler();
    assert_int_equal(text_read_file(&docs, "docs/cuda.md", NULL), 0);
    list = strstr(docs.data, head);
    assert_non_null(list);
    list += strlen(head);
    *strstr(list, "```") = '\0';
    snprintf(pattern, sizeof pattern, "%s/cache/*", folder);
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        programs += check_program(list, files.gl_pathv[i]) > 10;
    globfree(&files);
    text_release(&docs);
    if (programs < 50)
        fail_msg("only %d programs in PTX were looked at", programs);
}

/* How many records of results.jsonl have this kind, and `key` so. */
static int count(const char *kind, const char *key, const char *value)
{
    char path[100];
    struct text results = {0};
    int n = 0;

    snprintf(path, sizeof path, "%s/out/results.jsonl", folder);
    assert_int_equal(text_read_file(&results, path, NULL), 0);
    for (char *rest = results.data, *line; (line = strtok_r(rest, "\n", &rest));) {
        json_t *record = json_loads(line, 0, NULL);
        const char *of = json_string_value(json_object_get(record, "kind"));
        const char *is = json_string_value(json_object_get(record, key));

        n += of && is && strcmp(of, kind) == 0 && strstr(is, value);
        json_decref(record);
    }
    text_release(&results);
    return n;
}

/* Time by CUPTI's records over that by events, at the median of the cells: each is one call of
 * activity on a machine that does more than this. What is far off must be marked. */
static double activity_over_events(void)
{
    char path[100];
    struct results results = {0};
    struct series ratio = {0};
    double median;

    snprintf(path, sizeof path, "%s/out", folder);
    assert_int_equal(results_read(&results, path, NULL), 0);
    for (size_t i = 0; i < results.records; i++) {
        const struct record *r = &results.record[i];
        double event_ns = stats_series_median(&r->kernel_ns);

        for (size_t m = 0; m < r->measures && event_ns >= 20e3; m++) {
            const struct measure *seen = &r->measure[m];

            if (strcmp(seen->name.text, "kernel_time") != 0 || !(seen->value > 0))
                continue;
            series_push(&ratio, seen->value * 1e9 / event_ns);
            assert_int_equal(seen->is_suspect,
                             !acceptance_times_agree(seen->value * 1e9, event_ns));
        }
    }
    assert_true(ratio.n >= 4);
    median = stats_series_median(&ratio);
    series_release(&ratio);
    results_release(&results);
    return median;
}

/* How many measures of that name the records have that were not taken for this reason; with NULL, that
 * were taken; with "suspect", that nobody believes. */
static int count_measures(const char *name, const char *why)
{
    char path[100];
    struct results results = {0};
    int n = 0;

    snprintf(path, sizeof path, "%s/out", folder);
    assert_int_equal(results_read(&results, path, NULL), 0);
    for (size_t i = 0; i < results.records; i++)
        for (size_t m = 0; m < results.record[i].measures; m++) {
            const struct measure *seen = &results.record[i].measure[m];

            n += strcmp(seen->name.text, name) == 0 &&
                 (!why                           ? !seen->why[0]
                  : strcmp(why, "suspect") == 0 ? seen->is_suspect
                                                 : strstr(seen->why, why) != NULL);
        }
    results_release(&results);
    return n;
}

enum { PRODUCTS = 3 }; /* gemm, gemm_batched, gemv: each in e4m3 and i8 */

#define SMOKE "offload-bench --suite smoke --budget 0.5s --device cuda --gpu none --out out --no-progress"

static void test_run(void **state)
{
    static const char *const placement[] = {"resident", "once",   "every",     "managed",
                                            "mapped",   "overlapped", "graph"};
    struct text said = {0}, findings = {0};
    int status, cells;
    double ratio;

    (void)state;
    need_compiler();
    status = run("", SMOKE, &said, &findings);
    if (status != 0 || findings.n > 0)
        fail_msg("the run ended with %d\n%.6000s\n%.3000s", status, said.data,
                 findings.n ? findings.data : "");
    cells = count("cell", "device", "cuda:0");
    assert_true(cells >= 15);
    assert_int_equal(count("cell", "outcome", "ok"), cells - PRODUCTS);
    assert_int_equal(count("cell", "why", "e4m3 (fp8) wants compute capability 8.9"), PRODUCTS);
    assert_int_equal(count("cell", "evidence", "software"), cells);
    for (size_t i = 0; i < sizeof placement / sizeof *placement; i++)
        if (count("placement", "placement", placement[i]) == 0)
            fail_msg("no placement '%s' was measured", placement[i]);
    assert_int_equal(count("placement", "outcome", "failed"), 0);
    assert_non_null(strstr(said.data, "emulated GPU"));
    if (has_cupti) {
        assert_true(count_measures("l2_bytes", "suspect") >= 10); /* the double counts 100 of all */
        ratio = activity_over_events();
        if (!(ratio > 0.4 && ratio < 2.5))
            fail_msg("activity takes %g times what events say", ratio);
    }
    text_release(&said);
    text_release(&findings);
}

/* Activity by a clock that goes ten times as fast as that of the events: no cell believes it. And
 * without permission for counters: each cell says how to get it, and keeps its times. */
static void test_times_disagree(void **state)
{
    struct text said = {0}, findings = {0};
    double ratio;
    int status;

    (void)state;
    need_compiler();
    if (!has_cupti)
        skip();
    status = run("OFFLOAD_EMULATOR_ACTIVITY=1000 " FAULT_COUNTERS "=1", SMOKE " --dtype f64", &said,
                 &findings);
    assert_int_equal(status, 0);
    assert_true(count_measures("kernel_time", NULL) >= 4);
    assert_int_equal(count_measures("gpu_time", "hint: NVreg_RestrictProfilingToAdminUsers=0"),
                     count_measures("kernel_time", NULL));
    ratio = activity_over_events();
    if (!(ratio > 4 && ratio < 25))
        fail_msg("activity takes %g times what events say, not 10", ratio);
    text_release(&said);
    text_release(&findings);
}

/* A newer GPU has fp8 in its library. */
static void test_eight_bits(void **state)
{
    struct text said = {0}, findings = {0};
    int status;

    (void)state;
    need_compiler();
    status = run(EMULATED_CAPABILITY "=90", SMOKE " --dtype fp8,int8", &said, &findings);
    if (status != 0 || findings.n > 0 || count("cell", "dtype", "e4m3") != PRODUCTS ||
        count("cell", "dtype", "i8") < PRODUCTS ||
        count("cell", "outcome", "skipped") + count("cell", "outcome", "failed") > 0)
        fail_msg("the run ended with %d\n%.6000s\n%.3000s", status, said.data,
                 findings.n ? findings.data : "");
    text_release(&said);
    text_release(&findings);
}

/* A driver that knows little, lacks what can be lacked, and whose clock stands: the rest is
 * measured, nothing fails. */
static void test_another_driver(void **state)
{
    static const char settings[] =
        EMULATED_ATTRIBUTES "='*=x,75=8,76=0' " EMULATED_TICK_US "=86400000000 " EMULATED_REFUSES
        "=cuMemHostAlloc,cuMemAllocManaged,cuStreamBeginCapture,cuStreamWaitEvent,cuDeviceGetUuid,"
        "cuDeviceGetPCIBusId,cuDeviceTotalMem,cuMemGetInfo,cuFuncGetAttribute,cuModuleLoadDataEx";
    struct text said = {0}, findings = {0};
    int status;

    (void)state;
    need_compiler();
    status = run(settings, SMOKE, &said, &findings);
    if (status != 0 || findings.n > 0)
        fail_msg("the run ended with %d\n%.6000s\n%.3000s", status, said.data,
                 findings.n ? findings.data : "");
    assert_true(count("cell", "outcome", "ok") >= 15);
    assert_true(count("placement", "placement", "every") > 0);
    assert_int_equal(count("placement", "outcome", "ok") +
                         count("placement", "why", "left out: a call takes"),
                     count("placement", "device", "cuda:0"));
    text_release(&said);
    text_release(&findings);
}

/* Where a kernel takes 0.2 s, all is checked still, with a sample or two; what there is no time
 * for says so. */
static void test_slow_device(void **state)
{
    struct text said = {0}, findings = {0};
    time_t start = time(NULL);
    int status, cells;

    (void)state;
    need_compiler();
    status = run(FAULT_SLOW_MS "=200", SMOKE " --dtype f64", &said, &findings);
    cells = count("cell", "device", "cuda:0");
    if (status != 0 || findings.n > 0 || time(NULL) - start > 45)
        fail_msg("the run ended with %d after %.0f s\n%.6000s\n%.3000s", status,
                 difftime(time(NULL), start), said.data, findings.n ? findings.data : "");
    assert_true(cells >= 5);
    assert_int_equal(count("cell", "outcome", "ok") + count("cell", "outcome", "skipped"), cells);
    assert_true(count("cell", "stop", "budget") + count("cell", "provider", "cuBLASLt") >=
                count("cell", "outcome", "ok")); /* the library's double is as fast as ever */
    assert_true(count("placement", "stop", "budget") > 0);
    assert_true(count("placement", "why", "left out: a call takes 0.") >= 5);
    assert_int_equal(count("placement", "outcome", "failed"), 0);
    assert_true(count("cold", "outcome", "ok") >= 5);
    text_release(&said);
    text_release(&findings);
}

/* Each fault comes in every process: it falls on cells and placements. */
static const struct fault {
    const char *setting, *words;
    int status;          /* memory that runs out is nobody's failure */
    const char *outcome;
} faults[] = {
    {FAULT_STICKY "=40", "CUDA_ERROR_ILLEGAL_ADDRESS", 5, "failed"},
    {FAULT_LAUNCH "=40", "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", 5, "failed"},
    {FAULT_ALLOC "=20", "out of memory", 0, "skipped"},
    {EMULATED_MEMORY_MB "=40", "out of memory", 0, "skipped"},
    {FAULT_LOST "=100", "CUDA_ERROR_UNKNOWN", 5, "failed"},
};

static void test_fault(void **state)
{
    const struct fault *fault = *state;
    struct text said = {0}, findings = {0};
    int status, failed, met, told;

    need_compiler();
    status = run(fault->setting, SMOKE, &said, &findings);
    failed = count("cell", "outcome", "failed") + count("placement", "outcome", "failed");
    met = count("cell", "outcome", fault->outcome) + count("placement", "outcome", fault->outcome);
    told = count("cell", "why", fault->words) + count("placement", "why", fault->words);
    if (status != fault->status || findings.n > 0 || met == 0 || told == 0 || told < failed ||
        (fault->status == 0 && failed > 0))
        fail_msg("%s: the run ended with %d, %d %s, %d say why\n%.6000s\n%.3000s",
                 fault->setting, status, met, fault->outcome, told, said.data,
                 findings.n ? findings.data : "");
    assert_true(count("cell", "outcome", "ok") > 5);
    text_release(&said);
    text_release(&findings);
}

/* The acceptance of a GPU, here at small shapes. */
static void test_gpu_check(void **state)
{
    struct text said = {0}, findings = {0};
    char path[100];
    int status;

    (void)state;
    need_compiler();
    status = run("", "offload-bench gpu-check -B 0.5s", &said, &findings);
    snprintf(path, sizeof path, "%s/gpu-check.json", folder);
    if (status != 0 || findings.n > 0 || !strstr(said.data, "is emulated") ||
        !strstr(said.data, ", 0 fail, 0 slow,") ||
        !strstr(said.data, "cuda:0: NVIDIA A0 emulated, driver for CUDA 13.0, at 0000:e0:00.0; ") ||
        !strstr(said.data, "event and activity  no record to check it by") || access(path, R_OK) != 0)
        fail_msg("gpu-check ended with %d\n%.6000s\n%.3000s", status, said.data,
                 findings.n ? findings.data : "");
    text_release(&said);
    text_release(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kernel),
        cmocka_unit_test(test_listed_instructions),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_times_disagree),
        cmocka_unit_test(test_eight_bits),
        cmocka_unit_test(test_another_driver),
        cmocka_unit_test(test_slow_device),
        cmocka_unit_test_prestate(test_fault, (void *)&faults[0]),
        cmocka_unit_test_prestate(test_fault, (void *)&faults[1]),
        cmocka_unit_test_prestate(test_fault, (void *)&faults[2]),
        cmocka_unit_test_prestate(test_fault, (void *)&faults[3]),
        cmocka_unit_test_prestate(test_fault, (void *)&faults[4]),
        cmocka_unit_test(test_gpu_check),
    };

    return cmocka_run_group_tests_name("the main job on an emulated GPU", tests, find_build,
                                       remove_folder);
}
