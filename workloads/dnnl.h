/* SPDX-License-Identifier: MIT */
/* oneDNN, opened at run time: its primitives made from plain descriptions of tensors, bound
 * to host memory, and run. No type of oneDNN is seen outside dnnl.c. */
#ifndef OFFLOAD_BENCH_DNNL_H
#define OFFLOAD_BENCH_DNNL_H

#include "base/terms.h"
#include "base/why.h"

struct variant;
struct call;
struct onednn; /* a primitive with its memory, ready to run */

/* A dense tensor: `rank` lengths, the slowest first. stride: elements between neighbours
 * along each axis; all 0 means row-major. packed: a layout of the library's choosing, to be
 * filled by onednn_pack. */
enum { ONEDNN_RANK = 4 };
struct onednn_tensor {
    enum dtype dtype;
    int rank;
    int64_t n[ONEDNN_RANK], stride[ONEDNN_RANK];
    bool packed;
};

enum onednn_binary { ONEDNN_ADD, ONEDNN_MUL };
enum onednn_reduction { ONEDNN_SUM, ONEDNN_MAX };

/* STATUS_UNAVAILABLE when oneDNN is not built in or not installed, with what to install. */
int onednn_available(const struct variant *, struct why *);
/* Version and instruction set in words; "" before onednn_available succeeded. */
const char *onednn_version(void);

/* Make a primitive for up to `threads` threads. Its tensors are its slots, in the order of
 * the arguments: bind each (but packed ones) before running. *out is NULL on failure.
 * Errors: STATUS_UNAVAILABLE when oneDNN has none for these dtypes on this processor,
 * STATUS_MEMORY, STATUS_DEVICE with oneDNN's own word. */

/* c = alpha * a * b + beta * c. Rank 2: a[m,k] b[k,n] c[m,n]; rank 3: batches in front. */
int onednn_matmul(struct onednn **out, const struct onednn_tensor *a,
                  const struct onednn_tensor *b, const struct onednn_tensor *c, double alpha,
                  double beta, int threads, struct why *);
/* y = softmax of x along its last axis. */
int onednn_softmax(struct onednn **out, const struct onednn_tensor *x,
                   const struct onednn_tensor *y, int threads, struct why *);
/* y = (x - mean) / sqrt(variance + epsilon) * scale + shift along the last axis; scale and
 * shift are f32 vectors of that length (slots 1 and 2), y is slot 3. */
int onednn_layernorm(struct onednn **out, const struct onednn_tensor *x,
                     const struct onednn_tensor *y, double epsilon, int threads,
                     struct why *);
/* c = a op b, element by element; axes of length 1 in b are repeated. */
int onednn_binary(struct onednn **out, enum onednn_binary, const struct onednn_tensor *a,
                  const struct onednn_tensor *b, const struct onednn_tensor *c, int threads,
                  struct why *);
/* y = x * sigmoid(x). */
int onednn_swish(struct onednn **out, const struct onednn_tensor *x,
                 const struct onednn_tensor *y, int threads, struct why *);
/* y = reduction of x over every axis that has length 1 in y. */
int onednn_reduce(struct onednn **out, enum onednn_reduction, const struct onednn_tensor *x,
                  const struct onednn_tensor *y, int threads, struct why *);

/* Memory behind the slots, in their order; NULL: as it was. May be called again with another. */
int onednn_bind(struct onednn *, const void *const *data, struct why *);
/* Fill a packed slot with the matrix at `data`, whose layout is `plain`: allocates what the
 * library's layout needs and converts once. */
int onednn_pack(struct onednn *, int slot, const struct onednn_tensor *plain,
                const void *data, struct why *);
/* `next` runs after the primitive and is freed with it. */
void onednn_then(struct onednn *, struct onednn *next);
/* Run and wait; then what follows. */
int onednn_run(struct onednn *, int threads, struct why *);
void onednn_free(struct onednn *); /* NULL is fine */

/* run() and release() of a variant whose prepare() left a primitive in call->self. */
int onednn_call_run(struct call *, struct why *);
void onednn_call_release(struct call *);

#endif
