/* SPDX-License-Identifier: MIT */
/* PTX as tokens: words, strings and single marks; comments and white space fall away. */
#include "tests/emulator/cuda/ptx.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void skip_space(struct cursor *c)
{
    for (;;) {
        if (*c->at == '\n')
            c->line++;
        if (isspace((unsigned char)*c->at)) {
            c->at++;
        } else if (strncmp(c->at, "//", 2) == 0) {
            c->at += strcspn(c->at, "\n");
        } else if (strncmp(c->at, "/*", 2) == 0) {
            const char *end = strstr(c->at, "*/");

            for (end = end ? end + 2 : c->at + strlen(c->at); c->at < end; c->at++)
                c->line += *c->at == '\n';
        } else {
            return;
        }
    }
}

static bool is_word(const char *at)
{
    return isalnum((unsigned char)*at) || (*at && strchr("_.$%", *at));
}

struct token token_next(struct cursor *c)
{
    struct token t = {.kind = TOKEN_END};

    skip_space(c);
    t.start = c->at;
    t.line = c->line;
    if (*c->at == '\0')
        return t;
    if (*c->at == '"') {
        t.kind = TOKEN_STRING;
        c->at++;
        c->at += strcspn(c->at, "\"");
        c->at += *c->at == '"';
    } else if (is_word(c->at)) {
        t.kind = TOKEN_WORD;
        while (is_word(c->at) || (c->at[0] == ':' && c->at[1] == ':'))
            c->at += *c->at == ':' ? 2 : 1;
    } else {
        t.kind = TOKEN_MARK;
        c->at++;
    }
    t.length = (int)(c->at - t.start);
    return t;
}

struct token token_peek(const struct cursor *c)
{
    struct cursor copy = *c;

    return token_next(&copy);
}

bool token_is(struct token t, const char *text)
{
    return t.kind != TOKEN_END && (int)strlen(text) == t.length &&
           strncmp(t.start, text, (size_t)t.length) == 0;
}

bool token_take(struct cursor *c, const char *text)
{
    struct cursor copy = *c;

    if (!token_is(token_next(&copy), text))
        return false;
    *c = copy;
    return true;
}

void token_copy(struct token t, char *out, size_t size)
{
    snprintf(out, size, "%.*s", t.length, t.start);
}

bool number_read(const char *word, bool is_double, uint64_t *bits)
{
    char *end;

    if (!isdigit((unsigned char)*word))
        return false;
    if (word[0] == '0' && (word[1] == 'f' || word[1] == 'F')) {
        *bits = strtoull(word + 2, &end, 16);
    } else if (word[0] == '0' && (word[1] == 'd' || word[1] == 'D')) {
        *bits = strtoull(word + 2, &end, 16);
    } else if (strchr(word, '.')) {
        double value = strtod(word, &end);

        *bits = is_double ? double_bits(value) : float_bits((float)value);
    } else {
        *bits = strtoull(word, &end, 0);
        end += *end == 'U';
    }
    return *end == '\0';
}

void *array_grow(void *array, int count, size_t item)
{
    if (count & (count - 1))
        return array;
    array = realloc(array, (count ? 2 * (size_t)count : 1) * item);
    if (!array) {
        fprintf(stderr, "emulator: out of host memory\n");
        abort();
    }
    return array;
}
