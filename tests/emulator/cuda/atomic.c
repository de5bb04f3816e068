/* SPDX-License-Identifier: MIT */
/* atom and red. Blocks run on several workers, so one lock orders all of them. */
#include "tests/emulator/cuda/machine.h"

#include <pthread.h>
#include <string.h>

#include "tests/emulator/cuda/narrow.h"
#include "tests/emulator/cuda/rows.h"

#define SLOT(k) (w->slot[i->op[k]].v)

enum operation {
    ATOMIC_ADD = 1, ATOMIC_MIN, ATOMIC_MAX, ATOMIC_AND, ATOMIC_OR, ATOMIC_XOR, ATOMIC_EXCH,
    ATOMIC_CAS, ATOMIC_INC, ATOMIC_DEC
};
#define OPERATIONS "add min max and or xor exch cas inc dec"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_signed(enum type t)
{
    return t == TYPE_S32 || t == TYPE_S64;
}

static bool is_less(enum type t, uint64_t a, uint64_t b)
{
    return t == TYPE_S32   ? (int32_t)a < (int32_t)b
           : is_signed(t)  ? (int64_t)a < (int64_t)b
           : t == TYPE_U32 ? (uint32_t)a < (uint32_t)b
                           : a < b;
}

static uint64_t add(enum type t, uint64_t a, uint64_t b)
{
    uint64_t low;

    switch (t) {
    case TYPE_F32:
        return float_bits(float_of(a) + float_of(b));
    case TYPE_F64:
        return double_bits(double_of(a) + double_of(b));
    case TYPE_F16: case TYPE_BF16: case TYPE_F16X2: case TYPE_BF16X2:
        low = narrow_bits(t, narrow_value(t, a & 0xffff) + narrow_value(t, b & 0xffff),
                          ROUND_NEAREST);
        if (type_bytes(t) == 2)
            return low;
        return low | (uint64_t)narrow_bits(t, narrow_value(t, a >> 16 & 0xffff) +
                                                  narrow_value(t, b >> 16 & 0xffff),
                                           ROUND_NEAREST)
                         << 16;
    default:
        return a + b;
    }
}

static uint64_t combine(const struct insn *i, uint64_t old, uint64_t b, uint64_t c)
{
    switch ((enum operation)i->mode) {
    case ATOMIC_ADD: return add(i->type, old, b);
    case ATOMIC_MIN: return is_less(i->type, b, old) ? b : old;
    case ATOMIC_MAX: return is_less(i->type, old, b) ? b : old;
    case ATOMIC_AND: return old & b;
    case ATOMIC_OR: return old | b;
    case ATOMIC_XOR: return old ^ b;
    case ATOMIC_EXCH: return b;
    case ATOMIC_CAS: return old == b ? c : old;
    case ATOMIC_INC: return (uint32_t)old >= (uint32_t)b ? 0 : old + 1;
    case ATOMIC_DEC:
        return (uint32_t)old == 0 || (uint32_t)old > (uint32_t)b ? b : old - 1;
    }
    return old;
}

/* `first`: the operand that holds the address; 1 for atom, which gives back the old value. */
static void atomic(struct warp *w, const struct insn *i, uint32_t lanes, int first)
{
    size_t bytes = (size_t)type_bytes(i->type);
    uint64_t mask = bytes == 8 ? ~0ull : (1ull << 8 * bytes) - 1;

    EACH(lanes, {
        uint64_t old = 0, value, b = SLOT(first + 1)[l] & mask;
        uint64_t c = i->operands > first + 2 ? SLOT(first + 2)[l] & mask : 0;
        void *at = memory_reach(w, i, l, i->space, SLOT(first)[l] + (uint64_t)i->offset[0],
                                (unsigned)bytes, ACCESS_ATOMIC);

        if (!at)
            return;
        pthread_mutex_lock(&lock);
        memcpy(&old, at, bytes);
        value = combine(i, old, b, c);
        memcpy(at, &value, bytes);
        pthread_mutex_unlock(&lock);
        if (first)
            SLOT(0)[l] = old;
    });
}

static void atom(struct warp *w, const struct insn *i, uint32_t lanes)
{
    atomic(w, i, lanes, 1);
}

static void red(struct warp *w, const struct insn *i, uint32_t lanes)
{
    atomic(w, i, lanes, 0);
}

const struct row atomic_rows[] = {{"atom", TYPE_NONE, atom, OPERATIONS, 0},
                                  {"red", TYPE_NONE, red, OPERATIONS, 0},
                                  {0}};
