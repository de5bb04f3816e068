/* SPDX-License-Identifier: MIT */
/* What the GPU itself says it did in a pass: CUPTI's activity records of kernels, copies,
 * fills, driver calls and CUPTI's own overhead. Records come in buffers from a bounded pool,
 * on a thread of CUPTI's; what finds no buffer is dropped and counted. The fields read are at
 * the same place in the records of every CUPTI since CUDA 9, whose newest types the types
 * named here are the beginning of. */
#include "probes/probe.h"

#include "probes/cuda_context.h"
#include "probes/cupti_symbols.h"

#ifndef HAVE_CUPTI

static int activity_open(void **self, const char *root, const struct metric **metric,
                         int *count, struct why *why)
{
    (void)self, (void)metric, (void)count;
    return cupti_library(root, why) ? 0 : STATUS_UNAVAILABLE;
}

const struct probe probe_cupti_activity = {
    .name = "cupti_activity",
    .brief = "times of kernels and copies on NVIDIA GPUs (CUPTI)",
    .traits = PROBE_INTRUSIVE | PROBE_CUDA,
    .open = activity_open,
};

#else

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/trace.h"

enum value {
    KERNEL_TIME,
    KERNELS,
    COPY_TIME,
    COPIED,
    FILL_TIME,
    LAUNCH_CALL,
    LAUNCH_LATENCY,
    OVERHEAD,
    DROPPED,
    VALUES
};

static const struct metric metrics[VALUES] = {
    [KERNEL_TIME] = {"kernel_time", "s", "on the GPU, all kernels of a call", BETTER_LOWER},
    [KERNELS] = {"kernels", "1", "kernels of a call", BETTER_LOWER},
    [COPY_TIME] = {"copy_time", "s", "on the GPU, copies", BETTER_LOWER},
    [COPIED] = {"copied", "byte", "bytes of these", BETTER_LOWER},
    [FILL_TIME] = {"fill_time", "s", "on the GPU, memset", BETTER_LOWER},
    [LAUNCH_CALL] = {"launch_call", "s", "inside the driver's launch of kernels", BETTER_LOWER},
    [LAUNCH_LATENCY] = {"launch_latency", "s", "from that call to the kernels' start",
                        BETTER_LOWER},
    [OVERHEAD] = {"cupti_overhead", "s", "that CUPTI caused", BETTER_LOWER},
    [DROPPED] = {"dropped", "1", "records lost for want of buffers: above 0 the others are "
                                 "too small", BETTER_LOWER},
};

static const CUpti_ActivityKind kinds[] = {
    CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, CUPTI_ACTIVITY_KIND_MEMCPY,
    CUPTI_ACTIVITY_KIND_MEMSET, CUPTI_ACTIVITY_KIND_DRIVER, CUPTI_ACTIVITY_KIND_OVERHEAD};

enum { KINDS = sizeof kinds / sizeof *kinds, BUFFERS = 8, LAUNCHES = 4096 };
static const size_t buffer_bytes = 256 << 10;

/* A kernel and the driver call that launched it share a number, and arrive in any order. */
struct launch {
    uint32_t call_id, kernel_id;
    uint64_t call_start, call_end, kernel_start;
};

