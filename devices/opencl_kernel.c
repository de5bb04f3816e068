/* SPDX-License-Identifier: MIT */
/* Device code compiled for an OpenCL device, or taken from the disk cache, and launched. A
 * program is compiled once for all its kernels; a kernel is made once and kept until close. */
#include "devices/opencl.h"

#ifdef HAVE_OPENCL

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"
#include "base/text.h"
#include "devices/cache.h"

/* First line of the compiler's log that names an error, else its first line. */
static void build_failed(struct opencl *self, cl_program program, const char *name,
                        struct why *why)
{
    struct text log = {0};
    size_t n = 0;
    const char *line;

    cl.clGetProgramBuildInfo(program, self->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &n);
    for (size_t i = 0; i < n; i++)
        text_add_bytes(&log, " ", 1);
    if (log.data)
        cl.clGetProgramBuildInfo(program, self->id, CL_PROGRAM_BUILD_LOG, n, log.data, NULL);
    line = log.data ? strstr(log.data, "error") : NULL;
    while (line && line > log.data && line[-1] != '\n')
        line--;
    line = line ? line : log.data ? log.data : "";
    why_fail(why, STATUS_DEVICE, "kernel '%s' does not compile: %.*s", name,
             (int)strcspn(line, "\n"), *line ? line : "the compiler gives no reason");
    text_release(&log);
}

static void keep_binary(cl_program program, const char *const *part)
{
    size_t n = 0;
    unsigned char *binary;

    if (cl.clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof n, &n, NULL) || n == 0)
        return;
    binary = malloc(n);
    if (binary && cl.clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary,
                                      NULL) == CL_SUCCESS)
        cache_write(part, (const char *)binary, n);
    free(binary);
}

/* From the disk cache, else compiled and put there. */
static int build_program(struct opencl *self, const char *source, const char *name,
                         const char *options, cl_program *program, struct why *why)
{
    const char *dialect = embedded_find("devices/dialect.h")->text;
    const char *text[] = {dialect, "\n#line 1\n", source};
    const char *part[] = {"opencl", self->version, options, dialect, source, NULL};
    struct text binary = {0};
    cl_int error;

    if (cache_read(part, &binary)) {
        const unsigned char *bytes = (const unsigned char *)binary.data;
        cl_int state;

        *program = cl.clCreateProgramWithBinary(self->context, 1, &self->id, &binary.n, &bytes,
                                                &state, &error);
        if (error == CL_SUCCESS &&
            cl.clBuildProgram(*program, 1, &self->id, options, NULL, NULL) == CL_SUCCESS) {
            text_release(&binary);
            return 0;
        }
        if (error == CL_SUCCESS)
            cl.clReleaseProgram(*program);
    }
    text_release(&binary);
    *program = cl.clCreateProgramWithSource(self->context, 3, text, NULL, &error);
    CL_TRY(error, "cannot create an OpenCL program");
    if (cl.clBuildProgram(*program, 1, &self->id, options, NULL, NULL) != CL_SUCCESS) {
        build_failed(self, *program, name, why);
        cl.clReleaseProgram(*program);
        *program = NULL;
        return STATUS_DEVICE;
    }
    keep_binary(*program, part);
    return 0;
}

static void kernel_free(struct kernel *k)
{
    if (k->kernel)
        cl.clReleaseKernel(k->kernel);
    if (k->program)
        cl.clReleaseProgram(k->program);
    free(k->key);
    free(k);
}

/* A kernel of `program`, which is the new kernel's to release. */
static int kernel_new(struct opencl *self, cl_program program, const char *name,
                      struct kernel **kernel, struct why *why)
{
    struct kernel *k = calloc(1, sizeof *k);
    cl_int error;
    int status = 0;

    if (!k) {
        cl.clReleaseProgram(program);
        return why_fail(why, STATUS_MEMORY, "cannot build '%s': out of memory", name);
    }
    k->program = program;
    k->name = name_of(name);
    k->kernel = cl.clCreateKernel(program, name, &error);
    if (error != CL_SUCCESS) {
        k->kernel = NULL;
        status = why_fail(why, STATUS_DEVICE, "the device code has no kernel '%s' (OpenCL error %d)",
                          name, error);
        kernel_free(k);
        return status;
    }
    cl.clGetKernelWorkGroupInfo(k->kernel, self->id, CL_KERNEL_WORK_GROUP_SIZE,
                                sizeof k->group_limit, &k->group_limit, NULL);
    *kernel = k;
    return 0;
}

