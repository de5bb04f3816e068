/* SPDX-License-Identifier: MIT */
/* Streams and events. An event stands for a place in its stream; waiting for it runs what is
 * before that place. Times are those of the clock when the stream comes there. */
#include "tests/emulator/cuda/driver.h"
#include "tests/emulator/cuda/finding.h"

static struct handle default_stream[DEVICES];

static void stream_begin(struct handle *s)
{
    s->number = order_open(&s->enqueued);
    s->done = s->enqueued;
}

struct handle *stream_of(CUstream stream, const char *call)
{
    int device = context_current()->device;

    if (!stream || stream == CU_STREAM_LEGACY || stream == CU_STREAM_PER_THREAD) {
        struct handle *s = &default_stream[device];

        if (!s->is_live) {
            *s = (struct handle){.kind = HANDLE_STREAM, .is_live = true, .is_legacy = true,
                                 .device = device};
            stream_begin(s);
        }
        return s;
    }
    return handle_check(stream, HANDLE_STREAM, call);
}

CUresult CUDAAPI cuStreamCreateWithPriority(CUstream *stream, unsigned int flags, int priority)
{
    struct handle *h;

    (void)priority;
    ENTER(NEED_CONTEXT);
    if (flags & ~(unsigned)CU_STREAM_NON_BLOCKING)
        return driver_leave(CUDA_ERROR_INVALID_VALUE);
    h = handle_new(HANDLE_STREAM);
    h->flags = flags;
    stream_begin(h);
    *stream = (CUstream)h;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuStreamCreate(CUstream *stream, unsigned int flags)
{
    return cuStreamCreateWithPriority(stream, flags, 0);
}

CUresult CUDAAPI cuStreamDestroy(CUstream stream)
{
    struct handle *h;

    ENTER(NEED_CONTEXT);
    h = handle_check(stream, HANDLE_STREAM, "cuStreamDestroy");
    if (!h)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    if (h->graph)
        finding("cuStreamDestroy: the stream still captures a graph");
    handle_drop(h);
    return driver_leave(CUDA_SUCCESS);
}

static CUresult wait_forbidden(struct handle *h, const char *call)
{
    if (!h)
        return CUDA_ERROR_INVALID_HANDLE;
    if (!h->graph)
        return CUDA_SUCCESS;
    finding("%s: the stream captures a graph", call);
    h->is_invalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

CUresult CUDAAPI cuStreamSynchronize(CUstream stream)
{
    struct handle *h;
    CUresult result;

    ENTER(NEED_CONTEXT);
    h = stream_of(stream, "cuStreamSynchronize");
    result = wait_forbidden(h, "cuStreamSynchronize");
    return driver_leave(result != CUDA_SUCCESS ? result
                                               : queue_wait(h, h->enqueued, &h->clock));
}

/* Whoever asks once is told that it is not done, and finds it done the next time. */
static CUresult query(struct handle *stream, uint64_t position, const struct clock *clock)
{
    CUresult result;

    if (stream->done >= position)
        return queue_wait(stream, position, clock);
    result = queue_reach(stream, position);
    return result != CUDA_SUCCESS ? result : CUDA_ERROR_NOT_READY;
}

CUresult CUDAAPI cuStreamQuery(CUstream stream)
{
    struct handle *h;
    CUresult result;

    ENTER(NEED_CONTEXT);
    h = stream_of(stream, "cuStreamQuery");
    result = wait_forbidden(h, "cuStreamQuery");
    return driver_leave(result != CUDA_SUCCESS ? result : query(h, h->enqueued, &h->clock));
}

CUresult CUDAAPI cuStreamGetCtx(CUstream stream, CUcontext *context)
{
    ENTER(NEED_CONTEXT);
    if (!stream_of(stream, "cuStreamGetCtx"))
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    *context = (CUcontext)context_current();
    return driver_leave(CUDA_SUCCESS);
}

/* ---- events ----------------------------------------------------------------------------- */

CUresult CUDAAPI cuEventCreate(CUevent *event, unsigned int flags)
{
    struct handle *h;

    ENTER(NEED_CONTEXT);
    h = handle_new(HANDLE_EVENT);
    h->flags = flags;
    *event = (CUevent)h;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuEventDestroy(CUevent event)
{
    struct handle *h;

    ENTER(NEED_CONTEXT);
    h = handle_check(event, HANDLE_EVENT, "cuEventDestroy");
    if (!h)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    handle_drop(h);
    return driver_leave(CUDA_SUCCESS);
}

static CUresult record(CUevent event, CUstream stream, unsigned flags, const char *call)
{
    struct handle *e = handle_check(event, HANDLE_EVENT, call), *s = stream_of(stream, call);

    if (!e || !s)
        return CUDA_ERROR_INVALID_HANDLE;
    e->graph = NULL;
    if (!s->graph || flags == CU_EVENT_RECORD_EXTERNAL)
        return work_enqueue(s, (struct work){.kind = WORK_RECORD, .object = e});
    /* a place in the graph that other streams may wait for, no point in time */
    e->graph = s->graph;
    e->parent = s;
    e->position = 0;
    e->is_recorded = false;
    return CUDA_SUCCESS;
}

CUresult CUDAAPI cuEventRecord(CUevent event, CUstream stream)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(record(event, stream, 0, "cuEventRecord"));
}

CUresult CUDAAPI cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned int flags)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(record(event, stream, flags, "cuEventRecordWithFlags"));
}

