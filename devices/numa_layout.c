/* SPDX-License-Identifier: MIT */
/* Pages that exist are moved one by one (move_pages): a new policy with mbind leaves those alone
 * that lie on any node of its set. Threads that exist are found in /proc/self/task: libraries keep
 * theirs from call to call. */
#include "devices/numa_layout.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sysfs.h"

/* As in <linux/mempolicy.h>. */
enum { POLICY_BIND = 2, POLICY_INTERLEAVE = 3, MOVE_OWN = 2 };

struct numa_thread {
    pid_t id;
    cpu_set_t cpus;
};

/* ---- nodes ------------------------------------------------------------------------------- */

/* "0-15,32-47" */
static void list_read(const char *list, cpu_set_t *set)
{
    int from, to, used;

    CPU_ZERO(set);
    for (; sscanf(list, "%d%n", &from, &used) == 1; list += *list == ',') {
        list += used;
        to = from;
        if (*list == '-' && sscanf(list + 1, "%d%n", &to, &used) == 1)
            list += 1 + used;
        for (int i = from; i <= to && i >= 0 && i < CPU_SETSIZE; i++)
            CPU_SET(i, set);
    }
}

static bool set_read(const char *root, const char *path, cpu_set_t *set)
{
    char line[4096];
    bool is_read = sysfs_line(root, line, sizeof line, "/sys/devices/system/node/%s", path);

    list_read(is_read ? line : "", set);
    return is_read;
}

void numa_nodes_read(const char *root, struct numa_nodes *nodes)
{
    cpu_set_t allowed, memory;
    char path[40];

    *nodes = (struct numa_nodes){.n = 0};
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    set_read(root, "has_memory", &memory);
    for (int node = 0; node < NUMA_NODES; node++) {
        cpu_set_t *cpus = &nodes->cpus[nodes->n];

        snprintf(path, sizeof path, "node%d/cpulist", node);
        if (!CPU_ISSET(node, &memory) || !set_read(root, path, cpus))
            continue;
        CPU_AND(cpus, cpus, &allowed);
        if (CPU_COUNT(cpus) > 0)
            nodes->id[nodes->n++] = node;
    }
}

struct name numa_layout_name(const struct numa_nodes *nodes, int only)
{
    struct name name;

    if (only >= 0)
        snprintf(name.text, sizeof name.text, "node %d", nodes->id[only]);
    else
        snprintf(name.text, sizeof name.text, "interleaved over %d nodes", nodes->n);
    return name;
}

/* ---- threads ----------------------------------------------------------------------------- */

static int thread_keep(struct numa_layout *l, pid_t id)
{
    struct numa_thread *grown = realloc(l->thread, (l->threads + 1) * sizeof *grown);

    if (!grown)
        return STATUS_MEMORY;
    l->thread = grown;
    grown[l->threads].id = id;
    if (sched_getaffinity(id, sizeof(cpu_set_t), &grown[l->threads].cpus) == 0)
        l->threads++; /* else it has ended */
    return 0;
}

static int thread_bind(struct numa_layout *l, pid_t id)
{
    return sched_setaffinity(id, sizeof(cpu_set_t), &l->nodes->cpus[l->only]) == 0 || errno == ESRCH
               ? 0
               : STATUS_UNAVAILABLE;
}

/* One that was started meanwhile goes where the caller may. */
static int thread_free(struct numa_layout *l, pid_t id)
{
    const cpu_set_t *cpus = &l->cpus;

    for (size_t i = 0; i < l->threads; i++)
        if (l->thread[i].id == id)
            cpus = &l->thread[i].cpus;
    sched_setaffinity(id, sizeof *cpus, cpus);
    return 0;
}

static int threads_each(struct numa_layout *l, int (*visit)(struct numa_layout *, pid_t))
{
    DIR *folder = opendir("/proc/self/task");
    const struct dirent *entry;
    int status = folder ? 0 : STATUS_UNAVAILABLE;

    while (!status && (entry = readdir(folder)))
        if (atoi(entry->d_name) > 0)
            status = visit(l, (pid_t)atoi(entry->d_name));
    if (folder)
        closedir(folder);
    return status;
}

