/* SPDX-License-Identifier: MIT */
/* Records made by hand and the report of them, for suites that know the answer by arithmetic.
 * Include after cmocka.h. */
#ifndef OFFLOAD_BENCH_TESTS_JUDGING_H
#define OFFLOAD_BENCH_TESTS_JUDGING_H

#include "report/report.h"

static struct results results;
static struct report report;
static struct record record[64];

/* Teardown: everything that a test put into the above. */
static inline int end(void **state)
{
    (void)state;
    report_release(&report);
    for (size_t i = 0; i < results.records; i++)
        record_release(&record[i]);
    for (size_t i = 0; i < results.chains; i++)
        json_decref(results.chain[i]);
    json_decref(results.header);
    return 0;
}

static inline void judge(void)
{
    struct why why = {{0}};

    if (report_build(&results, &report, &why) != 0)
        fail_msg("%s", why.text);
}

/* Ten rounds around `us`, +-1 %. */
static inline void rounds_push(struct record *r, double us)
{
    for (int i = 0; i < 10; i++)
        series_push(&r->wall_ns, us * 1e3 * (1 + 0.002 * (i - 4.5)));
}

static inline struct estimate about(double us)
{
    return (struct estimate){us, 0.8 * us, 1.25 * us};
}

/* A kernel of `us`, sending 1 ms of data and 0.1 ms of activations, fetching 10 us. */
static inline void projection_set(struct record *r, double us)
{
    r->kind = RECORD_PROJECTION;
    r->device_kind = DEVICE_CUDA;
    r->evidence = EVIDENCE_PROJECTED;
    r->time_us = about(us);
    r->launch_us = (struct estimate){5, 5, 5};
    r->upload_us = about(1000);
    r->activation_us = about(100);
    r->download_us = about(10);
}

#endif
