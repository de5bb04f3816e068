/* SPDX-License-Identifier: MIT */
/* Hardware counters of NVIDIA GPUs through CUPTI's range profiler. The plan is made for the
 * chip and the class of work; its passes are replayed by running the same call again (user
 * replay), so that nothing is saved and restored behind our back. A session lasts from the
 * first pass of a cell to its last. */
#include "probes/probe.h"

#include "probes/cuda_context.h"
#include "probes/cupti_plan.h"
#include "probes/cupti_symbols.h"

#ifndef HAVE_COUNTERS

static int counters_open(void **self, const char *root, const struct metric **metric,
                         int *count, struct why *why)
{
    (void)self, (void)root, (void)metric, (void)count;
    return why_fail(why, STATUS_UNAVAILABLE,
                    "built without the counters of CUPTI; hint: install a CUDA toolkit of "
                    "12.6 or newer with CUPTI, then make");
}

const struct probe probe_cupti_counters = {
    .name = "cupti_counters",
    .brief = "hardware counters of NVIDIA GPUs (CUPTI)",
    .traits = PROBE_INTRUSIVE | PROBE_CUDA,
    .open = counters_open,
};

#else

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct session {
    const struct cupti *cupti;
    char root[512];
    struct probe_subject subject;
    struct metric metric[PROBE_METRICS]; /* those of the plan, then fp_ops */
    int metrics;
    bool is_initialized, is_open, is_started;
    struct cupti_plan plan;
    uint8_t *availability, *data;
    size_t data_bytes;
    CUpti_RangeProfiler_Object *profiler;
};

/* Call a function with one of CUPTI's parameter structures: CUPTI_CALL(s, RangeProfilerStart,
 * CUpti_RangeProfiler_Start_Params, .pRangeProfilerObject = p). */
