/* SPDX-License-Identifier: MIT */
/* A placement is a way to make one call, written once: with a timeline it waits after every
 * part and books it, without one it waits at its end only. */
#include "harness/placement.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "harness/overlap.h"
#include "report/stats.h"

/* Rounds at most; at least, where they are short. */
enum { ROUNDS_MOST = 40, ROUNDS_LEAST = 5 };
static const double patience_s = 0.2;
/* A call is long when it takes so long, and the budget. */
static const double long_s = 0.1;
/* Whole calls and calls in parts that agree so well need no further rounds. */
static const double tolerable = 0.05;

struct placement_limits placement_defaults(double budget_s)
{
    return (struct placement_limits){.budget_s = budget_s, .rounds = 9, .calls = 100};
}

bool placement_suits(enum placement placement, enum memory memory)
{
    switch (placement) {
    case PLACEMENT_RESIDENT:
    case PLACEMENT_ONCE:
    case PLACEMENT_GRAPH: return memory == MEMORY_PAGEABLE;
    case PLACEMENT_EVERY:
    case PLACEMENT_OVERLAPPED: return memory == MEMORY_PAGEABLE || memory == MEMORY_PINNED;
    case PLACEMENT_MANAGED: return memory == MEMORY_MANAGED;
    case PLACEMENT_MAPPED: return memory == MEMORY_MAPPED;
    default: return false;
    }
}

/* A placement being measured. */
struct placed {
    struct trial *trial;
    enum placement placement;
    int64_t calls;              /* that share an upload or a recording */
    double first_ns;            /* what the checked call took */
    struct overlap *overlap;
    struct recording *recording;
};

/* ---- parts of a call --------------------------------------------------------------------- */

static int finish_row(struct trial *t, struct timeline *line, enum ledger row, struct why *why)
{
    int status = line ? t->device->ops->sync(t->device, why) : 0;

    if (line && !status)
        timeline_end(line, row);
    return status;
}

static int send(struct placed *p, unsigned traits, struct timeline *line, struct why *why)
{
    int status;

    if (line)
        timeline_begin(line);
    status = trial_send(p->trial, traits, why);
    return status ? status : finish_row(p->trial, line, LEDGER_UPLOAD, why);
}

static int receive(struct placed *p, struct timeline *line, struct why *why)
{
    int status;

    if (line)
        timeline_begin(line);
    status = trial_receive(p->trial, why);
    return status ? status : finish_row(p->trial, line, LEDGER_DOWNLOAD, why);
}

static int enqueue(struct placed *p, struct why *why)
{
    struct device *device = p->trial->device;

    return p->recording ? device->ops->recording->replay(device, p->recording, why)
           : p->overlap ? overlap_run(p->overlap, why)
                        : trial_run(p->trial, why);
}

/* The kernels, between two marks of the device when rows are wanted. */
static int compute(struct placed *p, struct timeline *line, struct why *why)
{
    struct device *device = p->trial->device;
    const struct device_ops *ops = device->ops;
    struct mark from = {NULL}, to = {NULL};
    int64_t start = clock_ns(), enqueued, end;
    bool is_marked = line && !p->overlap; /* one lane's clock says nothing of the others */
    int status = is_marked ? ops->mark(device, &from, why) : 0;

    if (!status)
        status = enqueue(p, why);
    if (!status && is_marked)
        status = ops->mark(device, &to, why);
    enqueued = clock_ns();
    if (!line || status)
        return status;
    status = ops->sync(device, why);
    end = clock_ns();
    if (is_marked) {
        timeline_call(line, (double)(enqueued - start), (double)(end - enqueued),
                      ops->elapsed_ns(device, &from, &to));
    } else {
        timeline_add(line, LEDGER_LAUNCH, (double)(enqueued - start));
        timeline_add(line, LEDGER_SYNC, (double)(end - enqueued));
    }
    return status;
}

