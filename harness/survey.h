/* SPDX-License-Identifier: MIT */
/* What is here: devices, machine, libraries. Looked at in a child process, since drivers and
 * libraries start threads and keep state that a process which forks must not have. */
#ifndef OFFLOAD_BENCH_SURVEY_H
#define OFFLOAD_BENCH_SURVEY_H

#include <jansson.h>

#include "devices/device.h"

enum { SURVEY_DEVICES = 16 };

struct survey {
    struct device_row device[SURVEY_DEVICES];
    int devices;
    struct why missing[DEVICE_KINDS]; /* per kind of device: why there is none */
    json_t *missing_probes;           /* array of {"what", "why"} */
    json_t *machine;                  /* machine_describe(), with libraries and overhead */
};

/* Errors: STATUS_IO when the child died. Release with survey_release. */
int survey_take(struct survey *, struct why *);
void survey_release(struct survey *);

#endif