#define CUPTI_CALL(s, function, type, ...)                                             \
    (s)->cupti->function(&(type){.structSize = type##_STRUCT_SIZE, __VA_ARGS__})

#define CUPTI_TRY(call, what)                                                          \
    do {                                                                               \
        CUptiResult result_ = (call);                                                  \
        if (result_ != CUPTI_SUCCESS)                                                  \
            return cupti_fail(s->cupti, result_, what, why);                           \
    } while (0)

static void session_end(struct session *s)
{
    if (s->is_started)
        CUPTI_CALL(s, RangeProfilerStop, CUpti_RangeProfiler_Stop_Params,
                   .pRangeProfilerObject = s->profiler);
    if (s->profiler)
        CUPTI_CALL(s, RangeProfilerDisable, CUpti_RangeProfiler_Disable_Params,
                   .pRangeProfilerObject = s->profiler);
    cupti_plan_release(&s->plan);
    free(s->availability);
    free(s->data);
    s->plan = (struct cupti_plan){.cupti = NULL};
    s->availability = s->data = NULL;
    s->profiler = NULL;
    s->is_open = s->is_started = false;
}

/* ---- opening a session ------------------------------------------------------------------ */

static int device_check(struct session *s, int device, struct why *why)
{
    CUpti_Profiler_DeviceSupported_Params support = {
        .structSize = CUpti_Profiler_DeviceSupported_Params_STRUCT_SIZE,
        .cuDevice = device,
        .api = CUPTI_PROFILER_RANGE_PROFILING};

    CUPTI_TRY(s->cupti->ProfilerDeviceSupported(&support), "ask for the GPU's support");
    if (support.isSupported == CUPTI_PROFILER_CONFIGURATION_SUPPORTED)
        return 0;
    return why_fail(
        why, STATUS_UNAVAILABLE, "CUPTI cannot count on this GPU: %s",
        support.architecture == CUPTI_PROFILER_CONFIGURATION_UNSUPPORTED ? "it is too old"
        : support.vGpu == CUPTI_PROFILER_CONFIGURATION_DISABLED
            ? "profiling is off for this virtual GPU; hint: enable it in the vGPU manager"
        : support.vGpu == CUPTI_PROFILER_CONFIGURATION_UNSUPPORTED ? "it is a virtual GPU"
        : support.confidentialCompute == CUPTI_PROFILER_CONFIGURATION_UNSUPPORTED
            ? "confidential computing is on"
        : support.wsl == CUPTI_PROFILER_CONFIGURATION_UNSUPPORTED ? "WSL passes no counters on"
                                                                  : "it has no support for it");
}

/* Which counters this very GPU lets be read. */
static int availability_read(struct session *s, void *context, struct why *why)
{
    CUpti_Profiler_GetCounterAvailability_Params image = {
        .structSize = CUpti_Profiler_GetCounterAvailability_Params_STRUCT_SIZE,
        .ctx = context};

    CUPTI_TRY(s->cupti->ProfilerGetCounterAvailability(&image), "read hardware counters");
    s->availability = calloc(1, image.counterAvailabilityImageSize + 1);
    if (!s->availability)
        return why_fail(why, STATUS_MEMORY, "no memory for the probe 'cupti_counters'");
    image.pCounterAvailabilityImage = s->availability;
    CUPTI_TRY(s->cupti->ProfilerGetCounterAvailability(&image), "read hardware counters");
    return 0;
}

static int plan_make(struct session *s, int device, struct why *why)
{
    CUpti_Device_GetChipName_Params chip = {
        .structSize = CUpti_Device_GetChipName_Params_STRUCT_SIZE,
        .deviceIndex = (size_t)device};

    CUPTI_TRY(s->cupti->DeviceGetChipName(&chip), "name the GPU's chip");
    return cupti_plan_make(&s->plan, s->cupti, chip.pChipName, s->availability,
                           counter_set_for(s->subject.flops, s->subject.bytes),
                           (int)s->subject.dtype, why);
}

/* The image that CUPTI counts into: one range. */
static int data_make(struct session *s, struct why *why)
{
    CUpti_RangeProfiler_GetCounterDataSize_Params size = {
        .structSize = CUpti_RangeProfiler_GetCounterDataSize_Params_STRUCT_SIZE,
        .pRangeProfilerObject = s->profiler,
        .pMetricNames = s->plan.name,
        .numMetrics = (size_t)s->plan.terms,
        .maxNumOfRanges = 1,
        .maxNumRangeTreeNodes = 1};

    CUPTI_TRY(s->cupti->RangeProfilerGetCounterDataSize(&size), "size its counters");
    s->data_bytes = size.counterDataSize;
    s->data = calloc(1, s->data_bytes + 1);
    if (!s->data)
        return why_fail(why, STATUS_MEMORY, "no memory for the probe 'cupti_counters'");
    CUPTI_TRY(CUPTI_CALL(s, RangeProfilerCounterDataImageInitialize,
                         CUpti_RangeProfiler_CounterDataImage_Initialize_Params,
                         .pRangeProfilerObject = s->profiler,
                         .counterDataSize = s->data_bytes, .pCounterData = s->data),
              "prepare its counters");
    return 0;
}

static int profiler_enable(struct session *s, void *context, struct why *why)
{
    CUpti_RangeProfiler_Enable_Params enable = {
        .structSize = CUpti_RangeProfiler_Enable_Params_STRUCT_SIZE, .ctx = context};
    int status;

    CUPTI_TRY(s->cupti->RangeProfilerEnable(&enable), "read hardware counters");
    s->profiler = enable.pRangeProfilerObject;
    status = data_make(s, why);
    if (status)
        return status;
    CUPTI_TRY(CUPTI_CALL(s, RangeProfilerSetConfig, CUpti_RangeProfiler_SetConfig_Params,
                         .pRangeProfilerObject = s->profiler,
                         .configSize = s->plan.config_bytes, .pConfig = s->plan.config,
                         .counterDataImageSize = s->data_bytes, .pCounterDataImage = s->data,
                         .range = CUPTI_UserRange, .replayMode = CUPTI_UserReplay,
                         .maxRangesPerPass = 1, .numNestingLevels = 1, .minNestingLevel = 1,
                         .passIndex = 0, .targetNestingLevel = 1),
              "set its counters");
    return 0;
}

static int session_begin(struct session *s, struct why *why)
{
    struct cuda_context now;
    int status = cuda_context_current(&now, s->root, why);

    if (status)
        return status;
    if (!s->is_initialized)
        CUPTI_TRY(s->cupti->ProfilerInitialize(&(CUpti_Profiler_Initialize_Params){
                      .structSize = CUpti_Profiler_Initialize_Params_STRUCT_SIZE}),
                  "start its profiler");
    s->is_initialized = true;
    status = device_check(s, now.device, why);
    if (!status)
        status = availability_read(s, now.context, why);
    if (!status)
        status = plan_make(s, now.device, why);
    if (!status)
        status = profiler_enable(s, now.context, why);
    s->is_open = !status;
    return status;
}

/* ---- the probe -------------------------------------------------------------------------- */

static int counters_open(void **self, const char *root, const struct metric **metric,
                         int *count, struct why *why)
{
    const struct cupti *cupti = cupti_library(root, why);
    const struct metric *all;
    struct session *s;

    if (!cupti || cuda_driver_present(root, why) != 0)
        return STATUS_UNAVAILABLE;
    if (cupti_chips(cupti, NULL, 0, why) < 0)
        return STATUS_UNAVAILABLE;
    s = calloc(1, sizeof *s);
    if (!s)
        return why_fail(why, STATUS_MEMORY, "no memory for the probe 'cupti_counters'");
    s->cupti = cupti;
    strncpy(s->root, root, sizeof s->root - 1);
    s->metrics = counter_metrics(&all);
    memcpy(s->metric, all, (size_t)s->metrics * sizeof *all);
    s->metric[s->metrics++] = (struct metric){
        "fp_ops", "1", "operations of the type's pipelines and tensor cores together",
        BETTER_NEITHER};
    *self = s;
    *metric = s->metric;
    *count = s->metrics;
    return 0;
}

/* Also ends what a cell that failed left behind. */
static void counters_aim(void *self, const struct probe_subject *subject)
{
    struct session *s = self;

    session_end(s);
    s->subject = *subject;
}

static int pass_begin(struct session *s, struct why *why)
{
    CUPTI_TRY(CUPTI_CALL(s, RangeProfilerStart, CUpti_RangeProfiler_Start_Params,
                         .pRangeProfilerObject = s->profiler),
              "start counting");
    s->is_started = true;
    CUPTI_TRY(CUPTI_CALL(s, RangeProfilerPushRange, CUpti_RangeProfiler_PushRange_Params,
                         .pRangeProfilerObject = s->profiler, .pRangeName = "call"),
              "begin a range");
    return 0;
}

static int counters_start(void *self, struct why *why)
{
    struct session *s = self;
    int status = s->is_open ? 0 : session_begin(s, why);

    if (!status)
        status = pass_begin(s, why);
    if (status)
        session_end(s);
    return status;
}

/* Sum of what the type's pipelines and the tensor cores did. */
static double operations(const struct session *s, const double *value)
{
    double sum = 0;
    int parts = 0;

    for (int m = 0; m < s->metrics; m++)
        if (!isnan(value[m]) && (strncmp(s->metric[m].name, "fp_ops_", 7) == 0 ||
                                 strncmp(s->metric[m].name, "tensor_ops_", 11) == 0)) {
            sum += value[m];
            parts++;
        }
    return parts ? sum : NAN;
}

static int evaluate(struct session *s, double *value, struct why *why)
{
    double term[COUNTER_TERMS], counted[PROBE_METRICS];
    CUpti_RangeProfiler_DecodeData_Params decode = {
        .structSize = CUpti_RangeProfiler_DecodeData_Params_STRUCT_SIZE,
        .pRangeProfilerObject = s->profiler};

    CUPTI_TRY(s->cupti->RangeProfilerDecodeData(&decode), "decode its counters");
    if (decode.numOfRangeDropped)
        return why_fail(why, STATUS_DEVICE, "CUPTI dropped the range that it counted");
    CUPTI_TRY(CUPTI_CALL(s, ProfilerHostEvaluateToGpuValues,
                         CUpti_Profiler_Host_EvaluateToGpuValues_Params,
                         .pHostObject = s->plan.host, .pCounterDataImage = s->data,
                         .counterDataImageSize = s->data_bytes, .rangeIndex = 0,
                         .ppMetricNames = s->plan.name,
                         .numMetrics = (size_t)s->plan.terms, .pMetricValues = term),
              "evaluate its counters");
    cupti_plan_values(&s->plan, term, counted);
    for (int i = 0; i < s->plan.counters; i++)
        value[s->plan.counter[i].row] = counted[i];
    value[s->metrics - 1] = operations(s, value);
    return 0;
}

static int counters_stop(void *self, double *value)
{
    struct session *s = self;
    CUpti_RangeProfiler_Stop_Params stop = {
        .structSize = CUpti_RangeProfiler_Stop_Params_STRUCT_SIZE,
        .pRangeProfilerObject = s->profiler};
    CUptiResult result =
        CUPTI_CALL(s, RangeProfilerPopRange, CUpti_RangeProfiler_PopRange_Params,
                   .pRangeProfilerObject = s->profiler);
    int status = 0;

    if (result == CUPTI_SUCCESS) {
        result = s->cupti->RangeProfilerStop(&stop);
        s->is_started = false; /* else session_end stops it */
    }
    if (result == CUPTI_SUCCESS && !stop.isAllPassSubmitted)
        return PROBE_AGAIN;
    if (result == CUPTI_SUCCESS)
        status = evaluate(s, value, NULL);
    session_end(s);
    return result == CUPTI_SUCCESS ? status : STATUS_DEVICE;
}

static void counters_close(void *self)
{
    struct session *s = self;

    session_end(s);
    if (s->is_initialized)
        s->cupti->ProfilerDeInitialize(&(CUpti_Profiler_DeInitialize_Params){
            .structSize = CUpti_Profiler_DeInitialize_Params_STRUCT_SIZE});
    free(s);
}

const struct probe probe_cupti_counters = {
    .name = "cupti_counters",
    .brief = "hardware counters of NVIDIA GPUs (CUPTI)",
    .traits = PROBE_INTRUSIVE | PROBE_CUDA,
    .open = counters_open,
    .aim = counters_aim,
    .start = counters_start,
    .stop = counters_stop,
    .close = counters_close,
};

#endif
