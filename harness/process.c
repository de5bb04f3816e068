/* SPDX-License-Identifier: MIT */
#include "harness/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t process_start(void (*work)(int fd, void *to), void *to, int *fd)
{
    int end[2];
    pid_t pid;

    if (pipe(end) != 0)
        return -1;
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGINT, SIG_IGN); /* Ctrl-C is the parent's to handle */
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

int process_isolate(void (*work)(int fd, void *to), void *to, struct text *said, struct why *why)
{
    char chunk[4096];
    ssize_t n;
    int fd, state;
    pid_t pid = process_start(work, to, &fd);

    if (pid < 0)
        return why_fail(why, STATUS_IO, "cannot start a process: %s", strerror(errno));
    while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            text_add_bytes(said, chunk, (size_t)n);
    close(fd);
    state = process_wait(pid);
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0)
        return why_fail(why, STATUS_IO, "a helper process died (%s)",
                        WIFSIGNALED(state) ? strsignal(WTERMSIG(state)) : "it gave up");
    return 0;
}