/* One call; for `once` all that share an upload, for `graph` all of the recording. */
static int call(struct placed *p, struct timeline *line, struct why *why)
{
    struct trial *t = p->trial;
    bool moves = p->placement != PLACEMENT_RESIDENT && p->placement != PLACEMENT_GRAPH &&
                 p->placement != PLACEMENT_OVERLAPPED;
    bool shares = p->placement == PLACEMENT_ONCE;
    int64_t times = p->recording ? 1 : p->calls;
    int status = shares ? send(p, 1u << ARG_STATIONARY, line, why) : 0;

    for (int64_t i = 0; i < times && !status; i++) {
        if (moves)
            status = send(p, shares ? 1u << ARG_ACTIVATION : TRAITS_ALL, line, why);
        if (!status)
            status = compute(p, line, why);
        if (moves && !status)
            status = receive(p, line, why);
    }
    return status || line ? status : t->device->ops->sync(t->device, why);
}

/* ---- making ready ------------------------------------------------------------------------ */

/* A recording of all the calls, which one replay enqueues. */
static int record_calls(struct placed *p, struct why *why)
{
    struct trial *t = p->trial;
    const struct recording_ops *ops = t->device->ops->recording;
    int status, stopped;

    ops->free(t->device, p->recording);
    p->recording = NULL;
    status = ops->start(t->device, why);
    if (status)
        return status;
    t->next = 0;
    for (int64_t i = 0; i < p->calls && !status; i++)
        status = trial_run(t, why);
    stopped = ops->stop(t->device, &p->recording, status ? NULL : why);
    return status ? status : stopped;
}

/* `once` shares an upload only where something is stationary. */
static bool has_stationary(const struct trial *t)
{
    for (int i = 0; i < ARGS; i++)
        if (t->arg[0][i].bytes && t->bench->workload->args[i].trait == ARG_STATIONARY)
            return true;
    return false;
}

static int ready(struct placed *p, struct why *why)
{
    struct trial *t = p->trial;

    if (!placement_suits(p->placement, t->memory))
        return why_fail(why, STATUS_UNAVAILABLE, "placement %s is not for %s memory",
                        placement_name(p->placement), memory_name(t->memory));
    if (p->placement == PLACEMENT_ONCE && !has_stationary(t))
        return why_fail(why, STATUS_UNAVAILABLE, "no argument stays the same between calls");
    if (p->placement == PLACEMENT_OVERLAPPED)
        return overlap_open(&p->overlap, t, why);
    if (p->placement == PLACEMENT_GRAPH && !t->device->ops->recording)
        return why_fail(why, STATUS_UNAVAILABLE, "%s cannot record a sequence of launches",
                        t->device->row.id.text);
    return p->placement == PLACEMENT_GRAPH ? record_calls(p, why) : 0;
}

static void release(struct placed *p)
{
    struct device *device = p->trial->device;

    overlap_close(p->overlap);
    if (p->recording)
        device->ops->recording->free(device, p->recording);
}

/* ---- measuring --------------------------------------------------------------------------- */

/* One call on restored inputs and poisoned outputs; what it left is compared. Where the call
 * itself fetches nothing, this does. */
static int check(struct placed *p, struct record *r, struct why *why)
{
    struct trial *t = p->trial;
    int status = trial_restore(t, why);
    int64_t start = clock_ns();

    t->next = 0;
    if (!status)
        status = call(p, NULL, why);
    p->first_ns = (double)(clock_ns() - start);
    if (!status && (p->placement == PLACEMENT_RESIDENT || p->placement == PLACEMENT_GRAPH))
        status = trial_download(t, why);
    if (status)
        return status;
    trial_collect(t);
    r->error = trial_error(t, why);
    return 0;
}

static bool is_long(const struct placed *p, const struct placement_limits *limits)
{
    return p->first_ns * 1e-9 > fmax(limits->budget_s, long_s);
}

static int by_wall(const void *a, const void *b)
{
    const struct timeline *x = a, *y = b;

    return (x->wall_ns > y->wall_ns) - (x->wall_ns < y->wall_ns);
}

/* `whole_ns`: the whole call, where it was made before; else 0. */
static int measure_round(struct placed *p, double whole_ns, struct timeline *line,
                         struct record *r, struct why *why)
{
    int64_t start = clock_ns();
    int status = whole_ns > 0 ? 0 : call(p, NULL, why);

