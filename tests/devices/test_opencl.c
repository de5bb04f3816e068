/* SPDX-License-Identifier: MIT */
/* The OpenCL room on whatever device is here (skipped with the reason when there is none):
 * memory and copies, building and its words, the disk cache and its damage, marks, limits;
 * and, in a child process, a machine whose loader finds no driver. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/devices/checks.h"

static struct device device;
static struct why missing;
static char cache[64];

static int open_device(void **state)
{
    (void)state;
    snprintf(cache, sizeof cache, "/tmp/offload-bench-opencl-XXXXXX");
    if (!mkdtemp(cache) || setenv("OFFLOAD_BENCH_CACHE", cache, 1))
        return -1;
    device_open(&device, "opencl", &missing);
    return 0;
}

/* Calls `each` for every cached kernel; how many there are. */
static int cached(void (*each)(const char *path))
{
    DIR *dir = opendir(cache);
    struct dirent *entry;
    int n = 0;

    while (dir && (entry = readdir(dir))) {
        char path[400];

        if (entry->d_name[0] == '.')
            continue;
        n++;
        snprintf(path, sizeof path, "%s/%s", cache, entry->d_name);
        if (each)
            each(path);
    }
    if (dir)
        closedir(dir);
    return n;
}

static void remove_file(const char *path)
{
    unlink(path);
}

static int close_device(void **state)
{
    (void)state;
    device_close(&device);
    cached(remove_file);
    return rmdir(cache);
}

static void need_device(void)
{
    if (!device.ops) {
        print_message("skipped: %s\n", missing.text);
        skip();
    }
}

static void test_computes(void **state)
{
    (void)state;
    need_device();
    assert_true(computes(&device, 1000, 3, MEMORY_PAGEABLE));
    assert_true(computes(&device, 1000, 3, MEMORY_PINNED));
    assert_false(computes(&device, 1000, 0, MEMORY_PAGEABLE)); /* no groups: nothing ran */
}

static void test_memory(void **state)
{
    static const enum memory kind[] = {MEMORY_PAGEABLE, MEMORY_PINNED, MEMORY_DEVICE};
    struct buffer a, b;
    struct why why = {{0}};

    (void)state;
    need_device();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(device.ops->alloc(&device, &a, 0, kind[i], &why), 0);
        assert_int_equal(device.ops->alloc(&device, &b, 0, MEMORY_DEVICE, &why), 0);
        assert_int_equal(device.ops->copy(&device, &b, &a, 0, &why), 0);
        device.ops->free(&device, &a);
        device.ops->free(&device, &a);
        device.ops->free(&device, &b);
        assert_int_equal(device.ops->alloc(&device, &a, (size_t)1 << 50, kind[i], &why),
                         STATUS_MEMORY);
        assert_non_null(strstr(why.text, "cannot allocate 1073741824.0 MiB"));
        assert_null(a.handle);
        assert_null(a.data);
        device.ops->free(&device, &a);
    }
    assert_int_equal(device.ops->alloc(&device, &a, 64, MEMORY_MANAGED, &why),
                     STATUS_UNAVAILABLE);
    device.ops->free(&device, &a);
}

static void test_build(void **state)
{
    (void)state;
    need_device();
    check_build(&device);
}

/* Keep the length, change what is inside; keep only the start; keep nothing. */
static void damage(const char *path)
{
    FILE *file = fopen(path, "r+");

    assert_non_null(file);
    fseek(file, 100, SEEK_SET);
    fputs("damaged", file);
    fclose(file);
}

static void shorten(const char *path)
{
    assert_int_equal(truncate(path, 64), 0);
}

static void test_cache(void **state)
{
    void (*const harm[])(const char *) = {NULL, damage, shorten, remove_file};

    (void)state;
    need_device();
    assert_true(cached(NULL) > 0);
    for (size_t i = 0; i < sizeof harm / sizeof *harm; i++) {
        struct device again;

        cached(harm[i]);
        assert_int_equal(device_open(&again, "opencl", NULL), 0);
        assert_true(computes(&again, 100, 2, MEMORY_PAGEABLE));
        device_close(&again);
        assert_true(cached(NULL) > 0); /* written anew */
    }
}

static void test_marks(void **state)
{
    (void)state;
    need_device();
    check_marks(&device);
}

static void test_lanes(void **state)
{
    (void)state;
    need_device();
    check_lanes(&device);
}

static void test_group_limit(void **state)
{
    struct step step = {.kernel = "fill", .groups = {1, 1, 1}, .group = {1 << 20, 1, 1}};
    struct buffer arg = {0};
    struct kernel *kernel;
    struct why why = {{0}};

    (void)state;
    need_device();
    assert_true(device.facts.group_limit > 0 && device.facts.group_limit < 1 << 20);
    assert_true(device.facts.local_bytes > 0 && device.facts.compute_units > 0);
    assert_int_equal(check_built(&device, code, "fill", "-DVALUE=1", &kernel, &why), 0);
    assert_int_equal(device.ops->alloc(&device, &arg, 4 << 20, MEMORY_DEVICE, &why), 0);
    step_buffer(&step, 0);
    assert_int_equal(device.ops->launch(&device, kernel, &step, &arg, NULL, &why),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "work-groups of 1048576"));
    device.ops->free(&device, &arg);
}

static void test_unknown_index(void **state)
{
    struct device d;
    struct why why = {{0}};

    (void)state;
    need_device();
    assert_int_equal(device_open(&d, "opencl:99", &why), STATUS_INVALID);
    assert_non_null(strstr(why.text, "opencl:99"));
    device_close(&d);
}

/* A process of its own: a loader looks for drivers once. */
static void test_no_driver(void **state)
{
    pid_t child;
    int status = -1;

    (void)state;
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char self[400] = "";

        setenv("OCL_ICD_VENDORS", "/nonexistent", 1);
        setenv("OCL_ICD_FILENAMES", "", 1);
        if (readlink("/proc/self/exe", self, sizeof self - 1) > 0)
            execl(self, self, "no-driver", (char *)NULL);
        _exit(99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* In the child: everything else still works, and the reason is a sentence with a hint. */
static int without_driver(void)
{
    struct device_row row[8];
    struct why why[DEVICE_KINDS] = {{{0}}};
    struct device d;
    int rows = device_list(row, 8, why);
    int status = device_open(&d, "opencl", &why[0]);

    for (int i = 0; i < rows; i++)
        if (row[i].kind == DEVICE_OPENCL)
            return 2;
    return rows >= 1 && status == STATUS_UNAVAILABLE && !d.ops &&
                   strstr(why[DEVICE_OPENCL].text, "hint: install")
               ? 0
               : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_computes),    cmocka_unit_test(test_memory),
        cmocka_unit_test(test_build),       cmocka_unit_test(test_cache),
        cmocka_unit_test(test_marks),       cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_group_limit),
        cmocka_unit_test(test_unknown_index), cmocka_unit_test(test_no_driver),
    };

    if (argc > 1 && strcmp(argv[1], "no-driver") == 0)
        return without_driver();
    return cmocka_run_group_tests_name("OpenCL devices", tests, open_device, close_device);
}
