/* SPDX-License-Identifier: MIT */
/* The fields of an entry as one table: where a number goes, its unit and sane range, and what
 * stands in when a file leaves it out. People get the same table back, with the sources. */
#include "projection/datasheet.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/pcie.h"
#include "base/text.h"
#include "projection/parameters.h"

/* A number of an entry; `without`: what follows when it is not given, NULL: it must be. */
struct field {
    const char *key, *unit;
    size_t offset;
    double scale, least, most;
    const char *without;
};

#define FIELD(key, member, unit, scale, least, most, without)                          \
    {key, unit, offsetof(struct gpu, member), scale, least, most, without}

static const struct field fields[] = {
    FIELD("units", units, "SM, CU", 1, 1, 4096, NULL),
    FIELD("dies", dies, "", 1, 1, 8, "1 is taken"),
    FIELD("boost_mhz", boost_hz, "MHz", 1e6, 100, 6000, NULL),
    FIELD("memory_gb", memory_bytes, "GB", 1e9, 0.1, 4096, NULL),
    FIELD("memory_gb_per_s", memory_bytes_per_s, "GB/s", 1e9, 8, 1e5, NULL),
    FIELD("l2_mb", l2_bytes, "MiB", 1048576, 0.05, 4096, NULL),
    FIELD("l3_mb", l3_bytes, "MiB", 1048576, 1, 65536, "no time follows it"),
    FIELD("f64_vector_tflops", f64_vector_flops_per_s, "TFLOP/s", 1e12, 0.001, 1e5,
          "f64 is not projected"),
    FIELD("f64_tflops", flops_per_s[DTYPE_F64], "TFLOP/s", 1e12, 0.001, 1e5,
          "f64_vector_tflops is taken"),
    FIELD("f32_tflops", vector_flops_per_s, "TFLOP/s", 1e12, 0.01, 1e5, NULL),
    FIELD("f32_matrix_tflops", flops_per_s[DTYPE_F32], "TFLOP/s", 1e12, 0.01, 1e5,
          "f32_tflops is taken"),
    FIELD("tf32_tflops", tf32_flops_per_s, "TFLOP/s", 1e12, 0.01, 1e6, "tf32 is not projected"),
    FIELD("f16_tflops", flops_per_s[DTYPE_F16], "TFLOP/s", 1e12, 0.01, 1e6,
          "bf16_tflops, or else f32_tflops, is taken"),
    FIELD("bf16_tflops", flops_per_s[DTYPE_BF16], "TFLOP/s", 1e12, 0.01, 1e6,
          "f32_tflops is taken"),
    FIELD("fp8_tflops", fp8_flops_per_s, "TFLOP/s", 1e12, 0.01, 1e6, "fp8 is not projected"),
    FIELD("i8_tops", flops_per_s[DTYPE_I8], "TOP/s", 1e12, 0.01, 1e6, "i8 is not projected"),
    FIELD("link_gen", link_gen, "PCIe", 1, 1, 7, "copies over the link are not projected"),
    FIELD("link_lanes", link_lanes, "lanes", 1, 1, 32, "copies over the link are not projected"),
    FIELD("tdp_w", tdp_w, "W", 1, 1, 1e4, NULL),
};

enum { FIELDS = sizeof fields / sizeof *fields };

_Static_assert((int)FIELDS < (int)GPU_FACTS && FIELDS <= 32, "fields do not fit");

static double *number_at(const struct gpu *gpu, const struct field *field)
{
    return (double *)((char *)gpu + field->offset);
}

