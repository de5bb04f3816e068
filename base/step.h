/* SPDX-License-Identifier: MIT */
/* Work for a device, as data: what to launch or copy, on which arguments, over which grid.
 * Workloads write steps, device rooms execute them, neither includes the other. */
#ifndef OFFLOAD_BENCH_STEP_H
#define OFFLOAD_BENCH_STEP_H

#include "base/terms.h"

/* Memory that a device or the host gave. `data`: address valid on the host, NULL when the
 * host cannot touch it. `handle`: the device API's own handle (cl_mem, CUdeviceptr), NULL
 * for host memory. */
struct buffer {
    void *data, *handle;
    size_t bytes;
    enum memory memory;
    size_t page_bytes; /* page size behind host memory; 0 when unknown or on a device */
};

/* What a workload may adapt its steps to. */
struct device_facts {
    int compute_units;       /* SMs, CUs or cores */
    int64_t group_limit;     /* most work-items in a work-group */
    int64_t local_bytes;     /* local (shared) memory a work-group may use */
    bool is_host_processor;  /* OpenCL on a CPU */
    int capability;          /* CUDA compute capability, 90 for 9.0; 0 elsewhere */
};

/* Has a CUDA device tensor cores for elements of these 16 bits? f16 from compute capability 7.5
 * on, bf16 from 8.0. */
bool facts_have_tensor_cores(const struct device_facts *, enum dtype);

enum step_kind { STEP_LAUNCH, STEP_UPLOAD, STEP_DOWNLOAD };

/* One kernel argument. Buffers are named by their index among the workload's args;
 * ARG_SCRATCH is the variant's scratch buffer. ARG_INT is 32 bits, ARG_LONG 64. */
enum step_arg_kind { STEP_BUFFER, STEP_SCRATCH, STEP_INT, STEP_LONG, STEP_FLOAT };

struct step_arg {
    enum step_arg_kind kind;
    int buffer;
    int64_t i;
    float f;
};

enum { STEP_ARGS = 24, STEPS = 4, STEP_DEFINES = 256 };

/* STEP_LAUNCH: kernel `kernel` of the workload's device code, compiled with `defines`
 * ("-DTILE=64 -D..."; the device adds the dtype's own, see dialect.h), over `groups`
 * work-groups of `group` work-items in up to three dimensions (unused ones 1).
 * STEP_UPLOAD: the host twin of arg[0].buffer, whole, to the device twin of arg[1].buffer;
 * STEP_DOWNLOAD: the device twin of arg[0].buffer to the host twin of arg[1].buffer. With one
 * argument, both are that argument's twins. */
struct step {
    enum step_kind kind;
    const char *kernel;
    char defines[STEP_DEFINES];
    int64_t groups[3], group[3];
    int args;
    struct step_arg arg[STEP_ARGS];
};

/* Append one argument; the caller keeps the count below STEP_ARGS (asserted). */
void step_buffer(struct step *, int buffer);
void step_scratch(struct step *);
void step_int(struct step *, int64_t value);
void step_long(struct step *, int64_t value);
void step_float(struct step *, double value);

#endif
