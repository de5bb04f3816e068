/* SPDX-License-Identifier: MIT */
/* Compiled code loaded into the context, and launched. A program is compiled and loaded once
 * for all its kernels; a kernel is looked up once and kept until close. */
#include "devices/cuda.h"

#ifdef HAVE_CUDA

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/text.h"
#include "devices/cuda_compiler.h"

/* The driver compiles PTX itself: what it has to say about it is worth more than its error
 * number. Options are worth nothing to a driver that does not know them. */
static CUresult load_once(const struct text *code, CUmodule *module, char *log, size_t size)
{
    CUjit_option option[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *value[] = {log, (void *)(uintptr_t)size};
    CUresult error;

    log[0] = '\0';
    if (!cu.cuModuleLoadDataEx)
        return cu.cuModuleLoadData(module, code->data);
    error = cu.cuModuleLoadDataEx(module, code->data, 2, option, value);
    log[size - 1] = '\0';
    return error == CUDA_ERROR_NOT_SUPPORTED || error == CUDA_ERROR_INVALID_VALUE
               ? cu.cuModuleLoadData(module, code->data)
               : error;
}

static CUresult load_code(struct text *code, CUmodule *module, char *log, size_t size)
{
    CUresult error = load_once(code, module, log, size);

    return error == CUDA_ERROR_UNSUPPORTED_PTX_VERSION && cuda_compiler_age(code)
               ? load_once(code, module, log, size)
               : error;
}

static int load_module(struct device *device, struct text *code, const char *name,
                       CUmodule *module, struct why *why)
{
    char log[4096], what[400];
    CUresult error = load_code(code, module, log, sizeof log);

    if (error == CUDA_SUCCESS)
        return 0;
    log[strcspn(log, "\n")] = '\0';
    snprintf(what, sizeof what, "cannot load kernel '%.60s'%s%.200s", name, *log ? ": " : "", log);
    return cuda_fail(device, error, what, why);
}

/* Shared with the processes that are forked from this one: each cell's is another. */
static atomic_bool *is_refusal_told;

__attribute__((constructor)) static void share_refusal(void)
{
    void *page = mmap(NULL, sizeof *is_refusal_told, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    is_refusal_told = page == MAP_FAILED ? NULL : page;
}

static void tell_refusal(const struct device *device, const char *target, const char *why)
{
    if (!is_refusal_told || !atomic_exchange(is_refusal_told, true))
        fprintf(stderr, "offload-bench: %s: no machine code, PTX for %s from now on: %s\n",
                device->row.id.text, target, why);
}

/* Machine code of `name` was refused: the driver takes none for its GPU, or PTX only. Where it
 * takes PTX of the same program, the device stays with it; else *why remains. */
static int load_ptx(struct device *device, const char *source, const char *name,
                    const char *options, CUmodule *module, struct why *why)
{
    struct cuda *self = device->self;
    struct text code = {0};
    struct name target;
    int status;

    snprintf(target.text, sizeof target.text, "compute_%.50s", self->target.text + strlen("sm_"));
    status = cuda_compile(source, name, target.text, options, &code, NULL);
    if (!status)
        status = load_module(device, &code, name, module, NULL);
    if (!status) {
        tell_refusal(device, target.text, why->text);
        self->target = target;
    }
    text_release(&code);
    return status;
}

static int load_program(struct device *device, const char *source, const char *name,
                        const char *options, CUmodule *module, struct why *why)
{
    const char *target = ((const struct cuda *)device->self)->target.text;
    struct text code = {0};
    struct why refused = {{0}};
    int status = cuda_compile(source, name, target, options, &code, why);

    if (!status) {
        status = load_module(device, &code, name, module, &refused);
        if (status == STATUS_DEVICE && strncmp(target, "sm_", 3) == 0)
            status = load_ptx(device, source, name, options, module, &refused);
        if (status)
            why_fail(why, (enum status)status, "%s", refused.text);
    }
    text_release(&code);
    return status;
}

static int module_new(struct device *device, const char *source, const char *name,
                      const char *key, struct module **module, struct why *why)
{
    struct cuda *self = device->self;
    struct module *m = calloc(1, sizeof *m);
    int status;

    if (m)
        m->key = strdup(key);
    if (!m || !m->key) {
        free(m);
        return why_fail(why, STATUS_MEMORY, "cannot build '%s': out of memory", name);
    }
    status = load_program(device, source, name, strchr(key, '\t') + 1, &m->module, why);
    if (status) {
        free(m->key);
        free(m);
        return status;
    }
    m->next = self->modules;
    self->modules = m;
    *module = m;
    return 0;
}

static struct module *module_find(const struct cuda *self, const char *key)
{
    struct module *m = self->modules;

    while (m && strcmp(m->key, key) != 0)
        m = m->next;
    return m;
}

static struct kernel *kernel_find(const struct cuda *self, const struct module *module,
                                  const char *name)
{
    struct kernel *k = self->kernels;

    while (k && (k->module != module || strcmp(k->name.text, name) != 0))
        k = k->next;
    return k;
}

static int kernel_new(struct device *device, const struct module *module, const char *name,
                      struct kernel **kernel, struct why *why)
{
    struct cuda *self = device->self;
    struct kernel k = {.next = self->kernels, .module = module,
                       .group_limit = (int)device->facts.group_limit};
    char what[120];
    int limit = 0;

    snprintf(what, sizeof what, "the device code has no kernel '%.60s'", name);
    CU_TRY(cu.cuModuleGetFunction(&k.function, module->module, name), what);
    if (cu.cuFuncGetAttribute &&
        cu.cuFuncGetAttribute(&limit, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, k.function) ==
            CUDA_SUCCESS && limit > 0)
        k.group_limit = limit; /* else the launch itself says when a group is too large */
    k.name = name_of(name);
    *kernel = malloc(sizeof k);
    if (!*kernel)
        return why_fail(why, STATUS_MEMORY, "cannot build '%s': out of memory", name);
    **kernel = k;
    self->kernels = *kernel;
    return 0;
}

int cuda_build(struct device *device, const char *source, const char *name,
               const char *defines, enum dtype dtype, struct kernel **kernel, struct why *why)
{
    static const char *const dtype_define[DTYPES] = {
        [DTYPE_F64] = "F64", [DTYPE_F16] = "F16", [DTYPE_BF16] = "BF16"};
    struct cuda *self = device->self;
    struct module *module;
    struct text key = {0};
    int status = cuda_enter(device, why);

    if (!status && !self->target.text[0])
        status = cuda_compiler_target(device->facts.capability, device->row.evidence,
                                      &self->target, why);
    if (status)
        return status;
    text_printf(&key, "%p\t-DDTYPE_%s %s", (const void *)source,
                dtype_define[dtype] ? dtype_define[dtype] : "F32", defines);
    if (key.failed)
        return why_fail(why, STATUS_MEMORY, "cannot build '%s': out of memory", name);
    module = module_find(self, key.data);
    if (!module)
        status = module_new(device, source, name, key.data, &module, why);
    text_release(&key);
    if (status)
        return status;
    *kernel = kernel_find(self, module, name);
    return *kernel ? 0 : kernel_new(device, module, name, kernel, why);
}

/* One argument as the kernel takes it. */
union value {
    CUdeviceptr address;
    int narrow;
    long long wide;
    float real;
};

static void fill(union value *v, const struct step_arg *a, const struct buffer *arg,
                 const struct buffer *scratch)
{
    switch (a->kind) {
    case STEP_BUFFER:
        v->address = (CUdeviceptr)arg[a->buffer].handle;
        break;
    case STEP_SCRATCH:
        v->address = (CUdeviceptr)scratch->handle;
        break;
    case STEP_INT:
        v->narrow = (int)a->i;
        break;
    case STEP_LONG:
        v->wide = a->i;
        break;
    case STEP_FLOAT:
        v->real = a->f;
        break;
    }
}

/* What CUDA allows; the second and third dimension of a grid are much shorter. */
static int check_size(const struct device *device, const struct kernel *kernel,
                      const struct step *step, struct why *why)
{
    static const int64_t most[3] = {INT32_MAX, 65535, 65535};
    int64_t group = step->group[0] * step->group[1] * step->group[2];

    if (group > kernel->group_limit)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "kernel '%s' wants work-groups of %" PRId64 ", %s allows it %d",
                        step->kernel, group, device->row.id.text, kernel->group_limit);
    for (int d = 0; d < 3; d++)
        if (step->groups[d] > most[d])
            return why_fail(why, STATUS_UNAVAILABLE,
                            "kernel '%s' wants %" PRId64 " work-groups in dimension %d, CUDA "
                            "allows %" PRId64, step->kernel, step->groups[d], d, most[d]);
    return 0;
}

int cuda_launch(struct device *device, struct kernel *kernel, const struct step *step,
                const struct buffer *arg, const struct buffer *scratch, struct why *why)
{
    struct cuda *self = device->self;
    union value value[STEP_ARGS];
    void *pointer[STEP_ARGS];
    int status = cuda_enter(device, why);

    if (!status)
        status = check_size(device, kernel, step, why);
    if (status || step->groups[0] == 0 || step->groups[1] == 0 || step->groups[2] == 0)
        return status;
    for (int i = 0; i < step->args; i++) {
        fill(&value[i], &step->arg[i], arg, scratch);
        pointer[i] = &value[i];
    }
    CU_TRY(cu.cuLaunchKernel(kernel->function, (unsigned)step->groups[0],
                             (unsigned)step->groups[1], (unsigned)step->groups[2],
                             (unsigned)step->group[0], (unsigned)step->group[1],
                             (unsigned)step->group[2], 0, self->stream, pointer, NULL),
           step->kernel);
    return 0;
}

void cuda_kernels_release(struct device *device)
{
    struct cuda *self = device->self;

    while (self->kernels) {
        struct kernel *next = self->kernels->next;

        free(self->kernels);
        self->kernels = next;
    }
    while (self->modules) {
        struct module *next = self->modules->next;

        cuda_note(device, cu.cuModuleUnload(self->modules->module), "unloading kernels");
        free(self->modules->key);
        free(self->modules);
        self->modules = next;
    }
}

#endif
