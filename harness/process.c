/* SPDX-License-Identifier: MIT */
#include "harness/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t process_start(void (*work)(int fd, void *to), void *to, int *fd)
{
    int end[2];
    pid_t pid, parent = getpid();

    if (pipe(end) != 0)
        return -1;
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() != parent)
            _exit(1); /* it died before it could be told */
        signal(SIGINT, SIG_IGN); /* Ctrl-C is the parent's to handle, and so is the terminal's end */
        signal(SIGHUP, SIG_IGN);
        close(end[0]);
        work(end[1], to);
        close(end[1]);
        fflush(NULL);
        _exit(0);
    }
    close(end[1]);
    if (pid < 0)
        close(end[0]);
    *fd = end[0];
    return pid;
}

int process_wait(pid_t pid)
{
    int state = 0;

    while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
        ;
    return state;
}

/* Until the other end is closed; false when nothing came for so long. Waits are counted: the
 * clock goes on while both are stopped. */
static bool hear_out(int fd, double limit_s, struct text *said)
{
    enum { STEP_MS = 200 };
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char chunk[4096];
    ssize_t n = 1;

    for (double silent_s = 0; silent_s < limit_s && n != 0;) {
        if (poll(&ready, 1, STEP_MS) <= 0) {
            silent_s += STEP_MS * 1e-3;
            continue;
        }
        n = read(fd, chunk, sizeof chunk);
        if (n > 0)
            text_add_bytes(said, chunk, (size_t)n);
        else if (n < 0 && errno != EINTR)
            return true;
        silent_s = 0;
    }
    return n == 0;
}

int process_isolate(void (*work)(int fd, void *to), void *to, double limit_s, struct text *said,
                    struct why *why)
{
    int fd, state;
    bool is_done;
    pid_t pid = process_start(work, to, &fd);

    if (pid < 0)
        return why_fail(why, STATUS_IO, "cannot start a process: %s", strerror(errno));
    is_done = hear_out(fd, limit_s, said);
    close(fd);
    if (!is_done)
        kill(pid, SIGKILL);
    state = process_wait(pid);
    if (!is_done)
        return why_fail(why, STATUS_IO, "a helper process was silent for %g s: killed", limit_s);
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0)
        return why_fail(why, STATUS_IO, "a helper process died (%s)",
                        WIFSIGNALED(state) ? strsignal(WTERMSIG(state)) : "it gave up");
    return 0;
}
