/* SPDX-License-Identifier: MIT */
/* What the streams have not done yet. Nothing runs until a call needs it; then streams that do
 * not wait for each other run in the order that EMULATOR_ORDER asks for: a program that
 * forgot to wait computes on what is not there yet. The host's memory is read and written when a
 * copy runs, not when it is enqueued. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/emulator/cuda/driver.h"
#include "tests/emulator/cuda/finding.h"
#include "tests/emulator/faults.h"

/* As many launches may wait on a GPU; the next one makes the caller wait. */
enum { DEPTH = 1024 };

static struct handle **busy; /* streams with work, the one that got some first comes first */
static int busies;
static struct clock given[DEVICES]; /* all work that a device ever got */
/* Of that what the blocking streams [0] and the legacy default stream [1] got, which wait for
 * each other. */
static struct clock implied[DEVICES][2];

/* ---- running one ------------------------------------------------------------------------- */

static void run_kernel(const struct work *w)
{
    struct launch launch = {.kernel = w->object->kernel, .dynamic_bytes = w->dynamic_bytes,
                            .param = w->params, .touched = order_touch};
    long long slow = setting(FAULT_SLOW_MS, 0);

    if (w->nth == setting(FAULT_LOST, 0)) {
        driver.is_lost = true;
        return;
    }
    if (w->nth == setting(FAULT_STICKY, 0)) {
        context_sticky(w->object->device, CUDA_ERROR_ILLEGAL_ADDRESS);
        return;
    }
    memcpy(launch.grid, w->grid, sizeof launch.grid);
    memcpy(launch.block, w->block, sizeof launch.block);
    if (launch_run(&launch))
        context_sticky(w->object->device, (CUresult)launch.error);
    if (slow > 0)
        usleep((useconds_t)slow * 1000);
}

/* The event may have been recorded again since, elsewhere. */
static void run_record(const struct handle *stream, const struct work *w)
{
    long long tick_us = setting(EMULATED_TICK_US, 0);

    if (w->object->parent != stream || w->object->position != w->position)
        return;
    w->object->time_ms = now_ms();
    if (tick_us > 0)
        w->object->time_ms -= fmod(w->object->time_ms, (double)tick_us * 1e-3);
    w->object->is_recorded = true;
}

static void touch(const void *at, size_t bytes, bool is_write)
{
    order_touch((uint64_t)(uintptr_t)at, (uint64_t)(uintptr_t)at + bytes, is_write);
}

static void run_copy(const struct work *w)
{
    memmove(w->to, w->staged ? w->staged : w->from, w->bytes);
    touch(w->to, w->bytes, true);
    if (!w->staged)
        touch(w->from, w->bytes, false);
}

static void run_set(const struct work *w)
{
    for (size_t i = 0; i < w->bytes; i++)
        memcpy((uint8_t *)w->to + i * w->width, &w->value, w->width);
    touch(w->to, w->bytes * w->width, true);
}

/* The double of CUPTI is told what ran, from when to when: kind as in enum work_kind. */
static void (*watcher)(int kind, const char *name, size_t bytes, double start_ms, double end_ms);
void cuEmulatorWatch(void (*)(int, const char *, size_t, double, double));
void cuEmulatorWatch(void (*watch)(int, const char *, size_t, double, double))
{
    watcher = watch;
}

static void run(const struct handle *stream, const struct work *w)
{
    static const char *const name[] = {[WORK_COPY] = "a copy", [WORK_SET] = "a fill",
                                       [WORK_HOST] = "a host function"};
    double start_ms = now_ms();

    order_begin();
    switch (w->kind) {
    case WORK_KERNEL: run_kernel(w); break;
    case WORK_COPY: run_copy(w); break;
    case WORK_SET: run_set(w); break;
    case WORK_HOST: w->host(w->data); break;
    case WORK_RECORD: run_record(stream, w); break;
    case WORK_WAIT: break;
    }
    if (watcher && w->kind != WORK_RECORD && w->kind != WORK_WAIT)
        watcher(w->kind, w->kind == WORK_KERNEL ? w->object->kernel->name : name[w->kind], w->bytes,
                start_ms, now_ms());
    order_end(stream->number, w->position, &w->clock,
              w->kind == WORK_KERNEL ? w->object->kernel->name : name[w->kind]);
}

/* Other doubles of libraries tell by this what their host functions touch. */
void cuEmulatorTouch(CUdeviceptr at, size_t bytes, int is_write);
void cuEmulatorTouch(CUdeviceptr at, size_t bytes, int is_write)
{
    order_touch(at, at + bytes, is_write);
}

static CUresult error_of(int device)
{
    return driver.is_lost ? CUDA_ERROR_UNKNOWN : driver.device[device].sticky;
}

/* The stream has nothing more to do; its handle may have been destroyed before. */
static void busy_remove(struct handle *stream)
{
    int at = 0;

    stream->head = stream->work.count = 0;
    if (!stream->is_live)
        handle_drop(stream);

    while (busy[at] != stream)
        at++;
    memmove(&busy[at], &busy[at + 1], (size_t)(--busies - at) * sizeof(struct handle *));
}

/* After a fault nothing runs any more, but all comes to its end. */
static void run_first(struct handle *s)
{
    struct work *w = &s->work.at[s->head++];

    if (error_of(s->device) == CUDA_SUCCESS)
        run(s, w);
    work_release(w);
    s->done++;
    if (s->head == s->work.count)
        busy_remove(s);
}

/* ---- the order ---------------------------------------------------------------------------- */

