/* SPDX-License-Identifier: MIT */
/* A CUPTI without a GPU, strict about the order in which it is called: each mistake is a line
 * on stderr and counted by emulator_findings(). Planning is the real library's; activity
 * records tell what the emulated driver ran (OFFLOAD_EMULATOR_ACTIVITY: by a clock of so many
 * percent of ours); without that driver, and counter values always, they are made up here:
 *   each flush gives two kernels (1 ms and 0.5 ms, 20 us after their driver calls of 4 us) on
 *   stream 7, a copy (4096 bytes, 2 us) on 8, a fill (1 us) on 9, and overhead (3 us);
 *   counters are 100 (.sum), 50 (percent) and 2 (.ratio).
 * OFFLOAD_EMULATOR_NO_COUNTERS: "1" no permission, "busy" another profiler, "old" a GPU without
 * support. OFFLOAD_EMULATOR_HOLD: a flush asks for all buffers it can get and drops 7 records.
 * OFFLOAD_EMULATOR_FAIL_POP: no range can be ended. OFFLOAD_EMULATOR_CHIP: the chip (GA100). */
#ifdef HAVE_COUNTERS
#include <cupti.h>
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_range_profiler.h>
#include <cupti_target.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int findings;

int emulator_findings(void)
{
    return findings;
}

static CUptiResult find(const char *what)
{
    fprintf(stderr, "emulated CUPTI: %s\n", what);
    findings++;
    return CUPTI_ERROR_INVALID_OPERATION;
}

#define EXPECT(condition, what)                                                        \
    do {                                                                               \
        if (!(condition))                                                              \
            return find(what);                                                         \
    } while (0)
#define EXPECT_PARAMS(p, type)                                                         \
    EXPECT((p)->structSize == type##_STRUCT_SIZE && !(p)->pPriv, #type " is not filled in")

/* ---- versions and words ----------------------------------------------------------------- */

CUptiResult cuptiGetVersion(uint32_t *version)
{
    *version = CUPTI_API_VERSION;
    return CUPTI_SUCCESS;
}

CUptiResult cuptiGetResultString(CUptiResult result, const char **text)
{
    *text = result == CUPTI_ERROR_INVALID_OPERATION ? "CUPTI_ERROR_INVALID_OPERATION" : "emulated";
    return CUPTI_SUCCESS;
}

CUptiResult cuptiGetTimestamp(uint64_t *now)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    *now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    return CUPTI_SUCCESS;
}

/* ---- activity --------------------------------------------------------------------------- */

static CUpti_BuffersCallbackRequestFunc lend;
static CUpti_BuffersCallbackCompleteFunc give_back;
static int is_enabled[64], enabled;
static size_t dropped;
static struct {
    uint8_t *data;
    size_t used, size;
} page;
static int is_reading;
static uint32_t next_id = 1; /* of a call and its kernel */
static void watch_start(int is_wanted);
static CUpti_RangeProfiler_Object *profiler; /* enabled, or NULL */

CUptiResult cuptiActivityRegisterCallbacks(CUpti_BuffersCallbackRequestFunc request,
                                           CUpti_BuffersCallbackCompleteFunc complete)
{
    EXPECT(request && complete, "no callbacks");
    EXPECT(!enabled, "callbacks registered while kinds are enabled");
    lend = request;
    give_back = complete;
    return CUPTI_SUCCESS;
}

CUptiResult cuptiActivityEnable(CUpti_ActivityKind kind)
{
    EXPECT(lend, "ActivityEnable before ActivityRegisterCallbacks");
    EXPECT(!profiler, "activity enabled while the range profiler is");
    EXPECT(kind < 64 && !is_enabled[kind], "a kind enabled twice");
    is_enabled[kind] = 1;
    if (!enabled++)
        watch_start(1);
    return CUPTI_SUCCESS;
}

CUptiResult cuptiActivityDisable(CUpti_ActivityKind kind)
{
    EXPECT(kind < 64 && is_enabled[kind], "a kind disabled that was not enabled");
    is_enabled[kind] = 0;
    if (!--enabled)
        watch_start(0);
    return CUPTI_SUCCESS;
}

