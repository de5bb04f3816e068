/* SPDX-License-Identifier: MIT */
/* The child tells, line by line: "G n" group n begins, "A device\tvariant" a cell begins,
 * "L why" that cell's device is lost and the child with it, "R {...}" a record, "D s" the group
 * is done and sampling took s seconds. The parent keeps a group's records until then and writes
 * them at once, so that the results never hold half a group. */
#include "harness/runner.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "harness/command.h"
#include "harness/group.h"
#include "harness/group_record.h"
#include "harness/process.h"

enum { DEADLY = 32, LISTEN_MS = 200 };

/* A cell whose process died. */
struct deadly {
    int group;
    struct name device, variant;
    struct why how;
};

struct child {
    struct runner *runner;
    pid_t pid;
    int fd;                     /* parent: reading end; child: writing end */
    int group;                  /* in progress */
    struct name device, variant; /* cell in progress */
    struct why lost;            /* what it said before it gave up, or "" */
    struct text records, line;
    struct deadly deadly[DEADLY];
    int deaths;
    double left_s;              /* of the budget, for sampling */
};

/* ---- in the child ---------------------------------------------------------------------- */

static void say(int fd, const char *text, size_t n)
{
    if (bytes_write(fd, text, n))
        _exit(1); /* the parent is gone */
}

static void say_at(void *to, const char *device, const char *variant)
{
    struct child *child = to;
    char line[200];

    say(child->fd, line, (size_t)snprintf(line, sizeof line, "A %s\t%s\n", device, variant));
}

/* A fault of a kernel poisons the process that it happened in. */
static void say_lost(void *to, const char *why)
{
    struct child *child = to;
    char line[sizeof(struct why) + 8];

    say(child->fd, line, (size_t)snprintf(line, sizeof line, "L %s\n", why));
    _exit(1);
}

static const char *death(void *to, const char *device, const char *variant)
{
    const struct child *child = to;

    for (int i = 0; i < child->deaths; i++)
        if (child->deadly[i].group == child->group &&
            strcmp(child->deadly[i].device.text, device) == 0 &&
            strcmp(child->deadly[i].variant.text, variant) == 0)
            return child->deadly[i].how.text;
    return NULL;
}

static void say_record(void *to, const struct record *record)
{
    struct child *child = to;
    char *line = record_write(record);

    if (!line)
        _exit(1);
    say(child->fd, "R ", 2);
    say(child->fd, line, strlen(line));
    free(line);
}

/* How much of the sampling time a group deserves: with the square root of its work, so that
 * long problems get more rounds without starving short ones. Proofs need none. */
static double weight(const struct group *g)
{
    struct cost cost = g->workload->cost(&g->problem);

    if (g->is_proof)
        return 0;
    return 0.05 + sqrt(cost.flops / 1e11 + (cost.bytes_read + cost.bytes_written) / 2e10);
}

static bool is_skipped(const struct runner *r, int group)
{
    return r->is_done && r->is_done[group];
}

static double group_budget_s(const struct runner *r, int group, double left_s)
{
    double all = 0;

    for (int i = group; i < r->plan->groups; i++)
        all += is_skipped(r, i) ? 0 : weight(&r->plan->group[i]);
    return all > 0 ? fmax(left_s, 0) * weight(&r->plan->group[group]) / all : 0;
}

static void child_main(struct child *child, int from, int to)
{
    struct runner *r = child->runner;
    struct workshop shop = {.plan = r->plan, .seed = r->seed, .at = say_at,
                            .death = death, .lost = say_lost, .emit = say_record, .to = child};
    struct why why = {{0}};

    if (workshop_open(&shop, &why) != 0)
        say_lost(child, why.text);
    for (int i = from; i < to; i++) {
        char line[32];
        double spent_s;

        if (is_skipped(r, i))
            continue;
        child->group = i;
        say(child->fd, line, (size_t)snprintf(line, sizeof line, "G %d\n", i));
        spent_s = group_run(&shop, &r->plan->group[i], group_budget_s(r, i, child->left_s));
        child->left_s -= spent_s;
        say(child->fd, line, (size_t)snprintf(line, sizeof line, "D %.6f\n", spent_s));
    }
    workshop_close(&shop);
}

/* ---- in the parent --------------------------------------------------------------------- */

