/* SPDX-License-Identifier: MIT */
/* A root of a test's own, in which made-up libraries stand where probes look for the real
 * ones. */
#ifndef TESTS_PROBES_ROOT_H
#define TESTS_PROBES_ROOT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ROOT/usr/lib/`name` is `as_built` of build/emulator. */
struct stand_in {
    const char *name, *as_built;
};

/* `root` is a template of mkdtemp. Doubles that were not built are left out: the test then
 * finds no library and skips. */
static int root_make(char *root, const struct stand_in *stand_in)
{
    char program[400], built[512], path[640];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);

    if (n < 0 || !mkdtemp(root))
        return -1;
    program[n] = '\0';
    *strstr(program, "/tests/probes/") = '\0';
    snprintf(path, sizeof path, "%s/usr", root);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/usr/lib", root);
    mkdir(path, 0777);
    for (; stand_in->name; stand_in++) {
        snprintf(built, sizeof built, "%s/emulator/%s", program, stand_in->as_built);
        snprintf(path, sizeof path, "%s/usr/lib/%s", root, stand_in->name);
        if (access(built, R_OK) == 0 && symlink(built, path) != 0)
            return -1;
    }
    return 0;
}

static int root_remove(const char *root)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

#endif
