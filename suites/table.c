/* SPDX-License-Identifier: MIT */
/* Rows of a suite from its data file: every combination of the values that a row lists,
 * in the order written, the last axis fastest. Axes and workloads stay text here; only
 * the plan knows what they mean. */
#include "suites/table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "suites/shelf.h"

/* One row of the file while its combinations are walked. */
struct pattern {
    const char *where; /* start of every sentence: "suites/x.json: row 3" */
    struct suite_row row;
    unsigned dtypes;
    json_t *list[AXES]; /* value, or array of values, of each axis */
    size_t at[AXES];
};

static bool rows_equal(const struct suite_row *a, const struct suite_row *b)
{
    if (strcmp(a->workload.text, b->workload.text) != 0 || a->dtype != b->dtype ||
        a->cache != b->cache || a->axes != b->axes)
        return false;
    for (int i = 0; i < a->axes; i++)
        if (strcmp(a->axis[i].text, b->axis[i].text) != 0 ||
            strcmp(a->value[i].text, b->value[i].text) != 0)
            return false;
    return true;
}

int table_row(struct suite *suite, const struct suite_row *row, struct why *why)
{
    struct suite_row *grown;

    for (int i = 0; i < suite->rows; i++)
        if (rows_equal(&suite->row[i], row))
            return i;
    grown = realloc(suite->row, ((size_t)suite->rows + 1) * sizeof *grown);
    if (!grown)
        return why_fail(why, STATUS_MEMORY, "no memory for row %d of suite '%s'",
                        suite->rows + 1, suite->name.text);
    suite->row = grown;
    suite->row[suite->rows] = *row;
    return suite->rows++;
}

void table_axis(struct suite_row *row, const char *name, const char *value)
{
    assert(row->axes < AXES);
    snprintf(row->axis[row->axes].text, sizeof row->axis->text, "%s", name);
    snprintf(row->value[row->axes].text, sizeof row->value->text, "%s", value);
    row->axes++;
}

void table_axis_count(struct suite_row *row, const char *name, int64_t value)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRId64, value);
    table_axis(row, name, text);
}

static unsigned dtype_bit(const json_t *value, const char *where, struct why *why)
{
    const char *text = json_string_value(value);
    int dtype = text ? dtype_parse(text) : -1;
    const char *name[DTYPES];
    char near[120];

    if (dtype >= 0)
        return 1u << dtype;
    for (int i = 0; i < DTYPES; i++)
        name[i] = dtype_name((enum dtype)i);
    text_nearest(near, sizeof near, text ? text : "", name, DTYPES);
    why_fail(why, STATUS_INVALID, "%s: '%s' is no dtype%s", where,
             text ? text : "(no string)", near);
    return 0;
}

unsigned table_dtypes(const json_t *list, const char *where, struct why *why)
{
    unsigned set = 0;

    if (!json_is_array(list))
        return dtype_bit(list, where, why);
    for (size_t i = 0; i < json_array_size(list); i++) {
        unsigned bit = dtype_bit(json_array_get(list, i), where, why);

        if (!bit)
            return 0;
        set |= bit;
    }
    if (!set)
        why_fail(why, STATUS_INVALID, "%s: the list of dtypes is empty", where);
    return set;
}

static unsigned dtypes_wanted(const struct suite_request *request)
{
    unsigned set = 0;

    for (int i = 0; request && i < request->dtypes; i++)
        set |= 1u << request->dtype[i];
    return set;
}

/* The dtypes of the row that this request runs, in p->dtypes. */
static int read_dtypes(struct pattern *p, const json_t *row,
                       const struct suite_request *request, struct why *why)
{
    const json_t *list = json_object_get(row, "dtype"),
                 *more = json_object_get(row, "also");
    const unsigned integers = 1u << DTYPE_I8 | 1u << DTYPE_I32;
    unsigned wanted = dtypes_wanted(request), also = 0;

    if (!list)
        return why_fail(why, STATUS_INVALID, "%s: field 'dtype' is missing", p->where);
    p->dtypes = table_dtypes(list, p->where, why);
    if (more)
        also = table_dtypes(more, p->where, why);
    if (!p->dtypes || (more && !also))
        return STATUS_INVALID;
    /* integers alone: bytes that are moved, not a choice of type */
    if (wanted && (p->dtypes & ~integers))
        p->dtypes = (p->dtypes | also) & wanted;
    return 0;
}

static int read_names(struct pattern *p, const json_t *row, struct why *why)
{
    const char *workload = json_string_value(json_object_get(row, "workload"));
    const json_t *cache = json_object_get(row, "cache");
    int value =
        cache ? cache_parse(json_string_value(cache) ? json_string_value(cache) : "")
              : CACHE_HOT;

    if (!workload || !*workload || strlen(workload) >= sizeof p->row.workload.text)
        return why_fail(why, STATUS_INVALID,
                        "%s: field 'workload' must be the name of a workload",
                        p->where);
    if (value < 0)
        return why_fail(why, STATUS_INVALID,
                        "%s: field 'cache' must be \"hot\" or \"cold\"", p->where);
    p->row.workload = name_of(workload);
    p->row.cache = (enum cache)value;
    return 0;
}

static int axis_of(const struct pattern *p, const char *name)
{
    for (int i = 0; i < p->row.axes; i++)
        if (strcmp(p->row.axis[i].text, name) == 0)
            return i;
    return -1;
}

