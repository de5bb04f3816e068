/* SPDX-License-Identifier: MIT */
/* The kernel's calls themselves: they need no libnuma. Distances are those of
 * /sys/devices/system/node/nodeN/distance, one number per node. */
#include "devices/numa.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sysfs.h"

/* As in <linux/mempolicy.h>. */
enum {
    POLICY_PREFERRED = 1, FLAG_NODE = 1, FLAG_ADDRESS = 2,
    NODES = 64, POLICY_BITS = 8 * sizeof(((struct numa_policy *)0)->nodes)
};

void numa_prefer(int node, struct numa_policy *before)
{
    unsigned long mask = node >= 0 && node < NODES ? 1ul << node : 0;

    *before = (struct numa_policy){.mode = 0};
    before->is_known = mask && syscall(SYS_get_mempolicy, &before->mode, before->nodes,
                                       POLICY_BITS, NULL, 0) == 0;
    if (before->is_known)
        syscall(SYS_set_mempolicy, POLICY_PREFERRED, &mask, NODES + 1);
}

void numa_restore(const struct numa_policy *before)
{
    if (before->is_known)
        syscall(SYS_set_mempolicy, before->mode, before->nodes, POLICY_BITS);
}

int numa_node_of(const void *address)
{
    int node = -1;

    return syscall(SYS_get_mempolicy, &node, NULL, 0, address, FLAG_NODE | FLAG_ADDRESS) == 0
               ? node
               : -1;
}

static int farthest(const char *root, int from)
{
    char line[1024], *at = line, *end;
    long most = 0;
    int far = from;

    if (from < 0 || !sysfs_line(root, line, sizeof line,
                                "/sys/devices/system/node/node%d/distance", from))
        return from;
    for (int node = 0; node < NODES; node++, at = end) {
        long distance = strtol(at, &end, 10);

        if (end == at)
            break;
        if (distance > most) {
            most = distance;
            far = node;
        }
    }
    return far;
}

/* The node that `wish` names, -1 when it names none that is here. */
static int named(const char *root, const char *wish)
{
    char line[1024], *end;
    long node = strtol(wish, &end, 10);

    return end != wish && !*end && node >= 0 && node < NODES &&
                   sysfs_line(root, line, sizeof line,
                              "/sys/devices/system/node/node%ld/distance", node)
               ? (int)node
               : -1;
}

int numa_check(const char *root, const char *wish, struct why *why)
{
    char online[64];

    if (strcmp(wish, "near") == 0 || named(root, wish) >= 0)
        return 0;
    if (!sysfs_line(root, online, sizeof online, "/sys/devices/system/node/online"))
        strcpy(online, "none");
    if (strcmp(wish, "far") != 0)
        return why_fail(why, STATUS_INVALID,
                        "'%.20s' is no memory node here; hint: near, far or one of %s", wish, online);
    return strpbrk(online, ",-") ? 0
                                 : why_fail(why, STATUS_INVALID,
                                            "'far': this machine has one memory node (%s)", online);
}

int numa_choose(const char *root, int near)
{
    const char *wish = getenv("OFFLOAD_BENCH_NUMA");
    int node;

    if (!wish || !*wish || strcmp(wish, "near") == 0)
        return near;
    if (strcmp(wish, "far") == 0)
        return farthest(root, near);
    node = named(root, wish);
    return node >= 0 ? node : near;
}
