/* SPDX-License-Identifier: MIT */
/* What the system shows of NVIDIA's GPUs, on trees made here: none, a GPU without a driver, with
 * one, two nodes; and which NUMA node host memory then comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "devices/numa.h"
#include "devices/nvidia.h"

static char root[] = "/tmp/test_nvidia_XXXXXX";

static int make_root(void **state)
{
    (void)state;
    unsetenv("CUDA_VISIBLE_DEVICES");
    unsetenv("OFFLOAD_BENCH_NUMA");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    char command[80];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

/* Write `words` to `path` below the root, with its folders. */
static void put(const char *path, const char *words)
{
    char whole[300];

    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(whole, 0777);
        *slash = '/';
    }
    assert_int_equal(text_write_file(whole, words, strlen(words), NULL), 0);
}

static void expect_absent(bool has_library, const char *words)
{
    struct why why = {{0}};

    assert_int_equal(nvidia_absent(root, has_library, &why), STATUS_UNAVAILABLE);
    if (!strstr(why.text, words))
        fail_msg("'%s' lacks '%s'", why.text, words);
}

/* Each step adds a piece, and the sentence moves on to the next that is missing. */
static void test_pieces(void **state)
{
    char version[32];

    (void)state;
    assert_int_equal(nvidia_on_bus(root), 0);
    expect_absent(false, "no NVIDIA GPU on the PCI bus");
    put("/sys/bus/pci/devices/0000:00:1f.0/vendor", "0x8086\n");
    put("/sys/bus/pci/devices/0000:00:1f.0/class", "0x030000\n"); /* another maker's GPU */
    put("/sys/bus/pci/devices/0000:17:00.1/vendor", "0x10de\n");
    put("/sys/bus/pci/devices/0000:17:00.1/class", "0x040300\n"); /* its sound */
    assert_int_equal(nvidia_on_bus(root), 0);
    put("/sys/bus/pci/devices/0000:17:00.0/vendor", "0x10de\n");
    put("/sys/bus/pci/devices/0000:17:00.0/class", "0x030200\n");
    assert_int_equal(nvidia_on_bus(root), 1);
    expect_absent(false, "1 NVIDIA GPU on the PCI bus, but no driver library");
    assert_false(nvidia_has_kernel_driver(root));
    assert_false(nvidia_driver_version(root, version, sizeof version));
    expect_absent(true, "modprobe nvidia");
    setenv("CUDA_VISIBLE_DEVICES", "7", 1);
    expect_absent(true, "CUDA_VISIBLE_DEVICES='7' leaves no GPU in sight, and there is no kernel");
    unsetenv("CUDA_VISIBLE_DEVICES");
    put("/dev/nvidiactl", "");
    put("/proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n");
    assert_true(nvidia_has_kernel_driver(root));
    assert_true(nvidia_driver_version(root, version, sizeof version));
    assert_string_equal(version, "570.86.15");
    setenv("CUDA_VISIBLE_DEVICES", "-1", 1);
    expect_absent(true, "CUDA_VISIBLE_DEVICES='-1' hides every GPU");
    unsetenv("CUDA_VISIBLE_DEVICES");
    expect_absent(true, "finds no CUDA GPU (1 on the PCI bus)");
    put("/sys/module/nvidia/version", "535.104.05\n");
    assert_true(nvidia_driver_version(root, version, sizeof version));
    assert_string_equal(version, "535.104.05");
}

/* In a process without root's rights, where this one has them. */
static void test_permission(void **state)
{
    enum { NOBODY = 65534 };
    char path[300];
    struct why why = {{0}};
    pid_t child;
    int end = -1;

    (void)state;
    snprintf(path, sizeof path, "%s/dev/nvidiactl", root);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(root, 0755), 0);
    child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setuid(NOBODY) != 0)
            _exit(2);
        nvidia_absent(root, true, &why);
        _exit(strstr(why.text, "no permission to use the GPU") ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_true(WIFEXITED(end));
    assert_int_equal(WEXITSTATUS(end), 0);
}

static void expect_counters(int status, const char *words)
{
    struct why why = {{0}};

    assert_int_equal(nvidia_counters(root, &why), status);
    if (!strstr(why.text, words))
        fail_msg("'%s' lacks '%s'", why.text, words);
}

