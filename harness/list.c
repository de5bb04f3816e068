/* SPDX-License-Identifier: MIT */
/* The `list` sub-command: what there is to choose from. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "devices/device.h"
#include "harness/command.h"
#include "probes/probe.h"
#include "report/format.h"
#include "suites/suite.h"
#include "workloads/workload.h"

static void list_suites(void)
{
    for (const char *const *name = suite_names(); *name; name++)
        printf("  %-14s %s\n", *name, suite_brief(*name));
}

static void list_models(void)
{
    for (const char *const *name = model_names(); *name; name++)
        printf("  %-14s %s\n", *name, model_brief(*name));
}

static void list_workloads(void)
{
    for (const struct workload *const *at = workloads; *at; at++) {
        const struct workload *w = *at;

        printf("  %-18s %s\n    axes:", w->name, w->brief);
        for (int i = 0; i < workload_axes(w); i++)
            printf(" %s", w->axis[i].name);
        printf("\n    types:");
        for (int d = 0; d < DTYPES; d++)
            if (w->dtypes >> d & 1)
                printf(" %s", dtype_name((enum dtype)d));
        printf("\n    variants:");
        for (const struct variant *v = w->variants; v->name; v++)
            printf(" %s%s", v->name, v->on == DEVICE_CPU ? "" : " (device)");
        printf("\n    sweeps:");
        for (const struct sweep *s = w->sweeps; s && s->name; s++)
            printf(" %s", s->name);
        putchar('\n');
    }
}

static void list_sweeps(void)
{
    for (const struct workload *const *at = workloads; *at; at++)
        for (const struct sweep *s = (*at)->sweeps; s && s->name; s++) {
            char shape[200];

            if ((*at)->role != ROLE_JUDGED)
                continue;
            workload_sweep_text(*at, s, shape, sizeof shape);
            printf("  %-18s %-18s %s%s%s%s\n", (*at)->name, s->name, shape, s->also ? " (" : "",
                   s->also ? s->also : "", s->also ? ")" : "");
        }
}

static void list_devices(void)
{
    enum { MOST = 32 };
    struct device_row row[MOST];
    struct why missing[DEVICE_KINDS] = {{{0}}};
    int rows = device_list(row, MOST, missing);

    for (int i = 0; i < rows; i++)
        printf("  %-10s %s (%s; evidence: %s)\n", row[i].id.text, row[i].model, row[i].driver,
               evidence_name(row[i].evidence));
    for (int k = 0; k < DEVICE_KINDS; k++)
        if (missing[k].text[0])
            printf("  %-10s not here: %s\n", device_kind_name((enum device_kind)k),
                   missing[k].text);
    for (const struct driver *const *d = drivers; *d; d++)
        if ((*d)->hides && (*d)->hides(&missing[(*d)->kind]))
            printf("  %-10s %s\n", device_kind_name((*d)->kind), missing[(*d)->kind].text);
}

static void list_every_gpu(void)
{
    list_gpus(0, NULL);
}

static void list_probes(void)
{
    for (const struct probe *const *p = probes; *p; p++)
        printf("  %-10s %s\n", (*p)->name, (*p)->brief);
}

static void list_formats(void)
{
    for (const struct format *const *f = formats; *f; f++)
        printf("  %-10s %s\n", (*f)->name, (*f)->brief);
}

static const struct listing {
    const char *name;
    void (*list)(void);
} listings[] = {
    {"suites", list_suites},   {"workloads", list_workloads}, {"sweeps", list_sweeps},
    {"devices", list_devices},
    {"gpus", list_every_gpu},  {"models", list_models},       {"probes", list_probes},
    {"formats", list_formats},
};

enum { LISTINGS = sizeof listings / sizeof *listings };

static int list_chip(int argc, char **argv)
{
    bool is_joined = strncmp(argv[0], "--chip=", 7) == 0;
    bool is_apart = strcmp(argv[0], "--chip") == 0 && argc > 1;
    const char *chip = is_joined ? argv[0] + 7 : is_apart ? argv[1] : NULL;
    int known = is_apart ? 2 : is_joined;

    if (argc != known || !*chip)
        return command_fail(EXIT_USAGE, "what is '%s'? hint: offload-bench list probes --chip "
                                        "GH100, or --chip list",
                            argv[known < argc ? known : 0]);
    return list_counters(chip);
}

int command_list(int argc, char **argv)
{
    const char *name[LISTINGS];
    char near[160];
    int listed = 0;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        puts("usage: offload-bench list [suites|workloads|sweeps|devices|gpus|models|probes|formats]\n"
             "       offload-bench list gpus [--verbose] [--gpu NAME|FILE]\n"
             "       offload-bench list probes --chip NAME|list\n"
             "gpus --verbose: every field with unit and source, and the assumptions beside them.\n"
             "probes --chip: hardware counters of NVIDIA GPUs by chip; needs CUPTI, no GPU.");
        return EXIT_DONE;
    }
    if (argc > 2 && strcmp(argv[1], "probes") == 0)
        return list_chip(argc - 2, argv + 2);
    if (argc > 2 && strcmp(argv[1], "gpus") == 0)
        return list_gpus(argc - 2, argv + 2);
    if (argc > 2)
        return command_fail(EXIT_USAGE, "what is '%s'? hint: offload-bench list --help", argv[2]);
    for (int i = 0; i < LISTINGS; i++) {
        name[i] = listings[i].name;
        if (argc > 1 && strcmp(argv[1], name[i]) != 0)
            continue;
        printf("%s\n", name[i]);
        listings[i].list();
        listed++;
    }
    if (listed)
        return EXIT_DONE;
    text_nearest(near, sizeof near, argv[1], name, LISTINGS);
    return command_fail(EXIT_USAGE, "nothing to list under '%s'%s; hint: offload-bench list --help",
                        argv[1], near);
}
