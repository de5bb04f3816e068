/* SPDX-License-Identifier: MIT */
#include "harness/group.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/trace.h"
#include "devices/numa.h"
#include "harness/laggard.h"
#include "harness/lineup.h"
#include "harness/observer.h"
#include "harness/placing.h"
#include "probes/nvml_library.h"
#include "report/stats.h"
#include "workloads/isa.h"
#include "workloads/peak/peak.h"
#include "workloads/portion.h"

/* A cold problem's stationary arguments exceed the last-level cache so many times over. */
enum { COLD_CACHES = 4, CELLS = 64 };
/* A call that takes so long is not repeated for counters, unless the budget is large. */
static const double long_s = 0.1;
/* Cache to assume where the system does not say. */
static const double cache_unknown_bytes = 64e6;

/* One variant on one device, with its record in the making. */
struct cell {
    struct trial trial;
    struct sample_set set;
    struct record record;
    bool is_ready; /* checked: may be sampled */
};

static double cache_bytes(const struct workshop *shop)
{
    return shop->host.row.cache_bytes ? (double)shop->host.row.cache_bytes : cache_unknown_bytes;
}

/* Is any device but the CPU measured, not only proved? */
static bool has_device_code(const struct plan *plan)
{
    for (int i = 0; i < plan->groups; i++)
        for (int d = 0; d < plan->devices; d++)
            if (!plan->group[i].is_proof && plan->group[i].devices >> d & 1 &&
                plan->device[d].kind != DEVICE_CPU)
                return true;
    return false;
}

int workshop_open(struct workshop *shop, struct why *why)
{
    int status;

    if (has_device_code(shop->plan)) /* first: its processes must be fresh */
        coldroom_open(&shop->coldroom, shop->plan, shop->seed, NULL);
    shop->nvml = nvml_library("/", NULL);
    shop->observer = observer_new(); /* before OpenMP makes threads: counters are inherited */
    status = plan_open_host(shop->plan, &shop->host, why);
    return status ? status
                  : shop->host.ops->alloc(&shop->host, &shop->dram, (size_t)(2 * cache_bytes(shop)),
                                          MEMORY_PAGEABLE, why);
}

void workshop_close(struct workshop *shop)
{
    for (int i = 0; i < SURVEY_DEVICES; i++)
        device_close(&shop->device[i]);
    shop->host.ops->free(&shop->host, &shop->dram);
    device_close(&shop->host);
    observer_free(shop->observer);
    coldroom_close(shop->coldroom);
}

/* ---- describing ------------------------------------------------------------------------ */

json_t *group_shape(const struct group *g)
{
    json_t *shape = json_object();

    for (int i = 0; shape && i < workload_axes(g->workload); i++) {
        const struct axis *axis = &g->workload->axis[i];
        int64_t n = g->problem.shape.n[i];

        if (n != axis->fallback)
            json_object_set_new(shape, axis->name,
                                axis->value ? json_string(axis->value[n]) : json_integer(n));
    }
    return shape;
}

static void describe_bytes(struct record *r, const struct group *g)
{
    const struct workload *w = g->workload;
    struct cost cost = w->cost(&g->problem);

    r->flops = cost.flops;
    r->bytes_read = cost.bytes_read;
    r->bytes_written = cost.bytes_written;
    r->upload_bytes = r->stationary_bytes = r->download_bytes = 0;
    for (int i = 0; i < workload_args(w); i++) {
        double bytes = (double)workload_arg_bytes(w, &g->problem, i);

        if (w->args[i].flow & FLOW_IN)
            r->upload_bytes += bytes;
        if (w->args[i].flow & FLOW_IN && w->args[i].trait == ARG_STATIONARY)
            r->stationary_bytes += bytes;
        if (w->args[i].flow & FLOW_OUT)
            r->download_bytes += bytes;
    }
}

static void describe_portions(struct record *r, const struct group *g)
{
    struct portions s = portions_of(g->workload, &g->problem);

    snprintf(r->split_axis.text, sizeof r->split_axis.text, "%s", s.axis ? s.axis : "");
    r->split_length = s.length;
    r->whole_bytes = s.whole_bytes;
    r->whole_upload_bytes = s.whole_upload_bytes;
    r->whole_stationary_bytes = s.whole_stationary_bytes;
}

