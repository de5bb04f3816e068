/* SPDX-License-Identifier: MIT */
/* A growing string, whole files in and out, and the nearest name to a misspelt one. */
#ifndef OFFLOAD_BENCH_TEXT_H
#define OFFLOAD_BENCH_TEXT_H

#include <stddef.h>

#include "base/why.h"

/* Zero-initialise before use. `data` is NUL-terminated once anything was added, else NULL.
 * Out of memory sets `failed` and later calls do nothing: check once, at the end. */
struct text {
    char *data;
    size_t n, cap;
    int failed;
};

void text_add(struct text *, const char *string);
void text_add_bytes(struct text *, const char *bytes, size_t n);
void text_printf(struct text *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_release(struct text *);

/* Append a paragraph whose first word stands at column `at`: broken at blanks before it passes
 * column `line`, and continued below its start. A number keeps its percent sign. */
void text_wrap(struct text *, const char *paragraph, size_t at, size_t line);

/* The most that is read of a file: what goes on after it is a device, or no file of ours. */
#define TEXT_FILE_BYTES ((size_t)1 << 29)

/* Read the whole file at `path` into *out (appended), but for a UTF-8 byte order mark. Errors: STATUS_IO, also of a file longer
 * than TEXT_FILE_BYTES; STATUS_MEMORY. */
int text_read_file(struct text *out, const char *path, struct why *why);

/* All of the bytes to a descriptor, however many calls that takes; 0 or an errno value. */
int bytes_write(int fd, const char *bytes, size_t n);

/* Replace the file at `path` atomically: written beside it, flushed, renamed. On failure the
 * old file is untouched. What is there and no regular file, such as a device, is written to. */
int text_write_file(const char *path, const char *bytes, size_t n, struct why *why);

/* Write to `out` (size bytes) a phrase with the nearest of `count` names to `word`, to follow
 * what was wrong: "; did you mean 'gemm' or 'gemv'?", or "" when none is near (edit distance,
 * case ignored). */
void text_nearest(char *out, size_t size, const char *word, const char *const *name,
                  size_t count);

#endif
