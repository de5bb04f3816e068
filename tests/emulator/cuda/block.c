/* SPDX-License-Identifier: MIT */
/* A block: its warps in turn, each until its lanes wait, and the barriers between them. Exited
 * threads are not waited for. When nobody can move, the block would hang on a GPU. */
#include <cuda.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/emulator/cuda/finding.h"
#include "tests/emulator/cuda/machine.h"

enum { FINDINGS_PER_LAUNCH = 5 };

static void where(const struct warp *w, const struct insn *i, int lane, char *out, size_t size)
{
    const struct block *b = w->block;
    unsigned t = (unsigned)(w->index * LANES + lane), x = b->launch->block[0],
             y = b->launch->block[1];

    snprintf(out, size, "kernel %s, block (%u,%u,%u), thread (%u,%u,%u), PTX line %d '%.*s'",
             b->kernel->name, b->group[0], b->group[1], b->group[2], t % x, t / x % y,
             t / x / y, i->line, (int)strcspn(i->text, ";\n"), i->text);
}

void block_fault(struct warp *w, const struct insn *i, int lane, int error,
                 const char *format, ...)
{
    char message[300], place[300];
    va_list list;
    int none = 0;

    w->block->is_faulty = true;
    if (!__atomic_compare_exchange_n(&w->block->launch->error, &none, error, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return; /* another block's fault came first */
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    where(w, i, lane, place, sizeof place);
    finding("%s: %s", place, message);
}

void block_finding(struct warp *w, const struct insn *i, int lane, const char *format, ...)
{
    char message[300], place[300];
    va_list list;

    if (__atomic_fetch_add(&w->block->launch->findings, 1, __ATOMIC_SEQ_CST) >=
        FINDINGS_PER_LAUNCH)
        return;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    where(w, i, lane, place, sizeof place);
    finding("%s: %s", place, message);
}

static int live_threads(const struct block *b)
{
    int n = 0;

    for (int w = 0; w < b->warps; w++)
        n += __builtin_popcount(b->warp[w].live);
    return n;
}

/* What bar.red gives: a count, or a predicate. */
static void reduction_give(struct warp *w, const struct insn *i, int lane, int votes, int threads)
{
    uint64_t *to = w->slot[i->op[0]].v;
    bool is = i->mode == 2 ? votes == threads : votes > 0;

    if (i->mode == 1)
        to[lane] = (uint64_t)votes;
    else
        to[0] = (to[0] & ~(1ull << lane)) | (uint64_t)is << lane;
}

static void warp_release(struct warp *w, unsigned id, const struct barrier *reached)
{
    const struct insn *code = w->block->kernel->code, *first = NULL;
    uint32_t waiting = w->at_barrier;

    for (; waiting; waiting &= waiting - 1) {
        int lane = __builtin_ctz(waiting);
        const struct insn *i = &code[w->pc[lane]];

        if (w->barrier_of[lane] != id)
            continue;
        if (first && first != i && !i->is_divergence_fine)
            block_finding(w, i, lane, "threads of a warp wait at different barriers "
                                      "(the other one stands in line %d)", first->line);
        first = i;
        if (i->flow == FLOW_REDUCE)
            reduction_give(w, i, lane, reached->votes, reached->arrived);
        w->pc[lane]++;
        w->at_barrier &= ~(1u << lane);
    }
}

static bool barriers_release(struct block *b)
{
    int live = live_threads(b);
    bool is_released = false;

    for (unsigned id = 0; id < BARRIERS; id++) {
        struct barrier reached = b->barrier[id];
        int needed = reached.asked && reached.asked < live ? reached.asked : live;

        if (reached.arrived == 0 || reached.arrived < needed)
            continue;
        b->barrier[id] = (struct barrier){.arrived = 0};
        b->interval++;
        for (int w = 0; w < b->warps; w++)
            warp_release(&b->warp[w], id, &reached);
        is_released = true;
    }
    return is_released;
}

static void report_hang(struct block *b)
{
    for (int n = 0; n < b->warps; n++) {
        struct warp *w = &b->warp[n];

        if (w->live) {
            int lane = __builtin_ctz(w->live);

            block_fault(w, &b->kernel->code[w->pc[lane]], lane, CUDA_ERROR_LAUNCH_TIMEOUT,
                        "the block hangs: threads wait here for others that never come");
            return;
        }
    }
}

static void block_begin(struct block *b)
{
    b->first_interval = ++b->interval;
    memset(b->barrier, 0, sizeof b->barrier);
    for (int n = 0; n < b->warps; n++) {
        struct warp *w = &b->warp[n];
        int threads = b->threads - n * LANES;

        w->live = threads >= LANES ? ALL_LANES : (1u << threads) - 1;
        w->parked = w->at_barrier = w->carry = 0;
        memset(w->pc, 0, sizeof w->pc);
        for (int d = 0; d < 3; d++) {
            int slot = b->kernel->special[SPECIAL_CTAID_X + d];

            for (int l = 0; slot >= 0 && l < LANES; l++)
                w->slot[slot].v[l] = b->group[d];
        }
    }
}

void block_run(struct block *b)
{
    block_begin(b);
    for (;;) {
        bool is_moving = false, is_live = false;

        for (int w = 0; w < b->warps && !b->is_faulty; w++) {
            is_moving |= warp_run(&b->warp[w]);
            is_live |= b->warp[w].live != 0;
        }
        if (!is_live || b->is_faulty)
            return;
        if (!barriers_release(b) && !is_moving)
            report_hang(b);
    }
}
