/* SPDX-License-Identifier: MIT */
/* Is a GPU measured rightly? Checks of a run's records against each other, against counters
 * and against what is physically possible. Reads records only. */
#ifndef OFFLOAD_BENCH_ACCEPTANCE_H
#define OFFLOAD_BENCH_ACCEPTANCE_H

#include "report/record.h"

/* fail: a result or a figure cannot be right. slow: right, but far from what the GPU should
 * do. absent: could not be checked, the sentence says why. */
#define ACCEPTANCE_MAP(X)                                                              \
    X(ACCEPTANCE_PASS, "pass") X(ACCEPTANCE_SLOW, "slow") X(ACCEPTANCE_FAIL, "fail")   \
    X(ACCEPTANCE_ABSENT, "absent")
enum acceptance_result {
#define X(value, text) value,
    ACCEPTANCE_MAP(X)
#undef X
    ACCEPTANCE_RESULTS
};
const char *acceptance_name(enum acceptance_result);

struct check {
    enum acceptance_result result;
    const char *name;         /* which check; acceptance_checks[] lists them */
    char subject[256];        /* the record or problem it is about */
    double value;             /* what was compared, "1": a ratio; NAN: none */
    char says[240];
};

struct acceptance {
    struct check *check;
    size_t checks;
    size_t count[ACCEPTANCE_RESULTS];
};

struct acceptance_row {
    const char *name, *meaning;
};
/* Every check, in the order of the summary; ends with a NULL name. */
extern const struct acceptance_row acceptance_checks[];

/* Can times of one work, by the GPU's activity records and by events around it, both be right? Events
 * enclose the gaps between kernels, records do not; a clock that changes between their passes moves
 * either. True of what is short: there both are mostly launch. */
bool acceptance_times_agree(double activity_ns, double event_ns);

/* Judge all records of CUDA devices. Times of software devices prove nothing: of those only
 * the results are checked. Errors: STATUS_MEMORY. */
int acceptance_judge(struct acceptance *, const struct results *, struct why *);
void acceptance_release(struct acceptance *);

#endif
