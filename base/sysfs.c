/* SPDX-License-Identifier: MIT */
#include "base/sysfs.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* /proc/cpuinfo has lines of flags of two thousand characters */
enum { PATH = 512, LINE = 16384 };

static FILE *file_open(const char *root, const char *path)
{
    char full[PATH];

    snprintf(full, sizeof full, "%s%s", strcmp(root, "/") == 0 ? "" : root, path);
    return fopen(full, "re");
}

static bool line_read(const char *root, const char *path, char *out, size_t size)
{
    FILE *file = file_open(root, path);
    bool is_read;

    out[0] = '\0';
    if (!file)
        return false;
    is_read = fgets(out, (int)size, file) != NULL;
    fclose(file);
    out[strcspn(out, "\n")] = '\0';
    return is_read;
}

bool sysfs_line(const char *root, char *out, size_t size, const char *format, ...)
{
    char path[PATH];
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    return line_read(root, path, out, size);
}

double sysfs_number(const char *root, const char *format, ...)
{
    char path[PATH], line[64], *end;
    va_list args;
    double value;

    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    if (!line_read(root, path, line, sizeof line))
        return NAN;
    value = strtod(line, &end);
    return end == line ? NAN : value;
}

/* The value of `line` when it begins with `key`, else NULL. */
static char *value_of(char *line, const char *key)
{
    size_t n = strlen(key);
    char *value = line + n;

    if (strncmp(line, key, n) != 0)
        return NULL;
    value += strspn(value, " \t");
    if (*value != ':' && *value != '=')
        return NULL;
    value += 1 + strspn(value + 1, " \t\"");
    n = strlen(value);
    while (n > 0 && (isspace((unsigned char)value[n - 1]) || value[n - 1] == '"'))
        value[--n] = '\0';
    return value;
}

void sysfs_each(const char *root, const char *path, const char *key,
                bool (*see)(const char *value, void *to), void *to)
{
    FILE *file = file_open(root, path);
    char line[LINE];
    const char *value;
    bool goes_on = true;

    if (!file)
        return;
    while (goes_on && fgets(line, sizeof line, file)) {
        value = value_of(line, key);
        if (value)
            goes_on = see(value, to);
    }
    fclose(file);
}

struct found {
    char *out;
    size_t size;
    bool is_found;
};

static bool take_first(const char *value, void *to)
{
    struct found *found = to;

    snprintf(found->out, found->size, "%s", value);
    found->is_found = true;
    return false;
}

bool sysfs_value(const char *root, const char *path, const char *key, char *out,
                 size_t size)
{
    struct found found = {.out = out, .size = size};

    out[0] = '\0';
    sysfs_each(root, path, key, take_first, &found);
    return found.is_found;
}

static uint64_t read_cache_bytes(void)
{
    long package = sysconf(_SC_LEVEL3_CACHE_SIZE);

    for (int index = 3; index >= 2; index--) {
        double kib = sysfs_number("/", "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);

        if (kib > 0)
            return (uint64_t)kib << 10;
    }
    return package > 0 ? (uint64_t)package : 0;
}

uint64_t sysfs_cache_bytes(void)
{
    static int64_t bytes = -1; /* same answer from every thread: a benign race */

    if (bytes < 0)
        bytes = (int64_t)read_cache_bytes();
    return (uint64_t)bytes;
}
