/* SPDX-License-Identifier: MIT */
/* The lanes of a warp run together as long as they stand at the same instruction. When they
 * part, those at the lowest address go first: compilers lay blocks out in topological order,
 * so the others wait about where control flow meets again. Lanes that must meet (shuffles)
 * are parked until the last of them arrives. */
#include "tests/emulator/cuda/machine.h"

#include <cuda.h>

#include "tests/emulator/cuda/rows.h"

enum { PATIENCE = 1 << 20 }; /* instructions until other warps get their turn */

static uint32_t predicate(const struct warp *w, int slot, bool is_negated)
{
    uint32_t value = (uint32_t)w->slot[slot].v[0];

    return is_negated ? ~value : value;
}

static uint32_t lanes_at(const struct warp *w, uint32_t among, int pc)
{
    uint32_t there = 0;

    EACH(among, { there |= (uint32_t)(w->pc[l] == pc) << l; });
    return among & there;
}

/* The group to run: its lanes, where it is, and the lowest place of the others. */
struct group {
    uint32_t lanes;
    int pc, next;
};

static struct group group_pick(const struct warp *w)
{
    struct group g = {.pc = INT32_MAX, .next = INT32_MAX};
    uint32_t ready = w->live & ~w->parked & ~w->at_barrier;

    for (uint32_t rest = ready; rest; rest &= rest - 1) {
        int pc = w->pc[__builtin_ctz(rest)];

        if (pc < g.pc) {
            g.next = g.pc;
            g.pc = pc;
        } else if (pc > g.pc && pc < g.next) {
            g.next = pc;
        }
    }
    g.lanes = lanes_at(w, ready, g.pc);
    return g;
}

static void lanes_move(struct warp *w, uint32_t lanes, int pc)
{
    EACH(lanes, { w->pc[l] = pc; });
}

/* ---- what ends a group: each leaves every lane's pc right ------------------------------------ */

static void branch(struct warp *w, const struct insn *i, struct group *g, uint32_t taken)
{
    lanes_move(w, g->lanes & ~taken, g->pc + 1);
    lanes_move(w, taken, i->target);
}

static void branch_table(struct warp *w, const struct insn *i, struct group *g, uint32_t taken)
{
    lanes_move(w, g->lanes & ~taken, g->pc + 1);
    EACH(taken, {
        uint32_t at = (uint32_t)w->slot[i->op[0]].v[l];

        if (at >= (uint32_t)i->table_count) {
            block_fault(w, i, l, CUDA_ERROR_INVALID_PC, "entry %u of %d", at, i->table_count);
            return;
        }
        w->pc[l] = i->table[at];
    });
}

static void exit_lanes(struct warp *w, const struct insn *i, struct group *g, uint32_t lanes)
{
    lanes_move(w, g->lanes & ~lanes, g->pc + 1);
    EACH(lanes, {
        w->pending[l].group++;
        pending_finish(w, i, l, 0);
    });
    w->live &= ~lanes;
}

/* Lanes that meet: run when all the members are here, else park. */
static void meet(struct warp *w, const struct insn *i, struct group *g, uint32_t lanes)
{
    uint32_t members = ALL_LANES, here;

    lanes_move(w, g->lanes & ~lanes, g->pc + 1);
    if (!lanes)
        return;
    if (i->flow == FLOW_SYNC)
        members = (uint32_t)w->slot[i->op[i->operands - 1]].v[__builtin_ctz(lanes)];
    here = lanes | lanes_at(w, w->parked, g->pc);
    lanes_move(w, lanes, g->pc);
    if (lanes & ~members)
        block_finding(w, i, __builtin_ctz(lanes & ~members),
                      "the lane is not in its own member mask 0x%x", members);
    if (members & w->live & ~here) {
        w->parked |= lanes;
        return;
    }
    i->run(w, i, here);
    w->parked &= ~here;
    lanes_move(w, here, g->pc + 1);
}

