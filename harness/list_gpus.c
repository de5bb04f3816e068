/* SPDX-License-Identifier: MIT */
/* `list gpus`: one line per GPU, or with --verbose every field of its datasheet with unit and
 * source, then the figures that no datasheet gives and its projections rest on. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/command.h"
#include "projection/assumption.h"

/* Columns of the terminal that is written for, and where the last column starts. */
enum { WIDTH = 100, SOURCE_AT = 41 };

static void line_print(const struct gpu *gpu)
{
    printf("  %-16s %-22s %-16s %6.0f GB/s", gpu->id.text, gpu->full.text, gpu->arch.text,
           gpu->memory_bytes_per_s * 1e-9);
    if (gpu->flops_per_s[DTYPE_BF16] > 0)
        printf(" %7.0f bf16 TFLOP/s", gpu->flops_per_s[DTYPE_BF16] * 1e-12);
    else if (gpu->vector_flops_per_s > 0)
        printf(" %7.1f f32 TFLOP/s", gpu->vector_flops_per_s * 1e-12);
    putchar('\n');
}

/* `text` from column `at` on, where the line stands, broken at spaces. */
static void wrapped_print(const char *text, int at)
{
    int room = WIDTH - at;

    while ((int)strlen(text) > room) {
        int n = room;

        while (n > 0 && text[n] != ' ')
            n--;
        n = n > 0 ? n : room;
        printf("%.*s\n%*s", n, text, at, "");
        text += n + (text[n] == ' ');
    }
    puts(text);
}

static void sources_print(const struct gpu *gpu)
{
    const char *from = gpu->sources;

    for (int i = 1; *from; i++) {
        size_t n = strcspn(from, ";");
        char source[sizeof gpu->sources];

        snprintf(source, sizeof source, "%.*s", (int)n, from);
        printf("    %2d  ", i);
        wrapped_print(source, 8);
        from += n + (from[n] == ';');
    }
    if (*gpu->remark) {
        fputs("    remark: ", stdout);
        wrapped_print(gpu->remark, 12);
    }
}

static void sheet_print(const struct gpu *gpu)
{
    struct gpu_fact fact[GPU_FACTS];
    int n = gpu_facts(gpu, fact);

    printf("  %s (%s): %s%s%s, projected as '%s'%s%s\n", gpu->id.text,
           gpu->full.text, gpu->vendor.text, *gpu->vendor.text ? " " : "", gpu->arch.text,
           gpu_generation(gpu), *gpu->file.text ? "; from " : "", gpu->file.text);
    printf("    %-18s %9s %-7s %s\n", "field", "value", "unit", "source");
    for (int i = 0; i < n; i++) {
        char value[32] = "-";

        if (!isnan(fact[i].value))
            snprintf(value, sizeof value, "%.6g", fact[i].value);
        printf("    %-18s %9s %-7s ", fact[i].name, value, fact[i].unit);
        wrapped_print(fact[i].source, SOURCE_AT);
    }
    sources_print(gpu);
    putchar('\n');
}

static void assumption_print(const struct assumption *a)
{
    static const char *const place[ENTERED] = {
        [ENTERS_MODEL] = "in the residuals of the calibration",
        [ENTERS_LINK] = "its range is part of the interval",
        [ENTERS_LAUNCH] = "its range is part of the interval",
        [ENTERS_STARTUP] = "its range is the interval",
        [ENTERS_INTERVAL] = "its middle is taken",
    };
    char text[700];

    printf("    %-18s %9g %-7s ", a->name, a->value, a->unit);
    snprintf(text, sizeof text, "%g to %g; %s: %s; enters %s; %s: %s", a->low, a->high,
             a->is_published ? "published" : "assumption", a->meaning, enters_words(a->enters),
             place[a->enters], a->source);
    wrapped_print(text, SOURCE_AT);
}

/* The GPU that was asked for, all of a user's file, or every one. */
static bool is_shown(const struct gpu *gpu, const struct gpu_list *wanted)
{
    bool is_wanted = wanted->n == 0;

    for (int i = 0; i < wanted->n; i++)
        is_wanted |= gpu == wanted->gpu[i];
    return is_wanted;
}

static bool is_concerned(const struct assumption *a, const struct gpu_list *wanted)
{
    bool is_any = false;

    for (int i = 0; i < gpu_count(); i++)
        is_any |= is_shown(gpu_at(i), wanted) && assumption_concerns(a, gpu_at(i));
    return is_any;
}

static void gpus_print(const struct gpu_list *wanted, bool is_verbose)
{
    for (int i = 0; i < gpu_count(); i++)
        if (is_shown(gpu_at(i), wanted))
            (is_verbose ? sheet_print : line_print)(gpu_at(i));
    if (!is_verbose)
        return;
    puts("  assumptions: not from a datasheet, not fitted; the range is meant to hold 80 % of cases");
    for (int i = 0; i < assumption_count(); i++)
        if (is_concerned(assumption_at(i), wanted))
            assumption_print(assumption_at(i));
}

int list_gpus(int argc, char **argv)
{
    struct gpu_list wanted = {.n = 0};
    const char *name = NULL;
    bool is_verbose = false;
    struct why why = {""};

    for (int i = 0; i < argc; i++) {
        bool is_gpu = strcmp(argv[i], "--gpu") == 0 || strcmp(argv[i], "-g") == 0;

        if (strcmp(argv[i], "--verbose") == 0 || strcmp(argv[i], "-v") == 0)
            is_verbose = true;
        else if (strncmp(argv[i], "--gpu=", 6) == 0)
            name = argv[i] + 6;
        else if (is_gpu && i + 1 < argc)
            name = argv[++i];
        else
            return command_fail(EXIT_USAGE, "what is '%s'? hint: offload-bench list gpus "
                                            "[--verbose] [--gpu NAME|FILE]", argv[i]);
    }
    if (name && gpu_named(name, &wanted, &why) != 0)
        return command_fail(EXIT_USAGE, "%s", why.text);
    gpus_print(&wanted, is_verbose);
    return EXIT_DONE;
}
