/* SPDX-License-Identifier: MIT */
/* The software CUDA driver (tests/emulator/cuda) through the Driver API, and kernels compiled
 * for it by NVRTC: what its tests share. */
#ifndef OFFLOAD_BENCH_TESTS_EMULATED_H
#define OFFLOAD_BENCH_TESTS_EMULATED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cuda.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "devices/cuda_compiler.h"
#include "tests/emulator/faults.h"

#define EXPAND(name) #name
#define EXPORTED(name) EXPAND(name) /* cuda.h renames: cuMemAlloc is cuMemAlloc_v2 */

static void *emulator;

/* A function of the driver, with its type. */
#define CU(name) ((__typeof__(&name))emulated_symbol(EXPORTED(name)))
#define WELL(call) assert_int_equal(call, CUDA_SUCCESS)

static inline void *emulated_symbol(const char *name)
{
    void *symbol = dlsym(emulator, name);

    if (!symbol)
        fail_msg("the emulated driver lacks %s", name);
    return symbol;
}

static inline bool emulated_open(void)
{
    char self[400] = "", path[500], *slash;

    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return false;
    slash = strrchr(self, '/');
    *slash = '\0';
    snprintf(path, sizeof path, "%s/../../emulator/libcuda.so.1", self);
    emulator = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!emulator)
        print_message("%s\n", dlerror());
    return emulator != NULL;
}

/* ---- findings ---------------------------------------------------------------------------- */

static char findings_path[] = "/tmp/test_emulator_XXXXXX";

static inline void findings_open(void)
{
    close(mkstemp(findings_path));
    setenv(EMULATOR_FINDINGS, findings_path, 1);
}

/* What was found since the last look; the caller frees it. */
static inline char *findings_take(void)
{
    char *text = calloc(1, 1 << 16);
    FILE *file = fopen(findings_path, "r");

    if (file) {
        text[fread(text, 1, (1 << 16) - 1, file)] = '\0';
        fclose(file);
    }
    assert_int_equal(truncate(findings_path, 0), 0);
    return text;
}

/* Exactly one look: `words` must be there; NULL when there must be nothing. */
static inline void findings_check(const char *words)
{
    char *text = findings_take();
    bool is_well = words ? strstr(text, words) != NULL : *text == '\0';

    if (!is_well)
        print_error("findings: '%s', expected: '%s'\n", text, words ? words : "");
    free(text);
    assert_true(is_well);
}

/* ---- kernels ------------------------------------------------------------------------------ */

static inline CUcontext context_open(void)
{
    CUcontext context;

    WELL(CU(cuInit)(0));
    WELL(CU(cuDevicePrimaryCtxRetain)(&context, 0));
    WELL(CU(cuCtxSetCurrent)(context));
    return context;
}

static inline void context_close(void)
{
    WELL(CU(cuDevicePrimaryCtxRelease)(0));
    WELL(CU(cuCtxSetCurrent)(NULL));
}

/* Compile `source` (the dialect stands before it) to PTX and load it. */
static inline CUmodule module_open(const char *source)
{
    struct text ptx = {0};
    struct why why = {{0}};
    CUmodule module;

    if (cuda_compile(source, "test", "compute_80", "-DDTYPE_F32", &ptx, &why) != 0)
        fail_msg("%s", why.text);
    WELL(CU(cuModuleLoadData)(&module, ptx.data));
    text_release(&ptx);
    return module;
}

/* Run kernel `test` once: `groups` blocks of `threads` on the parameters; its result as the
 * next synchronisation gives it. */
static inline CUresult kernel_run(const char *source, unsigned groups, unsigned threads,
                                  unsigned dynamic, void **params)
{
    CUmodule module = module_open(source);
    CUfunction function;
    CUresult result;

    WELL(CU(cuModuleGetFunction)(&function, module, "test"));
    if (dynamic > 48 << 10)
        WELL(CU(cuFuncSetAttribute)(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                    (int)dynamic));
    result = CU(cuLaunchKernel)(function, groups, 1, 1, threads, 1, 1, dynamic, NULL, params,
                                NULL);
    if (result == CUDA_SUCCESS)
        result = CU(cuCtxSynchronize)();
    if (result == CUDA_SUCCESS)
        WELL(CU(cuModuleUnload)(module));
    return result;
}

/* Device memory filled from the host's, for every stream. */
static inline CUdeviceptr upload(const void *data, size_t bytes)
{
    CUdeviceptr at;

    WELL(CU(cuMemAlloc)(&at, bytes));
    WELL(CU(cuMemcpyHtoD)(at, data, bytes));
    WELL(CU(cuCtxSynchronize)());
    return at;
}

/* Back to the host, and the device's memory freed. */
static inline void download(void *data, CUdeviceptr at, size_t bytes)
{
    WELL(CU(cuMemcpyDtoH)(data, at, bytes));
    WELL(CU(cuMemFree)(at));
}

/* Kernel test(in, out) of one block over `n` 32-bit words each. */
static inline void words_run(const char *source, unsigned threads, const void *in, void *out,
                             size_t n)
{
    CUdeviceptr from = upload(in, 4 * n), to = upload(out, 4 * n);

    WELL(kernel_run(source, 1, threads, 0, (void *[]){&from, &to}));
    WELL(CU(cuMemFree)(from));
    download(out, to, 4 * n);
}

/* Before a group of tests: the driver, a findings file, a context. -1 without the driver. */
static inline int emulated_set_up(void **state)
{
    (void)state;
    if (!emulated_open())
        return -1;
    findings_open();
    context_open();
    return 0;
}

/* Nothing may be left behind. */
static inline int emulated_tear_down(void **state)
{
    (void)state;
    context_close();
    findings_check(NULL);
    return unlink(findings_path);
}

/* Why there can be no test here; false when there can. */
static inline bool emulated_is_absent(void)
{
    struct name version;
    struct why why = {{0}};

    if (cuda_compiler_version(&version, &why) == 0)
        return false;
    print_message("skipped: %s\n", why.text);
    return true;
}

static inline void emulated_skip(void **state)
{
    (void)state;
    skip();
}

#endif
