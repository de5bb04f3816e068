/* SPDX-License-Identifier: MIT */
/* Any bytes as the table that `project` reads, from its first line to the last. */
#include <stdint.h>
#include <stdlib.h>

#include "harness/project.c"

/* Of the harness the room above needs only these, for options that are not used here. */
int lesson_read(const char *path, struct lesson *lesson, struct why *why)
{
    (void)path, (void)lesson, (void)why;
    return STATUS_UNAVAILABLE;
}

void lesson_release(struct lesson *lesson)
{
    (void)lesson;
}

void options_check(int argc, char **argv, const struct argp_option *known, const char *command)
{
    (void)argc, (void)argv, (void)known, (void)command;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct table table = {.reader = {.fallback = gpu_find("l4", NULL)},
                          .is_explained = size > 0 && data[0] & 1};
    FILE *in = size ? fmemopen((void *)data, size, "r") : NULL;

    if (!in)
        return 0;
    table_stream(&table, in, "fuzz");
    fclose(in);
    return 0;
}
