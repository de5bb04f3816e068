/* SPDX-License-Identifier: MIT */
/* The program as a person meets it: exit status and words for right and wrong use, on small
 * real runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "base/trace.h"
#include "harness/command.h"
#include "report/record.h"
#include "tests/harness/program.h"

static void test_mistakes(void **state)
{
    static const struct {
        const char *arguments;
        int status;
        const char *words;
    } cases[] = {
        {"--suite lmm", EXIT_USAGE, "did you mean 'llm'"},
        {"--suite llm --model lama-3.2-1b", EXIT_USAGE, "did you mean 'llama-3.2-1b'"},
        {"--suite llm --model llama-9", EXIT_USAGE, "did you mean 'llama-3.1-8b' or 'llama-3.2-1b'"},
        {"--suite llm --model nowhere.json", EXIT_USAGE, "nowhere.json"},
        {"--suite smoke --gpu h1000-sxm", EXIT_USAGE, "did you mean 'h100-sxm'"},
        {"--suite smoke --gpu missing.json", EXIT_USAGE, "missing.json"},
        {"--suite smoke --gpu none,l4", EXIT_USAGE, "'none' stands alone"},
        {"--suite smoke --model llama-3.2-1b", EXIT_USAGE, "'smoke' takes no model"},
        {"--suite blas,reduce --context 512", EXIT_USAGE, "--context is of the llm suite"},
        {"--suite llm --dtype int8", EXIT_USAGE, "it does in f32, f16, bf16"},
        {"--suite smoke --device cpuu", EXIT_USAGE, "did you mean 'cpu'"},
        {"--suite smoke --device cuda:99", EXIT_NOTHING, "device 'cuda:99'"},
        {"--suite smoke --device cuda:abc", EXIT_USAGE, "'cuda:abc' is no device; hint: cpu, cuda[:N]"},
        {"--suite smoke --device cpu:1", EXIT_USAGE, "'cpu:1' is no device"},
        {"--suite smoke --dtype i32", EXIT_USAGE, "no judged workload of suite 'smoke' has type i32"},
        {"sweep gemm --suite llm", EXIT_USAGE, "no option '--suite'; hint"},
        {"run --help 2>&1 >/dev/full #", EXIT_USAGE, "cannot write to standard output"},
        {"doctor 2>&1 >/dev/full #", EXIT_USAGE, "cannot write to standard output"},
        {"--suite smoke --device opencl:77", EXIT_USAGE, "opencl:77"},
        {"--sweet llm", EXIT_USAGE, "hint: offload-bench run --help"},
        {"--dtype bf61", EXIT_USAGE, "did you mean 'bf16'"},
        {"--batch 0", EXIT_USAGE, "'0' is not a whole number of 1 or more"},
        {"--batch ' 1'", EXIT_USAGE, "' 1' is not a whole number"},
        {"--budget 0x5", EXIT_USAGE, "'0x5' is not a time"},
        {"--seed +1", EXIT_USAGE, "'+1' is not a whole number"},
        {"--context 12,,3", EXIT_USAGE, "empty name"},
        {"--budget soon", EXIT_USAGE, "'soon' is not a time"},
        {"--budget=-3", EXIT_USAGE, "'-3' is not a time"},
        {"--budget 0", EXIT_USAGE, "'0' is not a time"},
        {"--budget 1e308h", EXIT_USAGE, "'1e308h' is not a time"},
        {"list 2>&1 >/dev/full #", EXIT_USAGE, "cannot write to standard output"},
        {"sweep gemm --from 9999999 --to 10000000 --gpu l4 --budget 1 --out vast", EXIT_NOTHING,
         "No verdict"},
        {"sweep gemm --gpu l4 --budget 0.001 --out brief", EXIT_NOTHING,
         "no size could be measured within 0.001 s"},
        {"list gpus --gpu \"$(printf '\\357\\273\\277[]' > bom.json; echo bom.json)\"", EXIT_USAGE,
         "it holds no gpu"},
        {"--seed -1", EXIT_USAGE, "'-1'"},
        {"--suite smoke --trace /proc/nowhere", EXIT_USAGE, "cannot write the trace"},
        {"--suite smoke --out /proc/nowhere", EXIT_USAGE, "cannot create the output folder"},
        {"--suite smoke --gpu-price h1000-sxm=2", EXIT_USAGE, "did you mean 'h100-sxm'"},
        {"--gpu-price nan", EXIT_USAGE, "'nan' is not a number"},
        {"--cpu-price=-1", EXIT_USAGE, "'-1' is not a number"},
        {"--cpu-power 0", EXIT_USAGE, "more than '0' W"},
        {"--suite smoke --gpu-price cudda:0=2", EXIT_USAGE, "no gpu 'cudda:0'"},
        {"--gpu-price $(printf 'a\\377')=2", EXIT_USAGE, "no gpu"},
        {"--memory-node 1000", EXIT_USAGE, "'1000' is no memory node here"},
        {"sweep add --memory-node beside", EXIT_USAGE, "hint: near, far or"},
        {"--cuda-arch sm_x", EXIT_USAGE, "'sm_x' is no CUDA architecture"},
        {"sweep add --placement once,once", EXIT_USAGE, "twice"},
        {"sweep add --placement managed", EXIT_USAGE, "none of resident, once, every"},
        {"sweep add --placement evry", EXIT_USAGE, "none of resident, once, every"},
        {"sweep add --from 64 --to 32", EXIT_USAGE, "--from 64 is not below --to 32"},
        {"rum", EXIT_USAGE, "did you mean 'run'"},
        {"list devices --chip GH100", EXIT_USAGE, "what is '--chip'"},
        {"gpu-check --form x", EXIT_USAGE, "did you mean 'from'"},
        {"gpu-check --budget soon", EXIT_USAGE, "'soon' is not a time"},
        {"list probes --chap GH100", EXIT_USAGE, "--chap"},
        {"list probes --chips GH100", EXIT_USAGE, "what is '--chips'"},
        {"list probes --chip", EXIT_USAGE, "what is '--chip'"},
        {"list probes --chip=", EXIT_USAGE, "what is '--chip='"},
        {"list probes --chip GH100 AD102", EXIT_USAGE, "what is 'AD102'"},
        {"list probes --chip=GH100 AD102", EXIT_USAGE, "what is 'AD102'"},
        {"--gpu-price l4=1,,t4=2", EXIT_USAGE, "an empty name in the list"},
        {"sweep launh", EXIT_USAGE, "no workload 'launh'; hint"},
        {"gpu-check --output /nowhere/x.json", EXIT_USAGE, "cannot write '/nowhere/x.json'"},
        {"gpu-check --output .", EXIT_USAGE, "cannot write '.'"},
        {"gpu-check --from nowhere.jsonl", EXIT_USAGE, "nowhere.jsonl"},
        {"gpu-check all", EXIT_USAGE, "takes options only"},
        {"list gpu", EXIT_USAGE, "did you mean 'gpus'"},
        {"list gpus --verbos", EXIT_USAGE, "what is '--verbos'"},
        {"list gpus --gpu t44", EXIT_USAGE, "no gpu 't44'"},
        {"report nowhere.jsonl", EXIT_USAGE, "nowhere.jsonl"},
        {"report . --fromat text", EXIT_USAGE, "did you mean 'format'"},
        {"report . --format htm", EXIT_USAGE, "did you mean 'html'"},
    };
    struct text said = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = run(cases[i].arguments, &said);
        if (status != cases[i].status || !said.data || !strstr(said.data, cases[i].words))
            fail_msg("'%s' gave %d, expected %d and '%s':\n%s", cases[i].arguments, status,
                     cases[i].status, cases[i].words, said.data);
    }
    text_release(&said);
}

static void test_lists(void **state)
{
    static const char *const expected[][2] = {
        {"list suites", "llm"},          {"list workloads", "softmax"},
        {"list devices", "cpu"},         {"list gpus", "h100-sxm"},
        {"list gpus --verbose --gpu t4", "board_watts"},
        {"list gpus --gpu t4", "T4"},
        {"list models", "llama-3.2-1b"}, {"list formats", "junit"},
        {"list probes", "usage"},        {"--help", "--suite llm"},
        {"--version", "offload-bench "}, {"run --help", "--budget"},
        {"doctor", "NVRTC"},
    };
    struct text said = {0};

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        int status = run(expected[i][0], &said);

        if (status != 0 || !said.data || !strstr(said.data, expected[i][1]))
            fail_msg("'%s' gave %d without '%s':\n%s", expected[i][0], status, expected[i][1],
                     said.data);
    }
    text_release(&said);
}

static size_t file_size(const char *name)
{
    char path[256];
    struct stat info;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &info) == 0 ? (size_t)info.st_size : 0;
}

/* Some group of the same process holds the sample. */
static bool is_in_a_group(const json_t *trace, const json_t *sample)
{
    double start = json_number_value(json_object_get(sample, "ts"));
    double end = start + json_number_value(json_object_get(sample, "dur"));
    size_t i;
    json_t *event;

    json_array_foreach(trace, i, event) {
        const char *category = json_string_value(json_object_get(event, "cat"));
        double from = json_number_value(json_object_get(event, "ts"));

        if (category && strcmp(category, "group") == 0 && from <= start + 0.01 &&
            from + json_number_value(json_object_get(event, "dur")) >= end - 0.01 &&
            json_equal(json_object_get(event, "pid"), json_object_get(sample, "pid")))
            return true;
    }
    return false;
}

