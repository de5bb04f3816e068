/* SPDX-License-Identifier: MIT */
/* oneDNN 2: operation descriptor -> primitive descriptor -> primitive, over memory objects
 * whose layouts are asked back from the primitive descriptor (they differ from the request
 * where the library was left to choose). The thread count is OpenMP's, read by oneDNN when a
 * primitive is made and when it runs. */
#include "workloads/dnnl_library.h"
#include "workloads/workload.h"

#ifdef DNNL_IS_BUILT_IN

#include <omp.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { SLOTS = 4, HUGE_BYTES = 2 << 20, PAGE_BYTES = 4096 };

struct onednn {
    dnnl_primitive_t primitive;
    int slots;
    dnnl_memory_desc_t layout[SLOTS];
    dnnl_exec_arg_t arg[SLOTS];
    void *packed[SLOTS];
    int bound; /* bit set of slots that have memory */
    struct onednn *next;
};

static int layout_of(dnnl_memory_desc_t *layout, const struct onednn_tensor *t, struct why *why)
{
    dnnl_data_type_t type = t->dtype == DTYPE_F32    ? dnnl_f32
                            : t->dtype == DTYPE_BF16 ? dnnl_bf16
                            : t->dtype == DTYPE_F16  ? dnnl_f16
                            : t->dtype == DTYPE_I8   ? dnnl_s8
                            : t->dtype == DTYPE_I32  ? dnnl_s32
                                                     : dnnl_data_type_undef;
    dnnl_dims_t n = {0}, stride = {0};
    bool is_dense = true;
    int64_t dense = 1;

    if (type == dnnl_data_type_undef)
        return why_fail(why, STATUS_UNAVAILABLE, "oneDNN does not compute in %s",
                        dtype_name(t->dtype));
    for (int i = t->rank - 1; i >= 0; i--) {
        n[i] = t->n[i];
        stride[i] = dense;
        dense *= t->n[i];
        is_dense = is_dense && t->stride[i] == 0;
    }
    for (int i = 0; !is_dense && i < t->rank; i++)
        stride[i] = t->stride[i];
    if (t->packed)
        DNNL_TRY(dnnl->memory_desc_init_by_tag(layout, t->rank, n, type, dnnl_format_tag_any),
                 "layout");
    else
        DNNL_TRY(dnnl->memory_desc_init_by_strides(layout, t->rank, n, type, stride), "layout");
    return 0;
}

/* Which execution argument, and which answer to the query for its layout, a slot is. */
struct slot {
    int arg;
    dnnl_query_t query;
    int index;
    const struct onednn_tensor *tensor;
};

/* What nearly every operation has. */
#define SOURCE(tensor) {DNNL_ARG_SRC, dnnl_query_src_md, 0, tensor}
#define RESULT(tensor) {DNNL_ARG_DST, dnnl_query_dst_md, 0, tensor}

/* Layouts of the slots, which end with {0}, as they are asked for. */
static int lay_out(dnnl_memory_desc_t *layout, const struct slot *slot, struct why *why)
{
    int status = 0;

    for (; slot->arg && !status; slot++)
        status = layout_of(layout++, slot->tensor, why);
    return status;
}

/* Primitive and memory objects from a primitive descriptor. */
static int assemble(struct onednn *p, const_dnnl_primitive_desc_t descriptor,
                    const struct slot *slot, struct why *why)
{
    int status = lay_out(p->layout, slot, why);

    if (status)
        return status;
    for (; slot->arg; slot++) {
        int i = p->slots++;
        const dnnl_memory_desc_t *layout =
            dnnl->primitive_desc_query_md(descriptor, slot->query, slot->index);

        if (layout)
            p->layout[i] = *layout;
        p->arg[i].arg = slot->arg;
        DNNL_TRY(dnnl->memory_create(&p->arg[i].memory, &p->layout[i], dnnl->engine,
                                     DNNL_MEMORY_NONE), "memory");
    }
    DNNL_TRY(dnnl->primitive_create(&p->primitive, descriptor), "primitive");
    return 0;
}