/* What was built before: the same kernel, or another of the same program. */
static int kernel_find(struct opencl *self, const char *key, const char *name,
                       struct kernel **kernel, cl_program *program)
{
    for (struct kernel *k = self->kernels; k; k = k->next) {
        if (strcmp(k->key, key) != 0)
            continue;
        *program = k->program;
        if (strcmp(k->name.text, name) == 0) {
            *kernel = k;
            return 1;
        }
    }
    return 0;
}

int opencl_build(struct device *device, const char *source, const char *name,
                        const char *defines, enum dtype dtype, struct kernel **kernel,
                        struct why *why)
{
    static const char *const dtype_define[DTYPES] = {
        [DTYPE_F64] = "F64", [DTYPE_F16] = "F16", [DTYPE_BF16] = "BF16"};
    struct opencl *self = device->self;
    struct text key = {0};
    cl_program program = NULL;
    int status = 0;

    text_printf(&key, "%p\t-cl-std=CL1.2 -DDTYPE_%s %s", (const void *)source,
                dtype_define[dtype] ? dtype_define[dtype] : "F32", defines);
    if (key.failed)
        return why_fail(why, STATUS_MEMORY, "cannot build '%s': out of memory", name);
    if (kernel_find(self, key.data, name, kernel, &program)) {
        text_release(&key);
        return 0;
    }
    if (program)
        cl.clRetainProgram(program);
    else
        status = build_program(self, source, name, strchr(key.data, '\t') + 1, &program, why);
    if (!status)
        status = kernel_new(self, program, name, kernel, why);
    if (status) {
        text_release(&key);
        return status;
    }
    (*kernel)->key = key.data;
    (*kernel)->next = self->kernels;
    self->kernels = *kernel;
    return 0;
}

static int set_arg(cl_kernel kernel, cl_uint i, const struct step_arg *a,
                   const struct buffer *arg, const struct buffer *scratch)
{
    cl_int narrow = (cl_int)a->i;
    cl_long wide = a->i;
    cl_float real = a->f;

    switch (a->kind) {
    case STEP_BUFFER:
        return cl.clSetKernelArg(kernel, i, sizeof(cl_mem), &arg[a->buffer].handle);
    case STEP_SCRATCH:
        return cl.clSetKernelArg(kernel, i, sizeof(cl_mem), &scratch->handle);
    case STEP_INT:
        return cl.clSetKernelArg(kernel, i, sizeof narrow, &narrow);
    case STEP_LONG:
        return cl.clSetKernelArg(kernel, i, sizeof wide, &wide);
    case STEP_FLOAT:
        return cl.clSetKernelArg(kernel, i, sizeof real, &real);
    }
    return CL_INVALID_ARG_VALUE;
}

int opencl_launch(struct device *device, struct kernel *kernel, const struct step *step,
                         const struct buffer *arg, const struct buffer *scratch,
                         struct why *why)
{
    struct opencl *self = device->self;
    size_t global[3], local[3], group = 1;

    for (int d = 0; d < 3; d++) {
        if (step->groups[d] == 0)
            return 0;
        group *= (size_t)step->group[d];
    }
    if (group > kernel->group_limit)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "kernel '%s' wants work-groups of %zu, %s allows it %zu", step->kernel,
                        group, device->row.id.text, kernel->group_limit);
    for (int i = 0; i < step->args; i++)
        CL_TRY(set_arg(kernel->kernel, (cl_uint)i, &step->arg[i], arg, scratch), step->kernel);
    for (int d = 0; d < 3; d++) {
        local[d] = (size_t)step->group[d];
        global[d] = local[d] * (size_t)step->groups[d];
    }
    CL_TRY(cl.clEnqueueNDRangeKernel(self->queue, kernel->kernel, 3, NULL, global, local, 0,
                                     NULL, NULL), step->kernel);
    return 0;
}

void opencl_kernels_release(struct opencl *self)
{
    while (self->kernels) {
        struct kernel *next = self->kernels->next;

        kernel_free(self->kernels);
        self->kernels = next;
    }
}

#endif
