/* SPDX-License-Identifier: MIT */
/* The house keeps its rules: includes run one way (base <- devices, workloads, probes,
 * projection, suites, report <- harness), every room carries its licence line, no room is
 * called by a name that says nothing. Run from the root of the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static glob_t rooms;

static int find_rooms(void **state)
{
    static const char *const pattern[] = {"*/*.c",   "*/*.h",   "*/*/*.c", "*/*/*.h",
                                          "*/*/*.cl", "*/*/*.cu", "*/*/*/*.c"};

    (void)state;
    for (size_t i = 0; i < sizeof pattern / sizeof *pattern; i++)
        glob(pattern[i], i ? GLOB_APPEND : 0, NULL, &rooms);
    return 0;
}

static int forget_rooms(void **state)
{
    (void)state;
    globfree(&rooms);
    return 0;
}

/* First folder of a path or of an include: "report/formats/html.c" -> "report". */
static void top(const char *path, char *out, size_t size)
{
    snprintf(out, size, "%.*s", (int)strcspn(path, "/"), path);
}

static int may_include(const char *from, const char *what)
{
    return strcmp(from, what) == 0 || strcmp(what, "base") == 0 ||
           strcmp(from, "harness") == 0 || strcmp(from, "tests") == 0;
}

static void test_includes_run_one_way(void **state)
{
    int seen = 0;

    (void)state;
    for (size_t i = 0; i < rooms.gl_pathc; i++) {
        FILE *file = fopen(rooms.gl_pathv[i], "r");
        char line[512], path[256], from[64], what[64];

        top(rooms.gl_pathv[i], from, sizeof from);
        if (strncmp(from, "build", 5) == 0) {
            fclose(file);
            continue;
        }
        while (fgets(line, sizeof line, file)) {
            if (sscanf(line, "#include \"%255[^\"]\"", path) != 1 || !strchr(path, '/'))
                continue;
            top(path, what, sizeof what);
            seen++;
            if (!may_include(from, what))
                fail_msg("%s includes %s", rooms.gl_pathv[i], path);
        }
        fclose(file);
    }
    assert_true(seen > 50); /* the patterns still match */
}

static void test_rooms_are_named_and_licensed(void **state)
{
    static const char *const empty[] = {"common", "util", "utils", "misc", "helper", "core"};

    (void)state;
    for (size_t i = 0; i < rooms.gl_pathc; i++) {
        const char *path = rooms.gl_pathv[i], *name = strrchr(path, '/') + 1;
        char line[256] = "";
        FILE *file;

        if (strncmp(path, "build", 5) == 0)
            continue;
        for (size_t e = 0; e < sizeof empty / sizeof *empty; e++)
            if (strncmp(name, empty[e], strlen(empty[e])) == 0 && name[strlen(empty[e])] == '.')
                fail_msg("%s: the name says nothing", path);
        file = fopen(path, "r");
        assert_non_null(file);
        if (!fgets(line, sizeof line, file) || !strstr(line, "SPDX-License-Identifier: MIT"))
            fail_msg("%s: the first line is not its licence", path);
        fclose(file);
    }
}

static void test_workload_folders_are_complete(void **state)
{
    glob_t folders;

    (void)state;
    assert_int_equal(glob("workloads/*/", 0, NULL, &folders), 0);
    for (size_t i = 0; i < folders.gl_pathc; i++) {
        char path[512], name[128];

        snprintf(path, sizeof path, "%s", folders.gl_pathv[i]);
        snprintf(name, sizeof name, "%s", basename(path));
        snprintf(path, sizeof path, "workloads/%s/%s.c", name, name);
        if (access(path, R_OK) != 0)
            fail_msg("%s is missing", path);
        snprintf(path, sizeof path, "workloads/%s/README.md", name);
        if (access(path, R_OK) != 0)
            fail_msg("%s is missing", path);
    }
    globfree(&folders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_includes_run_one_way),
        cmocka_unit_test(test_rooms_are_named_and_licensed),
        cmocka_unit_test(test_workload_folders_are_complete),
    };

    return cmocka_run_group_tests_name("tree", tests, find_rooms, forget_rooms);
}
