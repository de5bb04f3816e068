/* SPDX-License-Identifier: MIT */
/* `list probes --chip NAME`: the hardware counters that would be read on a GPU of that chip,
 * and in how many passes. Planned by CUPTI itself, without a GPU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command.h"
#include "probes/cupti_plan.h"

enum { CHIPS = 256 };

static int list_chips(const struct cupti *cupti, struct why *why)
{
    const char *chip[CHIPS];
    int chips = cupti_chips(cupti, chip, CHIPS, why);

    if (chips < 0)
        return chips;
    printf("chips that %s knows\n", cupti_version(cupti));
    for (int i = 0; i < chips; i++) {
        struct why refusal = {{0}};

        printf("  %s", chip[i]);
        if (cupti_chip_check(cupti, chip[i], &refusal) != 0)
            printf("  (%s)", refusal.text);
        putchar('\n');
    }
    return 0;
}

static void print_plan(const struct cupti_plan *plan, enum counter_set set)
{
    printf("%s: %s: %d metrics, %zu %s together\n", counter_sets[set].name,
           counter_sets[set].meaning, plan->counters, plan->passes,
           plan->passes == 1 ? "pass" : "passes");
    printf("  %-15s %-5s %6s  %s\n", "metric", "unit", "passes", "what, and from which counters");
    for (int i = 0; i < plan->counters; i++) {
        const struct counter *counter = &plan->counter[i];

        printf("  %-15s %-5s %6zu  %s\n", counter->metric.name, counter->metric.unit,
               counter->passes, counter->metric.meaning);
        for (int t = counter->first; t < counter->first + counter->terms; t++) {
            printf("  %29s ", "");
            if (plan->weight[t] != 1)
                printf("%g * ", plan->weight[t]);
            puts(plan->name[t]);
        }
        printf("  %29s (%s)\n", "", counter->description);
    }
}

static int list_plans(const struct cupti *cupti, const char *chip, struct why *why)
{
    struct cupti_plan *plan = calloc(1, sizeof *plan);
    int status = plan ? 0 : why_fail(why, STATUS_MEMORY, "out of memory");

    for (int set = 0; set < COUNTER_SETS && !status; set++) {
        status = cupti_plan_make(plan, cupti, chip, NULL, (enum counter_set)set,
                                 COUNTERS_ALL_DTYPES, why);
        if (status)
            break;
        if (set == 0)
            printf("chip %s, planned by %s\nA cell reads only the counters of its own type of "
                   "elements.\n", chip, cupti_version(cupti));
        print_plan(plan, (enum counter_set)set);
        cupti_plan_release(plan);
    }
    free(plan);
    return status;
}

int list_counters(const char *chip)
{
    struct why why = {{0}};
    const struct cupti *cupti = cupti_library("/", &why);
    int status;

    if (!cupti)
        return command_fail(EXIT_NOTHING, "%s", why.text);
    status = strcmp(chip, "list") == 0 ? list_chips(cupti, &why)
                                       : list_plans(cupti, chip, &why);
    if (status)
        command_fail(EXIT_NOTHING, "%s", why.text);
    return status == STATUS_INVALID ? EXIT_USAGE : status ? EXIT_NOTHING : EXIT_DONE;
}
