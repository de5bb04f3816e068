/* SPDX-License-Identifier: MIT */
/* One step: what do the records say, what is worth measuring next, can it be afforded, measure
 * it. Of several curves (types, GPUs, placements) the cheapest question comes first; they
 * share their sizes. */
#include "harness/sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/command.h"
#include "harness/interrupt.h"
#include "harness/journal.h"
#include "harness/laggard.h"
#include "harness/prices.h"
#include "harness/publish.h"
#include "harness/runner.h"
#include "report/report.h"

/* Narrower brackets than this are not worth time. */
static const double resolution = 0.02;
/* Rounds of a size that is expensive, and what makes it so: a share of the budget. */
enum { ROUNDS_FEW = 3, ROUNDS_MADE_READY = 5, VISITS_MOST = 2000 };
static const double expensive = 0.05;
/* What the CPU's ceilings may take. */
static const double ceilings_s = 2;
/* A size may take so many times what was foreseen before it is given up. */
static const double silence = 30, silence_least_s = 120;

/* Something that was measured by this process, and what it took. */
struct visit {
    enum dtype dtype;
    double size, rounds, wall_s;
};

struct search {
    const struct sweep_request *request;
    struct plan plan; /* of one group at a time */
    struct runner runner;
    struct journal journal;
    unsigned devices;
    int64_t start_ns;
    struct visit visit[VISITS_MOST];
    int visits;
    struct laggard laggard[LAGGARDS]; /* at the size that is measured next */
    int laggards;
    bool is_shown;
};

static double spent_s(const struct search *s)
{
    return (double)(clock_ns() - s->start_ns) * 1e-9;
}

/* ---- what a step will take --------------------------------------------------------------- */

/* Operations and bytes of a call, weighed as a machine of ten operations a byte would. */
static double work(const struct search *s, enum dtype dtype, double size)
{
    struct problem p = {dtype, sweep_shape(s->request->sweep, (int64_t)size)};
    struct cost cost = s->request->workload->cost(&p);

    return cost.flops + 10 * (cost.bytes_read + cost.bytes_written) + 1;
}

/* Less work than that is milliseconds on any machine: a measurement of it takes what starting,
 * checking and sampling take, at every size. */
static const double little_work = 1e8;

/* From the nearest size measured; 0 when nothing was. */
static double foreseen_s(const struct search *s, const struct visit *q)
{
    const struct visit *near = NULL;

    for (int i = 0; i < s->visits; i++)
        if (!near || fabs(log(s->visit[i].size / q->size)) < fabs(log(near->size / q->size)))
            near = &s->visit[i];
    if (!near)
        return 0;
    return near->wall_s *
           fmax(1, work(s, q->dtype, q->size) /
                       fmax(work(s, near->dtype, near->size), little_work)) *
           (ROUNDS_MADE_READY + q->rounds) / (ROUNDS_MADE_READY + near->rounds);
}

/* Has it been measured as often as it may be? A size that only gets a second measurement is asked
 * for by its rounds. */
static bool was_taken(const struct search *s, const struct visit *q, enum crossover_wish wish)
{
    int times = 0;

    for (int i = 0; i < s->visits; i++)
        times += s->visit[i].dtype == q->dtype && s->visit[i].size == q->size &&
                 s->visit[i].rounds >= q->rounds;
    return times >= (wish == WISH_ROUNDS ? CROSSOVER_REPEATS : 1);
}

/* The rounds it deserves; false when it cannot be afforded or was done often enough. */
static bool is_possible(const struct search *s, struct visit *q, enum crossover_wish wish)
{
    double budget_s = s->request->options.budget_s;

    if (q->rounds == 0) {
        q->rounds = crossover_look[0];
        if (foreseen_s(s, q) > expensive * budget_s)
            q->rounds = ROUNDS_FEW;
    }
    return !was_taken(s, q, wish) && spent_s(s) + foreseen_s(s, q) <= budget_s;
}

/* ---- what to measure next ---------------------------------------------------------------- */