/* One per process: CUPTI's callbacks carry nothing of ours. */
static struct {
    pthread_mutex_t lock;
    const struct cupti *cupti;
    uint8_t *buffer[BUFFERS];
    bool is_lent[BUFFERS], is_registered;
    struct launch launch[LAUNCHES];
    double value[VALUES];
    int64_t clock_offset_ns;     /* from CUPTI's clock to ours */
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- records ---------------------------------------------------------------------------- */

static void span(int track, const char *category, const char *name, uint64_t start,
                 uint64_t end)
{
    trace_span(track, category, name, (int64_t)start + seen.clock_offset_ns,
               (int64_t)end + seen.clock_offset_ns);
}

static int stream_track(uint32_t stream)
{
    return TRACK_STREAM + (int)stream;
}

static void see_kernel(const CUpti_ActivityKernel4 *r)
{
    struct launch *launch = &seen.launch[r->correlationId % LAUNCHES];

    seen.value[KERNEL_TIME] += (double)(r->end - r->start) * 1e-9;
    seen.value[KERNELS]++;
    launch->kernel_id = r->correlationId;
    launch->kernel_start = r->start;
    span(stream_track(r->streamId), "kernel", r->name ? r->name : "kernel", r->start, r->end);
}

static void see_call(const CUpti_ActivityAPI *r)
{
    struct launch *launch = &seen.launch[r->correlationId % LAUNCHES];

    launch->call_id = r->correlationId;
    launch->call_start = r->start;
    launch->call_end = r->end;
}

static void see_copy(const CUpti_ActivityMemcpy *r)
{
    seen.value[COPY_TIME] += (double)(r->end - r->start) * 1e-9;
    seen.value[COPIED] += (double)r->bytes;
    span(stream_track(r->streamId), "copy", "copy", r->start, r->end);
}

static void see_fill(const CUpti_ActivityMemset *r)
{
    seen.value[FILL_TIME] += (double)(r->end - r->start) * 1e-9;
    span(stream_track(r->streamId), "fill", "memset", r->start, r->end);
}

static void see_overhead(const CUpti_ActivityOverhead *r)
{
    seen.value[OVERHEAD] += (double)(r->end - r->start) * 1e-9;
}

static void see(const CUpti_Activity *r)
{
    switch (r->kind) {
    case CUPTI_ACTIVITY_KIND_KERNEL:
    case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
        see_kernel((const void *)r);
        break;
    case CUPTI_ACTIVITY_KIND_DRIVER:
        see_call((const void *)r);
        break;
    case CUPTI_ACTIVITY_KIND_MEMCPY:
        see_copy((const void *)r);
        break;
    case CUPTI_ACTIVITY_KIND_MEMSET:
        see_fill((const void *)r);
        break;
    case CUPTI_ACTIVITY_KIND_OVERHEAD:
        see_overhead((const void *)r);
        break;
    default:
        break;
    }
}

/* Only calls that have a kernel are launches. More than the table holds are not half counted. */
static void add_launches(void)
{
    if (seen.value[KERNELS] > LAUNCHES) {
        seen.value[LAUNCH_CALL] = seen.value[LAUNCH_LATENCY] = NAN;
        return;
    }
    for (int i = 0; i < LAUNCHES; i++) {
        const struct launch *launch = &seen.launch[i];

        if (!launch->kernel_id || launch->kernel_id != launch->call_id)
            continue;
        seen.value[LAUNCH_CALL] += (double)(launch->call_end - launch->call_start) * 1e-9;
        seen.value[LAUNCH_LATENCY] +=
            ((double)launch->kernel_start - (double)launch->call_start) * 1e-9;
        span(TRACK_DRIVER, "driver", "launch", launch->call_start, launch->call_end);
    }
}

/* ---- buffers ---------------------------------------------------------------------------- */

static void CUPTIAPI lend(uint8_t **buffer, size_t *bytes, size_t *most)
{
    *buffer = NULL;
    *bytes = *most = 0;
    pthread_mutex_lock(&seen.lock);
    for (int i = 0; i < BUFFERS && !*buffer; i++) {
        if (seen.is_lent[i])
            continue;
        if (!seen.buffer[i])
            seen.buffer[i] = aligned_alloc(64, buffer_bytes);
        if (!seen.buffer[i])
            break;
        seen.is_lent[i] = true;
        *buffer = seen.buffer[i];
        *bytes = buffer_bytes;
    }
    pthread_mutex_unlock(&seen.lock);
}

static void CUPTIAPI take_back(CUcontext context, uint32_t stream, uint8_t *buffer,
                               size_t bytes, size_t valid)
{
    CUpti_Activity *record = NULL;
    size_t dropped = 0;

    (void)bytes;
    pthread_mutex_lock(&seen.lock);
    while (buffer && valid &&
           seen.cupti->ActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS)
        see(record);
    if (seen.cupti->ActivityGetNumDroppedRecords(context, stream, &dropped) == CUPTI_SUCCESS)
        seen.value[DROPPED] += (double)dropped;
    for (int i = 0; i < BUFFERS; i++)
        if (seen.buffer[i] == buffer)
            seen.is_lent[i] = false;
    pthread_mutex_unlock(&seen.lock);
}

/* ---- the probe -------------------------------------------------------------------------- */

static int activity_open(void **self, const char *root, const struct metric **metric,
                         int *count, struct why *why)
{
    const struct cupti *cupti = cupti_library(root, why);

    if (!cupti || cuda_driver_present(root, why) != 0)
        return STATUS_UNAVAILABLE;
    seen.cupti = cupti;
    seen.is_registered = false;
    *self = &seen;
    *metric = metrics;
    *count = VALUES;
    return 0;
}

static void disable(int kinds_enabled)
{
    for (int i = 0; i < kinds_enabled; i++)
        seen.cupti->ActivityDisable(kinds[i]);
}

static int activity_start(void *self, struct why *why)
{
    CUptiResult result = CUPTI_SUCCESS;
    uint64_t now = 0;

    (void)self;
    if (!seen.is_registered)
        result = seen.cupti->ActivityRegisterCallbacks(lend, take_back);
    seen.is_registered = result == CUPTI_SUCCESS;
    for (int i = 0; i < KINDS && result == CUPTI_SUCCESS; i++) {
        result = seen.cupti->ActivityEnable(kinds[i]);
        if (result != CUPTI_SUCCESS)
            disable(i);
    }
    if (result != CUPTI_SUCCESS)
        return cupti_fail(seen.cupti, result, "record activity", why);
    memset(seen.value, 0, sizeof seen.value);
    memset(seen.launch, 0, sizeof seen.launch);
    if (seen.cupti->GetTimestamp(&now) == CUPTI_SUCCESS)
        seen.clock_offset_ns = clock_ns() - (int64_t)now;
    return 0;
}

static int activity_stop(void *self, double *value)
{
    CUptiResult result;

    (void)self;
    result = seen.cupti->ActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    disable(KINDS);
    if (result != CUPTI_SUCCESS)
        return STATUS_DEVICE;
    pthread_mutex_lock(&seen.lock);
    add_launches();
    memcpy(value, seen.value, sizeof seen.value);
    pthread_mutex_unlock(&seen.lock);
    return 0;
}

/* Buffers stay: CUPTI may hand one back as late as at the process's end. */
static void activity_close(void *self)
{
    (void)self;
}

const struct probe probe_cupti_activity = {
    .name = "cupti_activity",
    .brief = "times of kernels and copies on NVIDIA GPUs (CUPTI)",
    .traits = PROBE_INTRUSIVE | PROBE_CUDA,
    .open = activity_open,
    .start = activity_start,
    .stop = activity_stop,
    .close = activity_close,
};

#endif
