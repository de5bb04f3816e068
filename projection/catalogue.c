/* SPDX-License-Identifier: MIT */
/* The catalogue of GPUs: projection/gpus.json as compiled in, then the user's own files of
 * the same form. A field that a file leaves out stays NAN: the model says what it needs. */
#include "projection/projection.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/embedded.h"
#include "base/pcie.h"
#include "base/text.h"

enum { USER_GPUS = 64, CATALOGUE_GPUS = 96, GPU_NAMES = 5 };

/* A number of an entry: where it goes, its unit in the file, its sane range there. */
struct field {
    const char *key;
    size_t offset;
    double scale, least, most;
    bool is_required;
};

#define FIELD(key, member, scale, least, most, required)                               \
    {key, offsetof(struct gpu, member), scale, least, most, required}

static const struct field fields[] = {
    FIELD("units", units, 1, 1, 4096, true),
    FIELD("dies", dies, 1, 1, 8, false),
    FIELD("boost_mhz", boost_hz, 1e6, 100, 6000, true),
    FIELD("memory_gb", memory_bytes, 1e9, 0.1, 4096, true),
    FIELD("memory_gb_per_s", memory_bytes_per_s, 1e9, 1, 1e5, true),
    FIELD("l2_mb", l2_bytes, 1048576, 0.05, 4096, true),
    FIELD("l3_mb", l3_bytes, 1048576, 1, 65536, false),
    FIELD("f64_vector_tflops", f64_vector_flops_per_s, 1e12, 0.001, 1e5, false),
    FIELD("f64_tflops", flops_per_s[DTYPE_F64], 1e12, 0.001, 1e5, false),
    FIELD("f32_tflops", vector_flops_per_s, 1e12, 0.01, 1e5, true),
    FIELD("f32_matrix_tflops", flops_per_s[DTYPE_F32], 1e12, 0.01, 1e5, false),
    FIELD("tf32_tflops", tf32_flops_per_s, 1e12, 0.01, 1e6, false),
    FIELD("f16_tflops", flops_per_s[DTYPE_F16], 1e12, 0.01, 1e6, false),
    FIELD("bf16_tflops", flops_per_s[DTYPE_BF16], 1e12, 0.01, 1e6, false),
    FIELD("fp8_tflops", fp8_flops_per_s, 1e12, 0.01, 1e6, false),
    FIELD("i8_tops", flops_per_s[DTYPE_I8], 1e12, 0.01, 1e6, false),
    FIELD("link_gen", link_gen, 1, 1, 7, false),
    FIELD("link_lanes", link_lanes, 1, 1, 32, false),
    FIELD("tdp_w", tdp_w, 1, 1, 1e4, true),
};

enum { FIELDS = sizeof fields / sizeof *fields };

static struct {
    pthread_once_t once;
    pthread_mutex_t lock;
    struct gpu gpu[CATALOGUE_GPUS + USER_GPUS];
    int count;
} catalogue = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static void text_take(char *out, size_t size, const json_t *value)
{
    size_t used = 0;

    out[0] = '\0';
    if (json_is_string(value))
        snprintf(out, size, "%s", json_string_value(value));
    for (size_t i = 0; i < json_array_size(value) && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ";" : "",
                                 json_string_value(json_array_get(value, i)));
}

static void *field_at(struct gpu *gpu, const struct field *field)
{
    return (char *)gpu + field->offset;
}

static int gpu_number(struct gpu *gpu, const struct field *f, const json_t *entry,
                      struct why *why)
{
    const json_t *value = json_object_get(entry, f->key);
    double number = json_number_value(value);

    *(double *)field_at(gpu, f) = NAN;
    if (!value && !f->is_required)
        return 0;
    if (!value)
        return why_fail(why, STATUS_INVALID, "gpu '%s' has no '%s'; hint: 'list gpus "
                        "--verbose' shows the fields of an entry", gpu->id.text, f->key);
    if (!json_is_number(value))
        return why_fail(why, STATUS_INVALID, "gpu '%s': '%s' is not a number", gpu->id.text,
                        f->key);
    if (!(number >= f->least && number <= f->most))
        return why_fail(why, STATUS_INVALID, "gpu '%s': '%s' is %g, outside %g ... %g",
                        gpu->id.text, f->key, number, f->least, f->most);
    *(double *)field_at(gpu, f) = number * f->scale;
    return 0;
}

