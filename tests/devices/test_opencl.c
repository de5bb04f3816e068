/* SPDX-License-Identifier: MIT */
/* The OpenCL room on whatever device is here (skipped with the reason when there is none):
 * memory and copies, building and its words, the disk cache and its damage, marks, limits;
 * and, in a child process, a machine whose loader finds no driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "devices/device.h"

static struct device device;
static struct why missing;
static char cache[64];

static const char code[] =
    "KERNEL void twice(GLOBAL const elem *x, GLOBAL elem *y, long_ n, int q, float f)\n"
    "{ for (long_ i = global_id(0); i < n; i += global_size(0))\n"
    "      STORE(y, i, q * LOAD(x, i) + f); }\n"
    "KERNEL void fill(GLOBAL elem *y) { STORE(y, global_id(0), VALUE); }\n";

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

static int build(const char *source, const char *name, const char *defines,
                 struct kernel **kernel, struct why *why)
{
    return device.ops->build(&device, source, name, defines, DTYPE_F32, kernel, why);
}

/* y = 3 x + 0.5 over n floats, in `groups` work-groups of 64; true when every element is. */
static bool computes(struct device *d, int n, int groups, enum memory host_memory)
{
    const struct device_ops *ops = d->ops;
    struct buffer arg[2] = {{0}}, host[2] = {{0}}, none = {0};
    struct step step = {.kernel = "twice", .groups = {groups, 1, 1}, .group = {64, 1, 1}};
    struct kernel *kernel;
    struct why why = {{0}};
    size_t bytes = (size_t)n * sizeof(float);
    bool ok = true;

    for (int i = 0; i < 2; i++) {
        ok = ok && ops->alloc(d, &arg[i], bytes, MEMORY_DEVICE, &why) == 0;
        ok = ok && ops->alloc(d, &host[i], bytes, host_memory, &why) == 0;
    }
    for (int i = 0; ok && i < n; i++) {
        ((float *)host[0].data)[i] = (float)i;
        ((float *)host[1].data)[i] = NAN;
    }
    step_buffer(&step, 0);
    step_buffer(&step, 1);
    step_long(&step, n);
    step_int(&step, 3);
    step_float(&step, 0.5);
    ok = ok && ops->build(d, code, "twice", "-DVALUE=1", DTYPE_F32, &kernel, &why) == 0 &&
         ops->copy(d, &arg[0], &host[0], bytes, &why) == 0 &&
         ops->copy(d, &arg[1], &host[1], bytes, &why) == 0 &&
         ops->launch(d, kernel, &step, arg, &none, &why) == 0 &&
         ops->copy(d, &host[1], &arg[1], bytes, &why) == 0 && ops->sync(d, &why) == 0;
    for (int i = 0; ok && i < n; i++)
        ok = ((float *)host[1].data)[i] == 3 * (float)i + 0.5f;
    for (int i = 0; i < 2; i++) {
        ops->free(d, &arg[i]);
        ops->free(d, &host[i]);
    }
    if (why.text[0])
        print_message("%s\n", why.text);
    return ok;
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
    struct kernel *one, *two, *three;
    struct why why = {{0}};

    (void)state;
    need_device();
    assert_int_equal(build(code, "twice", "-DVALUE=1", &one, &why), 0);
    assert_int_equal(build(code, "twice", "-DVALUE=1", &two, &why), 0);
    assert_ptr_equal(one, two);
    assert_int_equal(build(code, "fill", "-DVALUE=1", &three, &why), 0);
    assert_ptr_not_equal(one, three);
    assert_int_equal(build(code, "twice", "-DVALUE=2", &three, &why), 0);
    assert_ptr_not_equal(one, three);
    assert_int_equal(build(code, "thrice", "-DVALUE=1", &two, &why), STATUS_DEVICE);
    assert_non_null(strstr(why.text, "'thrice'"));
    assert_int_equal(build("KERNEL void k(GLOBAL elem *y) { y[0] = nowhere; }\n", "k", "", &two,
                           &why), STATUS_DEVICE);
    assert_non_null(strstr(why.text, "kernel 'k' does not compile"));
    assert_non_null(strstr(why.text, "nowhere"));
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
    struct mark from = {0}, to = {0}, left = {0};

    (void)state;
    need_device();
    assert_true(isnan(device.ops->elapsed_ns(&device, &from, &to)));
    for (int i = 0; i < 3; i++) {
        double ns;

        assert_int_equal(device.ops->mark(&device, &from, NULL), 0);
        assert_int_equal(device.ops->mark(&device, &from, NULL), 0); /* moves it */
        assert_int_equal(device.ops->mark(&device, &to, NULL), 0);
        ns = device.ops->elapsed_ns(&device, &from, &to);
        assert_true(ns >= 0 && ns < 1e9);
        assert_null(from.event);
        assert_null(to.event);
    }
    assert_int_equal(device.ops->mark(&device, &left, NULL), 0); /* released by close */
}

