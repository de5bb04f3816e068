/* SPDX-License-Identifier: MIT */
/* Absolute percentage errors against the measured time, as the literature counts them; the
 * naive roofline beside them is max(flops / peak, bytes / bandwidth) + 5 us. */
#include "projection/calibrate/tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "projection/calibrate/aims.h"
#include "projection/lessons.h"

static const double naive_launch_us = 5;

/* One line of a table under construction. */
struct tally {
    double *error, *naive, *ratio;
    size_t n, covered;
    double width; /* sum of ln(high / low) / 2 */
};

/* How many lines hold what they promise. */
struct promise {
    int lines, kept, over;
    double width;
};

static double naive_us(const struct sample *x)
{
    struct work w;
    const struct operation *op = &x->op;
    double batch = op->batch > 0 ? (double)op->batch : 1, flops = 0, bytes;
    double rows = (double)(op->rows > 0 ? op->rows : op->m);
    double cols = (double)(op->cols > 0 ? op->cols : op->k);

    if (work_init(&w, x->gpu, op, x->timing, NULL) != 0)
        return NAN;
    bytes = rows * cols * w.element_bytes * (x->kind->reads + x->kind->writes);
    if (x->kind->model == MODEL_MATRIX) {
        flops = 2 * batch * (double)op->m * (double)op->n * (double)op->k;
        bytes = batch * ((double)(op->m * op->k + op->m * op->n) * w.element_bytes +
                         (double)(op->k * op->n) * w.weight_bytes);
    } else if (x->kind->model == MODEL_PREFILL || x->kind->model == MODEL_DECODE) {
        double queries = op->q_len > 0 ? (double)op->q_len : 1;
        double keys = op->window > 0 ? fmin((double)op->window, (double)op->kv_len)
                                     : (double)op->kv_len;

        flops = 4 * batch * (double)(op->heads * op->head_dim) * queries * keys *
                (queries > 1 && op->causal ? 0.5 : 1);
        bytes = batch * (double)op->head_dim * w.element_bytes *
                (2 * (double)op->kv_heads * keys + 2 * (double)op->heads * queries);
    }
    return fmax(flops / w.pipe_flops_per_s, bytes / w.dram_bytes_per_s) * 1e6 +
           naive_launch_us;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void tally_print(struct tally *t, const char *what, struct promise *promise)
{
    double sum = 0, covered = 100 * (double)t->covered / (double)t->n;

    if (t->n == 0)
        return;
    promise->lines++;
    promise->kept += covered >= 75 && covered <= 90;
    promise->over += covered > 90;
    promise->width += t->width / (double)t->n;
    for (size_t i = 0; i < t->n; i++)
        sum += t->error[i];
    qsort(t->error, t->n, sizeof *t->error, compare);
    qsort(t->naive, t->n, sizeof *t->naive, compare);
    qsort(t->ratio, t->n, sizeof *t->ratio, compare);
    printf("%-58s %7zu %7.1f %7.1f %7.1f %7.2f %6.0f %% %6.0f %8.1f\n", what, t->n,
           t->error[t->n / 2], sum / (double)t->n, t->error[t->n * 9 / 10],
           t->ratio[t->n / 2], covered, 100 * t->width / (double)t->n, t->naive[t->n / 2]);
}

static void tally_push(struct tally *t, const struct residual *e, struct jackknife *j)
{
    struct spread s = jackknife_spread(j, e);
    double measured = e->sample->time_us;

    t->covered += e->log_ratio >= s.low && e->log_ratio <= s.high;
    t->width += (s.high - s.low) / 2;
    t->ratio[t->n] = exp(-e->log_ratio);
    t->error[t->n] = 100 * fabs(exp(-e->log_ratio) - 1);
    t->naive[t->n++] = 100 * fabs(naive_us(e->sample) / measured - 1);
}

/* A line's key: the words of a residual by which a table groups. */
typedef void (*key_write)(char *out, size_t size, const struct samples *,
                          const struct residual *);

static void key_group(char *out, size_t size, const struct samples *s, const struct residual *e)
{
    const struct group *g = &s->group[e->sample->group];

    snprintf(out, size, "%-14s %-16s %-13s %s", g->source, g->gpu->id.text, g->op, g->dtype);
}

static void key_operation(char *out, size_t size, const struct samples *s,
                          const struct residual *e)
{
    const struct group *g = &s->group[e->sample->group];

    snprintf(out, size, "%-14s %-13s %s", g->source, g->op, g->dtype);
}

static void key_band(char *out, size_t size, const struct samples *s, const struct residual *e)
{
    const struct group *g = &s->group[e->sample->group];

    snprintf(out, size, "%-14s %-9s %-7s %s", g->source, model_name(e->region.model),
             number_type_name(e->region.type),
             e->sample->time_us < 20 ? "1: < 20 us" : e->sample->time_us < 200 ? "2: < 200 us"
                                                                       : "3: >= 200 us");
}

/* What five measured calls of each group, evenly spread, do for its others. */
enum { TAUGHT = 5 };

static void taught_line(const struct residual **e, size_t n, struct jackknife *j,
                        struct tally *before, struct tally *after)
{
    struct lessons lessons = {.n = 0};

    before->n = before->covered = after->n = after->covered = 0;
    for (size_t i = 0; i < TAUGHT; i++) {
        const struct residual *x = e[(2 * i + 1) * n / (2 * TAUGHT)];

        struct spread spread = jackknife_spread(j, x);

        lessons_add(&lessons, x->sample->gpu, &x->region, &spread, x->log_ratio);
    }
    for (size_t i = 0; i < n; i++) {
        const struct region *r = &e[i]->region;
        struct spread s = jackknife_spread(j, e[i]);
        double ratio = e[i]->log_ratio, shift;

        before->covered += ratio >= s.low && ratio <= s.high;
        before->error[before->n++] = 100 * fabs(exp(-ratio) - 1);
        shift = lessons_apply(&lessons, e[i]->sample->gpu, r, &s);
        after->covered += ratio >= s.low && ratio <= s.high;
        after->error[after->n++] = 100 * fabs(exp(shift - ratio) - 1);
    }
}

static double middle(struct tally *t)
{
    qsort(t->error, t->n, sizeof *t->error, compare);
    return t->error[t->n / 2];
}

static void taught_sum(double sum[4], const char *key, size_t n, struct tally *before,
                       struct tally *after)
{
    double now[4] = {middle(before), middle(after), 100 * (double)before->covered / (double)n,
                     100 * (double)after->covered / (double)n};

    printf("%-58s %7zu %7.1f to %5.1f %4.0f to %3.0f %%\n", key, n, now[0], now[1], now[2],
           now[3]);
    for (int i = 0; i < 4; i++)
        sum[i] += now[i];
}

/* By group, of the folds by GPU. */
static void taught_print(const struct samples *s, const struct residuals *r,
                         struct jackknife *j)
{
    const struct residual **e = malloc((r->n + 1) * sizeof *e);
    struct tally before = {.error = malloc((r->n + 1) * sizeof(double))};
    struct tally after = {.error = malloc((r->n + 1) * sizeof(double))};
    double sum[4] = {0}, groups = 0;
    char key[96];

    printf("%-58s %7s %16s %16s\n", "", "rows", "median before", "covered");
    for (int g = 0; e && before.error && after.error && g < s->groups; g++) {
        size_t n = 0;

        for (size_t i = 0; i < r->n; i++)
            if (r->residual[i].fold == FOLD_GPU && r->residual[i].sample->group == g)
                e[n++] = &r->residual[i];
        if (n < 10 * TAUGHT || s->group[g].weight == 0)
            continue;
        taught_line(e, n, j, &before, &after);
        key_group(key, sizeof key, s, e[0]);
        taught_sum(sum, key, n, &before, &after);
        groups++;
    }
    printf("%-66s %7.1f to %5.1f %4.0f to %3.0f %%\n", "mean of the groups", sum[0] / groups,
           sum[1] / groups, sum[2] / groups, sum[3] / groups);
    free(e);
    free(before.error);
    free(after.error);
}

struct line {
    char key[96];
    const struct residual *residual;
};

static int line_compare(const void *a, const void *b)
{
    return strcmp(((const struct line *)a)->key, ((const struct line *)b)->key);
}

/* One table: of the folds by GPU, or of those by generation. */
static void table_print(const struct samples *s, const struct residuals *r, enum fold fold,
                        key_write key, struct jackknife *j)
{
    struct line *line = malloc((r->n + 1) * sizeof *line);
    struct tally t = {malloc(r->n * sizeof(double)), malloc(r->n * sizeof(double)),
                      malloc(r->n * sizeof(double)), 0, 0, 0};
    struct promise promise = {0};
    size_t n = 0;

    printf("%-58s %7s %7s %7s %7s %7s %8s %6s %8s\n", "", "rows", "median", "mean", "p90",
           "ratio", "covered", "+-", "naive");
    for (size_t i = 0; line && t.error && t.naive && t.ratio && i < r->n; i++) {
        const struct residual *e = &r->residual[i];

        if (e->fold != fold && !(fold == FOLD_FAMILY && e->fold == FOLD_GPU && e->is_alone))
            continue;
        key(line[n].key, sizeof line[n].key, s, e);
        line[n++].residual = e;
    }
    qsort(line, n, sizeof *line, line_compare);
    for (size_t i = 0; i < n; i++) {
        tally_push(&t, line[i].residual, j);
        if (i + 1 == n || strcmp(line[i].key, line[i + 1].key) != 0) {
            tally_print(&t, line[i].key, &promise);
            t.n = t.covered = 0;
            t.width = 0;
        }
    }
    printf("lines that cover 75 to 90 %%: %d of %d; more: %d; mean half-width %.0f %%\n",
           promise.kept, promise.lines, promise.over, 100 * promise.width / promise.lines);
    free(line);
    free(t.error);
    free(t.naive);
    free(t.ratio);
}

void tables_print(const struct samples *s, const struct residuals *r)
{
    struct jackknife j = {.samples = s, .residuals = r};

    printf("errors in %%; 'ratio': median projected / measured; 'covered': share of rows inside the 80 %% interval, which was made "
           "without this GPU, '+-' its mean half-width in ln x 100;\n'naive': median error of max(flops/peak, bytes/bandwidth) + 5 us\n"
           "\nleave one GPU out\n");
    table_print(s, r, FOLD_GPU, key_group, &j);
    printf("\nleave one GPU out, by operation\n");
    table_print(s, r, FOLD_GPU, key_operation, &j);
    printf("\nleave one GPU out, by measured time\n");
    table_print(s, r, FOLD_GPU, key_band, &j);
    printf("\nleave one generation out, by operation\n");
    table_print(s, r, FOLD_FAMILY, key_operation, &j);
    printf("\nleave one kind of call out on all GPUs\n");
    table_print(s, r, FOLD_KIND, key_operation, &j);
    printf("\nleave one GPU out, then learn from %d measured cells of the group\n", TAUGHT);
    taught_print(s, r, &j);
    printf("\naims, on GPUs left out\n");
    aims_print(&j);
    jackknife_release(&j);
}