/* Who may read counters: by the driver's parameter and the process's capabilities. */
static void test_counters(void **state)
{
    (void)state;
    expect_counters(STATUS_UNAVAILABLE, "not loaded");
    put("/proc/driver/nvidia/params", "ResmanDebugLevel: 4294967295\n");
    expect_counters(0, "every user"); /* a driver without the parameter */
    put("/proc/driver/nvidia/params", "EnableMSI: 1\nRmProfilingAdminOnly: 0\n");
    expect_counters(0, "every user");
    put("/proc/driver/nvidia/params", "EnableMSI: 1\nRmProfilingAdminOnly: 1\n");
    put("/proc/self/status", "Name:\tx\nCapEff:\t00000000a80425fb\n"); /* root in a container */
    expect_counters(STATUS_UNAVAILABLE, "; hint: as root");
    put("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
    expect_counters(0, "which this process is");
}

static void expect_wish(const char *wish, const char *words)
{
    struct why why = {{0}};

    assert_int_equal(numa_check(root, wish, &why), words ? STATUS_INVALID : 0);
    if (words && !strstr(why.text, words))
        fail_msg("'%s' lacks '%s'", why.text, words);
}

/* What may be asked for on a machine of one node, and of three. */
static void test_wish(void **state)
{
    (void)state;
    expect_wish("near", NULL);
    expect_wish("0", "hint: near, far or one of none"); /* a kernel without nodes */
    expect_wish("far", "one memory node (none)");
    put("/sys/devices/system/node/online", "0\n");
    put("/sys/devices/system/node/node0/distance", "10\n");
    expect_wish("0", NULL);
    expect_wish("far", "one memory node (0)");
    put("/sys/devices/system/node/online", "0-2\n");
    put("/sys/devices/system/node/node0/distance", "10 21 21\n");
    expect_wish("far", NULL);
    expect_wish("7", "'7' is no memory node here; hint: near, far or one of 0-2");
    expect_wish("nearby", "one of 0-2");
}

/* Three nodes; the GPU hangs on node 1, node 2 is farthest from it. */
static void test_node(void **state)
{
    (void)state;
    assert_int_equal(nvidia_node(root, ""), -1);
    assert_int_equal(nvidia_node(root, "0000:17:00.0"), -1);
    put("/sys/bus/pci/devices/0000:17:00.0/numa_node", "-1\n"); /* one node only */
    assert_int_equal(nvidia_node(root, "0000:17:00.0"), -1);
    put("/sys/bus/pci/devices/0000:17:00.0/numa_node", "1\n");
    assert_int_equal(nvidia_node(root, "0000:17:00.0"), 1);
    assert_int_equal(numa_choose(root, 1), 1);
    setenv("OFFLOAD_BENCH_NUMA", "far", 1);
    assert_int_equal(numa_choose(root, 1), 1); /* the system shows no distances */
    put("/sys/devices/system/node/node1/distance", "21 10 31\n");
    assert_int_equal(numa_choose(root, 1), 2);
    assert_int_equal(numa_choose(root, -1), -1);
    setenv("OFFLOAD_BENCH_NUMA", "0", 1);
    assert_int_equal(numa_choose(root, 1), 0);
    setenv("OFFLOAD_BENCH_NUMA", "nearby", 1); /* no node: as if it were not there */
    assert_int_equal(numa_choose(root, 1), 1);
    setenv("OFFLOAD_BENCH_NUMA", "near", 1);
    assert_int_equal(numa_choose(root, 1), 1);
}

/* Preferring a node and going back leaves the thread as it was. */
static void test_policy(void **state)
{
    struct numa_policy before, after;
    static char page[4096];

    (void)state;
    page[0] = 1;
    numa_prefer(0, &before);
    numa_restore(&before);
    numa_prefer(0, &after);
    numa_restore(&after);
    assert_int_equal(before.is_known, after.is_known);
    assert_int_equal(before.mode, after.mode);
    assert_memory_equal(before.nodes, after.nodes, sizeof before.nodes);
    numa_prefer(-1, &before);
    assert_false(before.is_known);
    if (after.is_known)
        assert_true(numa_node_of(page) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces), cmocka_unit_test(test_permission),
        cmocka_unit_test(test_counters), cmocka_unit_test(test_wish),
        cmocka_unit_test(test_node), cmocka_unit_test(test_policy)};

    return cmocka_run_group_tests_name("what the system shows of NVIDIA", tests, make_root,
                                       remove_root);
}