static void page_turn(void)
{
    size_t most = 0;

    if (page.data) {
        is_reading = 1;
        give_back(NULL, 0, page.data, page.size, page.used);
        is_reading = 0;
    }
    page.used = page.size = 0;
    lend(&page.data, &page.size, &most);
}

static void put(const void *record, size_t bytes)
{
    bytes = (bytes + 7) & ~(size_t)7;
    if (page.data && page.used + bytes > page.size)
        page_turn();
    if (page.data && page.used + bytes <= page.size) {
        memcpy(page.data + page.used, record, bytes);
        page.used += bytes;
    } else {
        dropped++;
    }
}

static void put_kernel(uint32_t id, const char *name, uint64_t call, uint64_t ns)
{
    CUpti_ActivityAPI api = {.kind = CUPTI_ACTIVITY_KIND_DRIVER, .start = call,
                             .end = call + 4000, .correlationId = id};
    CUpti_ActivityKernel10 kernel = {.kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL,
                                     .start = call + 20000, .end = call + 20000 + ns,
                                     .streamId = 7, .correlationId = id,
                                     .name = name};

    put(&kernel, sizeof kernel); /* before its call: the order is CUPTI's to choose */
    put(&api, sizeof api);
}

static void put_made_up(void)
{
    static const char name[] = "void gemm<\"tile\">(float *)";
    uint64_t now;
    CUpti_ActivityMemcpy6 copy = {.kind = CUPTI_ACTIVITY_KIND_MEMCPY, .bytes = 4096, .streamId = 8};
    CUpti_ActivityMemset4 fill = {.kind = CUPTI_ACTIVITY_KIND_MEMSET, .streamId = 9};
    CUpti_ActivityOverhead3 overhead = {.kind = CUPTI_ACTIVITY_KIND_OVERHEAD};
    CUpti_ActivityAPI other = {.kind = CUPTI_ACTIVITY_KIND_DRIVER};

    cuptiGetTimestamp(&now);
    put_kernel(next_id++, name, now, 1000000);
    put_kernel(next_id++, name, now + 2000000, 500000);
    copy.start = fill.start = overhead.start = other.start = now;
    copy.end = now + 2000;
    fill.end = now + 1000;
    overhead.end = now + 3000;
    other.end = now + 900000; /* a driver call that launches nothing: must not count */
    other.correlationId = next_id++;
    put(&copy, sizeof copy);
    put(&fill, sizeof fill);
    put(&overhead, sizeof overhead);
    put(&other, sizeof other);
}

/* ---- what the emulated driver ran (enum work_kind) ----------------------------------------- */

enum { RAN_KERNEL, RAN_COPY, RAN_FILL, RAN_HOST = 5, RUNS = 1 << 16 };
static struct {
    int kind;
    char name[64];
    uint64_t bytes, start, ns;
} ran[RUNS];
static int runs;
static void (*watch)(void (*)(int, const char *, size_t, double, double));

static void see(int kind, const char *name, size_t bytes, double start_ms, double end_ms)
{
    const char *percent = getenv("OFFLOAD_EMULATOR_ACTIVITY");

    if (runs == RUNS) {
        dropped++;
        return;
    }
    ran[runs].kind = kind;
    ran[runs].bytes = bytes;
    ran[runs].start = (uint64_t)(start_ms * 1e6);
    ran[runs].ns = (uint64_t)((end_ms - start_ms) * 1e4 * (percent ? atof(percent) : 100));
    snprintf(ran[runs++].name, sizeof ran->name, "%s", name);
}

static void watch_start(int is_wanted)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);

    if (driver)
        *(void **)&watch = dlsym(driver, "cuEmulatorWatch");
    if (watch)
        watch(is_wanted ? see : NULL);
    runs = is_wanted ? 0 : runs;
}

