/* SPDX-License-Identifier: MIT */
/* Work that goes into the graph a stream captures. A graph is its work in the order of capture,
 * which respects every dependency. */
#include <stdlib.h>
#include <string.h>

#include "tests/emulator/cuda/driver.h"
#include "tests/emulator/cuda/finding.h"

static _Thread_local int captures; /* that forbid unsafe calls in this thread */

CUresult capture_forbids(const char *call)
{
    if (captures == 0)
        return CUDA_SUCCESS;
    finding("%s: forbidden while a stream captures a graph", call);
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

void work_release(struct work *w)
{
    free(w->params);
    free(w->staged);
    w->params = NULL;
    w->staged = NULL;
}

void work_add(struct work_list *list, struct work w)
{
    list->at = array_grow(list->at, list->count, sizeof *list->at);
    list->at[list->count++] = w;
}

CUresult work_enqueue(struct handle *stream, struct work w)
{
    if (!stream->graph)
        return queue_add(stream, w);
    work_add(&stream->graph->work, w);
    stream->is_unjoined = !stream->is_origin;
    return CUDA_SUCCESS;
}

/* ---- capture ------------------------------------------------------------------------------ */

CUresult CUDAAPI cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode mode)
{
    struct handle *s;

    ENTER(NEED_CONTEXT);
    s = stream_of(stream, "cuStreamBeginCapture");
    if (!s)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    if (s->graph || !stream || stream == CU_STREAM_LEGACY) {
        finding("cuStreamBeginCapture: the stream captures already, or is the default one");
        return driver_leave(s->graph ? CUDA_ERROR_ILLEGAL_STATE
                                     : CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    }
    s->graph = handle_new(HANDLE_GRAPH);
    s->is_origin = true;
    s->is_invalid = false;
    s->mode = mode;
    captures += mode != CU_STREAM_CAPTURE_MODE_RELAXED;
    return driver_leave(CUDA_SUCCESS);
}

static struct handle *ending;
static bool is_unjoined;

static void leave_graph(struct handle *h)
{
    if (h->graph != ending || h->kind != HANDLE_STREAM)
        return;
    is_unjoined |= !h->is_origin && h->is_unjoined;
    h->graph = NULL;
    h->is_origin = h->is_unjoined = false;
}

CUresult CUDAAPI cuStreamEndCapture(CUstream stream, CUgraph *graph)
{
    struct handle *s;

    ENTER(NEED_CONTEXT);
    s = stream_of(stream, "cuStreamEndCapture");
    if (!s)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    if (!s->graph || !s->is_origin) {
        finding("cuStreamEndCapture: the capture did not begin in this stream");
        return driver_leave(s->graph ? CUDA_ERROR_STREAM_CAPTURE_UNMATCHED
                                     : CUDA_ERROR_ILLEGAL_STATE);
    }
    ending = s->graph;
    is_unjoined = false;
    captures -= s->mode != CU_STREAM_CAPTURE_MODE_RELAXED;
    handle_visit(s->device, leave_graph);
    if (is_unjoined || s->is_invalid) {
        if (is_unjoined)
            finding("cuStreamEndCapture: a stream that was forked off was not joined");
        handle_drop(ending);
        *graph = NULL;
        return driver_leave(is_unjoined ? CUDA_ERROR_STREAM_CAPTURE_UNJOINED
                                        : CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    }
    *graph = (CUgraph)ending;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus *status)
{
    struct handle *s;

    ENTER(NEED_CONTEXT);
    s = stream_of(stream, "cuStreamIsCapturing");
    if (!s)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    *status = !s->graph      ? CU_STREAM_CAPTURE_STATUS_NONE
              : s->is_invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                              : CU_STREAM_CAPTURE_STATUS_ACTIVE;
    return driver_leave(CUDA_SUCCESS);
}

/* ---- graphs -------------------------------------------------------------------------------- */

CUresult CUDAAPI cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *count)
{
    struct handle *g;

    ENTER(NEED_CONTEXT);
    g = handle_check(graph, HANDLE_GRAPH, "cuGraphGetNodes");
    if (!g)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    for (size_t i = 0; nodes && i < *count && i < (size_t)g->work.count; i++)
        nodes[i] = (CUgraphNode)&g->work.at[i];
    *count = (size_t)g->work.count;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuGraphDestroy(CUgraph graph)
{
    struct handle *g;

    ENTER(NEED_CONTEXT);
    g = handle_check(graph, HANDLE_GRAPH, "cuGraphDestroy");
    if (!g)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    handle_drop(g);
    return driver_leave(CUDA_SUCCESS);
}

struct work work_copy(const struct work *w)
{
    struct work copy = *w;

    if (w->params) {
        size_t bytes = (size_t)w->object->kernel->param_bytes;

        copy.params = malloc(bytes + 1);
        memcpy(copy.params, w->params, bytes);
    }
    return copy;
}

/* What cuda.h calls cuGraphInstantiate is this one or the next. */
CUresult CUDAAPI cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph,
                                             unsigned long long flags)
{
    struct handle *g, *e;

    (void)flags;
    ENTER(NEED_CONTEXT);
    g = handle_check(graph, HANDLE_GRAPH, "cuGraphInstantiate");
    if (!g)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    e = handle_new(HANDLE_GRAPH_EXEC);
    for (int i = 0; i < g->work.count; i++)
        work_add(&e->work, work_copy(&g->work.at[i]));
    *exec = (CUgraphExec)e;
    return driver_leave(CUDA_SUCCESS);
}

/* The interface before CUDA 12. */
CUresult CUDAAPI cuGraphInstantiate_v2(CUgraphExec *, CUgraph, CUgraphNode *, char *, size_t);
CUresult CUDAAPI cuGraphInstantiate_v2(CUgraphExec *exec, CUgraph graph, CUgraphNode *node,
                                       char *log, size_t size)
{
    if (node)
        *node = NULL;
    if (log && size)
        *log = '\0';
    return cuGraphInstantiateWithFlags(exec, graph, 0);
}

CUresult CUDAAPI cuGraphExecDestroy(CUgraphExec exec)
{
    struct handle *e;

    ENTER(NEED_CONTEXT);
    e = handle_check(exec, HANDLE_GRAPH_EXEC, "cuGraphExecDestroy");
    if (!e)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    handle_drop(e);
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuGraphUpload(CUgraphExec exec, CUstream stream)
{
    ENTER(NEED_CONTEXT);
    return driver_leave(handle_check(exec, HANDLE_GRAPH_EXEC, "cuGraphUpload") &&
                                stream_of(stream, "cuGraphUpload")
                            ? CUDA_SUCCESS
                            : CUDA_ERROR_INVALID_HANDLE);
}

/* Memory may be gone by the time a graph is launched. */
static bool is_reachable(const void *at, size_t bytes)
{
    return range_check((CUdeviceptr)(uintptr_t)at, bytes, "graph");
}

static bool is_runnable(const struct work *w)
{
    if (w->kind == WORK_KERNEL || w->kind == WORK_RECORD) {
        if (w->object->is_live)
            return true;
        finding("cuGraphLaunch: the graph uses a function or an event that is gone");
        return false;
    }
    if (w->kind == WORK_SET)
        return is_reachable(w->to, w->bytes * w->width);
    return true;
}

CUresult CUDAAPI cuGraphLaunch(CUgraphExec exec, CUstream stream)
{
    struct handle *e, *s;
    CUresult result = CUDA_SUCCESS;

    ENTER(NEED_CONTEXT);
    e = handle_check(exec, HANDLE_GRAPH_EXEC, "cuGraphLaunch");
    s = stream_of(stream, "cuGraphLaunch");
    if (!e || !s)
        return driver_leave(CUDA_ERROR_INVALID_HANDLE);
    for (int i = 0; i < e->work.count && result == CUDA_SUCCESS; i++) {
        if (!is_runnable(&e->work.at[i]))
            return driver_leave(CUDA_ERROR_INVALID_VALUE);
        result = work_enqueue(s, work_copy(&e->work.at[i]));
    }
    return driver_leave(result);
}
