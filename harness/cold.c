/* SPDX-License-Identifier: MIT */
/* The helper waits for requests on a socket and forks a process for each; a request names
 * things by their addresses, which are the same in both since the helper is a fork too. The
 * outputs come back through a file without a name that both hold. */
#include "harness/cold.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

struct coldroom {
    const struct plan *plan;
    uint64_t seed;
    int socket, outputs;
    pid_t pid;
};

struct request {
    const struct group *group;
    const struct variant *variant;
    struct name device;
    enum memory memory;
};

struct reply {
    int status;
    struct why why;
    struct timeline line;
};

/* ---- in the process of the call ---------------------------------------------------------- */

static void take_stages(const struct trial *t, struct timeline *line)
{
    timeline_add(line, LEDGER_COMPILE, t->compile_ns + t->prepare_ns);
    timeline_add(line, LEDGER_ALLOC, t->alloc_ns);
    timeline_add(line, LEDGER_UPLOAD, t->upload_ns);
    if (!isnan(t->pin_ns))
        timeline_add(line, LEDGER_PIN, t->pin_ns);
}

static int compute(struct trial *t, struct timeline *line, struct why *why)
{
    const struct device_ops *ops = t->device->ops;
    struct mark from = {NULL}, to = {NULL};
    int64_t start = clock_ns(), enqueued, end;
    int status = ops->mark(t->device, &from, why);

    if (!status)
        status = trial_run(t, why);
    if (!status)
        status = ops->mark(t->device, &to, why);
    enqueued = clock_ns();
    if (!status)
        status = ops->sync(t->device, why);
    end = clock_ns();
    if (!status)
        timeline_call(line, (double)(enqueued - start), (double)(end - enqueued),
                      ops->elapsed_ns(t->device, &from, &to));
    return status;
}

/* Outputs that end in page-locked memory are brought where the inputs came from. */
static int fetch(struct trial *t, struct timeline *line, struct why *why)
{
    int status;

    timeline_begin(line);
    status = trial_download(t, why);
    trial_collect(t);
    timeline_end(line, LEDGER_DOWNLOAD);
    return status;
}

static int call(struct bench *bench, const struct request *q, int threads,
                struct timeline *line, struct why *why)
{
    struct device device = {0};
    struct trial trial = {0};
    int status;

    timeline_start(line);
    timeline_begin(line);
    status = device_open(&device, q->device.text, why);
    timeline_end(line, LEDGER_CONTEXT);
    if (!status)
        status = trial_open_in(&trial, bench, &device, q->variant, threads, q->memory, why);
    if (!status) {
        take_stages(&trial, line);
        status = compute(&trial, line, why);
    }
    if (!status)
        status = fetch(&trial, line, why);
    timeline_begin(line);
    trial_close(&trial);
    device_close(&device);
    timeline_end(line, LEDGER_FREE);
    timeline_stop(line);
    return status;
}

static int write_outputs(int fd, const struct bench *bench, struct why *why)
{
    off_t at = 0;

    for (int i = 0; i < workload_args(bench->workload); i++) {
        const struct buffer *arg = &bench->arg[0][i];
        size_t done = 0;

        while (bench->workload->args[i].flow & FLOW_OUT && done < arg->bytes) {
            ssize_t n = pwrite(fd, (char *)arg->data + done, arg->bytes - done, at);

            if (n <= 0)
                return why_fail(why, STATUS_IO, "cannot keep the outputs of a first call: %s",
                                strerror(errno));
            done += (size_t)n;
            at += n;
        }
    }
    return 0;
}

/* The inputs are there before the timeline begins: whoever calls has made them. */
static void serve(const struct coldroom *room, const struct request *q, struct reply *reply)
{
    struct device host;
    struct bench bench;

    reply->status = plan_open_host(room->plan, &host, &reply->why);
    if (!reply->status)
        reply->status = bench_open_inputs(&bench, q->group->workload, &q->group->problem, &host,
                                          room->seed, &reply->why);
    if (!reply->status)
        reply->status = call(&bench, q, room->plan->threads, &reply->line, &reply->why);
    if (!reply->status)
        reply->status = write_outputs(room->outputs, &bench, &reply->why);
}

/* ---- in the helper ----------------------------------------------------------------------- */

static void send_reply(int fd, const struct reply *reply)
{
    if (write(fd, reply, sizeof *reply) != (ssize_t)sizeof *reply)
        _exit(1);
}

