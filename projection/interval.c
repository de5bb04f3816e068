/* SPDX-License-Identifier: MIT */
/* Held-out errors by cause, and their propagation into a call's interval. What was never
 * calibrated is stretched, so that it never looks certain. */
#include "projection/interval.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"

/* What a design without any timings is multiplied with; the least standard deviation, the noise
 * between two builds of one library; that of a host link: assumptions. */
static const double stranger = 2, least = 0.02, link_sigma = 0.55;

/* 90 % quantile of the normal distribution. */
static const double normal_90 = 1.2816;

static const char *const model_names[MODELS] = {"matrix", "prefill", "decode", "rows", "map",
                                                "reduce", "gather",  "launch", "copy"};
static const char *const type_names[NUMBER_TYPES] = {"f32", "16-bit", "8-bit", "mixed", "other"};
static const char *const class_names[CLASSES] = {
    "matrix f32", "matrix 16-bit", "matrix 8-bit", "matrix mixed", "prefill",
    "decode", "rows", "map", "gather"};
static const char *const kindred_names[KINDREDS] = {"gpu", "family", "none"};
static const char *const standing_names[STANDINGS] = {"usual", "odd"};
static const char *const cause_names[CAUSES] = {"compute", "memory", "latency", "tiles",
                                                "launch", "power", "link"};

/* Plain types first, then precisions in their order. */
static const char *const precision_names[KIND_PRECISIONS] = {
    "f32", "16-bit", "int8", "other", "tf32", "fp8", "fp8_block", "int8_wo", "int4_wo", "sq", "fp4",
    "dp4a"};
static const char *const part_names[PARTS] = {"products", "streams"};

const char *model_name(enum model model)
{
    return model_names[model];
}

const char *number_type_name(enum number_type type)
{
    return type_names[type];
}

const char *class_name(enum class class)
{
    return class_names[class];
}

const char *standing_name(enum standing standing)
{
    return standing_names[standing];
}

const char *cause_name(enum cause cause)
{
    return cause_names[cause];
}

const char *kindred_name(enum kindred kindred)
{
    return kindred_names[kindred];
}

static enum number_type type_of(const struct operation *op)
{
    switch (op->precision) {
    case PRECISION_PLAIN:
        break;
    case PRECISION_TF32:
    case PRECISION_DP4A:
        return NUMBER_OTHER;
    case PRECISION_FP8:
    case PRECISION_FP4:
        return NUMBER_SMALL;
    default:
        return NUMBER_MIXED;
    }
    if (op->dtype == DTYPE_I8)
        return NUMBER_SMALL;
    if (op->dtype == DTYPE_F32)
        return NUMBER_F32;
    return op->dtype == DTYPE_F16 || op->dtype == DTYPE_BF16 ? NUMBER_16 : NUMBER_OTHER;
}

/* Products and attention are one operation each, under the first of its names. */
static int operation_of(const struct op_kind *kind)
{
    int i = 0;

    while (op_kind_at(i) != kind &&
           (kind->model > MODEL_DECODE || op_kind_at(i)->model != kind->model))
        i++;
    return i;
}

struct kind kind_of(const struct op_kind *kind, const struct operation *op)
{
    struct kind k = {.operation = operation_of(kind)};

    if (op->precision != PRECISION_PLAIN)
        k.precision = 3 + (int)op->precision;
    else
        k.precision = op->dtype == DTYPE_F32                              ? 0
                      : op->dtype == DTYPE_F16 || op->dtype == DTYPE_BF16 ? 1
                      : op->dtype == DTYPE_I8                             ? 2
                                                                          : 3;
    return k;
}

bool kind_is_same(const struct kind *a, const struct kind *b)
{
    return a->operation == b->operation && a->precision == b->precision;
}

bool kind_is_timed(const struct intervals *t, const struct kind *kind)
{
    return t->timed[kind->operation] >> kind->precision & 1;
}

const char *kind_operation(const struct kind *kind)
{
    return op_kind_at(kind->operation)->name;
}

const char *precision_name(int precision)
{
    return precision_names[precision];
}

const char *part_name(enum part part)
{
    return part_names[part];
}

enum part part_of(enum model model)
{
    return model <= MODEL_DECODE ? PART_PRODUCTS : PART_STREAMS;
}