static int check_value(const struct pattern *p, int axis, const json_t *value,
                       struct why *why)
{
    const char *text = json_string_value(value), *name = p->row.axis[axis].text;
    int other;

    if (json_is_integer(value))
        return 0;
    if (!text || !*text || strlen(text) >= sizeof p->row.value->text)
        return why_fail(why, STATUS_INVALID,
                        "%s: axis '%s' must have whole numbers or short strings",
                        p->where, name);
    if (text[0] != '=')
        return 0;
    other = axis_of(p, text + 1);
    if (other < 0 || other == axis)
        return why_fail(why, STATUS_INVALID,
                        "%s: axis '%s' is '%s', but there is no other axis '%s'",
                        p->where, name, text, text + 1);
    return 0;
}

static int check_axis(const struct pattern *p, int axis, struct why *why)
{
    const json_t *list = p->list[axis];
    int status = 0;

    if (!json_is_array(list))
        return check_value(p, axis, list, why);
    if (json_array_size(list) == 0)
        return why_fail(why, STATUS_INVALID, "%s: axis '%s' has an empty list",
                        p->where, p->row.axis[axis].text);
    for (size_t i = 0; !status && i < json_array_size(list); i++)
        status = check_value(p, axis, json_array_get(list, i), why);
    return status;
}

static int read_shape(struct pattern *p, const json_t *row, struct why *why)
{
    json_t *shape = json_object_get(row, "shape"), *value;
    const char *name;
    int status = 0;

    if (!json_is_object(shape))
        return why_fail(why, STATUS_INVALID,
                        "%s: field 'shape' must be an object of axes ({} for none)",
                        p->where);
    json_object_foreach(shape, name, value)
    {
        if (p->row.axes == AXES || strlen(name) >= sizeof p->row.axis->text)
            return why_fail(why, STATUS_INVALID,
                            "%s: more than %d axes, or a name too long", p->where,
                            AXES);
        p->list[p->row.axes] = value;
        table_axis(&p->row, name, "");
    }
    for (int i = 0; !status && i < p->row.axes; i++)
        status = check_axis(p, i, why);
    return status;
}

static const json_t *value_now(const struct pattern *p, int axis)
{
    const json_t *list = p->list[axis];

    return json_is_array(list) ? json_array_get(list, p->at[axis]) : list;
}

static void value_write(struct name *out, const json_t *value)
{
    if (json_is_integer(value))
        snprintf(out->text, sizeof out->text, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(value));
    else
        snprintf(out->text, sizeof out->text, "%s", json_string_value(value));
}

/* Next combination; false after the last. */
static bool pattern_next(struct pattern *p)
{
    for (int i = p->row.axes - 1; i >= 0; i--) {
        size_t n = json_is_array(p->list[i]) ? json_array_size(p->list[i]) : 1;

        if (++p->at[i] < n)
            return true;
        p->at[i] = 0;
    }
    return false;
}

static int pattern_add(struct suite *suite, struct pattern *p, struct why *why)
{
    for (int i = 0; i < p->row.axes; i++)
        value_write(&p->row.value[i], value_now(p, i));
    for (int i = 0; i < p->row.axes; i++)
        if (p->row.value[i].text[0] == '=') {
            int other = axis_of(p, p->row.value[i].text + 1);

            if (p->row.value[other].text[0] == '=')
                return why_fail(why, STATUS_INVALID,
                                "%s: axis '%s' refers to '%s', which refers on",
                                p->where, p->row.axis[i].text, p->row.axis[other].text);
            p->row.value[i] = p->row.value[other];
        }
    for (int dtype = 0; dtype < DTYPES; dtype++)
        if (p->dtypes >> dtype & 1) {
            int index;

            p->row.dtype = (enum dtype)dtype;
            index = table_row(suite, &p->row, why);
            if (index < 0)
                return index;
        }
    return 0;
}

static int read_row(struct suite *suite, const char *where, const json_t *row,
                    const struct suite_request *request, struct why *why)
{
    static const char *const known[] = {"workload", "dtype", "also", "cache",
                                        "shape",    "note",  NULL};
    struct pattern p = {.where = where};
    int status;

    if (!json_is_object(row))
        return why_fail(why, STATUS_INVALID, "%s: it is not an object", where);
    status = shelf_keys(row, where, known, why);
    if (!status)
        status = read_names(&p, row, why);
    if (!status)
        status = read_dtypes(&p, row, request, why);
    if (!status)
        status = read_shape(&p, row, why);
    if (status)
        return status;
    do
        status = pattern_add(suite, &p, why);
    while (!status && pattern_next(&p));
    return status;
}

int table_read(struct suite *suite, const char *path, const json_t *root,
               const struct suite_request *request, struct why *why)
{
    const json_t *rows = json_object_get(root, "rows");

    if (!json_is_array(rows) || json_array_size(rows) == 0)
        return why_fail(why, STATUS_INVALID, "%s: field 'rows' must be a list of rows",
                        path);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        char where[160];
        int status;

        snprintf(where, sizeof where, "%s: row %zu", path, i + 1);
        status = read_row(suite, where, json_array_get(rows, i), request, why);
        if (status)
            return status;
    }
    if (suite->rows == 0)
        return why_fail(
            why, STATUS_INVALID,
            "suite '%s' has no row of the dtypes asked for; hint: leave --dtype out",
            suite->name.text);
    return 0;
}
