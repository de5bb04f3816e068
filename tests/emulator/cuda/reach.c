/* SPDX-License-Identifier: MIT */
/* Loads and stores of every space, vectors, cp.async. An address is checked for bounds and
 * alignment; shared memory keeps, per byte, who touched it last in this barrier interval:
 * two threads, one of them writing, without a barrier between is a race. */
#include "tests/emulator/cuda/machine.h"

#include <cuda.h>
#include <string.h>

#include "tests/emulator/cuda/allocation.h"
#include "tests/emulator/cuda/ptx.h"
#include "tests/emulator/cuda/rows.h"

#define SLOT(k) (w->slot[i->op[k]].v)

/* Lanes of one warp that synchronised since are in order. */
static bool is_ordered(const struct warp *w, unsigned me, unsigned other, uint16_t sync)
{
    return other == me || (other != READERS && (other - 1) / LANES == (unsigned)w->index &&
                           sync != w->sync);
}

static void touch_write(struct warp *w, const struct insn *i, int lane, uint64_t at,
                        struct touch *t, bool is_atomic)
{
    struct block *b = w->block;
    uint16_t me = (uint16_t)(w->index * LANES + lane + 1);

    if (!is_atomic && t->write_interval == b->interval && t->writer &&
        !is_ordered(w, me, t->writer, t->write_sync))
        block_finding(w, i, lane, "race: threads %d and %d both write shared byte %llu",
                      t->writer - 1, me - 1, (unsigned long long)at);
    else if (!is_atomic && t->read_interval == b->interval && t->reader &&
             !is_ordered(w, me, t->reader, t->read_sync))
        block_finding(w, i, lane, "race: thread %d writes shared byte %llu that %s read",
                      me - 1, (unsigned long long)at,
                      t->reader == READERS ? "several threads" : "another thread");
    t->write_interval = b->interval;
    t->writer = is_atomic ? 0 : me;
    t->write_sync = w->sync;
}

static void touch_read(struct warp *w, const struct insn *i, int lane, uint64_t at,
                       struct touch *t)
{
    struct block *b = w->block;
    uint16_t me = (uint16_t)(w->index * LANES + lane + 1);

    if (t->write_interval < b->first_interval)
        block_finding(w, i, lane, "shared byte %llu is read but was never written",
                      (unsigned long long)at);
    else if (t->write_interval == b->interval && t->writer &&
             !is_ordered(w, me, t->writer, t->write_sync))
        block_finding(w, i, lane, "race: thread %d reads shared byte %llu that thread %d wrote",
                      me - 1, (unsigned long long)at, t->writer - 1);
    if (t->read_interval != b->interval || is_ordered(w, me, t->reader, t->read_sync))
        t->reader = me;
    else
        t->reader = READERS;
    t->read_interval = b->interval;
    t->read_sync = w->sync;
}

static void touch_bytes(struct warp *w, const struct insn *i, int lane, uint64_t at,
                        unsigned bytes, enum access access)
{
    struct touch *t = w->block->touch + at;

    for (unsigned n = 0; n < bytes; n++)
        if (access == ACCESS_READ)
            touch_read(w, i, lane, at + n, &t[n]);
        else
            touch_write(w, i, lane, at + n, &t[n], access == ACCESS_ATOMIC);
}

static void *reach_window(struct warp *w, const struct insn *i, int lane, uint64_t at,
                          unsigned bytes, uint8_t *memory, int64_t size, const char *name)
{
    if (at + bytes <= (uint64_t)size && at < (uint64_t)size)
        return memory + at;
    block_fault(w, i, lane, CUDA_ERROR_ILLEGAL_ADDRESS, "%u bytes at %lld of %lld bytes of %s memory",
                bytes, (long long)at, (long long)size, name);
    return NULL;
}

/* The allocation at an address as this worker knows it; NULL when there is none. The last
 * place is used again when there are more of them than places. */
static struct span *span_find(struct block *b, uint64_t at)
{
    struct span *s = b->span;