struct region region_of(const struct op_kind *kind, const struct operation *op,
                        const struct ledger *l)
{
    struct region r = {.model = kind->model, .type = type_of(op), .kind = kind_of(kind, op)};

    memcpy(r.share, l->share, sizeof r.share);
    for (int c = 1; c < CAUSES; c++)
        if (r.share[c] > r.share[r.cause])
            r.cause = (enum cause)c;
    return r;
}

bool region_is_same(const struct region *a, const struct region *b)
{
    return a->model == b->model && a->type == b->type && a->cause == b->cause;
}

enum class class_of(enum model model, enum number_type type)
{
    switch (model) {
    case MODEL_MATRIX:
        return type == NUMBER_16      ? CLASS_MATRIX_16
               : type == NUMBER_SMALL ? CLASS_MATRIX_SMALL
               : type == NUMBER_MIXED ? CLASS_MATRIX_MIXED
                                      : CLASS_MATRIX_F32;
    case MODEL_PREFILL:
        return CLASS_PREFILL;
    case MODEL_DECODE:
        return CLASS_DECODE;
    case MODEL_ROWS:
        return CLASS_ROWS;
    case MODEL_GATHER:
        return CLASS_GATHER;
    default:
        return CLASS_MAP;
    }
}

enum standing standing_of(const struct gpu *gpu)
{
    return gpu->family >= FAMILY_VOLTA && gpu->family < FAMILY_CDNA ? STANDING_USUAL
                                                                    : STANDING_ODD;
}

enum kindred kindred_of(const struct intervals *t, const struct gpu *gpu, enum class class,
                        enum cause cause)
{
    unsigned families = t->families[class];

    if (cause == CAUSE_LAUNCH)
        return KINDRED_NONE;
    for (int i = 0; i < 16 && t->gpu[class][i].text[0]; i++)
        if (strcmp(t->gpu[class][i].text, gpu->id.text) == 0)
            return KINDRED_GPU;
    for (int c = 0; cause == CAUSE_MEMORY && c < CLASSES; c++)
        families |= t->families[c];
    if (gpu->family != FAMILY_OTHER && families >> gpu->family & 1)
        return KINDRED_FAMILY;
    return KINDRED_NONE;
}

/* Standard deviation (ln) that figures read nowhere add, for each kind that times follow. */
static double datasheet_doubt(const struct gpu *gpu)
{
    static const char *const figure[] = {"units", "boost_mhz", "memory_gb_per_s", "tdp_w", "f16"};
    int doubtful = 0;

    for (size_t i = 0; i < sizeof figure / sizeof *figure; i++)
        doubtful += strstr(gpu->unverified, figure[i]) != NULL;
    return doubtful ? sqrt(doubtful) * assumption_find("datasheet_doubt", gpu->family)->value : 0;
}

struct spread spread_of(const struct intervals *t, enum standing standing,
                        const struct region *r, const enum kindred kindred[CAUSES])
{
    enum class class = class_of(r->model, r->type);
    double variance = least * least, deviation;

    for (int c = 0; c < CAUSES; c++) {
        double sigma = c == CAUSE_LINK ? link_sigma : t->sigma[standing][class][kindred[c]][c];

        variance += sigma * sigma * r->share[c] * r->share[c];
    }
    deviation = sqrt(variance);
    return (struct spread){-normal_90 * deviation, normal_90 * deviation,
                           sqrt(t->common[class]) * deviation};
}

struct spread interval_spread(const struct intervals *t, const struct gpu *gpu,
                              const struct region *r)
{
    enum class class = class_of(r->model, r->type);
    enum kindred kindred[CAUSES];
    struct spread s;
    double doubt;

    for (int c = 0; c < CAUSES; c++)
        kindred[c] = kindred_of(t, gpu, class, (enum cause)c);
    s = spread_of(t, standing_of(gpu), r, kindred);
    if (!kind_is_timed(t, &r->kind))
        spread_add(&s, t, r);
    if (gpu->family == FAMILY_OTHER) /* nothing of its design was ever calibrated */
        s = (struct spread){s.low * stranger, s.high * stranger, s.between * stranger};
    doubt = kindred[CAUSE_COMPUTE] == KINDRED_GPU ? 0 : datasheet_doubt(gpu);
    return (struct spread){-hypot(s.low, normal_90 * doubt), hypot(s.high, normal_90 * doubt),
                           s.between};
}

