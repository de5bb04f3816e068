/* SPDX-License-Identifier: MIT */
/* Handles in a slab that is never reused, the lock, the sticky errors, and the leaks that
 * remain when a context ends or the process does. */
#include "tests/emulator/cuda/driver.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/emulator/cuda/finding.h"
#include "tests/emulator/faults.h"

struct driver driver;

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

enum { HANDLES = 1 << 20 };
static struct handle *slab;
static int handles;

double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* "cuA,cuB=1" names cuA and cuA_v2; CUDA_SUCCESS: nothing is refused. */
static CUresult refusal(const char *call)
{
    const char *names = getenv(EMULATED_REFUSES);
    size_t n = strcspn(call, "_");

    for (; names && *names; names += strcspn(names, ","), names += *names == ',')
        if (strcspn(names, ",=") == n && strncmp(names, call, n) == 0)
            return names[n] == '=' ? (CUresult)atoi(names + n + 1) : CUDA_ERROR_NOT_SUPPORTED;
    return CUDA_SUCCESS;
}

CUresult driver_enter(enum need need, const char *call)
{
    CUresult refused = refusal(call);
    struct handle *context;

    pthread_mutex_lock(&lock);
    if (driver.is_initialised && driver.process != getpid()) {
        finding("%s: the process is a child of the one that initialised the driver", call);
        return CUDA_ERROR_NOT_INITIALIZED;
    }
    if (refused != CUDA_SUCCESS)
        return refused;
    if (need == NEED_NOTHING)
        return CUDA_SUCCESS;
    if (!driver.is_initialised)
        return CUDA_ERROR_NOT_INITIALIZED;
    if (need == NEED_INIT)
        return CUDA_SUCCESS;
    if (driver.is_lost)
        return CUDA_ERROR_UNKNOWN;
    context = context_current();
    if (!context)
        return CUDA_ERROR_INVALID_CONTEXT;
    if (!context->is_live) {
        finding("the current context was destroyed");
        return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    }
    allocation_device(context->device);
    return driver.device[context->device].sticky;
}

CUresult driver_leave(CUresult result)
{
    pthread_mutex_unlock(&lock);
    return result;
}

void context_sticky(int device, CUresult error)
{
    if (driver.device[device].sticky == CUDA_SUCCESS)
        driver.device[device].sticky = error;
}

struct handle *handle_new(enum handle_kind kind)
{
    struct handle *h, *context = context_current();

    if (!slab) {
        slab = mmap(NULL, HANDLES * sizeof *slab, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (slab == MAP_FAILED)
            abort();
    }
    if (handles == HANDLES) {
        fprintf(stderr, "emulator: more than %d handles\n", HANDLES);
        abort();
    }
    h = &slab[handles++];
    *h = (struct handle){.kind = kind, .is_live = true};
    h->device = context ? context->device : 0;
    return h;
}

static const char *const kind_name[] = {"",       "context",  "stream", "event",
                                        "module", "function", "graph",  "executable graph"};

struct handle *handle_check(const void *handle, enum handle_kind kind, const char *call)
{
    const char *at = handle, *first = (const char *)slab;
    struct handle *h;

    if (!slab || at < first || at >= first + (size_t)handles * sizeof *slab ||
        (size_t)(at - first) % sizeof *slab) {
        finding("%s: %p is no %s", call, handle, kind_name[kind]);
        return NULL;
    }
    h = &slab[(size_t)(at - first) / sizeof *slab];
    if (h->kind != kind) {
        finding("%s: a %s was given where a handle of another kind (%s) is needed", call, kind_name[h->kind],
                kind_name[kind]);
        return NULL;
    }
    if (!h->is_live) {
        finding("%s: the %s was already destroyed", call, kind_name[kind]);
        return NULL;
    }
    return h;
}

void handle_drop(struct handle *h)
{
    h->is_live = false;
    if (h->kind == HANDLE_STREAM && h->work.count)
        return; /* what it has still to do is done all the same, and then forgotten */
    if (h->kind == HANDLE_STREAM)
        order_close(h->number, h->enqueued);
    for (int i = 0; i < h->work.count; i++)
        work_release(&h->work.at[i]);
    free(h->work.at);
    h->work = (struct work_list){0};
    if (h->kind == HANDLE_MODULE) {
        ptx_free(h->ptx);
        h->ptx = NULL;
    }
}

void handle_visit(int device, void (*visit)(struct handle *))
{
    for (int i = 0; i < handles; i++)
        if (slab[i].is_live && slab[i].device == device)
            visit(&slab[i]);
}

/* ---- leaks ------------------------------------------------------------------------------ */

static int leak_device, leaked[HANDLE_GRAPH_EXEC + 1];
static size_t leaked_bytes;
static int leaked_allocations;

static void count_handle(struct handle *h)
{
    if (h->kind != HANDLE_CONTEXT && h->kind != HANDLE_FUNCTION)
        leaked[h->kind]++;
}

static void count_allocation(const struct allocation *a)
{
    if (a->device != leak_device || a->kind == ALLOCATION_MODULE)
        return;
    leaked_allocations++;
    leaked_bytes += a->bytes;
}

static void drop_handle(struct handle *h)
{
    if (h->kind != HANDLE_CONTEXT)
        handle_drop(h);
}

void leaks_report(int device)
{
    /* with a sticky error no call gives anything back: what is left is nobody's fault */
    bool is_poisoned = driver.device[device].sticky != CUDA_SUCCESS || driver.is_lost;

    int undone = queue_drop(device);

    if (undone && !is_poisoned)
        finding("%d calls of device %d were never waited for", undone, device);
    leak_device = device;
    leaked_bytes = 0;
    leaked_allocations = 0;
    for (int k = 0; k <= HANDLE_GRAPH_EXEC; k++)
        leaked[k] = 0;
    handle_visit(device, count_handle);
    allocation_visit(count_allocation);
    for (int k = 0; k <= HANDLE_GRAPH_EXEC && !is_poisoned; k++)
        if (leaked[k])
            finding("leak: %d %s%s of device %d still there at the end of its context",
                    leaked[k], kind_name[k], leaked[k] > 1 ? "s" : "", device);
    if (leaked_allocations && !is_poisoned)
        finding("leak: %d allocations, %zu bytes of device %d still there at the end of its "
                "context", leaked_allocations, leaked_bytes, device);
    handle_visit(device, drop_handle);
    allocation_drop(device);
}

__attribute__((destructor)) static void end(void)
{
    for (int d = 0; d < driver.devices && driver.process == getpid(); d++)
        if (driver.device[d].context && driver.device[d].context->is_live) {
            finding("leak: the primary context of device %d was never released", d);
            leaks_report(d);
        }
}
