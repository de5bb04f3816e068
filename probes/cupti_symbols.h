/* SPDX-License-Identifier: MIT */
/* The functions of CUPTI that we use, and nothing else. Activity records came with CUDA 5;
 * the host and range functions with CUDA 12.6, so they may be missing in a library that is
 * otherwise fine. */
#ifndef OFFLOAD_BENCH_CUPTI_SYMBOLS_H
#define OFFLOAD_BENCH_CUPTI_SYMBOLS_H

#ifdef HAVE_CUPTI
#include <cupti.h>
#endif
#ifdef HAVE_COUNTERS
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_range_profiler.h>
#include <cupti_target.h>
#endif

#include <stdbool.h>

#include "probes/cupti_library.h"

#ifdef HAVE_CUPTI
#define CUPTI_ACTIVITY_MAP(X)                                                          \
    X(GetVersion) X(GetResultString) X(ActivityRegisterCallbacks) X(ActivityEnable)    \
    X(ActivityDisable) X(ActivityFlushAll) X(ActivityGetNextRecord)                    \
    X(ActivityGetNumDroppedRecords) X(GetTimestamp)
#else
#define CUPTI_ACTIVITY_MAP(X)
#endif
#ifdef HAVE_COUNTERS
#define CUPTI_COUNTERS_MAP(X)                                                          \
    X(ProfilerHostInitialize) X(ProfilerHostDeinitialize)                              \
    X(ProfilerHostGetSupportedChips) X(ProfilerHostGetMetricProperties)                \
    X(ProfilerHostConfigAddMetrics) X(ProfilerHostGetConfigImageSize)                  \
    X(ProfilerHostGetConfigImage) X(ProfilerHostGetNumOfPasses)                        \
    X(ProfilerHostEvaluateToGpuValues) X(ProfilerInitialize) X(ProfilerDeInitialize)   \
    X(ProfilerDeviceSupported) X(ProfilerGetCounterAvailability) X(DeviceGetChipName)  \
    X(RangeProfilerEnable) X(RangeProfilerDisable) X(RangeProfilerSetConfig)           \
    X(RangeProfilerStart) X(RangeProfilerStop) X(RangeProfilerPushRange)               \
    X(RangeProfilerPopRange) X(RangeProfilerDecodeData)                                \
    X(RangeProfilerGetCounterDataSize) X(RangeProfilerCounterDataImageInitialize)
#else
#define CUPTI_COUNTERS_MAP(X)
#endif

struct cupti {
    void *library;
    char root[512], version[160];
    bool has_counters; /* all of CUPTI_COUNTERS_MAP are there */
#define X(name) __typeof__(cupti##name) *name;
    CUPTI_ACTIVITY_MAP(X)
    CUPTI_COUNTERS_MAP(X)
#undef X
};

#ifdef HAVE_CUPTI
/* STATUS_UNAVAILABLE and the sentence of a failed call, "CUPTI cannot WHAT: ...", with what
 * would help; short enough for a record. */
int cupti_fail(const struct cupti *, CUptiResult, const char *what, struct why *);
#endif

#endif
