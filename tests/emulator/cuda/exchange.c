/* SPDX-License-Identifier: MIT */
/* What the lanes of a warp do together: shuffles, votes, matches, reductions. They run when
 * every lane of the member mask has arrived (FLOW_SYNC); the mask is the last operand. */
#include "tests/emulator/cuda/machine.h"

#include "tests/emulator/cuda/rows.h"

#define SLOT(k) (w->slot[i->op[k]].v)

enum shuffle { SHUFFLE_UP = 1, SHUFFLE_DOWN, SHUFFLE_BFLY, SHUFFLE_IDX };

/* The formula of the PTX manual, section shfl.sync. */
static int source_lane(enum shuffle mode, int lane, uint32_t b, uint32_t c, bool *is_inside)
{
    int bits = (int)(b & 31), clamp = (int)(c & 31), segment = (int)(c >> 8 & 31), j;
    int most = (lane & segment) | (clamp & ~segment), least = lane & segment;

    switch (mode) {
    case SHUFFLE_UP: j = lane - bits; *is_inside = j >= most; break;
    case SHUFFLE_DOWN: j = lane + bits; *is_inside = j <= most; break;
    case SHUFFLE_BFLY: j = lane ^ bits; *is_inside = j <= most; break;
    default: j = least | (bits & ~segment); *is_inside = j <= most;
    }
    return *is_inside ? j : lane;
}

static void shfl(struct warp *w, const struct insn *i, uint32_t lanes)
{
    uint64_t from[LANES];
    uint32_t inside = 0;

    for (int l = 0; l < LANES; l++)
        from[l] = SLOT(1)[l];
    EACH(lanes, {
        bool is_inside;
        int j = source_lane((enum shuffle)i->mode, l, (uint32_t)SLOT(2)[l],
                            (uint32_t)SLOT(3)[l], &is_inside);

        if (!(lanes >> j & 1))
            block_finding(w, i, l, "shuffle reads lane %d, which takes no part", j);
        SLOT(0)[l] = (uint32_t)from[j];
        inside |= (uint32_t)is_inside << l;
    });
    if (i->pair >= 0)
        w->slot[i->pair].v[0] = (w->slot[i->pair].v[0] & ~(uint64_t)lanes) | inside;
}

enum vote { VOTE_ALL = 1, VOTE_ANY, VOTE_UNI, VOTE_BALLOT };

static void vote(struct warp *w, const struct insn *i, uint32_t lanes)
{
    uint32_t value = (uint32_t)SLOT(1)[0];
    bool is;

    value = (i->negated >> 1 & 1 ? ~value : value) & lanes;
    is = i->mode == VOTE_ALL   ? value == lanes
         : i->mode == VOTE_ANY ? value != 0
                               : value == lanes || value == 0;
    if (i->mode == VOTE_BALLOT)
        EACH(lanes, { SLOT(0)[l] = value; });
    else
        SLOT(0)[0] = (SLOT(0)[0] & ~(uint64_t)lanes) | (is ? lanes : 0);
}

static void activemask(struct warp *w, const struct insn *i, uint32_t lanes)
{
    EACH(lanes, { SLOT(0)[l] = lanes; });
}

enum match { MATCH_ANY = 1, MATCH_ALL };

static void match(struct warp *w, const struct insn *i, uint32_t lanes)
{
    uint32_t same[LANES] = {0}, all = 0;

    EACH(lanes, {
        for (int k = 0; k < LANES; k++)
            if (lanes >> k & 1 && SLOT(1)[k] == SLOT(1)[l])
                same[l] |= 1u << k;
        all |= (uint32_t)(same[l] == lanes) << l;
    });
    EACH(lanes, {
        SLOT(0)[l] = i->mode == MATCH_ANY || all == lanes ? same[l] : 0;
    });
    if (i->pair >= 0)
        w->slot[i->pair].v[0] =
            (w->slot[i->pair].v[0] & ~(uint64_t)lanes) | (all == lanes ? lanes : 0);
}

enum redux { REDUX_ADD = 1, REDUX_MIN, REDUX_MAX, REDUX_AND, REDUX_OR, REDUX_XOR };

static uint32_t fold(const struct insn *i, uint32_t a, uint32_t b)
{
    bool is_less = i->type == TYPE_S32 ? (int32_t)a < (int32_t)b : a < b;

    switch ((enum redux)i->mode) {
    case REDUX_ADD: return a + b;
    case REDUX_MIN: return is_less ? a : b;
    case REDUX_MAX: return is_less ? b : a;
    case REDUX_AND: return a & b;
    case REDUX_OR: return a | b;
    case REDUX_XOR: return a ^ b;
    }
    return a;
}

static void redux(struct warp *w, const struct insn *i, uint32_t lanes)
{
    int first = __builtin_ctz(lanes);
    uint32_t value = (uint32_t)SLOT(1)[first];

    for (int l = first + 1; l < LANES; l++)
        if (lanes >> l & 1)
            value = fold(i, value, (uint32_t)SLOT(1)[l]);
    EACH(lanes, { SLOT(0)[l] = value; });
}

/* bar.warp.sync: from here on the lanes' accesses are in order. */
static void warp_sync(struct warp *w, const struct insn *i, uint32_t lanes)
{
    (void)i, (void)lanes;
    w->sync++;
}

const struct row warp_rows[] = {
    {"shfl.sync", TYPE_B32, shfl, "up down bfly idx", FLOW_SYNC},
    {"vote.sync", TYPE_NONE, vote, "all any uni ballot", FLOW_SYNC},
    {"match", TYPE_NONE, match, "any all", FLOW_SYNC},
    {"redux.sync", TYPE_NONE, redux, "add min max and or xor", FLOW_SYNC},
    {"activemask", TYPE_B32, activemask, NULL, 0},
    {"bar.warp.sync", TYPE_NONE, warp_sync, NULL, FLOW_SYNC},
    {0}};