static void consider(const struct search *s, enum dtype dtype, struct crossover_question wish,
                     struct visit *best)
{
    struct visit q = {.dtype = dtype, .size = wish.size, .rounds = wish.rounds};

    if (wish.wish != WISH_NOTHING && is_possible(s, &q, wish.wish) &&
        (best->size == 0 || q.size < best->size))
        *best = q;
}

/* Sizes that the records hold, whatever came of them. */
static struct crossover_question ask_net(const struct report *report, enum dtype dtype,
                                         const struct crossover_range *range)
{
    struct crossover_point *point = calloc(report->contests + 1, sizeof *point);
    struct crossover_question q = {WISH_NOTHING, 0, 0};
    size_t points = 0;

    for (size_t i = 0; i < report->contests && point; i++)
        if (report->contest[i].about->dtype == dtype && report->contest[i].about->size)
            point[points++].size = (double)report->contest[i].about->size;
    if (point)
        q = crossover_net(point, points, range);
    free(point);
    return q;
}

/* size 0: nothing is left that is worth its time. */
static struct visit next(const struct search *s, const struct report *report)
{
    const struct sweep_request *r = s->request;
    struct crossover_range range = {(double)r->from, (double)r->to, resolution};
    struct visit best = {.size = 0};

    for (int d = 0; d < r->options.dtypes; d++)
        consider(s, r->options.dtype[d], ask_net(report, r->options.dtype[d], &range), &best);
    for (size_t i = 0; i < report->crossovers && best.size == 0; i++) {
        const struct crossover *x = &report->crossover[i];

        consider(s, x->from->about->dtype, crossover_next(x->point, x->points, &range), &best);
    }
    return best;
}

static int find_laggards(struct search *s, const struct results *results, const struct visit *q)
{
    struct laggard_place at = {s->request->workload->name, s->request->sweep->name, q->dtype,
                               (int64_t)q->size, s->plan.threads};

    return laggards_find(results, &at, s->laggard);
}

static int ask(struct search *s, struct visit *q, struct why *why)
{
    struct results results = {0};
    struct report report = {0};
    int status = results_read(&results, s->journal.path, why);

    if (!status && results.records > 0)
        status = report_build(&results, &report, why);
    if (!status) {
        *q = next(s, &report);
        s->laggards = find_laggards(s, &results, q);
        report_release(&report);
    }
    results_release(&results);
    return status;
}

/* ---- measuring --------------------------------------------------------------------------- */

static void show(const struct search *s, const struct visit *q)
{
    if (s->is_shown)
        fprintf(stderr, "\r\033[K[size %d] %s %s %s = %.0f, %.0f rounds, at most %.0f s left",
                s->visits + 1, s->request->workload->name, dtype_name(q->dtype),
                s->request->sweep->name, q->size, q->rounds,
                fmax(0, s->request->options.budget_s - spent_s(s)));
}

static int measure(struct search *s, struct visit *q, struct why *why)
{
    struct group group = {.workload = s->request->workload, .sweep = s->request->sweep,
                          .size = (int64_t)q->size, .rounds = (int)q->rounds,
                          .devices = s->devices, .problem.dtype = q->dtype,
                          .laggard = s->laggard, .laggards = s->laggards};
    int64_t start = clock_ns();
    int status;

    show(s, q);
    group.problem.shape = sweep_shape(group.sweep, group.size);
    s->plan.group[0] = group;
    s->plan.groups = 1;
    s->runner.silence_s = fmax(silence_least_s, silence * foreseen_s(s, q));
    status = runner_run(&s->runner, why);
    project_forget(); /* the journal teaches anew what it taught at the step before */
    if (!status && !*s->runner.interrupted)
        status = journal_project(&s->journal, &s->plan, why);
    q->wall_s = (double)(clock_ns() - start) * 1e-9;
    s->visit[s->visits++] = *q;
    return status;
}

static int search(struct search *s, struct why *why)
{
    struct visit q;
    int status = ask(s, &q, why);

    while (!status && q.size > 0 && s->visits < VISITS_MOST && !*s->runner.interrupted) {
        status = measure(s, &q, why);
        if (!status)
            status = ask(s, &q, why);
    }
    return status;
}

