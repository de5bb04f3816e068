/* SPDX-License-Identifier: MIT */
/* NVIDIA GPUs through the driver library opened at run time. Which GPUs there are, and in which
 * order, is the driver's to say: CUDA_VISIBLE_DEVICES and MIG slices are its own affair. Each
 * is a device with the primary context, which vendor libraries share. */
#include "devices/device.h"

#include "base/why.h"
#include "devices/cuda_compiler.h"

#ifndef HAVE_CUDA

static int cuda_count(struct why *why)
{
    return cuda_compiler_version(NULL, why);
}

const struct driver driver_cuda = {.kind = DEVICE_CUDA, .count = cuda_count};

#else

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/cuda.h"
#include "devices/numa.h"
#include "devices/nvidia.h"

enum { DRIVER_OLDEST = 11080 }; /* CUDA 11.8 */

/* ---- which there are ------------------------------------------------------------------- */

/* cuInit failed: errors that have a reason of their own, by number because older headers lack
 * some of the names. */
static int init_failed(CUresult error, struct why *why)
{
    char number[32];

    switch ((int)error) {
    case 34:
        return why_fail(why, STATUS_UNAVAILABLE,
                        "libcuda.so.1 is the toolkit's stub, not a driver; hint: take "
                        "lib64/stubs out of LD_LIBRARY_PATH");
    case 100: case 101:
        return nvidia_absent("/", true, why);
    case 802:
        return why_fail(why, STATUS_UNAVAILABLE,
                        "the GPUs' NVSwitch fabric is not ready; hint: sudo systemctl start "
                        "nvidia-fabricmanager");
    case 803:
        return why_fail(why, STATUS_UNAVAILABLE,
                        "libcuda.so.1 and the kernel driver are of different versions; hint: "
                        "restart after the driver's update");
    case 804:
        return why_fail(why, STATUS_UNAVAILABLE,
                        "the compatibility libcuda.so.1 does not support this GPU; hint: take "
                        "cuda-compat out of LD_LIBRARY_PATH");
    }
    if (!nvidia_has_kernel_driver("/"))
        return nvidia_absent("/", true, why);
    return why_fail(why, STATUS_UNAVAILABLE,
                    "NVIDIA's driver does not start (%s); hint: nvidia-smi and dmesg | grep NVRM "
                    "say more", cuda_error_name(error, number, sizeof number));
}

static int cuda_count(struct why *why)
{
    int version = 0, count = 0, status = cuda_load(why);
    CUresult error;

    if (status)
        return status;
    error = cu.cuInit(0);
    if (error != CUDA_SUCCESS)
        return init_failed(error, why);
    version = cuda_driver_interface();
    if (version > 0 && version < DRIVER_OLDEST)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "the NVIDIA driver is for CUDA %d.%d, too old; hint: install a driver for "
                        "CUDA 11.8 or newer (520 or later)", version / 1000, version % 1000 / 10);
    error = cu.cuDeviceGetCount(&count);
    if (error != CUDA_SUCCESS)
        return init_failed(error, why);
    return count > 0 ? count : nvidia_absent("/", true, why);
}

static bool cuda_hides(struct why *why)
{
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    int here = cuda_count(NULL), all = nvidia_on_bus("/");

    if (here < 0)
        return false;
    if (visible)
        why_fail(why, STATUS_OK,
                 "CUDA_VISIBLE_DEVICES='%.80s' leaves %d of the GPUs in sight (%d on the PCI bus)",
                 visible, here, all);
    else if (here < all)
        why_fail(why, STATUS_OK,
                 "%d NVIDIA GPUs are on the PCI bus, the driver offers %d (others may be in MIG "
                 "mode without slices, of another driver, or held back by the container)", all,
                 here);
    return visible || here < all;
}

/* An emulation says so in its name, or needs no kernel driver. */
static enum evidence evidence_of(const char *model)
{
    return strcasestr(model, "emulated") || !nvidia_has_kernel_driver("/") ? EVIDENCE_SOFTWARE
                                                                          : EVIDENCE_MEASURED;
}

/* "GPU-6f1c0d3e-....", as NVML spells it; slices of a GPU begin with "MIG-". */
static void uuid_text(CUdevice id, const char *model, struct name *out)
{
    CUuuid uuid;
    int n;

    if (!cu.cuDeviceGetUuid || cu.cuDeviceGetUuid(&uuid, id) != CUDA_SUCCESS)
        return;
    n = snprintf(out->text, sizeof out->text, "%s-", strstr(model, "MIG ") ? "MIG" : "GPU");
    for (int i = 0; i < 16; i++)
        n += snprintf(out->text + n, sizeof out->text - (size_t)n, "%s%02x",
                      i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                      (unsigned char)uuid.bytes[i]);
}

