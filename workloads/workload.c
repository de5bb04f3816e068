/* SPDX-License-Identifier: MIT */
/* What every workload shares: finding one, reading and writing its shapes, its tolerance. */
#include "workloads/workload.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"
#include "base/text.h"

const struct workload *workload_find(const char *name)
{
    for (const struct workload *const *w = workloads; *w; w++)
        if (strcmp((*w)->name, name) == 0)
            return *w;
    return NULL;
}

int workload_axes(const struct workload *w)
{
    int n = 0;

    while (n < AXES && w->axis[n].name)
        n++;
    return n;
}

int workload_args(const struct workload *w)
{
    int n = 0;

    while (n < ARGS && w->args[n].name)
        n++;
    return n;
}

int workload_cut_outermost(const struct problem *p)
{
    (void)p;
    return 0;
}

bool workload_fits_f32(const struct problem *p)
{
    return p->dtype == DTYPE_F32;
}

enum dtype workload_arg_dtype(const struct workload *w, const struct problem *p, int i)
{
    int type = w->args[i].type;

    return type == DTYPE_SAME      ? p->dtype
           : type == DTYPE_PRODUCT ? dtype_product(p->dtype)
                                   : (enum dtype)type;
}

size_t workload_arg_bytes(const struct workload *w, const struct problem *p, int i)
{
    return (size_t)w->args[i].count(p) * dtype_bytes(workload_arg_dtype(w, p, i));
}

void workload_shape_text(const struct workload *w, const struct shape *shape, char *out,
                         size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (int i = 0; i < workload_axes(w); i++) {
        const struct axis *axis = &w->axis[i];
        int n;

        if (shape->n[i] == axis->fallback)
            continue;
        if (axis->value)
            n = snprintf(out + used, size - used, "%s%s=%s", used ? " " : "", axis->name,
                         axis->value[shape->n[i]]);
        else
            n = snprintf(out + used, size - used, "%s%s=%" PRId64, used ? " " : "",
                         axis->name, shape->n[i]);
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
}

static int value_count(const struct axis *axis)
{
    int n = 0;

    while (axis->value[n])
        n++;
    return n;
}

/* "512", "1e6", "2k" (1000), "2Ki" (1024), M, Mi, G, Gi; false when it is no whole number. */
static bool parse_count(const char *text, int64_t *count)
{
    static const struct {
        const char *suffix;
        double factor;
    } unit[] = {{"", 1}, {"k", 1e3}, {"Ki", 0x1p10}, {"M", 1e6}, {"Mi", 0x1p20}, {"G", 1e9},
                {"Gi", 0x1p30}};
    char *end;
    double value = strtod(text, &end);

    if (end == text || !isfinite(value))
        return false;
    for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
        if (strcmp(end, unit[i].suffix) != 0)
            continue;
        value *= unit[i].factor;
        if (value != floor(value) || fabs(value) > 0x1p53)
            return false;
        *count = (int64_t)value;
        return true;
    }
    return false;
}

static int axis_set(const struct workload *w, const struct axis *axis, int64_t *n,
                    const char *value, struct why *why)
{
    if (axis->value) {
        char near[160];

        for (int i = 0; axis->value[i]; i++)
            if (strcmp(axis->value[i], value) == 0) {
                *n = i;
                return 0;
            }
        text_nearest(near, sizeof near, value, axis->value, (size_t)value_count(axis));
        return why_fail(why, STATUS_INVALID, "%s: axis '%s' has no value '%s'%s", w->name,
                        axis->name, value, near);
    }
    if (!parse_count(value, n))
        return why_fail(why, STATUS_INVALID, "%s: axis '%s' is '%s', which is not a whole number",
                        w->name, axis->name, value);
    return 0;
}

int workload_shape_set(const struct workload *w, struct shape *shape, const char *axis,
                       const char *value, struct why *why)
{
    const char *name[AXES];
    int axes = workload_axes(w);
    char near[160];

    for (int i = 0; i < axes; i++) {
        name[i] = w->axis[i].name;
        if (strcmp(name[i], axis) == 0)
            return axis_set(w, &w->axis[i], &shape->n[i], value, why);
    }
    text_nearest(near, sizeof near, axis, name, (size_t)axes);
    return why_fail(why, STATUS_INVALID, "%s has no axis '%s'%s; hint: offload-bench list workloads",
                    w->name, axis, near);
}

struct operation workload_operation(const struct workload *w, const struct problem *p,
                                    enum cache cache)
{
    struct cost cost = w->cost(p);
    struct operation op = {.op = w->name, .dtype = p->dtype, .kv_dtype = p->dtype, .batch = 1,
                           .cold = cache == CACHE_COLD, .flops = cost.flops,
                           .bytes_read = cost.bytes_read, .bytes_written = cost.bytes_written};