static void serve_apart(const struct coldroom *room, const struct request *q)
{
    struct reply reply = {.status = 0};
    int state = 0;
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(room, q, &reply);
        send_reply(room->socket, &reply);
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, &state, 0) < 0 && errno == EINTR)
        ;
    if (pid > 0 && WIFEXITED(state) && WEXITSTATUS(state) == 0)
        return;
    reply.status = why_fail(&reply.why, STATUS_IO, "the process of a first call died (%s)",
                            pid < 0              ? strerror(errno)
                            : WIFSIGNALED(state) ? strsignal(WTERMSIG(state))
                                                 : "it gave up");
    send_reply(room->socket, &reply);
}

static void help(const struct coldroom *room)
{
    struct request q;

    while (read(room->socket, &q, sizeof q) == (ssize_t)sizeof q)
        serve_apart(room, &q);
    _exit(0);
}

/* ---- where the results are wanted -------------------------------------------------------- */

int coldroom_open(struct coldroom **made, const struct plan *plan, uint64_t seed,
                  struct why *why)
{
    struct coldroom *room = calloc(1, sizeof *room);
    int end[2];

    if (!room)
        return why_fail(why, STATUS_MEMORY, "cannot prepare first calls: out of memory");
    *room = (struct coldroom){.plan = plan, .seed = seed, .socket = -1};
    room->outputs = memfd_create("outputs", MFD_CLOEXEC);
    if (room->outputs >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, end) == 0) {
        room->pid = fork();
        if (room->pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            close(end[0]);
            room->socket = end[1];
            help(room);
        }
        close(end[1]);
        room->socket = end[0];
    }
    if (room->socket < 0 || room->pid < 0) {
        why_fail(why, STATUS_IO, "cannot prepare first calls: %s", strerror(errno));
        coldroom_close(room);
        return STATUS_IO;
    }
    *made = room;
    return 0;
}

static void end_helper(struct coldroom *room)
{
    if (room->socket >= 0)
        close(room->socket);
    if (room->pid > 0) {
        kill(room->pid, SIGKILL);
        waitpid(room->pid, NULL, 0);
    }
    room->socket = -1;
    room->pid = 0;
}

void coldroom_close(struct coldroom *room)
{
    if (!room)
        return;
    end_helper(room);
    if (room->outputs >= 0)
        close(room->outputs);
    free(room);
}

static int ask(struct coldroom *room, const struct request *q, double limit_s,
               struct reply *reply, struct why *why)
{
    struct pollfd ready = {.fd = room->socket, .events = POLLIN};
    int n;

    if (room->socket < 0 ||
        send(room->socket, q, sizeof *q, MSG_NOSIGNAL) != (ssize_t)sizeof *q)
        return why_fail(why, STATUS_IO, "the helper that starts first calls is gone");
    while ((n = poll(&ready, 1, (int)(limit_s * 1e3))) < 0 && errno == EINTR)
        ;
    if (n > 0 && read(room->socket, reply, sizeof *reply) == (ssize_t)sizeof *reply)
        return 0;
    end_helper(room);
    return why_fail(why, STATUS_IO, n == 0 ? "a first call took longer than %.0f s: killed"
                                           : "the helper that starts first calls died", limit_s);
}

static int read_outputs(const struct coldroom *room, struct bench *bench, struct why *why)
{
    off_t at = 0;

    bench_restore(bench);
    for (int i = 0; i < workload_args(bench->workload); i++) {
        struct buffer *arg = &bench->arg[0][i];
        size_t done = 0;

        while (bench->workload->args[i].flow & FLOW_OUT && done < arg->bytes) {
            ssize_t n = pread(room->outputs, (char *)arg->data + done, arg->bytes - done, at);

            if (n <= 0)
                return why_fail(why, STATUS_IO, "the outputs of a first call are missing");
            done += (size_t)n;
            at += n;
        }
    }
    /* the next call's must not be these */
    return ftruncate(room->outputs, 0) == 0
               ? 0 : why_fail(why, STATUS_IO, "cannot drop outputs: %s", strerror(errno));
}

int coldroom_call(struct coldroom *room, const struct group *group, const struct trial *t,
                  enum memory memory, double limit_s, struct timeline *line, double *error,
                  struct why *why)
{
    struct request q = {group, t->variant, t->device->row.id, memory};
    struct reply reply;
    int status = ask(room, &q, limit_s, &reply, why);

    if (status)
        return status;
    *line = reply.line;
    if (reply.status) {
        *why = reply.why;
        return reply.status;
    }
    status = read_outputs(room, t->bench, why);
    if (!status)
        *error = trial_error(t, why);
    return status;
}
