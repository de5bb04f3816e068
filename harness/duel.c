/* SPDX-License-Identifier: MIT */
/* The pause before a sample matters: idle workers of OpenMP and of OpenBLAS spin for
 * milliseconds after a call, on the very cores that the next variant wants. */
#include "harness/duel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"

static const double pause_ns = 6e6, settle_ns = 2e5, sample_ns = 5e5;
enum { ATTEMPTS = 3, ENOUGH = 3 };

static bool wanted(const char *const *only, const char *name)
{
    if (!only)
        return true;
    for (; *only; only++)
        if (strcmp(*only, name) == 0)
            return true;
    return false;
}

/* Open and check one variant; absent and wrong ones leave no row. */
static void row_open(struct duel *d, const struct variant *v)
{
    struct duel_row *row = &d->row[d->rows];
    struct why why = {{0}};
    int status = trial_open(&row->trial, &d->bench, d->host, v, d->threads, &why);

    if (status == STATUS_UNAVAILABLE)
        return;
    if (!status)
        status = trial_check(&row->trial, &row->error, &why);
    if (!status && row->error <= 1) {
        d->rows++;
        return;
    }
    fprintf(stderr, "%s/%s left out: %s\n", d->bench.workload->name, v->name, why.text);
    trial_close(&row->trial);
}

int duel_open(struct duel *d, const struct workload *w, const struct problem *p,
              struct device *host, const char *const *only, uint64_t cold_bytes, int threads,
              uint64_t seed, struct why *why)
{
    int status;

    memset(d, 0, sizeof *d);
    d->host = host;
    d->threads = threads;
    status = bench_open(&d->bench, w, p, host, cold_bytes, seed, why);
    if (status)
        return status;
    for (const struct variant *v = w->variants + 1; v->name && d->rows < DUEL_ROWS; v++)
        if (v->on == DEVICE_CPU && wanted(only, v->name))
            row_open(d, v);
    return 0;
}

void duel_close(struct duel *d)
{
    for (int i = 0; i < d->rows; i++) {
        trial_close(&d->row[i].trial);
        series_release(&d->row[i].ns);
        series_release(&d->row[i].switches);
    }
    bench_close(&d->bench);
    d->rows = 0;
}

static double switches_now(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_nivcsw;
}

/* Untimed calls for a while, then timed ones: nanoseconds per call. */
static int sample(struct duel_row *row, double *ns, double *switches, struct why *why)
{
    struct timespec pause = {0, (long)pause_ns};
    int64_t start, now;
    int calls = 0, status = 0;

    nanosleep(&pause, NULL);
    start = clock_ns();
    do {
        status = trial_run(&row->trial, why);
        now = clock_ns();
    } while (!status && (double)(now - start) < settle_ns);
    *switches = switches_now();
    for (start = clock_ns(); !status; ) {
        status = trial_run(&row->trial, why);
        calls++;
        now = clock_ns();
        if ((double)(now - start) >= sample_ns)
            break;
    }
    *switches = switches_now() - *switches;
    *ns = (double)(now - start) / calls;
    return status;
}

static int row_time(struct duel_row *row, struct why *why)
{
    double ns, switches, best_ns = NAN, least = INFINITY;

    for (int i = 0; i < ATTEMPTS && least > 0; i++) {
        int status = sample(row, &ns, &switches, why);

        if (status)
            return status;
        if (switches < least) {
            least = switches;
            best_ns = ns;
        }
    }
    if (series_push(&row->ns, best_ns) || series_push(&row->switches, least))
        return why_fail(why, STATUS_MEMORY, "cannot keep a sample: out of memory");
    return 0;
}

int duel_run(struct duel *d, int rounds, uint64_t seed, struct why *why)
{
    int order[DUEL_ROWS], status = 0;

    for (int i = 0; i < d->rows; i++)
        order[i] = i;
    for (int round = 0; round < rounds && !status; round++, d->rounds++) {
        for (int i = d->rows - 1; i > 0; i--) {
            int j = (int)random_below(&seed, (uint64_t)i + 1), swap = order[i];

            order[i] = order[j];
            order[j] = swap;
        }
        for (int i = 0; i < d->rows && !status; i++)
            status = row_time(&d->row[order[i]], why);
    }
    return status;
}