static const struct work *first(const struct handle *s)
{
    return &s->work.at[s->head];
}

static bool is_ready(const struct handle *s)
{
    return first(s)->kind != WORK_WAIT || first(s)->object->done >= first(s)->position;
}

/* The stream itself, or what it waits for. */
static struct handle *needed(struct handle *s)
{
    while (!is_ready(s))
        s = first(s)->object;
    return s;
}

/* Any other of the device that could go on, the youngest first; `s` when there is none. */
static struct handle *other(struct handle *s)
{
    for (int i = busies - 1; i >= 0; i--)
        if (busy[i] != s && busy[i]->device == s->device && is_ready(busy[i]))
            return busy[i];
    return needed(s);
}

static struct handle *any(struct handle *s, uint64_t *seed)
{
    int ready = 0;
    uint64_t pick;

    for (int i = 0; i < busies; i++)
        ready += busy[i]->device == s->device && is_ready(busy[i]);
    pick = random_below(seed, (uint64_t)ready);
    for (int i = 0;; i++)
        if (busy[i]->device == s->device && is_ready(busy[i]) && pick-- == 0)
            return busy[i];
}

static struct handle *next(struct handle *s)
{
    static uint64_t seed;
    const char *order = getenv(EMULATOR_ORDER);

    if (order && strcmp(order, "others") == 0)
        return other(s);
    if (!order || strcmp(order, "late") == 0 || strcmp(order, "now") == 0)
        return needed(s);
    if (!seed)
        seed = strtoull(order, NULL, 10) + 1;
    return any(s, &seed);
}

CUresult queue_reach(struct handle *stream, uint64_t position)
{
    while (stream->done < position)
        run_first(next(stream));
    return error_of(stream->device);
}

CUresult queue_wait(struct handle *stream, uint64_t position, const struct clock *clock)
{
    CUresult result = queue_reach(stream, position);

    order_waited(clock, busies == 0);
    return result;
}

CUresult queue_drain(int device)
{
    int last = busies - 1;

    while (last >= 0)
        if (busy[last]->device == device) {
            queue_reach(busy[last], busy[last]->enqueued);
            last = busies - 1;
        } else {
            last--;
        }
    order_waited(&given[device], busies == 0);
    return error_of(device);
}

/* ---- coming and going ----------------------------------------------------------------------- */

static void append(struct handle *s, struct work w)
{
    if (s->head == s->work.count) {
        busy = array_grow(busy, busies, sizeof(struct handle *));
        busy[busies++] = s;
    } else if (s->head > DEPTH) {
        s->work.count -= s->head;
        memmove(s->work.at, s->work.at + s->head, (size_t)s->work.count * sizeof w);
        s->head = 0;
    }
    order_join(&s->clock, order_host());
    order_join(&s->clock, &w.clock);
    if (!(s->flags & CU_STREAM_NON_BLOCKING))
        order_join(&s->clock, &implied[s->device][!s->is_legacy]);
    s->clock.at[s->number] = ++s->enqueued;
    order_join(&given[s->device], &s->clock);
    if (!(s->flags & CU_STREAM_NON_BLOCKING))
        order_join(&implied[s->device][s->is_legacy], &s->clock);
    w.clock = s->clock;
    work_add(&s->work, w);
}

static void append_wait(struct handle *s, struct handle *awaited)
{
    append(s, (struct work){.kind = WORK_WAIT, .object = awaited,
                            .position = awaited->enqueued, .clock = awaited->clock});
}

/* The legacy default stream and the blocking ones wait for each other. */
static void append_implied(struct handle *s)
{
    for (int i = 0; i < busies && !(s->flags & CU_STREAM_NON_BLOCKING); i++)
        if (busy[i] != s && busy[i]->device == s->device &&
            !(busy[i]->flags & CU_STREAM_NON_BLOCKING) && busy[i]->is_legacy != s->is_legacy)
            append_wait(s, busy[i]);
}

CUresult queue_add(struct handle *s, struct work w)
{
    const char *order = getenv(EMULATOR_ORDER);

    if (w.kind == WORK_KERNEL && (w.nth = ++driver.launches) == setting(FAULT_LAUNCH, 0)) {
        work_release(&w);
        return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
    }
    append_implied(s);
    if (w.kind != WORK_WAIT)
        w.position = s->enqueued + 1;
    if (w.kind == WORK_RECORD) {
        w.object->parent = s;
        w.object->position = w.position;
        w.object->is_recorded = false;
    }
    append(s, w);
    if (w.kind == WORK_RECORD)
        w.object->clock = s->clock;
    if (order && strcmp(order, "now") == 0)
        queue_reach(s, s->enqueued);
    else if (s->enqueued - s->done > DEPTH)
        queue_reach(s, s->enqueued - DEPTH);
    return CUDA_SUCCESS;
}

bool queue_uses(const struct handle *module)
{
    for (int b = 0; b < busies; b++)
        for (int i = busy[b]->head; i < busy[b]->work.count; i++)
            if (busy[b]->work.at[i].kind == WORK_KERNEL &&
                busy[b]->work.at[i].object->parent == module)
                return true;
    return false;
}

int queue_drop(int device)
{
    int n = 0;

    for (int b = busies - 1; b >= 0; b--) {
        struct handle *s = busy[b];

        if (s->device != device)
            continue;
        for (; s->head < s->work.count; s->head++, n++)
            work_release(&s->work.at[s->head]);
        s->done = s->enqueued;
        busy_remove(s);
    }
    return n;
}
