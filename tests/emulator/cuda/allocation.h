/* SPDX-License-Identifier: MIT */
/* Memory the driver gave out, in order of address, so that any address is found quickly. It is
 * plain memory of this process at the same address; fresh memory is filled with 0xff (NaN in
 * every floating-point format), and so is what is given back. Not locked: the driver is. */
#ifndef EMULATOR_ALLOCATION_H
#define EMULATOR_ALLOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum allocation_kind {
    ALLOCATION_DEVICE, ALLOCATION_MANAGED, ALLOCATION_HOST, ALLOCATION_REGISTERED,
    ALLOCATION_MODULE
};

struct allocation {
    uint64_t at;
    size_t bytes;
    enum allocation_kind kind;
    int device;
    unsigned flags;
};

/* Aligned to 512 bytes; NULL when the host has no memory. */
void *allocation_new(size_t bytes, enum allocation_kind);
/* Memory of the caller's, registered; false when it overlaps what is there. */
bool allocation_register(void *, size_t bytes, unsigned flags);
/* Give back what starts at this address and has this kind; false when there is no such. */
bool allocation_free(void *, enum allocation_kind);

/* The allocation that holds an address, or NULL. Valid until the next change. */
struct allocation *allocation_find(uint64_t at);
/* Its first and one-past-last address, for accesses of kernels. */
bool allocation_range(uint64_t at, uint64_t *low, uint64_t *high);
/* What there is near an address, in words; valid until the next call. */
const char *allocation_describe(uint64_t at);

/* Bytes of device and managed memory in use; a visit to every allocation. */
size_t allocation_total(int device);
void allocation_visit(void (*visit)(const struct allocation *));
/* Give back everything of a device (the end of its context). */
void allocation_drop(int device);
/* On which device new memory lies. */
void allocation_device(int device);

#endif
