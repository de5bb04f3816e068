/* SPDX-License-Identifier: MIT */
/* The cache of compiled kernels: what was written comes back, by everything it depends on;
 * what was damaged, cut or cannot be written does not, and nothing fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices/cache.h"

static char folder[64];

static int use_own_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/offload-bench-cache-XXXXXX");
    return mkdtemp(folder) ? setenv("OFFLOAD_BENCH_CACHE", folder, 1) : -1;
}

/* Path of the first entry; false when there is none. */
static int first_entry(char *path, size_t size)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int found = 0;

    while (dir && !found && (entry = readdir(dir)))
        if (strstr(entry->d_name, ".bin")) {
            snprintf(path, size, "%s/%s", folder, entry->d_name);
            found = 1;
        }
    if (dir)
        closedir(dir);
    return found;
}

static int remove_folder(void **state)
{
    char path[400];

    (void)state;
    while (first_entry(path, sizeof path))
        unlink(path);
    return rmdir(folder);
}

static int reads_back(const char *const *part, const char *bytes, size_t n)
{
    struct text got = {0};
    int same = cache_read(part, &got) && got.n == n && memcmp(got.data, bytes, n) == 0;

    text_release(&got);
    return same;
}

static const char *const one[] = {"opencl", "device 1", "-DA", "source", NULL};

static void test_comes_back(void **state)
{
    static const char *const other[] = {"opencl", "device 2", "-DA", "source", NULL};
    static const char *const shifted[] = {"opencl", "device 1", "-DAs", "ource", NULL};
    static const char bytes[] = "a\0binary\xff";

    (void)state;
    assert_false(reads_back(one, bytes, sizeof bytes));
    cache_write(one, bytes, sizeof bytes);
    assert_true(reads_back(one, bytes, sizeof bytes));
    assert_false(reads_back(other, bytes, sizeof bytes));
    assert_false(reads_back(shifted, bytes, sizeof bytes));
}

static void test_damage_is_seen(void **state)
{
    char path[400];
    struct stat st;

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        FILE *file;

        cache_write(one, "0123456789", 10);
        assert_true(reads_back(one, "0123456789", 10));
        assert_true(first_entry(path, sizeof path));
        assert_int_equal(stat(path, &st), 0);
        if (kind == 0)
            assert_int_equal(truncate(path, st.st_size - 3), 0);
        if (kind == 1)
            assert_int_equal(truncate(path, 0), 0);
        if (kind == 2)
            assert_int_equal(truncate(path, 20), 0);
        file = fopen(path, kind == 3 ? "r+" : "a");
        assert_non_null(file);
        if (kind == 3) {
            fseek(file, -2, SEEK_END);
            fputc('x', file);
        }
        fclose(file);
        assert_false(reads_back(one, "0123456789", 10));
    }
}

static void test_nowhere_to_write(void **state)
{
    (void)state;
    setenv("OFFLOAD_BENCH_CACHE", "/proc/nowhere", 1);
    cache_write(one, "0123456789", 10);
    assert_false(reads_back(one, "0123456789", 10));
    setenv("OFFLOAD_BENCH_CACHE", folder, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_damage_is_seen),
        cmocka_unit_test(test_nowhere_to_write),
    };

    return cmocka_run_group_tests_name("cache of kernels", tests, use_own_folder,
                                       remove_folder);
}
