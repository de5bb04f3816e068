/* SPDX-License-Identifier: MIT */
/* Vector clocks after Lamport and Fidge, and a log of what was touched since the host waited for
 * everything. A number that a stream no longer needs goes to the next one, which counts on. */
#include "tests/emulator/cuda/order.h"

#include <stdio.h>
#include <string.h>

#include "tests/emulator/cuda/finding.h"

enum { ENTRIES = 8192, TOUCHES = 256, SHARED = CLOCKS - 1 };

static bool is_taken[SHARED];
static uint64_t last[CLOCKS];
static struct clock host;

static struct touch {
    uint64_t low, high, position;
    int number;
    bool is_write;
    char name[40];
} entry[ENTRIES], touch[TOUCHES];
static int entries, touches;

int order_open(uint64_t *position)
{
    int n = 0;

    while (n < SHARED && is_taken[n])
        n++;
    if (n < SHARED)
        is_taken[n] = true;
    *position = last[n];
    return n;
}

void order_close(int number, uint64_t position)
{
    last[number] = position;
    if (number < SHARED)
        is_taken[number] = false;
}

void order_join(struct clock *to, const struct clock *from)
{
    for (int n = 0; n < CLOCKS; n++)
        if (from->at[n] > to->at[n])
            to->at[n] = from->at[n];
}

const struct clock *order_host(void)
{
    return &host;
}

void order_waited(const struct clock *clock, bool is_idle)
{
    int kept = 0;

    order_join(&host, clock);
    for (int i = 0; is_idle && i < entries; i++)
        if (entry[i].position > host.at[entry[i].number])
            entry[kept++] = entry[i];
    if (is_idle)
        entries = kept;
}

void order_begin(void)
{
    touches = 0;
}

void order_touch(uint64_t low, uint64_t high, bool is_write)
{
    if (touches < TOUCHES)
        touch[touches++] = (struct touch){.low = low, .high = high, .is_write = is_write};
}

static void check(const struct touch *now, const char *name, const struct clock *clock)
{
    for (const struct touch *e = entry; e < entry + entries; e++)
        if (e->position > clock->at[e->number] && e->low < now->high && now->low < e->high &&
            (e->is_write || now->is_write)) {
            finding("race: nothing orders '%s', which %s 0x%llx ... 0x%llx, and '%s' of another "
                    "stream, which %s 0x%llx ... 0x%llx", name,
                    now->is_write ? "writes" : "reads", (unsigned long long)now->low,
                    (unsigned long long)now->high, e->name, e->is_write ? "writes" : "reads",
                    (unsigned long long)e->low, (unsigned long long)e->high);
            return;
        }
}

void order_end(int number, uint64_t position, const struct clock *clock, const char *name)
{
    for (int t = 0; t < touches && number != SHARED; t++) {
        check(&touch[t], name, clock);
        if (entries == ENTRIES) {
            entries -= ENTRIES / 2;
            memmove(entry, entry + ENTRIES / 2, (size_t)entries * sizeof *entry);
        }
        touch[t].number = number;
        touch[t].position = position;
        snprintf(touch[t].name, sizeof touch[t].name, "%s", name);
        entry[entries++] = touch[t];
    }
}
