/* SPDX-License-Identifier: MIT */
/* Is a page or a picture well formed? A small checker: every element that is opened is
 * closed, in order; every '&' begins an entity. */
#ifndef OFFLOAD_BENCH_TESTS_MARKUP_H
#define OFFLOAD_BENCH_TESTS_MARKUP_H

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MARKUP_DEPTH = 64, MARKUP_NAME = 24 };

static inline bool markup_is_void(const char *name)
{
    static const char *const names[] = {"meta", "br", "input", "link", "hr", "img", "!doctype"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The '>' that ends the tag at `tag`, quotes respected; NULL when there is none. */
static inline const char *markup_tag_end(const char *tag)
{
    char quote = 0;

    for (; *tag; tag++)
        if (quote)
            quote = *tag == quote ? 0 : quote;
        else if (*tag == '"' || *tag == '\'')
            quote = *tag;
        else if (*tag == '>')
            return tag;
    return NULL;
}

static inline const char *markup_entity_end(const char *at)
{
    size_t n = strspn(at + 1, "#abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

    return n > 0 && at[n + 1] == ';' ? at + n + 1 : NULL;
}

/* True when well formed; else `problem` says what and shows the place. */
static inline bool markup_is_sound(const char *text, char *problem, size_t size)
{
    char open[MARKUP_DEPTH][MARKUP_NAME], name[MARKUP_NAME];
    int depth = 0;

    for (const char *at = text; *at; at++) {
        const char *end;
        bool closes;
        size_t n = 0;

        if (*at == '&' && !(end = markup_entity_end(at))) {
            snprintf(problem, size, "a bare '&': %.60s", at);
            return false;
        }
        if (*at != '<')
            continue;
        end = markup_tag_end(at);
        closes = at[1] == '/';
        for (const char *c = at + 1 + closes; n + 1 < sizeof name && *c && !strchr(" \t\n/>", *c); c++)
            name[n++] = (char)tolower((unsigned char)*c);
        name[n] = '\0';
        if (!end || n == 0 || (!isalpha((unsigned char)name[0]) && name[0] != '!')) {
            snprintf(problem, size, "not a tag: %.60s", at);
            return false;
        }
        if (closes && (depth == 0 || strcmp(open[depth - 1], name) != 0)) {
            snprintf(problem, size, "</%s> closes <%s>: %.60s", name,
                     depth ? open[depth - 1] : "", at);
            return false;
        }
        if (closes)
            depth--;
        else if (end[-1] != '/' && !markup_is_void(name) && depth < MARKUP_DEPTH)
            memcpy(open[depth++], name, sizeof name);
        at = end;
        if (!closes && (strcmp(name, "script") == 0 || strcmp(name, "style") == 0)) {
            const char *inner = strstr(at, strcmp(name, "script") == 0 ? "</script" : "</style");

            if (!inner) {
                snprintf(problem, size, "<%s> never ends", name);
                return false;
            }
            at = inner - 1;
        }
    }
    snprintf(problem, size, "%s is still open at the end", depth ? open[depth - 1] : "nothing");
    return depth == 0;
}

#endif
