/* SPDX-License-Identifier: MIT */
/* N* on devices that are here: from the parts, as a verdict has it, against what really happens
 * when one upload is followed by one call after the other. In turns with measuring the parts, both
 * sides run a whole sequence of calls, and the clock is read after each: so the total of every
 * number of calls is measured, and the device pays from the first one at which the CPU's median
 * total is the longer. A device made of this CPU hardly ever pays, and "never" is then
 * what both must say: the first line of each pair, with the CPU as it is. For the second the CPU
 * does each call as many times over as puts N* near `aim`: this proves the arithmetic, not an
 * advantage.
 *
 * Two statements of different kinds: that N* is what trying every n gives for the medians of the
 * very samples is exact, and a failure; that it agrees with the measured totals within one call
 * or 5 % is a benchmark, and met on a quiet machine. */
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/trial.h"
#include "report/reuse.h"
#include "report/stats.h"

enum { DEVICES = 16, THREADS = 2, ROUNDS = 121, PARTS = 40, CALLS_MOST = 160 };
static const double aim = 40;
/* Calls after which nothing more is expected where the parts say never. */
enum { CALLS_NEVER = 24 };

/* Much that stays, little to do: an upload is worth many calls. */
struct row {
    const char *workload;
    struct shape shape;
};

static const struct row rows[] = {
    {"embedding", {{8, 32768, 1024}}},
    {"embedding", {{64, 131072, 256}}},
    {"rope", {{8, 32, 64, 262144, 10000}}},
};

struct pair {
    struct trial cpu, device;
    int64_t times; /* that the CPU does a call */
    int calls;     /* in a sequence */
    double cpu_us[ROUNDS], call_us[ROUNDS], shared_us[ROUNDS];
    double cpu_total_us[CALLS_MOST][ROUNDS], device_total_us[CALLS_MOST][ROUNDS];
};

static struct pair pair;

/* ---- one of each ------------------------------------------------------------------------- */

static double since_us(int64_t start)
{
    return (double)(clock_ns() - start) * 1e-3;
}

static int run_cpu(int64_t times, struct why *why)
{
    int status = 0;

    for (int64_t i = 0; i < times && !status; i++)
        status = trial_run(&pair.cpu, why);
    return status;
}

static int run_device(struct why *why)
{
    struct trial *t = &pair.device;
    int status = trial_send(t, 1u << ARG_ACTIVATION, why);

    if (!status)
        status = trial_run(t, why);
    if (!status)
        status = trial_receive(t, why);
    return status ? status : t->device->ops->sync(t->device, why);
}

static int send_shared(struct why *why)
{
    struct trial *t = &pair.device;
    int status = trial_send(t, 1u << ARG_STATIONARY, why);

    return status ? status : t->device->ops->sync(t->device, why);
}

static int run(struct trial *t, int calls, struct why *why)
{
    int status = 0;

    for (int i = 0; i < calls && !status; i++)
        status = t == &pair.cpu ? run_cpu(pair.times, why) : run_device(why);
    return status;
}

/* A call among as many as share an upload: after a pause the first ones may take longer. */
static int measure_calls(struct trial *t, double *us, struct why *why)
{
    int64_t start;
    int status = run(t, 1, why);

    start = clock_ns();
    status = status ? status : run(t, PARTS, why);
    *us = since_us(start) / PARTS;
    return status;
}

static int measure_parts(int round, struct why *why)
{
    int64_t start = clock_ns();
    int status = send_shared(why);

    pair.shared_us[round] = since_us(start);
    status = status ? status : measure_calls(&pair.device, &pair.call_us[round], why);
    return status ? status : measure_calls(&pair.cpu, &pair.cpu_us[round], why);
}

/* The clock after each call: the total of so many. */
static int measure_totals(int round, struct why *why)
{
    int64_t start = clock_ns();
    int status = send_shared(why);

    for (int n = 0; n < pair.calls && !status; n++) {
        status = run(&pair.device, 1, why);
        pair.device_total_us[n][round] = since_us(start);
    }
    start = clock_ns();
    for (int n = 0; n < pair.calls && !status; n++) {
        status = run(&pair.cpu, 1, why);
        pair.cpu_total_us[n][round] = since_us(start);
    }
    return status;
}

/* ---- making ready ------------------------------------------------------------------------ */

static int open_first(struct trial *t, struct bench *bench, struct device *d, struct why *why)
{
    int status = STATUS_UNAVAILABLE;

    for (const struct variant *v = bench->workload->variants + 1; v->name && status; v++)
        if (trial_runs_on(v, d->kind) && !v->provider)
            status = trial_open(t, bench, d, v, THREADS, why);
    return status;
}

/* How often the CPU must do a call, for N* near the aim and no nearer than half as slow again:
 * there a percent of noise moves it by more than it may. */
static int aim_at(bool is_slowed, struct why *why)
{
    enum { TRIES = 3, ROUNDS_OF_TRY = 5 };
    int status = 0;

    for (int i = 0; i < TRIES && !status; i++) { /* the first warms up */
        double shared, call, cpu;

        for (int round = 0; round < ROUNDS_OF_TRY && !status; round++)
            status = measure_parts(round, why);
        shared = stats_median(pair.shared_us, ROUNDS_OF_TRY);
        call = stats_median(pair.call_us, ROUNDS_OF_TRY);
        cpu = stats_median(pair.cpu_us, ROUNDS_OF_TRY) / (double)pair.times;
        if (is_slowed)
            pair.times = (int64_t)fmax(ceil((call + fmax(shared / aim, call / 2)) / cpu), 1);
        cpu *= (double)pair.times;
        pair.calls = cpu > call ? (int)fmin(2 * shared / (cpu - call) + 8, CALLS_MOST) : CALLS_NEVER;
    }
    return status;
}