    while (s < b->span + b->spans && !(at >= s->low && at < s->high))
        s++;
    if (s < b->span + b->spans)
        return s;
    s -= b->spans == SPANS;
    *s = (struct span){.from = {UINT64_MAX, UINT64_MAX}};
    if (!allocation_range(at, &s->low, &s->high))
        return NULL;
    b->spans += b->spans < SPANS;
    return s;
}

static void *reach_global(struct warp *w, const struct insn *i, int lane, uint64_t at,
                          unsigned bytes, enum access access)
{
    struct span *s = w->span;
    int is_write = access != ACCESS_READ;

    if (!s || at < s->low || at >= s->high)
        s = w->span = span_find(w->block, at);
    if (!s || at + bytes > s->high) {
        block_fault(w, i, lane, CUDA_ERROR_ILLEGAL_ADDRESS, "%u bytes at 0x%llx: %s", bytes,
                    (unsigned long long)at, allocation_describe(at));
        return NULL;
    }
    if (at < s->from[is_write])
        s->from[is_write] = at;
    if (at + bytes > s->to[is_write])
        s->to[is_write] = at + bytes;
    return (void *)(uintptr_t)at;
}

void *memory_reach(struct warp *w, const struct insn *i, int lane, enum space space,
                   uint64_t at, unsigned bytes, enum access access)
{
    struct block *b = w->block;
    int64_t local = b->kernel->local_bytes;

    if (space == SPACE_GENERIC && at >= WINDOW_SHARED && at < WINDOW_PARAM + WINDOW_BYTES) {
        space = at < WINDOW_LOCAL ? SPACE_SHARED : at < WINDOW_PARAM ? SPACE_LOCAL : SPACE_PARAM;
        at &= WINDOW_SHARED - 1;
    }
    if (at % bytes) {
        block_fault(w, i, lane, CUDA_ERROR_MISALIGNED_ADDRESS,
                    "address 0x%llx is no multiple of %u bytes", (unsigned long long)at, bytes);
        return NULL;
    }
    if (space == SPACE_SHARED) {
        void *reached = reach_window(w, i, lane, at, bytes, b->shared, b->shared_bytes, "shared");

        if (reached)
            touch_bytes(w, i, lane, at, bytes, access);
        return reached;
    }
    if (space == SPACE_LOCAL)
        return reach_window(w, i, lane, at, bytes,
                            b->local + (w->index * LANES + lane) * local, local, "local");
    if (space == SPACE_PARAM && access == ACCESS_READ)
        return reach_window(w, i, lane, at, bytes, (uint8_t *)(uintptr_t)b->param,
                            b->kernel->param_bytes, "parameter");
    return reach_global(w, i, lane, at, bytes, access);
}

/* ---- loads and stores ------------------------------------------------------------------- */

static uint64_t load(enum type type, const uint8_t *at)
{
    uint64_t value = 0;
    int64_t shift = 64 - 8 * type_bytes(type);

    memcpy(&value, at, (size_t)type_bytes(type));
    if (type == TYPE_S8 || type == TYPE_S16 || type == TYPE_S32)
        return (uint64_t)((int64_t)(value << shift) >> shift);
    return value;
}

static void ld(struct warp *w, const struct insn *i, uint32_t lanes)
{
    unsigned width = (unsigned)type_bytes(i->type), bytes = width * (unsigned)i->vector;

    EACH(lanes, {
        uint64_t at = SLOT(i->vector)[l] + (uint64_t)i->offset[0];
        const uint8_t *from = memory_reach(w, i, l, i->space, at, bytes, ACCESS_READ);

        if (!from)
            return;
        for (int v = 0; v < i->vector; v++)
            SLOT(v)[l] = load(i->type, from + v * (int)width);
    });
}

static void st(struct warp *w, const struct insn *i, uint32_t lanes)
{
    unsigned width = (unsigned)type_bytes(i->type), bytes = width * (unsigned)i->vector;

    EACH(lanes, {
        uint64_t at = SLOT(0)[l] + (uint64_t)i->offset[0];
        uint8_t *to = memory_reach(w, i, l, i->space, at, bytes, ACCESS_WRITE);

        if (!to)
            return;
        for (int v = 0; v < i->vector; v++)
            memcpy(to + v * (int)width, &SLOT(1 + v)[l], width);
    });
}

