/* SPDX-License-Identifier: MIT */
/* The `gpu-check` sub-command: for a person with a GPU. Runs the suite gpu-check on it as any
 * run would, judges the records, and leaves one file to attach to a report. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "harness/command.h"
#include "harness/options.h"
#include "harness/survey.h"
#include "report/acceptance.h"
#include "report/json.h"

struct request {
    const char *file, *from, *budget;
};

static const char run_folder[] = "gpu-check-run";

static const struct argp_option table[] = {
    {"output", 'o', "FILE", 0, "the file to attach (default: gpu-check.json)", 0},
    {"budget", 'B', "TIME", 0, "time that sampling may take (default: the suite's)", 0},
    {"from", 'f', "RESULTS", 0, "judge these results instead of measuring", 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct request *r = state->input;

    switch (key) {
    case 'o':
        r->file = arg;
        return 0;
    case 'B':
        r->budget = arg;
        if (isnan(options_seconds(arg)))
            argp_error(state, "--budget: '%s' is not a time such as 90s, 5m or 1h", arg);
        return 0;
    case 'f':
        r->from = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "what is '%s'? gpu-check takes options only", arg);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* Before minutes are spent. The file is replaced as a whole, so its folder matters. */
static int check_output(const char *file, struct why *why)
{
    struct stat info;
    bool is_odd = stat(file, &info) == 0 && !S_ISREG(info.st_mode);
    bool is_folder = is_odd && S_ISDIR(info.st_mode);
    char copy[4096];

    snprintf(copy, sizeof copy, "%s", file);
    if (!is_folder && access(is_odd ? file : dirname(copy), W_OK) == 0)
        return 0;
    return why_fail(why, STATUS_IO, "cannot write '%s': %s", file,
                    strerror(is_folder ? EISDIR : errno));
}

/* How many GPUs there are, and whether all are emulated. */
static int find_gpus(bool *emulated, struct why *why)
{
    struct survey survey;
    int gpus = 0;

    *emulated = true;
    if (survey_take(&survey, why) != 0)
        return 0;
    for (int i = 0; i < survey.devices; i++)
        if (survey.device[i].kind == DEVICE_CUDA) {
            *emulated = *emulated && survey.device[i].evidence == EVIDENCE_SOFTWARE;
            gpus++;
        }
    if (!gpus)
        *why = survey.missing[DEVICE_CUDA];
    survey_release(&survey);
    return gpus;
}

/* The run's own report goes to its folder only. */
static int run_suite(const struct request *request, bool emulated)
{
    char check[] = "--suite=gpu-check", smoke[] = "--suite=smoke", *suite = emulated ? smoke : check;
    char run[] = "run", gpu[] = "--gpu=none", quiet[] = "--quiet", device[] = "--device=cuda";
    char out[64], budget[64];
    char *argv[] = {run, suite, gpu, quiet, out, device, budget, NULL};
    int kept = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY), status;

    snprintf(out, sizeof out, "--out=%s", run_folder);
    snprintf(budget, sizeof budget, "--budget=%s", request->budget ? request->budget : "");
    fflush(stdout);
    dup2(nowhere, STDOUT_FILENO);
    status = command_run(request->budget ? 7 : 6, argv);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(nowhere);
    return status;
}

/* ---- the file --------------------------------------------------------------------------- */

static json_t *check_json(const struct check *check)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "check", check->name, "result",
                     acceptance_name(check->result), "subject", value_string(check->subject),
                     "value", value_number(check->value), "says", value_string(check->says));
}

/* Everything that was recorded, line by line as it stands in the results. */
static json_t *lines_json(const char *path)
{
    json_t *lines = json_array();
    struct text text = {0};
    char file[4096];

    results_path(file, sizeof file, path);
    text_read_file(&text, file, NULL);
    for (char *at = text.data; at && *at;) {
        size_t n = strcspn(at, "\n");

        json_array_append_new(lines, json_loadb(at, n, 0, NULL));
        at += n + (at[n] == '\n');
    }
    text_release(&text);
    return lines;
}

static int write_file(const struct acceptance *a, const char *results, const char *path,
                      struct why *why)
{
    json_t *root = json_object(), *checks = json_array();
    char *text;
    int status;

    for (size_t i = 0; i < a->checks; i++)
        json_array_append_new(checks, check_json(&a->check[i]));
    json_object_set_new(root, "schema", json_string("offload-bench/gpu-check/1"));
    json_object_set_new(root, "version", json_string(OFFLOAD_BENCH_VERSION));
    for (int i = 0; i < ACCEPTANCE_RESULTS; i++)
        json_object_set_new(root, acceptance_name((enum acceptance_result)i),
                            json_integer((json_int_t)a->count[i]));
    json_object_set_new(root, "checks", checks);
    json_object_set_new(root, "results", lines_json(results));
    text = json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    if (!text)
        return why_fail(why, STATUS_MEMORY, "no memory for '%s'", path);
    status = text_write_file(path, text, strlen(text), why);
    free(text);
    return status;
}

