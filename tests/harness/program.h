/* SPDX-License-Identifier: MIT */
/* For tests that run the program as a person does: where it is, a folder of their own, its exit
 * status and words. Include after cmocka.h. */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

static char program[1024]; /* .../build/offload-bench, from where the test lies */
static char folder[] = "/tmp/test_program_XXXXXX";

static int find_program(void **state)
{
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 40);

    (void)state;
    if (n < 0 || !mkdtemp(folder))
        return -1;
    program[n] = '\0';
    for (int up = 0; up < 3; up++) /* build/tests/harness/test_X */
        *strrchr(program, '/') = '\0';
    strcat(program, "/offload-bench");
    return access(program, X_OK);
}

static int remove_folder(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* Run `offload-bench ARGUMENTS` inside the folder: its exit status, and all it said. */
static int run(const char *arguments, struct text *said)
{
    char command[2048], chunk[4096];
    FILE *pipe;
    size_t n;
    int state;

    said->n = 0;
    snprintf(command, sizeof command, "cd %s && '%s' %s 2>&1", folder, program, arguments);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    while ((n = fread(chunk, 1, sizeof chunk, pipe)) > 0)
        text_add_bytes(said, chunk, n);
    state = pclose(pipe);
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

#endif