#define SAY(field, text_) snprintf((field).text, sizeof (field).text, "%s", (text_) ? (text_) : "")

void group_describe(struct record *r, const struct group *g, const struct device_row *row,
                    const struct variant *v)
{
    record_init(r);
    SAY(r->workload, g->workload->name);
    r->shape = group_shape(g);
    workload_shape_text(g->workload, &g->problem.shape, r->shape_text.text,
                        sizeof r->shape_text.text);
    SAY(r->sweep, g->sweep ? g->sweep->name : "");
    r->size = g->size;
    r->dtype = g->problem.dtype;
    r->roundoff = dtype_roundoff(r->dtype);
    r->cache = g->cache;
    r->judged = g->workload->role == ROLE_JUDGED && !g->is_proof;
    r->proof = g->is_proof;
    r->memory = g->workload->host_memory ? g->workload->host_memory(&g->problem)
                                         : MEMORY_PAGEABLE;
    describe_bytes(r, g);
    describe_portions(r, g);
    if (row) {
        r->device_kind = row->kind;
        SAY(r->device, row->id.text);
        SAY(r->device_model, row->model);
        r->evidence = row->evidence;
    }
    if (v) {
        SAY(r->variant, v->name);
        SAY(r->provider, v->provider);
        SAY(r->note, v->note);
        r->judged = r->judged && v->roundoff == 0;
        r->roundoff = fmax(r->roundoff, v->roundoff);
    }
}

static void refuse(struct record *r, enum outcome outcome, const char *why)
{
    r->outcome = outcome;
    SAY(r->why, why);
}

/* ---- running --------------------------------------------------------------------------- */

static double available_bytes(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[160];
    long kib = -1;

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %ld kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib >= 0 ? (double)kib * 1024 : INFINITY;
}

/* One record for the whole group, when not even the bench can be made. */
static void give_up(struct workshop *shop, const struct group *g, enum outcome outcome,
                    const char *why)
{
    struct record r;

    group_describe(&r, g, &shop->host.row, NULL);
    refuse(&r, outcome, why);
    shop->emit(shop->to, &r);
    record_release(&r);
}

/* Of the devices that run the group: what is cold must be cold on all of them. */
static double largest_cache_bytes(const struct workshop *shop, const struct group *g)
{
    double bytes = cache_bytes(shop);

    for (int i = 0; i < shop->plan->devices; i++)
        if (g->devices >> i & 1)
            bytes = fmax(bytes, (double)shop->plan->device[i].cache_bytes);
    return bytes;
}

static int open_bench(struct workshop *shop, const struct group *g, struct bench *bench)
{
    double cold = g->cache == CACHE_COLD ? COLD_CACHES * largest_cache_bytes(shop, g) : 0;
    double need = bench_bytes(g->workload, &g->problem) + 2 * cold;
    struct why why = {{0}};
    int status;

    if (need > 0.9 * available_bytes()) {
        why_fail(&why, STATUS_MEMORY, "needs about %.1f GiB of memory, %.1f GiB are available",
                 need / 0x1p30, available_bytes() / 0x1p30);
        give_up(shop, g, OUTCOME_SKIPPED, why.text);
        return STATUS_MEMORY;
    }
    status = bench_open(bench, g->workload, &g->problem, &shop->host, (uint64_t)cold, shop->seed,
                        &why);
    if (status)
        give_up(shop, g, status == STATUS_MEMORY ? OUTCOME_SKIPPED : OUTCOME_FAILED, why.text);
    return status;
}

/* Make ready and check; the record gets the outcome. */
static void ready(struct workshop *shop, struct cell *c, struct bench *bench,
                  struct device *device, const struct variant *v)
{
    struct why why = {{0}};
    int status = trial_open(&c->trial, bench, device, v, shop->plan->threads, &why);

    if (!status) {
        c->record.prepare_ns = c->trial.prepare_ns;
        status = trial_check(&c->trial, &c->record.error, &why);
        if (!status && !(c->record.error <= 1))
            refuse(&c->record, OUTCOME_WRONG, why.text);
    }
    if (status == STATUS_LOST)
        shop->lost(shop->to, why.text);
    if (status)
        refuse(&c->record,
               status == STATUS_UNAVAILABLE || status == STATUS_MEMORY ? OUTCOME_SKIPPED
                                                                       : OUTCOME_FAILED,
               why.text);
    c->is_ready = c->record.outcome == OUTCOME_OK;
}

