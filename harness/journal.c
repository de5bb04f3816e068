/* SPDX-License-Identifier: MIT */
#include "harness/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "harness/group_projection.h"
#include "harness/group_record.h"
#include "harness/header.h"
#include "harness/lesson.h"

/* ---- the file ---------------------------------------------------------------------------- */

/* Cut off what follows the last newline: the line a killed run was writing. */
static int cut_broken_end(int fd, const char *path, struct why *why)
{
    struct text all = {0};
    int status = text_read_file(&all, path, why);

    if (!status && all.n > 0 && all.data[all.n - 1] != '\n') {
        off_t whole = lseek(fd, 0, SEEK_END);

        for (; all.n > 0 && all.data[all.n - 1] != '\n'; all.n--)
            whole--;
        if (ftruncate(fd, whole) != 0)
            status = why_fail(why, STATUS_IO, "cannot repair '%s': %s", path, strerror(errno));
    }
    text_release(&all);
    return status;
}

/* One run at a time in a folder, until the process ends: what two of them wrote would be judged
 * as one. File systems without locks let it be. */
static int claim(const char *folder, struct why *why)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(fd);
        return why_fail(why, STATUS_IO, "another run writes to '%s'; hint: wait for it, or name "
                        "another --out", folder);
    }
    return 0;
}

int journal_open(struct journal *j, struct why *why)
{
    const struct options *o = j->options;
    const char *path = j->path;
    struct stat info;
    char old[sizeof j->path];

    if (strlen(o->out) + 100 > sizeof j->path) /* room for the files in it */
        return why_fail(why, STATUS_IO, "the name of the output folder is too long");
    if (mkdir(o->out, 0777) != 0 && errno != EEXIST)
        return why_fail(why, STATUS_IO, "cannot create the output folder '%s': %s", o->out,
                        strerror(errno));
    if (claim(o->out, why) != 0)
        return STATUS_IO;
    snprintf(j->path, sizeof j->path, "%s/results.jsonl", o->out);
    snprintf(old, sizeof old, "%s/results-old.jsonl", o->out);
    if (!o->resume && stat(path, &info) == 0 && info.st_size > 0 && rename(path, old) != 0)
        return why_fail(why, STATUS_IO, "cannot keep '%s' aside as '%s': %s", path, old,
                        strerror(errno));
    j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (j->fd < 0)
        return why_fail(why, STATUS_IO, "cannot write '%s': %s", path, strerror(errno));
    if (fstat(j->fd, &info) != 0 || !S_ISREG(info.st_mode)) /* a device may never end */
        return why_fail(why, STATUS_IO, "cannot write '%s': it is no plain file", path);
    if (cut_broken_end(j->fd, path, why) != 0)
        return STATUS_IO;
    j->is_new = fstat(j->fd, &info) == 0 && info.st_size == 0;
    return 0;
}

int journal_append(int fd, const struct text *lines, struct why *why)
{
    off_t whole = lseek(fd, 0, SEEK_END);
    struct stat info;
    int error;

    if (lines->failed)
        return why_fail(why, STATUS_MEMORY, "cannot write results.jsonl: out of memory, or a name "
                        "that is not UTF-8");
    if (fstat(fd, &info) == 0 && info.st_nlink == 0)
        return why_fail(why, STATUS_IO, "cannot write results.jsonl: it was removed while the run "
                        "wrote it, with what was measured; hint: run again");
    error = bytes_write(fd, lines->data, lines->n);
    if (error && whole >= 0 && ftruncate(fd, whole) != 0)
        return why_fail(why, STATUS_IO, "cannot repair results.jsonl: %s", strerror(errno));
    return error ? why_fail(why, STATUS_IO, "cannot write results.jsonl: %s; what was measured "
                            "before is kept; hint: --resume goes on", strerror(error)) : 0;
}

static void add_line(struct text *lines, json_t *object)
{
    char *line = json_dumps(object, JSON_COMPACT);

    if (!line) /* out of memory, or a text that is no UTF-8 */
        lines->failed = true;
    text_printf(lines, "%s\n", line ? line : "");
    free(line);
    json_decref(object);
}

static int write_head(const struct journal *j, const struct plan *plan, struct why *why)
{
    struct text lines = {0};
    int status;

    add_line(&lines, header_make(j, plan));
    for (int s = 0; s < plan->suites; s++)
        for (int c = 0; c < plan->suite[s].chains; c++)
            add_line(&lines, header_chain(&plan->suite[s], &plan->suite[s].chain[c]));
    status = journal_append(j->fd, &lines, why);
    text_release(&lines);
    return status;
}

/* ---- going on ---------------------------------------------------------------------------- */

static bool is_problem_of(const struct record *r, const struct group *g)
{
    json_t *shape;
    bool same;

    if (r->dtype != g->problem.dtype || r->cache != g->cache || !!r->proof != g->is_proof ||
        r->size != g->size || strcmp(r->workload.text, g->workload->name) != 0)
        return false;
    shape = group_shape(g);
    same = r->shape && json_equal(r->shape, shape);
    json_decref(shape);
    return same;
}

static bool is_cell_of(const struct record *r, const struct group *g)
{
    return r->kind == RECORD_CELL && is_problem_of(r, g);
}

static int find_done(const struct journal *j, const struct plan *plan, bool *is_done,
                     struct why *why)
{
    struct results results = {0};
    int status = results_read(&results, j->path, why);

    if (!status)
        status = header_check(results.header, j, plan, why);
    for (int g = 0; g < plan->groups && !status; g++)
        for (size_t r = 0; r < results.records && !is_done[g]; r++)
            is_done[g] = is_cell_of(&results.record[r], &plan->group[g]);
    results_release(&results);
    return status;
}

int journal_begin(const struct journal *j, const struct plan *plan, bool *is_done,
                  struct why *why)
{
    return j->is_new ? write_head(j, plan, why) : find_done(j, plan, is_done, why);
}

/* ---- projections ------------------------------------------------------------------------- */

static bool is_projected(const struct results *results, const struct group *g,
                         const struct gpu *gpu)
{
    for (size_t r = 0; r < results->records; r++)
        if (results->record[r].kind == RECORD_PROJECTION && results->record[r].judged &&
            strcmp(results->record[r].device.text, gpu->id.text) == 0 &&
            is_problem_of(&results->record[r], g))
            return true;
    return false;
}

int journal_project(const struct journal *j, const struct plan *plan, struct why *why)
{
    struct results results = {0};
    struct text lines = {0};
    int status = plan->gpus ? results_read(&results, j->path, why) : 0;

    if (plan->gpus && !status) /* a real GPU of this very run teaches, too; forecasts say so */
        lesson_learn(&results, NULL);
    for (int g = 0; g < plan->groups && !status; g++)
        for (int i = 0; i < plan->gpus; i++)
            if (plan->group[g].workload->role == ROLE_JUDGED && !plan->group[g].is_proof &&
                !is_projected(&results, &plan->group[g], plan->gpu[i]))
                group_project(&plan->group[g], plan->gpu[i], &lines);
    if (!status)
        status = journal_append(j->fd, &lines, why);
    text_release(&lines);
    results_release(&results);
    return status;
}
