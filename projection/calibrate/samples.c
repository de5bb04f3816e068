/* SPDX-License-Identifier: MIT */
/* The files of the collection, how each was timed, and what its rows become. Rows of GPUs
 * that the catalogue lacks, and of operations without a model, are passed over. */
#include "projection/calibrate/samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "projection/table_row.h"

/* Weight of a file's groups in the fit: what was timed on kernels people still buy counts
 * most; sources that time something else are read for the validation only (0). */
static const struct source {
    const char *path;
    enum timing timing;
    double weight;
} sources[] = {
    {"aiconfigurator/gemm_a100_sxm.csv", TIMING_GRAPH, 1},
    {"aiconfigurator/gemm_h100_sxm.csv", TIMING_GRAPH, 1},
    {"aiconfigurator/gemm_l40s.csv", TIMING_GRAPH, 1},
    {"aiconfigurator/attn_prefill_a100_sxm.csv", TIMING_GRAPH, 1},
    {"aiconfigurator/attn_prefill_h100_sxm.csv", TIMING_GRAPH, 1},
    {"aiconfigurator/attn_prefill_l40s.csv", TIMING_GRAPH, 1},
    {"aiconfigurator/attn_decode_a100_sxm.csv", TIMING_GRAPH, 1},
    {"aiconfigurator/attn_decode_h100_sxm.csv", TIMING_GRAPH, 1},
    {"aiconfigurator/attn_decode_l40s.csv", TIMING_GRAPH, 1},
    {"aiconfigurator/quantize.csv", TIMING_GRAPH, 0.3},
    {"vidur/gemm.csv", TIMING_KERNEL, 1},
    {"vidur/memory_ops.csv", TIMING_KERNEL, 1},
    {"neusight/linear_fp32.csv", TIMING_EAGER, 1},
    {"neusight/bmm_fp32.csv", TIMING_EAGER, 1},
    {"neusight/elementwise_fp32.csv", TIMING_EAGER, 0.3},
    {"neusight/reduction_fp32.csv", TIMING_EAGER, 1},
    {"deepbench/gemm.csv", TIMING_KERNEL, 0.3},
    {"aiter/gemm_amd.csv", TIMING_KERNEL, 0.5},
};

enum { LINE_CELLS = 40 };

enum who model_who(enum model model)
{
    if (model == MODEL_MATRIX)
        return WHO_M;
    return model == MODEL_PREFILL || model == MODEL_DECODE ? WHO_A : WHO_T;
}

static double gpu_weight(const struct gpu *gpu)
{
    switch (gpu->family) {
    case FAMILY_PASCAL:
        return 0.15;
    case FAMILY_CDNA:
    case FAMILY_VOLTA:
        return 0.5;
    default:
        return 1;
    }
}

/* Plain 16-bit products are what most calls are; rare types must not bend their fit. */
static double dtype_weight(const char *dtype)
{
    if (strcmp(dtype, "int8") == 0 || strcmp(dtype, "dp4a") == 0) /* few rows of one GPU each */
        return 0;
    if (strcmp(dtype, "bf16") == 0 || strncmp(dtype, "fp16", 4) == 0)
        return 2;
    return strcmp(dtype, "fp32") == 0 || strcmp(dtype, "fp8") == 0 ? 1 : 0.4;
}

static int group_of(struct samples *s, const struct source *source, const struct gpu *gpu,
                    const char *op, const char *dtype)
{
    struct group *g;
    size_t n = strcspn(source->path, "/");

    for (int i = s->groups - 1; i >= 0; i--)
        if (s->group[i].gpu == gpu && strcmp(s->group[i].op, op) == 0 &&
            strcmp(s->group[i].dtype, dtype) == 0 &&
            strncmp(s->group[i].source, source->path, n) == 0)
            return i;
    if (s->groups == GROUPS)
        return -1;
    g = &s->group[s->groups];
    *g = (struct group){.gpu = gpu, .weight = source->weight * gpu_weight(gpu) * dtype_weight(dtype)};
    snprintf(g->source, sizeof g->source, "%.*s", (int)n, source->path);
    snprintf(g->op, sizeof g->op, "%s", op);
    snprintf(g->dtype, sizeof g->dtype, "%s", dtype);
    return s->groups++;
}

static int sample_push(struct samples *s, const struct sample *sample)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 65536;
        struct sample *grown = realloc(s->sample, cap * sizeof *grown);

        if (!grown)
            return STATUS_MEMORY;
        s->sample = grown;
        s->cap = cap;
    }
    s->sample[s->n++] = *sample;
    return 0;
}