/* Keys that the form does not know are most often misspelt ones. */
static int keys_check(const struct gpu *gpu, const json_t *entry, struct why *why)
{
    static const char *const words[] = {"id",      "full",       "also",   "vendor", "arch",
                                        "sources", "unverified", "checked", "remark"};
    const char *name[FIELDS + 9], *key;
    char nearest[160];
    size_t n = 0, i;
    json_t *value;

    for (i = 0; i < 9; i++)
        name[n++] = words[i];
    for (i = 0; i < FIELDS; i++)
        name[n++] = fields[i].key;
    json_object_foreach((json_t *)entry, key, value) {
        for (i = 0; i < n && strcmp(name[i], key) != 0; i++)
            continue;
        if (i < n)
            continue;
        text_nearest(nearest, sizeof nearest, key, name, n);
        return why_fail(why, STATUS_INVALID, "gpu '%s': unknown field '%s'%s", gpu->id.text,
                        key, nearest);
    }
    return 0;
}

/* Generation by the words of 'arch'; the first row whose words all occur wins. */
static enum family family_of(const struct gpu *gpu)
{
    static const struct {
        const char *word, *more;
        enum family family;
    } rows[] = {
        {"Pascal", "", FAMILY_PASCAL},         {"Volta", "", FAMILY_VOLTA},
        {"Turing", "", FAMILY_TURING},         {"Ampere", "GA10x", FAMILY_AMPERE_RTX},
        {"Ampere", "GA102", FAMILY_AMPERE_RTX}, {"Ampere", "GA104", FAMILY_AMPERE_RTX},
        {"Ampere", "GA106", FAMILY_AMPERE_RTX}, {"Ampere", "GA10B", FAMILY_AMPERE_RTX},
        {"Ampere", "", FAMILY_AMPERE},         {"Ada", "", FAMILY_ADA},
        {"Hopper", "", FAMILY_HOPPER},         {"Blackwell", "GB20", FAMILY_BLACKWELL_RTX},
        {"Blackwell", "", FAMILY_BLACKWELL},   {"CDNA3", "", FAMILY_CDNA3},
        {"CDNA4", "", FAMILY_CDNA3},           {"CDNA", "", FAMILY_CDNA},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcasestr(gpu->arch.text, rows[i].word) &&
            strcasestr(gpu->arch.text, rows[i].more))
            return rows[i].family;
    return FAMILY_OTHER;
}

static void derived_fill(struct gpu *gpu)
{
    if (isnan(gpu->dies))
        gpu->dies = 1;
    if (isnan(gpu->flops_per_s[DTYPE_F32]))
        gpu->flops_per_s[DTYPE_F32] = gpu->vector_flops_per_s;
    gpu->flops_per_s[DTYPE_I32] = NAN;
    gpu->flops_per_s[DTYPE_E4M3] = gpu->fp8_flops_per_s;
    if (isnan(gpu->flops_per_s[DTYPE_F64]))
        gpu->flops_per_s[DTYPE_F64] = gpu->f64_vector_flops_per_s;
    gpu->family = family_of(gpu);
    gpu->link_bytes_per_s = gpu->link_lanes * pcie_lane_bytes_per_s(gpu->link_gen);
}

static int gpu_read(struct gpu *gpu, const json_t *entry, struct why *why)
{
    const json_t *also = json_object_get(entry, "also");
    int status;

    *gpu = (struct gpu){0};
    if (!json_is_object(entry))
        return why_fail(why, STATUS_INVALID, "a gpu's entry is not an object");
    text_take(gpu->id.text, sizeof gpu->id.text, json_object_get(entry, "id"));
    if (!gpu->id.text[0])
        return why_fail(why, STATUS_INVALID, "a gpu's entry has no 'id'");
    text_take(gpu->full.text, sizeof gpu->full.text, json_object_get(entry, "full"));
    if (!gpu->full.text[0])
        gpu->full = gpu->id;
    for (size_t i = 0; i < 3; i++)
        text_take(gpu->also[i].text, sizeof gpu->also[i].text, json_array_get(also, i));
    text_take(gpu->vendor.text, sizeof gpu->vendor.text, json_object_get(entry, "vendor"));
    text_take(gpu->arch.text, sizeof gpu->arch.text, json_object_get(entry, "arch"));
    text_take(gpu->sources, sizeof gpu->sources, json_object_get(entry, "sources"));
    text_take(gpu->unverified, sizeof gpu->unverified, json_object_get(entry, "unverified"));
    text_take(gpu->remark, sizeof gpu->remark, json_object_get(entry, "remark"));
    status = keys_check(gpu, entry, why);
    for (size_t i = 0; status == 0 && i < FIELDS; i++)
        status = gpu_number(gpu, &fields[i], entry, why);
    if (status == 0)
        derived_fill(gpu);
    return status;
}

