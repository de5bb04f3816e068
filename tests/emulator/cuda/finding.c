/* SPDX-License-Identifier: MIT */
/* Findings go to stderr and to a file that a test reads. */
#include "tests/emulator/cuda/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/emulator/faults.h"

void finding(const char *format, ...)
{
    const char *path = getenv(EMULATOR_FINDINGS), *strict = getenv(EMULATOR_STRICT);
    char line[800];
    va_list list;
    FILE *file = path && *path ? fopen(path, "a") : NULL;

    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    fprintf(stderr, "emulator: %s\n", line);
    if (file) {
        fprintf(file, "%s\n", line);
        fclose(file);
    }
    if (strict && strcmp(strict, "abort") == 0)
        abort();
}

long long setting(const char *name, long long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? atoll(text) : otherwise;
}