    if (status)
        return status;
    series_push(&r->wall_ns,
                (whole_ns > 0 ? whole_ns : (double)(clock_ns() - start)) / (double)p->calls);
    timeline_start(line);
    status = call(p, line, why);
    timeline_stop(line);
    return status;
}

/* How long the upload takes that `once` shares. */
static int measure_shared(struct placed *p, struct record *r, struct why *why)
{
    enum { TIMES = 5 };
    double ns[TIMES];

    for (int i = 0; i < TIMES; i++) {
        struct timeline line;
        int status;

        timeline_start(&line);
        status = send(p, 1u << ARG_STATIONARY, &line, why);
        if (status)
            return status;
        ns[i] = line.row_ns[LEDGER_UPLOAD];
    }
    r->shared_ns = stats_median(ns, TIMES);
    return 0;
}

/* The middle one of the calls in parts, into the record; gives how far calls in parts and whole
 * calls are apart. */
static double settle(struct placed *p, struct timeline *line, int rounds, struct record *r)
{
    const struct timeline *middle = &line[(rounds - 1) / 2];
    double wall[ROUNDS_MOST], whole_ns;

    qsort(line, (size_t)rounds, sizeof *line, by_wall);
    for (int i = 0; i < rounds; i++)
        wall[i] = r->wall_ns.value[i];
    whole_ns = stats_median(wall, (size_t)rounds);
    r->parts_ns = middle->wall_ns / (double)p->calls;
    for (int i = 0; i < LEDGERS; i++)
        r->ledger_ns[i] = middle->row_ns[i] / (double)p->calls;
    return fabs(whole_ns - r->parts_ns) / whole_ns;
}

/* Rounds until there are enough or time is up. When whole calls and their parts then disagree,
 * other work disturbed one of them: some more, while that takes no time to speak of. */
static int measure(struct placed *p, const struct placement_limits *limits, struct record *r,
                   struct why *why)
{
    struct timeline line[ROUNDS_MOST];
    int64_t start = clock_ns();
    double spent_s = 0, off = INFINITY;
    bool is_known = is_long(p, limits) && p->calls == 1;
    int status = 0;

    if (is_long(p, limits))
        snprintf(r->stop.text, sizeof r->stop.text, "budget");
    for (int n = 0; !status && n < ROUNDS_MOST; n++) {
        bool is_short = spent_s < patience_s && limits->rounds > 1;

        if (n >= limits->rounds ? off <= tolerable || !is_short
                                : n > 0 && spent_s > limits->budget_s &&
                                      !(is_short && n < ROUNDS_LEAST))
            break;
        status = measure_round(p, is_known && n == 0 ? p->first_ns : 0, &line[n], r, why);
        if (!status)
            off = settle(p, line, n + 1, r);
        spent_s = (double)(clock_ns() - start) * 1e-9;
    }
    return status;
}

/* As many calls as a fifth of the budget holds, where calls share something. */
static int share(struct placed *p, const struct placement_limits *limits, struct record *r,
                 struct why *why)
{
    bool shares = p->placement == PLACEMENT_ONCE;
    int64_t start = clock_ns();
    int status = 0;
    double call_s;

    if (!shares && p->placement != PLACEMENT_GRAPH)
        return 0;
    if (!is_long(p, limits))
        status = call(p, NULL, why);
    call_s = is_long(p, limits) ? p->first_ns * 1e-9
                                : fmax((double)(clock_ns() - start) * 1e-9, 1e-7);
    p->calls = (int64_t)fmin(fmax(0.2 * limits->budget_s / call_s, 2), (double)limits->calls);
    if (status)
        return status;
    return shares ? measure_shared(p, r, why) : record_calls(p, why);
}

/* Kernels' calls that the least measurement takes, each chunk counted as a call: one that is
 * checked, and one in parts; two of each where calls share something. */
static int least_calls(enum placement placement)
{
    return placement == PLACEMENT_OVERLAPPED                                    ? 16
           : placement == PLACEMENT_ONCE || placement == PLACEMENT_GRAPH ? 5
                                                                                : 2;
}