static int flush_group(struct child *child, struct why *why)
{
    int status = journal_append(child->runner->results, &child->records, why);

    if (status)
        return status;
    child->records.n = 0;
    child->runner->groups_run++;
    return 0;
}

static void count_outcome(struct runner *r, const char *json)
{
    json_t *line = json_loads(json, 0, NULL);
    const char *name = json_string_value(json_object_get(line, "outcome"));
    const char *kind = json_string_value(json_object_get(line, "kind"));
    int outcome = name ? outcome_parse(name) : -1;

    /* a placement is no cell of its own, unless something is wrong with it */
    if (outcome >= 0 && (outcome != OUTCOME_OK || !kind || strcmp(kind, "cell") == 0))
        r->outcome[outcome]++;
    if (json_integer_value(json_object_get(line, "judged"))) {
        r->judged++;
        r->judged_ok += outcome == OUTCOME_OK;
    }
    json_decref(line);
}

static int hear(struct child *child, char *line, struct why *why)
{
    struct runner *r = child->runner;

    switch (line[0]) {
    case 'G':
        child->group = atoi(line + 2);
        child->records.n = 0;
        if (r->progress)
            r->progress(r->to, child->group, fmax(0, child->left_s));
        return 0;
    case 'A':
        snprintf(child->device.text, sizeof child->device.text, "%.*s",
                 (int)strcspn(line + 2, "\t"), line + 2);
        child->variant = name_of(strchr(line, '\t') ? strchr(line, '\t') + 1 : NULL);
        return 0;
    case 'L':
        child->lost = why_of(line + 2);
        return 0;
    case 'R':
        text_printf(&child->records, "%s\n", line + 2);
        return 0;
    case 'D':
        for (char *record = child->records.data; record && *record;) {
            char *end = strchr(record, '\n'), keep = *end;

            *end = '\0';
            count_outcome(r, record);
            *end = keep;
            record = end + 1;
        }
        child->left_s -= atof(line + 2);
        return flush_group(child, why);
    }
    return 0;
}

/* Every whole line that has come. */
static int hear_all(struct child *child, const char *bytes, size_t n, struct why *why)
{
    int status = 0;

    for (size_t i = 0; i < n && !status; i++) {
        if (bytes[i] != '\n') {
            text_add_bytes(&child->line, bytes + i, 1);
            continue;
        }
        if (child->line.data)
            status = hear(child, child->line.data, why);
        child->line.n = 0;
        if (child->line.data)
            child->line.data[0] = '\0';
    }
    return status;
}

/* How long the child may be silent. One call on an emulation may take minutes. */
static double silence_s(const struct child *child)
{
    enum { EMULATED = 10 };
    const struct runner *r = child->runner;
    double limit_s = r->silence_s > 0 ? r->silence_s : 60 + 4 * r->plan->budget_s;

    for (int i = 0; i < r->plan->devices; i++)
        if (r->plan->group[child->group].devices >> i & 1 &&
            r->plan->device[i].kind == DEVICE_CUDA &&
            r->plan->device[i].evidence == EVIDENCE_SOFTWARE)
            return EMULATED * limit_s;
    return limit_s;
}

/* Until the child is done, dead, silent for too long, or the user wants to stop. The reason
 * why it was killed is in `end`, "" when it ended by itself. */
static int listen_to(struct child *child, struct why *end, struct why *why)
{
    double silent_s = 0; /* counted, not read off the clock: a run may be stopped and go on */

    end->text[0] = '\0';
    for (;;) {
        struct pollfd ready = {.fd = child->fd, .events = POLLIN};
        char chunk[65536];
        ssize_t n;
        int status;

        if (*child->runner->interrupted) {
            why_fail(end, STATUS_OK, "interrupted");
            return 0;
        }
        if (silent_s > silence_s(child)) {
            why_fail(end, STATUS_OK, "no sign of life within %.0f s: killed",
                     silence_s(child));
            return 0;
        }
        if (poll(&ready, 1, LISTEN_MS) <= 0) {
            silent_s += LISTEN_MS * 1e-3;
            continue;
        }
        n = read(child->fd, chunk, sizeof chunk);
        if (n == 0 || (n < 0 && errno != EINTR))
            return 0;
        silent_s = 0;
        status = n > 0 ? hear_all(child, chunk, (size_t)n, why) : 0;
        if (status)
            return status;
    }
}