/* A folder that another process holds, and a file that may grow no more. */
static void test_held_and_limited(void **state)
{
    struct text said = {0};
    char arguments[1300];

    (void)state;
    snprintf(arguments, sizeof arguments,
             "--version && mkdir held && flock held '%s' --suite smoke --device cpu --out held",
             program);
    if (run(arguments, &said) != EXIT_USAGE || !strstr(said.data, "another run writes to 'held'"))
        fail_msg("a held folder: %s", said.data);
    snprintf(arguments, sizeof arguments,
             "--version && ulimit -f 1 && '%s' --suite smoke --device cpu --out limited", program);
    if (run(arguments, &said) != EXIT_USAGE || !strstr(said.data, "File too large"))
        fail_msg("a limited file: %s", said.data);
    text_release(&said);
}

/* A folder whose name is no UTF-8 keeps its records; a disk that is full cuts the trace only,
 * and says so; a report goes into a pipe, not over it. */
static void test_odd_files(void **state)
{
    struct text said = {0};
    char arguments[256], pipe[64];
    int status = run("--suite smoke --device cpu --gpu none --budget 1s --out $(printf 'a\\377') "
                     "--trace /dev/full", &said);

    (void)state;
    if (status != EXIT_DONE || !strstr(said.data, "could not be written to its end"))
        fail_msg("a full disk and odd bytes gave %d:\n%s", status, said.data);
    status = run("--version && mkdir odd && ln -s /dev/full odd/results.jsonl", &said);
    status = run("--suite smoke --device cpu --out odd --resume", &said);
    if (status != EXIT_USAGE || !strstr(said.data, "is no plain file"))
        fail_msg("results that are a device gave %d:\n%s", status, said.data);
    snprintf(pipe, sizeof pipe, "%s/pipe", folder);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    snprintf(arguments, sizeof arguments,
             "report a* --format csv --output pipe & timeout 20 cat %s; test -p %s", pipe, pipe);
    status = run(arguments, &said);
    if (status != 0 || !strstr(said.data, "workload,op"))
        fail_msg("a pipe gave %d:\n%s", status, said.data);
    text_release(&said);
}

