/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <stdlib.h>

#include "base/text.h"
#include "harness/command.h"
#include "harness/sweep.h"

static const double default_budget_s = 120;
/* What the largest call of a sweep may cost when --to is not given. */
static const double most_bytes = 256e6, most_flops = 2e10;

enum { KEY_SWEEP = 'w', KEY_FROM = 'f', KEY_TO = 'T', KEY_PLACEMENT = 'p' };

static const struct argp_option table[] = {
    {"sweep", KEY_SWEEP, "NAME", 0, "which of the workload's sweeps; see `list sweeps`", 0},
    {"from", KEY_FROM, "N", 0, "smallest size", 0},
    {"to", KEY_TO, "N", 0, "largest size", 0},
    {"placement", KEY_PLACEMENT, "LIST", 0, "resident, once, every (default: all three)", 0},
    {"device", 'd', "SEL[,SEL]", 0, "as for run; the CPU must be among them", 0},
    {"gpu", 'g', "NAME[,NAME]", 0, "GPUs to project; see `list gpus`", 0},
    {"dtype", 't', "LIST", 0, "element types: f32, f64, f16, bf16, i8 (int8), e4m3 (fp8)", 0},
    {"budget", 'B', "TIME", 0, "time that the sweep may take (default: 2m)", 0},
    {"cuda-arch", 'A', "ARCH", 0,
     "what to compile CUDA kernels for: sm_NN (machine code) or compute_NN (PTX); default: what "
     "the GPU is", 0},
    {"memory-node", 'N', "NODE", 0,
     "NUMA node of the host memory: near (the GPU; default), far or a number", 0},
    {"out", 'o', "DIR", 0, "where results and report go (default: offload-report)", 0},
    {"resume", 'r', NULL, 0, "go on with the results that are in DIR", 0},
    {"seed", 'S', "N", 0, "seed of inputs and order (default: 1)", 0},
    {"quiet", 'q', NULL, 0, "no progress and notes, only the report and errors", 0},
    {"no-progress", 'P', NULL, 0, "no progress line", 0},
    {0},
};

struct words_of_request {
    struct sweep_request *request;
    const char *workload, *sweep;
};

