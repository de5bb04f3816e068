/* SPDX-License-Identifier: MIT */
/* A grid: blocks are dealt out to one worker thread per processor. Threads are started per
 * launch, so that nothing is left behind when the test program forks. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/emulator/cuda/machine.h"

enum { WORKERS = 16, SMS = 4 };

static void *memory_of(size_t bytes)
{
    void *memory = calloc(bytes ? bytes : 1, 1);

    if (!memory) {
        fprintf(stderr, "emulator: no host memory for a block of %zu bytes\n", bytes);
        abort();
    }
    return memory;
}

static uint64_t special_value(const struct block *b, enum special s, unsigned thread)
{
    const uint32_t *size = b->launch->block, *grid = b->launch->grid;
    unsigned lane = thread % LANES;

    switch (s) {
    case SPECIAL_TID_X: return thread % size[0];
    case SPECIAL_TID_Y: return thread / size[0] % size[1];
    case SPECIAL_TID_Z: return thread / size[0] / size[1];
    case SPECIAL_NTID_X: case SPECIAL_NTID_Y: case SPECIAL_NTID_Z:
        return size[s - SPECIAL_NTID_X];
    case SPECIAL_NCTAID_X: case SPECIAL_NCTAID_Y: case SPECIAL_NCTAID_Z:
        return grid[s - SPECIAL_NCTAID_X];
    case SPECIAL_LANEID: return lane;
    case SPECIAL_WARPID: return thread / LANES;
    case SPECIAL_NWARPID: return 64;
    case SPECIAL_NSMID: return SMS;
    case SPECIAL_LANEMASK_EQ: return 1u << lane;
    case SPECIAL_LANEMASK_LT: return (1u << lane) - 1;
    case SPECIAL_LANEMASK_LE: return (2ull << lane) - 1;
    case SPECIAL_LANEMASK_GT: return 0xffffffffu & ~((2ull << lane) - 1);
    case SPECIAL_LANEMASK_GE: return 0xffffffffu & ~((1ull << lane) - 1);
    case SPECIAL_DYNAMIC_SMEM: return b->launch->dynamic_bytes;
    case SPECIAL_TOTAL_SMEM: return (uint64_t)b->shared_bytes;
    default: return 0;
    }
}

static void slots_fill(struct block *b, struct warp *w)
{
    const struct kernel *k = b->kernel;

    for (int c = 0; c < k->constants; c++)
        for (int l = 0; l < LANES; l++)
            w->slot[k->constant[c].slot].v[l] = k->constant[c].value;
    for (int s = 0; s < SPECIALS; s++)
        for (int l = 0; k->special[s] >= 0 && l < LANES; l++)
            w->slot[k->special[s]].v[l] =
                special_value(b, (enum special)s, (unsigned)(w->index * LANES + l));
}

static void block_init(struct block *b, struct launch *launch)
{
    const struct kernel *k = launch->kernel;
    int64_t fixed = (k->shared_bytes + 15) / 16 * 16;

    *b = (struct block){.kernel = k, .launch = launch, .param = launch->param};
    b->threads = (int)(launch->block[0] * launch->block[1] * launch->block[2]);
    b->warps = (b->threads + LANES - 1) / LANES;
    b->shared_bytes = launch->dynamic_bytes ? fixed + launch->dynamic_bytes : k->shared_bytes;
    b->shared = memory_of((size_t)b->shared_bytes);
    b->touch = memory_of((size_t)b->shared_bytes * sizeof *b->touch);
    b->local = memory_of((size_t)(k->local_bytes * b->warps * LANES));
    b->warp = memory_of((size_t)b->warps * sizeof *b->warp);
    for (int n = 0; n < b->warps; n++) {
        struct warp *w = &b->warp[n];

        w->block = b;
        w->index = n;
        w->slot = memory_of((size_t)k->slots * sizeof *w->slot);
        slots_fill(b, w);
    }
}

static void block_release(struct block *b)
{
    for (int n = 0; n < b->warps; n++) {
        for (int l = 0; l < LANES; l++)
            free(b->warp[n].pending[l].at);
        free(b->warp[n].slot);
    }
    free(b->warp);
    free(b->shared);
    free(b->touch);
    free(b->local);
}

static void tell(const struct block *b)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    for (const struct span *s = b->span; s < b->span + b->spans; s++)
        for (int is_write = 0; is_write < 2; is_write++)
            if (s->to[is_write])
                b->launch->touched(s->from[is_write], s->to[is_write], is_write);
    pthread_mutex_unlock(&lock);
}

static void *worker(void *self)
{
    struct launch *launch = self;
    struct block b;
    uint64_t x = launch->grid[0], y = launch->grid[1], total = x * y * launch->grid[2], at;

    block_init(&b, launch);
    while (!__atomic_load_n(&launch->error, __ATOMIC_SEQ_CST) &&
           (at = __atomic_fetch_add(&launch->next, 1, __ATOMIC_SEQ_CST)) < total) {
        b.group[0] = (uint32_t)(at % x);
        b.group[1] = (uint32_t)(at / x % y);
        b.group[2] = (uint32_t)(at / x / y);
        block_run(&b);
    }
    tell(&b);
    block_release(&b);
    return NULL;
}

int launch_run(struct launch *launch)
{
    uint64_t blocks = (uint64_t)launch->grid[0] * launch->grid[1] * launch->grid[2];
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t thread[WORKERS];
    int threads = 0, most = processors > WORKERS ? WORKERS : (int)processors;

    while (threads + 1 < most && (uint64_t)threads + 1 < blocks &&
           pthread_create(&thread[threads], NULL, worker, launch) == 0)
        threads++;
    worker(launch);
    for (int t = 0; t < threads; t++)
        pthread_join(thread[t], NULL);
    return launch->error;
}
