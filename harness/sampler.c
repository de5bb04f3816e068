/* SPDX-License-Identifier: MIT */
/* Interleaved rounds in random order: on a shared machine only what runs within the same
 * seconds can be compared. Before each sample there is a pause, in which the previous
 * library's idle threads stop spinning on our cores, and some untimed calls, which bring
 * threads and caches back. */
#include "harness/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/trace.h"
#include "report/stats.h"

/* Idle workers of OpenMP and of OpenBLAS spin for milliseconds after a call. */
static const long pause_ns = 4000000;
/* Others' data leaves the last-level cache in several passes: after 0.2 ms of calls a softmax of
 * 16 MB still ran 1.25 times as long as it settles at, after 0.6 ms no longer. */
static const double warm_ns = 1e6;
/* No long sample is free of switches: one in so long a time costs it next to nothing. */
static const double tolerance_ns = 20e6;
/* Below its least rounds, a set of trials is left only after so long. */
static const double patience_s = 3;
/* What a trial on a device may take in any case. */
static const double share_s = 0.3;
/* A contended sample is taken again so many times before it is kept as contended. */
enum { ATTEMPTS = 3 };
/* A trial slower than this is not warmed up again for each sample. */
static const double slow_ns = 20e6;
/* Scheduling quantum of Linux's fair scheduler at 250 Hz. */
static const double quantum_ns = 4e6;

struct sampler_limits sampler_defaults(double budget_s)
{
    return (struct sampler_limits){.budget_s = budget_s, .rounds_least = 5, .rounds_most = 60,
                                   .precision = 0.02, .sample_ns = 1e6, .hopeless = 3};
}

void sample_set_release(struct sample_set *set)
{
    series_release(&set->wall_ns);
    series_release(&set->kernel_ns);
    series_release(&set->launch_ns);
    series_release(&set->position);
    series_release(&set->contended);
    series_release(&set->throttled);
}

double sample_set_fastest_ns(const struct sample_set *set)
{
    double fastest = INFINITY;

    for (size_t i = 0; i < set->wall_ns.n; i++)
        fastest = fmin(fastest, set->wall_ns.value[i]);
    return fastest;
}

static long involuntary_switches(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_nivcsw : 0;
}

static int calls_and_wait(struct trial *t, int64_t calls, struct why *why)
{
    int status = 0;

    for (int64_t i = 0; i < calls && !status; i++)
        status = trial_run(t, why);
    return status ? status : t->device->ops->sync(t->device, why);
}

static bool is_contended(const struct sample_set *set, double sample_ns, long switches)
{
    double quanta = sample_ns / quantum_ns, whole = round(quanta);
    long tolerable = (long)(sample_ns / tolerance_ns);
    double fastest = sample_set_fastest_ns(set) * (double)set->calls;

    return switches > tolerable ||
           (whole >= 1 && fabs(quanta - whole) < 0.03 * whole && sample_ns > 2 * fastest);
}

/* What one sample gave. */
struct taken {
    double wall_ns, launch_ns, kernel_ns; /* of all its calls */
    bool is_contended, is_throttled;
};

/* The timed region: `calls` calls, on a device between two marks and until it is done. */
static int time_calls(struct trial *t, int64_t calls, struct taken *taken, struct why *why)
{
    const struct device_ops *ops = t->device->ops;
    bool is_device = t->device->kind != DEVICE_CPU;
    struct mark from = {NULL}, to = {NULL};
    int status = is_device ? ops->mark(t->device, &from, why) : 0;
    int64_t start = clock_ns(), enqueued = start, end;

    for (int64_t i = 0; i < calls && !status; i++)
        status = trial_run(t, why);
    if (is_device) {
        enqueued = clock_ns();
        if (!status)
            status = ops->mark(t->device, &to, why);
        if (!status)
            status = ops->sync(t->device, why);
    }
    end = clock_ns();
    taken->wall_ns = (double)(end - start);
    taken->launch_ns = (double)(enqueued - start);
    taken->kernel_ns =
        is_device && !status ? ops->elapsed_ns(t->device, &from, &to) : NAN;
    if (t->variant)
        trace_span(TRACK_SAMPLE, t->device->row.id.text, t->variant->name, start, end);
    return status;
}