static struct device *device_at(struct workshop *shop, int i, struct why *why)
{
    if (shop->plan->device[i].kind == DEVICE_CPU)
        return &shop->host;
    if (!shop->device[i].ops &&
        device_open(&shop->device[i], shop->plan->device[i].id.text, why) != 0)
        return NULL;
    return &shop->device[i];
}

static const struct buffer *largest_argument(const struct bench *bench)
{
    const struct buffer *largest = &bench->arg[0][0];

    for (int i = 1; i < ARGS; i++)
        if (bench->arg[0][i].bytes > largest->bytes)
            largest = &bench->arg[0][i];
    return largest;
}

/* From `start_ns` until now, on the line of phases. */
static void trace_cell(const char *phase, const struct record *r, int64_t start_ns)
{
    char name[320];

    snprintf(name, sizeof name, "%s: %s %s %s, %s %s", phase, r->workload.text,
             dtype_name(r->dtype), r->shape_text.text, r->device.text, r->variant.text);
    trace_span(TRACK_PHASE, phase, name, start_ns, clock_ns());
}

/* Why the sweep leaves the variant out; NULL: it does not. */
static const char *left_out(const struct group *g, enum device_kind kind, const char *variant)
{
    for (int i = 0; kind == DEVICE_CPU && i < g->laggards; i++)
        if (strcmp(g->laggard[i].variant.text, variant) == 0)
            return g->laggard[i].why.text;
    return NULL;
}

/* All variants of the group on device i; cells that do not apply leave no trace. */
static int open_cells(struct workshop *shop, const struct group *g, struct bench *bench, int i,
                      struct cell *cell, int most)
{
    const struct device_row *row = &shop->plan->device[i];
    const struct buffer *largest = largest_argument(bench);
    int node = numa_node_of(largest->data);
    struct why why = {{0}};
    int cells = 0;

    for (const struct variant *v = g->workload->variants + 1; v->name && cells < most; v++) {
        struct cell *c = &cell[cells];
        struct device *device;
        const char *death, *late;
        int64_t start_ns;

        if (!trial_runs_on(v, row->kind) || (v->fits && !v->fits(&g->problem)))
            continue;
        cells++;
        group_describe(&c->record, g, row, v);
        c->record.threads = row->kind == DEVICE_CPU ? shop->plan->threads : 0;
        c->record.seed = (int64_t)shop->seed;
        c->record.page_bytes = (int64_t)largest->page_bytes;
        c->record.memory_node = node >= 0 ? node : NAN;
        if (row->kind == DEVICE_CPU && !v->provider)
            SAY(c->record.isa, isa_name(isa_best()));
        death = shop->death(shop->to, row->id.text, v->name);
        if (death) {
            refuse(&c->record, OUTCOME_FAILED, death);
            continue;
        }
        late = left_out(g, row->kind, v->name);
        if (late) {
            refuse(&c->record, OUTCOME_SKIPPED, late);
            continue;
        }
        shop->at(shop->to, row->id.text, v->name);
        start_ns = clock_ns();
        device = device_at(shop, i, &why);
        if (device)
            ready(shop, c, bench, device, v);
        else
            refuse(&c->record, OUTCOME_FAILED, why.text);
        trace_cell("make ready and check", &c->record, start_ns);
    }
    return cells;
}

/* Uploads and downloads of a device cell, each three times. */
static void sample_transfers(struct cell *c)
{
    enum { TIMES = 3 };

    for (int i = 0; i < TIMES; i++) {
        int64_t start = clock_ns(), between;

        if (trial_upload(&c->trial, 1, NULL))
            return;
        between = clock_ns();
        if (trial_download(&c->trial, NULL))
            return;
        series_push(&c->record.upload_ns, (double)(between - start));
        series_push(&c->record.download_ns, (double)(clock_ns() - between));
    }
}

static double mean(const struct series *s)
{
    double sum = 0;

    for (size_t i = 0; i < s->n; i++)
        sum += s->value[i];
    return s->n ? sum / (double)s->n : NAN;
}

