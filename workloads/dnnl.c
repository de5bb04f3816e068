/* SPDX-License-Identifier: MIT */
/* oneDNN 2: operation descriptor -> primitive descriptor -> primitive, over memory objects
 * whose layouts are asked back from the primitive descriptor (they differ from the request
 * where the library was left to choose). One engine and one stream serve the program; the
 * thread count is OpenMP's, read by oneDNN when a primitive is made and when it runs. */
#include "workloads/dnnl.h"

#include "workloads/workload.h"

#ifdef HAVE_DNNL
#include <dnnl.h>
#include <dnnl_debug.h>
#endif

#if !defined(HAVE_DNNL) || DNNL_VERSION_MAJOR != 2

#ifdef HAVE_DNNL
#define MISSING "oneDNN is not built in: version 2 is needed and another was found; hint: install libdnnl-dev 2.x and build again"
#else
#define MISSING "oneDNN is not built in; hint: install libdnnl-dev and build again"
#endif

int onednn_available(const struct variant *v, struct why *why)
{
    (void)v;
    return why_fail(why, STATUS_UNAVAILABLE, MISSING);
}

const char *onednn_version(void)
{
    return "";
}

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
ABSENT(onednn_unary, struct onednn **out, enum onednn_unary op, tensor x, tensor y,
       double alpha, double beta, int threads)
ABSENT(onednn_reduce, struct onednn **out, enum onednn_reduction op, tensor x, tensor y,
       int threads)
ABSENT(onednn_bind, struct onednn *p, int slot, const void *data)
ABSENT(onednn_pack, struct onednn *p, int slot, tensor plain, const void *data)
ABSENT(onednn_run, struct onednn *p, int threads)

size_t onednn_slot_bytes(const struct onednn *p, int slot)
{
    return 0;
}

void onednn_free(struct onednn *p)
{
}

#else

#include <dlfcn.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define DNNL_SYMBOLS(X)                                                                \
    X(dnnl_version) X(dnnl_get_effective_cpu_isa) X(dnnl_status2str)                   \
    X(dnnl_engine_create) X(dnnl_stream_create) X(dnnl_stream_wait)                    \
    X(dnnl_memory_desc_init_by_strides) X(dnnl_memory_desc_init_by_tag)                \
    X(dnnl_memory_desc_get_size) X(dnnl_memory_create) X(dnnl_memory_destroy)          \
    X(dnnl_memory_set_data_handle) X(dnnl_primitive_attr_create)                       \
    X(dnnl_primitive_attr_destroy) X(dnnl_primitive_attr_set_post_ops)                 \
    X(dnnl_post_ops_create) X(dnnl_post_ops_destroy) X(dnnl_post_ops_append_sum)       \
    X(dnnl_post_ops_append_eltwise) X(dnnl_primitive_desc_create)                      \
    X(dnnl_primitive_desc_destroy) X(dnnl_primitive_desc_query_md)                     \
    X(dnnl_primitive_create) X(dnnl_primitive_destroy) X(dnnl_primitive_execute)       \
    X(dnnl_matmul_desc_init) X(dnnl_softmax_forward_desc_init)                         \
    X(dnnl_layer_normalization_forward_desc_init) X(dnnl_binary_desc_init)             \
    X(dnnl_eltwise_forward_desc_init) X(dnnl_reduction_desc_init)                      \
    X(dnnl_reorder_primitive_desc_create)

static struct {
#define X(name) __typeof__(&name) name;
    DNNL_SYMBOLS(X)
#undef X
} dnnl;

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static char version_text[120];

enum { SLOTS = 4, HUGE_BYTES = 2 << 20, PAGE_BYTES = 4096 };

struct onednn {
    dnnl_primitive_t primitive;
    int slots;
    dnnl_memory_desc_t layout[SLOTS];
    dnnl_exec_arg_t arg[SLOTS];
    void *packed[SLOTS];
    int bound; /* bit set of slots that have memory */
};

