/* SPDX-License-Identifier: MIT */
/* One variant on one device, made ready to be run on a bench: memory, kernels, plans. */
#ifndef OFFLOAD_BENCH_TRIAL_H
#define OFFLOAD_BENCH_TRIAL_H

#include "harness/bench.h"

struct trial {
    struct bench *bench;            /* not owned */
    struct device *device;          /* not owned */
    const struct variant *variant;
    int threads;
    int copies, next;               /* which copy the next run takes */
    struct call call[COPIES];
    struct buffer arg[COPIES][ARGS]; /* on the device; unused on the CPU */
    struct buffer host[ARGS];       /* host memory from the device, where the workload asks */
    struct buffer scratch;
    struct step step[STEPS];
    struct kernel *kernel[STEPS];
    int steps;
    double alloc_ns, upload_ns, compile_ns, prepare_ns; /* what making ready cost */
};

/* Make ready: device memory, upload, compile, prepare. On failure everything is released.
 * Errors: STATUS_UNAVAILABLE (provider missing, does not fit: normal, with the reason),
 * STATUS_MEMORY, STATUS_DEVICE. */
int trial_open(struct trial *, struct bench *, struct device *, const struct variant *,
               int threads, struct why *);
void trial_close(struct trial *);

/* Does the variant belong on this kind of device? Portable kernels say OpenCL; every device
 * that compiles the dialect runs them. */
bool trial_runs_on(const struct variant *, enum device_kind);

/* Enqueue one call on the next copy of the arguments; may return before it is done. */
int trial_run(struct trial *, struct why *);
/* Send every input of the first `copies` copies; fetch every output of copy 0 into the
 * bench's host memory. Both wait. */
int trial_upload(struct trial *, int copies, struct why *);
int trial_download(struct trial *, struct why *);

/* Run once on restored inputs and poisoned outputs, compare every element of every output:
 * *error is the largest error over its bound. Returns a status for failures to run only;
 * when *error > 1, *why names the worst element. */
int trial_check(struct trial *, double *error, struct why *);

#endif
