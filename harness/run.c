/* SPDX-License-Identifier: MIT */
/* The `run` sub-command: plan, measure, project, judge. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/trace.h"
#include "harness/command.h"
#include "harness/interrupt.h"
#include "harness/publish.h"
#include "harness/journal.h"
#include "harness/lesson.h"
#include "harness/prices.h"
#include "harness/runner.h"

struct progress {
    const struct plan *plan;
    bool is_shown;
};

/* One line that is written over, on a terminal only. */
static void show_progress(void *to, int group, double left_s)
{
    const struct progress *p = to;
    const struct group *g = &p->plan->group[group];
    char shape[120];

    if (!p->is_shown)
        return;
    workload_shape_text(g->workload, &g->problem.shape, shape, sizeof shape);
    fprintf(stderr, "\r\033[K[%d/%d] %s %s %s%s, about %.0f s left", group + 1,
            p->plan->groups, g->workload->name, dtype_name(g->problem.dtype), shape,
            g->is_proof ? " (proof of the device code)" : "", left_s);
}

static int run_plan(struct journal *journal, const struct plan *plan)
{
    const struct options *o = journal->options;
    struct progress progress = {plan, isatty(STDERR_FILENO) && !o->quiet && !o->no_progress};
    struct runner runner = {.plan = plan, .seed = o->seed, .interrupted = interrupt_watch(),
                            .progress = show_progress, .to = &progress};
    struct why why = {{0}};
    bool is_traced;
    int status;

    /* the trace first: a mistyped one must not put older results aside */
    if (o->trace && trace_open(o->trace, &why) != 0)
        return command_fail(EXIT_USAGE, "%s", why.text);
    status = journal_open(journal, &why);
    if (status) {
        trace_close();
        return command_fail(EXIT_USAGE, "%s", why.text);
    }
    status = runner_begin(&runner, journal, &why);
    if (!status)
        status = journal_project(journal, plan, &why);
    close(journal->fd);
    is_traced = trace_close();
    if (progress.is_shown)
        fputs("\r\033[K", stderr);
    if (*runner.interrupted && !o->quiet)
        fputs("offload-bench: interrupted; what was measured is kept and reported below, "
              "--resume goes on\n", stderr);
    if (!is_traced)
        fprintf(stderr, "offload-bench: the trace '%s' could not be written to its end\n",
                o->trace);
    if (status)
        return command_fail(EXIT_USAGE, "%s", why.text);
    if (publish(journal->path, o->out, o->prices, o->quiet, &why) != 0)
        return command_fail(EXIT_USAGE, "%s", why.text);
    return runner_exit_status(&runner);
}

/* What the options ask for, on what is here. */
static int run_here(struct journal *journal)
{
    const struct options *o = journal->options;
    struct survey survey;
    struct plan plan;
    struct why why = {{0}};
    int status;

    if (survey_take(&survey, &why) != 0)
        return command_fail(EXIT_NOTHING, "%s", why.text);
    journal->survey = &survey;
    status = plan_make(&plan, o, &survey, &why);
    if (!status)
        status = prices_check(o->prices, NULL, &why);
    if (status)
        status = command_fail(status == STATUS_UNAVAILABLE ? EXIT_NOTHING : EXIT_USAGE, "%s",
                              why.text);
    else
        status = run_plan(journal, &plan);
    plan_release(&plan);
    survey_release(&survey);
    return status;
}

int command_run(int argc, char **argv)
{
    char *command_line = command_line_of(argc, argv);
    struct options options;
    struct lesson lesson = {.cells = NULL};
    struct journal journal = {.options = &options, .command_line = command_line};
    struct why why = {{0}};
    int status;

    options_parse(&options, argc, argv);
    journal.lesson = options.calibrate ? &lesson : NULL;
    if (options.calibrate && lesson_read(options.calibrate, &lesson, &why) != 0)
        status = command_fail(EXIT_USAGE, "--calibrate: %s", why.text);
    else
        status = run_here(&journal);
    lesson_release(&lesson);
    json_decref(options.prices);
    free(command_line);
    return status;
}
