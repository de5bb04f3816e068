/* SPDX-License-Identifier: MIT */
#include "projection/parameters.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"

#define F WHO_F
#define M WHO_M
#define A WHO_A
#define T WHO_T

static const struct knob parameter_knobs[] = {
#define X(n, s, lo, hi, u, w, m)                                                       \
    {.name = #n, .unit = u, .meaning = m, .start = s, .least = lo, .most = hi,         \
     .who = w, .family = -1, .offset = offsetof(struct parameters, n)},
    PARAMETER_MAP(X)
#undef X
};

static const struct knob trait_knobs[] = {
#define X(n, s, lo, hi, u, w, m)                                                       \
    {.name = #n, .unit = u, .meaning = m, .start = s, .least = lo, .most = hi,         \
     .who = w, .family = 0, .offset = offsetof(struct parameters, n)},
    TRAIT_MAP(X)
#undef X
};

enum { PARAMETERS = sizeof parameter_knobs / sizeof *parameter_knobs,
       TRAITS = sizeof trait_knobs / sizeof *trait_knobs };

_Static_assert(PARAMETERS + TRAITS * FAMILIES <= KNOBS, "knobs do not fit");

/* Where a generation has no data of its own, its design's nearest relative speaks. */
static const struct {
    const char *name;
    enum family parent;
} families[FAMILIES] = {
    [FAMILY_OTHER] = {"all", FAMILY_OTHER},
    [FAMILY_PASCAL] = {"pascal", FAMILY_OTHER},
    [FAMILY_VOLTA] = {"volta", FAMILY_OTHER},
    [FAMILY_TURING] = {"turing", FAMILY_VOLTA},
    [FAMILY_AMPERE] = {"ampere", FAMILY_OTHER},
    [FAMILY_AMPERE_RTX] = {"ampere-rtx", FAMILY_AMPERE},
    [FAMILY_ADA] = {"ada", FAMILY_AMPERE_RTX},
    [FAMILY_HOPPER] = {"hopper", FAMILY_AMPERE},
    [FAMILY_BLACKWELL] = {"blackwell", FAMILY_HOPPER},
    [FAMILY_BLACKWELL_RTX] = {"blackwell-rtx", FAMILY_ADA},
    [FAMILY_CDNA] = {"cdna", FAMILY_OTHER},
    [FAMILY_CDNA3] = {"cdna3", FAMILY_CDNA},
};

const char *family_name(int family)
{
    return family >= 0 && family < FAMILIES ? families[family].name : "?";
}

int family_parse(const char *name)
{
    for (int i = 0; i < FAMILIES; i++)
        if (strcmp(families[i].name, name) == 0)
            return i;
    return -1;
}

int family_parent(int family)
{
    return (int)families[family].parent;
}

double family_scale(const struct knob *trait, int family)
{
    static const struct {
        const char *trait, *assumption;
    } scales[] = {{"tensor_watts", "process_watts"}, {"vector_watts", "process_watts"},
                  {"vector_watts", "lanes_watts"}};
    double scale = 1;

    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        const struct assumption *a = assumption_find(scales[i].assumption, (enum family)family);

        if (a && strcmp(scales[i].trait, trait->name) == 0)
            scale *= a->value;
    }
    return scale;
}

int knobs_list(struct knob knob[KNOBS])
{
    int n = 0;

    for (int i = 0; i < PARAMETERS; i++)
        knob[n++] = parameter_knobs[i];
    for (int i = 0; i < TRAITS; i++)
        for (int f = 0; f < FAMILIES; f++) {
            knob[n] = trait_knobs[i];
            knob[n].family = f;
            knob[n++].offset += (size_t)f * sizeof(double);
        }
    return n;
}

double *knob_value(struct parameters *p, const struct knob *knob)
{
    return (double *)((char *)p + knob->offset);
}

void parameters_init(struct parameters *p)
{
    struct knob knob[KNOBS];
    int n = knobs_list(knob);

    for (int i = 0; i < n; i++)
        *knob_value(p, &knob[i]) = knob[i].family > 0 ? NAN : knob[i].start;
    for (int i = 0; i < assumption_count(); i++)
        parameters_assume(p, assumption_at(i), assumption_at(i)->value);
}

void parameters_assume(struct parameters *p, const struct assumption *a, double value)
{
    for (int i = 0; i < PARAMETERS; i++)
        if (strcmp(parameter_knobs[i].name, a->name) == 0)
            *knob_value(p, &parameter_knobs[i]) = value;
    for (int i = 0; i < TRAITS; i++)
        for (int f = 0; f < FAMILIES && strcmp(trait_knobs[i].name, a->name) == 0; f++)
            if (a->families >> f & 1)
                knob_value(p, &trait_knobs[i])[f] = value;
}

void parameters_inherit(struct parameters *p)
{
    for (int i = 0; i < TRAITS; i++) {
        double *value = (double *)((char *)p + trait_knobs[i].offset);
        bool has_own[FAMILIES];

        for (int f = 0; f < FAMILIES; f++)
            has_own[f] = !isnan(value[f]);
        for (int f = 1; f < FAMILIES; f++) {
            double scale = 1;
            int from = f;

            for (; !has_own[from] && from != FAMILY_OTHER; from = family_parent(from))
                scale *= family_scale(&trait_knobs[i], from);
            value[f] = value[from] * scale;
        }
    }
}

static int value_read(struct parameters *p, const char *key, const json_t *value,
                      struct why *why)
{
    const char *family;
    const json_t *number;

    for (int i = 0; i < PARAMETERS; i++)
        if (parameter_knobs[i].who != F && strcmp(parameter_knobs[i].name, key) == 0 &&
            json_is_number(value)) {
            *knob_value(p, &parameter_knobs[i]) = json_number_value(value);
            return 0;
        }
    for (int i = 0; i < TRAITS; i++) {
        if (trait_knobs[i].who == F || strcmp(trait_knobs[i].name, key) != 0 ||
            !json_is_object(value))
            continue;
        json_object_foreach((json_t *)value, family, number) {
            int f = family_parse(family);

            if (f < 0 || !json_is_number(number))
                return why_fail(why, STATUS_INVALID, "parameter '%s': bad family '%s'", key,
                                family);
            knob_value(p, &trait_knobs[i])[f] = json_number_value(number);
        }
        return 0;
    }
    return why_fail(why, STATUS_INVALID, "unknown parameter '%s'", key);
}

int parameters_read(struct parameters *p, const char *json, size_t n, struct why *why)
{
    json_error_t error;
    json_t *root = json_loadb(json, n, 0, &error), *value, *values;
    const char *key;
    int status = 0;

    parameters_init(p);
    if (!root)
        return why_fail(why, STATUS_INVALID, "parameters: line %d: %s", error.line, error.text);
    values = json_object_get(root, "parameters");
    json_object_foreach(values, key, value)
        if (status == 0)
            status = value_read(p, key, value, why);
    json_decref(root);
    return status;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct parameters builtin;

static void builtin_open(void)
{
    const struct embedded *file = embedded_find("projection/parameters.json");
    struct why why = {"not compiled in"};

    if (!file || parameters_read(&builtin, file->text, file->n, &why) != 0) {
        fprintf(stderr, "the built-in parameters of the projection: %s\n", why.text);
        abort();
    }
    parameters_inherit(&builtin);
}

const struct parameters *parameters_builtin(void)
{
    pthread_once(&once, builtin_open);
    return &builtin;
}