/* Append the entries of `root` up to `limit` GPUs in all; a GPU of the same id is replaced. */
static int catalogue_append(const json_t *root, int limit, const struct gpu **first,
                            struct why *why)
{
    size_t n = json_is_array(root) ? json_array_size(root) : 1;

    if (n == 0)
        return why_fail(why, STATUS_INVALID, "it holds no gpu");
    for (size_t i = 0; i < n; i++) {
        struct gpu gpu;
        const json_t *entry = json_is_array(root) ? json_array_get(root, i) : root;
        int at = 0, status = gpu_read(&gpu, entry, why);

        if (status != 0)
            return status;
        while (at < catalogue.count &&
               strcasecmp(catalogue.gpu[at].id.text, gpu.id.text) != 0)
            at++;
        if (at == limit)
            return why_fail(why, STATUS_INVALID, "more than %d gpus", limit);
        catalogue.gpu[at] = gpu;
        catalogue.count += at == catalogue.count;
        if (i == 0 && first)
            *first = &catalogue.gpu[at];
    }
    return 0;
}

static void catalogue_open(void)
{
    const struct embedded *file = embedded_find("projection/gpus.json");
    struct why why = {""};
    json_t *root = file ? json_loadb(file->text, file->n, 0, NULL) : NULL;

    if (!root || catalogue_append(root, CATALOGUE_GPUS, NULL, &why) != 0) {
        fprintf(stderr, "the built-in catalogue of gpus is broken: %s\n", why.text);
        abort();
    }
    json_decref(root);
}

int gpu_count(void)
{
    pthread_once(&catalogue.once, catalogue_open);
    return catalogue.count;
}

const struct gpu *gpu_at(int index)
{
    return index >= 0 && index < gpu_count() ? &catalogue.gpu[index] : NULL;
}

/* Equal but for case and for '-', '_' and ' '. */
static bool name_is(const char *name, const char *word)
{
    for (;; name++, word++) {
        while (*name && strchr("-_ ", *name))
            name++;
        while (*word && strchr("-_ ", *word))
            word++;
        if (tolower((unsigned char)*name) != tolower((unsigned char)*word))
            return false;
        if (!*name)
            return true;
    }
}

static bool gpu_is(const struct gpu *gpu, const char *name)
{
    if (name_is(gpu->id.text, name) || name_is(gpu->full.text, name))
        return true;
    for (int i = 0; i < 3 && gpu->also[i].text[0]; i++)
        if (name_is(gpu->also[i].text, name))
            return true;
    return false;
}

const struct gpu *gpu_find(const char *name, struct why *why)
{
    const char *ids[CATALOGUE_GPUS + USER_GPUS];
    int n = gpu_count();
    char nearest[160];

    for (int i = n - 1; i >= 0 && name[0]; i--)
        if (gpu_is(&catalogue.gpu[i], name))
            return &catalogue.gpu[i];
    for (int i = 0; i < n; i++)
        ids[i] = catalogue.gpu[i].id.text;
    text_nearest(nearest, sizeof nearest, name, ids, (size_t)n);
    why_fail(why, STATUS_INVALID, "no gpu '%s' in the catalogue%s; hint: 'list gpus' names "
             "them, '--gpu FILE.json' adds your own", name, nearest);
    return NULL;
}

int gpu_load(const char *path, const struct gpu **first, struct why *why)
{
    struct text text = {0};
    struct why inner = {""};
    json_error_t error;
    json_t *root = NULL;
    int status = text_read_file(&text, path, why);

    gpu_count();
    if (status != 0)
        goto out;
    root = json_loadb(text.data ? text.data : "", text.n, 0, &error);
    if (!root) {
        status = why_fail(why, STATUS_INVALID, "'%s' is not JSON: line %d: %s", path,
                          error.line, error.text);
        goto out;
    }
    pthread_mutex_lock(&catalogue.lock);
    status = catalogue_append(root, CATALOGUE_GPUS + USER_GPUS, first, &inner);
    pthread_mutex_unlock(&catalogue.lock);
    if (status != 0)
        why_fail(why, status, "'%s': %.300s", path, inner.text);
out:
    json_decref(root);
    text_release(&text);
    return status;
}
