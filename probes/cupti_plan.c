/* SPDX-License-Identifier: MIT */
/* Chips spell counters differently, so each metric has ways, tried in order; a way is one
 * counter or a weighted sum ("A + 2*B"), and fits when the chip has all its parts. Checked
 * against every chip that CUPTI 13.0 plans for (tests/probes/test_cupti_plan.c). Weights of
 * the floating-point counters are those of Nsight Compute's roofline sections: an FMA is two
 * operations, and half-precision instructions work on pairs. */
#include "probes/cupti_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "probes/cupti_symbols.h"

const struct counter_set_row counter_sets[COUNTER_SETS] = {
    [COUNTERS_COMPUTE] = {"compute", "8 operations per byte and more: gemm, attention prefill"},
    [COUNTERS_MEMORY] = {"memory", "fewer: gemv, attention decode, softmax, stream, ..."},
    [COUNTERS_OVERHEAD] = {"overhead", "no operations: launch, transfer"},
};

enum counter_set counter_set_for(double flops, double bytes)
{
    if (!(flops > 0))
        return bytes > 0 ? COUNTERS_MEMORY : COUNTERS_OVERHEAD;
    return flops >= 8 * bytes ? COUNTERS_COMPUTE : COUNTERS_MEMORY;
}

#ifndef HAVE_COUNTERS

static int missing(struct why *why)
{
    return why_fail(why, STATUS_UNAVAILABLE,
                    "built without the counters of CUPTI; hint: install a CUDA toolkit of "
                    "12.6 or newer with CUPTI (make CUDA_HOME=...), then make");
}

int cupti_chips(const struct cupti *cupti, const char **chip, int most, struct why *why)
{
    (void)cupti, (void)chip, (void)most;
    return missing(why);
}

int cupti_chip_check(const struct cupti *cupti, const char *chip, struct why *why)
{
    (void)cupti, (void)chip;
    return missing(why);
}

int cupti_plan_make(struct cupti_plan *plan, const struct cupti *cupti, const char *chip,
                    const uint8_t *availability, enum counter_set set, int dtype,
                    struct why *why)
{
    (void)cupti, (void)chip, (void)availability, (void)set, (void)dtype;
    *plan = (struct cupti_plan){.counters = 0};
    return missing(why);
}

int counter_metrics(const struct metric **metric)
{
    *metric = NULL;
    return 0;
}

void cupti_plan_release(struct cupti_plan *plan)
{
    (void)plan;
}

#else

enum { WAYS = 3 };

#define ALL_SETS (1u << COUNTERS_COMPUTE | 1u << COUNTERS_MEMORY | 1u << COUNTERS_OVERHEAD)
#define WORKING (1u << COUNTERS_COMPUTE | 1u << COUNTERS_MEMORY)
#define COMPUTING (1u << COUNTERS_COMPUTE)
#define D(type) (1u << DTYPE_##type)
#define ALL_DTYPES (~0u)
#define SASS "smsp__sass_thread_inst_executed_op_"
#define STALL "smsp__average_warps_issue_stalled_"
#define TENSOR "sm__ops_path_tensor_src_"

