/* SPDX-License-Identifier: MIT */
#include "harness/survey.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "harness/machine.h"
#include "harness/runner.h"
#include "harness/sampler.h"

/* The struct's bytes, then the machine as JSON: both ends are this program. */
static void look(int fd, void *to)
{
    struct survey seen = {.devices = 0};
    json_t *machine = machine_describe();
    struct device host;
    char *text;

    (void)to;
    if (device_open(&host, "cpu", NULL) == 0) {
        json_object_set_new(machine, "timing_overhead_ns",
                            json_real(sampler_overhead_ns(&host)));
        if (host.cache_bytes)
            json_object_set_new(machine, "cache_bytes",
                                json_integer((json_int_t)host.cache_bytes));
    }
    seen.devices = device_list(seen.device, SURVEY_DEVICES, seen.missing);
    device_close(&host);
    text = json_dumps(machine, JSON_COMPACT);
    if (!text || write(fd, &seen, sizeof seen) != (ssize_t)sizeof seen ||
        write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        _exit(1);
}

int survey_take(struct survey *survey, struct why *why)
{
    struct text said = {0};
    int status = runner_isolate(look, NULL, &said, why);

    *survey = (struct survey){.devices = 0};
    if (!status && said.n > sizeof *survey) {
        memcpy(survey, said.data, sizeof *survey);
        survey->machine = json_loads(said.data + sizeof *survey, 0, NULL);
    } else if (!status) {
        status = why_fail(why, STATUS_IO, "looking at this machine gave nothing");
    }
    text_release(&said);
    return status;
}

void survey_release(struct survey *survey)
{
    json_decref(survey->machine);
    *survey = (struct survey){.devices = 0};
}