/* The record of what killed the child, and where to go on: the same group without the
 * culprit, or the next group when it was no single cell. */
static int lay_blame(struct child *child, struct why reason, struct why *why)
{
    struct runner *r = child->runner;
    const struct group *g = &r->plan->group[child->group];
    struct record record;
    char *line;
    int status;

    if (child->device.text[0] && child->deaths < DEADLY) {
        child->deadly[child->deaths++] = (struct deadly){
            .group = child->group, .device = child->device, .variant = child->variant,
            .how = reason};
        return child->group;
    }
    group_describe(&record, g, NULL, NULL);
    record.device = (struct name){"cpu"};
    record.outcome = OUTCOME_FAILED;
    why_fail(&record.why, STATUS_OK, "%.200s while %s", reason.text, child->variant.text);
    line = record_write(&record);
    record_release(&record);
    child->records.n = 0;
    if (line)
        text_add(&child->records, line);
    free(line);
    r->outcome[OUTCOME_FAILED]++;
    status = flush_group(child, why);
    return status ? status : child->group + 1;
}

struct stretch {
    struct child *child;
    int from, to;
};

static void child_work(int fd, void *to)
{
    struct stretch *s = to;

    s->child->fd = fd;
    child_main(s->child, s->from, s->to);
}

/* Groups from ... to-1, of one workload, in as many children as it takes. */
static int run_stretch(struct child *child, int from, int to, struct why *why)
{
    struct runner *r = child->runner;

    while (from < to && !*r->interrupted) {
        struct stretch stretch = {child, from, to};
        struct why end = {{0}};
        int state, status;

        child->group = from;
        child->device = (struct name){""};
        child->variant = (struct name){"starting"};
        child->lost.text[0] = '\0';
        child->line.n = child->records.n = 0;
        child->pid = process_start(child_work, &stretch, &child->fd);
        if (child->pid < 0)
            return why_fail(why, STATUS_IO, "cannot start a process: %s", strerror(errno));
        status = listen_to(child, &end, why);
        if (status || end.text[0])
            kill(child->pid, SIGKILL);
        close(child->fd);
        state = process_wait(child->pid);
        if (status || *r->interrupted)
            return status;
        if (WIFEXITED(state) && WEXITSTATUS(state) == 0 && !end.text[0])
            return 0;
        if (!end.text[0] && child->lost.text[0])
            end = child->lost;
        else if (!end.text[0])
            why_fail(&end, STATUS_OK, "the process died (%s)",
                     WIFSIGNALED(state) ? strsignal(WTERMSIG(state)) : "it gave up");
        from = lay_blame(child, end, why);
        if (from < 0)
            return from;
    }
    return 0;
}

int runner_run(struct runner *r, struct why *why)
{
    struct child child = {.runner = r, .left_s = r->plan->budget_s};
    int status = 0, to;

    for (int from = 0; from < r->plan->groups && !status && !*r->interrupted; from = to) {
        bool is_work = false;

        for (to = from; to < r->plan->groups &&
                        r->plan->group[to].workload == r->plan->group[from].workload; to++)
            is_work |= !is_skipped(r, to);
        if (is_work)
            status = run_stretch(&child, from, to, why);
    }
    text_release(&child.records);
    text_release(&child.line);
    return status;
}

int runner_begin(struct runner *r, const struct journal *journal, struct why *why)
{
    bool *is_done = calloc((size_t)r->plan->groups + 1, sizeof *is_done);
    int status;

    if (!is_done)
        return why_fail(why, STATUS_MEMORY, "out of memory");
    status = journal_begin(journal, r->plan, is_done, why);
    r->results = journal->fd;
    r->is_done = is_done;
    if (!status)
        status = runner_run(r, why);
    r->is_done = NULL;
    free(is_done);
    return status;
}

int runner_exit_status(const struct runner *r)
{
    if (*r->interrupted)
        return EXIT_INTERRUPTED;
    if (r->outcome[OUTCOME_WRONG] || r->outcome[OUTCOME_FAILED])
        return EXIT_WRONG;
    if ((r->groups_run > 0 && !r->outcome[OUTCOME_OK]) || (r->judged > 0 && !r->judged_ok))
        return EXIT_NOTHING; /* ceilings and overheads alone answer nothing */
    return EXIT_DONE;
}
