/* SPDX-License-Identifier: MIT */
/* A kernel with two NUMA nodes, as far as this program asks it with syscall(): it notes what is
 * asked, in memory that forked processes share. Include after cmocka.h. */
#ifndef OFFLOAD_BENCH_TESTS_TWO_NODES_H
#define OFFLOAD_BENCH_TESTS_TWO_NODES_H

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "devices/numa_layout.h"

enum { MODES = 4, BIND = 2, INTERLEAVE = 3 };

struct kernel_notes {
    int refuses;           /* errno of every request; 0: none */
    int full;              /* node that takes no page; -1: none */
    int mode;              /* policy that holds */
    unsigned long mask;
    long asked;            /* requests to move */
    long moved[2];         /* pages that a node was asked to take, each asked for twice */
    int last[8];           /* nodes of the first pages of the last request */
    int cpus[MODES];       /* that a caller might use under a policy; 0: nobody looked */
};

static struct kernel_notes *kernel;

static inline int kernel_begin(void **state)
{
    (void)state;
    if (!kernel)
        kernel = mmap(NULL, sizeof *kernel, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                      0);
    memset(kernel, 0, sizeof *kernel);
    kernel->full = -1;
    return 0;
}

/* Of a batch's first request every other page is busy, as huge pages are. */
static inline long kernel_move(size_t n, const int *node, int *lies)
{
    bool is_first = kernel->asked++ % 2 == 0;

    for (size_t i = 0; i < n; i++) {
        kernel->moved[node[i]]++;
        if (i < 8)
            kernel->last[i] = node[i];
        lies[i] = node[i] == kernel->full ? 1 - node[i] : is_first && i % 2 ? -EBUSY : node[i];
    }
    return 0;
}

long syscall(long number, ...)
{
    long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    long a[6];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (!kernel || (number != SYS_get_mempolicy && number != SYS_set_mempolicy &&
                    number != SYS_move_pages))
        return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    errno = kernel->refuses;
    if (kernel->refuses)
        return -1;
    if (number == SYS_move_pages)
        return kernel_move((size_t)a[1], (const int *)a[3], (int *)a[4]);
    if (number == SYS_get_mempolicy) {
        *(int *)a[0] = kernel->mode;
        if (a[1])
            *(unsigned long *)a[1] = kernel->mask;
        return 0;
    }
    kernel->mode = (int)a[0];
    kernel->mask = a[1] ? *(const unsigned long *)a[1] : 0;
    return 0;
}

/* One processor each, of those that this process may use; false: it has one only. */
static inline bool two_nodes(struct numa_nodes *nodes)
{
    cpu_set_t allowed;

    *nodes = (struct numa_nodes){.n = 0};
    sched_getaffinity(0, sizeof allowed, &allowed);
    for (int cpu = 0; cpu < CPU_SETSIZE && nodes->n < 2; cpu++)
        if (CPU_ISSET(cpu, &allowed)) {
            CPU_SET(cpu, &nodes->cpus[nodes->n]);
            nodes->id[nodes->n] = nodes->n;
            nodes->n++;
        }
    return nodes->n == 2;
}

static inline int cpus_allowed(void)
{
    cpu_set_t allowed;

    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 0;
}

#endif
