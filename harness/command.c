/* SPDX-License-Identifier: MIT */
#include "harness/command.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

int command_fail(int status, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("offload-bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

char *command_line_of(int argc, char **argv)
{
    struct text line = {0};
    json_t *text;

    text_add(&line, "offload-bench");
    for (int i = 1; i < argc; i++)
        text_printf(&line, " %s", argv[i]);
    /* file names may be any bytes, JSON holds UTF-8 only */
    text = line.data ? json_string(line.data) : NULL;
    for (size_t i = 0; i < line.n && !text; i++)
        if ((unsigned char)line.data[i] >= 0x80)
            line.data[i] = '?';
    json_decref(text);
    return line.data;
}