/* From an operation descriptor; `what` names it in a refusal. */
static int make(struct onednn **out, const_dnnl_op_desc_t operation,
                const_dnnl_primitive_attr_t attributes, const struct slot *slot, int threads,
                const char *what, struct why *why)
{
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_status_t made;
    int status;

    omp_set_num_threads(threads);
    made = dnnl->primitive_desc_create(&descriptor, operation, attributes, dnnl->engine, NULL);
    if (made != dnnl_success)
        return dnnl_fail(why, made, what);
    *out = calloc(1, sizeof **out);
    status = *out ? assemble(*out, descriptor, slot, why)
                  : why_fail(why, STATUS_MEMORY, "oneDNN %s: out of memory", what);
    dnnl->primitive_desc_destroy(descriptor);
    if (status) {
        onednn_free(*out);
        *out = NULL;
    }
    return status;
}

/* alpha * result + beta * c, as operations after the product. NULL when there is none. */
static int scaled(dnnl_primitive_attr_t *attributes, double alpha, double beta,
                  struct why *why)
{
    dnnl_post_ops_t after = NULL;
    dnnl_status_t status = dnnl_success;

    *attributes = NULL;
    if (alpha == 1 && beta == 0)
        return 0;
    status = dnnl->post_ops_create(&after);
    if (status == dnnl_success && alpha != 1)
        status = dnnl->post_ops_append_eltwise(after, 1, dnnl_eltwise_linear,
                                                   (float)alpha, 0);
    if (status == dnnl_success && beta != 0)
        status = dnnl->post_ops_append_sum(after, (float)beta);
    if (status == dnnl_success)
        status = dnnl->primitive_attr_create(attributes);
    if (status == dnnl_success)
        status = dnnl->primitive_attr_set_post_ops(*attributes, after);
    if (after)
        dnnl->post_ops_destroy(after);
    return status == dnnl_success ? 0 : dnnl_fail(why, status, "scaling");
}

int onednn_matmul(struct onednn **out, const struct onednn_tensor *a,
                  const struct onednn_tensor *b, const struct onednn_tensor *c, double alpha,
                  double beta, int threads, struct why *why)
{
    const struct slot slot[] = {SOURCE(a), {DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0, b},
                                RESULT(c), {0}};
    dnnl_memory_desc_t layout[SLOTS];
    dnnl_matmul_desc_t operation;
    dnnl_primitive_attr_t attributes;
    int status = lay_out(layout, slot, why);

    *out = NULL;
    if (status)
        return status;
    DNNL_TRY(dnnl->matmul_desc_init(&operation, &layout[0], &layout[1], NULL, &layout[2]),
             "matmul");
    status = scaled(&attributes, alpha, beta, why);
    if (!status)
        status = make(out, &operation, attributes, slot, threads, "matmul", why);
    if (attributes)
        dnnl->primitive_attr_destroy(attributes);
    return status;
}

int onednn_softmax(struct onednn **out, const struct onednn_tensor *x,
                   const struct onednn_tensor *y, int threads, struct why *why)
{
    const struct slot slot[] = {SOURCE(x), RESULT(y), {0}};
    dnnl_memory_desc_t layout[SLOTS];
    dnnl_softmax_desc_t operation;
    int status = lay_out(layout, slot, why);

    *out = NULL;
    if (status)
        return status;
    DNNL_TRY(dnnl->softmax_forward_desc_init(&operation, dnnl_forward_inference, layout,
                                             x->rank - 1), "softmax");
    return make(out, &operation, NULL, slot, threads, "softmax", why);
}

int onednn_layernorm(struct onednn **out, const struct onednn_tensor *x,
                     const struct onednn_tensor *y, double epsilon, int threads,
                     struct why *why)
{
    const struct onednn_tensor vector = {DTYPE_F32, 1, {x->n[x->rank - 1]}, {0}, false};
    const struct slot slot[] = {SOURCE(x), {DNNL_ARG_SCALE, dnnl_query_undef, 0, &vector},
                                {DNNL_ARG_SHIFT, dnnl_query_undef, 0, &vector}, RESULT(y), {0}};
    dnnl_memory_desc_t layout[SLOTS];
    dnnl_layer_normalization_desc_t operation;
    int status = lay_out(layout, slot, why);

