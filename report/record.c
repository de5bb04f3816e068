/* SPDX-License-Identifier: MIT */
/* Records to and from JSON, one function per kind of field, driven by RECORD_FIELDS: a
 * field is added in the header and nowhere else. JSON has neither NaN nor infinity:
 * they are null and "inf". Absent fields keep what record_init gave them, so that older
 * files still read. What cannot be, such as a negative time, is a damaged line: one of them
 * could turn a verdict. */
#include "report/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ledger_name(enum ledger row)
{
    static const char *const spelling[] = {
#define X(value, text) text,
        LEDGER_MAP(X)
#undef X
    };
    return row >= 0 && row < LEDGERS ? spelling[row] : "?";
}

static const char *const record_kind_spelling[] = {
#define X(value, text) text,
    RECORD_KIND_MAP(X)
#undef X
};

/* ---- life cycle ------------------------------------------------------------------ */

#define INIT_TEXT(r, name)
#define INIT_LONG_TEXT(r, name)
#define INIT_ENUM(r, name)
#define INIT_COUNT(r, name)
#define INIT_NUMBER(r, name) (r)->name = NAN;
#define INIT_SERIES(r, name)
#define INIT_ESTIMATE(r, name) (r)->name = (struct estimate){NAN, NAN, NAN};
#define INIT_JSON(r, name)

void record_init(struct record *r)
{
    memset(r, 0, sizeof *r);
#define X(name, type, kind, unit, meaning) INIT_##kind(r, name)
    RECORD_FIELDS(X)
#undef X
    for (int i = 0; i < LEDGERS; i++)
        r->ledger_ns[i] = NAN;
}

#define RELEASE_TEXT(r, name)
#define RELEASE_LONG_TEXT(r, name)
#define RELEASE_ENUM(r, name)
#define RELEASE_COUNT(r, name)
#define RELEASE_NUMBER(r, name)
#define RELEASE_SERIES(r, name) series_release(&(r)->name);
#define RELEASE_ESTIMATE(r, name)
#define RELEASE_JSON(r, name) json_decref((r)->name);

void record_release(struct record *r)
{
#define X(name, type, kind, unit, meaning) RELEASE_##kind(r, name)
    RECORD_FIELDS(X)
#undef X
    free(r->measure);
    record_init(r);
}

void record_refuse(struct record *r, enum outcome outcome, const char *why)
{
    r->outcome = outcome;
    r->why = why_of(why);
}

int record_observe(struct record *r, const struct measure *m)
{
    struct measure *grown = realloc(r->measure, (r->measures + 1) * sizeof *grown);

    if (!grown)
        return STATUS_MEMORY;
    r->measure = grown;
    r->measure[r->measures++] = *m;
    return 0;
}

/* ---- writing --------------------------------------------------------------------- */

/* Text may have been cut within a UTF-8 character: what is then no text becomes '?'. */
static json_t *write_text(const char *text)
{
    json_t *value = json_string(text);
    char plain[sizeof(struct why)];
    size_t n = 0;

    if (value)
        return value;
    for (; text[n] && n + 1 < sizeof plain; n++)
        plain[n] = (unsigned char)text[n] < 0x80 ? text[n] : '?';
    plain[n] = '\0';
    return json_string(plain);
}

static json_t *write_number(double value)
{
    if (isnan(value))
        return json_null();
    return isinf(value) ? json_string(value > 0 ? "inf" : "-inf") : json_real(value);
}

static json_t *write_series(const struct series *s)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < s->n; i++)
        json_array_append_new(array, write_number(s->value[i]));
    return array;
}

static json_t *write_estimate(struct estimate e)
{
    if (isnan(e.value))
        return json_null();
    return json_pack("{s:o,s:o,s:o}", "value", write_number(e.value), "low",
                     write_number(e.low), "high", write_number(e.high));
}

static json_t *write_measures(const struct record *r)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < r->measures; i++) {
        const struct measure *m = &r->measure[i];

        json_array_append_new(
            array,
            json_pack("{s:o,s:o,s:o,s:o,s:o,s:b}", "probe", write_text(m->probe.text),
                      "name", write_text(m->name.text), "unit",
                      write_text(m->unit.text), "value", write_number(m->value), "why",
                      write_text(m->why), "suspect", m->is_suspect));
    }
    return array;
}

static json_t *write_ledger(const struct record *r)
{
    json_t *object = json_object();

    for (int i = 0; object && i < LEDGERS; i++)
        if (!isnan(r->ledger_ns[i]))
            json_object_set_new(object, ledger_name((enum ledger)i),
                                write_number(r->ledger_ns[i]));
    return object;
}

#define WRITE_TEXT(r, name) write_text((r)->name.text)
#define WRITE_LONG_TEXT(r, name) write_text((r)->name.text)
#define WRITE_ENUM(r, name) json_string(name##_name((r)->name))
#define WRITE_COUNT(r, name) json_integer((r)->name)
#define WRITE_NUMBER(r, name) write_number((r)->name)
#define WRITE_SERIES(r, name) write_series(&(r)->name)
#define WRITE_ESTIMATE(r, name) write_estimate((r)->name)
#define WRITE_JSON(r, name) ((r)->name ? json_incref((r)->name) : json_null())

