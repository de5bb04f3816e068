/* SPDX-License-Identifier: MIT */
#include "report/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *value_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Text of a record may have been cut within a character: then no byte of it can be trusted. */
json_t *value_string(const char *text)
{
    json_t *value = json_string(text);
    char *plain;

    if (value)
        return value;
    plain = strdup(text);
    for (char *c = plain; c && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    value = plain ? json_string(plain) : NULL;
    free(plain);
    return value;
}

void key_set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

void key_list(json_t *object, const char *key, const struct report *report, size_t n,
              json_t *(*value)(const struct report *, size_t i))
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, value(report, i));
    key_set(object, key, array);
}

void key_time(json_t *object, struct estimate us)
{
    key_set(object, "time_us", value_number(us.value));
    key_set(object, "low_us", value_number(us.low));
    key_set(object, "high_us", value_number(us.high));
}

void key_ratio(json_t *object, struct estimate ratio)
{
    key_set(object, "speedup", value_number(ratio.value));
    key_set(object, "speedup_low", value_number(ratio.low));
    key_set(object, "speedup_high", value_number(ratio.high));
}

json_t *value_problem(const struct record *r)
{
    json_t *object = json_object();

    key_set(object, "workload", value_string(r->workload.text));
    key_set(object, "dtype", json_string(dtype_name(r->dtype)));
    key_set(object, "shape", r->shape ? json_incref(r->shape) : json_null());
    key_set(object, "cache", json_string(cache_name(r->cache)));
    return object;
}

json_t *value_pays(struct estimate calls)
{
    return json_string(isnan(calls.low) ? "unknown" : isnan(calls.value) ? "never" : "pays");
}