static int cells_cut(char *line, char *cell[LINE_CELLS])
{
    int n = 0;

    line[strcspn(line, "\r\n")] = '\0';
    while (line && n < LINE_CELLS)
        cell[n++] = strsep(&line, ",");
    return n;
}

/* DeepBench's int8 of 2018 did not run on matrix cores: its best is 24.2 TOPS on T4, 0.74 of
 * 4 x lanes x 2 x boost and 0.19 of the matrix cores' rate, as on cards that have none: 42.4
 * on GTX 1080 Ti (0.93 of the same), 46.7 on Titan Xp. */
static const char *dtype_meant(const struct source *source, const char *dtype)
{
    bool is_lanes = strcmp(source->path, "deepbench/gemm.csv") == 0 && strcmp(dtype, "int8") == 0;

    return is_lanes ? "dp4a" : dtype;
}

/* Turn one line into a sample, if a model knows it. */
static int line_take(struct samples *s, const struct source *source, const char *known[COLUMNS],
                     const char *time)
{
    struct row_reader reader = {0};
    struct row row;
    struct ledger ledger;
    struct sample sample = {.time_us = atof(time), .timing = source->timing};

    known[COLUMN_DTYPE] = dtype_meant(source, known[COLUMN_DTYPE]);
    if (!(sample.time_us > 0) || row_read(&reader, known, &row, NULL) != 0)
        return 0;
    sample.kind = op_kind_find(row.operation.op);
    sample.gpu = row.gpu;
    sample.op = row.operation;
    if (!sample.kind || model_project(parameters_builtin(), sample.gpu, &sample.op,
                                      sample.timing, &ledger, NULL) != 0)
        return 0;
    sample.op.op = sample.kind->name;
    sample.group = group_of(s, source, row.gpu, known[COLUMN_OP], known[COLUMN_DTYPE]);
    if (sample.group < 0)
        return STATUS_MEMORY;
    if (s->group[sample.group].count == 0) {
        struct region r = region_of(sample.kind, &sample.op, &ledger);

        s->group[sample.group].who = model_who(sample.kind->model);
        s->group[sample.group].class = class_of(r.model, r.type);
        s->group[sample.group].kind = r.kind;
    }
    s->group[sample.group].count++;
    return sample_push(s, &sample);
}

static int file_read(struct samples *s, const struct source *source, FILE *in)
{
    char *line = NULL, *cell[LINE_CELLS];
    const char *known[COLUMNS];
    int column[LINE_CELLS], time = -1, n, status = 0;
    size_t cap = 0;

    for (int row = 0; status == 0 && getline(&line, &cap, in) >= 0; row++) {
        n = cells_cut(line, cell);
        for (int i = 0; row == 0 && i < n; i++) {
            column[i] = column_find(cell[i]);
            if (strcmp(cell[i], "time_us") == 0)
                time = i;
        }
        if (row == 0 || time < 0 || n <= time)
            continue;
        for (int i = 0; i < COLUMNS; i++)
            known[i] = "";
        for (int i = 0; i < n; i++)
            if (column[i] >= 0)
                known[column[i]] = cell[i];
        status = line_take(s, source, known, cell[time]);
    }
    free(line);
    return status;
}

int samples_read(struct samples *s, const char *folder, struct why *why)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < sizeof sources / sizeof *sources; i++) {
        char path[1024];
        FILE *in;

        snprintf(path, sizeof path, "%s/%s", folder, sources[i].path);
        in = fopen(path, "r");
        if (!in) {
            fprintf(stderr, "calibrate: no '%s': left out\n", path);
            continue;
        }
        status = file_read(s, &sources[i], in);
        fclose(in);
    }
    if (status != 0)
        return why_fail(why, status, "out of memory or of groups for the samples");
    if (s->n == 0)
        return why_fail(why, STATUS_IO, "no timings found below '%s'", folder);
    return 0;
}

void samples_choose(struct samples *s, int most)
{
    int seen[GROUPS] = {0};

    for (int i = 0; i < s->groups; i++)
        s->group[i].chosen = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct sample *sample = &s->sample[i];
        struct group *g = &s->group[sample->group];
        /* Evenly spread: chosen when the count of choices due steps up. */
        int64_t nth = seen[sample->group]++, keep = g->count < most ? g->count : most;

        sample->is_chosen = (nth + 1) * keep / g->count > nth * keep / g->count;
        g->chosen += sample->is_chosen;
    }
}

void samples_release(struct samples *s)
{
    free(s->sample);
    *s = (struct samples){0};
}