    if (w->operation)
        w->operation(p, &op);
    return op;
}

void workload_shape_init(const struct workload *w, struct shape *shape)
{
    *shape = (struct shape){0};
    for (int i = 0; i < workload_axes(w); i++)
        shape->n[i] = w->axis[i].fallback;
}

const struct sweep *workload_sweep(const struct workload *w, const char *name)
{
    for (const struct sweep *s = w->sweeps; s && s->name; s++)
        if (strcmp(s->name, name) == 0 || (s->also && strcmp(s->also, name) == 0))
            return s;
    return NULL;
}

struct shape sweep_shape(const struct sweep *sweep, int64_t size)
{
    struct shape shape = {{0}};

    for (int i = 0; i < AXES; i++)
        shape.n[i] = sweep->mul[i] * size + sweep->add[i];
    return shape;
}

/* "k=16*size", "k=size", "k=32", "ta=t"; axes that stay at their fallback are left out. */
void workload_sweep_text(const struct workload *w, const struct sweep *sweep, char *out,
                         size_t size)
{
    size_t n = 0;

    *out = '\0';
    for (int i = 0; i < workload_axes(w) && n < size; i++) {
        const struct axis *axis = &w->axis[i];
        const char *gap = n ? " " : "";
        int64_t mul = sweep->mul[i], add = sweep->add[i];

        if (mul > 1)
            n += (size_t)snprintf(out + n, size - n, "%s%s=%" PRId64 "*size", gap, axis->name, mul);
        else if (mul)
            n += (size_t)snprintf(out + n, size - n, "%s%s=size", gap, axis->name);
        else if (add != axis->fallback && axis->value)
            n += (size_t)snprintf(out + n, size - n, "%s%s=%s", gap, axis->name, axis->value[add]);
        else if (add != axis->fallback)
            n += (size_t)snprintf(out + n, size - n, "%s%s=%" PRId64, gap, axis->name, add);
    }
}

static void list_dtypes(const struct workload *w, char *out, size_t size)
{
    size_t n = 0;

    for (int d = 0; d < DTYPES && n < size; d++)
        if (w->dtypes >> d & 1)
            n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", dtype_name((enum dtype)d));
}

int workload_dtype_check(const struct workload *w, enum dtype dtype, struct why *why)
{
    char has[80] = "";

    if (w->dtypes >> dtype & 1)
        return 0;
    list_dtypes(w, has, sizeof has);
    return why_fail(why, STATUS_INVALID, "%s does not exist in %s; hint: it does in %s", w->name,
                    dtype_name(dtype), has);
}

int workload_problem_check(const struct workload *w, const struct problem *p, struct why *why)
{
    int status = workload_dtype_check(w, p->dtype, why);

    if (status)
        return status;
    for (int i = 0; i < workload_axes(w); i++) {
        const struct axis *axis = &w->axis[i];

        if (p->shape.n[i] == AXIS_REQUIRED)
            return why_fail(why, STATUS_INVALID, "%s: axis '%s' (%s) is missing", w->name,
                            axis->name, axis->meaning);
        if (axis->value ? p->shape.n[i] < 0 || p->shape.n[i] >= value_count(axis)
                        : p->shape.n[i] < axis->least)
            return why_fail(why, STATUS_INVALID, "%s: axis '%s' is %" PRId64 ", least is %" PRId64,
                            w->name, axis->name, p->shape.n[i], axis->least);
    }
    return !w->valid || w->valid(p, why) ? 0 : STATUS_INVALID;
}

double workload_error_bound(const struct workload *w, const struct problem *p, int arg,
                            double want, double scale)
{
    double accumulate = p->dtype == DTYPE_F64    ? dtype_roundoff(DTYPE_F64)
                        : p->dtype == DTYPE_E4M3 ? 0x1p-14
                                                 : dtype_roundoff(DTYPE_F32);
    double out = dtype_roundoff(workload_arg_dtype(w, p, arg));
    /* below the smallest normal number of the type, rounding is absolute */
    double tiny = p->dtype == DTYPE_F16 ? 0x1p-24 : p->dtype == DTYPE_F64 ? DBL_MIN : FLT_MIN;

    if (out == 0)
        return 0;
    return out * fabs(want) +
           ((4 * sqrt(w->length(p)) + 8) * accumulate + w->roundings * dtype_roundoff(p->dtype)) *
               fabs(scale) +
           tiny;
}

const char *workload_device_code(const char *name, enum device_kind language)
{
    char path[200];
    const struct embedded *code;

    snprintf(path, sizeof path, "workloads/%s/%s.%s", name, name,
             language == DEVICE_CUDA ? "cu" : "cl");
    code = embedded_find(path);
    return code ? code->text : NULL;
}
