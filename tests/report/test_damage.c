/* SPDX-License-Identifier: MIT */
/* Every field of each kind of line, replaced by what it cannot be: the reader names it or the
 * report lives with it. No format fails, prints "nan" or a negative time, or writes bad JSON.
 * Each field meets some of the values, with DAMAGE=all in the environment all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "report/format.h"
#include "report/plot.h"
#include "report/report.h"

/* Sweep, chain, two devices, placements, counters; made for this. */
static const char fixture[] = "tests/data/results-kinds.jsonl";

enum { LINES = 64 };
static json_t *line[LINES];
static size_t lines, places, damages, nonsenses;
static char path[] = "/tmp/offload-bench-damage-XXXXXX";

static int open_fixture(void **state)
{
    struct text text = {0};
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0 || close(fd) != 0 || text_read_file(&text, fixture, NULL) != 0)
        return -1;
    for (const char *at = text.data; *at && lines < LINES; at += strcspn(at, "\n") + 1)
        line[lines++] = json_loadb(at, strcspn(at, "\n"), 0, NULL);
    text_release(&text);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    for (size_t i = 0; i < lines; i++)
        json_decref(line[i]);
    return unlink(path);
}

static void write_lines(void)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (size_t i = 0; i < lines; i++) {
        json_dumpf(line[i], file, JSON_COMPACT);
        fputc('\n', file);
    }
    fclose(file);
}

/* A number below zero, or NULL: nothing that is reported can be one. */
static const char *find_negative(const char *text)
{
    for (const char *c = text ? strchr(text, '-') : NULL; c; c = strchr(c + 1, '-'))
        if (c > text && strchr(" ,:(>\n", c[-1]) && isdigit((unsigned char)c[1]))
            return c;
    return NULL;
}

/* What no reader should meet, whatever the numbers in the file were; or NULL. */
static const char *find_nonsense(const struct format *format, const char *text)
{
    static const char *const bad[] = {"nan", "(null)", "infx", "inf us"};

    if (strcmp(format->name, "json") == 0) {
        json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

        json_decref(root);
        if (!root)
            return "what is no JSON";
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (strstr(text, bad[i]))
            return strstr(text, bad[i]);
    return strcmp(format->name, "html") == 0 ? NULL : find_negative(text); /* a page has style */
}

/* Write in every format; the number of faults. */
static size_t write_all(const struct report *report, const char *what)
{
    size_t faults = 0;

    for (const struct format *const *f = formats; *f; f++) {
        struct text text = {0};
        struct why why = {{0}};
        int status = (*f)->write(report, &text, &why);
        const char *nonsense = status ? why.text : find_nonsense(*f, text.data);

        if (nonsense) {
            print_message("%s: %s says '%.80s'\n", what, (*f)->name, nonsense);
            faults++;
        }
        text_release(&text);
    }
    return faults;
}

/* Read, judge and write the damaged file. */
static size_t report_on(const char *what)
{
    struct results results = {0};
    struct report report;
    struct plots none = {0};
    struct why why = {{0}};
    size_t faults = 0;

    if (results_read(&results, path, &why) == 0 && report_build(&results, &report, &why) == 0) {
        report.plots = &none; /* gnuplot would take its time */
        faults = write_all(&report, what);
        report_release(&report);
    } else if (!why.text[0]) {
        print_message("%s: refused without a word\n", what);
        faults++;
    }
    results_release(&results);
    return faults;
}

/* The place of a value: a key of an object, or an index of an array. */
struct place {
    json_t *inside;
    const char *key;
    size_t index;
};

static void put(const struct place *at, json_t *value)
{
    if (at->key)
        json_object_set_new(at->inside, at->key, value);
    else
        json_array_set_new(at->inside, at->index, value);
}

static void damage(const struct place *at, json_t *value, const char *where)
{
    static const char *const wrong[] = {"null", "-1", "0", "1e308", "1e-308", "\"x\"", "[]", "{}",
                                        "9e18", "\"inf\"", "true", "[[-1]]"};
    size_t step = getenv("DAMAGE") ? 1 : 5;
    json_t *kept = json_incref(value);

    for (size_t i = places++ % step; i < sizeof wrong / sizeof *wrong; i += step) {
        char what[240];

        snprintf(what, sizeof what, "%s = %s", where, wrong[i]);
        put(at, json_loads(wrong[i], JSON_DECODE_ANY, NULL));
        write_lines();
        nonsenses += report_on(what);
        damages++;
    }
    put(at, kept);
}

/* Every value below `value`; of a list the first. */
static void damage_all(json_t *value, const char *where)
{
    char below[200];
    const char *key;
    json_t *part;
    void *next;

    for (void *i = json_object_iter(value); i; i = next) {
        next = json_object_iter_next(value, i);
        key = json_object_iter_key(i);
        part = json_object_iter_value(i);
        snprintf(below, sizeof below, "%s.%s", where, key);
        damage_all(part, below);
        damage(&(struct place){value, key, 0}, part, below);
    }
    if (json_array_size(value) > 0) {
        snprintf(below, sizeof below, "%s[0]", where);
        damage_all(json_array_get(value, 0), below);
        damage(&(struct place){value, NULL, 0}, json_array_get(value, 0), below);
    }
}

static const char *text_at(size_t i, const char *key)
{
    const char *text = json_string_value(json_object_get(line[i], key));

    return text ? text : "";
}

/* Whether no line above is of this kind, on this kind of device. */
static bool is_first(size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(text_at(i, "kind"), text_at(j, "kind")) == 0 &&
            strcmp(text_at(i, "device_kind"), text_at(j, "device_kind")) == 0)
            return false;
    return true;
}

static void test_every_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < lines; i++) {
        char where[40];

        snprintf(where, sizeof where, "line %zu", i + 1);
        if (is_first(i))
            damage_all(line[i], where);
    }
    assert_true(damages > 1000);
    assert_int_equal(nonsenses, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_field)};

    return cmocka_run_group_tests_name("damage", tests, open_fixture, close_fixture);
}