static void put_run(int i)
{
    CUpti_ActivityMemcpy6 copy = {.kind = CUPTI_ACTIVITY_KIND_MEMCPY, .bytes = ran[i].bytes,
                                  .streamId = 8, .start = ran[i].start,
                                  .end = ran[i].start + ran[i].ns};
    CUpti_ActivityMemset4 fill = {.kind = CUPTI_ACTIVITY_KIND_MEMSET, .streamId = 9,
                                  .start = ran[i].start, .end = ran[i].start + ran[i].ns};

    if (ran[i].kind == RAN_COPY)
        put(&copy, sizeof copy);
    else if (ran[i].kind == RAN_FILL)
        put(&fill, sizeof fill);
    else /* a host function is a product of the double of cuBLASLt */
        put_kernel(next_id++, ran[i].name, ran[i].start - 20000, ran[i].ns);
}

static void put_records(void)
{
    if (!watch)
        put_made_up();
    for (int i = 0; watch && i < runs; i++)
        put_run(i);
}

/* Take every buffer there is: a pool without bounds is a finding. */
static CUptiResult hoard(void)
{
    uint8_t *buffer[64];
    size_t bytes, most;
    int n = 0;

    do
        lend(&buffer[n], &bytes, &most);
    while (buffer[n] && ++n < 64);
    EXPECT(n < 64, "buffers without bounds");
    dropped += 7;
    while (n-- > 0)
        give_back(NULL, 0, buffer[n], 0, 0);
    return CUPTI_SUCCESS;
}

CUptiResult cuptiActivityFlushAll(uint32_t flag)
{
    EXPECT(flag == CUPTI_ACTIVITY_FLAG_FLUSH_FORCED, "a flush that leaves records behind");
    EXPECT(enabled, "a flush with nothing enabled");
    if (getenv("OFFLOAD_EMULATOR_HOLD"))
        return hoard();
    page_turn();
    EXPECT(!page.data || ((uintptr_t)page.data % 8 == 0 && page.size >= 4096),
           "a buffer that is small or not aligned");
    put_records();
    is_reading = 1;
    give_back(NULL, 0, page.data, page.size, page.used);
    is_reading = 0;
    page.data = NULL;
    runs = 0;
    return CUPTI_SUCCESS;
}

static size_t record_bytes(const CUpti_Activity *record)
{
    size_t bytes = record->kind == CUPTI_ACTIVITY_KIND_MEMCPY     ? sizeof(CUpti_ActivityMemcpy6)
                   : record->kind == CUPTI_ACTIVITY_KIND_MEMSET   ? sizeof(CUpti_ActivityMemset4)
                   : record->kind == CUPTI_ACTIVITY_KIND_DRIVER   ? sizeof(CUpti_ActivityAPI)
                   : record->kind == CUPTI_ACTIVITY_KIND_OVERHEAD ? sizeof(CUpti_ActivityOverhead3)
                                                                  : sizeof(CUpti_ActivityKernel10);

    return (bytes + 7) & ~(size_t)7;
}

CUptiResult cuptiActivityGetNextRecord(uint8_t *buffer, size_t valid, CUpti_Activity **record)
{
    uint8_t *next = *record ? (uint8_t *)*record + record_bytes(*record) : buffer;

    EXPECT(is_reading, "records read outside of their callback");
    if (next >= buffer + valid)
        return CUPTI_ERROR_MAX_LIMIT_REACHED;
    *record = (CUpti_Activity *)next;
    return CUPTI_SUCCESS;
}

CUptiResult cuptiActivityGetNumDroppedRecords(CUcontext context, uint32_t stream, size_t *n)
{
    (void)context, (void)stream;
    *n = dropped;
    dropped = 0;
    return CUPTI_SUCCESS;
}

/* ---- planning: the real library's -------------------------------------------------------- */

static void *real(const char *name)
{
    static void *library;
    const char *home = getenv("CUDA_HOME");
    char path[512];

    snprintf(path, sizeof path, "%s/lib64/libcupti.so", home ? home : "/usr/local/cuda");
    if (!library)
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return library ? dlsym(library, name) : NULL;
}

