/* SPDX-License-Identifier: MIT */
/* Finds the sub-command; `run` is the default one. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "harness/command.h"

static const struct command {
    const char *name, *brief;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "measure a suite and judge it (default)", command_run},
    {"sweep", "find the size at which the winner changes", command_sweep},
    {"report", "judge results files again, in any format", command_report},
    {"project", "predict a table of operations on GPUs that are not here", command_project},
    {"doctor", "what can be measured here, and how to enable the rest", command_doctor},
    {"gpu-check", "check that the GPU here is measured rightly; leaves a file to attach to a report",
     command_gpu_check},
    {"list", "suites, workloads, sweeps, devices, gpus, models, probes, formats", command_list},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int help(void)
{
    puts("offload-bench answers, with evidence: is it worth moving this work from the CPU\n"
         "to a GPU?\n\n"
         "usage: offload-bench [COMMAND] [OPTION...]\n");
    for (int i = 0; i < COMMANDS; i++)
        printf("  %-9s %s\n", commands[i].name, commands[i].brief);
    puts("\nThe main job:   offload-bench --suite llm\n"
         "Its options:    offload-bench run --help\n"
         "Manual:         man offload-bench");
    return EXIT_DONE;
}

/* What was said must have arrived. */
static int written(int status)
{
    static bool is_told;

    if ((fflush(stdout) == 0 && !ferror(stdout)) || status != EXIT_DONE || is_told)
        return status;
    is_told = true;
    return command_fail(EXIT_USAGE, "cannot write to standard output");
}

/* argp's --help ends the program by itself, with 0. */
static void check_help(int status, void *unused)
{
    (void)unused;
    if (written(status) != status)
        _exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
    const char *name[COMMANDS];
    char near[160];

    on_exit(check_help, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file that may grow no more is an error with a sentence */
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 ||
                     strcmp(argv[1], "-h") == 0))
        return written(help());
    if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        puts("offload-bench " OFFLOAD_BENCH_VERSION);
        return written(EXIT_DONE);
    }
    if (argc < 2 || argv[1][0] == '-')
        return written(command_run(argc, argv));
    for (int i = 0; i < COMMANDS; i++) {
        name[i] = commands[i].name;
        if (strcmp(argv[1], name[i]) == 0)
            return written(commands[i].run(argc - 1, argv + 1));
    }
    text_nearest(near, sizeof near, argv[1], name, COMMANDS);
    return command_fail(EXIT_USAGE, "no command '%s'%s; hint: offload-bench --help", argv[1],
                        near);
}