double sampler_overhead_ns(struct device *host)
{
    enum { BATCHES = 1001 };
    struct trial nothing = {.device = host};
    double batch[BATCHES];
    struct taken taken;

    for (int i = 0; i < BATCHES; i++) {
        time_calls(&nothing, 0, &taken, NULL);
        batch[i] = taken.wall_ns;
    }
    return stats_median(batch, BATCHES);
}

static int warm_up(struct trial *t, const struct sample_set *set, struct why *why)
{
    struct timespec pause = {0, pause_ns};
    int64_t start;
    int status = 0;

    nanosleep(&pause, NULL);
    if (sample_set_fastest_ns(set) > slow_ns && set->wall_ns.n > 0)
        return 0;
    start = clock_ns();
    do
        status = calls_and_wait(t, 1, why);
    while (!status && (double)(clock_ns() - start) < warm_ns);
    return status;
}

static int take(struct trial *t, const struct sample_set *set,
                const struct sampler_limits *limits, struct taken *taken, struct why *why)
{
    long switches = involuntary_switches();
    int status = time_calls(t, set->calls, taken, why);

    switches = involuntary_switches() - switches; /* not those of asking for the throttle */
    taken->is_throttled = t->device->kind == DEVICE_CUDA && limits->is_throttled &&
                          limits->is_throttled(limits->to);
    taken->is_contended = taken->is_throttled || is_contended(set, taken->wall_ns, switches);
    return status;
}

static void keep(const struct trial *t, struct sample_set *set, const struct taken *taken,
                 int position)
{
    if (taken->is_contended)
        series_push(&set->contended, (double)set->wall_ns.n);
    if (taken->is_throttled)
        series_push(&set->throttled, (double)set->wall_ns.n);
    series_push(&set->wall_ns, taken->wall_ns / (double)set->calls);
    series_push(&set->position, position);
    if (t->device->kind != DEVICE_CPU) {
        series_push(&set->launch_ns, taken->launch_ns / (double)set->calls);
        series_push(&set->kernel_ns, taken->kernel_ns / (double)set->calls);
    }
}

static void begin(const struct trial *t, const struct sampler_limits *limits)
{
    if (limits->begins)
        limits->begins(limits->listener, t);
}

/* Would one more sample, after a pilot call and those there are, be too much for a device's
 * trial? */
static bool is_spent(const struct trial *t, const struct sample_set *set, double sample_ns,
                     const struct sampler_limits *limits)
{
    return t->device->kind != DEVICE_CPU &&
           sample_ns * (double)(set->wall_ns.n + 2) * 1e-9 > fmax(3 * limits->budget_s, share_s);
}

/* Fastest of two calls sets how many make a sample. */
static void pilot(struct trial *t, struct sample_set *set, const struct sampler_limits *limits,
                  int position)
{
    struct taken taken = {0};
    double fastest = INFINITY;

    set->calls = 1;
    begin(t, limits);
    for (int i = 0; i < 2 && !set->status; i++) {
        set->status = take(t, set, limits, &taken, &set->why);
        fastest = fmin(fastest, taken.wall_ns);
        if (fastest > slow_ns)
            break;
    }
    if (!set->status && is_spent(t, set, fastest, limits)) {
        keep(t, set, &taken, position);
        set->stop = "budget";
        return;
    }
    set->calls = (int64_t)fmin(fmax(ceil(limits->sample_ns / fmax(fastest, 1)), 1), 1e6);
}

/* One sample into the set; a contended one only when no attempt was quiet. */
static void sample(struct trial *t, struct sample_set *set,
                   const struct sampler_limits *limits, int position)
{
    struct taken taken = {.is_contended = true}, attempt;

    begin(t, limits);
    for (int i = 0; i < ATTEMPTS && taken.is_contended; i++) {
        set->status = warm_up(t, set, &set->why);
        if (!set->status)
            set->status = take(t, set, limits, &attempt, &set->why);
        if (set->status)
            return;
        if (i == 0 || !attempt.is_contended || attempt.wall_ns < taken.wall_ns)
            taken = attempt;
        if (taken.wall_ns > slow_ns * (double)set->calls)
            break; /* a long call is never alone on a busy machine */
    }
    keep(t, set, &taken, position);
    if (is_spent(t, set, sample_set_fastest_ns(set) * (double)set->calls, limits))
        set->stop = "budget";
}