/* ---- the summary ------------------------------------------------------------------------ */

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* What is checked: the first question of who reads it. */
static void print_subject(const json_t *header)
{
    const json_t *device;
    size_t i;

    json_array_foreach(json_object_get(header, "devices"), i, device)
        if (strncmp(word(device, "id"), "cuda", 4) == 0)
            printf("%s: %s, %s%s%s; measured by offload-bench %s on %s\n", word(device, "id"),
                   word(device, "model"), word(device, "driver"),
                   *word(device, "bus") ? ", at " : "", word(device, "bus"),
                   word(header, "version"), word(header, "date"));
}

static void count(const struct acceptance *a, const char *name, size_t *of)
{
    for (size_t i = 0; i < a->checks; i++)
        if (strcmp(a->check[i].name, name) == 0)
            of[a->check[i].result]++;
}

/* All that is not a pass; of absences only the first with each sentence. */
static void print_exceptions(const struct acceptance *a, const char *name)
{
    const char *last = "";

    for (size_t i = 0; i < a->checks; i++) {
        const struct check *c = &a->check[i];

        if (strcmp(c->name, name) != 0 || c->result == ACCEPTANCE_PASS ||
            (c->result == ACCEPTANCE_ABSENT && strcmp(c->says, last) == 0))
            continue;
        if (c->result == ACCEPTANCE_ABSENT)
            last = c->says;
        printf("    %-6s %s: %s", acceptance_name(c->result), c->subject, c->says);
        if (!isnan(c->value))
            printf(" (%.3g)", c->value);
        putchar('\n');
    }
}

static void print_summary(const struct acceptance *a)
{
    for (const struct acceptance_row *row = acceptance_checks; row->name; row++) {
        size_t of[ACCEPTANCE_RESULTS] = {0};

        count(a, row->name, of);
        if (!of[ACCEPTANCE_PASS] && !of[ACCEPTANCE_FAIL] && !of[ACCEPTANCE_SLOW] &&
            !of[ACCEPTANCE_ABSENT]) {
            printf("  %-19s no record to check it by: %s\n", row->name, row->meaning);
            continue;
        }
        printf("  %-19s %4zu pass, %zu fail, %zu slow, %zu absent: %s\n", row->name,
               of[ACCEPTANCE_PASS], of[ACCEPTANCE_FAIL], of[ACCEPTANCE_SLOW],
               of[ACCEPTANCE_ABSENT], row->meaning);
        print_exceptions(a, row->name);
    }
}

static int judge(const char *path, const char *file)
{
    struct results results = {0};
    struct acceptance a;
    struct why why = {{0}};
    int status = results_read(&results, path, &why);

    for (size_t i = 0; i < results.notes; i++)
        fprintf(stderr, "offload-bench: %s\n", results.note[i]);
    if (!status)
        status = acceptance_judge(&a, &results, &why);
    if (status) {
        results_release(&results);
        return command_fail(EXIT_USAGE, "%s", why.text);
    }
    if (a.checks == 0)
        status = command_fail(EXIT_NOTHING, "'%s' holds no record of a CUDA device", path);
    else if (write_file(&a, path, file, &why) != 0)
        status = command_fail(EXIT_USAGE, "%s", why.text);
    else {
        print_subject(results.header);
        print_summary(&a);
        printf("%zu checks: %zu pass, %zu fail, %zu slow, %zu absent; all of it in %s, to attach to "
               "a report\n",
               a.checks, a.count[ACCEPTANCE_PASS], a.count[ACCEPTANCE_FAIL],
               a.count[ACCEPTANCE_SLOW], a.count[ACCEPTANCE_ABSENT], file);
        status = a.count[ACCEPTANCE_FAIL] ? EXIT_WRONG : EXIT_DONE;
    }
    results_release(&results);
    acceptance_release(&a);
    return status;
}

int command_gpu_check(int argc, char **argv)
{
    static char name[] = "offload-bench gpu-check";
    static const struct argp argp = {
        .options = table,
        .parser = parse_option,
        .doc = "Check that the GPU here is measured rightly: results, times by events, activity "
               "and wall, ledger, counters, link, cuBLASLt, roofline. Leaves one file."};
    struct request request = {.file = "gpu-check.json"};
    struct why why = {{0}};
    bool emulated;
    int status;

    argp_err_exit_status = EXIT_USAGE;
    argv[0] = name;
    options_check(argc, argv, table, "gpu-check");
    argp_parse(&argp, argc, argv, 0, NULL, &request);
    if (check_output(request.file, &why) != 0)
        return command_fail(EXIT_USAGE, "%s", why.text);
    if (request.from)
        return judge(request.from, request.file);
    if (!find_gpus(&emulated, &why))
        return command_fail(EXIT_NOTHING, "no NVIDIA GPU to check here: %s", why.text);
    if (emulated) /* real shapes would take it hours, and its times mean nothing */
        fputs("offload-bench: the GPU is emulated: its results are checked at small shapes, its "
              "times are not\n", stderr);
    status = run_suite(&request, emulated);
    if (status == EXIT_INTERRUPTED || status == EXIT_NOTHING)
        return command_fail(status, "%s, '%s' is not written; hint: offload-bench gpu-check --from "
                            "%s/results.jsonl judges what is there",
                            status == EXIT_NOTHING ? "nothing was measured" : "interrupted",
                            request.file, run_folder);
    if (status == EXIT_USAGE) /* it has said why */
        return status;
    return judge(run_folder, request.file);
}