/* ---- cp.async --------------------------------------------------------------------------- */

/* The source is read at once, the destination written when a wait says so: reading shared
 * memory too early finds what was there before. */
static void cp_async(struct warp *w, const struct insn *i, uint32_t lanes)
{
    EACH(lanes, {
        struct pending_list *list = &w->pending[l];
        unsigned bytes = (unsigned)SLOT(2)[l];
        unsigned used = i->operands > 3 ? (unsigned)SLOT(3)[l] : bytes;
        uint64_t from = SLOT(1)[l] + (uint64_t)i->offset[1];
        struct pending p = {.bytes = bytes, .group = list->group};
        const void *source = NULL;

        p.to = (uint32_t)(SLOT(0)[l] + (uint64_t)i->offset[0]);
        if ((bytes != 4 && bytes != 8 && bytes != 16) || used > bytes) {
            block_fault(w, i, l, CUDA_ERROR_ILLEGAL_INSTRUCTION, "cp.async of %u bytes", bytes);
            return;
        }
        if (from % bytes || p.to % bytes) {
            block_fault(w, i, l, CUDA_ERROR_MISALIGNED_ADDRESS,
                        "cp.async from 0x%llx to %u is not aligned to %u bytes",
                        (unsigned long long)from, p.to, bytes);
            return;
        }
        if (used) {
            source = reach_global(w, i, l, from, used, ACCESS_READ);
            if (!source)
                return;
            memcpy(p.data, source, used);
        }
        list->at = array_grow(list->at, list->count, sizeof *list->at);
        list->at[list->count++] = p;
    });
}

void pending_finish(struct warp *w, const struct insn *i, int lane, int keep)
{
    struct pending_list *list = &w->pending[lane];
    int kept = 0;

    for (int n = 0; n < list->count; n++) {
        struct pending *p = &list->at[n];
        void *to;

        if (p->group >= list->group - keep) {
            /* array_grow doubles at powers of two: keep the array, shift the rest down */
            list->at[kept++] = *p;
            continue;
        }
        to = memory_reach(w, i, lane, SPACE_SHARED, p->to, p->bytes, ACCESS_WRITE);
        if (to)
            memcpy(to, p->data, p->bytes);
    }
    list->count = kept;
}

static void cp_commit(struct warp *w, const struct insn *i, uint32_t lanes)
{
    (void)i;
    EACH(lanes, { w->pending[l].group++; });
}

static void cp_wait_group(struct warp *w, const struct insn *i, uint32_t lanes)
{
    EACH(lanes, { pending_finish(w, i, l, (int)SLOT(0)[l]); });
}

static void cp_wait_all(struct warp *w, const struct insn *i, uint32_t lanes)
{
    EACH(lanes, {
        w->pending[l].group++;
        pending_finish(w, i, l, 0);
    });
}

static void nothing(struct warp *w, const struct insn *i, uint32_t lanes)
{
    (void)w, (void)i, (void)lanes;
}

const struct row memory_rows[] = {
    {"ld", TYPE_NONE, ld, NULL, 0}, {"ldu", TYPE_NONE, ld, NULL, 0},
    {"st", TYPE_NONE, st, NULL, 0},
    {"cp.async.ca.shared", TYPE_NONE, cp_async, "global", 0},
    {"cp.async.cg.shared", TYPE_NONE, cp_async, "global", 0},
    {"cp.async.ca.shared::cta", TYPE_NONE, cp_async, "global", 0},
    {"cp.async.cg.shared::cta", TYPE_NONE, cp_async, "global", 0},
    {"cp.async.commit_group", TYPE_NONE, cp_commit, NULL, 0},
    {"cp.async.wait_group", TYPE_NONE, cp_wait_group, NULL, 0},
    {"cp.async.wait_all", TYPE_NONE, cp_wait_all, NULL, 0},
    {"prefetch", TYPE_NONE, nothing, NULL, 0}, {"prefetchu", TYPE_NONE, nothing, NULL, 0},
    {"membar", TYPE_NONE, nothing, "gl", 0}, {"fence", TYPE_NONE, nothing, NULL, 0},
    {"nanosleep", TYPE_NONE, nothing, NULL, 0},
    {0}};
