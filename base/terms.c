/* SPDX-License-Identifier: MIT */
/* Spellings of the shared vocabulary, generated from the maps in the header. */
#include "base/terms.h"

#include <stdio.h>
#include <string.h>

static const char *spell(const char *const *spelling, int count, int value)
{
    return value >= 0 && value < count ? spelling[value] : "?";
}

static int parse(const char *const *spelling, int count, const char *text)
{
    for (int i = 0; i < count; i++)
        if (strcmp(spelling[i], text) == 0)
            return i;
    return -1;
}

#define SPELLING(value, text) text,
#define SPELL_AND_PARSE(noun, MAP, count)                                              \
    static const char *const noun##_spelling[] = {MAP(SPELLING)};                      \
    const char *noun##_name(enum noun value)                                           \
    {                                                                                  \
        return spell(noun##_spelling, count, (int)value);                              \
    }                                                                                  \
    int noun##_parse(const char *text)                                                 \
    {                                                                                  \
        return parse(noun##_spelling, count, text);                                    \
    }

static const char *const dtype_spelling[] = {DTYPE_MAP(SPELLING)};

const char *dtype_name(enum dtype value)
{
    return spell(dtype_spelling, DTYPES, (int)value);
}

int dtype_parse(const char *text)
{
    return strcmp(text, "int8") == 0  ? (int)DTYPE_I8
           : strcmp(text, "fp8") == 0 ? (int)DTYPE_E4M3
                                      : parse(dtype_spelling, DTYPES, text);
}

SPELL_AND_PARSE(device_kind, DEVICE_KIND_MAP, DEVICE_KINDS)
SPELL_AND_PARSE(memory, MEMORY_MAP, MEMORIES)
SPELL_AND_PARSE(placement, PLACEMENT_MAP, PLACEMENTS)
SPELL_AND_PARSE(evidence, EVIDENCE_MAP, EVIDENCES)
SPELL_AND_PARSE(outcome, OUTCOME_MAP, OUTCOMES)
SPELL_AND_PARSE(cache, CACHE_MAP, CACHES)

struct name name_of(const char *text)
{
    struct name name;

    snprintf(name.text, sizeof name.text, "%s", text ? text : "");
    return name;
}

size_t dtype_bytes(enum dtype dtype)
{
    static const size_t bytes[DTYPES] = {
        [DTYPE_F32] = 4, [DTYPE_F64] = 8, [DTYPE_F16] = 2,
        [DTYPE_BF16] = 2, [DTYPE_I8] = 1, [DTYPE_I32] = 4, [DTYPE_E4M3] = 1,
    };
    return bytes[dtype];
}

double dtype_roundoff(enum dtype dtype)
{
    static const double roundoff[DTYPES] = {
        [DTYPE_F32] = 0x1p-24, [DTYPE_F64] = 0x1p-53,
        [DTYPE_F16] = 0x1p-11, [DTYPE_BF16] = 0x1p-8, [DTYPE_E4M3] = 0x1p-4,
    };
    return roundoff[dtype];
}

enum dtype dtype_product(enum dtype dtype)
{
    return dtype == DTYPE_I8 ? DTYPE_I32 : dtype == DTYPE_E4M3 ? DTYPE_BF16 : dtype;
}
