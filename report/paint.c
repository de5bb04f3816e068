/* SPDX-License-Identifier: MIT */
/* Colour is added while printing, so that no format and no file ever holds it. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/format.h"

static const struct {
    const char *word, *colour;
} paint[] = {
    {"offload", "\033[32m"}, {"undecided", "\033[33m"}, {"stay", "\033[36m"},
    {"wrong", "\033[31m"},   {"failed", "\033[31m"},
};

static bool is_painted(FILE *to)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fileno(to)) && !(no_color && *no_color) &&
           !(term && strcmp(term, "dumb") == 0);
}

/* A word of the table above that stands alone in a table's row: between blanks. */
static size_t painted_length(const char *text, const char *from, const char **colour)
{
    for (size_t i = 0; i < sizeof paint / sizeof *paint; i++) {
        size_t n = strlen(paint[i].word);

        if (strncmp(text, paint[i].word, n) == 0 && text - from >= 2 &&
            text[-1] == ' ' && text[-2] == ' ' &&
            (text[n] == '\n' || strncmp(text + n, "  ", 2) == 0)) {
            *colour = paint[i].colour;
            return n;
        }
    }
    return 0;
}

size_t format_columns(FILE *to)
{
    struct winsize size = {0};

    return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void format_print(const char *text, FILE *to)
{
    const char *from = text, *colour = "";
    size_t n;

    if (!is_painted(to)) {
        fputs(text, to);
        return;
    }
    for (; *text; text += n ? n : 1) {
        n = painted_length(text, from, &colour);
        if (n)
            fprintf(to, "%s%.*s\033[0m", colour, (int)n, text);
        else
            fputc(*text, to);
    }
}

const struct format *format_find(const char *name)
{
    for (const struct format *const *f = formats; *f; f++)
        if (strcmp((*f)->name, name) == 0)
            return *f;
    return NULL;
}
