/* SPDX-License-Identifier: MIT */
/* The sub-commands and what the program's exit status means. */
#ifndef OFFLOAD_BENCH_COMMAND_H
#define OFFLOAD_BENCH_COMMAND_H

enum exit_status {
    EXIT_DONE = 0,           /* done, no confirmed regression */
    EXIT_USAGE = 2,          /* usage, unreadable input, unwritable output */
    EXIT_NOTHING = 3,        /* nothing could be measured */
    EXIT_WRONG = 5,          /* a wrong result or a failed cell */
    EXIT_INTERRUPTED = 130   /* Ctrl-C: what was measured is kept and reported */
};

/* Each gets the arguments behind its own name (argv[0] is the name) and gives the exit
 * status. */
int command_run(int argc, char **argv);
int command_sweep(int argc, char **argv);
int command_report(int argc, char **argv);
int command_project(int argc, char **argv);
int command_list(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_gpu_check(int argc, char **argv);

/* Hardware counters of an NVIDIA chip as CUPTI plans them, or "list" for its chips; gives
 * the exit status. */
int list_counters(const char *chip);
/* The catalogue of GPUs; arguments behind "list gpus"; gives the exit status. */
int list_gpus(int argc, char **argv);

/* "offload-bench" and the arguments behind the command's name, to free(); NULL: no memory. */
char *command_line_of(int argc, char **argv);

/* "offload-bench: " and the sentence on stderr; gives `status` back. */
int command_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
