/* SPDX-License-Identifier: MIT */
/* The script goes in as a file and the picture comes back through a pipe, so that neither
 * side waits for the other and no name of ours ever meets a shell. */
#include "report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

extern char **environ;

enum { LIMIT_MS = 20000 };

void gnuplot_text(struct text *out, const char *string)
{
    static const char from[] = "\"'`\\$@", to[][4] = {"”", "’", "’", "/", "S", "a"};

    for (const char *c = string; *c; c++) {
        const char *special = strchr(from, *c);

        if (special)
            text_add(out, to[special - from]);
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            text_add(out, "?");
        else
            text_add_bytes(out, c, 1);
    }
}

/* ---- the process ----------------------------------------------------------------------- */

/* In a process group of its own: the Ctrl-C that ends the measuring must not end its pictures. */
static int start(FILE *script, FILE *words, int out, pid_t *pid)
{
    char *argv[] = {"gnuplot", "-d", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t apart;
    int error = posix_spawn_file_actions_init(&actions);

    if (error)
        return error;
    error = posix_spawnattr_init(&apart);
    if (error) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    posix_spawnattr_setflags(&apart, POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(words), STDERR_FILENO);
    error = posix_spawnp(pid, "gnuplot", &actions, &apart, argv, environ);
    posix_spawnattr_destroy(&apart);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Everything until the other end closes; false when that takes too long. */
static bool read_all(int fd, struct text *out)
{
    int64_t end_ns = clock_ns() + (int64_t)LIMIT_MS * 1000000;
    char chunk[65536];

    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int64_t left_ms = (end_ns - clock_ns()) / 1000000;
        ssize_t n;

        if (poll(&ready, 1, left_ms > 0 ? (int)left_ms : 0) == 0)
            return false;
        n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        text_add_bytes(out, chunk, (size_t)n);
    }
}

/* What gnuplot said: its first line that names a cause. */
static void last_words(FILE *words, char *line, size_t size)
{
    char next[200];

    snprintf(line, size, "no word from it");
    rewind(words);
    while (fgets(next, sizeof next, words)) {
        next[strcspn(next, "\n")] = '\0';
        if (strstr(next, "line ") || strstr(next, "rror")) {
            snprintf(line, size, "%s", next);
            return;
        }
    }
}

static int run(FILE *script, FILE *words, struct text *raw, struct why *why)
{
    int ends[2], state = 0, error;
    bool is_whole;
    pid_t pid;
    char said[200];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return why_fail(why, STATUS_IO, "cannot run gnuplot: %s", strerror(errno));
    error = start(script, words, ends[1], &pid);
    close(ends[1]);
    if (error) {
        close(ends[0]);
        return why_fail(why, STATUS_UNAVAILABLE,
                        "cannot run gnuplot: %s; hint: install gnuplot-nox",
                        error == ENOENT ? "it is not installed" : strerror(error));
    }
    is_whole = read_all(ends[0], raw);
    close(ends[0]);
    if (!is_whole)
        kill(pid, SIGKILL);
    while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
        ;
    if (is_whole && WIFEXITED(state) && WEXITSTATUS(state) == 0)
        return 0;
    last_words(words, said, sizeof said);
    return why_fail(why, STATUS_DEVICE, "gnuplot failed: %s",
                    is_whole ? said : "it took longer than 20 s");
}

/* ---- the picture ----------------------------------------------------------------------- */

struct swap {
    const char *from, *to; /* a '%' in `to` stands for the id and a dash */
};

/* Only within tags: text is left as it is. */
static const struct swap swaps[] = {
    {"stroke='black'", "stroke='currentColor'"},
    {"stroke=\"black\"", "stroke=\"currentColor\""},
    {"fill=\"black\"", "fill=\"currentColor\""},
    {"'rgb(  0,   0,   0)'", "'currentColor'"},
    {"\"rgb(0,0,0)\"", "\"currentColor\""},
    {"\"rgb(  0,   0,   0)\"", "\"currentColor\""},
    {" color=\"currentColor\"", ""},
    {" color='currentColor'", ""},
    {" color=\"black\"", ""},
    {" id='", " id='%"},
    {" id=\"", " id=\"%"},
    {"'#gp", "'#%gp"},
    {"url(#", "url(#%"},
};

static void add_swapped(struct text *out, const char *to, const char *id)
{
    for (; *to; to++)
        if (*to == '%')
            text_printf(out, "%s-", id);
        else
            text_add_bytes(out, to, 1);
}

static size_t swap_at(const char *at, const char *id, struct text *out)
{
    for (size_t i = 0; i < sizeof swaps / sizeof *swaps; i++) {
        size_t n = strlen(swaps[i].from);

        if (strncmp(at, swaps[i].from, n) == 0) {
            add_swapped(out, swaps[i].to, id);
            return n;
        }
    }
    text_add_bytes(out, at, 1);
    return 1;
}

/* gnuplot's own titles would pop up as tool tips that show its code. */
static const char *skip_element(const char *at)
{
    static const char *const end[] = {"</title>", "</desc>"};
    const char *open[] = {"<title>", "<desc>"};

    for (int i = 0; i < 2; i++)
        if (strncmp(at, open[i], strlen(open[i])) == 0) {
            const char *to = strstr(at, end[i]);

            return to ? to + strlen(end[i]) : at;
        }
    return at;
}

static void add_attribute(struct text *out, const char *text)
{
    for (; *text; text++)
        if (*text == '&' || *text == '<' || *text == '"')
            text_printf(out, "&#%d;", *text);
        else
            text_add_bytes(out, text, 1);
}

/* As a file of its own it brings its colours; within a page, where it is no root, the page's
 * apply. */
static const char own_colours[] =
    "<style>svg:root{color:#24292f}"
    "@media(prefers-color-scheme:dark){svg:root{color:#d0d7de}}</style>";

static int dress(const char *raw, const char *id, const char *title, struct text *out)
{
    const char *at = strstr(raw, "<svg");
    bool in_tag = false, is_open = false;

    if (!at || !strstr(at, "</svg>"))
        return STATUS_DEVICE;
    text_printf(out, "<svg id=\"%s\" role=\"img\" aria-label=\"", id);
    add_attribute(out, title);
    text_add(out, "\"");
    for (at += strlen("<svg"); *at;) {
        if (*at == '<')
            in_tag = true;
        if (is_open && in_tag && *at == '<' && skip_element(at) != at) {
            at = skip_element(at);
            in_tag = false;
        } else if (*at == '>' && !is_open) {
            is_open = true;
            text_printf(out, ">%s", own_colours);
            at++;
        } else {
            in_tag = in_tag && *at != '>';
            at += in_tag ? swap_at(at, id, out) : (text_add_bytes(out, at, 1), 1);
        }
    }
    return 0;
}

int gnuplot_draw(const char *script, const char *id, const char *title, struct text *svg,
                 struct why *why)
{
    FILE *in = tmpfile(), *words = tmpfile();
    struct text raw = {0};
    int status = 0;

    if (!in || !words || fputs(script, in) < 0 || fflush(in) != 0)
        status = why_fail(why, STATUS_IO, "cannot write a script for gnuplot: %s",
                          strerror(errno));
    if (!status) {
        rewind(in);
        status = run(in, words, &raw, why);
    }
    if (!status && raw.failed)
        status = why_fail(why, STATUS_MEMORY, "out of memory for a picture");
    if (!status && (!raw.data || dress(raw.data, id, title, svg)))
        status = why_fail(why, STATUS_DEVICE, "gnuplot drew no whole picture");
    text_release(&raw);
    if (in)
        fclose(in);
    if (words)
        fclose(words);
    return status;
}