void spread_add(struct spread *s, const struct intervals *t, const struct region *r)
{
    double more = t->strange[part_of(r->model)] * (1 - r->share[CAUSE_LAUNCH]);

    /* A kind's error is one that all of its calls have in common. */
    *s = (struct spread){-hypot(s->low, normal_90 * more), hypot(s->high, normal_90 * more),
                         hypot(s->between, more)};
}

void intervals_init(struct intervals *t)
{
    memset(t, 0, sizeof *t);
}

void intervals_mark(struct intervals *t, const struct gpu *gpu, enum class class,
                    const struct kind *kind)
{
    struct name *name = t->gpu[class];

    t->families[class] |= 1u << gpu->family;
    t->timed[kind->operation] |= 1u << kind->precision;
    for (int i = 0; i < 16; i++) {
        if (strcmp(name[i].text, gpu->id.text) == 0)
            return;
        if (!name[i].text[0]) {
            name[i] = gpu->id;
            return;
        }
    }
}

static int word_of(const char *text, const char *const *words, int n)
{
    for (int i = 0; text && i < n; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return -1;
}

static int word_at(const json_t *row, size_t i, const char *const *words, int n)
{
    return word_of(json_string_value(json_array_get(row, i)), words, n);
}

static int row_read_json(struct intervals *t, const json_t *row, struct why *why)
{
    int s = word_at(row, 0, standing_names, STANDINGS), c = word_at(row, 1, class_names, CLASSES);
    int k = word_at(row, 2, kindred_names, KINDREDS);

    if (s < 0 || c < 0 || k < 0)
        return why_fail(why, STATUS_INVALID, "intervals: a row with an unknown word");
    for (int i = 0; i < CAUSE_LINK; i++)
        t->sigma[s][c][k][i] = json_number_value(json_array_get(row, 3 + (size_t)i));
    return 0;
}

/* A row of "calibrated": a class, its common share, its GPUs. */
static int calibrated_read(struct intervals *t, const json_t *row, struct why *why)
{
    int c = word_at(row, 0, class_names, CLASSES), n = 0;
    const json_t *names = json_array_get(row, 2);

    if (c < 0)
        return why_fail(why, STATUS_INVALID, "calibrated: a row with an unknown word");
    t->common[c] = json_number_value(json_array_get(row, 1));
    for (size_t i = 0; i < json_array_size(names) && n < 16; i++) {
        const struct gpu *gpu = gpu_find(json_string_value(json_array_get(names, i)), NULL);

        if (!gpu)
            continue;
        t->families[c] |= 1u << gpu->family;
        t->gpu[c][n++] = gpu->id;
    }
    return 0;
}

/* A row of "timed": an operation and its precisions. */
static int timed_read(struct intervals *t, const json_t *row, struct why *why)
{
    const struct op_kind *kind = op_kind_find(json_string_value(json_array_get(row, 0)));

    for (size_t i = 1; kind && i < json_array_size(row); i++) {
        int p = word_at(row, i, precision_names, KIND_PRECISIONS);

        if (p < 0)
            return why_fail(why, STATUS_INVALID, "timed: an unknown precision");
        t->timed[operation_of(kind)] |= 1u << p;
    }
    return kind ? 0 : why_fail(why, STATUS_INVALID, "timed: an unknown operation");
}

int intervals_read(struct intervals *t, const json_t *root, struct why *why)
{
    size_t i;
    json_t *row;
    int status = 0;

    intervals_init(t);
    json_array_foreach(json_object_get(root, "intervals"), i, row)
        if (status == 0)
            status = row_read_json(t, row, why);
    json_array_foreach(json_object_get(root, "calibrated"), i, row)
        if (status == 0)
            status = calibrated_read(t, row, why);
    json_array_foreach(json_object_get(root, "timed"), i, row)
        if (status == 0)
            status = timed_read(t, row, why);
    for (i = 0; i < PARTS; i++)
        t->strange[i] = json_number_value(
            json_object_get(json_object_get(root, "strange"), part_names[i]));
    return status;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct intervals builtin;

static void builtin_open(void)
{
    const struct embedded *file = embedded_find("projection/parameters.json");
    struct why why = {"not compiled in"};
    json_t *root = file ? json_loadb(file->text, file->n, 0, NULL) : NULL;

    if (!root || intervals_read(&builtin, root, &why) != 0) {
        fprintf(stderr, "the built-in intervals of the projection: %s\n", why.text);
        abort();
    }
    json_decref(root);
}

const struct intervals *intervals_builtin(void)
{
    pthread_once(&once, builtin_open);
    return &builtin;
}
