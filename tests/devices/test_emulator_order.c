/* SPDX-License-Identifier: MIT */
/* The software CUDA driver helps nobody who forgets to wait: work that streams were given runs
 * late, in an unkind order, and what nothing orders is found, whatever the order was. With the
 * wait, the same is right in every order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#ifdef HAVE_CUDA

#include "tests/devices/emulated.h"

static const char *const orders[] = {"late", "others", "1", "2", "3", "now"};
enum { ORDERS = sizeof orders / sizeof *orders };

static struct {
    CUstream stream[2];
    CUevent event;
    CUdeviceptr at;
    unsigned *pinned; /* two words */
} on;

static void things_open(void)
{
    for (int s = 0; s < 2; s++)
        WELL(CU(cuStreamCreate)(&on.stream[s], CU_STREAM_NON_BLOCKING));
    WELL(CU(cuEventCreate)(&on.event, CU_EVENT_DISABLE_TIMING));
    WELL(CU(cuMemAlloc)(&on.at, 64));
    WELL(CU(cuMemAllocHost)((void **)&on.pinned, 8));
}

static int set_up(void **state)
{
    if (emulated_set_up(state))
        return -1;
    things_open();
    return 0;
}

static int tear_down(void **state)
{
    for (int s = 0; s < 2; s++)
        WELL(CU(cuStreamDestroy)(on.stream[s]));
    WELL(CU(cuEventDestroy)(on.event));
    WELL(CU(cuMemFree)(on.at));
    WELL(CU(cuMemFreeHost)(on.pinned));
    unsetenv(EMULATOR_ORDER);
    return emulated_tear_down(state);
}

static void start(const char *order)
{
    WELL(CU(cuCtxSynchronize)());
    setenv(EMULATOR_ORDER, order, 1);
    on.pinned[0] = on.pinned[1] = 0;
    WELL(CU(cuMemsetD32)(on.at, 5, 16));
    WELL(CU(cuCtxSynchronize)());
}

enum wait { WAIT_NOT, WAIT_EVENT, WAIT_HOST };

/* A fill on one stream, fetched by the other: the value that was fetched. */
static unsigned fetch(const char *order, enum wait wait)
{
    start(order);
    WELL(CU(cuMemsetD32Async)(on.at, 9, 1, on.stream[0]));
    if (wait == WAIT_EVENT) {
        WELL(CU(cuEventRecord)(on.event, on.stream[0]));
        WELL(CU(cuStreamWaitEvent)(on.stream[1], on.event, 0));
    }
    if (wait == WAIT_HOST)
        WELL(CU(cuStreamSynchronize)(on.stream[0]));
    WELL(CU(cuMemcpyDtoHAsync)(on.pinned, on.at, 4, on.stream[1]));
    WELL(CU(cuStreamSynchronize)(on.stream[1]));
    WELL(CU(cuStreamSynchronize)(on.stream[0]));
    return on.pinned[0];
}

static void test_missing_wait_is_seen(void **state)
{
    (void)state;
    assert_int_equal(fetch("late", WAIT_NOT), 5);
    findings_check("race: nothing orders 'a fill'");
    for (int o = 0; o < ORDERS; o++) {
        fetch(orders[o], WAIT_NOT);
        findings_check("race: nothing orders"); /* also where the value happened to be right */
    }
}

static void test_waits_are_enough(void **state)
{
    (void)state;
    for (int o = 0; o < ORDERS; o++)
        for (enum wait wait = WAIT_EVENT; wait <= WAIT_HOST; wait++)
            assert_int_equal(fetch(orders[o], wait), 9);
    findings_check(NULL);
}

/* An event that is recorded again stands for its last place only. */
static void test_event_moves(void **state)
{
    (void)state;
    for (int o = 0; o < ORDERS; o++) {
        start(orders[o]);
        WELL(CU(cuEventRecord)(on.event, on.stream[0]));
        WELL(CU(cuMemsetD32Async)(on.at, 9, 1, on.stream[0]));
        WELL(CU(cuEventRecord)(on.event, on.stream[0]));
        WELL(CU(cuStreamWaitEvent)(on.stream[1], on.event, 0));
        WELL(CU(cuEventRecord)(on.event, on.stream[1])); /* changes nothing for that wait */
        WELL(CU(cuMemcpyDtoHAsync)(on.pinned, on.at, 4, on.stream[1]));
        WELL(CU(cuStreamSynchronize)(on.stream[1]));
        assert_int_equal(on.pinned[0], 9);
    }
    findings_check(NULL);
}

/* A copy reads and writes the host's memory when it runs. */
static void test_host_memory(void **state)
{
    unsigned pageable = 1;

    (void)state;
    start("late");
    WELL(CU(cuMemcpyHtoDAsync)(on.at, &pageable, 4, on.stream[0]));
    pageable = 2; /* too early */
    WELL(CU(cuMemcpyDtoHAsync)(on.pinned, on.at, 4, on.stream[0]));
    assert_int_equal(on.pinned[0], 0); /* too early */
    assert_int_equal(CU(cuStreamQuery)(on.stream[0]), CUDA_ERROR_NOT_READY);
    WELL(CU(cuStreamQuery)(on.stream[0]));
    assert_int_equal(on.pinned[0], 2);
    pageable = 3;
    WELL(CU(cuMemcpyHtoD)(on.at, &pageable, 4)); /* puts it aside */
    pageable = 4;
    WELL(CU(cuMemcpyDtoH)(on.pinned, on.at, 4));
    assert_int_equal(on.pinned[0], 3);
    findings_check(NULL);
}

