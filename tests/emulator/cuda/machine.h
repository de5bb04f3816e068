/* SPDX-License-Identifier: MIT */
/* The emulated multiprocessor: decoded instructions, warps of 32 lanes that run them together,
 * and blocks of warps. A register is a slot of 32 lanes of 64 bits; a narrower value lies in
 * the low bits, the rest is zero. A predicate is a bit per lane in v[0]. Constants and special
 * registers have slots too, so that an operand is always a slot. */
#ifndef EMULATOR_MACHINE_H
#define EMULATOR_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LANES = 32, OPERANDS = 20 };
#define ALL_LANES 0xffffffffu

struct slot {
    uint64_t v[LANES];
};

struct warp;
struct insn;
typedef void (*insn_run)(struct warp *, const struct insn *, uint32_t lanes);

/* What an instruction does to the flow of control. SYNC: every lane named by the member mask,
 * the last operand, must have arrived before it runs (shuffles, votes); WARP: every lane. */
enum flow {
    FLOW_NEXT, FLOW_BRANCH, FLOW_TABLE, FLOW_EXIT, FLOW_SYNC, FLOW_WARP, FLOW_BARRIER,
    FLOW_ARRIVE, FLOW_REDUCE, FLOW_TRAP
};

enum space { SPACE_GENERIC, SPACE_GLOBAL, SPACE_SHARED, SPACE_LOCAL, SPACE_CONST, SPACE_PARAM };

/* Values of a type as they lie in memory and in a slot. */
enum type {
    TYPE_NONE, TYPE_PRED, TYPE_B8, TYPE_U8, TYPE_S8, TYPE_B16, TYPE_U16, TYPE_S16, TYPE_B32,
    TYPE_U32, TYPE_S32, TYPE_B64, TYPE_U64, TYPE_S64, TYPE_F16, TYPE_BF16, TYPE_F16X2,
    TYPE_BF16X2, TYPE_F32, TYPE_F64, TYPE_TF32, TYPES
};

enum rounding { ROUND_NEAREST, ROUND_ZERO, ROUND_DOWN, ROUND_UP, ROUND_AWAY };

/* op: slots, destinations first, vectors flattened; -1 where an operand is absent. pair: the
 * second destination of "d|p". offset: added to the first and second address operand. negated:
 * bit k when op[k] is a predicate read as its complement. mode: the meaning depends on the
 * instruction (comparison, shuffle, atomic operation, ...). */
struct insn {
    insn_run run;
    int op[OPERANDS], operands, pair;
    int64_t offset[2];
    uint32_t negated;
    int guard; /* slot of the guarding predicate, or -1 */
    bool guard_is_negated, is_ftz, is_sat, is_relu, is_integer_rounding, is_packing,
        is_divergence_fine; /* barrier.sync without .aligned */
    enum flow flow;
    enum space space;
    enum type type, source, third; /* in the order of the name */
    enum rounding rounding;
    int vector, mode, combine;
    int target;              /* branch */
    const int *table;        /* FLOW_TABLE */
    int table_count;
    int line;                /* in the PTX text */
    const char *text;        /* its statement there */
};

/* Special registers that are constant during a block. */
enum special {
    SPECIAL_TID_X, SPECIAL_TID_Y, SPECIAL_TID_Z, SPECIAL_NTID_X, SPECIAL_NTID_Y, SPECIAL_NTID_Z,
    SPECIAL_CTAID_X, SPECIAL_CTAID_Y, SPECIAL_CTAID_Z, SPECIAL_NCTAID_X, SPECIAL_NCTAID_Y,
    SPECIAL_NCTAID_Z, SPECIAL_LANEID, SPECIAL_WARPID, SPECIAL_NWARPID, SPECIAL_SMID,
    SPECIAL_NSMID, SPECIAL_LANEMASK_EQ, SPECIAL_LANEMASK_LT, SPECIAL_LANEMASK_LE,
    SPECIAL_LANEMASK_GT, SPECIAL_LANEMASK_GE, SPECIAL_DYNAMIC_SMEM, SPECIAL_TOTAL_SMEM,
    SPECIAL_CLOCK, SPECIAL_CLOCK64, SPECIAL_TIMER, SPECIALS
};

struct constant {
    int slot;
    uint64_t value;
    bool is_dynamic_shared; /* an offset behind the static shared memory */
};

struct param {
    char name[128];
    int offset, bytes;
};

/* One entry function, ready to run. Everything is owned by its module. */
struct kernel {
    char *name;
    const char *text; /* the module's PTX */
    struct insn *code;
    int length, capacity;
    int slots;
    struct constant *constant;
    int constants;
    int special[SPECIALS]; /* slot, or -1 */
    struct param *param;
    int params, param_bytes;
    int64_t shared_bytes, local_bytes;
    int registers;
    int64_t block_limit;    /* .maxntid or .reqntid, else 1024 */
    bool is_block_required; /* .reqntid */
};