static void arrive(struct warp *w, const struct insn *i, struct group *g, uint32_t lanes)
{
    int first = i->flow == FLOW_REDUCE;
    unsigned id;
    struct barrier *b;

    lanes_move(w, g->lanes & ~lanes, g->pc + 1);
    if (!lanes)
        return;
    id = (unsigned)w->slot[i->op[first]].v[__builtin_ctz(lanes)];
    if (id >= BARRIERS) {
        block_fault(w, i, 0, CUDA_ERROR_ILLEGAL_INSTRUCTION, "barrier %u", id);
        return;
    }
    b = &w->block->barrier[id];
    b->arrived += __builtin_popcount(lanes);
    if (i->operands > first + (first ? 2 : 1))
        b->asked = (int)w->slot[i->op[first + 1]].v[__builtin_ctz(lanes)];
    if (i->flow == FLOW_REDUCE) {
        int k = i->operands - 1;

        b->votes += __builtin_popcount(lanes & predicate(w, i->op[k], i->negated >> k & 1));
    }
    if (i->flow == FLOW_ARRIVE) {
        lanes_move(w, lanes, g->pc + 1);
        return;
    }
    lanes_move(w, lanes, g->pc);
    EACH(lanes, { w->barrier_of[l] = (uint8_t)id; });
    w->at_barrier |= lanes;
}

static void group_end(struct warp *w, const struct insn *i, struct group *g, uint32_t lanes)
{
    switch (i->flow) {
    case FLOW_BRANCH: branch(w, i, g, lanes); break;
    case FLOW_TABLE: branch_table(w, i, g, lanes); break;
    case FLOW_EXIT: exit_lanes(w, i, g, lanes); break;
    case FLOW_SYNC:
    case FLOW_WARP: meet(w, i, g, lanes); break;
    case FLOW_TRAP:
        if (lanes)
            block_fault(w, i, __builtin_ctz(lanes), CUDA_ERROR_ILLEGAL_INSTRUCTION, "trap");
        lanes_move(w, g->lanes, g->pc + 1);
        break;
    default: arrive(w, i, g, lanes);
    }
}

/* Until lanes part, meet others, or wait. Number of instructions run. */
static int group_run(struct warp *w, struct group *g)
{
    const struct insn *code = w->block->kernel->code;
    int count = 0;

    for (; count < PATIENCE && g->pc < g->next && !w->block->is_faulty; count++) {
        const struct insn *i = &code[g->pc];
        uint32_t lanes = g->lanes;

        if (i->guard >= 0)
            lanes &= predicate(w, i->guard, i->guard_is_negated);
        if (i->flow == FLOW_NEXT) {
            if (lanes)
                i->run(w, i, lanes);
            g->pc++;
        } else if (i->flow == FLOW_BRANCH && (lanes == 0 || lanes == g->lanes)) {
            g->pc = lanes ? i->target : g->pc + 1;
        } else {
            group_end(w, i, g, lanes);
            return count + 1;
        }
    }
    lanes_move(w, g->lanes, g->pc);
    return count;
}

bool warp_run(struct warp *w)
{
    int count = 0;

    while (count < PATIENCE && !w->block->is_faulty) {
        struct group g = group_pick(w);

        if (!g.lanes)
            break;
        count += group_run(w, &g);
    }
    return count > 0;
}

static void no_operation(struct warp *w, const struct insn *i, uint32_t lanes)
{
    (void)w, (void)i, (void)lanes;
}

const struct row control_rows[] = {
    {"bra", TYPE_NONE, no_operation, NULL, FLOW_BRANCH},
    {"brx.idx", TYPE_NONE, no_operation, NULL, FLOW_TABLE},
    {"ret", TYPE_NONE, no_operation, NULL, FLOW_EXIT},
    {"exit", TYPE_NONE, no_operation, NULL, FLOW_EXIT},
    {"trap", TYPE_NONE, no_operation, NULL, FLOW_TRAP},
    {"bar.sync", TYPE_NONE, no_operation, NULL, FLOW_BARRIER},
    {"bar.cta.sync", TYPE_NONE, no_operation, NULL, FLOW_BARRIER},
    {"barrier.sync", TYPE_NONE, no_operation, NULL, FLOW_BARRIER},
    {"barrier.cta.sync", TYPE_NONE, no_operation, NULL, FLOW_BARRIER},
    {"bar.arrive", TYPE_NONE, no_operation, NULL, FLOW_ARRIVE},
    {"barrier.arrive", TYPE_NONE, no_operation, NULL, FLOW_ARRIVE},
    {"barrier.cta.arrive", TYPE_NONE, no_operation, NULL, FLOW_ARRIVE},
    {"bar.red", TYPE_NONE, no_operation, "popc and or", FLOW_REDUCE},
    {"barrier.red", TYPE_NONE, no_operation, "popc and or", FLOW_REDUCE},
    {"barrier.cta.red", TYPE_NONE, no_operation, "popc and or", FLOW_REDUCE},
    {0}};