#define FORWARD(name, type)                                                            \
    CUptiResult name(type *params)                                                     \
    {                                                                                  \
        CUptiResult (*forward)(type *);                                                \
                                                                                       \
        EXPECT_PARAMS(params, type);                                                   \
        *(void **)&forward = real(#name);                                              \
        return forward ? forward(params) : CUPTI_ERROR_NOT_SUPPORTED;                  \
    }

FORWARD(cuptiProfilerHostDeinitialize, CUpti_Profiler_Host_Deinitialize_Params)
FORWARD(cuptiProfilerHostGetSupportedChips, CUpti_Profiler_Host_GetSupportedChips_Params)
FORWARD(cuptiProfilerHostGetMetricProperties, CUpti_Profiler_Host_GetMetricProperties_Params)
FORWARD(cuptiProfilerHostConfigAddMetrics, CUpti_Profiler_Host_ConfigAddMetrics_Params)
FORWARD(cuptiProfilerHostGetConfigImageSize, CUpti_Profiler_Host_GetConfigImageSize_Params)
FORWARD(cuptiProfilerHostGetConfigImage, CUpti_Profiler_Host_GetConfigImage_Params)
FORWARD(cuptiProfilerHostGetNumOfPasses, CUpti_Profiler_Host_GetNumOfPasses_Params)

static const char available[] = "emulated availability";

CUptiResult cuptiProfilerHostInitialize(CUpti_Profiler_Host_Initialize_Params *params)
{
    CUpti_Profiler_Host_Initialize_Params with = *params;
    CUptiResult (*forward)(CUpti_Profiler_Host_Initialize_Params *), result;

    EXPECT_PARAMS(params, CUpti_Profiler_Host_Initialize_Params);
    if (with.pCounterAvailabilityImage) {
        EXPECT(strcmp((const char *)with.pCounterAvailabilityImage, available) == 0,
               "an availability image that no GPU gave");
        with.pCounterAvailabilityImage = NULL;
    }
    *(void **)&forward = real("cuptiProfilerHostInitialize");
    result = forward ? forward(&with) : CUPTI_ERROR_NOT_SUPPORTED;
    params->pHostObject = with.pHostObject;
    return result;
}

/* ---- the profiler on a GPU --------------------------------------------------------------- */

static int is_initialized, is_started, ranges, is_pushed;
static size_t passes, passes_done, data_bytes;
static uint8_t *data;

static int asked(const char *what)
{
    const char *fault = getenv("OFFLOAD_EMULATOR_NO_COUNTERS");

    return fault && strcmp(fault, what) == 0;
}

CUptiResult cuptiProfilerInitialize(CUpti_Profiler_Initialize_Params *params)
{
    EXPECT_PARAMS(params, CUpti_Profiler_Initialize_Params);
    EXPECT(!is_initialized, "initialized twice");
    is_initialized = 1;
    return CUPTI_SUCCESS;
}

CUptiResult cuptiProfilerDeInitialize(CUpti_Profiler_DeInitialize_Params *params)
{
    EXPECT_PARAMS(params, CUpti_Profiler_DeInitialize_Params);
    EXPECT(is_initialized && !profiler, "deinitialized while a session is open");
    is_initialized = 0;
    return CUPTI_SUCCESS;
}

CUptiResult cuptiDeviceGetChipName(CUpti_Device_GetChipName_Params *params)
{
    const char *chip = getenv("OFFLOAD_EMULATOR_CHIP");

    EXPECT_PARAMS(params, CUpti_Device_GetChipName_Params);
    EXPECT(is_initialized, "a chip's name before ProfilerInitialize");
    params->pChipName = chip ? chip : "GA100";
    return CUPTI_SUCCESS;
}

CUptiResult cuptiProfilerDeviceSupported(CUpti_Profiler_DeviceSupported_Params *params)
{
    EXPECT_PARAMS(params, CUpti_Profiler_DeviceSupported_Params);
    EXPECT(params->api == CUPTI_PROFILER_RANGE_PROFILING, "support asked for another API");
    params->architecture = params->isSupported =
        asked("old") ? CUPTI_PROFILER_CONFIGURATION_UNSUPPORTED
                     : CUPTI_PROFILER_CONFIGURATION_SUPPORTED;
    return CUPTI_SUCCESS;
}

static CUptiResult refusal(void)
{
    return asked("1")      ? CUPTI_ERROR_INSUFFICIENT_PRIVILEGES
           : asked("busy") ? CUPTI_ERROR_HARDWARE_BUSY
                           : CUPTI_SUCCESS;
}

CUptiResult
cuptiProfilerGetCounterAvailability(CUpti_Profiler_GetCounterAvailability_Params *params)
{
    EXPECT_PARAMS(params, CUpti_Profiler_GetCounterAvailability_Params);
    EXPECT(is_initialized && params->ctx, "availability without a context");
    if (asked("1"))
        return refusal();
    params->counterAvailabilityImageSize = sizeof available;
    if (params->pCounterAvailabilityImage)
        memcpy(params->pCounterAvailabilityImage, available, sizeof available);
    return CUPTI_SUCCESS;
}

CUptiResult cuptiRangeProfilerEnable(CUpti_RangeProfiler_Enable_Params *params)
{
    EXPECT_PARAMS(params, CUpti_RangeProfiler_Enable_Params);
    EXPECT(is_initialized && params->ctx, "enabled before ProfilerInitialize or without context");
    EXPECT(!profiler, "enabled twice");
    EXPECT(!enabled, "the range profiler enabled while activity is");
    if (refusal() != CUPTI_SUCCESS)
        return refusal();
    params->pRangeProfilerObject = profiler = (void *)&passes;
    passes = passes_done = 0;
    return CUPTI_SUCCESS;
}

#define EXPECT_PROFILER(p, type)                                                       \
    EXPECT_PARAMS(p, type);                                                            \
    EXPECT(profiler && (p)->pRangeProfilerObject == profiler, "not an enabled profiler")

CUptiResult cuptiRangeProfilerDisable(CUpti_RangeProfiler_Disable_Params *params)
{
    EXPECT_PROFILER(params, CUpti_RangeProfiler_Disable_Params);
    EXPECT(!is_started, "disabled between start and stop");
    profiler = NULL;
    data = NULL;
    return CUPTI_SUCCESS;
}

CUptiResult
cuptiRangeProfilerGetCounterDataSize(CUpti_RangeProfiler_GetCounterDataSize_Params *params)
{
    EXPECT_PROFILER(params, CUpti_RangeProfiler_GetCounterDataSize_Params);
    EXPECT(params->numMetrics && params->pMetricNames && params->maxNumOfRanges == 1 &&
               params->maxNumRangeTreeNodes >= params->maxNumOfRanges,
           "a counter image for nothing");
    params->counterDataSize = data_bytes = 64 * params->numMetrics;
    return CUPTI_SUCCESS;
}

CUptiResult cuptiRangeProfilerCounterDataImageInitialize(
    CUpti_RangeProfiler_CounterDataImage_Initialize_Params *params)
{
    EXPECT_PROFILER(params, CUpti_RangeProfiler_CounterDataImage_Initialize_Params);
    EXPECT(params->counterDataSize == data_bytes && params->pCounterData, "a counter image of the "
                                                                          "wrong size");
    memset(params->pCounterData, 0x5a, data_bytes);
    data = params->pCounterData;
    return CUPTI_SUCCESS;
}

CUptiResult cuptiRangeProfilerSetConfig(CUpti_RangeProfiler_SetConfig_Params *params)
{
    CUpti_Profiler_Host_GetNumOfPasses_Params count = {
        .structSize = CUpti_Profiler_Host_GetNumOfPasses_Params_STRUCT_SIZE};

    EXPECT_PROFILER(params, CUpti_RangeProfiler_SetConfig_Params);
    EXPECT(!is_started && data && params->pCounterDataImage == data &&
               params->counterDataImageSize == data_bytes && data[0] == 0x5a,
           "a configuration without an initialized counter image");
    EXPECT(params->range == CUPTI_UserRange && params->replayMode == CUPTI_UserReplay &&
               params->maxRangesPerPass == 1 && params->numNestingLevels == 1 &&
               params->minNestingLevel == 1 && params->targetNestingLevel == 1,
           "not one user range, replayed by the user");
    count.pConfigImage = (uint8_t *)(uintptr_t)params->pConfig;
    count.configImageSize = params->configSize;
    EXPECT(cuptiProfilerHostGetNumOfPasses(&count) == CUPTI_SUCCESS, "a configuration that is "
                                                                     "none");
    passes = count.numOfPasses;
    return CUPTI_SUCCESS;
}

CUptiResult cuptiRangeProfilerStart(CUpti_RangeProfiler_Start_Params *params)
{
    EXPECT_PROFILER(params, CUpti_RangeProfiler_Start_Params);
    EXPECT(passes && !is_started && passes_done < passes, "started out of order");
    is_started = 1;
    ranges = 0;
    return CUPTI_SUCCESS;
}

CUptiResult cuptiRangeProfilerPushRange(CUpti_RangeProfiler_PushRange_Params *params)
{
    EXPECT_PROFILER(params, CUpti_RangeProfiler_PushRange_Params);
    EXPECT(is_started && !is_pushed && params->pRangeName, "a range out of order");
    is_pushed = 1;
    ranges++;
    return CUPTI_SUCCESS;
}

CUptiResult cuptiRangeProfilerPopRange(CUpti_RangeProfiler_PopRange_Params *params)
{
    EXPECT_PROFILER(params, CUpti_RangeProfiler_PopRange_Params);
    EXPECT(is_pushed, "a range ended that did not begin");
    is_pushed = 0;
    return getenv("OFFLOAD_EMULATOR_FAIL_POP") ? CUPTI_ERROR_UNKNOWN : CUPTI_SUCCESS;
}

CUptiResult cuptiRangeProfilerStop(CUpti_RangeProfiler_Stop_Params *params)
{
    EXPECT_PROFILER(params, CUpti_RangeProfiler_Stop_Params);
    EXPECT(is_started, "stopped without a start");
    is_started = 0;
    EXPECT(ranges == 1 && !is_pushed, "not one whole range in a pass");
    params->isAllPassSubmitted = ++passes_done == passes;
    return CUPTI_SUCCESS;
}

CUptiResult cuptiRangeProfilerDecodeData(CUpti_RangeProfiler_DecodeData_Params *params)
{
    EXPECT_PROFILER(params, CUpti_RangeProfiler_DecodeData_Params);
    EXPECT(!is_started && passes && passes_done == passes, "decoded before all passes");
    params->numOfRangeDropped = 0;
    memset(data, 0xa5, data_bytes);
    return CUPTI_SUCCESS;
}

CUptiResult
cuptiProfilerHostEvaluateToGpuValues(CUpti_Profiler_Host_EvaluateToGpuValues_Params *params)
{
    EXPECT_PARAMS(params, CUpti_Profiler_Host_EvaluateToGpuValues_Params);
    EXPECT(params->pHostObject && params->pCounterDataImage == data && data[0] == 0xa5 &&
               params->counterDataImageSize == data_bytes && params->rangeIndex == 0,
           "evaluated before it was decoded");
    for (size_t i = 0; i < params->numMetrics; i++)
        params->pMetricValues[i] = strstr(params->ppMetricNames[i], ".sum")     ? 100
                                   : strstr(params->ppMetricNames[i], ".ratio") ? 2
                                                                                : 50;
    return CUPTI_SUCCESS;
}

/* What is still open when the process ends was forgotten. */
__attribute__((destructor)) static void leave(void)
{
    if (profiler || is_started || enabled)
        fprintf(stderr, "emulated CUPTI: something was left open at exit\n");
}
#endif
