/* SPDX-License-Identifier: MIT */
/* The software CUDA driver is strict: what a careless program does to it fails as on a GPU and
 * leaves a finding; faults come when they are asked for; streams, events and graphs keep their
 * rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#ifdef HAVE_CUDA

#include <sys/wait.h>

#include "tests/devices/emulated.h"

/* After a sticky error every call fails until the context is reset. */
static void recover(CUresult error)
{
    CUdeviceptr at;
    CUcontext context;

    assert_int_equal(CU(cuMemAlloc)(&at, 4), error);
    assert_int_equal(CU(cuCtxSynchronize)(), error);
    WELL(CU(cuDevicePrimaryCtxReset)(0));
    free(findings_take()); /* what the failed test left behind */
    WELL(CU(cuDevicePrimaryCtxRetain)(&context, 0));
    WELL(CU(cuDevicePrimaryCtxRelease)(0));
    WELL(CU(cuCtxSetCurrent)(context));
}

/* Kernels on 32 ints at p (and their number): error, and what is found. */
static const struct {
    const char *body;
    unsigned threads;
    CUresult error;
    const char *words;
} kernels[] = {
    {"p[threadIdx.x] = 1;", 33, CUDA_ERROR_ILLEGAL_ADDRESS, "0 bytes behind the end"},
    {"n[0] = p[-1 - (int)threadIdx.x];", 1, CUDA_ERROR_ILLEGAL_ADDRESS, "4 bytes at 0x"},
    {"*(int *)((char *)p + 2) = 1;", 1, CUDA_ERROR_MISALIGNED_ADDRESS, "no multiple of 4"},
    {"*(int4 *)(p + 2) = make_int4(1, 2, 3, 4);", 1, CUDA_ERROR_MISALIGNED_ADDRESS,
     "no multiple of 16"},
    {"__shared__ int s[32]; s[threadIdx.x + n[0]] = 1; p[0] = s[threadIdx.x];", 32,
     CUDA_ERROR_ILLEGAL_ADDRESS, "shared memory"},
    {"if (threadIdx.x == 3) asm(\"trap;\");", 32, CUDA_ERROR_ILLEGAL_INSTRUCTION,
     "thread (3,0,0)"},
    {"if (threadIdx.x < 32) asm volatile(\"bar.sync 1, 64;\"); else asm volatile(\"bar.sync 2, 64;\");"
     " p[0] = 1;", 64, CUDA_ERROR_LAUNCH_TIMEOUT, "the block hangs"},
    {"__shared__ int s[32]; s[threadIdx.x] = n[0]; p[threadIdx.x] = s[31 - threadIdx.x];", 32,
     CUDA_SUCCESS, "race: thread"},
    {"__shared__ int s[2]; s[threadIdx.x / 32 - threadIdx.x / 32] = threadIdx.x;"
     " __syncthreads(); p[0] = s[0];", 64, CUDA_SUCCESS, "both write"},
    {"__shared__ int s[33]; s[threadIdx.x] = n[0]; __syncthreads();"
     " p[threadIdx.x] = s[threadIdx.x + 1];", 32, CUDA_SUCCESS, "never written"},
    {"if (threadIdx.x % 2) __syncthreads(); else { p[0] = 1; __syncthreads(); }", 32,
     CUDA_SUCCESS, "different barriers"},
    {"__shared__ int s[32]; s[threadIdx.x] = n[0]; __syncwarp();"
     " p[threadIdx.x] = s[31 - threadIdx.x];", 32, CUDA_SUCCESS, NULL},
    {"__shared__ int s[64]; s[threadIdx.x] = n[0]; __syncthreads();"
     " p[threadIdx.x / 2] = s[63 - threadIdx.x]; __syncthreads(); s[threadIdx.x] = 0;", 64,
     CUDA_SUCCESS, NULL},
};