char *record_write(const struct record *r)
{
    json_t *line = json_object();
    char *text, *with_newline = NULL;
    size_t n;
    int failed = !line;

    failed |=
        json_object_set_new(line, "kind", json_string(record_kind_spelling[r->kind]));
#define X(name, type, kind, unit, meaning)                                             \
    failed |= json_object_set_new(line, #name, WRITE_##kind(r, name));
    RECORD_FIELDS(X)
#undef X
    failed |= json_object_set_new(line, "ledger_ns", write_ledger(r));
    failed |= json_object_set_new(line, "measures", write_measures(r));
    text = failed ? NULL : json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(line);
    n = text ? strlen(text) : 0;
    if (text && (with_newline = realloc(text, n + 2)))
        memcpy(with_newline + n, "\n", 2);
    else
        free(text);
    return with_newline;
}

/* ---- reading --------------------------------------------------------------------- */

/* Each reads a value of its kind; false when the value is of another kind. Counts, times and
 * amounts are never negative. */
/* What is too long for its place is cut between characters. */
static bool read_text(const json_t *value, char *out, size_t size)
{
    size_t n = json_string_length(value);

    if (!json_is_string(value))
        return false;
    if (n >= size)
        for (n = size - 1; n > 0 && ((unsigned char)json_string_value(value)[n] & 0xc0) == 0x80;)
            n--;
    memcpy(out, json_string_value(value), n);
    out[n] = '\0';
    return true;
}

static bool read_choice(const json_t *value, int (*parse)(const char *), int *out)
{
    *out = json_is_string(value) ? parse(json_string_value(value)) : -1;
    return *out >= 0;
}

static bool read_count(const json_t *value, int64_t *out)
{
    if (json_is_integer(value))
        *out = json_integer_value(value);
    return json_is_integer(value) && *out >= 0;
}

static bool read_number(const json_t *value, double *out)
{
    const char *text = json_string_value(value);

    if (json_is_number(value))
        *out = json_number_value(value);
    else if (json_is_null(value))
        *out = NAN;
    else if (text && strcmp(text, "inf") == 0)
        *out = INFINITY;
    else if (text && strcmp(text, "-inf") == 0)
        *out = -INFINITY;
    else
        return false;
    return true;
}

static bool read_amount(const json_t *value, double *out)
{
    return read_number(value, out) && !(*out < 0);
}

static bool read_finite(const json_t *value, double *out)
{
    return read_amount(value, out) && !isinf(*out);
}

static bool read_series(const json_t *value, struct series *out)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        double number;

        if (!read_finite(json_array_get(value, i), &number) || series_push(out, number))
            return false;
    }
    return json_is_array(value);
}

static bool read_estimate(const json_t *value, struct estimate *out)
{
    if (json_is_null(value))
        return true;
    return json_is_object(value) &&
           read_finite(json_object_get(value, "value"), &out->value) &&
           read_finite(json_object_get(value, "low"), &out->low) &&
           read_finite(json_object_get(value, "high"), &out->high) &&
           !(out->low > out->value) && !(out->value > out->high);
}

/* A length, or the factor of a product, which may have a sign. */
static bool is_extent(const char *axis, const json_t *value)
{
    bool is_factor = strcmp(axis, "alpha") == 0 || strcmp(axis, "beta") == 0;

    return json_is_number(value) && (is_factor || json_number_value(value) >= 0);
}

/* A shape: words and extents by axis. */
static bool read_json(json_t *value, json_t **out)
{
    const char *axis;
    json_t *length;

    json_object_foreach(value, axis, length)
        if (!json_is_string(length) && !is_extent(axis, length))
            return false;
    if (json_is_object(value))
        *out = json_incref(value);
    return json_is_object(value) || json_is_null(value);
}

static bool read_measure(struct record *r, const json_t *value)
{
    struct measure m = {.value = NAN};

    return read_text(json_object_get(value, "probe"), m.probe.text,
                     sizeof m.probe.text) &&
           read_text(json_object_get(value, "name"), m.name.text, sizeof m.name.text) &&
           read_text(json_object_get(value, "unit"), m.unit.text, sizeof m.unit.text) &&
           read_text(json_object_get(value, "why"), m.why, sizeof m.why) &&
           read_number(json_object_get(value, "value"), &m.value) &&
           (m.is_suspect = json_is_true(json_object_get(value, "suspect")), true) &&
           record_observe(r, &m) == 0;
}

static bool read_measures(struct record *r, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!read_measure(r, json_array_get(value, i)))
            return false;
    return json_is_array(value);
}

static bool read_ledger(struct record *r, const json_t *value)
{
    for (int i = 0; i < LEDGERS; i++) {
        const json_t *row = json_object_get(value, ledger_name((enum ledger)i));

        if (row && !read_finite(row, &r->ledger_ns[i]))
            return false;
    }
    return json_is_object(value);
}

