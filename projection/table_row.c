/* SPDX-License-Identifier: MIT */
#include "projection/table_row.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const column_names[COLUMNS] = {
#define X(value, text) text,
    COLUMN_MAP(X)
#undef X
};

/* How frameworks and published tables spell a dtype. */
static const struct spelling {
    const char *text;
    enum dtype dtype;
    enum precision precision;
} spellings[] = {
    {"fp32", DTYPE_F32, PRECISION_PLAIN},       {"bf16", DTYPE_BF16, PRECISION_PLAIN},
    {"fp16", DTYPE_F16, PRECISION_PLAIN},       {"f32", DTYPE_F32, PRECISION_PLAIN},
    {"f16", DTYPE_F16, PRECISION_PLAIN},        {"fp8", DTYPE_BF16, PRECISION_FP8},
    {"fp8_block", DTYPE_BF16, PRECISION_FP8_BLOCK},
    {"int8", DTYPE_I8, PRECISION_PLAIN},        {"i8", DTYPE_I8, PRECISION_PLAIN},
    {"fp64", DTYPE_F64, PRECISION_PLAIN},       {"f64", DTYPE_F64, PRECISION_PLAIN},
    {"tf32", DTYPE_F32, PRECISION_TF32},        {"int8_wo", DTYPE_BF16, PRECISION_I8_WEIGHT},
    {"int4_wo", DTYPE_BF16, PRECISION_I4_WEIGHT},
    {"sq", DTYPE_BF16, PRECISION_SMOOTH},       {"fp4", DTYPE_BF16, PRECISION_FP4},
    {"nvfp4", DTYPE_BF16, PRECISION_FP4},       {"int32", DTYPE_I32, PRECISION_PLAIN},
    {"i32", DTYPE_I32, PRECISION_PLAIN},        {"float32", DTYPE_F32, PRECISION_PLAIN},
    {"float", DTYPE_F32, PRECISION_PLAIN},      {"double", DTYPE_F64, PRECISION_PLAIN},
    {"float64", DTYPE_F64, PRECISION_PLAIN},    {"bfloat16", DTYPE_BF16, PRECISION_PLAIN},
    {"float16", DTYPE_F16, PRECISION_PLAIN},    {"half", DTYPE_F16, PRECISION_PLAIN},
    {"fp16-mixed", DTYPE_F16, PRECISION_PLAIN}, {"bf16>fp8", DTYPE_BF16, PRECISION_PLAIN},
    {"e4m3", DTYPE_BF16, PRECISION_FP8},        {"fp8_e4m3", DTYPE_BF16, PRECISION_FP8},
    {"fp8_static", DTYPE_BF16, PRECISION_FP8}, {"dp4a", DTYPE_I8, PRECISION_DP4A},
};

enum { SPELLINGS = sizeof spellings / sizeof *spellings };

static const char *const timings[TIMINGS] = {"kernel", "graph", "launch", "eager"};

int column_find(const char *header)
{
    for (int i = 0; i < COLUMNS; i++)
        if (strcasecmp(column_names[i], header) == 0)
            return i;
    return -1;
}

static int dtype_read(const char *text, enum dtype *dtype, enum precision *precision,
                      struct why *why)
{
    for (int i = 0; i < SPELLINGS; i++)
        if (strcasecmp(spellings[i].text, text) == 0) {
            *dtype = spellings[i].dtype;
            *precision = spellings[i].precision;
            return 0;
        }
    return why_fail(why, STATUS_UNAVAILABLE, "no model for the dtype '%.40s'", text);
}

/* A count: digits, or any spelling of a number that is whole and not negative. */
static int count_read(const char *text, enum column column, int64_t *out, struct why *why)
{
    const char *p = text;
    double number;
    char *end;

    *out = 0;
    for (; *p >= '0' && *p <= '9' && p - text < 15; p++)
        *out = *out * 10 + (*p - '0');
    if (!*p)
        return 0;
    number = strtod(text, &end);
    if (strpbrk(text, "xX \t")) /* strtod knows more spellings than tables have */
        end = (char *)text;
    if (end != text && !*end && number >= 1e15)
        return why_fail(why, STATUS_INVALID, "'%s' is '%.40s': too large a number",
                        column_names[column], text);
    if (end == text || *end || !(number >= 0) || number != floor(number))
        return why_fail(why, STATUS_INVALID, "'%s' is '%.40s': not a whole number",
                        column_names[column], text);
    *out = (int64_t)number;
    return 0;
}