/* The trace is JSON that Perfetto reads: named lines, spans that lie in their groups. */
static void check_trace(void)
{
    char path[256];
    json_t *trace, *event;
    size_t i, samples = 0, names = 0;

    snprintf(path, sizeof path, "%s/trace.json", folder);
    trace = json_load_file(path, 0, NULL);
    assert_true(json_is_array(trace));
    json_array_foreach(trace, i, event) {
        const char *phase = json_string_value(json_object_get(event, "ph"));

        assert_non_null(phase);
        assert_true(json_is_integer(json_object_get(event, "pid")));
        assert_true(json_is_integer(json_object_get(event, "tid")));
        assert_non_null(json_string_value(json_object_get(event, "name")));
        if (strcmp(phase, "M") == 0) {
            names++;
            continue;
        }
        assert_string_equal(phase, "X");
        assert_true(json_number_value(json_object_get(event, "ts")) >= 0);
        assert_true(json_number_value(json_object_get(event, "dur")) >= 0);
        if (json_integer_value(json_object_get(event, "tid")) != TRACK_SAMPLE)
            continue;
        samples++;
        if (samples < 50)
            assert_true(is_in_a_group(trace, event));
    }
    assert_true(samples > 20 && names > 2);
    json_decref(trace);
}

/* A run leaves its files; --resume measures nothing again; a truncated file goes on. */
static void test_run_and_resume(void **state)
{
    static const char *const others[][2] = {
        {"--suite smoke --seed 2 --device cpu", "--seed differs"},
        {"--suite smoke --device cpu --device cpu,all", "--device, --dtype"},
        {"--suite smoke --device cpu --gpu l4", "--gpu differs"},
        {"--suite blas --device cpu", "--suite differs"},
    };
    struct text said = {0};
    char path[256];
    size_t whole, lines;
    int status = run("--suite smoke --device cpu --budget 2s --out out --trace trace.json", &said);

    (void)state;
    if (status != EXIT_DONE)
        fail_msg("smoke run gave %d:\n%s", status, said.data);
    assert_true(file_size("out/report.html") > 10000);
    assert_true(file_size("out/report.md") > 500);
    assert_true(file_size("out/report.json") > 500);
    whole = file_size("out/results.jsonl");
    assert_true(whole > 1000);
    check_trace();

    status = run("--suite smoke --device cpu --budget 2s --out out --resume", &said);
    assert_int_equal(status, EXIT_DONE); /* nor the problem that nothing here computes (fp8) */
    lines = file_size("out/results.jsonl");
    assert_int_equal(lines, whole); /* projections are not appended again either */

    snprintf(path, sizeof path, "%s/out/results.jsonl", folder);
    assert_int_equal(truncate(path, (off_t)(whole / 2)), 0);
    status = run("report out --format csv", &said);
    if (status != EXIT_DONE || !strstr(said.data, "cut short"))
        fail_msg("a truncated file gave %d:\n%s", status, said.data);
    status = run("--suite smoke --device cpu --budget 2s --out out --resume", &said);
    if (status != EXIT_DONE)
        fail_msg("going on gave %d:\n%s", status, said.data);
    assert_true(file_size("out/results.jsonl") > whole / 2 && lines >= whole);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s --out out --resume", others[i][0]);
        assert_int_equal(run(path, &said), EXIT_USAGE);
        assert_non_null(strstr(said.data, "is of another run"));
        assert_non_null(strstr(said.data, others[i][1]));
    }
    text_release(&said);
}