static bool read_kind(struct record *r, const json_t *line)
{
    const char *kind = json_string_value(json_object_get(line, "kind"));

    for (size_t i = 0;
         kind && i < sizeof record_kind_spelling / sizeof *record_kind_spelling; i++)
        if (strcmp(kind, record_kind_spelling[i]) == 0) {
            r->kind = (enum record_kind)i;
            return true;
        }
    return false;
}

#define READ_TEXT(r, name) read_text(value, (r)->name.text, sizeof(r)->name.text)
#define READ_LONG_TEXT(r, name) READ_TEXT(r, name)
#define READ_ENUM(r, field) read_enum_##field(value, r)
#define READ_COUNT(r, name) read_count(value, &(r)->name)
#define READ_NUMBER(r, name) read_amount(value, &(r)->name)
#define READ_SERIES(r, name) read_series(value, &(r)->name)
#define READ_ESTIMATE(r, name) read_estimate(value, &(r)->name)
#define READ_JSON(r, name) read_json(value, &(r)->name)

/* One typed reader per ENUM field: the field is named like its enum. */
#define DEFINE_TEXT(name)
#define DEFINE_LONG_TEXT(name)
#define DEFINE_COUNT(name)
#define DEFINE_NUMBER(name)
#define DEFINE_SERIES(name)
#define DEFINE_ESTIMATE(name)
#define DEFINE_JSON(name)
#define DEFINE_ENUM(name)                                                              \
    static bool read_enum_##name(const json_t *value, struct record *r)                \
    {                                                                                  \
        int choice;                                                                    \
                                                                                       \
        if (!read_choice(value, name##_parse, &choice))                                \
            return false;                                                              \
        r->name = (enum name)choice;                                                   \
        return true;                                                                   \
    }
#define X(name, type, kind, unit, meaning) DEFINE_##kind(name)
RECORD_FIELDS(X)
#undef X

/* Whether rounds are those of the record: whole numbers below the number of its times. */
static bool are_rounds(const struct record *r, const struct series *rounds)
{
    for (size_t i = 0; i < rounds->n; i++) {
        double round = rounds->value[i];

        if (!(round < (double)r->wall_ns.n) || round != floor(round))
            return false;
    }
    return true;
}

/* Rows may overlap a little, or be measured a little apart; never tenfold. */
static double ledger_tenth_ns(const struct record *r)
{
    double sum_ns = 0;

    for (int i = 0; i < LEDGERS; i++)
        sum_ns += isnan(r->ledger_ns[i]) ? 0 : r->ledger_ns[i];
    return sum_ns / 10;
}

/* Name of the first field that cannot be beside the others, or NULL. What is not known
 * contradicts nothing. */
static const char *contradiction(const struct record *r)
{
    const struct {
        const char *name;
        double part, whole;
    } row[] = {
        {"roundoff", r->roundoff, 1},
        {"judged", (double)r->judged, 1},
        {"proof", (double)r->proof, 1},
        {"straw", (double)r->straw, 1},
        {"stationary_bytes", r->stationary_bytes, r->upload_bytes},
        {"whole_bytes", r->whole_bytes, r->bytes_read + r->bytes_written},
        {"whole_upload_bytes", r->whole_upload_bytes, r->upload_bytes},
        {"whole_stationary_bytes", r->whole_stationary_bytes, r->stationary_bytes},
        {"ledger_ns", ledger_tenth_ns(r), r->parts_ns},
        {"error", r->outcome == OUTCOME_OK ? r->error : NAN, 1},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (row[i].part > row[i].whole * (1 + 1e-9)) /* both were rounded */
            return row[i].name;
    return !are_rounds(r, &r->contended) ? "contended"
           : !are_rounds(r, &r->throttled) ? "throttled"
                                           : NULL;
}

/* Name of the first field that does not hold what it should, or NULL. */
static const char *read_fields(struct record *r, const json_t *line)
{
    json_t *value;

    if (!read_kind(r, line))
        return "kind";
#define X(name, type, kind, unit, meaning)                                             \
    if ((value = json_object_get(line, #name)) && !READ_##kind(r, name))               \
        return #name;
    RECORD_FIELDS(X)
#undef X
    if ((value = json_object_get(line, "ledger_ns")) && !read_ledger(r, value))
        return "ledger_ns";
    if ((value = json_object_get(line, "measures")) && !read_measures(r, value))
        return "measures";
    return r->workload.text[0] ? NULL : "workload";
}

int record_read(struct record *r, const json_t *line, struct why *why)
{
    const char *field, *fault = "is missing or holds something else";

    record_init(r);
    field = read_fields(r, line);
    if (!field) {
        field = contradiction(r);
        fault = "contradicts the others";
    }
    if (!field)
        return 0;
    record_release(r);
    return why_fail(why, STATUS_INVALID, "field '%s' %s", field, fault);
}