/* Chunks up on lane 1, doubled on lane 0, down on lane 2: in order by waits alone. */
static void test_lanes(void **state)
{
    enum { N = 3000, CHUNK = 1000 };
    struct buffer arg[2] = {{0}}, host = {0};
    struct step step = {.kernel = "twice", .groups = {4, 1, 1}, .group = {64, 1, 1}};
    struct kernel *kernel;
    const struct lane_ops *lanes = device.ops ? device.ops->lanes : NULL;
    struct part chunk = {.bytes = CHUNK * sizeof(float)};
    void *first;

    (void)state;
    need_device();
    assert_non_null(lanes);
    first = device.queue;
    for (int i = 0; i < 2; i++)
        assert_int_equal(device.ops->alloc(&device, &arg[i], N * sizeof(float), MEMORY_DEVICE,
                                           NULL), 0);
    assert_int_equal(device.ops->alloc(&device, &host, N * sizeof(float), MEMORY_PINNED, NULL), 0);
    for (int i = 0; i < N; i++)
        ((float *)host.data)[i] = (float)i;
    step_buffer(&step, 0);
    step_buffer(&step, 1);
    step_long(&step, N);
    step_int(&step, 2);
    step_float(&step, 0);
    assert_int_equal(build(code, "twice", "-DVALUE=1", &kernel, NULL), 0);
    assert_int_equal(lanes->use(&device, 1, NULL), 0);
    assert_ptr_not_equal(device.queue, first);
    for (int c = 0; c < 3; c++) {
        chunk.to = chunk.from = (size_t)c * chunk.bytes;
        assert_int_equal(lanes->copy(&device, &arg[0], &host, chunk, NULL), 0);
    }
    assert_int_equal(lanes->use(&device, 0, NULL), 0);
    assert_int_equal(lanes->wait(&device, 0, 1, NULL), 0);
    assert_int_equal(device.ops->launch(&device, kernel, &step, arg, NULL, NULL), 0);
    assert_int_equal(lanes->wait(&device, 2, 0, NULL), 0);
    assert_ptr_equal(device.queue, first); /* waiting changes no lane */
    assert_int_equal(lanes->use(&device, 2, NULL), 0);
    for (int c = 0; c < 3; c++) { /* the chunks swap places on their way back */
        chunk.from = (size_t)c * chunk.bytes;
        chunk.to = (size_t)(2 - c) * chunk.bytes;
        assert_int_equal(lanes->copy(&device, &host, &arg[1], chunk, NULL), 0);
    }
    assert_int_equal(device.ops->sync(&device, NULL), 0);
    for (int i = 0; i < N; i++)
        assert_true(((float *)host.data)[i] ==
                    2 * (float)((2 - i / CHUNK) * CHUNK + i % CHUNK));
    assert_int_equal(lanes->use(&device, 0, NULL), 0);
    assert_int_equal(lanes->use(&device, LANES, NULL), STATUS_INVALID);
    for (int i = 0; i < 2; i++)
        device.ops->free(&device, &arg[i]);
    device.ops->free(&device, &host);
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
    assert_int_equal(build(code, "fill", "-DVALUE=1", &kernel, &why), 0);
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
