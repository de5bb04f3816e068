/* SPDX-License-Identifier: MIT */
/* A results file is appended to while it is measured, so it may end within a line, and
 * a resumed run may hold a cell twice. Whole lines are used, the last of a cell counts,
 * what cannot be read is named. */
#include "report/record.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "report/stats.h"

int results_note(struct results *results, const char *format, ...)
{
    struct text text = {0};
    char **grown = realloc(results->note, (results->notes + 1) * sizeof *grown);
    char line[600];
    va_list args;

    if (!grown)
        return STATUS_MEMORY;
    results->note = grown;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_add(&text, line);
    if (text.failed)
        return STATUS_MEMORY;
    results->note[results->notes++] = text.data;
    return 0;
}

/* ---- lines ----------------------------------------------------------------------- */

/* Key of the first number below 0 in all that `value` holds, or NULL: headers and chains hold
 * counts, sizes, rates and prices. */
static const char *negative_key(json_t *value, const char *key)
{
    const char *inner, *found = NULL;
    size_t i;
    json_t *part;

    if (json_is_number(value) && json_number_value(value) < 0)
        return key;
    json_object_foreach(value, inner, part)
        found = found ? found : negative_key(part, inner);
    json_array_foreach(value, i, part)
        found = found ? found : negative_key(part, key);
    return found;
}

/* Key of what a chain lacks to be summed up, or NULL. */
static const char *chain_fault(json_t *chain)
{
    json_t *links = json_object_get(chain, "links"), *link;
    const char *negative = negative_key(chain, "");
    size_t i;

    if (negative)
        return negative;
    if (links && !json_is_array(links))
        return "links";
    json_array_foreach(links, i, link)
        if (!(json_number_value(json_object_get(link, "count")) > 0))
            return "count";
    return i > 0 && !(json_number_value(json_object_get(chain, "tokens")) > 0) ? "tokens" : NULL;
}

static bool is_same_shape(const struct record *a, const struct record *b)
{
    return a->shape == b->shape ||
           (a->shape && b->shape && json_equal(a->shape, b->shape));
}

static bool is_same_cell(const struct record *a, const struct record *b)
{
    return a->kind == b->kind && a->dtype == b->dtype && a->memory == b->memory &&
           a->placement == b->placement &&
           a->cache == b->cache && a->threads == b->threads &&
           strcmp(a->variant.text, b->variant.text) == 0 &&
           strcmp(a->isa.text, b->isa.text) == 0 &&
           strcmp(a->nodes.text, b->nodes.text) == 0 &&
           strcmp(a->device.text, b->device.text) == 0 &&
           strcmp(a->workload.text, b->workload.text) == 0 && is_same_shape(a, b);
}

/* Takes the record over. */
static int add_record(struct results *results, struct record *record)
{
    struct record *grown;

    for (size_t i = 0; i < results->records; i++)
        if (is_same_cell(&results->record[i], record)) {
            record->repeats = results->record[i].repeats + 1;
            record->before_ns = stats_series_median(&results->record[i].wall_ns);
            record_release(&results->record[i]);
            results->record[i] = *record;
            return 0;
        }
    /* room doubles: a sweep may hold tens of thousands of cells */
    if ((results->records & (results->records - 1)) == 0) {
        size_t cap = results->records ? 2 * results->records : 1;

        grown = realloc(results->record, cap * sizeof *grown);
        if (!grown)
            return STATUS_MEMORY;
        results->record = grown;
    }
    results->record[results->records++] = *record;
    return 0;
}

static int add_chain(struct results *results, json_t *chain)
{
    json_t **grown;

    for (size_t i = 0; i < results->chains; i++)
        if (json_equal(results->chain[i], chain))
            return 0;
    grown = realloc(results->chain, (results->chains + 1) * sizeof *grown);
    if (!grown)
        return STATUS_MEMORY;
    results->chain = grown;
    results->chain[results->chains++] = json_incref(chain);
    return 0;
}

static int add_header(struct results *results, json_t *header, const char *path,
                      struct why *why)
{
    const char *schema = json_string_value(json_object_get(header, "schema")), *negative;

