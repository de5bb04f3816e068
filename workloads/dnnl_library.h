/* SPDX-License-Identifier: MIT */
/* oneDNN's library, opened at run time: its functions, its one engine and stream. Only for the
 * rooms that speak oneDNN's own types; the others include workloads/dnnl.h. */
#ifndef OFFLOAD_BENCH_DNNL_LIBRARY_H
#define OFFLOAD_BENCH_DNNL_LIBRARY_H

#include "workloads/dnnl.h"

#ifdef HAVE_DNNL
#include <dnnl.h>
#include <dnnl_debug.h>
#endif

/* The types of version 2 are built in. */
#if defined(HAVE_DNNL) && DNNL_VERSION_MAJOR == 2
#define DNNL_IS_BUILT_IN

#define DNNL_SYMBOLS(X)                                                                \
    X(version) X(get_effective_cpu_isa) X(status2str) X(engine_create)                 \
    X(stream_create) X(stream_wait) X(memory_desc_init_by_strides)                     \
    X(memory_desc_init_by_tag) X(memory_desc_get_size) X(memory_create)                \
    X(memory_destroy) X(memory_set_data_handle) X(primitive_attr_create)               \
    X(primitive_attr_destroy) X(primitive_attr_set_post_ops) X(post_ops_create)        \
    X(post_ops_destroy) X(post_ops_append_sum) X(post_ops_append_eltwise)              \
    X(primitive_desc_create) X(primitive_desc_destroy) X(primitive_desc_query_md)      \
    X(primitive_create) X(primitive_destroy) X(primitive_execute)                      \
    X(matmul_desc_init) X(softmax_forward_desc_init)                                   \
    X(layer_normalization_forward_desc_init) X(binary_desc_init)                       \
    X(eltwise_forward_desc_init) X(reduction_desc_init)                                \
    X(reorder_primitive_desc_create)

/* Filled once onednn_available succeeded. */
struct dnnl {
#define X(name) __typeof__(&dnnl_##name) name;
    DNNL_SYMBOLS(X)
#undef X
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};
extern const struct dnnl *const dnnl;

/* A refusal of oneDNN as a sentence; `what` was asked of it. Returns STATUS_UNAVAILABLE for what
 * it does not implement, STATUS_MEMORY or STATUS_DEVICE. */
int dnnl_fail(struct why *, dnnl_status_t, const char *what);

/* For functions with `why`: hand a failure of oneDNN back. */
#define DNNL_TRY(call, what)                                                           \
    do {                                                                               \
        dnnl_status_t status_ = (call);                                                \
        if (status_ != dnnl_success)                                                   \
            return dnnl_fail(why, status_, what);                                      \
    } while (0)

#endif
#endif
