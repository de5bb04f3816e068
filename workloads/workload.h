/* SPDX-License-Identifier: MIT */
/* What is computed. A workload is one folder: a description (axes, arguments, cost), the
 * plain-C reference, CPU variants, device code, a README. The harness allocates, fills,
 * uploads, times and checks; a workload only computes. */
#ifndef OFFLOAD_BENCH_WORKLOAD_H
#define OFFLOAD_BENCH_WORKLOAD_H

#include "base/operation.h"
#include "base/step.h"
#include "base/terms.h"
#include "base/why.h"

/* One axis of the shape. An axis with `value` names takes one of them (its index is stored)
 * and is spelled by name in records; any other is a whole number >= `least`. `fallback` is
 * the value when a suite or option names none; AXIS_REQUIRED when it must be named. */
#define AXIS_REQUIRED INT64_MIN
struct axis {
    const char *name, *meaning;
    const char *const *value; /* NULL-terminated, or NULL */
    int64_t fallback, least;
};

/* One call, each byte counted once. */
struct cost {
    double flops, bytes_read, bytes_written;
};

/* Direction of an argument; gives the transfers. INOUT is uploaded and downloaded, and its
 * initial contents are restored before every call that is checked. */
enum flow { FLOW_IN = 1, FLOW_OUT = 2, FLOW_INOUT = 3 };

/* Argument that stays the same while others change from call to call (weights, KV cache):
 * a *cold* cell rotates copies of it so that it is read from DRAM. */
enum arg_trait { ARG_ACTIVATION, ARG_STATIONARY };

enum { ARGS = 8, DTYPE_SAME = -1, DTYPE_PRODUCT = -2 };

struct arg {
    const char *name;
    int type;            /* an enum dtype; DTYPE_SAME: the problem's; DTYPE_PRODUCT: what its
                          * products are stored as (dtype_product) */
    enum flow flow;
    enum arg_trait trait;
    /* Elements; 0: the argument does not exist for this problem. */
    int64_t (*count)(const struct problem *);
    /* Fill `data` (an IN or INOUT argument); NULL: random_fill(). */
    void (*fill)(const struct problem *, void *data, uint64_t seed);
};

struct variant;

/* One prepared execution of a variant. `arg` are in the order of workload->args; for a CPU
 * variant arg[i].data is host memory, for a device variant arg[i].handle is the device's.
 * Absent arguments are all zero. */
struct call {
    const struct problem *problem;
    const struct variant *variant;
    const struct buffer *arg;
    struct buffer scratch; /* variant->scratch_bytes, on the variant's device */
    void *queue;           /* device API's queue or stream (cl_command_queue, CUstream) */
    int threads;           /* CPU threads a CPU variant must use at most, >= 1 */
    void *self;            /* whatever prepare() made; release() frees it */
};

/* One way to compute the workload on one kind of device. variants[0] is the reference:
 * plain C in double precision, run once per problem to check all others, never a contender.
 *
 * Exactly one of reference, run, steps is set.
 *
 * Errors: available() and prepare() return STATUS_UNAVAILABLE with the reason, which is
 * normal; anything else is a failed record. prepare() is outside the timed region (packing
 * weights, making plans); say so in `note`. run() allocates nothing, and on a device may
 * return before the work is done. */
struct variant {
    const char *name;
    enum device_kind on;
    const char *note;          /* what a reader of the result must know, or NULL */
    const char *provider;      /* library behind it ("OpenBLAS"), NULL: our own code */
    const void *data;          /* passed through, e.g. which CBLAS */

    /* Unit roundoff to which it rounds its inputs first (tf32), where that is more than the
     * dtype's; 0: none. Checked against a bound that allows for it, measured, never judged:
     * it is not the same answer. */
    double roundoff;

    bool (*fits)(const struct problem *);        /* NULL: every problem */
    int (*available)(const struct variant *, struct why *); /* NULL: always */

    /* want[i], scale[i] per element of every OUT and INOUT argument, in order of args
     * (entries of other arguments are NULL). in[i]: the inputs in their own dtype, INOUT as
     * before the call. scale = sum of the magnitudes that were added up to make the element:
     * the yardstick of its rounding error (for |x| results without cancellation: |want|). */
    void (*reference)(const struct problem *, const void *const *in, double *const *want,
                      double *const *scale);

    int (*prepare)(struct call *, struct why *);
    int (*run)(struct call *, struct why *);
    void (*release)(struct call *);

    /* Device kernels: write up to STEPS steps, return how many; 0: this device lacks what
     * they need. Pure. A variant on DEVICE_OPENCL takes its kernels from x.cl and runs on CUDA
     * devices too, one on DEVICE_CUDA takes them from x.cu. */
    int (*steps)(const struct problem *, const struct device_facts *, struct step *);
    size_t (*scratch_bytes)(const struct problem *, const struct device_facts *);
};

/* What a workload is for. An OVERHEAD is measured and shown but never judged (launch,
 * transfer, peak). */
enum workload_role { ROLE_JUDGED, ROLE_OVERHEAD };

/* A family of shapes: axis i is mul[i]*size + add[i] as the size grows. */
struct sweep {
    const char *name, *also; /* also: a second name it answers to, or NULL */
    int64_t mul[AXES], add[AXES];
};

