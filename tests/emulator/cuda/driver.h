/* SPDX-License-Identifier: MIT */
/* State of the emulated driver: devices, contexts, handles. One lock guards everything; work
 * waits in its stream until a call needs it done, and then runs in the calling thread. */
#ifndef EMULATOR_DRIVER_H
#define EMULATOR_DRIVER_H

#include <cuda.h>
#include <sys/types.h>

#include "tests/emulator/cuda/allocation.h"
#include "tests/emulator/cuda/order.h"
#include "tests/emulator/cuda/ptx.h"

/* Every handle the driver gives points to one of these. They are never reused, so that a stale
 * handle is always recognised. */
enum handle_kind {
    HANDLE_CONTEXT = 1, HANDLE_STREAM, HANDLE_EVENT, HANDLE_MODULE, HANDLE_FUNCTION,
    HANDLE_GRAPH, HANDLE_GRAPH_EXEC
};

/* Something a stream does. WORK_RECORD: an event; WORK_WAIT: for another stream to come to a
 * position; copies are checked when they are enqueued. */
enum work_kind { WORK_KERNEL, WORK_COPY, WORK_SET, WORK_RECORD, WORK_WAIT, WORK_HOST };

struct handle;

struct work {
    enum work_kind kind;
    struct handle *object; /* the function, the event, or the stream waited for */
    uint64_t position;     /* in the own stream; WORK_WAIT: in the other one */
    struct clock clock;    /* what is ordered before it, and itself */
    long long nth;         /* of all launches */
    uint32_t grid[3], block[3], dynamic_bytes;
    uint8_t *params;
    void *staged;          /* what is copied from, when it was put aside */
    void *to;
    const void *from;
    size_t bytes;
    unsigned value, width;
    CUhostFn host;
    void *data;
};

struct work_list {
    struct work *at;
    int count;
};

struct handle {
    enum handle_kind kind;
    bool is_live;
    int device;
    struct handle *parent; /* of a function its module, of an executable graph nothing */
    unsigned flags;
    /* context */
    bool is_primary;
    /* stream: the graph being captured, and whether the capture began here */
    struct handle *graph;
    bool is_origin, is_invalid, is_unjoined;
    CUstreamCaptureMode mode;
    /* event; its parent is the stream that recorded it last, into `graph` or at `position` */
    double time_ms;
    bool is_recorded;
    uint64_t position;
    /* module and function */
    struct ptx *ptx;
    struct kernel *kernel;
    int dynamic_limit;
    /* graph: all of it. Stream: what is not done, from `head` on; positions count from 1 */
    struct work_list work;
    int head;
    uint64_t enqueued, done;
    bool is_legacy;
    int number;
    struct clock clock; /* what its newest work knows; of an event, as it was recorded */
};

enum { DEVICES = 8 };

struct device_state {
    struct handle *context; /* primary, while retained */
    int retained;
    unsigned flags;
    CUresult sticky; /* error that every call gives until the context ends */
};

struct driver {
    bool is_initialised, is_lost;
    pid_t process;             /* that initialised it */
    int devices;               /* as CUDA_VISIBLE_DEVICES leaves them */
    int physical[DEVICES];     /* number in the machine of a visible one */
    struct device_state device[DEVICES];
    long long allocs, launches;
};
extern struct driver driver;

enum need { NEED_NOTHING, NEED_INIT, NEED_CONTEXT };

/* Take the lock and check what a call needs; the sticky error of the context wins. A child of
 * the process that initialised the driver cannot use it. */
CUresult driver_enter(enum need, const char *call);
CUresult driver_leave(CUresult);
#define ENTER(need)                                                                        \
    do {                                                                                   \
        CUresult entered_ = driver_enter(need, __func__);                                  \
        if (entered_ != CUDA_SUCCESS)                                                      \
            return driver_leave(entered_);                                                 \
    } while (0)

/* The context of the calling thread, or NULL. */
struct handle *context_current(void);
void context_sticky(int device, CUresult);

struct handle *handle_new(enum handle_kind);
/* A live handle of this kind, or NULL after a finding in the name of the call. */
struct handle *handle_check(const void *, enum handle_kind, const char *call);
void handle_drop(struct handle *);
/* Visit the live ones of a device. */
void handle_visit(int device, void (*visit)(struct handle *));
/* Report what a device's context leaves behind, and take it back. */
void leaks_report(int device);

/* The stream of a call, checked: default streams are their own handle. NULL after a finding. */
struct handle *stream_of(CUstream, const char *call);
/* Append to the stream, or to the graph that it captures. Takes what `w` owns. */
CUresult work_enqueue(struct handle *stream, struct work w);
struct work work_copy(const struct work *);
void work_release(struct work *);
void work_add(struct work_list *, struct work);

/* What streams have not done yet, and when and in which order they do it (queue.c). Running
 * gives the error of the context that came of it. */
CUresult queue_add(struct handle *stream, struct work);
/* Run until the stream has come to a position: at least what that depends on. */
CUresult queue_reach(struct handle *stream, uint64_t position);
/* The host waits for it, and so for all that the clock stands for. */
CUresult queue_wait(struct handle *stream, uint64_t position, const struct clock *);
/* The host waits for all work of a device. */
CUresult queue_drain(int device);
/* Does work that is not done need this module? */
bool queue_uses(const struct handle *module);
/* Give up all work of a device; how many there were. */
int queue_drop(int device);
/* Synchronous calls are forbidden while the thread captures globally. */
CUresult capture_forbids(const char *call);

/* A range of device-accessible memory, checked; finding otherwise. */
bool range_check(CUdeviceptr, size_t bytes, const char *call);
double now_ms(void);

#endif