static CUresult event_forbidden(const struct handle *e, const char *call)
{
    if (!e)
        return CUDA_ERROR_INVALID_HANDLE;
    if (!e->graph)
        return CUDA_SUCCESS;
    finding("%s: the event was recorded into a graph", call);
    return CUDA_ERROR_CAPTURED_EVENT;
}

CUresult CUDAAPI cuEventSynchronize(CUevent event)
{
    struct handle *e;
    CUresult result;

    ENTER(NEED_CONTEXT);
    e = handle_check(event, HANDLE_EVENT, "cuEventSynchronize");
    result = event_forbidden(e, "cuEventSynchronize");
    if (result == CUDA_SUCCESS && e->position)
        result = queue_wait(e->parent, e->position, &e->clock);
    return driver_leave(result);
}

CUresult CUDAAPI cuEventQuery(CUevent event)
{
    struct handle *e;
    CUresult result;

    ENTER(NEED_CONTEXT);
    e = handle_check(event, HANDLE_EVENT, "cuEventQuery");
    result = event_forbidden(e, "cuEventQuery");
    if (result == CUDA_SUCCESS && e->position)
        result = query(e->parent, e->position, &e->clock);
    return driver_leave(result);
}

CUresult CUDAAPI cuEventElapsedTime(float *ms, CUevent from, CUevent to)
{
    struct handle *a, *b;

    ENTER(NEED_CONTEXT);
    a = handle_check(from, HANDLE_EVENT, "cuEventElapsedTime");
    b = handle_check(to, HANDLE_EVENT, "cuEventElapsedTime");
    if (!a || !b)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    if (!a->position || !b->position || (a->flags | b->flags) & CU_EVENT_DISABLE_TIMING) {
        finding("cuEventElapsedTime: an event was never recorded, or keeps no time");
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    }
    if (!a->is_recorded || !b->is_recorded)
        return driver_leave(CUDA_ERROR_NOT_READY);
    *ms = (float)(b->time_ms - a->time_ms);
    return driver_leave(CUDA_SUCCESS);
}

static struct work wait_for(const struct handle *e)
{
    return (struct work){.kind = WORK_WAIT, .object = e->parent, .position = e->position,
                         .clock = e->clock};
}

CUresult CUDAAPI cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags)
{
    struct handle *s, *e;

    ENTER(NEED_CONTEXT);
    s = stream_of(stream, "cuStreamWaitEvent");
    e = handle_check(event, HANDLE_EVENT, "cuStreamWaitEvent");
    if (!s || !e)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    if (flags & ~(unsigned)CU_EVENT_WAIT_EXTERNAL)
        return driver_leave(CUDA_ERROR_INVALID_VALUE);
    if (s->graph == e->graph || (!s->graph && e->graph)) {
        if (!e->graph)
            return driver_leave(e->position ? queue_add(s, wait_for(e)) : CUDA_SUCCESS);
        if (!s->graph)
            s->is_unjoined = true;
        s->graph = e->graph;
        if (e->parent != s)
            e->parent->is_unjoined = false;
        return driver_leave(CUDA_SUCCESS);
    }
    if (flags == CU_EVENT_WAIT_EXTERNAL)
        return driver_leave(CUDA_SUCCESS);
    finding("cuStreamWaitEvent: the event is not part of the graph that the stream captures");
    s->is_invalid = true;
    return driver_leave(CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
}

CUresult CUDAAPI cuLaunchHostFunc(CUstream stream, CUhostFn function, void *data)
{
    struct handle *s;

    ENTER(NEED_CONTEXT);
    s = stream_of(stream, "cuLaunchHostFunc");
    if (!s)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    return driver_leave(
        work_enqueue(s, (struct work){.kind = WORK_HOST, .host = function, .data = data}));
}