    *out = NULL;
    if (status)
        return status;
    DNNL_TRY(dnnl->layer_normalization_forward_desc_init(
                 &operation, dnnl_forward_inference, layout, NULL, (float)epsilon,
                 dnnl_use_scale | dnnl_use_shift), "layernorm");
    return make(out, &operation, NULL, slot, threads, "layernorm", why);
}

int onednn_binary(struct onednn **out, enum onednn_binary op, const struct onednn_tensor *a,
                  const struct onednn_tensor *b, const struct onednn_tensor *c, int threads,
                  struct why *why)
{
    static const dnnl_alg_kind_t kind[] = {[ONEDNN_ADD] = dnnl_binary_add,
                                           [ONEDNN_MUL] = dnnl_binary_mul};
    const struct slot slot[] = {SOURCE(a), {DNNL_ARG_SRC_1, dnnl_query_src_md, 1, b},
                                RESULT(c), {0}};
    dnnl_memory_desc_t layout[SLOTS];
    dnnl_binary_desc_t operation;
    int status = lay_out(layout, slot, why);

    *out = NULL;
    if (status)
        return status;
    DNNL_TRY(dnnl->binary_desc_init(&operation, kind[op], &layout[0], &layout[1], &layout[2]),
             "binary");
    return make(out, &operation, NULL, slot, threads, "binary operation", why);
}

int onednn_swish(struct onednn **out, const struct onednn_tensor *x,
                 const struct onednn_tensor *y, int threads, struct why *why)
{
    const struct slot slot[] = {SOURCE(x), RESULT(y), {0}};
    dnnl_memory_desc_t layout[SLOTS];
    dnnl_eltwise_desc_t operation;
    int status = lay_out(layout, slot, why);

    *out = NULL;
    if (status)
        return status;
    DNNL_TRY(dnnl->eltwise_forward_desc_init(&operation, dnnl_forward_inference,
                                             dnnl_eltwise_swish, layout, 1, 0), "swish");
    return make(out, &operation, NULL, slot, threads, "elementwise operation", why);
}

int onednn_reduce(struct onednn **out, enum onednn_reduction op, const struct onednn_tensor *x,
                  const struct onednn_tensor *y, int threads, struct why *why)
{
    static const dnnl_alg_kind_t kind[] = {[ONEDNN_SUM] = dnnl_reduction_sum,
                                           [ONEDNN_MAX] = dnnl_reduction_max};
    const struct slot slot[] = {SOURCE(x), RESULT(y), {0}};
    dnnl_memory_desc_t layout[SLOTS];
    dnnl_reduction_desc_t operation;
    int status = lay_out(layout, slot, why);

    *out = NULL;
    if (status)
        return status;
    DNNL_TRY(dnnl->reduction_desc_init(&operation, kind[op], &layout[0], &layout[1], 0, 0),
             "reduction");
    return make(out, &operation, NULL, slot, threads, "reduction", why);
}

static int bind(struct onednn *p, int slot, const void *data, struct why *why)
{
    DNNL_TRY(dnnl->memory_set_data_handle(p->arg[slot].memory, (void *)data), "memory binding");
    p->bound |= 1 << slot;
    return 0;
}

int onednn_bind(struct onednn *p, const void *const *data, struct why *why)
{
    int status = 0;

    for (int i = 0; i < p->slots && !status; i++)
        if (data[i])
            status = bind(p, i, data[i], why);
    return status;
}

/* Run a reorder from `plain` to the slot's layout. */
static int reorder(struct onednn *p, int slot, const dnnl_memory_desc_t *plain,
                   const void *data, struct why *why)
{
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_exec_arg_t arg[2] = {{DNNL_ARG_FROM, NULL}, {DNNL_ARG_TO, p->arg[slot].memory}};
    dnnl_primitive_t primitive = NULL;
    dnnl_status_t status = dnnl->reorder_primitive_desc_create(
        &descriptor, plain, dnnl->engine, &p->layout[slot], dnnl->engine, NULL);

    if (status == dnnl_success)
        status = dnnl->primitive_create(&primitive, descriptor);
    if (status == dnnl_success)
        status = dnnl->memory_create(&arg[0].memory, plain, dnnl->engine, (void *)data);
    if (status == dnnl_success)
        status = dnnl->primitive_execute(primitive, dnnl->stream, 2, arg);
    if (status == dnnl_success)
        status = dnnl->stream_wait(dnnl->stream);
    if (arg[0].memory)
        dnnl->memory_destroy(arg[0].memory);
    if (primitive)
        dnnl->primitive_destroy(primitive);
    if (descriptor)
        dnnl->primitive_desc_destroy(descriptor);
    return status == dnnl_success ? 0 : dnnl_fail(why, status, "reorder");
}

