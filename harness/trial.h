/* SPDX-License-Identifier: MIT */
/* One variant on one device, made ready to be run on a bench: memory, kernels, plans. */
#ifndef OFFLOAD_BENCH_TRIAL_H
#define OFFLOAD_BENCH_TRIAL_H

#include "harness/bench.h"
#include "workloads/isa.h"

struct trial {
    struct bench *bench;            /* not owned */
    struct device *device;          /* not owned */
    const struct variant *variant;
    int threads;
    enum isa isa;                   /* as it was prepared: isa_best of that moment */
    int copies, next;               /* which copy the next run takes */
    struct call call[COPIES];
    enum memory memory;             /* see trial_open_in */
    struct buffer arg[COPIES][ARGS]; /* on the device, or shared with it; unused on the CPU */
    struct buffer host[ARGS];       /* page-locked host memory from the device, where asked */
    struct buffer scratch;
    struct step step[STEPS];
    struct kernel *kernel[STEPS];
    int steps;
    /* What making ready cost; pin_ns NAN: nothing was page-locked. */
    double alloc_ns, pin_ns, upload_ns, compile_ns, prepare_ns;
};

/* Make ready: device memory, upload, compile, prepare. On failure everything is released.
 * Errors: STATUS_UNAVAILABLE (provider missing, does not fit: normal, with the reason),
 * STATUS_MEMORY, STATUS_DEVICE. */
int trial_open(struct trial *, struct bench *, struct device *, const struct variant *,
               int threads, struct why *);
/* The same with the arguments in a kind of memory. PAGEABLE: copies go from and to the bench's
 * own memory, unless the workload asks for another. PINNED: from and to page-locked memory
 * with the bench's contents. MANAGED, MAPPED: the arguments are in memory that host and device
 * share; sending is a prefetch, or nothing. STATUS_UNAVAILABLE when the device lacks it. But
 * for PAGEABLE there is one copy only. */
int trial_open_in(struct trial *, struct bench *, struct device *, const struct variant *,
                  int threads, enum memory, struct why *);
void trial_close(struct trial *);

/* Does the variant belong on this kind of device? Portable kernels say OpenCL; every device
 * that compiles the dialect runs them. */
bool trial_runs_on(const struct variant *, enum device_kind);

/* The steps of the trial's variant for a problem, STEPS of them at most, with their kernels.
 * Errors as of trial_open. */
int trial_build(struct trial *, const struct problem *, struct step *, struct kernel **,
                int *steps, struct why *);

/* Enqueue one call on the next copy of the arguments; may return before it is done. */
int trial_run(struct trial *, struct why *);
/* Enqueue sending the inputs of copy 0 whose trait is in `traits` (1u << ARG_STATIONARY ...),
 * or fetching all outputs of copy 0, and make the next run take copy 0. */
enum { TRAITS_ALL = 1u << ARG_ACTIVATION | 1u << ARG_STATIONARY };
int trial_send(struct trial *, unsigned traits, struct why *);
int trial_receive(struct trial *, struct why *);
/* Send every input of the first `copies` copies; fetch every output of copy 0. Both wait. */
int trial_upload(struct trial *, int copies, struct why *);
int trial_download(struct trial *, struct why *);
/* The host memory that copies of argument i of a copy go from and to, or that is shared. */
struct buffer *trial_host(struct trial *, int copy, int i);
/* Bring the outputs of copy 0 that were fetched into the bench's memory, if they are in other
 * host memory. Waits for nothing. */
void trial_collect(struct trial *);
/* Poison every output, also the device's; restore what is in and out. Waits. */
int trial_restore(struct trial *, struct why *);
/* The largest error of the outputs in the bench's memory over its bound; above 1, *why names
 * the worst element. */
double trial_error(const struct trial *, struct why *);

/* Run once on restored inputs and poisoned outputs, compare every element of every output:
 * *error is the largest error over its bound. Returns a status for failures to run only;
 * when *error > 1, *why names the worst element. */
int trial_check(struct trial *, double *error, struct why *);

#endif
