/* SPDX-License-Identifier: MIT */
#include "base/why.h"

#include <stdarg.h>
#include <stdio.h>

int why_fail(struct why *why, enum status status, const char *format, ...)
{
    if (why) {
        va_list args;

        va_start(args, format);
        vsnprintf(why->text, sizeof why->text, format, args);
        va_end(args);
    }
    return status;
}

struct why why_of(const char *text)
{
    struct why why;

    snprintf(why.text, sizeof why.text, "%s", text ? text : "");
    return why;
}

const char *status_text(int status)
{
    switch (status) {
#define X(name, value, text)                                                           \
    case name:                                                                         \
        return text;
        STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}