/* The legacy default stream and blocking streams wait for each other, in both directions. */
static void test_default_stream(void **state)
{
    CUstream blocking;

    (void)state;
    WELL(CU(cuStreamCreate)(&blocking, CU_STREAM_DEFAULT));
    for (int o = 0; o < ORDERS; o++) {
        start(orders[o]);
        WELL(CU(cuMemsetD32Async)(on.at, 9, 1, blocking));
        WELL(CU(cuMemcpyDtoHAsync)(on.pinned, on.at, 4, NULL));
        WELL(CU(cuMemsetD32Async)(on.at, 7, 1, blocking));
        WELL(CU(cuMemcpyDtoHAsync)(on.pinned + 1, on.at, 4, NULL));
        WELL(CU(cuStreamSynchronize)(NULL));
        assert_int_equal(on.pinned[0], 9);
        assert_int_equal(on.pinned[1], 7);
    }
    WELL(CU(cuStreamDestroy)(blocking));
    findings_check(NULL);
}

/* What is destroyed or freed too early: streams and events finish, freeing waits, code does not
 * go away under a kernel. */
static void test_early_ends(void **state)
{
    CUstream stream;
    CUevent event;
    CUdeviceptr other;
    CUmodule module;
    CUfunction function;

    (void)state;
    start("late");
    WELL(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
    WELL(CU(cuEventCreate)(&event, 0));
    WELL(CU(cuMemAlloc)(&other, 4));
    WELL(CU(cuMemsetD32Async)(other, 9, 1, stream));
    WELL(CU(cuMemcpyDtoHAsync)(on.pinned, other, 4, stream));
    WELL(CU(cuEventRecord)(event, stream));
    WELL(CU(cuStreamWaitEvent)(on.stream[0], event, 0));
    WELL(CU(cuStreamDestroy)(stream));
    WELL(CU(cuEventDestroy)(event));
    assert_int_equal(on.pinned[0], 0);
    WELL(CU(cuMemFree)(other));
    assert_int_equal(on.pinned[0], 9);
    findings_check(NULL);
    module = module_open("KERNEL void test(int *p) { p[1] = 3; }\n");
    WELL(CU(cuModuleGetFunction)(&function, module, "test"));
    WELL(CU(cuLaunchKernel)(function, 1, 1, 1, 1, 1, 1, 0, on.stream[0], (void *[]){&on.at}, NULL));
    WELL(CU(cuModuleUnload)(module));
    findings_check("cuModuleUnload: a kernel of the module was launched and not waited for");
}

/* Kernels, of which the bytes they reach are known: two streams on the halves of a buffer are
 * no race, on the same half they are. */
static void test_kernels(void **state)
{
    CUmodule module = module_open("KERNEL void test(int *p) { p[threadIdx.x] = 3; }\n");
    CUdeviceptr half[2] = {on.at, on.at + 32};
    CUfunction function;

    (void)state;
    WELL(CU(cuModuleGetFunction)(&function, module, "test"));
    for (int o = 0; o < ORDERS; o++)
        for (int same = 0; same < 2; same++) {
            start(orders[o]);
            for (int s = 0; s < 2; s++)
                WELL(CU(cuLaunchKernel)(function, 1, 1, 1, 8, 1, 1, 0, on.stream[s],
                                        (void *[]){&half[same ? 0 : s]}, NULL));
            WELL(CU(cuCtxSynchronize)());
            findings_check(same ? "race: nothing orders 'test', which writes" : NULL);
        }
    WELL(CU(cuModuleUnload)(module));
}

/* Work left at the end of the context, and a full queue, which makes the caller wait. */
static void test_ends_and_limits(void **state)
{
    (void)state;
    start("late");
    for (unsigned i = 0; i < 3000; i++)
        WELL(CU(cuMemsetD32Async)(on.at, i, 1, on.stream[0]));
    WELL(CU(cuMemcpyDtoHAsync)(on.pinned, on.at, 4, on.stream[0]));
    WELL(CU(cuStreamSynchronize)(on.stream[0]));
    assert_int_equal(on.pinned[0], 2999);
    findings_check(NULL);
    WELL(CU(cuMemsetD32Async)(on.at, 1, 1, on.stream[0]));
    WELL(CU(cuDevicePrimaryCtxReset)(0));
    findings_check("1 calls of device 0 were never waited for");
    context_open();
    WELL(CU(cuDevicePrimaryCtxRelease)(0)); /* one of the two references */
    things_open();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_wait_is_seen),
        cmocka_unit_test(test_waits_are_enough),
        cmocka_unit_test(test_event_moves),
        cmocka_unit_test(test_host_memory),
        cmocka_unit_test(test_default_stream),
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_early_ends),
        cmocka_unit_test(test_ends_and_limits),
    };
    const struct CMUnitTest none[] = {cmocka_unit_test(emulated_skip)};

    if (emulated_is_absent())
        return cmocka_run_group_tests_name("order of CUDA streams", none, NULL, NULL);
    if (!emulated_open())
        return 1;
    return cmocka_run_group_tests_name("order of CUDA streams", tests, set_up, tear_down);
}

#else

#include "tests/devices/without_cuda.h"

int main(void)
{
    return without_cuda("order of CUDA streams");
}

#endif