static void cut_placements(struct argp_state *state, char *text, struct sweep_request *r)
{
    const char *part[OPTION_LIST];
    int n = options_cut(state, "placement", text, part);

    for (int i = 0; i < n; i++) {
        int placement = placement_parse(part[i]);

        if (placement < 0 || placement > PLACEMENT_EVERY)
            argp_error(state, "--placement: '%s' is none of resident, once, every", part[i]);
        for (int p = 0; p < r->placements; p++)
            if (r->placement[p] == (enum placement)placement)
                argp_error(state, "--placement: '%s' stands there twice", part[i]);
        r->placement[r->placements++] = (enum placement)placement;
    }
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct words_of_request *w = state->input;

    switch (key) {
    case KEY_SWEEP:
        w->sweep = arg;
        break;
    case KEY_FROM:
        w->request->from = options_count(state, "from", arg);
        break;
    case KEY_TO:
        w->request->to = options_count(state, "to", arg);
        break;
    case KEY_PLACEMENT:
        cut_placements(state, arg, w->request);
        break;
    case ARGP_KEY_ARG:
        if (w->workload)
            argp_error(state, "one workload at a time: what is '%s'?", arg);
        w->workload = arg;
        break;
    case ARGP_KEY_END:
        if (!w->workload)
            argp_error(state, "name a workload, such as gemm; see `list sweeps`");
        break;
    default:
        return options_common(&w->request->options, key, arg, state) ? 0 : ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- names into things ------------------------------------------------------------------- */

static const struct workload *find_workload(const char *wish)
{
    const struct workload *found = workload_find(wish);
    const char *name[128];
    size_t names = 0;
    char near[160];

    if (found && found->role == ROLE_JUDGED)
        return found;
    if (found)
        exit(command_fail(EXIT_USAGE, "'%s' is an overhead: it is measured, never judged", wish));
    for (const struct workload *const *w = workloads; *w && names < 128; w++)
        if ((*w)->role == ROLE_JUDGED)
            name[names++] = (*w)->name;
    text_nearest(near, sizeof near, wish, name, names);
    exit(command_fail(EXIT_USAGE, "no workload '%s'%s; hint: offload-bench list sweeps",
                      wish, near));
}

static const struct sweep *find_sweep(const struct workload *w, const char *wish)
{
    const struct sweep *found = wish ? workload_sweep(w, wish) : w->sweeps;
    const char *name[128];
    size_t names = 0;
    char near[160];

    if (found && found->name)
        return found;
    for (const struct sweep *s = w->sweeps; s && s->name && names < 128; s++)
        name[names++] = s->name;
    text_nearest(near, sizeof near, wish ? wish : "", name, names);
    exit(command_fail(EXIT_USAGE, "%s has no sweep '%s'%s; hint: offload-bench list sweeps",
                      w->name, wish ? wish : "", near));
}

static void default_dtype(struct sweep_request *r)
{
    for (int d = 0; d < DTYPES && !r->options.dtypes; d++)
        if (r->workload->dtypes >> d & 1)
            r->options.dtype[r->options.dtypes++] = (enum dtype)d;
}

static bool is_small(const struct sweep_request *r, int64_t size)
{
    struct problem p = {r->options.dtype[0], sweep_shape(r->sweep, size)};
    struct cost cost = r->workload->cost(&p);

    return cost.flops <= most_flops && cost.bytes_read + cost.bytes_written <= most_bytes;
}

static void default_range(struct sweep_request *r)
{
    struct problem p = {r->options.dtype[0], {{0}}};

    if (!r->from)
        for (r->from = 1; r->from < 4096; r->from *= 2) {
            p.shape = sweep_shape(r->sweep, r->from);
            if (workload_problem_check(r->workload, &p, NULL) == 0)
                break;
        }
    if (!r->to)
        for (r->to = r->from; is_small(r, 2 * r->to) && r->to < 1 << 26;)
            r->to *= 2;
}

static void check_dtypes(const struct sweep_request *r)
{
    struct why why;

    for (int d = 0; d < r->options.dtypes; d++)
        if (workload_dtype_check(r->workload, r->options.dtype[d], &why))
            exit(command_fail(EXIT_USAGE, "%s", why.text));
}

static void check_range(const struct sweep_request *r)
{
    struct why why = {{0}};

    if (r->from >= r->to)
        exit(command_fail(EXIT_USAGE, "--from %lld is not below --to %lld", (long long)r->from,
                          (long long)r->to));
    for (int d = 0; d < r->options.dtypes; d++)
        for (int end = 0; end < 2; end++) {
            struct problem p = {r->options.dtype[d],
                                sweep_shape(r->sweep, end ? r->to : r->from)};

            if (workload_problem_check(r->workload, &p, &why) != 0)
                exit(command_fail(EXIT_USAGE, "%s", why.text));
        }
}

void sweep_parse(struct sweep_request *r, int argc, char **argv)
{
    static char name[] = "offload-bench sweep";
    static const struct argp argp = {
        .options = table, .parser = parse_option, .args_doc = "WORKLOAD",
        .children = options_children,
        .doc = "Find the sizes at which the winner changes between the CPU and each GPU, as "
               "intervals with their confidence. Time is spent where the answer is in doubt."};
    struct words_of_request words = {.request = r};

    *r = (struct sweep_request){.options = {.out = "offload-report", .seed = 1}};
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = name;
    options_check(argc, argv, table, "sweep");
    argp_parse(&argp, argc, argv, 0, NULL, &words);
    r->workload = find_workload(words.workload);
    r->sweep = find_sweep(r->workload, words.sweep);
    if (!r->options.dtypes)
        default_dtype(r);
    if (!(r->options.budget_s > 0))
        r->options.budget_s = default_budget_s;
    for (int p = PLACEMENT_RESIDENT; p <= PLACEMENT_EVERY && r->placements <= p; p++)
        r->placement[r->placements++] = (enum placement)p;
    check_dtypes(r);
    default_range(r);
    check_range(r);
}
