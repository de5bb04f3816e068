/* SPDX-License-Identifier: MIT */
/* A sorted array of what was given out, and a short memory of what was given back. */
#include "tests/emulator/cuda/allocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/emulator/cuda/finding.h"
#include "tests/emulator/faults.h"

enum { ALIGNMENT = 512, FREED = 256 };

/* How far behind a multiple of ALIGNMENT memory starts: 0, or what a test asks for. */
static size_t shift(void)
{
    return (size_t)setting(EMULATED_ALIGNMENT, ALIGNMENT) % ALIGNMENT;
}

static const size_t poisoned_bytes = 64u << 20; /* more takes too long */

static struct allocation *list;
static int count, capacity, device_now;
static struct {
    uint64_t at;
    size_t bytes;
} freed[FREED];
static int freed_next;

/* Index of the first allocation that starts behind `at`. */
static int behind(uint64_t at)
{
    int low = 0, high = count;

    while (low < high) {
        int middle = (low + high) / 2;

        if (list[middle].at > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool insert(struct allocation a)
{
    int at = behind(a.at);

    if (count == capacity) {
        int more = capacity ? 2 * capacity : 64;
        struct allocation *grown = realloc(list, (size_t)more * sizeof *list);

        if (!grown)
            return false;
        list = grown;
        capacity = more;
    }
    memmove(&list[at + 1], &list[at], (size_t)(count - at) * sizeof *list);
    list[at] = a;
    count++;
    return true;
}

static void poison(void *memory, size_t bytes)
{
    memset(memory, 0xff, bytes < poisoned_bytes ? bytes : poisoned_bytes);
}

void allocation_device(int device)
{
    device_now = device;
}

void *allocation_new(size_t bytes, enum allocation_kind kind)
{
    /* asked of the machine first: sanitizers end a program that asks malloc for too much */
    double most = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    size_t whole = (bytes + shift() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *memory = NULL;

    if ((double)bytes <= most)
        memory = aligned_alloc(ALIGNMENT, whole ? whole : ALIGNMENT);
    if (!memory)
        return NULL;
    memory = (char *)memory + shift();
    poison(memory, bytes);
    if (insert((struct allocation){.at = (uint64_t)(uintptr_t)memory, .bytes = bytes,
                                   .kind = kind, .device = device_now}))
        return memory;
    free((char *)memory - shift());
    return NULL;
}

bool allocation_register(void *memory, size_t bytes, unsigned flags)
{
    uint64_t at = (uint64_t)(uintptr_t)memory;
    int next = behind(at);

    if ((next < count && list[next].at < at + bytes) || allocation_find(at))
        return false;
    return insert((struct allocation){.at = at, .bytes = bytes, .kind = ALLOCATION_REGISTERED,
                                      .device = device_now, .flags = flags});
}

static void drop(int at)
{
    struct allocation a = list[at];

    freed[freed_next].at = a.at;
    freed[freed_next].bytes = a.bytes;
    freed_next = (freed_next + 1) % FREED;
    memmove(&list[at], &list[at + 1], (size_t)(count - at - 1) * sizeof *list);
    count--;
    if (a.kind != ALLOCATION_REGISTERED) {
        poison((void *)(uintptr_t)a.at, a.bytes);
        free((void *)(uintptr_t)(a.at / ALIGNMENT * ALIGNMENT));
    }
}

bool allocation_free(void *memory, enum allocation_kind kind)
{
    int at = behind((uint64_t)(uintptr_t)memory) - 1;

    if (at < 0 || list[at].at != (uint64_t)(uintptr_t)memory || list[at].kind != kind)
        return false;
    drop(at);
    return true;
}

struct allocation *allocation_find(uint64_t address)
{
    int at = behind(address) - 1;

    return at >= 0 && address < list[at].at + list[at].bytes ? &list[at] : NULL;
}

bool allocation_range(uint64_t at, uint64_t *low, uint64_t *high)
{
    const struct allocation *a = allocation_find(at);

    if (!a)
        return false;
    *low = a->at;
    *high = a->at + a->bytes;
    return true;
}

const char *allocation_describe(uint64_t address)
{
    static _Thread_local char text[160];
    int at = behind(address) - 1;
    const struct allocation *a = at >= 0 ? &list[at] : NULL;

    if (a && address < a->at + a->bytes) {
        snprintf(text, sizeof text, "offset %llu of an allocation of %zu bytes",
                 (unsigned long long)(address - a->at), a->bytes);
        return text;
    }
    for (int f = 0; f < FREED; f++)
        if (address >= freed[f].at && address < freed[f].at + freed[f].bytes) {
            snprintf(text, sizeof text, "use after free, offset %llu of %zu bytes",
                     (unsigned long long)(address - freed[f].at), freed[f].bytes);
            return text;
        }
    if (a && address - a->at < a->bytes + (1u << 20))
        snprintf(text, sizeof text, "%llu bytes behind the end of an allocation of %zu bytes",
                 (unsigned long long)(address - a->at - a->bytes), a->bytes);
    else
        snprintf(text, sizeof text, "no memory of the device");
    return text;
}

size_t allocation_total(int device)
{
    size_t bytes = 0;

    for (int i = 0; i < count; i++)
        if (list[i].device == device &&
            (list[i].kind == ALLOCATION_DEVICE || list[i].kind == ALLOCATION_MANAGED))
            bytes += list[i].bytes;
    return bytes;
}

void allocation_visit(void (*visit)(const struct allocation *))
{
    for (int i = 0; i < count; i++)
        visit(&list[i]);
}

void allocation_drop(int device)
{
    for (int i = count - 1; i >= 0; i--)
        if (list[i].device == device && list[i].kind != ALLOCATION_MODULE)
            drop(i);
}