/* Unit and scale: "s" and "byte" are what a call adds up, "%" and "warp" are states. */
static const struct source {
    struct metric metric;
    unsigned sets, dtypes;
    const char *way[WAYS];
} sources[] = {
    {{"gpu_time", "s", "duration on the GPU", BETTER_LOWER},
     ALL_SETS, ALL_DTYPES, {"1e-9*gpu__time_duration.sum"}},
    {{"sm_active", "%", "time in which the average SM had work", BETTER_HIGHER},
     ALL_SETS, ALL_DTYPES, {"sm__cycles_active.avg.pct_of_peak_sustained_elapsed"}},
    {{"tensor_active", "%", "time in which the tensor cores worked", BETTER_HIGHER},
     COMPUTING, ALL_DTYPES, {"sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_elapsed"}},
    /* the GPUs of boards have no DRAM of their own: their misses go to the system's memory */
    {{"dram_bytes", "byte", "read from and written to DRAM", BETTER_LOWER},
     ALL_SETS, ALL_DTYPES,
     {"dram__bytes.sum", "32*lts__t_sectors_aperture_sysmem_lookup_miss.sum"}},
    {{"dram_read", "byte", "of these, read", BETTER_LOWER},
     WORKING, ALL_DTYPES, {"dram__bytes_read.sum", "dram__bytes_op_read.sum"}},
    {{"l2_bytes", "byte", "asked of the L2 cache", BETTER_LOWER},
     ALL_SETS, ALL_DTYPES, {"lts__t_bytes.sum"}},
    {{"fp_ops_f32", "1", "operations in f32 outside tensor cores", BETTER_NEITHER},
     WORKING, ~(D(F64) | D(I8)),
     {SASS "fadd_pred_on.sum + " SASS "fmul_pred_on.sum + 2*" SASS "ffma_pred_on.sum + 2*" SASS
           "fadd2_pred_on.sum + 2*" SASS "fmul2_pred_on.sum + 4*" SASS "ffma2_pred_on.sum",
      SASS "fadd_pred_on.sum + " SASS "fmul_pred_on.sum + 2*" SASS "ffma_pred_on.sum"}},
    {{"fp_ops_f64", "1", "operations in f64 outside tensor cores", BETTER_NEITHER},
     WORKING, D(F64),
     {SASS "dadd_pred_on.sum + " SASS "dmul_pred_on.sum + 2*" SASS "dfma_pred_on.sum"}},
    {{"fp_ops_f16", "1", "operations in f16 and bf16 outside tensor cores", BETTER_NEITHER},
     WORKING, D(F16) | D(BF16),
     {"2*" SASS "hadd_pred_on.sum + 2*" SASS "hmul_pred_on.sum + 4*" SASS "hfma_pred_on.sum"}},
    {{"tensor_ops_f16", "1", "operations on f16 in tensor cores", BETTER_NEITHER},
     WORKING, D(F16),
     {TENSOR "fp16.sum", TENSOR "fp16_dst_fp16.sum + " TENSOR "fp16_dst_fp32.sum",
      TENSOR "fp16_dst_fp16.sum"}},
    {{"tensor_ops_bf16", "1", "operations on bf16 in tensor cores", BETTER_NEITHER},
     WORKING, D(BF16), {TENSOR "bf16_dst_fp32.sum"}},
    {{"tensor_ops_tf32", "1", "operations on f32 rounded to tf32 in tensor cores",
      BETTER_NEITHER},
     WORKING, D(F32), {TENSOR "tf32_dst_fp32.sum"}},
    {{"tensor_ops_f64", "1", "operations on f64 in tensor cores", BETTER_NEITHER},
     WORKING, D(F64), {TENSOR "fp64.sum"}},
    {{"tensor_ops_i8", "1", "operations on 8-bit integers in tensor cores", BETTER_NEITHER},
     WORKING, D(I8), {TENSOR "int8.sum"}},
    {{"tensor_ops_e4m3", "1", "operations on 8-bit floats in tensor cores", BETTER_NEITHER},
     WORKING, D(E4M3),
     {TENSOR "fp8.sum", TENSOR "fp8_dst_fp16.sum + " TENSOR "fp8_dst_fp32.sum",
      TENSOR "fp8_dst_fp32.sum"}},
    {{"occupancy", "%", "warps on an active SM, of those that it could hold", BETTER_HIGHER},
     WORKING, ALL_DTYPES, {"sm__warps_active.avg.pct_of_peak_sustained_active"}},
    {{"stall_memory", "warp", "warps waiting for memory, per issue", BETTER_LOWER},
     WORKING, ALL_DTYPES, {STALL "long_scoreboard_per_issue_active.ratio"}},
    {{"stall_shared", "warp", "warps waiting for shared memory, per issue", BETTER_LOWER},
     COMPUTING, ALL_DTYPES, {STALL "short_scoreboard_per_issue_active.ratio"}},
    {{"stall_barrier", "warp", "warps waiting at a barrier, per issue", BETTER_LOWER},
     WORKING, ALL_DTYPES, {STALL "barrier_per_issue_active.ratio"}},
    {{"stall_math", "warp", "warps waiting for a busy pipeline, per issue", BETTER_LOWER},
     COMPUTING, ALL_DTYPES, {STALL "math_pipe_throttle_per_issue_active.ratio"}},
};

enum { SOURCES = sizeof sources / sizeof *sources, CHIPS = 256 };

int counter_metrics(const struct metric **metric)
{
    static struct metric all[SOURCES];

    for (int i = 0; i < SOURCES; i++)
        all[i] = sources[i].metric;
    *metric = all;
    return SOURCES;
}

int cupti_chips(const struct cupti *cupti, const char **chip, int most, struct why *why)
{
    CUpti_Profiler_Host_GetSupportedChips_Params list = {
        .structSize = CUpti_Profiler_Host_GetSupportedChips_Params_STRUCT_SIZE};
    int chips;

    if (!cupti->has_counters)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "'%s' is older than CUDA 12.6 and has no planning of counters; hint: "
                        "install cuda-cupti-12-6 or newer",
                        cupti->version);
    if (cupti->ProfilerHostGetSupportedChips(&list) != CUPTI_SUCCESS)
        return why_fail(why, STATUS_UNAVAILABLE, "'%s' names no chips", cupti->version);
    for (chips = 0; chips < most && (size_t)chips < list.numChips; chips++)
        chip[chips] = list.ppChipNames[chips];
    return chips;
}