static int threads_bind(struct numa_layout *l, struct why *why)
{
    int status = sched_getaffinity(0, sizeof l->cpus, &l->cpus) == 0 ? 0 : STATUS_UNAVAILABLE;

    if (!status)
        status = threads_each(l, thread_keep);
    if (!status)
        status = threads_each(l, thread_bind);
    return status ? why_fail(why, status, "the threads of this process cannot be bound to one "
                             "node: %s", strerror(errno))
                  : 0;
}

static void threads_free(struct numa_layout *l)
{
    if (l->threads)
        threads_each(l, thread_free);
    free(l->thread);
    l->thread = NULL;
    l->threads = 0;
}

/* ---- layouts ----------------------------------------------------------------------------- */

static uint64_t mask_of(const struct numa_nodes *nodes, int only)
{
    uint64_t mask = 0;

    for (int i = 0; i < nodes->n; i++)
        if (only < 0 || i == only)
            mask |= UINT64_C(1) << nodes->id[i];
    return mask;
}

int numa_layout_begin(struct numa_layout *l, const struct numa_nodes *nodes, int only,
                      struct why *why)
{
    unsigned long mask = mask_of(nodes, only);
    int mode = only < 0 ? POLICY_INTERLEAVE : POLICY_BIND, status;

    *l = (struct numa_layout){.nodes = nodes, .only = only};
    if (syscall(SYS_get_mempolicy, &l->policy.mode, l->policy.nodes, 8 * sizeof l->policy.nodes,
                NULL, 0) != 0 ||
        syscall(SYS_set_mempolicy, mode, &mask, NUMA_NODES + 1) != 0)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "the kernel refuses to say from which node memory comes: %s; hint: in a "
                        "container allow SYS_NICE", strerror(errno));
    l->policy.is_known = true;
    status = only < 0 ? 0 : threads_bind(l, why);
    if (status)
        numa_layout_end(l);
    return status;
}

void numa_layout_end(struct numa_layout *l)
{
    threads_free(l);
    numa_restore(&l->policy);
    *l = (struct numa_layout){.nodes = NULL};
}

/* ---- pages ------------------------------------------------------------------------------- */

enum { BATCH = 1024, HUGE_BYTES = 2 << 20 };

/* Where the pages then lie is *lies. */
static int ask_to_move(void **page, const int *node, int *lies, size_t n, struct why *why)
{
    return syscall(SYS_move_pages, 0, n, page, node, lies, MOVE_OWN) >= 0
               ? 0
               : why_fail(why, STATUS_UNAVAILABLE, "the kernel refuses to move pages between nodes: "
                          "%s; hint: in a container allow SYS_NICE", strerror(errno));
}

/* Of a huge page's small ones the first moves them all and the second is said to be busy: asked
 * again, all of them say where they lie. */
static int move_batch(void **page, const int *node, size_t n, struct why *why)
{
    int lies[BATCH], status = ask_to_move(page, node, lies, n, why);

    if (!status)
        status = ask_to_move(page, node, lies, n, why);
    for (size_t i = 0; i < n && !status; i++)
        if (lies[i] != node[i])
            status = why_fail(why, STATUS_UNAVAILABLE, "a page cannot be moved to node %d: %s",
                              node[i], lies[i] < 0 ? strerror(-lies[i]) : "it stays where it was");
    return status;
}

int numa_layout_move(const struct numa_layout *l, const struct buffer *b, struct why *why)
{
    size_t small = (size_t)sysconf(_SC_PAGESIZE), step = b->bytes < HUGE_BYTES ? small : HUGE_BYTES;
    uintptr_t at = (uintptr_t)b->data / small * small, end = (uintptr_t)b->data + b->bytes;
    void *page[BATCH];
    int node[BATCH], status = 0;

    while (at < end && !status) {
        size_t n = 0;

        for (; n < BATCH && at < end; n++, at += small) {
            size_t turn = l->only >= 0 ? (size_t)l->only : at / step % (size_t)l->nodes->n;

            page[n] = (void *)at;
            node[n] = l->nodes->id[turn];
        }
        status = move_batch(page, node, n, why);
    }
    return status;
}
