/* SPDX-License-Identifier: MIT */
/* Where the memory lies that a plan's devices are sent from: near its first CUDA device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "devices/numa.h"
#include "harness/plan.h"

static int node_of_host(const struct plan *plan)
{
    struct device host;
    int node;

    assert_int_equal(plan_open_host(plan, &host, NULL), 0);
    node = host.row.node;
    device_close(&host);
    return node;
}

static void test_near_the_first_gpu(void **state)
{
    static struct plan plan = {
        .devices = 4,
        .device = {{.kind = DEVICE_CPU, .node = -1}, {.kind = DEVICE_OPENCL, .node = -1},
                   {.kind = DEVICE_CUDA, .node = 5}, {.kind = DEVICE_CUDA, .node = 1}}};

    (void)state;
    unsetenv("OFFLOAD_BENCH_NUMA");
    assert_int_equal(node_of_host(&plan), 5);
    plan.devices = 2;
    assert_int_equal(node_of_host(&plan), -1);
}

/* A node that is not here is no failure: the kernel gives what it has. */
static void test_pages_lie_there(void **state)
{
    static struct plan plan = {.devices = 1, .device = {{.kind = DEVICE_CUDA}}};
    static const int node[] = {-1, 0, 63};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct device host;
        struct buffer b;

        plan.device[0].node = node[i];
        assert_int_equal(plan_open_host(&plan, &host, NULL), 0);
        assert_int_equal(host.ops->alloc(&host, &b, 4 << 20, MEMORY_PAGEABLE, NULL), 0);
        if (node[i] == 0 && numa_check("/", "0", NULL) == 0 && numa_node_of(b.data) >= 0)
            assert_int_equal(numa_node_of(b.data), 0);
        host.ops->free(&host, &b);
        device_close(&host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_near_the_first_gpu),
                                       cmocka_unit_test(test_pages_lie_there)};

    return cmocka_run_group_tests_name("host memory", tests, NULL, NULL);
}
