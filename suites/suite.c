/* SPDX-License-Identifier: MIT */
/* Suites by name. A data file has either "rows" (workloads with lists of axes) or
 * "chains" (phases of a model, from which rows follow). */
#include "suites/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "suites/llm.h"
#include "suites/shelf.h"
#include "suites/table.h"

#define SUITES "suites/"
#define MODELS "suites/models/"

/* Names point into these; filled once, the same each time. */
static struct shelf suite_shelf, model_shelf;

static const struct shelf *shelf_once(struct shelf *shelf, const char *folder)
{
    if (shelf->items == 0)
        shelf_fill(shelf, folder);
    return shelf;
}

static const char *brief_of(const struct shelf *shelf, const char *name)
{
    int i = shelf_find(shelf, name);

    return i < 0 ? NULL : shelf->item[i].brief;
}

const char *const *suite_names(void)
{
    return shelf_once(&suite_shelf, SUITES)->name;
}

const char *suite_brief(const char *name)
{
    return brief_of(shelf_once(&suite_shelf, SUITES), name);
}

const char *const *model_names(void)
{
    return shelf_once(&model_shelf, MODELS)->name;
}

const char *model_brief(const char *name)
{
    return brief_of(shelf_once(&model_shelf, MODELS), name);
}

static int read_head(struct suite *suite, const char *path, const json_t *root,
                     struct why *why)
{
    static const char *const known[] = {"name",  "brief", "budget_s", "rows", "chains",
                                        "model", "dtype", "note",     "others", NULL};
    const char *name = json_string_value(json_object_get(root, "name"));
    const char *brief = json_string_value(json_object_get(root, "brief"));
    int status = shelf_keys(root, path, known, why);

    if (status)
        return status;
    if (!name || !*name || !brief || !*brief)
        return why_fail(why, STATUS_INVALID,
                        "%s: fields 'name' and 'brief' must be strings", path);
    suite->name = name_of(name);
    snprintf(suite->brief, sizeof suite->brief, "%s", brief);
    suite->budget_s = json_number_value(json_object_get(root, "budget_s"));
    if (!(suite->budget_s > 0))
        return why_fail(why, STATUS_INVALID,
                        "%s: field 'budget_s' must be seconds above 0", path);
    suite->has_others = json_is_true(json_object_get(root, "others"));
    return 0;
}

int suite_read(struct suite *suite, const char *path, const json_t *root,
               const struct suite_request *request, struct why *why)
{
    const json_t *note = json_object_get(root, "note");
    int status;

    *suite = (struct suite){0};
    status = read_head(suite, path, root, why);
    if (!status && json_is_string(note))
        snprintf(suite->note, sizeof suite->note, "%s", json_string_value(note));
    if (!status)
        status = json_object_get(root, "chains")
                     ? llm_read(suite, path, root, request, why)
                     : table_read(suite, path, root, request, why);
    if (status)
        suite_release(suite);
    return status;
}

int suite_load(struct suite *suite, const char *name,
               const struct suite_request *request, struct why *why)
{
    const struct shelf *shelf = shelf_once(&suite_shelf, SUITES);
    int i = shelf_find(shelf, name), status;
    char near[160], path[200];
    json_t *root;

    *suite = (struct suite){0};
    if (i < 0) {
        text_nearest(near, sizeof near, name, shelf->name, (size_t)shelf->items);
        return why_fail(why, STATUS_INVALID,
                        "unknown suite '%s'%s; hint: offload-bench list suites", name,
                        near);
    }
    root = shelf_read(SUITES, shelf->name[i], why);
    if (!root)
        return STATUS_INVALID;
    snprintf(path, sizeof path, SUITES "%s.json", shelf->name[i]);
    status = suite_read(suite, path, root, request, why);
    json_decref(root);
    return status;
}

void suite_release(struct suite *suite)
{
    for (int i = 0; i < suite->chains; i++)
        free(suite->chain[i].link);
    free(suite->chain);
    free(suite->row);
    *suite = (struct suite){0};
}