static void write_text(const char *name, const char *text)
{
    char path[256];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

/* A product of the smoke suite that an L4 took 30 us for, as a results file has it; a slower
 * variant, a wrong one and an emulated GPU, which all teach nothing. */
#define CELL(variant, outcome, evidence, ns)                                                     \
    "{\"kind\":\"cell\",\"workload\":\"gemm\",\"shape\":{\"m\":256,\"n\":256,\"k\":256},"     \
    "\"shape_text\":\"m=256 n=256 k=256\",\"dtype\":\"f32\",\"cache\":\"hot\","               \
    "\"device\":\"cuda:0\",\"device_kind\":\"cuda\",\"device_model\":\"NVIDIA L4\","          \
    "\"judged\":1,\"flops\":33554432,\"bytes_read\":524288,\"bytes_written\":262144,"           \
    "\"variant\":\"" variant                                                                 \
    "\",\"outcome\":\"" outcome "\",\"evidence\":\"" evidence "\",\"kernel_ns\":[" ns "]}\n"
static const char measured_l4[] =
    "{\"kind\":\"header\",\"schema\":\"offload-bench/results/1\"}\n"
    CELL("cublaslt", "ok", "measured", "31000,30000,29000")
    CELL("tiled", "ok", "measured", "60000,60000,60000")
    CELL("swift", "wrong", "measured", "1000,1000,1000")
    CELL("emulated", "ok", "software", "9000000,9000000,9000000");

/* The projection of the one product on a GPU. */
static const struct record *gemm_on(const struct results *results, const char *gpu)
{
    for (size_t i = 0; i < results->records; i++)
        if (results->record[i].kind == RECORD_PROJECTION &&
            strcmp(results->record[i].workload.text, "gemm") == 0 &&
            strcmp(results->record[i].device.text, gpu) == 0)
            return &results->record[i];
    fail_msg("no projection of gemm on %s", gpu);
    return NULL;
}

static void test_calibrated_run(void **state)
{
    static const char *const words[] = {"gpu", "l4", "workload", "gemm", "variant", "cublaslt",
                                        "shape", "m=256 n=256 k=256"};
    struct text said = {0};
    struct results results = {0};
    json_t *report, *cell;
    double before, now;
    char path[256], expected[64];
    int status;

    (void)state;
    write_text("real.jsonl", measured_l4);
    status = run("--suite smoke --device cpu --gpu l4,t4 --budget 1s --out taught "
                 "--calibrate real.jsonl", &said);
    if (status != EXIT_DONE || !strstr(said.data, "projections of l4 (1 measured"))
        fail_msg("a calibrated run gave %d:\n%s", status, said.data);
    snprintf(path, sizeof path, "%s/taught/report.json", folder);
    report = json_load_file(path, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(report, "lessons")), 1);
    cell = json_array_get(json_object_get(report, "lessons"), 0);
    for (size_t i = 0; i < sizeof words / sizeof *words; i += 2)
        assert_string_equal(json_string_value(json_object_get(cell, words[i])), words[i + 1]);
    assert_true(json_number_value(json_object_get(cell, "measured_us")) == 30);
    before = json_number_value(json_object_get(cell, "projected_us"));
    now = json_number_value(json_object_get(cell, "corrected_us"));
    assert_true(before > 10 && before < 25 && now > 1.02 * before && now < 30);

    json_decref(report);
    snprintf(path, sizeof path, "%s/taught", folder);
    assert_int_equal(results_read(&results, path, NULL), 0);
    assert_float_equal(gemm_on(&results, "l4")->time_us.value, now, 1e-5 * now); /* six digits */
    snprintf(expected, sizeof expected, "x %.2f from 1 measured call", now / before);
    assert_non_null(strstr(gemm_on(&results, "l4")->note.text, expected));
    assert_null(strstr(gemm_on(&results, "t4")->note.text, "measured call")); /* no relative */
    results_release(&results);

    assert_int_equal(run("report taught --format markdown", &said), EXIT_DONE);
    assert_non_null(strstr(said.data, "## What measured cells of GPUs corrected"));
    assert_non_null(strstr(said.data, "| l4 | gemm | m=256 n=256 k=256 | f32 | cublaslt | 30.0 us"));
    status = run("--suite smoke --device cpu --gpu l4,t4 --budget 1s --out taught --resume", &said);
    assert_int_equal(status, EXIT_USAGE); /* half of its projections would be others */
    assert_non_null(strstr(said.data, "another run"));
    status = run("--calibrate taught", &said);
    assert_int_equal(status, EXIT_USAGE);
    assert_non_null(strstr(said.data, "holds no cell measured on a GPU"));
    text_release(&said);
}

/* Ctrl-C: the results so far stay, the report of them is written, status 130. */
static void test_interrupt(void **state)
{
    char out[256];
    int status = 0;
    pid_t pid;

    (void)state;
    snprintf(out, sizeof out, "%s/stopped", folder);
    pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(9);
        execl(program, program, "--suite", "blas", "--device", "cpu", "--out", out, NULL);
        _exit(9);
    }
    for (int i = 0; i < 300 && file_size("stopped/results.jsonl") < 20000; i++)
        usleep(100000);
    assert_true(file_size("stopped/results.jsonl") > 0);
    kill(pid, SIGINT);
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_INTERRUPTED);
    assert_true(file_size("stopped/report.html") > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_held_and_limited),
        cmocka_unit_test(test_odd_files),
        cmocka_unit_test(test_run_and_resume),
        cmocka_unit_test(test_calibrated_run),
        cmocka_unit_test(test_interrupt),
    };

    return cmocka_run_group_tests_name("command line", tests, find_program, remove_folder);
}
