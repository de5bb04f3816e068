/* SPDX-License-Identifier: MIT */
#include "projection/calibrate/aims.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum statistic { STATISTIC_MEDIAN, STATISTIC_MEAN };

/* Groups are told by source, operations and dtypes, each a list of words in blanks; gpus:
 * NULL for all. */
static const struct aim {
    const char *name;
    enum statistic statistic;
    double most; /* % */
    const char *source, *ops, *dtypes, *gpus;
} aims[] = {
#define MAPS " add mul div pow add_scalar mul_scalar div_scalar pow_scalar relu gelu tanh "
#define LEFT_OUT " a100-pcie-80gb h100-sxm h100-pcie l4 "
    {"16-bit gemm", STATISTIC_MEDIAN, 12, NULL, " gemm ", " bf16 fp16 fp16-mixed ", NULL},
    {"f32 gemm", STATISTIC_MEAN, 13.9, "neusight", " gemm_bias ", " fp32 ", LEFT_OUT},
    {"f32 bmm", STATISTIC_MEAN, 13.8, "neusight", " bmm ", " fp32 ", LEFT_OUT},
    {"f32 softmax", STATISTIC_MEAN, 13.9, "neusight", " softmax ", " fp32 ", LEFT_OUT},
    {"f32 elementwise", STATISTIC_MEAN, 19.3, "neusight", MAPS, " fp32 ", LEFT_OUT},
    {"f32 layernorm", STATISTIC_MEAN, 56.7, "neusight", " layernorm ", " fp32 ", LEFT_OUT},
    {"f32 gemm", STATISTIC_MEAN, 13.9, "neusight", " gemm_bias ", " fp32 ", NULL},
    {"f32 bmm", STATISTIC_MEAN, 13.8, "neusight", " bmm ", " fp32 ", NULL},
    {"f32 softmax", STATISTIC_MEAN, 13.9, "neusight", " softmax ", " fp32 ", NULL},
    {"f32 elementwise", STATISTIC_MEAN, 19.3, "neusight", MAPS, " fp32 ", NULL},
    {"f32 layernorm", STATISTIC_MEAN, 56.7, "neusight", " layernorm ", " fp32 ", NULL},
    {"prefill", STATISTIC_MEDIAN, 20, NULL, " attn_prefill ", " bf16 ", NULL},
    {"prefill", STATISTIC_MEAN, 20, NULL, " attn_prefill ", " bf16 ", NULL},
    {"decode", STATISTIC_MEDIAN, 20, NULL, " attn_decode ", " bf16 ", NULL},
    {"decode", STATISTIC_MEAN, 20, NULL, " attn_decode ", " bf16 ", NULL},
};

enum { AIMS = sizeof aims / sizeof *aims };

/* An absolute error in percent, of whom, and whether its interval held it. */
struct miss {
    double error;
    const struct gpu *gpu;
    bool is_covered;
};

static bool has_word(const char *words, const char *word)
{
    char blank[40];

    snprintf(blank, sizeof blank, " %.36s ", word);
    return !words || strstr(words, blank);
}

static bool is_meant(const struct aim *a, const struct group *g)
{
    return (!a->source || strcmp(a->source, g->source) == 0) && has_word(a->ops, g->op) &&
           has_word(a->dtypes, g->dtype) && has_word(a->gpus, g->gpu->id.text);
}

static int by_error(const void *a, const void *b)
{
    double x = ((const struct miss *)a)->error, y = ((const struct miss *)b)->error;

    return (x > y) - (x < y);
}

/* By GPU's name, then by error. */
static int by_gpu(const void *a, const void *b)
{
    int order = strcmp(((const struct miss *)a)->gpu->id.text,
                       ((const struct miss *)b)->gpu->id.text);

    return order ? order : by_error(a, b);
}

/* Of misses in the order of their errors. */
static double statistic_of(const struct miss *x, size_t n, enum statistic statistic)
{
    double sum = 0;

    if (statistic == STATISTIC_MEDIAN)
        return x[n / 2].error;
    for (size_t i = 0; i < n; i++)
        sum += x[i].error;
    return sum / (double)n;
}

static size_t misses_list(struct miss *x, const struct aim *a, struct jackknife *j)
{
    size_t n = 0;

    for (size_t i = 0; i < j->residuals->n; i++) {
        const struct residual *e = &j->residuals->residual[i];
        struct spread s;

        if (e->fold != FOLD_GPU || !is_meant(a, &j->samples->group[e->sample->group]))
            continue;
        s = jackknife_spread(j, e);
        x[n++] = (struct miss){100 * fabs(exp(-e->log_ratio) - 1), e->sample->gpu,
                               e->log_ratio >= s.low && e->log_ratio <= s.high};
    }
    return n;
}

/* How many GPUs there are, and those that alone miss the aim. */
static void gpus_print(const struct aim *a, struct miss *x, size_t n)
{
    qsort(x, n, sizeof *x, by_gpu);
    for (size_t from = 0, i = 1; i <= n; i++) {
        double value;

        if (i < n && x[i].gpu == x[from].gpu)
            continue;
        value = statistic_of(x + from, i - from, a->statistic);
        if (value > a->most || a->gpus)
            printf("  %s %.1f", x[from].gpu->id.text, value);
        from = i;
    }
}

static void aim_print(const struct aim *a, struct miss *x, size_t n)
{
    size_t covered = 0;
    double value, share;

    if (n == 0) {
        printf("%-16s %-16s no timings\n", a->name, a->gpus ? "NeuSight's" : "all");
        return;
    }
    for (size_t i = 0; i < n; i++)
        covered += x[i].is_covered;
    qsort(x, n, sizeof *x, by_error);
    value = statistic_of(x, n, a->statistic);
    share = 100 * (double)covered / (double)n;
    printf("%-16s %-10s %6zu  %-6s %5.1f %5.1f  %-3s %8.0f %%  %-3s", a->name,
           a->gpus ? "NeuSight's" : "all", n,
           a->statistic == STATISTIC_MEAN ? "mean" : "median", a->most, value,
           value <= a->most ? "yes" : "no", share, share >= 75 && share <= 90 ? "yes" : "no");
    gpus_print(a, x, n);
    printf("\n");
}

void aims_print(struct jackknife *j)
{
    struct miss *x = malloc((j->residuals->n + 1) * sizeof *x);

    printf("%-16s %-10s %6s  %-6s %5s %5s  %-3s %10s  %-3s  %s\n", "", "GPUs", "rows", "error",
           "aim", "is", "met", "covered", "met", "GPUs that alone miss it; NeuSight's: each");
    for (int i = 0; x && i < AIMS; i++)
        aim_print(&aims[i], x, misses_list(x, &aims[i], j));
    free(x);
}
