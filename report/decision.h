/* SPDX-License-Identifier: MIT */
/* The three answers. */
#ifndef OFFLOAD_BENCH_DECISION_H
#define OFFLOAD_BENCH_DECISION_H

#define DECISION_MAP(X)                                                                \
    X(DECISION_OFFLOAD, "offload") X(DECISION_STAY, "stay")                            \
    X(DECISION_UNDECIDED, "undecided")
enum decision {
#define X(value, text) value,
    DECISION_MAP(X)
#undef X
};
const char *decision_name(enum decision);

/* The band around "as fast": moving must pay for itself. */
#define VERDICT_TIE 0.05

#endif