/* "driver 535.104.05, CUDA 12.2", what of it is known. */
static void driver_text(char *out, size_t size)
{
    int interface = cuda_driver_interface();
    char version[64] = "", cuda[32] = "";

    nvidia_driver_version("/", version, sizeof version);
    if (interface > 0)
        snprintf(cuda, sizeof cuda, "%sCUDA %d.%d", *version ? ", " : "for ", interface / 1000,
                 interface % 1000 / 10);
    snprintf(out, size, "driver %s%s", *version || *cuda ? version : "of unknown version", cuda);
}

/* ---- what it can do ---------------------------------------------------------------------- */

static bool has_prefetch(CUdevice id)
{
    return cu.cuMemPrefetchAsync &&
           cuda_attribute(id, CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS);
}

static bool has_graphs(void)
{
    return cu.cuStreamBeginCapture && cu.cuStreamEndCapture && cu.cuGraphInstantiateWithFlags &&
           cu.cuGraphLaunch && cu.cuGraphExecDestroy && cu.cuGraphDestroy;
}

static void lacks_text(CUdevice id, char *out, size_t size)
{
    const struct {
        bool is_there;
        const char *name;
    } part[] = {{cuda_has_memory(id, MEMORY_PINNED), "pinned memory"},
                {cuda_has_memory(id, MEMORY_MAPPED), "mapped memory"},
                {cuda_has_memory(id, MEMORY_MANAGED), "managed memory"},
                {has_prefetch(id), "prefetch"},
                {cu.cuStreamWaitEvent, "overlapped transfers"},
                {has_graphs(), "graphs"}};
    size_t n = 0;

    *out = '\0';
    for (size_t i = 0; i < sizeof part / sizeof *part && n < size; i++)
        if (!part[i].is_there)
            n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "this driver or GPU has no ",
                                  part[i].name);
}

/* ---- describing -------------------------------------------------------------------------- */