    if (!schema || strcmp(schema, RESULTS_SCHEMA) != 0)
        return why_fail(
            why, STATUS_INVALID,
            "'%s' says its schema is '%s', this program reads '" RESULTS_SCHEMA
            "'; hint: report on it with the version that wrote it",
            path, schema ? schema : "");
    negative = negative_key(header, "");
    if (negative)
        return why_fail(why, STATUS_INVALID, "line 1 of '%s': field '%s' is negative", path,
                        negative);
    if (!results->header)
        results->header = json_incref(header);
    return 0;
}

static bool is_kind(const json_t *line, const char *kind)
{
    const char *text = json_string_value(json_object_get(line, "kind"));

    return text && strcmp(text, kind) == 0;
}

/* One parsed line that is not the header. A line that is no record becomes a note. */
static int add_line(struct results *results, json_t *line, const char *path,
                    size_t number)
{
    struct record record;
    struct why why = {{0}};
    int status;

    if (is_kind(line, "header"))
        return add_header(results, line, path, NULL)
                   ? results_note(
                         results,
                         "line %zu of '%s' is a header of another schema, or damaged: left out",
                         number, path)
                   : 0;
    if (is_kind(line, "chain") && chain_fault(line))
        return results_note(results, "line %zu of '%s' is broken (field '%s' is missing or holds "
                            "something else): left out", number, path, chain_fault(line));
    if (is_kind(line, "chain"))
        return add_chain(results, line);
    if (record_read(&record, line, &why))
        return results_note(results, "line %zu of '%s' is broken (%s): left out",
                            number, path, why.text);
    record.line = number;
    status = add_record(results, &record);
    if (status)
        record_release(&record);
    return status;
}

/* ---- files ----------------------------------------------------------------------- */

/* The file's first line must say what the file is. */
static int read_header(struct results *results, const char *line, size_t n,
                       const char *path, struct why *why)
{
    json_t *header = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    int status;

    if (header && is_kind(header, "header"))
        status = add_header(results, header, path, why);
    else
        status =
            why_fail(why, STATUS_INVALID,
                     "'%s' does not begin with the header of a results file; hint: "
                     "give the results.jsonl that a run wrote",
                     path);
    json_decref(header);
    return status;
}

static int read_line(struct results *results, const char *text, size_t n,
                     const char *path, size_t number, bool is_whole)
{
    json_error_t error;
    json_t *line = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    int status;

    if (!line && !is_whole)
        return results_note(
            results,
            "line %zu of '%s' is cut short (the run was ended while writing "
            "it): left out",
            number, path);
    if (!line)
        return results_note(results, "line %zu of '%s' is broken (%s): left out",
                            number, path, error.text);
    status = add_line(results, line, path, number);
    json_decref(line);
    return status;
}

static int read_lines(struct results *results, const struct text *file,
                      const char *path, struct why *why)
{
    const char *at = file->data, *end = file->data + file->n;
    int status = 0;

    for (size_t number = 1; at < end && !status; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((newline ? newline : end) - at);

        if (number == 1)
            status = read_header(results, at, n, path, why);
        else if (n > 0)
            status = read_line(results, at, n, path, number, newline != NULL);
        at += n + 1;
    }
    if (status == STATUS_MEMORY)
        why_fail(why, status, "cannot read '%s': out of memory", path);
    return status;
}

void results_path(char *out, size_t size, const char *given)
{
    struct stat info;
    bool is_folder = stat(given, &info) == 0 && S_ISDIR(info.st_mode);

    snprintf(out, size, "%s%s", given, is_folder ? "/results.jsonl" : "");
}

int results_read(struct results *results, const char *given, struct why *why)
{
    struct text file = {0};
    char path[4096];
    int status;

    results_path(path, sizeof path, given);
    status = text_read_file(&file, path, why);
    if (!status && file.n == 0)
        status = why_fail(
            why, STATUS_INVALID,
            "'%s' is empty; hint: the run that wrote it ended before its first "
            "line",
            path);
    if (!status)
        status = read_lines(results, &file, path, why);
    text_release(&file);
    return status;
}

void results_release(struct results *results)
{
    json_decref(results->header);
    for (size_t i = 0; i < results->chains; i++)
        json_decref(results->chain[i]);
    for (size_t i = 0; i < results->records; i++)
        record_release(&results->record[i]);
    for (size_t i = 0; i < results->notes; i++)
        free(results->note[i]);
    free(results->chain);
    free(results->record);
    free(results->note);
    *results = (struct results){0};
}
