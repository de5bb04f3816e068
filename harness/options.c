/* SPDX-License-Identifier: MIT */
#include "harness/options.h"

#include <argp.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "devices/cuda_compiler.h"
#include "devices/numa.h"
#include "harness/command.h"
#include "harness/prices.h"

static const struct argp_option table[] = {
    {"suite", 's', "NAME[,NAME]", 0, "what to measure (default: llm); see `list suites`", 0},
    {"device", 'd', "SEL[,SEL]", 0,
     "cpu, cuda[:N], opencl[:N], gpu (every real GPU) or all; default: cpu and every real GPU, "
     "or cpu and the software devices, which only prove the device code", 0},
    {"cuda-arch", 'A', "ARCH", 0,
     "what to compile CUDA kernels for: sm_NN (machine code) or compute_NN (PTX); default: what "
     "the GPU is", 0},
    {"memory-node", 'N', "NODE", 0,
     "NUMA node of the host memory: near (the GPU; default), far or a number", 0},
    {"gpu", 'g', "NAME[,NAME]", 0,
     "GPUs to project: names of `list gpus` or JSON files; 'all' of the catalogue, or 'none'", 0},
    {"calibrate", 'C', "RESULTS", 0,
     "results of a real GPU: its cells correct the projections", 0},
    {"model", 'm', "NAME|FILE", 0, "llm suite: model to take apart; see `list models`", 0},
    {"batch", 'b', "LIST", 0, "llm suite: sequences at once, such as 1,8", 0},
    {"context", 'c', "LIST", 0, "llm suite: tokens of context, such as 512,4096", 0},
    {"dtype", 't', "LIST", 0, "element types: f32, f64, f16, bf16, i8 (int8), e4m3 (fp8)", 0},
    {"budget", 'B', "TIME", 0, "time that sampling may take, such as 90s or 5m", 0},
    {"out", 'o', "DIR", 0, "where results and report go (default: offload-report)", 0},
    {"trace", 'T', "FILE", 0, "write what ran when, for Perfetto or chrome://tracing", 0},
    {"resume", 'r', NULL, 0, "go on with the results that are in DIR", 0},
    {"seed", 'S', "N", 0, "seed of inputs and order (default: 1)", 0},
    {"quiet", 'q', NULL, 0, "no progress and notes, only the report and errors", 0},
    {"no-progress", 'P', NULL, 0, "no progress line", 0},
    {0},
};

int options_cut(struct argp_state *state, const char *option, char *text, const char **part)
{
    int n = 0;

    for (char *next; text; text = next) {
        next = strchr(text, ',');
        if (next)
            *next++ = '\0';
        if (!*text)
            argp_error(state, "--%s: an empty name in the list", option);
        if (n == OPTION_LIST)
            argp_error(state, "--%s: more than %d names", option, OPTION_LIST);
        part[n++] = text;
    }
    return n;
}

int64_t options_count(struct argp_state *state, const char *option, const char *text)
{
    char *end;
    int64_t count = strtoll(text, &end, 10);

    if (!isdigit((unsigned char)*text) || *end || count < 1 || count > 100000000)
        argp_error(state, "--%s: '%s' is not a whole number of 1 or more", option, text);
    return count;
}

static int cut_counts(struct argp_state *state, const char *option, char *text, int64_t *count)
{
    const char *part[OPTION_LIST];
    int n = options_cut(state, option, text, part);

    for (int i = 0; i < n; i++)
        count[i] = options_count(state, option, part[i]);
    return n;
}

int options_cut_dtypes(struct argp_state *state, char *text, enum dtype *dtype)
{
    const char *part[OPTION_LIST], *name[DTYPES];
    int n = options_cut(state, "dtype", text, part);

    for (int i = 0; i < DTYPES; i++)
        name[i] = dtype_name((enum dtype)i);
    for (int i = 0; i < n; i++) {
        int value = dtype_parse(part[i]);
        char near[160];

        text_nearest(near, sizeof near, part[i], name, DTYPES);
        if (value < 0)
            argp_error(state, "--dtype: no type '%s'%s", part[i], near);
        dtype[i] = (enum dtype)value;
    }
    return n;
}

double options_seconds(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    double unit = strcmp(end, "") == 0 || strcmp(end, "s") == 0 ? 1
                  : strcmp(end, "m") == 0                       ? 60
                  : strcmp(end, "h") == 0                       ? 3600
                                                                : NAN;

    bool is_decimal = end > text && strspn(text, "0123456789.eE+-") == (size_t)(end - text);

    return is_decimal && value > 0 && isfinite(value * unit) ? value * unit : NAN;
}

