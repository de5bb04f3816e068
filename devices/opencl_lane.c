/* SPDX-License-Identifier: MIT */
/* Further queues of an OpenCL device, so that copies and kernels may run beside each other.
 * One queue waits for another by a barrier on a marker. */
#include "devices/opencl.h"

#ifdef HAVE_OPENCL

static int lane_make(struct opencl *self, int lane, struct why *why)
{
    cl_int error = CL_SUCCESS;

    if (lane < 0 || lane >= LANES)
        return why_fail(why, STATUS_INVALID, "no lane %d: there are %d", lane, LANES);
    if (!self->lane[lane])
        self->lane[lane] = cl.clCreateCommandQueue(self->context, self->id,
                                                   CL_QUEUE_PROFILING_ENABLE, &error);
    CL_TRY(error, "cannot create an OpenCL queue");
    return 0;
}

int opencl_lane_use(struct device *device, int lane, struct why *why)
{
    struct opencl *self = device->self;
    int status = lane_make(self, lane, why);

    if (!status)
        self->queue = device->queue = self->lane[lane];
    return status;
}

static int lane_wait(struct device *device, int lane, int first, struct why *why)
{
    struct opencl *self = device->self;
    cl_event event;
    cl_int error;
    int status = lane_make(self, lane, why);

    if (status || first < 0 || first >= LANES || !self->lane[first])
        return status; /* a lane never used has nothing to wait for */
    CL_TRY(cl.clEnqueueMarkerWithWaitList(self->lane[first], 0, NULL, &event),
           "cannot set a mark");
    error = cl.clFlush(self->lane[first]); /* what another queue waits for must be under way */
    if (error == CL_SUCCESS)
        error = cl.clEnqueueBarrierWithWaitList(self->lane[lane], 1, &event, NULL);
    cl.clReleaseEvent(event);
    CL_TRY(error, "cannot wait for another queue");
    return 0;
}

int opencl_sync(struct device *device, struct why *why)
{
    struct opencl *self = device->self;

    for (int i = 0; i < LANES; i++)
        if (self->lane[i])
            CL_TRY(cl.clFinish(self->lane[i]), "waiting for the device failed");
    return 0;
}

void opencl_lanes_release(struct opencl *self)
{
    for (int i = 0; i < LANES; i++)
        if (self->lane[i])
            cl.clReleaseCommandQueue(self->lane[i]);
}

const struct lane_ops opencl_lanes = {
    .use = opencl_lane_use, .wait = lane_wait, .copy = opencl_copy_part};

#endif
