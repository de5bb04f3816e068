/* SPDX-License-Identifier: MIT */
#include "devices/cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* FNV-1a, two runs with different bases: 128 bits keep accidental collisions out of reach. */
static uint64_t fnv(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u; /* so that "ab","c" differs from "a","bc" */
}

/* Create every folder of `path`; the last part is the file. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
}

static bool cache_path(const char *const *part, char *path, size_t size)
{
    const char *own = getenv("OFFLOAD_BENCH_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    uint64_t one = 0xcbf29ce484222325u, two = 0x9e3779b97f4a7c15u;
    int n;

    for (; *part; part++) {
        one = fnv(one, *part);
        two = fnv(two, *part);
    }
    if (own && *own)
        n = snprintf(path, size, "%s/", own);
    else if (xdg && *xdg)
        n = snprintf(path, size, "%s/offload-bench/", xdg);
    else if (home && *home)
        n = snprintf(path, size, "%s/.cache/offload-bench/", home);
    else
        return false;
    n += snprintf(path + n, size - (size_t)n, "%016" PRIx64 "%016" PRIx64 ".bin", one, two);
    return n > 0 && (size_t)n < size;
}

/* What a file starts with: its length and a hash of the rest, so that a file that was cut or
 * damaged is compiled again instead of being handed to a driver. */
enum { HEAD = 33 };

static void head(char *out, const char *binary, size_t n)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)binary[i]) * 0x100000001b3u;
    snprintf(out, HEAD + 1, "%016" PRIx64 "%016" PRIx64 "\n", (uint64_t)n, hash);
}

bool cache_read(const char *const *part, struct text *binary)
{
    char path[1024], expected[HEAD + 1];

    if (!cache_path(part, path, sizeof path) || text_read_file(binary, path, NULL) ||
        binary->n <= HEAD)
        return false;
    head(expected, binary->data + HEAD, binary->n - HEAD);
    if (memcmp(expected, binary->data, HEAD) != 0)
        return false;
    binary->n -= HEAD;
    memmove(binary->data, binary->data + HEAD, binary->n + 1);
    return true;
}

void cache_write(const char *const *part, const char *binary, size_t n)
{
    char path[1024], start[HEAD + 1];
    struct text file = {0};

    if (!cache_path(part, path, sizeof path))
        return;
    head(start, binary, n);
    text_add(&file, start);
    text_add_bytes(&file, binary, n);
    make_folders(path);
    if (!file.failed)
        text_write_file(path, file.data, file.n, NULL);
    text_release(&file);
}
