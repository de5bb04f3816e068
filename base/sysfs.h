/* SPDX-License-Identifier: MIT */
/* Small files in which the kernel says what a machine is (/proc, /sys), below a root
 * that tests point at recorded trees. */
#ifndef OFFLOAD_BENCH_SYSFS_H
#define OFFLOAD_BENCH_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First line of the file `format` ("/sys/...") below `root` ("/" normally), without its
 * newline. False when it cannot be read; errno then says why. */
bool sysfs_line(const char *root, char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The number that the file begins with; NAN when there is none. */
double sysfs_number(const char *root, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Value of the first line "key : value", "key: value" or "key=value" of a file; quotes
 * around it are dropped. False when file or key is missing. */
bool sysfs_value(const char *root, const char *path, const char *key, char *out,
                 size_t size);

/* Call `see` for the value of each such line, in order, until it returns false. */
void sysfs_each(const char *root, const char *path, const char *key,
                bool (*see)(const char *value, void *to), void *to);

/* Bytes of the last-level cache of the first processor of this machine, 0 when unknown. The
 * kernel counts the part that its cores share; the C library, asked where the kernel says
 * nothing, may count all of a package's, which no core can fill alone. Read once. */
uint64_t sysfs_cache_bytes(void);

#endif
