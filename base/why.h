/* SPDX-License-Identifier: MIT */
/* How anything fails: a status for the program, a sentence for the person. */
#ifndef OFFLOAD_BENCH_WHY_H
#define OFFLOAD_BENCH_WHY_H

#define STATUS_MAP(X)                                                                  \
    X(STATUS_OK, 0, "ok")                                                              \
    X(STATUS_INVALID, -1, "invalid argument")                                          \
    X(STATUS_UNAVAILABLE, -2, "not available on this machine")                         \
    X(STATUS_MEMORY, -3, "out of memory")                                              \
    X(STATUS_DEVICE, -4, "device reported an error")                                   \
    X(STATUS_IO, -5, "input/output error")                                             \
    X(STATUS_LOST, -6, "device is lost to this process")

enum status {
#define X(name, value, text) name = value,
    STATUS_MAP(X)
#undef X
};

/* The sentence that goes with a failure. The caller owns it, usually on its stack.
 * Wording: lower case, no full stop, what failed first, its subject in single quotes,
 * then the cause; "; hint: ..." at the end when the user can act. */
struct why {
    char text[400];
};

/* Fill *why (may be NULL) and hand `status` back, so that failing is one line:
 *     return why_fail(why, STATUS_IO, "cannot open '%s': %s", path, strerror(errno)); */
int why_fail(struct why *why, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A sentence that stands already, as much of it as fits; "" for NULL. */
struct why why_of(const char *text);

/* Text of a status, for the rare place that has no sentence. */
const char *status_text(int status);

#endif