/* Where it would end too late, *why says so. */
static bool is_in_time(enum placement placement, const struct placement_limits *limits,
                       struct why *why)
{
    int calls = least_calls(placement);
    double need_s = calls * limits->call_ns * 1e-9;

    if (limits->call_ns * 1e-9 <= long_s ||
        (double)clock_ns() + need_s * 1e9 <= (double)limits->until_ns)
        return true;
    why_fail(why, STATUS_OK, "left out: a call takes %.2g s, this would take about %d, and the "
             "time for placements is spent; hint: raise --budget", limits->call_ns * 1e-9, calls);
    return false;
}

bool placement_measure(struct trial *t, enum placement placement,
                       const struct placement_limits *limits, struct record *r, struct why *why)
{
    struct placed p = {.trial = t, .placement = placement, .calls = 1};
    int status = ready(&p, why);
    bool is_late = !status && !is_in_time(placement, limits, why);

    if (!status && !is_late)
        status = check(&p, r, why);
    if (status == STATUS_UNAVAILABLE) { /* also what shows itself only when it is tried */
        release(&p);
        return false;
    }
    r->placement = placement;
    r->memory = t->memory;
    if (is_late) {
        r->outcome = OUTCOME_SKIPPED;
        r->why = *why;
        release(&p);
        return true;
    }
    if (!status && r->error <= 1)
        status = share(&p, limits, r, why);
    if (!status && r->error <= 1)
        status = measure(&p, limits, r, why);
    r->calls = p.calls;
    r->chunks = p.overlap ? overlap_chunks(p.overlap) : 0;
    r->outcome = status == STATUS_MEMORY ? OUTCOME_SKIPPED
                 : status                ? OUTCOME_FAILED
                 : r->error <= 1         ? OUTCOME_OK
                                         : OUTCOME_WRONG;
    if (r->outcome != OUTCOME_OK)
        r->why = *why;
    release(&p);
    return true;
}

/* ---- all of them ------------------------------------------------------------------------- */

static void each_from(struct trial *t, const struct placement_limits *limits,
                      const struct placement_reader *reader)
{
    for (int p = 0; p < PLACEMENTS; p++) {
        struct why why = {{0}};
        struct record r;

        if (!placement_suits((enum placement)p, t->memory))
            continue;
        reader->describe(reader->to, &r);
        r.kind = RECORD_PLACEMENT;
        if (placement_measure(t, (enum placement)p, limits, &r, &why))
            reader->emit(reader->to, &r);
        record_release(&r);
    }
}

/* A trial from another kind of memory. That the device lacks it is no news; that it has too
 * little of it is. */
static void each_from_memory(const struct trial *t, enum memory memory,
                             const struct placement_limits *limits,
                             const struct placement_reader *reader)
{
    struct why why = {{0}};
    struct trial other;
    struct record r;
    int status = trial_open_in(&other, t->bench, t->device, t->variant, t->threads, memory, &why);

    if (!status) {
        each_from(&other, limits, reader);
        trial_close(&other);
        return;
    }
    if (status == STATUS_UNAVAILABLE)
        return;
    reader->describe(reader->to, &r);
    r.kind = RECORD_PLACEMENT;
    r.placement = memory == MEMORY_MANAGED  ? PLACEMENT_MANAGED
                  : memory == MEMORY_MAPPED ? PLACEMENT_MAPPED
                                            : PLACEMENT_EVERY;
    r.memory = memory;
    r.outcome = status == STATUS_MEMORY ? OUTCOME_SKIPPED : OUTCOME_FAILED;
    r.why = why;
    reader->emit(reader->to, &r);
    record_release(&r);
}

void placement_each(struct trial *t, const struct placement_limits *limits,
                    const struct placement_reader *reader)
{
    static const enum memory other[] = {MEMORY_PINNED, MEMORY_MANAGED, MEMORY_MAPPED};

    each_from(t, limits, reader);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        each_from_memory(t, other[i], limits, reader);
}
