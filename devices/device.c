/* SPDX-License-Identifier: MIT */
/* The list of drivers, and opening a device by its id. */
#include "devices/device.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

extern const struct driver driver_cpu, driver_cuda, driver_opencl;

const struct driver *const drivers[] = {&driver_cpu, &driver_cuda, &driver_opencl, NULL};

int device_list(struct device_row *row, int most, struct why *missing)
{
    int rows = 0;

    for (const struct driver *const *d = drivers; *d; d++) {
        struct why why = {{0}};
        int count = (*d)->count(&why);

        if (count <= 0 && missing)
            missing[(*d)->kind] = why;
        for (int i = 0; i < count && rows < most; i++)
            if ((*d)->describe(i, &row[rows], &why) == 0)
                row[rows++].kind = (*d)->kind;
            else if (missing)
                missing[(*d)->kind] = why;
    }
    return rows;
}

static int unknown(const char *id, struct why *why)
{
    enum { MOST = 32 };
    struct device_row row[MOST];
    const char *name[MOST];
    char near[160];
    int rows = device_list(row, MOST, NULL);

    for (int i = 0; i < rows; i++)
        name[i] = row[i].id.text;
    text_nearest(near, sizeof near, id, name, (size_t)rows);
    return why_fail(why, STATUS_INVALID, "no device '%s' here%s; hint: offload-bench list devices",
                    id, near);
}

int device_open(struct device *device, const char *id, struct why *why)
{
    size_t length = strcspn(id, ":");
    int index = id[length] == ':' ? atoi(id + length + 1) : 0;

    *device = (struct device){0};
    for (const struct driver *const *d = drivers; *d; d++) {
        const char *kind = device_kind_name((*d)->kind);
        int64_t start = clock_ns();
        int count, status;

        if (strlen(kind) != length || strncmp(kind, id, length) != 0)
            continue;
        count = (*d)->count(why);
        if (count < 0)
            return count;
        if (index < 0 || index >= count)
            return unknown(id, why);
        status = (*d)->describe(index, &device->row, why);
        if (status == 0)
            status = (*d)->open(device, index, why);
        device->kind = device->row.kind = (*d)->kind;
        device->open_ns = (double)(clock_ns() - start);
        return status;
    }
    return unknown(id, why);
}

void device_close(struct device *device)
{
    if (device->ops)
        device->ops->close(device);
    *device = (struct device){0};
}
