/* SPDX-License-Identifier: MIT */
/* A PAPI with four counters and known counts, for machines without any: event i of a
 * set counts 1000 (i + 1). It insists on the order in which the real one must be
 * called. */
#ifdef HAVE_PAPI
#include <papi.h>
#include <string.h>

enum { SET = 7, COUNTERS = 4 };

static int events, is_assigned, is_inherited, is_running;

int PAPI_library_init(int version)
{
    return version;
}

int PAPI_num_components(void)
{
    return 2;
}

const PAPI_component_info_t *PAPI_get_component_info(int i)
{
    static PAPI_component_info_t info[2] = {
        {.name = "sde"}, {.name = "perf_event", .num_cntrs = COUNTERS}};

    return &info[i];
}

int PAPI_create_eventset(int *set)
{
    *set = SET;
    return PAPI_OK;
}

int PAPI_assign_eventset_component(int set, int component)
{
    is_assigned = set == SET && component == 1;
    return is_assigned ? PAPI_OK : PAPI_EINVAL;
}

int PAPI_set_opt(int option, PAPI_option_t *value)
{
    is_inherited = is_assigned && option == PAPI_INHERIT &&
                   value->inherit.eventset == SET &&
                   value->inherit.inherit == PAPI_INHERIT_ALL;
    return is_inherited ? PAPI_OK : PAPI_EINVAL;
}

int PAPI_add_named_event(int set, const char *name)
{
    static const char *const known[] = {"PAPI_TOT_CYC", "perf::INSTRUCTIONS",
                                        "PAPI_SP_OPS", "PAPI_DP_OPS", "PAPI_L3_TCM"};

    if (set != SET || !is_inherited)
        return PAPI_EINVAL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], name) == 0)
            return events == COUNTERS ? PAPI_ECNFLCT : (events++, PAPI_OK);
    return PAPI_ENOEVNT;
}

int PAPI_start(int set)
{
    if (set != SET || is_running || !events)
        return PAPI_EINVAL;
    is_running = 1;
    return PAPI_OK;
}

int PAPI_stop(int set, long long *count)
{
    if (set != SET || !is_running)
        return PAPI_EINVAL;
    for (int i = 0; i < events; i++)
        count[i] = 1000 * (i + 1);
    is_running = 0;
    return PAPI_OK;
}

int PAPI_cleanup_eventset(int set)
{
    events = is_assigned = is_inherited = 0;
    return set == SET ? PAPI_OK : PAPI_EINVAL;
}

int PAPI_destroy_eventset(int *set)
{
    *set = PAPI_NULL;
    return PAPI_OK;
}

char *PAPI_strerror(int status)
{
    static char text[] = "emulated error";

    (void)status;
    return text;
}
#endif