/* ---- resolving -------------------------------------------------------------------------- */

static bool has_counter(const struct cupti_plan *plan, const char *name, char *description,
                        size_t size)
{
    CUpti_Profiler_Host_GetMetricProperties_Params about = {
        .structSize = CUpti_Profiler_Host_GetMetricProperties_Params_STRUCT_SIZE,
        .pHostObject = plan->host,
        .pMetricName = name};

    if (plan->cupti->ProfilerHostGetMetricProperties(&about) != CUPTI_SUCCESS)
        return false;
    if (about.pDescription && !description[0])
        snprintf(description, size, "%s", about.pDescription);
    return true;
}

/* "2*B" behind what the plan has; false when the chip has no such counter or it is full. */
static bool add_term(struct cupti_plan *plan, const char *term, size_t n,
                     struct counter *counter)
{
    const char *star = memchr(term, '*', n), *name = star ? star + 1 : term;
    size_t length = n - (size_t)(name - term);
    char *at = plan->text + plan->text_bytes;

    if (plan->terms == COUNTER_TERMS || plan->text_bytes + length + 1 > sizeof plan->text)
        return false;
    snprintf(at, length + 1, "%.*s", (int)length, name);
    if (!has_counter(plan, at, counter->description, sizeof counter->description))
        return false;
    plan->text_bytes += length + 1;
    plan->weight[plan->terms] = star ? atof(term) : 1;
    plan->name[plan->terms++] = at;
    counter->terms++;
    return true;
}

static bool add_way(struct cupti_plan *plan, const char *way, struct counter *counter)
{
    int terms = plan->terms;
    size_t text_bytes = plan->text_bytes;

    counter->first = terms;
    counter->terms = 0;
    counter->description[0] = '\0';
    while (way) {
        const char *plus = strstr(way, " + ");

        if (!add_term(plan, way, plus ? (size_t)(plus - way) : strlen(way), counter)) {
            plan->terms = terms;
            plan->text_bytes = text_bytes;
            return false;
        }
        way = plus ? plus + 3 : NULL;
    }
    return true;
}

static void add_source(struct cupti_plan *plan, const struct source *source)
{
    struct counter *counter = &plan->counter[plan->counters];

    for (int w = 0; w < WAYS && source->way[w]; w++)
        if (add_way(plan, source->way[w], counter)) {
            counter->metric = source->metric;
            counter->row = (int)(source - sources);
            plan->counters++;
            return;
        }
}

/* ---- CUPTI's host object ---------------------------------------------------------------- */

static CUptiResult host_open(const struct cupti *cupti, const char *chip,
                             const uint8_t *availability, void **host)
{
    CUpti_Profiler_Host_Initialize_Params open = {
        .structSize = CUpti_Profiler_Host_Initialize_Params_STRUCT_SIZE,
        .profilerType = CUPTI_PROFILER_TYPE_RANGE_PROFILER,
        .pChipName = chip,
        .pCounterAvailabilityImage = availability};
    CUptiResult result = cupti->ProfilerHostInitialize(&open);

    *host = open.pHostObject;
    return result;
}

static void host_close(const struct cupti *cupti, void *host)
{
    CUpti_Profiler_Host_Deinitialize_Params close = {
        .structSize = CUpti_Profiler_Host_Deinitialize_Params_STRUCT_SIZE, .pHostObject = host};

    if (host)
        cupti->ProfilerHostDeinitialize(&close);
}

static int config_make(struct cupti_plan *plan, struct why *why)
{
    const struct cupti *cupti = plan->cupti;
    CUpti_Profiler_Host_GetConfigImageSize_Params size = {
        .structSize = CUpti_Profiler_Host_GetConfigImageSize_Params_STRUCT_SIZE,
        .pHostObject = plan->host};
    CUpti_Profiler_Host_GetConfigImage_Params image = {
        .structSize = CUpti_Profiler_Host_GetConfigImage_Params_STRUCT_SIZE,
        .pHostObject = plan->host};
    CUpti_Profiler_Host_GetNumOfPasses_Params passes = {
        .structSize = CUpti_Profiler_Host_GetNumOfPasses_Params_STRUCT_SIZE};
    CUptiResult result = cupti->ProfilerHostGetConfigImageSize(&size);

    if (result != CUPTI_SUCCESS)
        return cupti_fail(plan->cupti, result, "plan its passes", why);
    plan->config = calloc(1, size.configImageSize);
    if (!plan->config)
        return why_fail(why, STATUS_MEMORY, "no memory for the plan of counters");
    plan->config_bytes = image.configImageSize = passes.configImageSize = size.configImageSize;
    image.pConfigImage = passes.pConfigImage = plan->config;
    result = cupti->ProfilerHostGetConfigImage(&image);
    if (result == CUPTI_SUCCESS)
        result = cupti->ProfilerHostGetNumOfPasses(&passes);
    plan->passes = passes.numOfPasses;
    return result == CUPTI_SUCCESS
               ? 0
               : cupti_fail(plan->cupti, result, "plan its passes", why);
}