/* Windows of the generic address space that hold what is not global memory. */
#define WINDOW_SHARED ((uint64_t)1 << 48)
#define WINDOW_LOCAL ((uint64_t)2 << 48)
#define WINDOW_PARAM ((uint64_t)3 << 48)
#define WINDOW_BYTES ((uint64_t)1 << 32)

/* Who touched a byte of shared memory last: thread + 1, the barrier interval, and how many
 * times the warp had synchronised. READERS: more than one thread read it. */
enum { READERS = 0xffff };
struct touch {
    uint32_t write_interval, read_interval;
    uint16_t writer, reader, write_sync, read_sync;
};

/* A copy that cp.async began and that no wait has finished. */
struct pending {
    uint32_t to, bytes;
    int group;
    uint8_t data[16];
};

struct pending_list {
    struct pending *at;
    int count, capacity, group;
};

/* An allocation that a kernel reached, and what it read [0] and wrote [1] of it: from the first
 * to behind the last byte. */
struct span {
    uint64_t low, high, from[2], to[2];
};

struct block;

struct warp {
    struct slot *slot;
    struct block *block;
    int index;
    uint32_t live, parked, at_barrier, carry;
    int pc[LANES];
    uint16_t sync;      /* how many times its lanes synchronised */
    struct span *span;  /* the allocation reached last */
    struct pending_list pending[LANES];
    uint8_t barrier_of[LANES]; /* that a lane in at_barrier waits at */
};

enum { BARRIERS = 16, SPANS = 64 };

/* arrived: threads; asked: threads the instruction names, 0 for all; votes: of bar.red. */
struct barrier {
    int arrived, asked, votes;
};

/* One worker's block. The arrays are reused from block to block. */
struct block {
    const struct kernel *kernel;
    struct launch *launch;
    struct warp *warp;
    int warps, threads;
    uint32_t group[3];
    const uint8_t *param;
    uint8_t *shared, *local;
    int64_t shared_bytes;
    struct touch *touch;
    uint32_t interval, first_interval;
    struct barrier barrier[BARRIERS];
    struct span span[SPANS];
    int spans;
    bool is_faulty;
};

struct launch {
    const struct kernel *kernel;
    uint32_t grid[3], block[3];
    uint32_t dynamic_bytes;
    const uint8_t *param;
    uint64_t next;  /* block to run; taken atomically */
    int error;      /* CUresult of the first fault */
    int findings;   /* reported so far: a few say enough */
    /* Told of every stretch of memory that was read or written; one call at a time. */
    void (*touched)(uint64_t low, uint64_t high, bool is_write);
};

/* Run the lanes of a warp until all have exited or wait at a barrier, or for a while. False
 * when none of them could move. */
bool warp_run(struct warp *);

/* Run one block whose arrays are there, from its first instruction to its last. */
void block_run(struct block *);

/* Run the whole grid; the CUresult of the first fault, or 0. Faults and races are findings. */
int launch_run(struct launch *);

/* Record a fault of `lane` in instruction `i`: the launch stops with `error`. */
void block_fault(struct warp *, const struct insn *, int lane, int error, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* A finding that does not stop the kernel: races, reading what was never written. */
void block_finding(struct warp *, const struct insn *, int lane, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Host address of `bytes` at `address` of `space` for one lane, checked for bounds, alignment
 * and races; NULL after a fault. */
enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_ATOMIC };
void *memory_reach(struct warp *, const struct insn *, int lane, enum space, uint64_t address,
                   unsigned bytes, enum access);

/* Finish what cp.async began for one lane, all but the `keep` newest groups. */
void pending_finish(struct warp *, const struct insn *, int lane, int keep);

/* ---- lanes -------------------------------------------------------------------------- */

/* Run a statement for each lane l of `lanes`; the whole warp gets a loop that vectorises. */
#define EACH(lanes, ...)                                                                   \
    do {                                                                                   \
        if ((lanes) == ALL_LANES)                                                          \
            for (int l = 0; l < LANES; l++)                                                \
                __VA_ARGS__                                                                \
        else                                                                               \
            for (uint32_t rest_ = (lanes); rest_; rest_ &= rest_ - 1) {                    \
                int l = __builtin_ctz(rest_);                                              \
                __VA_ARGS__                                                                \
            }                                                                              \
    } while (0)

static inline float float_of(uint64_t bits)
{
    union { uint32_t u; float f; } x = {.u = (uint32_t)bits};

    return x.f;
}

static inline uint64_t float_bits(float value)
{
    union { float f; uint32_t u; } x = {.f = value};

    return x.u;
}

static inline double double_of(uint64_t bits)
{
    union { uint64_t u; double f; } x = {.u = bits};

    return x.f;
}

static inline uint64_t double_bits(double value)
{
    union { double f; uint64_t u; } x = {.f = value};

    return x.u;
}

int type_bytes(enum type);

/* mov from %clock, %clock64 or %globaltimer. */
void clock_read(struct warp *, const struct insn *, uint32_t lanes);

#endif
