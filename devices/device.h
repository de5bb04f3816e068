/* SPDX-License-Identifier: MIT */
/* Where work runs. A driver says which devices there are and opens one; an open device gives
 * memory, copies, compiles and launches kernels, and keeps time in its own order of work. */
#ifndef OFFLOAD_BENCH_DEVICE_H
#define OFFLOAD_BENCH_DEVICE_H

#include "base/step.h"
#include "base/terms.h"
#include "base/why.h"

struct device;

/* A point in the device's order of work, held by the device until elapsed_ns takes it back or
 * the device is closed. Zeroed: no point. */
struct mark {
    void *event;
};

struct kernel; /* a compiled kernel, owned by the device until close */

/* What `list devices` and the records say about a device that need not be open. */
struct device_row {
    enum device_kind kind;
    struct name id;         /* "cpu", "opencl:0", "cuda:1" */
    char model[128];        /* "NVIDIA H100 80GB HBM3" */
    char driver[128];       /* driver and version in words */
    enum evidence evidence; /* EVIDENCE_SOFTWARE for an emulation, OpenCL on a CPU */
    bool is_gpu;
    uint64_t cache_bytes;   /* last level; 0 when unknown */
    struct name uuid, bus;  /* "GPU-6f1c...", "0000:17:00.0"; "" when unknown */
    int node;               /* NUMA node that its host memory comes from; -1: any */
    char lacks[200];        /* what devices of its kind can do and it cannot, in words; "" */
};

struct driver {
    enum device_kind kind;
    /* Number of devices, or STATUS_UNAVAILABLE with the reason and what to install. */
    int (*count)(struct why *);
    int (*describe)(int index, struct device_row *, struct why *);
    int (*open)(struct device *, int index, struct why *);
    /* True with a sentence when some of its devices are hidden from this process, or less
     * than all of them can be used; NULL: never. */
    bool (*hides)(struct why *);
};

/* Further orders of work: what is enqueued on one lane keeps its order, lanes run beside each
 * other. Lane 0 is there from the start and in use after open. Chunks that are uploaded,
 * computed and downloaded at once need three. */
enum { LANES = 4 };

/* Which bytes of two buffers a copy is about. */
struct part {
    size_t to, from, bytes; /* offset in either, length */
};

struct lane_ops {
    /* From now on copy, launch and mark go to `lane`, and device->queue is that lane's; it is
     * made when first used. */
    int (*use)(struct device *, int lane, struct why *);
    /* What is enqueued on `lane` from now on waits for what is on `first` now. */
    int (*wait)(struct device *, int lane, int first, struct why *);
    /* As ops->copy, of a part. Only pinned host memory lets the call return at once. */
    int (*copy)(struct device *, struct buffer *to, const struct buffer *from, struct part,
                struct why *);
};

/* A sequence of work that is enqueued by one call (a CUDA graph). */
struct recording;

struct recording_ops {
    /* Between these two, copies and launches on the lane in use are written down, not done;
     * no allocation, build, sync, mark or change of lane. When `stop` fails nothing is held. */
    int (*start)(struct device *, struct why *);
    int (*stop)(struct device *, struct recording **, struct why *);
    int (*replay)(struct device *, struct recording *, struct why *);
    void (*free)(struct device *, struct recording *); /* after its work is done; NULL is fine */
};

/* All of them release-safe on a zeroed buffer, kernel or mark. Unless said otherwise, calls
 * may return before the work is done; `sync` waits for all of it, on every lane.
 * STATUS_LOST from any of them: a fault (illegal address, lost device) that this process cannot
 * recover from; every later call on the device says the same, and the process should end. */
struct device_ops {
    void (*close)(struct device *);
    /* `memory` of the host kinds gives host memory that the device can copy from and to;
     * MEMORY_DEVICE gives the device's own. Zero bytes are fine. On failure nothing is held.
     * Errors: STATUS_MEMORY with the size, STATUS_UNAVAILABLE when it has no such memory. */
    int (*alloc)(struct device *, struct buffer *, size_t bytes, enum memory, struct why *);
    void (*free)(struct device *, struct buffer *);
    /* Copy the first `bytes`; one of the two is on the device, or both. */
    int (*copy)(struct device *, struct buffer *to, const struct buffer *from, size_t bytes,
                struct why *);
    /* Compile (or take from the disk cache) kernel `name` of `source`, with `defines` and
     * the dialect's own definitions for `dtype`. The same request gives the same kernel.
     * Errors: STATUS_DEVICE with the first line of the compiler's log. */
    int (*build)(struct device *, const char *source, const char *name, const char *defines,
                 enum dtype, struct kernel **, struct why *);
    /* STEP_LAUNCH of a built kernel on device buffers; zero groups launch nothing. Errors:
     * STATUS_UNAVAILABLE when the work-group is larger than this device or kernel allows. */
    int (*launch)(struct device *, struct kernel *, const struct step *,
                  const struct buffer *arg, const struct buffer *scratch, struct why *);
    /* Setting a mark again moves it. */
    int (*mark)(struct device *, struct mark *, struct why *);
    /* Nanoseconds between two marks on the device's clock; waits for `to`. Both are taken
     * back and zeroed. NAN when the device has no clock or a mark was never set. */
    double (*elapsed_ns)(struct device *, struct mark *from, struct mark *to);
    int (*sync)(struct device *, struct why *);
    /* Move managed memory to where it is needed next: MEMORY_DEVICE or MEMORY_PAGEABLE (the
     * host). NULL: the device has no managed memory or cannot be told. */
    int (*prefetch)(struct device *, struct buffer *, enum memory where, struct why *);
    const struct lane_ops *lanes;          /* NULL: one order of work only */
    const struct recording_ops *recording; /* NULL: every call is enqueued anew */
};

struct device {
    const struct device_ops *ops; /* NULL: not open; device_close is then safe */
    struct device_row row;
    enum device_kind kind;
    struct device_facts facts;
    uint64_t memory_bytes;        /* 0 when unknown */
    double open_ns;               /* what opening cost: context, first compile */
    void *queue;                  /* API's own queue or stream (cl_command_queue, CUstream), for
                                     vendor libraries; on CUDA the context is current after any
                                     call of ops */
    void *self;
};

/* Every driver of this build, by kind; ends with NULL. */
extern const struct driver *const drivers[];

/* All devices found, in order of kind; at most `most` rows are written. A driver without
 * devices adds none; `missing` (may be NULL, DEVICE_KINDS entries) gets its sentence. */
int device_list(struct device_row *, int most, struct why *missing);

/* Open by id ("cpu", "opencl:0"; "opencl" is "opencl:0"). Errors: STATUS_INVALID for an
 * unknown id with the ids that exist, STATUS_UNAVAILABLE, STATUS_DEVICE. */
int device_open(struct device *, const char *id, struct why *);
void device_close(struct device *);

#endif