static const struct field *field_find(const char *key)
{
    for (size_t i = 0; key && i < FIELDS; i++)
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    return NULL;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Append a text to `out` behind `lead`; false when it is none, or too long for its place. */
static bool text_take(char *out, size_t size, const char *lead, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t used = strlen(out);

    for (const char *c = text; c && *c; c++)
        if (iscntrl((unsigned char)*c))
            return false;
    return text && snprintf(out + used, size - used, "%s%s", lead, text) < (int)(size - used);
}

/* A text, or texts that ';' separates; nothing where the entry has none. */
static int words_read(char *out, size_t size, const json_t *entry, const char *key,
                      struct why *why)
{
    const json_t *value = json_object_get(entry, key);
    size_t i = 0;
    json_t *one;
    bool is_fit = !value || json_is_array(value) || text_take(out, size, "", value);

    json_array_foreach((json_t *)value, i, one)
        is_fit = is_fit && text_take(out, size, i ? ";" : "", one);
    return is_fit ? 0
                  : why_fail(why, STATUS_INVALID, "'%s' is no printable text of at most %zu bytes",
                             key, size - 1);
}

/* Further names, one by one. */
static int names_read(struct gpu *gpu, const json_t *also, struct why *why)
{
    bool is_fit = !also || (json_is_array(also) && json_array_size(also) <= 3);

    for (size_t i = 0; is_fit && i < json_array_size(also); i++)
        is_fit = text_take(gpu->also[i].text, sizeof gpu->also[i].text, "",
                           json_array_get(also, i));
    return is_fit ? 0 : why_fail(why, STATUS_INVALID, "'also' is no list of at most 3 names");
}

/* {"field": "where it comes from"} as lines. */
static int source_of_read(struct gpu *gpu, const json_t *object, struct why *why)
{
    const char *key;
    json_t *value;

    if (object && !json_is_object(object))
        return why_fail(why, STATUS_INVALID, "'source_of' is no object of fields");
    json_object_foreach((json_t *)object, key, value) {
        char lead[80];

        snprintf(lead, sizeof lead, "%s%.60s: ", gpu->source_of[0] ? "\n" : "", key);
        if (!field_find(key) ||
            !text_take(gpu->source_of, sizeof gpu->source_of, lead, value))
            return why_fail(why, STATUS_INVALID, "'source_of' says of '%.60s' what is no text, too "
                            "long, or of no number of an entry", key);
    }
    return 0;
}

static int unverified_check(const json_t *list, struct why *why)
{
    size_t i;
    json_t *key;

    json_array_foreach((json_t *)list, i, key)
        if (!field_find(json_string_value(key)))
            return why_fail(why, STATUS_INVALID, "'unverified' names '%.60s', no number of an "
                            "entry", json_is_string(key) ? json_string_value(key) : "?");
    return list && !json_is_array(list)
               ? why_fail(why, STATUS_INVALID, "'unverified' is no list of fields") : 0;
}

static int texts_read(struct gpu *gpu, const json_t *entry, struct why *why)
{
    const struct {
        char *out;
        size_t size;
        const char *key;
    } texts[] = {
        {gpu->id.text, sizeof gpu->id.text, "id"},
        {gpu->full.text, sizeof gpu->full.text, "full"},
        {gpu->vendor.text, sizeof gpu->vendor.text, "vendor"},
        {gpu->arch.text, sizeof gpu->arch.text, "arch"},
        {gpu->sources, sizeof gpu->sources, "sources"},
        {gpu->unverified, sizeof gpu->unverified, "unverified"},
        {gpu->remark, sizeof gpu->remark, "remark"},
    };
    int status = 0;

    for (size_t i = 0; i < sizeof texts / sizeof *texts && status == 0; i++)
        status = words_read(texts[i].out, texts[i].size, entry, texts[i].key, why);
    if (status == 0 && !gpu->id.text[0])
        status = why_fail(why, STATUS_INVALID, "it has no 'id'");
    if (!gpu->full.text[0])
        gpu->full = gpu->id;
    if (status == 0)
        status = names_read(gpu, json_object_get(entry, "also"), why);
    if (status == 0)
        status = unverified_check(json_object_get(entry, "unverified"), why);
    return status ? status : source_of_read(gpu, json_object_get(entry, "source_of"), why);
}

static int number_read(struct gpu *gpu, const struct field *f, const json_t *entry,
                       struct why *why)
{
    const json_t *value = json_object_get(entry, f->key);
    double number = json_number_value(value);

    *number_at(gpu, f) = NAN;
    if (!value && f->without)
        return 0;
    if (!value)
        return why_fail(why, STATUS_INVALID, "it has no '%s'; hint: 'list gpus --verbose' shows "
                        "the fields of an entry", f->key);
    if (!json_is_number(value))
        return why_fail(why, STATUS_INVALID, "'%s' is not a number", f->key);
    if (!(number >= f->least && number <= f->most))
        return why_fail(why, STATUS_INVALID, "'%s' is %g, outside %g ... %g%s%s", f->key, number,
                        f->least, f->most, *f->unit ? " " : "", f->unit);
    *number_at(gpu, f) = number * f->scale;
    return 0;
}

/* Keys that the form does not know are most often misspelt ones. */
static int keys_check(const json_t *entry, struct why *why)
{
    const char *name[FIELDS + 9] = {"id",      "full",       "also",      "vendor", "arch",
                                    "sources", "unverified", "source_of", "remark"};
    const char *key;
    char nearest[160];
    json_t *value;

    for (size_t i = 0; i < FIELDS; i++)
        name[9 + i] = fields[i].key;
    json_object_foreach((json_t *)entry, key, value) {
        size_t i = 0;

        while (i < FIELDS + 9 && strcmp(name[i], key) != 0)
            i++;
        if (i < FIELDS + 9)
            continue;
        text_nearest(nearest, sizeof nearest, key, name, FIELDS + 9);
        return why_fail(why, STATUS_INVALID, "unknown field '%.60s'%s", key, nearest);
    }
    return 0;
}

/* Figures in range one by one may still be in another unit: per unit and clock no GPU does less
 * than 2 f32 operations, none more than 4096, and no matrix pipe more than 65536. */
static int rates_check(const struct gpu *gpu, struct why *why)
{
    double clocks = gpu->units * gpu->boost_hz;

    for (size_t i = 0; i < FIELDS; i++) {
        const struct field *f = &fields[i];
        double rate = *number_at(gpu, f) / clocks;
        bool is_vector = f->offset == offsetof(struct gpu, vector_flops_per_s);

        if (f->scale != 1e12 || isnan(rate))
            continue;
        if (rate > (is_vector ? 4096 : 65536) || (is_vector && rate < 2))
            return why_fail(why, STATUS_INVALID, "'%s' is %g: %.3g operations per unit and clock, "
                            "which no GPU has; hint: its unit is %s, and 'units' and 'boost_mhz' "
                            "must be those of the whole board", f->key,
                            *number_at(gpu, f) / f->scale, rate, f->unit);
    }
    return 0;
}

/* Generation by the words of 'arch'; the first row whose words all occur wins. */
static const struct {
    const char *word, *more;
    enum family family;
} archs[] = {
    {"Pascal", "", FAMILY_PASCAL},          {"Volta", "", FAMILY_VOLTA},
    {"Turing", "", FAMILY_TURING},          {"Ampere", "GA10x", FAMILY_AMPERE_RTX},
    {"Ampere", "GA102", FAMILY_AMPERE_RTX}, {"Ampere", "GA104", FAMILY_AMPERE_RTX},
    {"Ampere", "GA106", FAMILY_AMPERE_RTX}, {"Ampere", "GA10B", FAMILY_AMPERE_RTX},
    {"Ampere", "", FAMILY_AMPERE},          {"Ada", "", FAMILY_ADA},
    {"Hopper", "", FAMILY_HOPPER},          {"Blackwell", "GB20", FAMILY_BLACKWELL_RTX},
    {"Blackwell", "", FAMILY_BLACKWELL},    {"CDNA3", "", FAMILY_CDNA3},
    {"CDNA4", "", FAMILY_CDNA3},            {"CDNA", "", FAMILY_CDNA},
    {"Xe", "", FAMILY_OTHER},               {"other", "", FAMILY_OTHER},
};

enum { ARCHS = sizeof archs / sizeof *archs };

static int family_read(struct gpu *gpu, struct why *why)
{
    const char *word[ARCHS];
    char nearest[160];

    for (size_t i = 0; i < ARCHS; i++) {
        word[i] = archs[i].word;
        if (strcasestr(gpu->arch.text, archs[i].word) &&
            strcasestr(gpu->arch.text, archs[i].more)) {
            gpu->family = archs[i].family;
            return 0;
        }
    }
    text_nearest(nearest, sizeof nearest, gpu->arch.text, word, ARCHS);
    return why_fail(why, STATUS_INVALID, "'arch' is '%.40s', no generation known%s; hint: Pascal, "
                    "Volta, Turing, Ampere, Ampere GA10x, Ada, Hopper, Blackwell, Blackwell GB20x, "
                    "CDNA1 to CDNA4, Xe; 'other' takes what all have in common, with wide "
                    "intervals", gpu->arch.text, nearest);
}

static void derived_fill(struct gpu *gpu)
{
    for (size_t i = 0; i < FIELDS; i++)
        gpu->derived |= isnan(*number_at(gpu, &fields[i])) ? 1u << i : 0;
    if (isnan(gpu->dies))
        gpu->dies = 1;
    if (isnan(gpu->flops_per_s[DTYPE_F32]))
        gpu->flops_per_s[DTYPE_F32] = gpu->vector_flops_per_s;
    gpu->flops_per_s[DTYPE_I32] = NAN;
    gpu->flops_per_s[DTYPE_E4M3] = gpu->fp8_flops_per_s;
    if (isnan(gpu->flops_per_s[DTYPE_F64]))
        gpu->flops_per_s[DTYPE_F64] = gpu->f64_vector_flops_per_s;
    gpu->link_bytes_per_s = gpu->link_lanes * pcie_lane_bytes_per_s(gpu->link_gen);
}

int datasheet_read(struct gpu *gpu, const json_t *entry, const char *file, struct why *why)
{
    const char *base = file ? strrchr(file, '/') : NULL;
    int status;

    *gpu = (struct gpu){0};
    if (!json_is_object(entry))
        return why_fail(why, STATUS_INVALID, "it is not an object");
    if (file)
        gpu->file = name_of(base ? base + 1 : file);
    status = texts_read(gpu, entry, why);
    if (status == 0)
        status = keys_check(entry, why);
    for (size_t i = 0; status == 0 && i < FIELDS; i++)
        status = number_read(gpu, &fields[i], entry, why);
    if (status == 0)
        status = family_read(gpu, why);
    if (status == 0)
        status = rates_check(gpu, why);
    if (status == 0)
        derived_fill(gpu);
    return status;
}

/* ---- telling ----------------------------------------------------------------------------- */

static bool list_has(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ';') && (at[n] == ';' || !at[n]))
            return true;
    return false;
}