static int dnnl_fail(struct why *why, dnnl_status_t status, const char *what)
{
    if (status == dnnl_unimplemented)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "oneDNN has no %s for this dtype and layout on this processor", what);
    return why_fail(why, status == dnnl_out_of_memory ? STATUS_MEMORY : STATUS_DEVICE,
                    "oneDNN %s: %s", what, dnnl.dnnl_status2str(status));
}

/* For functions with `why`: hand a failure of oneDNN back as a sentence. */
#define DNNL_TRY(call, what)                                                           \
    do {                                                                               \
        dnnl_status_t status_ = (call);                                                \
        if (status_ != dnnl_success)                                                   \
            return dnnl_fail(why, status_, what);                                      \
    } while (0)

static int load_symbols(struct why *why)
{
    static void *library;
    char soname[40];

    if (library)
        return 0;
    /* the types above are those of this major version: no other will do */
    snprintf(soname, sizeof soname, "libdnnl.so.%d", DNNL_VERSION_MAJOR);
    library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return why_fail(why, STATUS_UNAVAILABLE, "oneDNN (%s) is not installed; hint: install "
                        "libdnnl%d", soname, DNNL_VERSION_MAJOR);
#define X(name)                                                                        \
    *(void **)&dnnl.name = dlsym(library, #name);                                      \
    if (!dnnl.name) {                                                                  \
        dlclose(library);                                                              \
        library = NULL;                                                                \
        return why_fail(why, STATUS_UNAVAILABLE, "oneDNN cannot be used: %s lacks %s", \
                        soname, #name);                                                \
    }
    DNNL_SYMBOLS(X)
#undef X
    return 0;
}

static const char *isa_text(void)
{
    switch (dnnl.dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: return "SSE4.1";
    case dnnl_cpu_isa_avx: return "AVX";
    case dnnl_cpu_isa_avx2: return "AVX2";
    case dnnl_cpu_isa_avx512_core: return "AVX-512";
    case dnnl_cpu_isa_avx512_core_vnni: return "AVX-512 VNNI";
    case dnnl_cpu_isa_avx512_core_bf16: return "AVX-512 BF16";
    default: return "other";
    }
}

int onednn_available(const struct variant *v, struct why *why)
{
    const dnnl_version_t *version;
    int status;

    (void)v;
    if (stream)
        return 0;
    if ((status = load_symbols(why)))
        return status;
    if (!engine)
        DNNL_TRY(dnnl.dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
    DNNL_TRY(dnnl.dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "stream");
    version = dnnl.dnnl_version();
    snprintf(version_text, sizeof version_text, "oneDNN %d.%d.%d ISA %s", version->major,
             version->minor, version->patch, isa_text());
    return 0;
}

const char *onednn_version(void)
{
    return version_text;
}

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
        DNNL_TRY(dnnl.dnnl_memory_desc_init_by_tag(layout, t->rank, n, type,
                                                   dnnl_format_tag_any), "layout");
    else
        DNNL_TRY(dnnl.dnnl_memory_desc_init_by_strides(layout, t->rank, n, type, stride),
                 "layout");
    return 0;
}

/* Which execution argument, and which answer to the query for its layout, a slot is. */
struct slot {
    int arg;
    dnnl_query_t query;
    int index;
    const struct onednn_tensor *tensor;
};

/* Primitive and memory objects from a primitive descriptor. */
static int assemble(struct onednn *p, const_dnnl_primitive_desc_t descriptor,
                    const struct slot *slot, struct why *why)
{
    for (; slot->arg; slot++) {
        int i = p->slots++;
        const dnnl_memory_desc_t *layout =
            dnnl.dnnl_primitive_desc_query_md(descriptor, slot->query, slot->index);
        int status = layout ? 0 : layout_of(&p->layout[i], slot->tensor, why);

        if (status)
            return status;
        if (layout)
            p->layout[i] = *layout;
        p->arg[i].arg = slot->arg;
        DNNL_TRY(dnnl.dnnl_memory_create(&p->arg[i].memory, &p->layout[i], engine,
                                         DNNL_MEMORY_NONE), "memory");
    }
    DNNL_TRY(dnnl.dnnl_primitive_create(&p->primitive, descriptor), "primitive");
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
    made = dnnl.dnnl_primitive_desc_create(&descriptor, operation, attributes, engine, NULL);
    if (made != dnnl_success)
        return dnnl_fail(why, made, what);
    *out = calloc(1, sizeof **out);
    status = *out ? assemble(*out, descriptor, slot, why)
                  : why_fail(why, STATUS_MEMORY, "oneDNN %s: out of memory", what);
    dnnl.dnnl_primitive_desc_destroy(descriptor);
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
    status = dnnl.dnnl_post_ops_create(&after);
    if (status == dnnl_success && alpha != 1)
        status = dnnl.dnnl_post_ops_append_eltwise(after, 1, dnnl_eltwise_linear,
                                                   (float)alpha, 0);
    if (status == dnnl_success && beta != 0)
        status = dnnl.dnnl_post_ops_append_sum(after, (float)beta);
    if (status == dnnl_success)
        status = dnnl.dnnl_primitive_attr_create(attributes);
    if (status == dnnl_success)
        status = dnnl.dnnl_primitive_attr_set_post_ops(*attributes, after);
    if (after)
        dnnl.dnnl_post_ops_destroy(after);
    return status == dnnl_success ? 0 : dnnl_fail(why, status, "scaling");
}

int onednn_matmul(struct onednn **out, const struct onednn_tensor *a,
                  const struct onednn_tensor *b, const struct onednn_tensor *c, double alpha,
                  double beta, int threads, struct why *why)
{
    const struct slot slot[] = {{DNNL_ARG_SRC, dnnl_query_src_md, 0, a},
                                {DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0, b},
                                {DNNL_ARG_DST, dnnl_query_dst_md, 0, c},
                                {0}};
    dnnl_memory_desc_t la, lb, lc;
    dnnl_matmul_desc_t operation;
    dnnl_primitive_attr_t attributes;
    int status;

    *out = NULL;
    if ((status = layout_of(&la, a, why)) || (status = layout_of(&lb, b, why)) ||
        (status = layout_of(&lc, c, why)))
        return status;
    DNNL_TRY(dnnl.dnnl_matmul_desc_init(&operation, &la, &lb, NULL, &lc), "matmul");
    status = scaled(&attributes, alpha, beta, why);
    if (!status)
        status = make(out, &operation, attributes, slot, threads, "matmul", why);
    if (attributes)
        dnnl.dnnl_primitive_attr_destroy(attributes);
    return status;
}

int onednn_softmax(struct onednn **out, const struct onednn_tensor *x,
                   const struct onednn_tensor *y, int threads, struct why *why)
{
    const struct slot slot[] = {{DNNL_ARG_SRC, dnnl_query_src_md, 0, x},
                                {DNNL_ARG_DST, dnnl_query_dst_md, 0, y},
                                {0}};
    dnnl_memory_desc_t layout;
    dnnl_softmax_desc_t operation;
    int status;

    *out = NULL;
    if ((status = layout_of(&layout, x, why)))
        return status;
    DNNL_TRY(dnnl.dnnl_softmax_forward_desc_init(&operation, dnnl_forward_inference, &layout,
                                                 x->rank - 1), "softmax");
    return make(out, &operation, NULL, slot, threads, "softmax", why);
}

int onednn_layernorm(struct onednn **out, const struct onednn_tensor *x,
                     const struct onednn_tensor *y, double epsilon, int threads,
                     struct why *why)
{
    const struct onednn_tensor vector = {DTYPE_F32, 1, {x->n[x->rank - 1]}, {0}, false};
    const struct slot slot[] = {{DNNL_ARG_SRC, dnnl_query_src_md, 0, x},
                                {DNNL_ARG_SCALE, dnnl_query_undef, 0, &vector},
                                {DNNL_ARG_SHIFT, dnnl_query_undef, 0, &vector},
                                {DNNL_ARG_DST, dnnl_query_dst_md, 0, y},
                                {0}};
    dnnl_memory_desc_t layout;
    dnnl_layer_normalization_desc_t operation;
    int status;

    *out = NULL;
    if ((status = layout_of(&layout, x, why)))
        return status;
    DNNL_TRY(dnnl.dnnl_layer_normalization_forward_desc_init(
                 &operation, dnnl_forward_inference, &layout, NULL, (float)epsilon,
                 dnnl_use_scale | dnnl_use_shift), "layernorm");
    return make(out, &operation, NULL, slot, threads, "layernorm", why);
}

int onednn_binary(struct onednn **out, enum onednn_binary op, const struct onednn_tensor *a,
                  const struct onednn_tensor *b, const struct onednn_tensor *c, int threads,
                  struct why *why)
{
    static const dnnl_alg_kind_t kind[] = {[ONEDNN_ADD] = dnnl_binary_add,
                                           [ONEDNN_MUL] = dnnl_binary_mul,
                                           [ONEDNN_MAX] = dnnl_binary_max,
                                           [ONEDNN_MIN] = dnnl_binary_min};
    const struct slot slot[] = {{DNNL_ARG_SRC_0, dnnl_query_src_md, 0, a},
                                {DNNL_ARG_SRC_1, dnnl_query_src_md, 1, b},
                                {DNNL_ARG_DST, dnnl_query_dst_md, 0, c},
                                {0}};
    dnnl_memory_desc_t la, lb, lc;
    dnnl_binary_desc_t operation;
    int status;

    *out = NULL;
    if ((status = layout_of(&la, a, why)) || (status = layout_of(&lb, b, why)) ||
        (status = layout_of(&lc, c, why)))
        return status;
    DNNL_TRY(dnnl.dnnl_binary_desc_init(&operation, kind[op], &la, &lb, &lc), "binary");
    return make(out, &operation, NULL, slot, threads, "binary operation", why);
}

int onednn_unary(struct onednn **out, enum onednn_unary op, const struct onednn_tensor *x,
                 const struct onednn_tensor *y, double alpha, double beta, int threads,
                 struct why *why)
{
    static const dnnl_alg_kind_t kind[] = {[ONEDNN_SWISH] = dnnl_eltwise_swish,
                                           [ONEDNN_LINEAR] = dnnl_eltwise_linear,
                                           [ONEDNN_EXP] = dnnl_eltwise_exp,
                                           [ONEDNN_ABS] = dnnl_eltwise_abs,
                                           [ONEDNN_SQUARE] = dnnl_eltwise_square};
    const struct slot slot[] = {{DNNL_ARG_SRC, dnnl_query_src_md, 0, x},
                                {DNNL_ARG_DST, dnnl_query_dst_md, 0, y},
                                {0}};
    dnnl_memory_desc_t layout;
    dnnl_eltwise_desc_t operation;
    int status;

    *out = NULL;
    if ((status = layout_of(&layout, x, why)))
        return status;
    DNNL_TRY(dnnl.dnnl_eltwise_forward_desc_init(&operation, dnnl_forward_inference, kind[op],
                                                 &layout, (float)alpha, (float)beta),
             "eltwise");
    return make(out, &operation, NULL, slot, threads, "elementwise operation", why);
}

int onednn_reduce(struct onednn **out, enum onednn_reduction op, const struct onednn_tensor *x,
                  const struct onednn_tensor *y, int threads, struct why *why)
{
    static const dnnl_alg_kind_t kind[] = {[ONEDNN_SUM] = dnnl_reduction_sum,
                                           [ONEDNN_REDUCE_MAX] = dnnl_reduction_max,
                                           [ONEDNN_MEAN] = dnnl_reduction_mean,
                                           [ONEDNN_NORM2] = dnnl_reduction_norm_lp_sum};
    const struct slot slot[] = {{DNNL_ARG_SRC, dnnl_query_src_md, 0, x},
                                {DNNL_ARG_DST, dnnl_query_dst_md, 0, y},
                                {0}};
    dnnl_memory_desc_t lx, ly;
    dnnl_reduction_desc_t operation;
    int status;

    *out = NULL;
    if ((status = layout_of(&lx, x, why)) || (status = layout_of(&ly, y, why)))
        return status;
    DNNL_TRY(dnnl.dnnl_reduction_desc_init(&operation, kind[op], &lx, &ly,
                                           op == ONEDNN_NORM2 ? 2 : 0, 0), "reduction");
    return make(out, &operation, NULL, slot, threads, "reduction", why);
}

int onednn_bind(struct onednn *p, int slot, const void *data, struct why *why)
{
    DNNL_TRY(dnnl.dnnl_memory_set_data_handle(p->arg[slot].memory, (void *)data),
             "memory binding");
    p->bound |= 1 << slot;
    return 0;
}

size_t onednn_slot_bytes(const struct onednn *p, int slot)
{
    return dnnl.dnnl_memory_desc_get_size(&p->layout[slot]);
}

/* Run a reorder from `plain` to the slot's layout. */
static int reorder(struct onednn *p, int slot, const dnnl_memory_desc_t *plain,
                   const void *data, struct why *why)
{
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_exec_arg_t arg[2] = {{DNNL_ARG_FROM, NULL}, {DNNL_ARG_TO, p->arg[slot].memory}};
    dnnl_primitive_t primitive = NULL;
    dnnl_status_t status = dnnl.dnnl_reorder_primitive_desc_create(
        &descriptor, plain, engine, &p->layout[slot], engine, NULL);

    if (status == dnnl_success)
        status = dnnl.dnnl_primitive_create(&primitive, descriptor);
    if (status == dnnl_success)
        status = dnnl.dnnl_memory_create(&arg[0].memory, plain, engine, (void *)data);
    if (status == dnnl_success)
        status = dnnl.dnnl_primitive_execute(primitive, stream, 2, arg);
    if (status == dnnl_success)
        status = dnnl.dnnl_stream_wait(stream);
    if (arg[0].memory)
        dnnl.dnnl_memory_destroy(arg[0].memory);
    if (primitive)
        dnnl.dnnl_primitive_destroy(primitive);
    if (descriptor)
        dnnl.dnnl_primitive_desc_destroy(descriptor);
    return status == dnnl_success ? 0 : dnnl_fail(why, status, "reorder");
}

int onednn_pack(struct onednn *p, int slot, const struct onednn_tensor *plain,
                const void *data, struct why *why)
{
    size_t bytes = onednn_slot_bytes(p, slot);
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
    status = onednn_bind(p, slot, p->packed[slot], why);
    return status ? status : reorder(p, slot, &layout, data, why);
}

int onednn_run(struct onednn *p, int threads, struct why *why)
{
    if (p->bound != (1 << p->slots) - 1)
        return why_fail(why, STATUS_INVALID, "a oneDNN primitive runs without its memory");
    omp_set_num_threads(threads);
    DNNL_TRY(dnnl.dnnl_primitive_execute(p->primitive, stream, p->slots, p->arg), "execution");
    DNNL_TRY(dnnl.dnnl_stream_wait(stream), "execution");
    return 0;
}

void onednn_free(struct onednn *p)
{
    if (!p)
        return;
    if (p->primitive)
        dnnl.dnnl_primitive_destroy(p->primitive);
    for (int i = 0; i < p->slots; i++) {
        if (p->arg[i].memory)
            dnnl.dnnl_memory_destroy(p->arg[i].memory);
        free(p->packed[i]);
    }
    free(p);
}

#endif
