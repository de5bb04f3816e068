/* SPDX-License-Identifier: MIT */
#include "harness/survey.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "harness/machine.h"
#include "harness/process.h"
#include "harness/sampler.h"
#include "probes/probe.h"

/* Drivers of many GPUs take tens of seconds to open. */
static const double patience_s = 120;

/* Probes that cannot be read here, each with its reason. */
static json_t *missing_probes(void)
{
    json_t *list = json_array();

    for (const struct probe *const *p = probes; *p; p++) {
        const struct metric *metric;
        struct why why = {{0}};
        void *self = NULL;
        int metrics;

        if ((*p)->open(&self, "/", &metric, &metrics, &why) == 0)
            (*p)->close(self);
        else
            json_array_append_new(
                list, json_pack("{s:s, s:s}", "what", (*p)->name, "why", why.text));
    }
    return list;
}

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
        if (host.row.cache_bytes)
            json_object_set_new(machine, "cache_bytes",
                                json_integer((json_int_t)host.row.cache_bytes));
    }
    seen.devices = device_list(seen.device, SURVEY_DEVICES, seen.missing);
    device_close(&host);
    json_object_set_new(machine, "missing_probes", missing_probes());
    text = json_dumps(machine, JSON_COMPACT);
    if (!text || bytes_write(fd, (const char *)&seen, sizeof seen) ||
        bytes_write(fd, text, strlen(text)))
        _exit(1);
}

int survey_take(struct survey *survey, struct why *why)
{
    struct text said = {0};
    struct why inner = {{0}};
    int status = process_isolate(look, NULL, patience_s, &said, &inner);

    *survey = (struct survey){.devices = 0};
    if (status)
        why_fail(why, status, "cannot look at this machine: %s; hint: offload-bench doctor ends "
                 "where the trouble is", inner.text);
    if (!status && said.n > sizeof *survey) {
        memcpy(survey, said.data, sizeof *survey);
        survey->machine = json_loads(said.data + sizeof *survey, 0, NULL);
        survey->missing_probes = json_incref(json_object_get(survey->machine, "missing_probes"));
        json_object_del(survey->machine, "missing_probes");
    } else if (!status) {
        status = why_fail(why, STATUS_IO, "looking at this machine gave nothing");
    }
    text_release(&said);
    return status;
}

void survey_release(struct survey *survey)
{
    json_decref(survey->machine);
    json_decref(survey->missing_probes);
    *survey = (struct survey){.devices = 0};
}
