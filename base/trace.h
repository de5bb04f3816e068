/* SPDX-License-Identifier: MIT */
/* What happened when, as a file that Perfetto and chrome://tracing show: the Trace Event
 * Format, a JSON array of complete events
 * (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU). Off
 * unless opened; one file per process and its children, each event one write. */
#ifndef OFFLOAD_BENCH_TRACE_H
#define OFFLOAD_BENCH_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

/* Lines of the picture. GPU streams are TRACK_STREAM + their number. */
enum trace_track { TRACK_PHASE = 1, TRACK_SAMPLE, TRACK_DRIVER, TRACK_STREAM };

/* Begin a new file. Errors: STATUS_IO. */
int trace_open(const char *path, struct why *);
/* End it, in the process that opened it; false when not all of it could be written. */
bool trace_close(void);

/* One span on clock_ns()'s clock; `category` and `name` are free text. Nothing when off. */
void trace_span(int track, const char *category, const char *name, int64_t start_ns,
                int64_t end_ns);

#endif