int onednn_pack(struct onednn *p, int slot, const struct onednn_tensor *plain,
                const void *data, struct why *why)
{
    size_t bytes = dnnl->memory_desc_get_size(&p->layout[slot]);
    size_t align = bytes >= HUGE_BYTES ? HUGE_BYTES : PAGE_BYTES;
    dnnl_memory_desc_t layout;
    int status = layout_of(&layout, plain, why);

    if (status)
        return status;
    free(p->packed[slot]);
    bytes = (bytes + align - 1) / align * align;
    p->packed[slot] = aligned_alloc(align, bytes);
    if (!p->packed[slot])
        return why_fail(why, STATUS_MEMORY, "cannot pack a matrix of %.1f MiB: out of memory",
                        (double)bytes / 0x1p20);
#ifdef MADV_HUGEPAGE
    if (align == HUGE_BYTES) /* as the plain matrix has them */
        madvise(p->packed[slot], bytes, MADV_HUGEPAGE);
#endif
    status = bind(p, slot, p->packed[slot], why);
    return status ? status : reorder(p, slot, &layout, data, why);
}

void onednn_then(struct onednn *p, struct onednn *next)
{
    p->next = next;
}

int onednn_run(struct onednn *p, int threads, struct why *why)
{
    omp_set_num_threads(threads);
    for (; p; p = p->next) {
        if (p->bound != (1 << p->slots) - 1)
            return why_fail(why, STATUS_INVALID, "a oneDNN primitive runs without its memory");
        DNNL_TRY(dnnl->primitive_execute(p->primitive, dnnl->stream, p->slots, p->arg),
                 "execution");
        DNNL_TRY(dnnl->stream_wait(dnnl->stream), "execution");
    }
    return 0;
}

void onednn_free(struct onednn *p)
{
    if (!p)
        return;
    onednn_free(p->next);
    if (p->primitive)
        dnnl->primitive_destroy(p->primitive);
    for (int i = 0; i < p->slots; i++) {
        if (p->arg[i].memory)
            dnnl->memory_destroy(p->arg[i].memory);
        free(p->packed[i]);
    }
    free(p);
}

#else

/* Behind onednn_available none of these is reached; they answer the same all the same. */
#define ABSENT(name, ...)                                                              \
    int name(__VA_ARGS__, struct why *why)                                             \
    {                                                                                  \
        return onednn_available(NULL, why);                                            \
    }
#pragma GCC diagnostic ignored "-Wunused-parameter"
typedef const struct onednn_tensor *tensor;
ABSENT(onednn_matmul, struct onednn **out, tensor a, tensor b, tensor c, double alpha,
       double beta, int threads)
ABSENT(onednn_softmax, struct onednn **out, tensor x, tensor y, int threads)
ABSENT(onednn_layernorm, struct onednn **out, tensor x, tensor y, double epsilon, int threads)
ABSENT(onednn_binary, struct onednn **out, enum onednn_binary op, tensor a, tensor b, tensor c,
       int threads)
ABSENT(onednn_swish, struct onednn **out, tensor x, tensor y, int threads)
ABSENT(onednn_reduce, struct onednn **out, enum onednn_reduction op, tensor x, tensor y,
       int threads)
ABSENT(onednn_bind, struct onednn *p, const void *const *data)
ABSENT(onednn_pack, struct onednn *p, int slot, tensor plain, const void *data)
ABSENT(onednn_run, struct onednn *p, int threads)

void onednn_then(struct onednn *p, struct onednn *next)
{
}

void onednn_free(struct onednn *p)
{
}

#endif

int onednn_call_run(struct call *call, struct why *why)
{
    return onednn_run(call->self, call->threads, why);
}

void onednn_call_release(struct call *call)
{
    onednn_free(call->self);
    call->self = NULL;
}