/* The line of `source_of` about a field, "" when there is none. */
static void own_source(const struct gpu *gpu, const char *key, char *out, size_t size)
{
    size_t n = strlen(key);
    const char *line = gpu->source_of;

    out[0] = '\0';
    while (line && (strncmp(line, key, n) != 0 || line[n] != ':'))
        line = (line = strchr(line, '\n')) ? line + 1 : NULL;
    if (line)
        snprintf(out, size, "%.*s", (int)strcspn(line + n + 2, "\n"), line + n + 2);
}

/* The entry's sources by number; a user's file speaks for itself. */
static void sources_number(const struct gpu *gpu, char *out, size_t size)
{
    size_t used = 0;
    int n = gpu->sources[0] != '\0';

    for (const char *c = gpu->sources; *c; c++)
        n += *c == ';';
    if (n == 0)
        snprintf(out, size, "'%s', which names no source", gpu->file.text);
    for (int i = 1; i <= n; i++)
        used += (size_t)snprintf(out + used, size - used, i > 1 ? ", %d" : "source %d", i);
}

static void source_tell(const struct gpu *gpu, int i, struct gpu_fact *fact)
{
    char own[200];

    own_source(gpu, fact->name, own, sizeof own);
    fact->is_unverified = list_has(gpu->unverified, fact->name);
    if (gpu->derived >> i & 1)
        snprintf(fact->source, sizeof fact->source, "not given: %s", fields[i].without);
    else if (fact->is_unverified)
        snprintf(fact->source, sizeof fact->source, "unverified: %s",
                 *own ? own : "no source was read");
    else if (*own)
        snprintf(fact->source, sizeof fact->source, "%s", own);
    else
        sources_number(gpu, fact->source, sizeof fact->source);
}

int gpu_facts(const struct gpu *gpu, struct gpu_fact fact[GPU_FACTS])
{
    for (int i = 0; i < FIELDS; i++) {
        fact[i] = (struct gpu_fact){fields[i].key, fields[i].unit,
                                    *number_at(gpu, &fields[i]) / fields[i].scale, false, ""};
        source_tell(gpu, i, &fact[i]);
    }
    fact[FIELDS] = (struct gpu_fact){"link", "GB/s", gpu->link_bytes_per_s * 1e-9, false,
                                     "link_lanes x a lane's rate (PCI-SIG base specifications)"};
    return FIELDS + 1;
}

const char *gpu_generation(const struct gpu *gpu)
{
    return family_name((int)gpu->family);
}