/* ---- what came of it --------------------------------------------------------------------- */

static struct estimate median_of(const double *us)
{
    double copy[ROUNDS];

    memcpy(copy, us, sizeof copy);
    return stats_median_interval(copy, ROUNDS, STATS_CONFIDENCE);
}

/* Trying every n with the parts' middles; INFINITY: none. */
static double tried(const struct reuse_parts *p)
{
    const double most = 1e6;
    double n = 1;

    while (n < most && !(n * p->cpu_us.value > p->shared_us.value + n * p->call_us.value))
        n++;
    return n < most ? n : INFINITY;
}

/* From how many calls on the CPU's total is the longer one; low: perhaps, high: surely, by the
 * interval of the rounds' ratios. INFINITY: not within the sequence. */
static struct estimate measured(void)
{
    struct estimate n = {INFINITY, INFINITY, INFINITY};

    for (int i = pair.calls - 1; i >= 0; i--) {
        double work[ROUNDS], cpu[ROUNDS], device[ROUNDS];
        struct estimate ratio =
            stats_paired_ratio(pair.cpu_total_us[i], pair.device_total_us[i], ROUNDS,
                               STATS_CONFIDENCE, work);

        memcpy(cpu, pair.cpu_total_us[i], sizeof cpu);
        memcpy(device, pair.device_total_us[i], sizeof device);
        if (stats_median(cpu, ROUNDS) > stats_median(device, ROUNDS))
            n.value = i + 1;
        if (ratio.high > 1)
            n.low = i + 1;
        if (ratio.low > 1)
            n.high = i + 1;
    }
    return n;
}

static struct name calls_text(struct estimate n)
{
    struct name text = {"never"};

    if (isfinite(n.value))
        snprintf(text.text, sizeof text.text, "%.0f (%.0f-%.0f)", n.value, n.low, n.high);
    return text;
}

/* 0 agrees, 1 does not, -1 the arithmetic is wrong. */
static int tell(const struct row *row, const char *device)
{
    struct estimate cpu = median_of(pair.cpu_us), call = median_of(pair.call_us),
                    shared = median_of(pair.shared_us);
    struct reuse_parts parts = {cpu, shared, call, call};
    struct estimate star = reuse_calls(&parts), seen = measured();
    bool is_exact = isnan(star.value) ? isinf(tried(&parts)) : star.value == tried(&parts);
    bool is_never = isnan(star.value) || star.value > pair.calls;
    bool is_met = is_never ? isinf(seen.value)
                           : fabs(star.value - seen.value) <= fmax(1, 0.05 * seen.value) &&
                                 isfinite(seen.value);

    printf("%-9s %-9s CPU x%-4lld %8.1f us, call %8.1f us, upload %9.1f us: N* %s, "
           "measured totals %s: %s\n", device, row->workload, (long long)pair.times,
           cpu.value, call.value, shared.value, calls_text(star).text, calls_text(seen).text,
           !is_exact ? "WRONG ARITHMETIC" : is_met ? "met" : "MISSED");
    return !is_exact ? -1 : !is_met;
}

static int measure(const struct row *row, bool is_slowed, struct device *host, struct device *d,
                   struct why *why)
{
    const struct problem p = {DTYPE_F32, row->shape};
    struct bench bench;
    int status = bench_open(&bench, workload_find(row->workload), &p, host, 0, 7, why);

    if (status)
        return status;
    pair = (struct pair){.times = 1};
    status = open_first(&pair.cpu, &bench, host, why);
    if (!status) {
        status = open_first(&pair.device, &bench, d, why);
        status = status ? status : aim_at(is_slowed, why);
        for (int round = 0; round < ROUNDS && !status; round++) {
            status = measure_parts(round, why);
            status = status ? status : measure_totals(round, why);
        }
        trial_close(&pair.device);
    }
    trial_close(&pair.cpu);
    bench_close(&bench);
    return status;
}

/* The emulated GPU, where it is built, is the driver that dlopen finds by name. */
static void load_emulator(void)
{
    char self[400] = "", path[500], *slash;

    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0 || !(slash = strrchr(self, '/')))
        return;
    *slash = '\0';
    snprintf(path, sizeof path, "%s/../emulator/libcuda.so.1", self);
    dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

int main(void)
{
    struct device_row found[DEVICES];
    struct device host = {0};
    struct why why = {{0}};
    int n, worst = 0;

    load_emulator();
    n = device_list(found, DEVICES, NULL);
    if (device_open(&host, "cpu", &why) != 0) {
        fprintf(stderr, "bench_reuse: %s\n", why.text);
        return EXIT_FAILURE;
    }
    for (int i = 0; i < n; i++) {
        struct device d = {0};

        if (found[i].kind == DEVICE_CPU || device_open(&d, found[i].id.text, &why) != 0)
            continue;
        for (size_t k = 0; k < 2 * sizeof rows / sizeof *rows; k++) {
            const struct row *row = &rows[k / 2];
            int met = measure(row, k % 2, &host, &d, &why);

            if (met)
                printf("%-10s %-10s left out: %s\n", found[i].id.text, row->workload, why.text);
            else if ((met = tell(row, found[i].id.text)) && worst >= 0)
                worst = met;
        }
        device_close(&d);
    }
    device_close(&host);
    return worst ? EXIT_FAILURE : EXIT_SUCCESS;
}