const struct duel_row *duel_find(const struct duel *d, const char *variant)
{
    for (int i = 0; i < d->rows; i++)
        if (strcmp(d->row[i].trial.variant->name, variant) == 0)
            return &d->row[i];
    return NULL;
}

const struct duel_row *duel_best_provider(const struct duel *d)
{
    const struct duel_row *best = NULL;

    for (int i = 0; i < d->rows; i++)
        if (d->row[i].trial.variant->provider &&
            (!best || duel_median_ns(&d->row[i], NULL) < duel_median_ns(best, NULL)))
            best = &d->row[i];
    return best;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *value, size_t n)
{
    if (n == 0)
        return NAN;
    qsort(value, n, sizeof *value, by_value);
    return (value[(n - 1) / 2] + value[n / 2]) / 2;
}

/* Median of a's samples (over b's of the same round, when b is given), of the uncontended
 * rounds if there are enough of them. */
static double median_of(const struct duel_row *a, const struct duel_row *b, bool *contended)
{
    size_t n = a->ns.n, clean = 0, kept = 0;
    double *value = malloc((n + 1) * sizeof *value), result;

    if (!value)
        return NAN;
    for (size_t i = 0; i < n; i++)
        clean += a->switches.value[i] == 0 && (!b || b->switches.value[i] == 0);
    for (size_t i = 0; i < n; i++)
        if (clean < ENOUGH || (a->switches.value[i] == 0 && (!b || b->switches.value[i] == 0)))
            value[kept++] = a->ns.value[i] / (b ? b->ns.value[i] : 1);
    if (contended)
        *contended = clean < ENOUGH;
    result = median(value, kept);
    free(value);
    return result;
}

double duel_median_ns(const struct duel_row *row, bool *contended)
{
    return median_of(row, NULL, contended);
}

double duel_ratio(const struct duel_row *a, const struct duel_row *b)
{
    return a->ns.n == b->ns.n ? median_of(a, b, NULL) : NAN;
}

static void row_print(const struct duel_row *row, FILE *file)
{
    const struct bench *b = row->trial.bench;
    struct cost cost = b->workload->cost(&b->problem);
    bool contended;
    double ns = duel_median_ns(row, &contended);
    int disturbed = 0;

    for (size_t i = 0; i < row->switches.n; i++)
        disturbed += row->switches.value[i] > 0;
    fprintf(file, "  %-20s %11.1f us %8.1f GFLOP/s %8.1f GB/s", row->trial.variant->name,
            ns / 1e3, cost.flops / ns, (cost.bytes_read + cost.bytes_written) / ns);
    if (disturbed)
        fprintf(file, "  %d of %zu samples contended%s", disturbed, row->switches.n,
                contended ? ", all kept" : ", set aside");
    fputc('\n', file);
}

/* 1 when the goal is missed. */
static int goal_print(const struct duel *d, const struct duel_goal *goal, FILE *file)
{
    const struct duel_row *ours = duel_find(d, goal->ours);
    const struct duel_row *other =
        goal->against ? duel_find(d, goal->against) : duel_best_provider(d);
    double ratio;

    if (!ours || !other) {
        fprintf(file, "  %s / %s: not measured, %s is not here\n", goal->ours,
                goal->against ? goal->against : "best library",
                ours ? "the library" : "our variant");
        return 0;
    }
    ratio = duel_ratio(ours, other);
    fprintf(file, "  %s / %s = %.2f", goal->ours, other->trial.variant->name, ratio);
    if (goal->most > 0)
        fprintf(file, ", goal <= %.2f: %s", goal->most, ratio <= goal->most ? "met" : "MISSED");
    fputc('\n', file);
    return goal->most > 0 && !(ratio <= goal->most);
}

int duel_print(const struct duel *d, const struct duel_goal *goal, FILE *file)
{
    const struct bench *b = &d->bench;
    char shape[200];
    int missed = 0;

    workload_shape_text(b->workload, &b->problem.shape, shape, sizeof shape);
    fprintf(file, "%s %s %s, %s, %d thread%s, %d rounds\n", b->workload->name,
            dtype_name(b->problem.dtype), shape, cache_name(b->cache), d->threads,
            d->threads == 1 ? "" : "s", d->rounds);
    for (int i = 0; i < d->rows; i++)
        row_print(&d->row[i], file);
    for (; goal && goal->ours; goal++)
        missed += goal_print(d, goal, file);
    fflush(file);
    return missed;
}
