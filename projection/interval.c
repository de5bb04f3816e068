/* SPDX-License-Identifier: MIT */
/* Held-out residuals as a small table, and what is done where it has gaps: borrow from the
 * next wider region and widen, so that what was never calibrated never looks certain. */
#include "projection/interval.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/embedded.h"

/* Times that separate the bands, microseconds: launch-bound, in between, throughput-bound. */
static const double band_edge_us[] = {20, 200};
/* What a borrowed spread is multiplied with, and the least and the last resort. */
static const double strange = 1.25, stranger = 2, narrowest = 0.03, last_resort = 0.7;

static const char *const model_names[MODELS] = {"matrix", "prefill", "decode", "rows", "map",
                                                "reduce", "gather",  "launch", "copy"};
static const char *const type_names[NUMBER_TYPES] = {"f32", "16-bit", "8-bit", "other"};
static const char *const band_names[BANDS] = {"short", "middle", "long"};
static const char *const kindred_names[KINDREDS] = {"gpu", "family", "none"};
static const char *const timing_names[2] = {"device", "eager"};

const char *model_name(enum model model)
{
    return model_names[model];
}

const char *number_type_name(enum number_type type)
{
    return type_names[type];
}

const char *band_name(enum band band)
{
    return band_names[band];
}

const char *kindred_name(enum kindred kindred)
{
    return kindred_names[kindred];
}

static enum number_type type_of(const struct operation *op)
{
    if (op->precision == PRECISION_TF32)
        return NUMBER_OTHER;
    if (op->precision != PRECISION_PLAIN || op->dtype == DTYPE_I8)
        return NUMBER_SMALL;
    if (op->dtype == DTYPE_F32)
        return NUMBER_F32;
    return op->dtype == DTYPE_F16 || op->dtype == DTYPE_BF16 ? NUMBER_16 : NUMBER_OTHER;
}

struct region region_of(const struct op_kind *kind, const struct operation *op,
                        enum timing timing, double total_us)
{
    return (struct region){kind->model, type_of(op), timing == TIMING_EAGER,
                           total_us < band_edge_us[0]   ? BAND_SHORT
                           : total_us < band_edge_us[1] ? BAND_MIDDLE
                                                        : BAND_LONG};
}

enum kindred kindred_of(const struct intervals *t, const struct gpu *gpu,
                        const struct region *r)
{
    const struct name *name = t->gpu[r->model][r->type];

    for (int i = 0; i < 16 && name[i].text[0]; i++)
        if (strcmp(name[i].text, gpu->id.text) == 0)
            return KINDRED_GPU;
    if (gpu->family != FAMILY_OTHER && t->families[r->model][r->type] >> gpu->family & 1)
        return KINDRED_FAMILY;
    return KINDRED_NONE;
}

/* Standard deviation (ln) that figures read nowhere add: assumed 10 % for each kind of figure
 * that times follow. */
static double datasheet_doubt(const struct gpu *gpu)
{
    static const char *const figure[] = {"units", "boost_mhz", "memory_gb_per_s", "tdp_w", "f16"};
    double variance = 0;

    for (size_t i = 0; i < sizeof figure / sizeof *figure; i++)
        if (strstr(gpu->unverified, figure[i]))
            variance += 0.1 * 0.1;
    return sqrt(variance);
}

struct spread interval_spread(const struct intervals *t, const struct gpu *gpu,
                              const struct region *r)
{
    enum kindred kindred = kindred_of(t, gpu, r);
    struct spread s = t->spread[kindred][r->model][r->type][r->is_eager][r->band];
    double doubt = kindred == KINDRED_GPU ? 0 : datasheet_doubt(gpu);

    if (gpu->family == FAMILY_OTHER) /* nothing of its design was ever calibrated */
        s = (struct spread){s.low * stranger, s.high * stranger, s.between * stranger};
    return (struct spread){-hypot(s.low, 1.2816 * doubt), hypot(s.high, 1.2816 * doubt),
                           s.between};
}

void intervals_init(struct intervals *t)
{
    struct spread *spread = &t->spread[0][0][0][0][0];

    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < sizeof t->spread / sizeof *spread; i++)
        spread[i] = (struct spread){NAN, NAN, NAN};
}

void intervals_mark(struct intervals *t, const struct gpu *gpu, const struct region *r)
{
    struct name *name = t->gpu[r->model][r->type];

    t->families[r->model][r->type] |= 1u << gpu->family;
    for (int i = 0; i < 16; i++) {
        if (strcmp(name[i].text, gpu->id.text) == 0)
            return;
        if (!name[i].text[0]) {
            name[i] = gpu->id;
            return;
        }
    }
}

static struct spread wider(struct spread a, struct spread b)
{
    if (isnan(a.low))
        return b;
    return isnan(b.low) ? a : (struct spread){fmin(a.low, b.low), fmax(a.high, b.high),
                                             fmax(a.between, b.between)};
}