static int cuda_describe(int index, struct device_row *row, struct why *why)
{
    struct device nobody = {.self = &(struct cuda){.id = 0}}, *device = &nobody;
    CUdevice id;

    *row = (struct device_row){.kind = DEVICE_CUDA};
    snprintf(row->id.text, sizeof row->id.text, "cuda:%d", index);
    CU_TRY(cu.cuDeviceGet(&id, index), row->id.text);
    CU_TRY(cu.cuDeviceGetName(row->model, sizeof row->model, id), row->id.text);
    driver_text(row->driver, sizeof row->driver);
    row->evidence = evidence_of(row->model);
    row->is_gpu = row->evidence == EVIDENCE_MEASURED;
    row->cache_bytes = (uint64_t)cuda_attribute(id, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
    uuid_text(id, row->model, &row->uuid);
    if (!cu.cuDeviceGetPCIBusId ||
        cu.cuDeviceGetPCIBusId(row->bus.text, sizeof row->bus.text, id) != CUDA_SUCCESS)
        row->bus.text[0] = '\0';
    for (char *c = row->bus.text; *c; c++) /* sysfs writes it in lower case */
        *c = *c >= 'A' && *c <= 'F' ? (char)(*c - 'A' + 'a') : *c;
    row->node = numa_choose("/", nvidia_node("/", row->bus.text));
    lacks_text(id, row->lacks, sizeof row->lacks);
    return 0;
}

/* ---- marks ------------------------------------------------------------------------------- */

/* A point whose event is nobody's: one that was taken back, else a new one. */
static int point_free(struct device *device, struct point **point, struct why *why)
{
    struct cuda *self = device->self;
    struct point *p = self->points;
    CUresult error;

    while (p && p->is_taken)
        p = p->next;
    *point = p;
    if (p)
        return 0;
    p = calloc(1, sizeof *p);
    if (!p)
        return why_fail(why, STATUS_MEMORY, "cannot set a mark: out of memory");
    error = cu.cuEventCreate(&p->event, CU_EVENT_DEFAULT);
    if (error != CUDA_SUCCESS) {
        free(p);
        return cuda_fail(device, error, "cannot set a mark", why);
    }
    p->next = self->points;
    *point = self->points = p;
    return 0;
}

static int cuda_mark(struct device *device, struct mark *mark, struct why *why)
{
    struct cuda *self = device->self;
    struct point *p = mark->event;
    int status = cuda_enter(device, why);

    if (!status && !p)
        status = point_free(device, &p, why);
    if (status)
        return status;
    CU_TRY(cu.cuEventRecord(p->event, self->stream), "cannot set a mark");
    p->is_taken = true;
    mark->event = p;
    return 0;
}

static double cuda_elapsed_ns(struct device *device, struct mark *from, struct mark *to)
{
    struct point *start = from->event, *end = to->event;
    CUresult error = CUDA_SUCCESS;
    float ms = NAN;

    if (start && end && cuda_enter(device, NULL) == 0) {
        error = cu.cuEventSynchronize(end->event);
        if (error == CUDA_SUCCESS)
            error = cu.cuEventElapsedTime(&ms, start->event, end->event);
        cuda_note(device, error, "reading the device's clock");
    }
    if (start)
        start->is_taken = false;
    if (end)
        end->is_taken = false;
    *from = *to = (struct mark){0};
    return error == CUDA_SUCCESS ? 1e6 * (double)ms : NAN;
}

/* ---- opening ----------------------------------------------------------------------------- */

static void points_release(struct device *device)
{
    struct cuda *self = device->self;

    while (self->points) {
        struct point *next = self->points->next;

        cuda_note(device, cu.cuEventDestroy(self->points->event), "letting go of an event");
        free(self->points);
        self->points = next;
    }
}

/* After a fault every call fails, and there is nothing to say of it; otherwise a failure to
 * let go is a fault of this program and must not pass unseen. */
static void cuda_close(struct device *device)
{
    struct cuda *self = device->self;
    bool was_lost = self->lost.text[0];

    if (self->context) {
        cuda_note(device, cu.cuCtxSetCurrent(self->context), "closing");
        cuda_kernels_release(device);
        points_release(device);
        cuda_lanes_release(device);
        cuda_note(device, cu.cuCtxSetCurrent(NULL), "closing");
        cuda_note(device, cu.cuDevicePrimaryCtxRelease(self->id), "closing");
    }
    if (!was_lost && self->lost.text[0])
        fprintf(stderr, "offload-bench: %s: %s\n", device->row.id.text, self->lost.text);
    free(self);
}

static const struct device_ops cuda_ops = {
    .close = cuda_close,
    .alloc = cuda_alloc,
    .free = cuda_free,
    .copy = cuda_copy,
    .build = cuda_build,
    .launch = cuda_launch,
    .mark = cuda_mark,
    .elapsed_ns = cuda_elapsed_ns,
    .sync = cuda_sync,
    .prefetch = cuda_prefetch,
    .lanes = &cuda_lanes,
    .recording = &cuda_recording,
};

/* The parts that this driver's functions carry. */
static struct device_ops ops_here(CUdevice id)
{
    struct device_ops ops = cuda_ops;

    if (!has_prefetch(id))
        ops.prefetch = NULL;
    if (!cu.cuStreamWaitEvent)
        ops.lanes = NULL;
    if (!has_graphs())
        ops.recording = NULL;
    return ops;
}

static int open_context(struct device *device, int index, struct why *why)
{
    struct cuda *self = device->self;
    size_t bytes = 0;

    CU_TRY(cu.cuDeviceGet(&self->id, index), "cannot open the device");
    if (cu.cuDeviceTotalMem && cu.cuDeviceTotalMem(&bytes, self->id) == CUDA_SUCCESS)
        device->memory_bytes = bytes;
    CU_TRY(cu.cuDevicePrimaryCtxRetain(&self->context, self->id), "cannot make a CUDA context");
    return cuda_lane_use(device, 0, why);
}

/* What every GPU of compute capability 2.0 or newer has, where the driver does not say. */
static int attribute_or(CUdevice id, CUdevice_attribute what, int least)
{
    int value = cuda_attribute(id, what);

    return value > 0 ? value : least;
}

static struct device_facts facts_of(CUdevice id)
{
    return (struct device_facts){
        .compute_units = attribute_or(id, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 1),
        .group_limit = attribute_or(id, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024),
        .local_bytes =
            attribute_or(id, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 48 << 10),
        .capability = cuda_compiler_capability(
            10 * cuda_attribute(id, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) +
            cuda_attribute(id, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR))};
}

static int cuda_open(struct device *device, int index, struct why *why)
{
    struct cuda *self = calloc(1, sizeof *self);
    int status;

    if (!self)
        return why_fail(why, STATUS_MEMORY, "cannot open %s: out of memory", device->row.id.text);
    device->self = self;
    device->ops = &cuda_ops; /* so that closing works from here on */
    status = open_context(device, index, why);
    if (status) {
        device_close(device);
        return status;
    }
    device->facts = facts_of(self->id);
    self->ops = ops_here(self->id);
    device->ops = &self->ops;
    return 0;
}

const struct driver driver_cuda = {.kind = DEVICE_CUDA, .count = cuda_count,
                                   .describe = cuda_describe, .open = cuda_open,
                                   .hides = cuda_hides};

#endif
