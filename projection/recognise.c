/* SPDX-License-Identifier: MIT */
/* Which GPU of the catalogue a driver's name means. Drivers write "NVIDIA A100-SXM4-80GB",
 * "Tesla V100-PCIE-32GB", "NVIDIA H100 80GB HBM3": the chip's words must all be there, form
 * factor and memory decide among its boards. */
#include "projection/projection.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { WORDS = 16, WORD_BYTES = 24 };

struct words {
    char word[WORDS][WORD_BYTES];
    int n;
};

static void words_cut(struct words *w, const char *text)
{
    *w = (struct words){.n = 0};
    while (*text && w->n < WORDS) {
        size_t n = 0;

        while (isalnum((unsigned char)text[n]))
            n++;
        if (n > 0)
            snprintf(w->word[w->n++], WORD_BYTES, "%.*s", (int)(n < 23 ? n : 23), text);
        text += n > 0 ? n : 1;
    }
}

static bool words_have(const struct words *w, const char *word)
{
    for (int i = 0; i < w->n; i++)
        if (strcasecmp(w->word[i], word) == 0)
            return true;
    return false;
}

/* Form factor or memory, not the chip's name. */
static bool is_board_word(const char *word)
{
    size_t n = strlen(word);

    return strncasecmp(word, "sxm", 3) == 0 || strcasecmp(word, "pcie") == 0 ||
           strcasecmp(word, "server") == 0 ||
           (n > 2 && strcasecmp(word + n - 2, "gb") == 0 && isdigit((unsigned char)word[0]));
}

/* Words that make it another product than the one without them. */
static bool is_other_product(const struct words *model, const struct words *gpu)
{
    static const char *const word[] = {"laptop", "max", "mobile", "super", "ti", "d", "pcie"};

    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        if (words_have(model, word[i]) != words_have(gpu, word[i]) &&
            (strcmp(word[i], "pcie") == 0 || words_have(model, word[i])))
            return true;
    return false;
}

/* -1: another GPU; else how many of its board's words fit. */
static int likeness(const struct words *model, const struct gpu *gpu)
{
    struct words words;
    int fit = 0;

    words_cut(&words, gpu->full.text);
    for (int i = 0; i < words.n; i++)
        if (words_have(model, words.word[i]))
            fit++;
        else if (!is_board_word(words.word[i]))
            return -1;
    return is_other_product(model, &words) ? -1 : fit;
}

const struct gpu *gpu_recognise(const char *model)
{
    const struct gpu *best = gpu_find(model, NULL);
    struct words words;
    int most = -1;

    if (best)
        return best;
    words_cut(&words, model);
    for (int i = 0; i < gpu_count(); i++) {
        int fit = likeness(&words, gpu_at(i));

        if (fit == most)
            best = NULL; /* two boards fit alike: none is named */
        if (fit > most) {
            best = gpu_at(i);
            most = fit;
        }
    }
    return most >= 0 ? best : NULL;
}