static void test_kernels(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        char source[600];
        int data[32] = {0}, n = 32;
        CUdeviceptr p = upload(data, sizeof data), q = upload(&n, sizeof n);
        CUresult result;

        snprintf(source, sizeof source, "KERNEL void test(int *p, int *n) { %s }\n",
                 kernels[i].body);
        result = kernel_run(source, 1, kernels[i].threads, 0, (void *[]){&p, &q});
        if (result != kernels[i].error)
            fail_msg("%s: %d, not %d", kernels[i].body, result, kernels[i].error);
        findings_check(kernels[i].words);
        if (result != CUDA_SUCCESS) {
            recover(result);
        } else {
            WELL(CU(cuMemFree)(p));
            WELL(CU(cuMemFree)(q));
        }
    }
}

static void test_handles_and_memory(void **state)
{
    char host[64] = {0};
    CUdeviceptr at = upload(host, sizeof host);
    CUevent event;
    CUstream stream;

    (void)state;
    assert_int_equal(CU(cuMemcpyHtoD)(at + 1, host, 64), CUDA_ERROR_INVALID_VALUE);
    findings_check("64 bytes at offset 1 of an allocation of 64 bytes");
    assert_int_equal(CU(cuMemcpyDtoH)((void *)(uintptr_t)at, at, 64), CUDA_ERROR_INVALID_VALUE);
    findings_check("the host side is device memory");
    assert_int_equal(CU(cuMemsetD32)(at, 0, 17), CUDA_ERROR_INVALID_VALUE);
    findings_check("68 bytes at offset 0");
    assert_int_equal(CU(cuMemFree)(at + 4), CUDA_ERROR_INVALID_VALUE);
    findings_check("cuMemFree");
    WELL(CU(cuMemFree)(at));
    assert_int_equal(CU(cuMemFree)(at), CUDA_ERROR_INVALID_VALUE);
    findings_check("use after free");
    assert_int_equal(CU(cuMemcpyDtoH)(host, at, 4), CUDA_ERROR_INVALID_VALUE);
    findings_check("use after free, offset 0 of"); /* memory since given out again has its own size */
    WELL(CU(cuEventCreate)(&event, 0));
    WELL(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
    assert_int_equal(CU(cuEventRecord)((CUevent)stream, NULL), CUDA_ERROR_INVALID_HANDLE);
    findings_check("another kind (event) is needed");
    WELL(CU(cuStreamDestroy)(stream));
    assert_int_equal(CU(cuStreamSynchronize)(stream), CUDA_ERROR_INVALID_HANDLE);
    findings_check("already destroyed");
    assert_int_equal(CU(cuEventDestroy)((CUevent)host), CUDA_ERROR_INVALID_HANDLE);
    findings_check("is no event");
    WELL(CU(cuEventDestroy)(event));
    findings_check(NULL);
}

static void test_events_keep_time(void **state)
{
    CUevent from, to;
    float ms = -1;

    (void)state;
    WELL(CU(cuEventCreate)(&from, 0));
    WELL(CU(cuEventCreate)(&to, 0));
    assert_int_equal(CU(cuEventElapsedTime)(&ms, from, to), CUDA_ERROR_INVALID_HANDLE);
    findings_check("never recorded");
    WELL(CU(cuEventRecord)(from, NULL));
    WELL(CU(cuEventSynchronize)(from));
    usleep(3000);
    WELL(CU(cuEventRecord)(to, NULL));
    assert_int_equal(CU(cuEventElapsedTime)(&ms, from, to), CUDA_ERROR_NOT_READY);
    assert_int_equal(CU(cuEventQuery)(to), CUDA_ERROR_NOT_READY);
    WELL(CU(cuEventQuery)(to));
    WELL(CU(cuEventElapsedTime)(&ms, from, to));
    assert_true(ms >= 3 && ms < 2000);
    WELL(CU(cuEventDestroy)(from));
    WELL(CU(cuEventDestroy)(to));
}

/* A fill and a copy captured over two streams run only when the graph is launched. */
static void test_graphs(void **state)
{
    unsigned host = 7;
    CUdeviceptr at = upload(&host, 4), other;
    CUstream stream, fork;
    CUevent event;
    CUgraph graph;
    CUgraphExec exec;

    (void)state;
    WELL(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
    WELL(CU(cuStreamCreate)(&fork, CU_STREAM_NON_BLOCKING));
    WELL(CU(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING));
    WELL(CU(cuStreamBeginCapture)(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    assert_int_equal(CU(cuMemAlloc)(&other, 4), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    findings_check("cuMemAlloc: forbidden while a stream captures");
    WELL(CU(cuMemsetD32Async)(at, 9, 1, stream));
    WELL(CU(cuEventRecord)(event, stream));
    WELL(CU(cuStreamWaitEvent)(fork, event, 0));
    WELL(CU(cuMemcpyDtoHAsync)(&host, at, 4, fork));
    WELL(CU(cuEventRecord)(event, fork));
    WELL(CU(cuStreamWaitEvent)(stream, event, 0));
    WELL(CU(cuStreamEndCapture)(stream, &graph));
    WELL(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0));
    WELL(CU(cuGraphDestroy)(graph));
    assert_int_equal(host, 7);
    WELL(CU(cuGraphLaunch)(exec, stream));
    WELL(CU(cuStreamSynchronize)(stream));
    assert_int_equal(host, 9);
    WELL(CU(cuGraphExecDestroy)(exec));
    findings_check(NULL);

    WELL(CU(cuEventDestroy)(event)); /* a fork that is never joined */
    WELL(CU(cuEventCreate)(&event, 0));
    WELL(CU(cuStreamBeginCapture)(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
    WELL(CU(cuEventRecord)(event, stream));
    WELL(CU(cuStreamWaitEvent)(fork, event, 0));
    WELL(CU(cuMemsetD32Async)(at, 1, 1, fork));
    assert_int_equal(CU(cuStreamEndCapture)(stream, &graph), CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
    findings_check("not joined");
    WELL(CU(cuEventDestroy)(event));
    WELL(CU(cuStreamDestroy)(stream));
    WELL(CU(cuStreamDestroy)(fork));
    WELL(CU(cuMemFree)(at));
}

static void test_leaks_are_found(void **state)
{
    CUdeviceptr at;
    CUstream stream;

    (void)state;
    WELL(CU(cuMemAlloc)(&at, 1000));
    WELL(CU(cuStreamCreate)(&stream, 0));
    WELL(CU(cuDevicePrimaryCtxRelease)(0));
    findings_check("leak: 1 allocations, 1000 bytes of device 0");
    context_open();
}

/* ---- faults: counted from the start of a process, so each in one of its own ------------------ */

static const char empty[] = "KERNEL void test(int *p) { p[0] = 5; }\n";

static int in_child(int (*act)(void))
{
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        _exit(act());
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static CUresult launch_once(void)
{
    int data = 0;
    CUdeviceptr p = upload(&data, 4);

    return kernel_run(empty, 1, 1, 0, (void *[]){&p});
}

static int fail_alloc(void)
{
    CUdeviceptr at;

    setenv(FAULT_ALLOC, "2", 1);
    return CU(cuMemAlloc)(&at, 4) == CUDA_SUCCESS &&
           CU(cuMemAlloc)(&at, 4) == CUDA_ERROR_OUT_OF_MEMORY &&
           CU(cuMemAlloc)(&at, 4) == CUDA_SUCCESS &&
           CU(cuMemAlloc)(&at, (size_t)1 << 40) == CUDA_ERROR_OUT_OF_MEMORY;
}

static int fail_launch(void)
{
    setenv(FAULT_LAUNCH, "1", 1);
    return launch_once() == CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES && launch_once() == CUDA_SUCCESS;
}

static int fail_sticky(void)
{
    CUdeviceptr at;

    setenv(FAULT_STICKY, "1", 1);
    return launch_once() == CUDA_ERROR_ILLEGAL_ADDRESS &&
           CU(cuMemAlloc)(&at, 4) == CUDA_ERROR_ILLEGAL_ADDRESS;
}

static int fail_lost(void)
{
    CUcontext context;

    setenv(FAULT_LOST, "1", 1);
    return launch_once() == CUDA_ERROR_UNKNOWN && CU(cuCtxSynchronize)() == CUDA_ERROR_UNKNOWN &&
           CU(cuDevicePrimaryCtxReset)(0) == CUDA_SUCCESS &&
           CU(cuDevicePrimaryCtxRetain)(&context, 0) != CUDA_SUCCESS;
}

static int (*fault)(void);

static int fault_come(void)
{
    context_open();
    return fault();
}

static void test_faults(void **state)
{
    static int (*const act[])(void) = {fail_alloc, fail_launch, fail_sticky, fail_lost};

    (void)state;
    for (size_t i = 0; i < sizeof act / sizeof *act; i++) {
        fault = act[i];
        if (in_child(fault_come) != 1)
            fail_msg("fault %zu did not come, or not as it should", i);
    }
}

/* Visible devices, looked at by a process of its own. */
static int count_devices(void)
{
    int count = 0;

    if (CU(cuInit)(0) != CUDA_SUCCESS || CU(cuDeviceGetCount)(&count) != CUDA_SUCCESS)
        return 0;
    return count;
}

static void test_devices(void **state)
{
    static const struct {
        const char *devices, *visible;
        int count;
    } cases[] = {{NULL, NULL, 1}, {"3", NULL, 3}, {"3", "2,0", 2},
                 {"2", "1,5,0", 1}, {"2", "", 0}, {"2", "GPU-e0a0e0a0-0000-0000-0000-000000000001", 1}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsetenv(EMULATED_DEVICES);
        unsetenv("CUDA_VISIBLE_DEVICES");
        if (cases[i].devices)
            setenv(EMULATED_DEVICES, cases[i].devices, 1);
        if (cases[i].visible)
            setenv("CUDA_VISIBLE_DEVICES", cases[i].visible, 1);
        assert_int_equal(in_child(count_devices), cases[i].count);
    }
    unsetenv(EMULATED_DEVICES);
    unsetenv("CUDA_VISIBLE_DEVICES");
}

/* A driver does not outlive a fork. */
static int start_again(void)
{
    CUdeviceptr at;

    return CU(cuInit)(0) == CUDA_ERROR_NOT_INITIALIZED &&
           CU(cuMemAlloc)(&at, 4) == CUDA_ERROR_NOT_INITIALIZED;
}

static void test_child(void **state)
{
    (void)state;
    assert_int_equal(in_child(start_again), 1);
    findings_check("cuInit: the process is a child of the one that initialised the driver");
}

/* ---- another driver ------------------------------------------------------------------------- */

static int be_other(void)
{
    CUdeviceptr at;
    CUevent event[2];
    float ms = -1;
    int value = -1, version;
    bool ok;

    setenv(EMULATED_ATTRIBUTES, "16=1,*=x,39=7", 1);
    setenv(EMULATED_REFUSES, "cuMemAllocManaged,cuEventQuery", 1);
    setenv(EMULATED_TICK_US, "86400000000", 1);
    setenv(EMULATED_ALIGNMENT, "16", 1);
    setenv(EMULATED_INTERFACE, "11080", 1);
    context_open();
    ok = CU(cuDriverGetVersion)(&version) == CUDA_SUCCESS && version == 11080;
    ok &= CU(cuDeviceGetAttribute)(&value, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0) ==
              CUDA_SUCCESS && value == 1;
    ok &= CU(cuDeviceGetAttribute)(&value, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 0) ==
              CUDA_SUCCESS && value == 7;
    ok &= CU(cuDeviceGetAttribute)(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0) ==
          CUDA_ERROR_INVALID_VALUE;
    ok &= CU(cuMemAllocManaged)(&at, 4, CU_MEM_ATTACH_GLOBAL) == CUDA_ERROR_NOT_SUPPORTED;
    ok &= CU(cuMemAlloc)(&at, 1000) == CUDA_SUCCESS && at % 32 == 16 &&
          CU(cuMemFree)(at) == CUDA_SUCCESS;
    for (int e = 0; e < 2; e++) {
        ok &= CU(cuEventCreate)(&event[e], 0) == CUDA_SUCCESS &&
              CU(cuEventRecord)(event[e], NULL) == CUDA_SUCCESS &&
              CU(cuEventSynchronize)(event[e]) == CUDA_SUCCESS;
        usleep(2000);
    }
    return ok && CU(cuEventElapsedTime)(&ms, event[0], event[1]) == CUDA_SUCCESS && ms == 0;
}

static void test_another_driver(void **state)
{
    (void)state;
    assert_int_equal(in_child(be_other), 1);
}

/* What it cannot run it refuses by name. */
static void test_modules_are_refused(void **state)
{
    static const char head[] = ".version 8.0\n.target sm_80\n.address_size 64\n";
    static const struct {
        const char *text;
        CUresult error;
        const char *words;
    } cases[] = {
        {".visible .entry f()\n{\n .reg .b32 %r<2>;\n frob.s32 %r1, %r1;\n ret;\n}\n",
         CUDA_ERROR_INVALID_PTX, "PTX line 7: unknown instruction 'frob.s32'"},
        {".visible .entry f()\n{\n .reg .b32 %r<2>;\n add.foo.s32 %r1, %r1, %r1;\n ret;\n}\n",
         CUDA_ERROR_INVALID_PTX, "unknown instruction 'add.foo.s32'"},
        {".visible .entry f()\n{\n .reg .b32 %r<2>;\n add.s32 %r1, %r1, %r2;\n ret;\n}\n",
         CUDA_ERROR_INVALID_PTX, "unknown name '%r2'"},
        {".visible .entry f()\n{\n .reg .pred %p<2>;\n .reg .b32 %r<2>;\n"
         " set.lt.and.u32.s32 %r1, %r1, %r1, %p1;\n ret;\n}\n",
         CUDA_ERROR_INVALID_PTX, "unknown instruction 'set.lt.and.u32.s32'"},
        {".visible .entry f()\n{\n .reg .pred %p<3>;\n .reg .b16 %h<2>;\n"
         " setp.lt.or.f16 %p1, %h1, %h1, %p2;\n ret;\n}\n",
         CUDA_ERROR_INVALID_PTX, "unknown instruction 'setp.lt.or.f16'"},
        {".visible .entry f()\n{\n bra $L;\n}\n", CUDA_ERROR_INVALID_PTX, "unknown label '$L'"},
    };
    CUmodule module;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];

        snprintf(text, sizeof text, "%s%s", head, cases[i].text);
        assert_int_equal(CU(cuModuleLoadData)(&module, text), cases[i].error);
        findings_check(cases[i].words);
    }
    assert_int_equal(CU(cuModuleLoadData)(&module, "\x7f" "ELF"), CUDA_ERROR_NO_BINARY_FOR_GPU);
    findings_check(NULL); /* a program may try it */
    assert_int_equal(CU(cuModuleLoadData)(&module, ".version 8.0\n.target sm_90\n"),
                     CUDA_ERROR_INVALID_PTX);
    findings_check("newer than the GPU");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices), /* first: before the driver is initialised */
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_another_driver),
        cmocka_unit_test_setup(test_kernels, emulated_set_up),
        cmocka_unit_test(test_child),
        cmocka_unit_test(test_handles_and_memory),
        cmocka_unit_test(test_events_keep_time),
        cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_leaks_are_found),
        cmocka_unit_test_teardown(test_modules_are_refused, emulated_tear_down),
    };
    const struct CMUnitTest none[] = {cmocka_unit_test(emulated_skip)};

    if (emulated_is_absent())
        return cmocka_run_group_tests_name("strict CUDA driver", none, NULL, NULL);
    if (!emulated_open())
        return 1;
    return cmocka_run_group_tests_name("strict CUDA driver", tests, NULL, NULL);
}

#else

#include "tests/devices/without_cuda.h"

int main(void)
{
    return without_cuda("strict CUDA driver");
}

#endif