struct workload {
    const char *name, *brief;
    enum workload_role role;
    unsigned dtypes;               /* bit set: 1u << DTYPE_F32 | ... */
    struct axis axis[AXES];        /* ends with a NULL name unless full */
    const struct shape *smoke;     /* small and awkward; `smokes` of them */
    int smokes;
    const struct sweep *sweeps;    /* ends with {0} */
    struct arg args[ARGS];         /* ends with a NULL name unless full */
    const struct variant *variants; /* ends with a NULL name; [0] is the reference */
    struct cost (*cost)(const struct problem *);
    /* Longest chain of additions behind one output element: sets the tolerance. */
    double (*length)(const struct problem *);
    /* Roundings to the problem's dtype that a fair implementation may do on the way
     * (attention stores its probabilities in bf16: 1). */
    double roundings;
    bool (*valid)(const struct problem *, struct why *); /* NULL: all shapes make sense */
    /* What the projection must know beyond workload_operation's defaults: sizes, and `op` where
     * it is not the workload's name. NULL: nothing. */
    void (*operation)(const struct problem *, struct operation *);
    /* Host memory that the copies of a device variant's steps go from and to; other than
     * pageable it is the device's own. NULL: pageable. */
    enum memory (*host_memory)(const struct problem *);
    /* Axis along which a call can be cut into smaller ones of the same kind: every argument
     * whose count grows with it has it outermost, so that a piece of the axis is a piece of
     * the argument, and nothing is summed over it. -1: none. NULL: none. */
    int (*cut)(const struct problem *);
    /* Axes (bit set) along which two devices can share a call: as large a piece of all of them
     * needs as large a piece of some arguments and the others whole, and gives a piece of the
     * result, or a part of a sum that one more operation completes. Where the pieces lie in
     * memory does not matter. 0: none. NULL: along `cut`. See workloads/portion.h. */
    unsigned (*split)(const struct problem *);
};

/* For `cut`: along the first axis, whose entries (rows, tokens, sequences) stand for themselves. */
int workload_cut_outermost(const struct problem *);
/* For `fits`. */
bool workload_fits_f32(const struct problem *);

/* All workloads, sorted by name; generated from the folders. Ends with NULL. */
extern const struct workload *const workloads[];

/* By name, or NULL. */
const struct workload *workload_find(const char *name);
/* Device code of the folder `name`, as compiled in, or NULL: x.cl, in the dialect of
 * devices/dialect.h, for variants on DEVICE_OPENCL; x.cu, CUDA C, for those on DEVICE_CUDA. */
const char *workload_device_code(const char *name, enum device_kind language);
/* How many axes, args (before the NULL name). */
int workload_axes(const struct workload *);
int workload_args(const struct workload *);
/* Element type of argument i. */
enum dtype workload_arg_dtype(const struct workload *, const struct problem *, int i);
/* Bytes of argument i; 0 when it does not exist for this problem. */
size_t workload_arg_bytes(const struct workload *, const struct problem *, int i);
/* Write "m=1 n=2048 k=2048 ta=n" to `out`; axes at their fallback are left out. */
void workload_shape_text(const struct workload *, const struct shape *, char *out, size_t size);
/* Set axis `axis` of *shape from text ("512", "2k" = 2000, "2Ki" = 2048, or a value name).
 * Errors: STATUS_INVALID with the names that exist. */
int workload_shape_set(const struct workload *, struct shape *, const char *axis,
                       const char *value, struct why *);
/* The workload's sweep of that name, or NULL; the shape at a size along it; what it is in words
 * ("m=16*size n=16*size k=size"), axes at their fallback left out. */
const struct sweep *workload_sweep(const struct workload *, const char *name);
struct shape sweep_shape(const struct sweep *, int64_t size);
void workload_sweep_text(const struct workload *, const struct sweep *, char *out, size_t size);
/* The call as the projection knows it. Fallbacks: the workload's name, its cost, a batch of 1. */
struct operation workload_operation(const struct workload *, const struct problem *, enum cache);
/* Fallbacks everywhere. */
void workload_shape_init(const struct workload *, struct shape *);
/* 0, or STATUS_INVALID with the types that the workload has. */
int workload_dtype_check(const struct workload *, enum dtype, struct why *);
/* All axes set and in range, dtype supported, workload->valid. Errors: STATUS_INVALID. */
int workload_problem_check(const struct workload *, const struct problem *, struct why *);

/* The error bound of one output element (Higham & Mary, SIAM J. Sci. Comput. 41, 2019,
 * eq. 2.6: rounding errors of a sum of n terms grow like sqrt(n) u with high probability):
 *     u_out |want| + ((4 sqrt(length) + 8) u_acc + roundings u_dtype) scale + tiny
 * u_out: roundoff of the output's type (0 for integers: exact), u_acc: f64 for f64 problems,
 * 2^-14 for e4m3 - tensor cores of Hopper keep about 14 bits of such a sum (DeepSeek-V3 Technical
 * Report, arXiv:2412.19437, section 3.3.2) -, f32 otherwise. */
double workload_error_bound(const struct workload *, const struct problem *, int arg,
                            double want, double scale);

#endif
