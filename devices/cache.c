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

bool cache_read(const char *const *part, struct text *binary)
{
    char path[1024];

    return cache_path(part, path, sizeof path) && text_read_file(binary, path, NULL) == 0 &&
           binary->n > 0;
}

void cache_write(const char *const *part, const char *binary, size_t n)
{
    char path[1024];

    if (!cache_path(part, path, sizeof path))
        return;
    make_folders(path);
    text_write_file(path, binary, n, NULL);
}
