/* SPDX-License-Identifier: MIT */
/* The file is appended to by children that may be killed at any time, so no buffer is kept;
 * each event begins with the comma that parts it from the one before. */
#include "base/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { NAMED = 64 };

static int file = -1;
static bool is_cut;
static int64_t zero_ns;
static pid_t named_pid;       /* whose tracks are named in the file already */
static bool is_named[NAMED];

static void put(const char *text)
{
    size_t n = strlen(text);

    /* a trace that cannot be written is cut short; the results are not its matter */
    if (write(file, text, n) != (ssize_t)n) {
        is_cut = true;
        close(file);
        file = -1;
    }
}

int trace_open(const char *path, struct why *why)
{
    char line[160];

    file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0)
        return why_fail(why, STATUS_IO, "cannot write the trace '%s': %s", path,
                        strerror(errno));
    zero_ns = clock_ns();
    snprintf(line, sizeof line,
             "[\n{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%ld,\"tid\":0,"
             "\"args\":{\"name\":\"offload-bench\"}}",
             (long)getpid());
    put(line);
    return 0;
}

bool trace_close(void)
{
    bool is_whole;

    if (file >= 0)
        put("\n]\n");
    is_whole = !is_cut;
    if (file >= 0)
        close(file);
    file = -1;
    is_cut = false;
    return is_whole;
}

/* JSON's escapes; what does not fit is left out. */
static void escape(char *out, size_t size, const char *text)
{
    size_t n = 0;

    for (; *text && n + 7 < size; text++)
        if ((unsigned char)*text < 0x20)
            n += (size_t)snprintf(out + n, size - n, "\\u%04x", (unsigned char)*text);
        else {
            if (*text == '"' || *text == '\\')
                out[n++] = '\\';
            out[n++] = *text;
        }
    out[n] = '\0';
}

static void name_track(int track)
{
    static const char *const names[] = {[TRACK_PHASE] = "phases",
                                        [TRACK_SAMPLE] = "samples",
                                        [TRACK_DRIVER] = "driver calls"};
    char line[200], name[32];

    if (named_pid != getpid()) {
        named_pid = getpid();
        memset(is_named, 0, sizeof is_named);
    }
    if (track >= NAMED || is_named[track])
        return;
    is_named[track] = true;
    snprintf(name, sizeof name, "GPU stream %d", track - TRACK_STREAM);
    snprintf(line, sizeof line,
             ",\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%ld,\"tid\":%d,"
             "\"args\":{\"name\":\"%s\"}}",
             (long)named_pid, track, track < TRACK_STREAM ? names[track] : name);
    put(line);
}

void trace_span(int track, const char *category, const char *name, int64_t start_ns,
                int64_t end_ns)
{
    char line[1024], escaped[512], kind[64];

    if (file < 0)
        return;
    name_track(track);
    escape(escaped, sizeof escaped, name);
    escape(kind, sizeof kind, category);
    snprintf(line, sizeof line,
             ",\n{\"name\":\"%s\",\"cat\":\"%s\",\"ph\":\"X\",\"ts\":%.3f,\"dur\":%.3f,"
             "\"pid\":%ld,\"tid\":%d}",
             escaped, kind, (double)(start_ns - zero_ns) * 1e-3,
             (double)(end_ns - start_ns) * 1e-3, (long)getpid(), track);
    put(line);
}
