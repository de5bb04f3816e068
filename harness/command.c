/* SPDX-License-Identifier: MIT */
#include "harness/command.h"

#include <stdarg.h>
#include <stdio.h>

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
