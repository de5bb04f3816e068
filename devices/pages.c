/* SPDX-License-Identifier: MIT */
/* Linux gives out more than there is and fails when it is touched: too late for words. */
#include "devices/pages.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t host_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);

    return pages > 0 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

bool host_pages(struct buffer *b)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint64_t all = host_memory_bytes();

    if (all && b->bytes >= all)
        return false;
    b->data = aligned_alloc(page, (b->bytes / page + 1) * page);
    if (!b->data)
        return false;
    b->page_bytes = page;
    memset(b->data, 0, b->bytes);
    return true;
}
