/* SPDX-License-Identifier: MIT */
/* assumptions.json as compiled in, checked as it is read, and how much each of its figures
 * moves a call: the model once more with the figure at either end of its range. */
#include "projection/assumption.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"
#include "projection/model.h"

enum { MOST = 64 };

static const struct {
    const char *name, *words;
} entered[ENTERED] = {
    [ENTERS_MODEL] = {"model", "a projected kernel's time"},
    [ENTERS_LINK] = {"link", "a projected GPU's copies over the host link"},
    [ENTERS_LAUNCH] = {"launch", "a projected GPU's launches from the host"},
    [ENTERS_STARTUP] = {"startup", "setting up a projected GPU"},
    [ENTERS_INTERVAL] = {"interval", "intervals where fields of the datasheet are unverified"},
};

static struct {
    pthread_once_t once;
    json_t *root; /* names and sentences point into it */
    struct assumption at[MOST];
    int n;
} assumptions = {.once = PTHREAD_ONCE_INIT};

const char *enters_words(enum enters enters)
{
    return entered[enters].words;
}

static bool families_read(struct assumption *a, const json_t *list)
{
    size_t i;
    json_t *name;

    if (!list)
        a->families = ~0u;
    json_array_foreach((json_t *)list, i, name) {
        int family = json_is_string(name) ? family_parse(json_string_value(name)) : -1;

        if (family < 0)
            return false;
        a->families |= 1u << family;
    }
    return a->families != 0;
}

/* False when something is missing or the value lies outside its own range. */
static bool entry_read(struct assumption *a, const json_t *entry)
{
    const char *enters, *basis;
    int n = ENTERED;

    *a = (struct assumption){.families = 0};
    if (json_unpack((json_t *)entry, "{s:s, s:F, s:F, s:F, s:s, s:s, s:s, s:s, s:s}", "name",
                    &a->name, "value", &a->value, "low", &a->low, "high", &a->high, "unit",
                    &a->unit, "enters", &enters, "basis", &basis, "meaning", &a->meaning,
                    "source", &a->source) != 0)
        return false;
    while (n-- > 0 && strcmp(entered[n].name, enters) != 0)
        continue;
    a->enters = (enum enters)n;
    a->is_published = strcmp(basis, "published") == 0;
    return n >= 0 && (a->is_published || strcmp(basis, "assumption") == 0) && *a->source &&
           a->low > 0 && a->low <= a->value && a->value <= a->high &&
           families_read(a, json_object_get(entry, "family"));
}

static void assumptions_open(void)
{
    const struct embedded *file = embedded_find("projection/assumptions.json");
    json_t *root = file ? json_loadb(file->text, file->n, 0, NULL) : NULL, *entry;
    size_t i;

    assumptions.root = root;
    json_array_foreach(root, i, entry)
        if (assumptions.n == MOST || !entry_read(&assumptions.at[assumptions.n++], entry))
            break;
    if (!root || i < json_array_size(root)) {
        fprintf(stderr, "the built-in assumptions of the projection: entry %zu is broken\n", i);
        abort();
    }
}

int assumption_count(void)
{
    pthread_once(&assumptions.once, assumptions_open);
    return assumptions.n;
}

const struct assumption *assumption_at(int i)
{
    return i >= 0 && i < assumption_count() ? &assumptions.at[i] : NULL;
}

const struct assumption *assumption_find(const char *name, enum family family)
{
    for (int i = 0; i < assumption_count(); i++)
        if (assumptions.at[i].families >> family & 1 &&
            strcmp(assumptions.at[i].name, name) == 0)
            return &assumptions.at[i];
    return NULL;
}

bool assumption_concerns(const struct assumption *a, const struct gpu *gpu)
{
    return a->families >> gpu->family & 1;
}

/* The call's time with `a` at `value` instead. */
static double time_with(const struct parameters *builtin, const struct assumption *a,
                        double value, const struct gpu *gpu, const struct operation *op,
                        enum timing timing)
{
    struct parameters p = *builtin;
    struct ledger l;

    parameters_assume(&p, a, value);
    return model_project(&p, gpu, op, timing, &l, NULL) == 0 ? l.total : NAN;
}

struct influence influence_of(const struct assumption *a, const struct gpu *gpu,
                              const struct operation *op, enum timing timing)
{
    const struct parameters *p = parameters_builtin();
    double one = time_with(p, a, a->low, gpu, op, timing);
    double two = time_with(p, a, a->high, gpu, op, timing);

    return (struct influence){a, fmin(one, two), fmax(one, two)};
}

int project_influences(const struct gpu *gpu, const struct operation *op, enum timing timing,
                       struct influence influence[INFLUENCES])
{
    int n = 0;

    for (int i = 0; i < assumption_count() && n < INFLUENCES; i++) {
        const struct assumption *a = &assumptions.at[i];

        if (!assumption_concerns(a, gpu))
            continue;
        influence[n] = influence_of(a, gpu, op, timing);
        n += influence[n].high_us > 1.005 * influence[n].low_us;
    }
    return n;
}