/* All counters must be added at once: added one by one, each gets a pass of its own. */
static int config_fill(struct cupti_plan *plan, int terms, struct why *why)
{
    CUpti_Profiler_Host_ConfigAddMetrics_Params add = {
        .structSize = CUpti_Profiler_Host_ConfigAddMetrics_Params_STRUCT_SIZE,
        .pHostObject = plan->host,
        .ppMetricNames = plan->name,
        .numMetrics = (size_t)terms};
    CUptiResult result = plan->cupti->ProfilerHostConfigAddMetrics(&add);

    return result == CUPTI_SUCCESS ? config_make(plan, why)
                                   : cupti_fail(plan->cupti, result, "count these together",
                                                why);
}

/* What the counters of one metric cost alone, in a host object of their own. */
static void count_passes(struct cupti_plan *plan, const char *chip)
{
    for (int i = 0; i < plan->counters; i++) {
        struct counter *counter = &plan->counter[i];
        struct cupti_plan alone = {.cupti = plan->cupti};

        memcpy(alone.name, plan->name + counter->first,
               (size_t)counter->terms * sizeof *alone.name);
        if (host_open(plan->cupti, chip, NULL, &alone.host) == CUPTI_SUCCESS &&
            config_fill(&alone, counter->terms, NULL) == 0)
            counter->passes = alone.passes;
        cupti_plan_release(&alone);
    }
}

static int open_chip(struct cupti_plan *plan, const char *chip, const uint8_t *availability,
                     struct why *why)
{
    const char *known[CHIPS];
    const char *answer = NULL;
    char near[160];
    int chips = cupti_chips(plan->cupti, known, CHIPS, why), is_known = 0;
    CUptiResult result;

    if (chips < 0)
        return chips;
    for (int i = 0; i < chips; i++)
        is_known |= strcmp(known[i], chip) == 0;
    if (!is_known) {
        text_nearest(near, sizeof near, chip, known, (size_t)chips);
        return why_fail(why, STATUS_INVALID,
                        "CUPTI knows no chip '%s'%s; hint: offload-bench list probes --chip "
                        "list",
                        chip, near);
    }
    result = host_open(plan->cupti, chip, availability, &plan->host);
    if (result == CUPTI_SUCCESS)
        return 0;
    plan->cupti->GetResultString(result, &answer);
    return why_fail(why, STATUS_UNAVAILABLE,
                    "%s names the chip '%s' and refuses to plan counters for it (%s)",
                    plan->cupti->version, chip, answer ? answer : "without a word");
}

int cupti_chip_check(const struct cupti *cupti, const char *chip, struct why *why)
{
    struct cupti_plan plan = {.cupti = cupti};
    int status = open_chip(&plan, chip, NULL, why);

    host_close(cupti, plan.host);
    return status;
}

int cupti_plan_make(struct cupti_plan *plan, const struct cupti *cupti, const char *chip,
                    const uint8_t *availability, enum counter_set set, int dtype,
                    struct why *why)
{
    int status;

    *plan = (struct cupti_plan){.cupti = cupti};
    status = open_chip(plan, chip, availability, why);
    for (int i = 0; i < SOURCES && !status; i++)
        if (sources[i].sets >> set & 1 &&
            (dtype == COUNTERS_ALL_DTYPES || sources[i].dtypes >> dtype & 1))
            add_source(plan, &sources[i]);
    if (!status)
        status = config_fill(plan, plan->terms, why);
    if (!status && !availability)
        count_passes(plan, chip);
    if (status)
        cupti_plan_release(plan);
    return status;
}

void cupti_plan_release(struct cupti_plan *plan)
{
    if (plan->cupti)
        host_close(plan->cupti, plan->host);
    free(plan->config);
    plan->host = plan->config = NULL;
}

#endif

void cupti_plan_values(const struct cupti_plan *plan, const double *term, double *value)
{
    for (int i = 0; i < plan->counters; i++) {
        const struct counter *counter = &plan->counter[i];

        value[i] = 0;
        for (int t = counter->first; t < counter->first + counter->terms; t++)
            value[i] += plan->weight[t] * term[t];
    }
}
