/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int text_reserve(struct text *t, size_t more)
{
    if (t->failed)
        return 0;
    if (t->n + more + 1 > t->cap) {
        size_t cap = t->cap ? t->cap : 256;
        char *grown;

        while (cap < t->n + more + 1)
            cap *= 2;
        grown = realloc(t->data, cap);
        if (!grown) {
            t->failed = 1;
            return 0;
        }
        t->data = grown;
        t->cap = cap;
    }
    return 1;
}

void text_add_bytes(struct text *t, const char *bytes, size_t n)
{
    if (!text_reserve(t, n))
        return;
    memcpy(t->data + t->n, bytes, n);
    t->n += n;
    t->data[t->n] = '\0';
}

void text_add(struct text *t, const char *string)
{
    text_add_bytes(t, string, strlen(string));
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || !text_reserve(t, (size_t)n))
        return;
    va_start(args, format);
    vsnprintf(t->data + t->n, (size_t)n + 1, format, args);
    va_end(args);
    t->n += (size_t)n;
}

void text_release(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

/* Length of the next word; a number keeps its percent sign. */
static size_t word_length(const char *text)
{
    size_t n = strcspn(text, " ");

    return strncmp(text + n, " %", 2) == 0 ? n + 1 + strcspn(text + n + 1, " ") : n;
}

void text_wrap(struct text *out, const char *paragraph, size_t at, size_t line)
{
    size_t column = at, word;

    for (bool is_first = true; *paragraph; is_first = false, paragraph += word) {
        paragraph += strspn(paragraph, " ");
        word = word_length(paragraph);
        if (!is_first && column + 1 + word > line) {
            text_printf(out, "\n%*s", (int)at, "");
            column = at;
        } else if (!is_first && word) {
            text_add(out, " ");
            column++;
        }
        text_add_bytes(out, paragraph, word);
        column += word;
    }
}

int text_read_file(struct text *out, const char *path, struct why *why)
{
    FILE *file = fopen(path, "rb");
    char chunk[65536];
    size_t n;
    int error;

    if (!file)
        return why_fail(why, STATUS_IO, "cannot open '%s': %s", path, strerror(errno));
    while (out->n <= TEXT_FILE_BYTES && (n = fread(chunk, 1, sizeof chunk, file)) > 0)
        text_add_bytes(out, chunk, n);
    error = ferror(file) ? errno : 0;
    fclose(file);
    if (out->n >= 3 && memcmp(out->data, "\xef\xbb\xbf", 3) == 0) /* editors put it first */
        memmove(out->data, out->data + 3, (out->n -= 3) + 1);
    if (error)
        return why_fail(why, STATUS_IO, "cannot read '%s': %s", path, strerror(error));
    if (out->n > TEXT_FILE_BYTES)
        return why_fail(why, STATUS_IO, "cannot read '%s': it is longer than %zu MiB, or never ends",
                        path, TEXT_FILE_BYTES >> 20);
    if (out->failed)
        return why_fail(why, STATUS_MEMORY, "cannot read '%s': out of memory", path);
    return 0;
}

int bytes_write(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        bytes += written;
        n -= (size_t)written;
    }
    return 0;
}

/* And to the disk. */
static int write_through(int fd, const char *bytes, size_t n)
{
    int error = bytes_write(fd, bytes, n);

    return error || fsync(fd) == 0 || errno == EINVAL ? error : errno;
}

/* A device or a pipe is written to: a rename would put a file in its place. */
static int write_into(const char *path, const char *bytes, size_t n, struct why *why)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), error = fd < 0 ? errno : write_through(fd, bytes, n);

    if (fd >= 0 && close(fd) != 0 && !error)
        error = errno;
    return error ? why_fail(why, STATUS_IO, "cannot write '%s': %s", path, strerror(error)) : 0;
}

int text_write_file(const char *path, const char *bytes, size_t n, struct why *why)
{
    struct stat info;
    struct text beside = {0};
    int fd, error, status = 0;
    mode_t mask = umask(0);

    umask(mask);
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return write_into(path, bytes, n, why);
    text_printf(&beside, "%s.XXXXXX", path);
    if (beside.failed)
        return why_fail(why, STATUS_MEMORY, "cannot write '%s': out of memory", path);
    fd = mkstemp(beside.data);
    if (fd < 0) {
        status = why_fail(why, STATUS_IO, "cannot write '%s': %s", path, strerror(errno));
        goto out;
    }
    error = write_through(fd, bytes, n);
    fchmod(fd, 0666 & ~mask);
    if (close(fd) != 0 && !error)
        error = errno;
    if (!error && rename(beside.data, path) != 0)
        error = errno;
    if (error) {
        unlink(beside.data);
        status = why_fail(why, STATUS_IO, "cannot write '%s': %s", path, strerror(error));
    }
out:
    text_release(&beside);
    return status;
}

static bool is_same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between two words: insert, delete, replace, swap neighbours (optimal string
 * alignment); case ignored; words longer than 63 count by their first 63. */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t edits[LONGEST + 1][LONGEST + 1], na = strnlen(a, LONGEST), nb = strnlen(b, LONGEST);

    for (size_t i = 0; i <= na; i++)
        for (size_t j = 0; j <= nb; j++) {
            if (i == 0 || j == 0) {
                edits[i][j] = i + j;
                continue;
            }
            edits[i][j] = least(least(edits[i - 1][j], edits[i][j - 1]) + 1,
                                edits[i - 1][j - 1] + !is_same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) && is_same(a[i - 2], b[j - 1]))
                edits[i][j] = least(edits[i][j], edits[i - 2][j - 2] + 1);
        }
    return edits[na][nb];
}

/* How far a name is from the word; a name that begins with the word is near, one that begins
 * as most of the word does ("llama-9", "llama-3.1-8b") not far. */
static size_t farness(const char *word, const char *name)
{
    size_t n = strlen(word), far = distance(word, name), same = 0;

    while (same < n && is_same(word[same], name[same]))
        same++;
    if (same == n && n >= 2)
        return least(far, 1);
    return same >= 4 && 3 * same >= 2 * n ? least(far, 2) : far;
}

void text_nearest(char *out, size_t size, const char *word, const char *const *name,
                  size_t count)
{
    size_t limit = strlen(word) < 6 ? 1 : strlen(word) / 3, best = limit + 1, used = 0;
    int told = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        if (farness(word, name[i]) < best)
            best = farness(word, name[i]);
    if (best > limit)
        return;
    for (size_t i = 0; i < count && told < 3; i++) {
        int n;

        if (farness(word, name[i]) != best)
            continue;
        n = snprintf(out + used, size - used, "%s'%s'", told ? " or " : "; did you mean ",
                     name[i]);
        if (n < 0 || (size_t)n >= size - used)
            break;
        used += (size_t)n;
        told++;
    }
    if (used + 2 <= size)
        strcpy(out + used, "?");
}