/* ---- beginning and end ------------------------------------------------------------------- */

static json_t *describe(const struct sweep_request *r)
{
    json_t *dtypes = json_array(), *placements = json_array();
    char shape[200];

    for (int i = 0; i < r->options.dtypes; i++)
        json_array_append_new(dtypes, json_string(dtype_name(r->options.dtype[i])));
    for (int i = 0; i < r->placements; i++)
        json_array_append_new(placements, json_string(placement_name(r->placement[i])));
    workload_sweep_text(r->workload, r->sweep, shape, sizeof shape);
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o}", "workload", r->workload->name, "name",
                     r->sweep->name, "shape", shape, "from", (json_int_t)r->from, "to",
                     (json_int_t)r->to, "dtypes", dtypes, "placements", placements);
}

static int plan_sweep(struct search *s, const struct survey *survey, struct why *why)
{
    const struct options *o = &s->request->options;
    unsigned proof, dtypes = 0;
    int status = plan_begin(&s->plan, o, survey, &s->devices, &proof, why);

    for (int d = 0; d < o->dtypes; d++)
        dtypes |= 1u << o->dtype[d];
    if (!status)
        status = plan_ceilings(&s->plan, s->devices, dtypes, why);
    if (!status && s->plan.groups == 0)
        status = why_fail(why, STATUS_INVALID, "a sweep needs the CPU among its devices; hint: "
                          "leave out --device");
    s->plan.sweep = describe(s->request);
    s->plan.budget_s = ceilings_s;
    return status;
}

static int run_sweep(struct search *s, const struct survey *survey, const char *command_line)
{
    const struct options *o = &s->request->options;
    struct why why = {{0}};
    int status;

    s->journal = (struct journal){.options = o, .survey = survey, .command_line = command_line};
    status = journal_open(&s->journal, &why);
    if (status)
        return command_fail(EXIT_USAGE, "%s", why.text);
    status = runner_begin(&s->runner, &s->journal, &why);
    if (!status)
        status = search(s, &why);
    close(s->journal.fd);
    if (s->is_shown)
        fputs("\r\033[K", stderr);
    if (*s->runner.interrupted && !o->quiet)
        fputs("offload-bench: interrupted; what was measured is kept and reported below, "
              "--resume goes on\n", stderr);
    if (!status)
        status = publish(s->journal.path, o->out, o->prices, o->quiet, &why);
    if (status)
        return command_fail(EXIT_USAGE, "%s", why.text);
    if (s->journal.is_new && s->visits == 0 && !*s->runner.interrupted)
        return command_fail(EXIT_NOTHING, "no size could be measured within %.3g s", o->budget_s);
    return runner_exit_status(&s->runner);
}

/* What the request asks for, on what is here. */
static int sweep_here(struct search *s, const char *command_line)
{
    const struct options *o = &s->request->options;
    struct survey survey;
    struct why why = {{0}};
    int status;

    if (survey_take(&survey, &why) != 0)
        return command_fail(EXIT_NOTHING, "%s", why.text);
    status = plan_sweep(s, &survey, &why);
    if (!status)
        status = prices_check(o->prices, NULL, &why);
    s->runner = (struct runner){.plan = &s->plan, .seed = o->seed,
                                .interrupted = interrupt_watch()};
    if (status)
        status = command_fail(status == STATUS_UNAVAILABLE ? EXIT_NOTHING : EXIT_USAGE, "%s",
                              why.text);
    else
        status = run_sweep(s, &survey, command_line);
    plan_release(&s->plan);
    survey_release(&survey);
    return status;
}

int command_sweep(int argc, char **argv)
{
    static struct search s; /* large */
    char *command_line = command_line_of(argc, argv);
    struct sweep_request request;
    int status;

    sweep_parse(&request, argc, argv);
    s = (struct search){.request = &request, .start_ns = clock_ns()};
    s.is_shown = isatty(STDERR_FILENO) && !request.options.quiet && !request.options.no_progress;
    status = sweep_here(&s, command_line);
    json_decref(request.options.prices);
    free(command_line);
    return status;
}
