/* SPDX-License-Identifier: MIT */
#include "harness/duel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/stats.h"

enum { ENOUGH = 3 };
static const double sample_ns = 5e5;

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
        sample_set_release(&d->set[i]);
    }
    bench_close(&d->bench);
    d->rows = 0;
}

int duel_run(struct duel *d, int least, int most, uint64_t seed, struct why *why)
{
    struct sampler_limits limits = {.budget_s = DUEL_BUDGET_S, .rounds_least = least,
                                    .rounds_most = most, .sample_ns = sample_ns,
                                    .hopeless = INFINITY};
    struct trial *trial[DUEL_ROWS];

    for (int i = 0; i < d->rows; i++) {
        trial[i] = &d->row[i].trial;
        d->set[i].stop = NULL;
    }
    sampler_run(trial, d->set, d->rows, &limits, seed);
    d->rounds = d->rows ? (int)d->set[0].wall_ns.n : 0;
    for (int i = 0; i < d->rows; i++)
        if (d->set[i].status) {
            *why = d->set[i].why;
            return d->set[i].status;
        }
    return 0;
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
            (!best || duel_median_ns(d, &d->row[i], NULL) < duel_median_ns(d, best, NULL)))
            best = &d->row[i];
    return best;
}

static const struct sample_set *set_of(const struct duel *d, const struct duel_row *row)
{
    return &d->set[row - d->row];
}

static bool is_contended(const struct sample_set *set, size_t round)
{
    for (size_t i = 0; set && i < set->contended.n; i++)
        if (set->contended.value[i] == (double)round)
            return true;
    return false;
}

/* Median of a's samples (over b's of the same round, when b is given), of the uncontended
 * rounds if there are enough of them. */
static double median_of(const struct sample_set *a, const struct sample_set *b,
                        bool *contended)
{
    size_t n = a->wall_ns.n, clean = 0, kept = 0;
    double *value = malloc((n + 1) * sizeof *value), result;

    if (!value)
        return NAN;
    for (size_t i = 0; i < n; i++)
        clean += !is_contended(a, i) && !is_contended(b, i);
    for (size_t i = 0; i < n; i++)
        if (clean < ENOUGH || (!is_contended(a, i) && !is_contended(b, i)))
            value[kept++] = a->wall_ns.value[i] / (b ? b->wall_ns.value[i] : 1);
    if (contended)
        *contended = clean < ENOUGH;
    result = stats_median(value, kept);
    free(value);
    return result;
}

double duel_median_ns(const struct duel *d, const struct duel_row *row, bool *contended)
{
    return median_of(set_of(d, row), NULL, contended);
}

double duel_ratio(const struct duel *d, const struct duel_row *a, const struct duel_row *b)
{
    const struct sample_set *one = set_of(d, a), *other = set_of(d, b);

    return one->wall_ns.n == other->wall_ns.n ? median_of(one, other, NULL) : NAN;
}

static void row_print(const struct duel *d, const struct duel_row *row, FILE *file)
{
    const struct sample_set *set = set_of(d, row);
    const struct bench *b = row->trial.bench;
    struct cost cost = b->workload->cost(&b->problem);
    bool contended;
    double ns = duel_median_ns(d, row, &contended);

    fprintf(file, "  %-20s %11.1f us %8.1f GFLOP/s %8.1f GB/s", row->trial.variant->name,
            ns / 1e3, cost.flops / ns, (cost.bytes_read + cost.bytes_written) / ns);
    if (set->contended.n)
        fprintf(file, "  %zu of %zu samples contended%s", set->contended.n, set->wall_ns.n,
                contended ? ", all kept" : ", set aside");
    fputc('\n', file);
}

/* What was timed. */
static void name_print(const struct duel *d, FILE *file)
{
    const struct bench *b = &d->bench;
    char shape[200];

    workload_shape_text(b->workload, &b->problem.shape, shape, sizeof shape);
    fprintf(file, "%s %s %s, %s, %d thread%s", b->workload->name, dtype_name(b->problem.dtype),
            shape, cache_name(b->cache), d->threads, d->threads == 1 ? "" : "s");
}

/* 1 when the goal is missed; the line then ends with the problem's name. */
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
    ratio = duel_ratio(d, ours, other);
    fprintf(file, "  %s / %s = %.2f", goal->ours, other->trial.variant->name, ratio);
    if (goal->most > 0)
        fprintf(file, ", goal <= %.2f: %s", goal->most, ratio <= goal->most ? "met" : "MISSED by ");
    if (goal->most > 0 && !(ratio <= goal->most))
        name_print(d, file);
    fputc('\n', file);
    return goal->most > 0 && !(ratio <= goal->most);
}

int duel_print(const struct duel *d, const struct duel_goal *goal, FILE *file)
{
    int missed = 0;

    name_print(d, file);
    fprintf(file, ", %d rounds\n", d->rounds);
    for (int i = 0; i < d->rows; i++)
        row_print(d, &d->row[i], file);
    for (; goal && goal->ours; goal++)
        missed += goal_print(d, goal, file);
    fflush(file);
    return missed;
}
