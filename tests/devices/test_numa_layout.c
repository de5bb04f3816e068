/* SPDX-License-Identifier: MIT */
/* Which nodes a machine shows, on trees made here; what a layout asks of the kernel, which is one
 * made here, and where this process's threads, which are real, then run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/devices/two_nodes.h"

static char root[] = "/tmp/test_numa_XXXXXX";

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    char command[80];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

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

/* Nodes without memory or without processors of ours are none. */
static void test_nodes(void **state)
{
    struct numa_nodes here, nodes;
    char list[80];

    (void)state;
    if (!two_nodes(&here))
        skip();
    numa_nodes_read(root, &nodes);
    assert_int_equal(nodes.n, 0);
    for (int i = 0; i < 2; i++)
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
            if (CPU_ISSET(cpu, &here.cpus[i])) {
                char path[60];

                snprintf(path, sizeof path, "/sys/devices/system/node/node%d/cpulist", 2 * i);
                snprintf(list, sizeof list, "%d,900-1020\n", cpu);
                put(path, list);
            }
    put("/sys/devices/system/node/node1/cpulist", "\n");
    put("/sys/devices/system/node/has_memory", "0-1\n");
    numa_nodes_read(root, &nodes);
    assert_int_equal(nodes.n, 1); /* node 2 has no memory, node 1 no processor */
    put("/sys/devices/system/node/has_memory", "0-2\n");
    numa_nodes_read(root, &nodes);
    assert_int_equal(nodes.n, 2);
    assert_int_equal(nodes.id[1], 2);
    assert_true(CPU_EQUAL(&nodes.cpus[0], &here.cpus[0]) && CPU_EQUAL(&nodes.cpus[1], &here.cpus[1]));
    assert_string_equal(numa_layout_name(&nodes, 1).text, "node 2");
    assert_string_equal(numa_layout_name(&nodes, -1).text, "interleaved over 2 nodes");
}

/* A thread of a library: there before, there behind. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int asked, answered, cpus_of_thread;

static void *look(void *to)
{
    (void)to;
    pthread_mutex_lock(&turn);
    while (asked >= 0) {
        if (asked > answered) {
            cpus_of_thread = cpus_allowed();
            answered = asked;
            pthread_cond_broadcast(&change);
        }
        pthread_cond_wait(&change, &turn);
    }
    pthread_mutex_unlock(&turn);
    return NULL;
}

static int ask_thread(void)
{
    pthread_mutex_lock(&turn);
    asked++;
    pthread_cond_broadcast(&change);
    while (answered < asked)
        pthread_cond_wait(&change, &turn);
    pthread_mutex_unlock(&turn);
    return cpus_of_thread;
}

static void end_thread(pthread_t thread)
{
    pthread_mutex_lock(&turn);
    asked = -1;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&turn);
    pthread_join(thread, NULL);
}

static void test_one_node(void **state)
{
    struct numa_nodes nodes;
    struct numa_layout layout;
    pthread_t thread;
    int before = cpus_allowed();

    (void)state;
    if (!two_nodes(&nodes))
        skip();
    assert_int_equal(pthread_create(&thread, NULL, look, NULL), 0);
    assert_int_equal(ask_thread(), before);
    assert_int_equal(numa_layout_begin(&layout, &nodes, 1, NULL), 0);
    assert_int_equal(kernel->mode, BIND);
    assert_int_equal(kernel->mask, 2);
    assert_int_equal(cpus_allowed(), 1);
    assert_int_equal(ask_thread(), 1);
    numa_layout_end(&layout);
    assert_int_equal(kernel->mode, 0);
    assert_int_equal(cpus_allowed(), before);
    assert_int_equal(ask_thread(), before);
    end_thread(thread);
    numa_layout_end(&layout); /* once more does no harm */
}

/* Huge pages go in turns, small buffers page by page; all threads stay where they are. */
static void test_all_nodes(void **state)
{
    struct numa_nodes nodes;
    struct numa_layout layout;
    struct buffer large = {.data = aligned_alloc(2 << 20, 8 << 20), .bytes = 8 << 20},
                  small = {.data = large.data, .bytes = 3 * 4096};
    int before = cpus_allowed();

    (void)state;
    if (!two_nodes(&nodes))
        skip();
    memset(large.data, 1, large.bytes);
    assert_int_equal(numa_layout_begin(&layout, &nodes, -1, NULL), 0);
    assert_int_equal(kernel->mode, INTERLEAVE);
    assert_int_equal(kernel->mask, 3);
    assert_int_equal(cpus_allowed(), before);
    assert_int_equal(numa_layout_move(&layout, &large, NULL), 0);
    assert_int_equal(kernel->moved[0], kernel->moved[1]);
    assert_int_equal(kernel->moved[0], 2 * (4 << 20) / sysconf(_SC_PAGESIZE));
    assert_true(kernel->last[0] == kernel->last[7]);
    assert_int_equal(numa_layout_move(&layout, &small, NULL), 0);
    assert_true(kernel->last[0] != kernel->last[1] && kernel->last[0] == kernel->last[2]);
    numa_layout_end(&layout);
    assert_int_equal(kernel->mode, 0);
    free(large.data);
}

static void test_refusals(void **state)
{
    struct numa_nodes nodes;
    struct numa_layout layout;
    struct buffer b = {.data = aligned_alloc(4096, 8192), .bytes = 8192};
    struct why why = {{0}};
    int before = cpus_allowed();

    (void)state;
    if (!two_nodes(&nodes))
        skip();
    kernel->refuses = EPERM;
    assert_int_equal(numa_layout_begin(&layout, &nodes, 0, &why), STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "Operation not permitted; hint: in a container"));
    assert_int_equal(cpus_allowed(), before);
    kernel->refuses = 0;
    CPU_ZERO(&nodes.cpus[0]); /* no processor to run on */
    assert_int_equal(numa_layout_begin(&layout, &nodes, 0, &why), STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "cannot be bound"));
    assert_int_equal(cpus_allowed(), before);
    assert_int_equal(kernel->mode, 0);
    kernel->full = 1;
    assert_int_equal(numa_layout_begin(&layout, &nodes, -1, &why), 0);
    assert_int_equal(numa_layout_move(&layout, &b, &why), STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "a page cannot be moved to node 1: it stays"));
    numa_layout_end(&layout);
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nodes, kernel_begin),
        cmocka_unit_test_setup(test_one_node, kernel_begin),
        cmocka_unit_test_setup(test_all_nodes, kernel_begin),
        cmocka_unit_test_setup(test_refusals, kernel_begin),
    };

    return cmocka_run_group_tests_name("NUMA layouts", tests, make_root, remove_root);
}
