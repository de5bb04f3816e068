/* SPDX-License-Identifier: MIT */
/* Further streams, so that copies and kernels may run beside each other, and graphs: work that
 * is written down once and enqueued by one call. */
#include "devices/cuda.h"

#ifdef HAVE_CUDA

#include <stdlib.h>

static int lane_make(struct device *device, int lane, struct why *why)
{
    struct cuda *self = device->self;
    int status = cuda_enter(device, why);

    if (status)
        return status;
    if (lane < 0 || lane >= LANES)
        return why_fail(why, STATUS_INVALID, "no lane %d: there are %d", lane, LANES);
    if (!self->lane[lane])
        CU_TRY(cu.cuStreamCreate(&self->lane[lane], CU_STREAM_NON_BLOCKING),
               "cannot create a CUDA stream");
    return 0;
}

int cuda_lane_use(struct device *device, int lane, struct why *why)
{
    struct cuda *self = device->self;
    int status = lane_make(device, lane, why);

    if (!status)
        self->stream = device->queue = self->lane[lane];
    return status;
}

static int lane_wait(struct device *device, int lane, int first, struct why *why)
{
    struct cuda *self = device->self;
    int status = lane_make(device, lane, why);

    if (status || first < 0 || first >= LANES || !self->lane[first])
        return status; /* a lane never used has nothing to wait for */
    if (!self->crossing[first])
        CU_TRY(cu.cuEventCreate(&self->crossing[first], CU_EVENT_DISABLE_TIMING),
               "cannot create a CUDA event");
    CU_TRY(cu.cuEventRecord(self->crossing[first], self->lane[first]), "cannot set a mark");
    CU_TRY(cu.cuStreamWaitEvent(self->lane[lane], self->crossing[first], 0),
           "cannot wait for another stream");
    return 0;
}

int cuda_sync(struct device *device, struct why *why)
{
    struct cuda *self = device->self;
    int status = cuda_enter(device, why);

    for (int i = 0; i < LANES && !status; i++)
        if (self->lane[i])
            CU_TRY(cu.cuStreamSynchronize(self->lane[i]), "waiting for the device failed");
    return status;
}

void cuda_lanes_release(struct device *device)
{
    struct cuda *self = device->self;

    for (int i = 0; i < LANES; i++) {
        if (self->crossing[i])
            cuda_note(device, cu.cuEventDestroy(self->crossing[i]), "letting go of an event");
        if (self->lane[i])
            cuda_note(device, cu.cuStreamDestroy(self->lane[i]), "letting go of a stream");
    }
}

const struct lane_ops cuda_lanes = {
    .use = cuda_lane_use, .wait = lane_wait, .copy = cuda_copy_part};

/* ---- graphs ---------------------------------------------------------------------------- */

struct recording {
    CUgraph graph;
    CUgraphExec work;
};

static int recording_start(struct device *device, struct why *why)
{
    struct cuda *self = device->self;
    int status = cuda_enter(device, why);

    if (status)
        return status;
    CU_TRY(cu.cuStreamBeginCapture(self->stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
           "cannot record a CUDA graph");
    return 0;
}

static void recording_free(struct device *device, struct recording *r)
{
    struct cuda *self = device->self;

    if (!r)
        return;
    cuda_note(device, cu.cuCtxSetCurrent(self->context), "letting go of a CUDA graph");
    if (r->work)
        cuda_note(device, cu.cuGraphExecDestroy(r->work), "letting go of a CUDA graph");
    if (r->graph)
        cuda_note(device, cu.cuGraphDestroy(r->graph), "letting go of a CUDA graph");
    free(r);
}

static int recording_stop(struct device *device, struct recording **recording, struct why *why)
{
    struct cuda *self = device->self;
    struct recording *r = calloc(1, sizeof *r);
    CUgraph graph = NULL;
    CUresult error;
    int status = cuda_enter(device, why);

    if (status) {
        free(r);
        return status;
    }
    error = cu.cuStreamEndCapture(self->stream, &graph);
    if (!r) {
        if (graph)
            cuda_note(device, cu.cuGraphDestroy(graph), "letting go of a CUDA graph");
        return why_fail(why, STATUS_MEMORY, "cannot record a CUDA graph: out of memory");
    }
    r->graph = graph;
    if (error == CUDA_SUCCESS)
        error = cu.cuGraphInstantiateWithFlags(&r->work, graph, 0);
    if (error != CUDA_SUCCESS) {
        r->work = NULL;
        recording_free(device, r);
        return cuda_fail(device, error, "cannot record a CUDA graph", why);
    }
    *recording = r;
    return 0;
}

static int recording_replay(struct device *device, struct recording *r, struct why *why)
{
    struct cuda *self = device->self;
    int status = cuda_enter(device, why);

    if (status)
        return status;
    CU_TRY(cu.cuGraphLaunch(r->work, self->stream), "cannot replay a CUDA graph");
    return 0;
}

const struct recording_ops cuda_recording = {.start = recording_start, .stop = recording_stop,
                                             .replay = recording_replay, .free = recording_free};

#endif
