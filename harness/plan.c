/* SPDX-License-Identifier: MIT */
#include "harness/plan.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "harness/trial.h"

int plan_open_host(const struct plan *plan, struct device *host, struct why *why)
{
    int status = device_open(host, "cpu", why);

    for (int i = 0; i < plan->devices && !status; i++)
        if (plan->device[i].kind == DEVICE_CUDA) {
            host->row.node = plan->device[i].node;
            break;
        }
    return status;
}

int plan_cores(const cpu_set_t *cpus)
{
    enum { CORES = 1024 };
    long seen[CORES];
    int cores = 0;

    for (int cpu = 0; cpu < CPU_SETSIZE && cores < CORES; cpu++) {
        char path[120];
        FILE *file;
        long core = cpu;
        bool is_new = true;

        if (!CPU_ISSET(cpu, cpus))
            continue;
        /* the first sibling stands for the core; no such file: every CPU is one */
        snprintf(path, sizeof path,
                 "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
        file = fopen(path, "r");
        if (file && fscanf(file, "%ld", &core) != 1)
            core = cpu;
        if (file)
            fclose(file);
        for (int i = 0; i < cores && is_new; i++)
            is_new = seen[i] != core;
        if (is_new)
            seen[cores++] = core;
    }
    return cores > 0 ? cores : 1;
}

int plan_threads(void)
{
    cpu_set_t allowed;

    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? plan_cores(&allowed) : 1;
}

static int plan_add(struct plan *plan, struct group group, struct why *why)
{
    struct group *grown;

    for (int i = 0; i < plan->groups; i++) {
        struct group *g = &plan->group[i];

        if (g->workload == group.workload && g->cache == group.cache &&
            g->is_proof == group.is_proof &&
            g->problem.dtype == group.problem.dtype &&
            memcmp(&g->problem.shape, &group.problem.shape, sizeof group.problem.shape) == 0) {
            g->devices |= group.devices;
            return 0;
        }
    }
    grown = realloc(plan->group, ((size_t)plan->groups + 1) * sizeof *grown);
    if (!grown)
        return why_fail(why, STATUS_MEMORY, "cannot plan the run: out of memory");
    plan->group = grown;
    plan->group[plan->groups++] = group;
    return 0;
}

/* ---- devices ------------------------------------------------------------------------- */

static bool is_selected(const char *selection, const struct device_row *row)
{
    size_t n = strlen(selection);

    return strcmp(selection, "all") == 0 || strcmp(selection, row->id.text) == 0 ||
           (strcmp(selection, "gpu") == 0 && row->is_gpu &&
            row->evidence == EVIDENCE_MEASURED) ||
           (strncmp(selection, row->id.text, n) == 0 && row->id.text[n] == ':');
}

/* "cpu", or a kind of GPU and perhaps ":N". */
static bool is_device_name(const char *selection, int kind)
{
    const char *number = strchr(selection, ':');

    return !number || (kind != DEVICE_CPU && number[1] &&
                       strspn(number + 1, "0123456789") == strlen(number + 1));
}

static int no_device(const char *selection, struct plan *plan, struct why *why)
{
    const char *name[SURVEY_DEVICES + 2] = {"gpu", "all"};
    int names = 2, kind;
    struct name stem = {""};
    char near[160];

    snprintf(stem.text, sizeof stem.text, "%.*s", (int)strcspn(selection, ":"), selection);
    kind = device_kind_parse(stem.text); /* cuda:1 is missing as cuda is */

    if (strcmp(selection, "gpu") == 0)
        return why_fail(why, STATUS_UNAVAILABLE, "no GPU was found; hint: offload-bench doctor");
    if (kind >= 0 && !is_device_name(selection, kind))
        return why_fail(why, STATUS_INVALID, "--device: '%s' is no device; hint: cpu, cuda[:N], "
                        "opencl[:N], gpu or all, N a number of `list devices`", selection);
    if (kind >= 0 && plan->missing[kind].text[0])
        return why_fail(why, STATUS_UNAVAILABLE, "device '%s': %s", selection,
                        plan->missing[kind].text);
    for (int i = 0; i < plan->devices; i++)
        name[names++] = plan->device[i].id.text;
    text_nearest(near, sizeof near, selection, name, (size_t)names);
    return why_fail(why, STATUS_INVALID,
                    "no device '%s' here%s; hint: offload-bench list devices", selection, near);
}

/* Which devices run the problems themselves, and which only prove the device code. */
static int choose_devices(struct plan *plan, const struct options *o,
                          unsigned *real, unsigned *proof, struct why *why)
{
    *real = *proof = 0;
    for (int i = 0; i < plan->devices && !o->devices; i++)
        *(plan->device[i].evidence == EVIDENCE_SOFTWARE ? proof : real) |= 1u << i;
    for (int s = 0; s < o->devices; s++) {
        unsigned chosen = 0;

        for (int i = 0; i < plan->devices; i++)
            if (is_selected(o->device[s], &plan->device[i]))
                chosen |= 1u << i;
        if (!chosen)
            return no_device(o->device[s], plan, why);
        *real |= chosen;
    }
    return 0;
}

/* ---- GPUs to project ------------------------------------------------------------------ */

static bool has_gpu(const struct plan *plan, const struct gpu *gpu)
{
    for (int p = 0; p < plan->gpus; p++)
        if (plan->gpu[p] == gpu)
            return true;
    return false;
}

static void add_every_gpu(struct plan *plan)
{
    for (int i = 0; i < gpu_count() && plan->gpus < PLAN_GPUS; i++)
        if (!has_gpu(plan, gpu_at(i)))
            plan->gpu[plan->gpus++] = gpu_at(i);
}

static int add_gpu(struct plan *plan, const char *name, struct why *why)
{
    struct gpu_list list = {.n = 0};
    int status = 0;

    if (strcmp(name, "all") == 0)
        add_every_gpu(plan);
    else
        status = gpu_named(name, &list, why);
    for (int i = 0; i < list.n && !status; i++) {
        bool is_there = has_gpu(plan, list.gpu[i]);

        if (is_there && list.gpu[i]->file.text[0]) /* what was chosen before it is replaced */
            status = why_fail(why, STATUS_INVALID, "--gpu names '%s' twice; hint: an 'id' of its "
                              "own for each entry", list.gpu[i]->id.text);
        else if (!is_there && plan->gpus == PLAN_GPUS)
            status = why_fail(why, STATUS_INVALID, "--gpu names more than %d GPUs", PLAN_GPUS);
        else if (!is_there)
            plan->gpu[plan->gpus++] = list.gpu[i];
    }
    return status;
}

/* Without a wish: one of each kind that people consider (a training GPU, an inference card,
 * a desktop card), unless a real GPU is being measured. */
static int choose_gpus(struct plan *plan, const struct options *o, unsigned real,
                       struct why *why)
{
    static const char *const usual[] = {"h100-sxm", "l4", "rtx-4090"};
    bool is_measured = false;

    if (o->gpus == 1 && strcmp(o->gpu[0], "none") == 0)
        return 0;
    for (int i = 0; i < o->gpus; i++) {
        int status = strcmp(o->gpu[i], "none") == 0
                         ? why_fail(why, STATUS_INVALID,
                                    "--gpu: 'none' stands alone, no other name beside it")
                         : add_gpu(plan, o->gpu[i], why);

        if (status)
            return status;
    }
    for (int i = 0; i < plan->devices; i++)
        is_measured |= real >> i & 1 && plan->device[i].is_gpu;
    for (size_t i = 0; i < sizeof usual / sizeof *usual && !o->gpus && !is_measured; i++)
        add_gpu(plan, usual[i], NULL);
    return 0;
}

/* ---- groups ---------------------------------------------------------------------------- */

static int add_row(struct plan *plan, const struct suite_row *row, unsigned real,
                   struct why *why)
{
    const struct workload *w = workload_find(row->workload.text);
    struct group group = {.workload = w, .problem.dtype = row->dtype, .cache = row->cache,
                          .devices = real};
    int status;

    if (!w)
        return why_fail(why, STATUS_INVALID, "a suite names workload '%s', which does not exist",
                        row->workload.text);
    workload_shape_init(w, &group.problem.shape);
    for (int i = 0; i < row->axes; i++) {
        status = workload_shape_set(w, &group.problem.shape, row->axis[i].text,
                                    row->value[i].text, why);
        if (status)
            return status;
    }
    status = workload_problem_check(w, &group.problem, why);
    return status ? status : plan_add(plan, group, why);
}

/* Every judged workload that has no group yet, in the first dtype that the options allow, at the
 * last of its smoke shapes. */
static int add_others(struct plan *plan, const struct options *o, unsigned real, struct why *why)
{
    unsigned allowed = o->dtypes ? 0 : ~0u;
    int status = 0;

    for (int i = 0; i < o->dtypes; i++)
        allowed |= 1u << o->dtype[i];
    for (int w = 0; workloads[w] && !status; w++) {
        struct group group = {.workload = workloads[w], .devices = real};
        bool is_wanted = workloads[w]->role == ROLE_JUDGED;

        for (int i = 0; i < plan->groups; i++)
            is_wanted = is_wanted && plan->group[i].workload != workloads[w];
        group.problem.shape = workloads[w]->smoke[workloads[w]->smokes - 1];
        for (int d = 0; d < DTYPES && is_wanted && !status; d++)
            if (workloads[w]->dtypes & allowed & 1u << d) {
                group.problem.dtype = (enum dtype)d;
                status = plan_add(plan, group, why);
                is_wanted = false;
            }
    }
    return status;
}

bool plan_has_variant(const struct plan *plan, const struct group *g)
{
    for (int i = 0; i < plan->devices; i++)
        for (const struct variant *v = g->workload->variants + 1; v->name; v++)
            if (g->devices >> i & 1 && trial_runs_on(v, plan->device[i].kind) &&
                (!v->fits || v->fits(&g->problem)))
                return true;
    return false;
}

/* Device code is proved at the smoke shapes of every workload and dtype in the suite. */
static int add_proofs(struct plan *plan, unsigned proof, struct why *why)
{
    int groups = plan->groups, status = 0;

    for (int i = 0; i < groups && proof; i++) {
        const struct workload *w = plan->group[i].workload;
        struct group group = {.workload = w, .devices = proof, .is_proof = true,
                              .problem.dtype = plan->group[i].problem.dtype};

        for (int s = 0; s < w->smokes && !status; s++) {
            group.problem.shape = w->smoke[s];
            if (plan_has_variant(plan, &group))
                status = plan_add(plan, group, why);
        }
    }
    return status;
}

/* They need the CPU device. */
int plan_ceilings(struct plan *plan, unsigned real, unsigned dtypes, struct why *why)
{
    struct suite_row row = {.workload = {"peak"}, .axes = 1, .axis = {{"op"}}};
    const struct workload *peak = workload_find("peak");
    unsigned cpu = 0;
    int status = 0;

    for (int i = 0; i < plan->devices; i++)
        if (plan->device[i].kind == DEVICE_CPU)
            cpu |= real & 1u << i;
    for (int d = 0; d < DTYPES && !status && peak && cpu; d++) {
        row.dtype = (enum dtype)d;
        row.value[0] = (struct name){"fma"};
        if (dtypes & peak->dtypes & 1u << d)
            status = add_row(plan, &row, cpu, why);
        row.value[0] = (struct name){"read"};
        if (!status && d == DTYPE_F32)
            status = add_row(plan, &row, cpu, why);
    }
    return status;
}

/* Groups of one workload stand together, in the order in which workloads first appear. */
static void sort_groups(struct plan *plan)
{
    struct group *sorted = calloc((size_t)plan->groups + 1, sizeof *sorted);
    int n = 0;

    if (!sorted)
        return;
    for (int i = 0; i < plan->groups; i++) {
        const struct workload *w = plan->group[i].workload;
        bool is_done = false;

        for (int j = 0; j < i && !is_done; j++)
            is_done = plan->group[j].workload == w;
        for (int j = i; j < plan->groups && !is_done; j++)
            if (plan->group[j].workload == w)
                sorted[n++] = plan->group[j];
    }
    free(plan->group);
    plan->group = sorted;
}

/* What a model's options ask for must have a suite to go to. */
static int check_model_options(const struct plan *plan, const struct options *o, struct why *why)
{
    const char *option = o->model ? "model" : o->batches ? "batch" : "context";

    for (int s = 0; s < plan->suites; s++)
        if (plan->suite[s].chains)
            return 0;
    if (!o->model && !o->batches && !o->contexts)
        return 0;
    return why_fail(why, STATUS_INVALID,
                    "--%s is of the llm suite, '%s' takes no model; hint: --suite llm", option,
                    o->suite[0]);
}

/* Some row must have a type asked for: those that are of integers whatever is asked do not count. */
static int check_dtypes(const struct plan *plan, const struct options *o, struct why *why)
{
    for (int i = 0; i < o->dtypes; i++) {
        bool is_there = false;

        for (int g = 0; g < plan->groups && !is_there; g++)
            is_there = plan->group[g].problem.dtype == o->dtype[i] &&
                       plan->group[g].workload->role == ROLE_JUDGED;
        if (is_there)
            return 0;
    }
    return o->dtypes == 0
               ? 0
               : why_fail(why, STATUS_INVALID, "--dtype: no judged workload of suite '%s' has type "
                          "%s; hint: leave --dtype out, or see `offload-bench list workloads`",
                          o->suite[0], dtype_name(o->dtype[0]));
}

/* "suite 'llm': " before what is wrong with a row of it. */
static int fail_in(const struct suite *suite, int status, struct why *why)
{
    struct why inner = *why;

    return why_fail(why, status, "suite '%s': %s", suite->name.text, inner.text);
}

static int add_suites(struct plan *plan, const struct options *o, unsigned real,
                      struct why *why)
{
    struct suite_request request = {
        .model = o->model, .batch = o->batch, .context = o->context, .batches = o->batches,
        .contexts = o->contexts, .dtype = o->dtype, .dtypes = o->dtypes};

    plan->suite = calloc((size_t)o->suites, sizeof *plan->suite);
    if (!plan->suite)
        return why_fail(why, STATUS_MEMORY, "cannot plan the run: out of memory");
    for (int s = 0; s < o->suites; s++) {
        struct suite *suite = &plan->suite[s];
        int status = suite_load(suite, o->suite[s], &request, why);

        if (status)
            return status;
        plan->suites++;
        plan->budget_s += suite->budget_s;
        for (int r = 0; r < suite->rows; r++) {
            status = add_row(plan, &suite->row[r], real, why);
            if (status)
                return fail_in(suite, status, why);
        }
        if (suite->has_others && (status = add_others(plan, o, real, why)))
            return status;
    }
    if (o->budget_s > 0)
        plan->budget_s = o->budget_s;
    return check_model_options(plan, o, why) ? STATUS_INVALID : check_dtypes(plan, o, why);
}

int plan_begin(struct plan *plan, const struct options *o, const struct survey *survey,
               unsigned *real, unsigned *proof, struct why *why)
{
    int status;

    *plan = (struct plan){.threads = plan_threads(), .devices = survey->devices};
    numa_nodes_read("/", &plan->nodes);
    memcpy(plan->device, survey->device, sizeof plan->device);
    memcpy(plan->missing, survey->missing, sizeof plan->missing);
    status = choose_devices(plan, o, real, proof, why);
    return status ? status : choose_gpus(plan, o, *real, why);
}

int plan_make(struct plan *plan, const struct options *o, const struct survey *survey,
              struct why *why)
{
    unsigned real, proof, dtypes = 1u << DTYPE_F32;
    int status = plan_begin(plan, o, survey, &real, &proof, why);

    if (!status)
        status = add_suites(plan, o, real, why);
    if (!status)
        status = add_proofs(plan, proof, why);
    for (int i = 0; i < plan->groups; i++)
        dtypes |= 1u << plan->group[i].problem.dtype;
    if (!status)
        status = plan_ceilings(plan, real, dtypes, why);
    if (status) {
        plan_release(plan);
        return status;
    }
    sort_groups(plan);
    return 0;
}

void plan_release(struct plan *plan)
{
    for (int i = 0; i < plan->suites; i++)
        suite_release(&plan->suite[i]);
    free(plan->suite);
    free(plan->group);
    json_decref(plan->sweep);
    *plan = (struct plan){0};
}