/* Rows of one call with everything sent and fetched; what opening cost stands beside it. */
static void fill_ledger(struct cell *c)
{
    double *row = c->record.ledger_ns, wall = mean(&c->record.wall_ns), wait;

    row[LEDGER_CONTEXT] = c->trial.device->open_ns;
    row[LEDGER_COMPILE] = c->trial.compile_ns;
    row[LEDGER_ALLOC] = c->trial.alloc_ns;
    row[LEDGER_UPLOAD] = mean(&c->record.upload_ns);
    row[LEDGER_LAUNCH] = mean(&c->set.launch_ns);
    row[LEDGER_KERNEL] = mean(&c->record.kernel_ns);
    wait = wall - row[LEDGER_LAUNCH] - row[LEDGER_KERNEL];
    row[LEDGER_SYNC] = wait < 0 ? 0 : wait; /* NAN, not 0, without a device clock */
    row[LEDGER_DOWNLOAD] = mean(&c->record.download_ns);
}

void group_take_samples(struct record *r, struct sample_set *set)
{
    r->calls = set->calls;
    SAY(r->stop, set->stop);
    r->wall_ns = set->wall_ns;
    r->kernel_ns = set->kernel_ns;
    r->position = set->position;
    r->contended = set->contended;
    r->throttled = set->throttled;
    set->wall_ns = set->kernel_ns = set->position = (struct series){0};
    set->contended = set->throttled = (struct series){0};
    if (set->status)
        refuse(r, OUTCOME_FAILED, set->why.text);
}

/* The memory's read rate within the same second: what a bandwidth-bound time is held against. */
static double dram_rate(struct workshop *shop)
{
    enum { TIMES = 3 };
    double rate[TIMES];

    for (int i = 0; i < TIMES; i++)
        rate[i] = peak_read_bytes_per_s(shop->dram.data, shop->dram.bytes, shop->plan->threads);
    return stats_median(rate, TIMES);
}

static bool is_throttled(const void *nvml)
{
    return nvml_is_throttled(nvml);
}

static void say_sample(void *shop, const struct trial *t)
{
    struct workshop *s = shop;

    s->at(s->to, t->device->row.id.text, t->variant->name);
}

/* Passes of their own, after the samples. A proof's times prove nothing, but that a GPU's
 * probes work is seen there too. */
static void observe_cell(struct workshop *shop, const struct group *g, struct cell *c,
                         double budget_s)
{
    enum device_kind kind = c->trial.device->kind;
    int64_t start_ns = clock_ns();
    double call_s = mean(&c->record.wall_ns) * 1e-9;
    struct why why;

    if (c->record.outcome != OUTCOME_OK || strcmp(c->record.stop.text, "hopeless") == 0)
        return;
    shop->at(shop->to, "", "looking at counters");
    if (kind == DEVICE_CUDA && call_s > fmax(long_s, 0.05 * budget_s)) {
        why_fail(&why, STATUS_OK, "not asked: a call takes %.2g s", call_s);
        observer_pass_over(shop->observer, &c->trial, &why, &c->record);
    } else if (kind == DEVICE_CUDA || (kind == DEVICE_CPU && !g->is_proof))
        observer_watch(shop->observer, &c->trial,
                       g->is_proof ? 0 : fmin(0.005, 0.05 * budget_s), &c->record);
    trace_cell("probes", &c->record, start_ns);
}

/* The trial's device is lost to this process; the parent is told whose fault it was. */
static void end_process(struct workshop *shop, const struct trial *t, const struct why *why)
{
    shop->at(shop->to, t->device->row.id.text, t->variant->name);
    shop->lost(shop->to, why->text);
}