static int timing_read(const char *text, enum timing *timing, struct why *why)
{
    *timing = TIMING_KERNEL;
    for (int i = 0; i < TIMINGS && *text; i++)
        if (strcasecmp(timings[i], text) == 0) {
            *timing = (enum timing)i;
            return 0;
        }
    if (!*text)
        return 0;
    return why_fail(why, STATUS_INVALID, "'timing' is '%.40s': not kernel graph launch or eager",
                    text);
}

static int gpu_choose(struct row_reader *reader, const char *name, const struct gpu **gpu,
                      struct why *why)
{
    *gpu = reader->fallback;
    if (!*name && *gpu)
        return 0;
    if (!*name)
        return why_fail(why, STATUS_INVALID, "no gpu named; hint: --gpu NAME fills it in");
    if (reader->last && strcmp(reader->last_name, name) == 0) {
        *gpu = reader->last;
        return 0;
    }
    *gpu = gpu_find(name, why);
    if (!*gpu)
        return STATUS_INVALID;
    if (strlen(name) < sizeof reader->last_name) {
        strcpy(reader->last_name, name);
        reader->last = *gpu;
    }
    return 0;
}

static int counts_read(const char *const cell[COLUMNS], struct operation *op,
                       struct why *why)
{
    int64_t *const into[COLUMNS] = {
        [COLUMN_M] = &op->m,           [COLUMN_N] = &op->n,
        [COLUMN_K] = &op->k,           [COLUMN_BATCH] = &op->batch,
        [COLUMN_ROWS] = &op->rows,     [COLUMN_COLS] = &op->cols,
        [COLUMN_HEADS] = &op->heads,   [COLUMN_KV_HEADS] = &op->kv_heads,
        [COLUMN_HEAD_DIM] = &op->head_dim, [COLUMN_Q_LEN] = &op->q_len,
        [COLUMN_KV_LEN] = &op->kv_len, [COLUMN_WINDOW] = &op->window,
    };
    int status = 0;

    for (int i = 0; status == 0 && i < COLUMNS; i++)
        if (into[i] && cell[i][0])
            status = count_read(cell[i], (enum column)i, into[i], why);
    return status;
}

int row_read(struct row_reader *reader, const char *const cell[COLUMNS], struct row *row,
             struct why *why)
{
    struct operation *op = &row->operation;
    const char *causal = cell[COLUMN_CAUSAL], *memory = cell[COLUMN_MEMORY];
    int status = gpu_choose(reader, cell[COLUMN_GPU], &row->gpu, why);

    *op = (struct operation){.op = cell[COLUMN_OP], .dtype = DTYPE_F32};
    if (status == 0 && !*op->op)
        status = why_fail(why, STATUS_INVALID, "no op named");
    if (status == 0 && cell[COLUMN_DTYPE][0])
        status = dtype_read(cell[COLUMN_DTYPE], &op->dtype, &op->precision, why);
    op->kv_dtype = op->dtype;
    op->kv_precision = op->precision;
    if (status == 0 && cell[COLUMN_KV_DTYPE][0])
        status = dtype_read(cell[COLUMN_KV_DTYPE], &op->kv_dtype, &op->kv_precision, why);
    if (status == 0)
        status = counts_read(cell, op, why);
    if (status == 0)
        status = timing_read(cell[COLUMN_TIMING], &row->timing, why);
    if (status == 0 && *causal && !strchr("01nNfFyYtT", *causal))
        status = why_fail(why, STATUS_INVALID, "'causal' is '%.40s': not yes or no", causal);
    if (status == 0 && *memory && memory_parse(memory) < 0)
        status = why_fail(why, STATUS_INVALID, "'memory' is '%.40s': not pageable, pinned, "
                          "managed, mapped or device", memory);
    op->causal = *causal && !strchr("0nNfF", *causal);
    op->memory = *memory && status == 0 ? (enum memory)memory_parse(memory) : MEMORY_PAGEABLE;
    return status;
}
