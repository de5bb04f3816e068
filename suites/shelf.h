/* SPDX-License-Identifier: MIT */
/* The data files of one embedded folder as a list of names and one-line descriptions.
 */
#ifndef OFFLOAD_BENCH_SHELF_H
#define OFFLOAD_BENCH_SHELF_H

#include <jansson.h>

#include "base/why.h"

enum { SHELF_ITEMS = 64 };

/* `name` is NULL-terminated and points into `item`. */
struct shelf {
    const char *name[SHELF_ITEMS + 1];
    struct {
        char name[64], brief[160];
    } item[SHELF_ITEMS];
    int items;
};

/* List the JSON files of `folder` ("suites/", with the slash; not of its sub-folders).
 * The description is the field "brief" of each. */
void shelf_fill(struct shelf *, const char *folder);
/* By name, case ignored; -1 when there is none. */
int shelf_find(const struct shelf *, const char *name);

/* Parse JSON `text`. `path` names it in the sentence. Free with json_decref.
 * Errors: NULL, with *why naming line and cause. */
json_t *shelf_parse(const char *path, const char *text, struct why *why);
/* The same for the embedded file FOLDER NAME .json, which exists. */
json_t *shelf_read(const char *folder, const char *name, struct why *why);

/* Every key of `object` is one of `known` (NULL-terminated). `where` starts the
 * sentence, such as "suites/blas.json: row 3". Errors: STATUS_INVALID with the nearest
 * key. */
int shelf_keys(const json_t *object, const char *where, const char *const *known,
               struct why *why);

#endif