/* Fisher-Yates. */
static void shuffle(int *order, int n, uint64_t *state)
{
    for (int i = n - 1; i > 0; i--) {
        int j = (int)random_below(state, (uint64_t)i + 1), keep = order[i];

        order[i] = order[j];
        order[j] = keep;
    }
}

/* Times without the contended rounds, or all of them when hardly any is left. */
static size_t quiet_times(const struct sample_set *set, double *out)
{
    size_t n = 0, c = 0;

    for (size_t i = 0; i < set->wall_ns.n; i++)
        if (c < set->contended.n && set->contended.value[c] == (double)i)
            c++;
        else
            out[n++] = set->wall_ns.value[i];
    if (n >= 3)
        return n;
    for (n = 0; n < set->wall_ns.n; n++)
        out[n] = set->wall_ns.value[n];
    return n;
}

static bool is_precise(const struct sample_set *set, double precision)
{
    double *time = calloc(set->wall_ns.n + 1, sizeof *time);
    struct estimate median;

    if (!time)
        return true;
    median = stats_median_interval(time, quiet_times(set, time), 0.95);
    free(time);
    return (median.high - median.low) / 2 <= precision * median.value;
}

/* Fastest CPU trial still in the race, as index; -1 when there is none. */
static int fastest_cpu(struct trial *const *trial, const struct sample_set *set, int trials)
{
    int best = -1;

    for (int i = 0; i < trials; i++)
        if (trial[i]->device->kind == DEVICE_CPU && !set[i].status &&
            (best < 0 || sample_set_fastest_ns(&set[i]) < sample_set_fastest_ns(&set[best])))
            best = i;
    return best;
}

/* After two rounds: CPU trials that cannot set the bar leave, the others are looked at. */
static bool all_precise(struct trial *const *trial, struct sample_set *set, int trials,
                        const struct sampler_limits *limits)
{
    int best = fastest_cpu(trial, set, trials);
    bool precise = true;

    for (int i = 0; i < trials; i++) {
        if (set[i].status || set[i].stop)
            continue;
        if (best >= 0 && trial[i]->device->kind == DEVICE_CPU && set[i].wall_ns.n >= 3 &&
            sample_set_fastest_ns(&set[i]) >
                limits->hopeless * sample_set_fastest_ns(&set[best]))
            set[i].stop = "hopeless";
        else if (set[i].wall_ns.n >= (size_t)limits->rounds_least)
            precise &= is_precise(&set[i], limits->precision);
        else
            precise = false;
    }
    return precise;
}

/* One round over `active` trials in random order, until a device is lost. */
static void run_round(struct trial *const *trial, struct sample_set *set, int trials,
                      const struct sampler_limits *limits, uint64_t *state)
{
    int order[256], n = 0;

    for (int i = 0; i < trials && n < 256; i++)
        if (!set[i].stop && !set[i].status)
            order[n++] = i;
    shuffle(order, n, state);
    for (int i = 0; i < n; i++) {
        sample(trial[order[i]], &set[order[i]], limits, i);
        if (set[order[i]].status == STATUS_LOST)
            return;
    }
}

int sampler_lost(const struct sample_set *set, int trials)
{
    for (int i = 0; i < trials; i++)
        if (set[i].status == STATUS_LOST)
            return i;
    return -1;
}

void sampler_run(struct trial *const *trial, struct sample_set *set, int trials,
                 const struct sampler_limits *limits, uint64_t seed)
{
    int64_t start = clock_ns();
    const char *stop = "rounds";
    uint64_t state = seed;

    for (int i = 0; i < trials && sampler_lost(set, i) < 0; i++)
        pilot(trial[i], &set[i], limits, i);
    for (int round = 0; round < limits->rounds_most && sampler_lost(set, trials) < 0; round++) {
        double spent_s;

        run_round(trial, set, trials, limits, &state);
        if (all_precise(trial, set, trials, limits)) {
            stop = "precise";
            break;
        }
        spent_s = (double)(clock_ns() - start) * 1e-9;
        if (spent_s > limits->budget_s &&
            (round + 1 >= limits->rounds_least ||
             spent_s > fmax(3 * limits->budget_s, patience_s))) {
            stop = "budget";
            break;
        }
    }
    for (int i = 0; i < trials; i++)
        if (!set[i].stop)
            set[i].stop = stop;
}
