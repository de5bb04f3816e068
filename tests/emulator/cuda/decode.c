/* SPDX-License-Identifier: MIT */
/* The name of an instruction: which row runs it, and what its modifiers say. Words without
 * meaning on this machine (memory order, cache hints, scopes) are named here; every other
 * unknown word refuses the module. */
#include "tests/emulator/cuda/ptx.h"

#include <stdio.h>
#include <string.h>

#include "tests/emulator/cuda/rows.h"

static const struct row *const tables[] = {integer_rows, bit_rows,    float_rows,  narrow_rows,
                                           convert_rows, move_rows,   memory_rows, atomic_rows,
                                           warp_rows,    matrix_rows, control_rows};

static const char *const type_name[TYPES] = {
    [TYPE_PRED] = "pred", [TYPE_B8] = "b8",     [TYPE_U8] = "u8",       [TYPE_S8] = "s8",
    [TYPE_B16] = "b16",   [TYPE_U16] = "u16",   [TYPE_S16] = "s16",     [TYPE_B32] = "b32",
    [TYPE_U32] = "u32",   [TYPE_S32] = "s32",   [TYPE_B64] = "b64",     [TYPE_U64] = "u64",
    [TYPE_S64] = "s64",   [TYPE_F16] = "f16",   [TYPE_BF16] = "bf16",   [TYPE_F16X2] = "f16x2",
    [TYPE_BF16X2] = "bf16x2", [TYPE_F32] = "f32", [TYPE_F64] = "f64",   [TYPE_TF32] = "tf32"};

enum type type_of(const char *name)
{
    for (int t = 1; t < TYPES; t++)
        if (type_name[t] && strcmp(name, type_name[t]) == 0)
            return (enum type)t;
    return TYPE_NONE;
}

/* Number of `word` in a list separated by spaces, from 1; 0 when it is not there. */
static int word_find(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (int at = 1; list && *list; at++) {
        size_t length = strcspn(list, " ");

        if (length == n && strncmp(list, word, n) == 0)
            return at;
        list += length + (list[length] == ' ');
    }
    return 0;
}

/* Words without meaning on this machine. */
static bool is_meaningless(const char *word)
{
    return strncmp(word, "L1::", 4) == 0 || strncmp(word, "L2::", 4) == 0 ||
           word_find("uni sync aligned relaxed acquire release acq_rel sc volatile weak nc cta "
                     "gpu sys to approx full noftz ca cg cs cv lu wb wt",
                     word);
}

static bool read_rounding(const char *word, struct insn *i)
{
    static const char *const name[] = {"rn", "rz", "rm", "rp", "rna",
                                       "rni", "rzi", "rmi", "rpi"};

    for (int r = 0; r < 9; r++)
        if (strcmp(word, name[r]) == 0) {
            i->rounding = (enum rounding)(r % 5);
            i->is_integer_rounding = r > 4;
            return true;
        }
    return false;
}

static bool read_space(const char *word, struct insn *i)
{
    static const char *const name[] = {"", "global", "shared", "local", "const", "param"};
    size_t n = strcspn(word, ":");

    for (int s = SPACE_GLOBAL; s <= SPACE_PARAM; s++)
        if (strlen(name[s]) == n && strncmp(word, name[s], n) == 0) {
            i->space = (enum space)s;
            return true;
        }
    return false;
}

static bool read_flag(const char *word, struct insn *i)
{
    if (strcmp(word, "ftz") == 0)
        i->is_ftz = true;
    else if (strcmp(word, "sat") == 0 || strcmp(word, "satfinite") == 0)
        i->is_sat = true;
    else if (strcmp(word, "relu") == 0)
        i->is_relu = true;
    else if (word[0] == 'v' && (word[1] == '2' || word[1] == '4' || word[1] == '8') && !word[2])
        i->vector = word[1] - '0';
    else
        return false;
    return true;
}

static bool read_word(const char *word, const struct row *row, struct insn *i)
{
    int mode = word_find(row->modes, word), combine = word_find("and or xor", word);
    enum type type = type_of(word);

    if (mode) {
        i->mode = mode;
    } else if (type != TYPE_NONE) {
        if (i->type == TYPE_NONE)
            i->type = type;
        else if (i->source == TYPE_NONE)
            i->source = type;
        else if (i->third == TYPE_NONE)
            i->third = type;
    } else if (combine) {
        i->combine = combine;
    } else {
        return read_rounding(word, i) || read_space(word, i) || read_flag(word, i) ||
               is_meaningless(word);
    }
    return true;
}

static enum type first_type(const char *name)
{
    char word[64];

    for (const char *at = strchr(name, '.'); at; at = strchr(at + 1, '.')) {
        snprintf(word, sizeof word, "%.*s", (int)strcspn(at + 1, "."), at + 1);
        if (type_of(word) != TYPE_NONE)
            return type_of(word);
    }
    return TYPE_NONE;
}

/* setp of f32, f64 and integers combines its result with a further predicate; the other
 * instructions that may (set, setp of 16-bit floats) do not here. */
static bool can_combine(const struct row *row, const struct insn *i)
{
    bool is_narrow = i->type == TYPE_F16 || i->type == TYPE_BF16 || i->type == TYPE_F16X2 ||
                     i->type == TYPE_BF16X2;

    return strcmp(row->base, "setp") == 0 && !is_narrow;
}

static const struct row *row_find(const char *name)
{
    enum type type = first_type(name);
    const struct row *best = NULL;

    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct row *r = tables[t]; r->base; r++) {
            size_t n = strlen(r->base);

            if (strncmp(name, r->base, n) == 0 && (name[n] == '.' || name[n] == '\0') &&
                (r->type == TYPE_NONE || r->type == type) &&
                (!best || n > strlen(best->base) ||
                 (n == strlen(best->base) && best->type == TYPE_NONE)))
                best = r;
        }
    return best;
}

bool insn_decode(const char *name, struct insn *i)
{
    const struct row *row = row_find(name);
    char word[64];

    if (!row)
        return false;
    i->run = row->run;
    i->flow = row->flow;
    i->vector = 1;
    i->is_divergence_fine = strncmp(name, "barrier", 7) == 0 && !strstr(name, ".aligned");
    for (const char *at = name + strlen(row->base); *at; at += strcspn(at, ".")) {
        at++;
        snprintf(word, sizeof word, "%.*s", (int)strcspn(at, "."), at);
        if (!read_word(word, row, i))
            return false;
    }
    return !i->combine || can_combine(row, i);
}