const struct argp_child options_children[] = {
    {&prices_argp, 0, "Prices (none is assumed; without them only ratios are told):", 1}, {0}};

bool options_common(struct options *o, int key, char *arg, struct argp_state *state)
{
    struct why why;
    char *end;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->prices;
        return true;
    case 'd':
        o->devices = options_cut(state, "device", arg, o->device);
        return true;
    case 'g':
        o->gpus = options_cut(state, "gpu", arg, o->gpu);
        return true;
    case 't':
        o->dtypes = options_cut_dtypes(state, arg, o->dtype);
        return true;
    case 'B':
        o->budget_s = options_seconds(arg);
        if (isnan(o->budget_s))
            argp_error(state, "--budget: '%s' is not a time such as 90s, 5m or 1h", arg);
        return true;
    case 'A':
        if (!cuda_compiler_is_target(arg))
            argp_error(state, "--cuda-arch: '%s' is no CUDA architecture; hint: sm_NN for "
                       "machine code, compute_NN for PTX, such as compute_80", arg);
        setenv("OFFLOAD_BENCH_CUDA_ARCH", arg, 1); /* read where kernels are compiled */
        return true;
    case 'N':
        if (numa_check("/", arg, &why) != 0)
            argp_error(state, "--memory-node: %s", why.text);
        setenv("OFFLOAD_BENCH_NUMA", arg, 1); /* read where memory is allocated */
        return true;
    case 'o':
        o->out = arg;
        return true;
    case 'r':
        o->resume = true;
        return true;
    case 'S':
        o->seed = strtoull(arg, &end, 10);
        if (*end || !isdigit((unsigned char)*arg) || o->seed > INT64_MAX)
            argp_error(state, "--seed: '%s' is not a whole number", arg);
        return true;
    case 'q':
        o->quiet = true;
        return true;
    case 'P':
        o->no_progress = true;
        return true;
    }
    return false;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case 's':
        o->suites = options_cut(state, "suite", arg, o->suite);
        break;
    case 'T':
        o->trace = arg;
        break;
    case 'C':
        o->calibrate = arg;
        break;
    case 'm':
        o->model = arg;
        break;
    case 'b':
        o->batches = cut_counts(state, "batch", arg, o->batch);
        break;
    case 'c':
        o->contexts = cut_counts(state, "context", arg, o->context);
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "what is '%s'? hint: options begin with --, commands stand first", arg);
        break;
    default:
        return options_common(o, key, arg, state) ? 0 : ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* argp knows that an option is unknown, not what it may have meant. */
void options_check(int argc, char **argv, const struct argp_option *known_options,
                   const char *command)
{
    const char *name[2 * OPTION_LIST + 2];
    const struct argp_option *const list[] = {known_options, prices_argp.options};
    size_t names = 0;

    for (int i = 0; i < 2; i++)
        for (const struct argp_option *o = list[i]; o->name && names < 2 * OPTION_LIST; o++)
            name[names++] = o->name;
    name[names++] = "help";
    name[names++] = "usage";
    for (int i = 1; i < argc; i++) {
        size_t n = strcspn(argv[i], "=");
        char word[64], near[160];
        bool known = strncmp(argv[i], "--", 2) != 0 || n == 2;

        for (size_t j = 0; j < names && !known; j++)
            known = strncmp(name[j], argv[i] + 2, n - 2) == 0;
        if (known)
            continue;
        snprintf(word, sizeof word, "%.*s", (int)(n - 2), argv[i] + 2);
        text_nearest(near, sizeof near, word, name, names);
        exit(command_fail(EXIT_USAGE, "no option '--%s'%s; hint: offload-bench %s --help",
                          word, near, command));
    }
}

void options_parse(struct options *o, int argc, char **argv)
{
    static char name[] = "offload-bench run";
    static const struct argp argp = {
        .options = table,
        .parser = parse_option,
        .children = options_children,
        .doc = "Measure a suite on the CPU and every GPU found, project the GPUs that are not "
               "here, and say whether moving the work is worth it.",
    };

    *o = (struct options){.out = "offload-report", .seed = 1};
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = name;
    options_check(argc, argv, table, "run");
    argp_parse(&argp, argc, argv, 0, NULL, o);
    if (!o->suites)
        o->suite[o->suites++] = "llm";
}