static struct spread stretched(struct spread s)
{
    return (struct spread){s.low * strange, s.high * strange, s.between * strange};
}

/* The widest spread known of a model among the cells that agree on type and timing (-1:
 * any). */
static struct spread pooled(const struct intervals *t, int kindred, int model, int type,
                            int is_eager)
{
    struct spread pool = {NAN, NAN, NAN};

    for (int y = 0; y < NUMBER_TYPES; y++)
        for (int e = 0; e < 2; e++)
            for (int b = 0; b < BANDS; b++)
                if ((type < 0 || y == type) && (is_eager < 0 || e == is_eager))
                    pool = wider(pool, t->spread[kindred][model][y][e][b]);
    return pool;
}

/* A generation with one calibrated GPU tells of its next: more than nothing, less than itself. */
static struct spread halfway(const struct spread *a, const struct spread *b)
{
    return (struct spread){-sqrt(a->low * b->low), sqrt(a->high * b->high),
                           sqrt(a->between * b->between)};
}

/* What stands in for a gap: the same call farther away; other bands; the other timing; other
 * types of number, from the farthest kindred down. */
static struct spread borrowed(const struct intervals *known, int k, const struct region *r)
{
    int m = (int)r->model, y = (int)r->type;
    struct spread s = {NAN, NAN, NAN};

    if (k == KINDRED_FAMILY)
        s = halfway(&known->spread[KINDRED_GPU][m][y][r->is_eager][r->band],
                    &known->spread[KINDRED_NONE][m][y][r->is_eager][r->band]);
    for (int far = k; isnan(s.low) && far < KINDREDS; far++)
        s = known->spread[far][m][y][r->is_eager][r->band];
    for (int far = k; isnan(s.low) && far < KINDREDS; far++)
        s = pooled(known, far, m, y, r->is_eager);
    for (int far = k; isnan(s.low) && far < KINDREDS; far++)
        s = stretched(pooled(known, far, m, y, -1));
    for (int far = KINDREDS - 1; isnan(s.low) && far >= 0; far--)
        s = stretched(stretched(pooled(known, far, m, -1, -1)));
    return isnan(s.low) ? (struct spread){-last_resort, last_resort, last_resort / 2} : s;
}

void intervals_fill(struct intervals *t)
{
    struct intervals *known = malloc(sizeof *known);

    if (!known)
        return;
    *known = *t;
    for (int cell = 0; cell < MODELS * NUMBER_TYPES * 2 * BANDS; cell++) {
        struct region r = {.band = (enum band)(cell % BANDS), .is_eager = cell / BANDS % 2,
                           .type = (enum number_type)(cell / BANDS / 2 % NUMBER_TYPES),
                           .model = (enum model)(cell / BANDS / 2 / NUMBER_TYPES)};
        struct spread near = {-narrowest, narrowest, 0};

        for (int k = 0; k < KINDREDS; k++) {
            struct spread *s = &t->spread[k][r.model][r.type][r.is_eager][r.band];

            if (isnan(s->low))
                *s = borrowed(known, k, &r);
            near = *s = wider(*s, near);
        }
    }
    t->is_filled = true;
    free(known);
}

static int word_of(const char *text, const char *const *words, int n)
{
    for (int i = 0; text && i < n; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return -1;
}

static int row_read_json(struct intervals *t, const json_t *row, struct why *why)
{
    int k = word_of(json_string_value(json_array_get(row, 0)), kindred_names, KINDREDS);
    int m = word_of(json_string_value(json_array_get(row, 1)), model_names, MODELS);
    int y = word_of(json_string_value(json_array_get(row, 2)), type_names, NUMBER_TYPES);
    int e = word_of(json_string_value(json_array_get(row, 3)), timing_names, 2);
    int b = word_of(json_string_value(json_array_get(row, 4)), band_names, BANDS);

    if (k < 0 || m < 0 || y < 0 || e < 0 || b < 0)
        return why_fail(why, STATUS_INVALID, "intervals: a row with an unknown word");
    t->spread[k][m][y][e][b] =
        (struct spread){json_number_value(json_array_get(row, 5)),
                        json_number_value(json_array_get(row, 6)),
                        json_number_value(json_array_get(row, 7))};
    return 0;
}

static void calibrated_read(struct intervals *t, const json_t *rows)
{
    size_t i, j;
    json_t *row, *name;

    json_array_foreach((json_t *)rows, i, row) {
        int m = word_of(json_string_value(json_array_get(row, 0)), model_names, MODELS);
        int y = word_of(json_string_value(json_array_get(row, 1)), type_names, NUMBER_TYPES);

        json_array_foreach(json_array_get(row, 2), j, name) {
            const struct gpu *gpu = gpu_find(json_string_value(name), NULL);
            struct region r = {.model = (enum model)m, .type = (enum number_type)y};

            if (m >= 0 && y >= 0 && gpu)
                intervals_mark(t, gpu, &r);
        }
    }
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
    calibrated_read(t, json_object_get(root, "calibrated"));
    intervals_fill(t);
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
