/* SPDX-License-Identifier: MIT */
#include "harness/machine.h"

#include <sys/utsname.h>

json_t *machine_describe(void)
{
    struct utsname host;
    json_t *machine = json_object();

    if (uname(&host) == 0)
        json_object_set_new(machine, "kernel", json_sprintf("%s %s", host.sysname, host.release));
    return machine;
}