static void sample_cells(struct workshop *shop, const struct group *g, struct cell *cell,
                         int cells, double budget_s)
{
    struct sampler_limits limits = sampler_defaults(0.7 * budget_s);
    struct trial *trial[CELLS];
    struct sample_set set[CELLS] = {{0}};
    struct why why = {{0}};
    int index[CELLS], n = 0, lost;
    double dram;

    for (int i = 0; i < cells; i++)
        if (cell[i].is_ready) {
            index[n] = i;
            trial[n++] = &cell[i].trial;
        }
    if (g->rounds) {
        limits.rounds_least = limits.rounds_most = g->rounds;
        limits.precision = 0;
        limits.budget_s = INFINITY;
    }
    limits.is_throttled = shop->nvml ? is_throttled : NULL;
    limits.to = shop->nvml;
    limits.begins = say_sample;
    limits.listener = shop;
    if (g->is_proof) { /* the times prove nothing: a few samples show that they exist */
        limits.rounds_least = limits.rounds_most = 3;
        limits.sample_ns = 0;
    }
    shop->at(shop->to, "", "sampling");
    sampler_run(trial, set, n, &limits, shop->seed + (uint64_t)g->problem.shape.n[0]);
    shop->at(shop->to, "", "reading what was sampled");
    lost = sampler_lost(set, n);
    if (lost >= 0)
        end_process(shop, trial[lost], &set[lost].why);
    dram = g->is_proof ? NAN : dram_rate(shop);
    for (int i = 0; i < n; i++) {
        struct cell *c = &cell[index[i]];

        c->set = set[i];
        group_take_samples(&c->record, &c->set);
        if (c->trial.device->kind == DEVICE_CPU)
            c->record.dram_bytes_per_s = dram;
        if (c->trial.device->kind != DEVICE_CPU && c->record.outcome == OUTCOME_OK) {
            sample_transfers(c);
            fill_ledger(c);
        }
        observe_cell(shop, g, c, budget_s);
        if (c->trial.device->ops->sync(c->trial.device, &why) == STATUS_LOST)
            end_process(shop, &c->trial, &why);
    }
}

/* What may win on its device is also run with its data placed in every way. */
static void place_cells(struct workshop *shop, const struct group *g, struct cell *cell,
                        int cells, double budget_s)
{
    struct candidate candidate[CELLS];
    int n = 0;

    for (int i = 0; i < cells; i++)
        if (cell[i].is_ready && cell[i].record.outcome == OUTCOME_OK &&
            cell[i].trial.device->kind != DEVICE_CPU)
            candidate[n++] = (struct candidate){&cell[i].trial, mean(&cell[i].record.wall_ns)};
    placing_run(shop, g, candidate, n, budget_s);
}

/* What may win on the CPU is also run on other threads and instruction sets. */
static void line_up_cells(struct workshop *shop, const struct group *g, struct bench *bench,
                          const struct cell *cell, int cells, double budget_s)
{
    struct lineup_member member[CELLS];
    int n = 0;

    for (int i = 0; i < cells; i++)
        if (cell[i].is_ready && cell[i].record.outcome == OUTCOME_OK &&
            cell[i].trial.device->kind == DEVICE_CPU)
            member[n++] = (struct lineup_member){cell[i].trial.variant,
                                                 mean(&cell[i].record.wall_ns),
                                                 cell[i].record.prepare_ns};
    if (n && g->workload->role == ROLE_JUDGED && !g->is_proof)
        lineup_run(shop, g, bench, member, n, budget_s);
}

double group_run(struct workshop *shop, const struct group *g, double budget_s)
{
    struct cell *cell = calloc(CELLS, sizeof *cell);
    struct bench bench;
    int64_t begin, start = 0, end = 0;
    int cells = 0;

    if (!cell) {
        give_up(shop, g, OUTCOME_FAILED, "out of memory");
        return 0;
    }
    if (!plan_has_variant(shop->plan, g)) {
        give_up(shop, g, OUTCOME_SKIPPED,
                "nothing but the plain reference computes this type here, and it does not compete");
        free(cell);
        return 0;
    }
    shop->at(shop->to, "", "making the inputs and expected results");
    begin = clock_ns();
    if (open_bench(shop, g, &bench) == 0) {
        trace_span(TRACK_PHASE, "inputs", "inputs and expected results", begin, clock_ns());
        for (int i = 0; i < shop->plan->devices; i++)
            if (g->devices >> i & 1)
                cells += open_cells(shop, g, &bench, i, cell + cells, CELLS - cells);
        start = clock_ns();
        sample_cells(shop, g, cell, cells, budget_s);
        place_cells(shop, g, cell, cells, budget_s);
        line_up_cells(shop, g, &bench, cell, cells, budget_s);
        end = clock_ns();
        trace_span(TRACK_PHASE, "group", g->workload->name, begin, end);
        for (int i = 0; i < cells; i++) {
            shop->emit(shop->to, &cell[i].record);
            record_release(&cell[i].record);
            sample_set_release(&cell[i].set);
            trial_close(&cell[i].trial);
        }
        bench_close(&bench);
    }
    free(cell);
    return (double)(end - start) * 1e-9;
}
