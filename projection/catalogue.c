/* SPDX-License-Identifier: MIT */
/* The catalogue of GPUs: projection/gpus.json as compiled in, then the user's own files of
 * the same form. */
#include "projection/datasheet.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/embedded.h"
#include "base/text.h"

enum { CATALOGUE_GPUS = 96 };

static struct {
    pthread_once_t once;
    pthread_mutex_t lock;
    struct gpu gpu[CATALOGUE_GPUS + USER_GPUS];
    int count;
} catalogue = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static bool list_holds(const struct gpu_list *list, const struct gpu *gpu)
{
    for (int i = 0; i < list->n; i++)
        if (list->gpu[i] == gpu)
            return true;
    return false;
}

/* Append the entries of `root` up to `limit` GPUs in all; a GPU of the same id is replaced,
 * unless by its own file. file, list: the user's, or NULL. */
static int catalogue_append(const json_t *root, const char *file, int limit,
                            struct gpu_list *list, struct why *why)
{
    size_t n = json_is_array(root) ? json_array_size(root) : 1;

    if (n == 0)
        return why_fail(why, STATUS_INVALID, "it holds no gpu");
    if (list && n > USER_GPUS)
        return why_fail(why, STATUS_INVALID, "it holds %zu gpus, more than %d", n, USER_GPUS);
    for (size_t i = 0; i < n; i++) {
        const json_t *entry = json_is_array(root) ? json_array_get(root, i) : root;
        struct why inner = {""};
        struct gpu gpu;
        int at = 0, status = datasheet_read(&gpu, entry, file, &inner);

        if (status != 0)
            return why_fail(why, status, "entry %zu%s%.50s%s: %s", i + 1, *gpu.id.text ? " ('" : "",
                            gpu.id.text, *gpu.id.text ? "')" : "", inner.text);
        while (at < catalogue.count &&
               strcasecmp(catalogue.gpu[at].id.text, gpu.id.text) != 0)
            at++;
        if (list && list_holds(list, &catalogue.gpu[at]))
            return why_fail(why, STATUS_INVALID, "entry %zu ('%.50s'): an entry above it has this "
                            "id already", i + 1, gpu.id.text);
        if (at == limit)
            return why_fail(why, STATUS_INVALID, "more than %d gpus", limit);
        catalogue.gpu[at] = gpu;
        catalogue.count += at == catalogue.count;
        if (list)
            list->gpu[list->n++] = &catalogue.gpu[at];
    }
    return 0;
}

static void catalogue_open(void)
{
    const struct embedded *file = embedded_find("projection/gpus.json");
    struct why why = {""};
    json_t *root = file ? json_loadb(file->text, file->n, JSON_REJECT_DUPLICATES, NULL)
                        : NULL;

    if (!root || catalogue_append(root, NULL, CATALOGUE_GPUS, NULL, &why) != 0) {
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

int gpu_load(const char *path, struct gpu_list *list, struct why *why)
{
    struct text text = {0};
    struct why inner = {""};
    json_error_t error;
    json_t *root = NULL;
    int status = text_read_file(&text, path, why);

    *list = (struct gpu_list){.n = 0};
    gpu_count();
    if (status != 0)
        goto out;
    root = json_loadb(text.data ? text.data : "", text.n, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        status = why_fail(why, STATUS_INVALID, "'%.120s' is not JSON: line %d: %s", path,
                          error.line, error.text);
        goto out;
    }
    pthread_mutex_lock(&catalogue.lock);
    status = catalogue_append(root, path, CATALOGUE_GPUS + USER_GPUS, list, &inner);
    pthread_mutex_unlock(&catalogue.lock);
    if (status != 0)
        why_fail(why, status, "'%.120s': %s", path, inner.text);
out:
    json_decref(root);
    text_release(&text);
    return status;
}

int gpu_named(const char *name, struct gpu_list *list, struct why *why)
{
    size_t n = strlen(name);
    bool is_file = n > 5 && strcasecmp(name + n - 5, ".json") == 0;
    const struct gpu *gpu = is_file ? NULL : gpu_find(name, why);

    if (!gpu && (is_file || strchr(name, '/')))
        return gpu_load(name, list, why);
    *list = (struct gpu_list){.gpu = {gpu}, .n = gpu != NULL};
    return gpu ? 0 : STATUS_INVALID;
}
