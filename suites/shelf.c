/* SPDX-License-Identifier: MIT */
/* Data files are compiled in (base/embedded.h); here they become names, descriptions
 * and parsed JSON, with errors that name file, line and field. */
#include "suites/shelf.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/embedded.h"
#include "base/text.h"

/* Name of a file of the folder itself, without ".json"; 0 when `path` is none. */
static size_t item_name(const char *path, const char *folder, const char **name)
{
    size_t n;

    if (strncmp(path, folder, strlen(folder)) != 0)
        return 0;
    *name = path + strlen(folder);
    n = strlen(*name);
    if (n <= 5 || strcmp(*name + n - 5, ".json") != 0 || strchr(*name, '/'))
        return 0;
    return n - 5;
}

static void item_add(struct shelf *shelf, const char *name, size_t n, const char *text)
{
    json_t *root = json_loads(text, 0, NULL);
    const char *brief = json_string_value(json_object_get(root, "brief"));
    int i = shelf->items++;

    snprintf(shelf->item[i].name, sizeof shelf->item[i].name, "%.*s", (int)n, name);
    snprintf(shelf->item[i].brief, sizeof shelf->item[i].brief, "%s",
             brief ? brief : "");
    shelf->name[i] = shelf->item[i].name;
    json_decref(root);
}

void shelf_fill(struct shelf *shelf, const char *folder)
{
    memset(shelf, 0, sizeof *shelf);
    for (const struct embedded *e = embedded; e->path && shelf->items < SHELF_ITEMS;
         e++) {
        const char *name = NULL;
        size_t n = item_name(e->path, folder, &name);

        if (n)
            item_add(shelf, name, n, e->text);
    }
}

int shelf_find(const struct shelf *shelf, const char *name)
{
    for (int i = 0; i < shelf->items; i++)
        if (strcasecmp(shelf->name[i], name) == 0)
            return i;
    return -1;
}

json_t *shelf_parse(const char *path, const char *text, struct why *why)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

    if (!root) {
        why_fail(why, STATUS_INVALID, "cannot read '%s': line %d: %s", path, error.line,
                 error.text);
        return NULL;
    }
    if (json_is_object(root))
        return root;
    json_decref(root);
    why_fail(why, STATUS_INVALID, "cannot read '%s': it is not a JSON object", path);
    return NULL;
}

json_t *shelf_read(const char *folder, const char *name, struct why *why)
{
    char path[200];
    const struct embedded *file;

    snprintf(path, sizeof path, "%s%s.json", folder, name);
    file = embedded_find(path);
    if (!file) {
        why_fail(why, STATUS_INVALID, "'%s' is not built in", path);
        return NULL;
    }
    return shelf_parse(path, file->text, why);
}

int shelf_keys(const json_t *object, const char *where, const char *const *known,
               struct why *why)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    char near[160];

    while (known[count])
        count++;
    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;

        while (i < count && strcmp(known[i], key) != 0)
            i++;
        if (i < count)
            continue;
        text_nearest(near, sizeof near, key, known, count);
        return why_fail(why, STATUS_INVALID, "%s: unknown field '%s'%s", where, key,
                        near);
    }
    return 0;
}
