/* SPDX-License-Identifier: MIT */
/* Decisions on synthetic records whose answer is known by arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "report/stats.h"
#include "tests/report/judging.h"

#define assert_near(a, b, share) assert_true(fabs((a) - (b)) <= (share)*fabs(1.0 * (b)))

static int begin(void **state)
{
    (void)state;
    results = (struct results){.record = record};
    results.header =
        json_pack("{s:s,s:s,s:[{s:s,s:s,s:f,s:f,s:{s:f}}]}", "kind", "header", "schema",
                  RESULTS_SCHEMA, "gpus", "id", "fast", "model", "FAST", "memory_bytes",
                  1e9, "memory_bytes_per_s", 1e12, "peak_flops_per_s", "f32", 1e13);
    return 0;
}

/* A judged f32 record of `workload` at n, 8 MB read and 1 MB of it activations. */
static struct record *add(const char *workload, int n, const char *variant,
                          const char *device)
{
    struct record *r = &record[results.records++];

    record_init(r);
    snprintf(r->workload.text, sizeof r->workload.text, "%s", workload);
    snprintf(r->variant.text, sizeof r->variant.text, "%s", variant);
    snprintf(r->device.text, sizeof r->device.text, "%s", device);
    snprintf(r->shape_text.text, sizeof r->shape_text.text, "n=%d", n);
    r->shape = json_pack("{s:i}", "n", n);
    r->judged = 1;
    r->cache = CACHE_COLD;
    r->flops = 2e6;
    r->bytes_read = r->upload_bytes = 8e6;
    r->bytes_written = r->download_bytes = 1e3;
    r->stationary_bytes = 7e6;
    return r;
}

static struct record *add_cpu(const char *workload, int n, const char *variant,
                              double us)
{
    struct record *r = add(workload, n, variant, "cpu");

    r->error = 0.1;
    rounds_push(r, us);
    return r;
}

static struct record *add_gpu(const char *workload, int n, double us)
{
    struct record *r = add(workload, n, "model", "fast");

    projection_set(r, us);
    snprintf(r->bound.text, sizeof r->bound.text, "memory");
    return r;
}

static const struct verdict *at(size_t contest, enum placement placement)
{
    const struct verdict *v =
        report_verdict(&report, &report.contest[contest], "fast", placement);

    assert_non_null(v);
    return v;
}

static void test_placements(void **state)
{
    const struct verdict *v;

    (void)state;
    add_cpu("gemm", 1, "simd", 400);
    add_gpu("gemm", 1, 20);
    judge();
    assert_int_equal(report.verdicts, 3);
    v = at(0, PLACEMENT_RESIDENT);
    assert_near(v->gpu_us.value, 25, 1e-9);
    assert_near(v->speedup.value, 16, 1e-3);
    assert_near(v->speedup.low, v->cpu_us.low / 30, 1e-9); /* extremes of both sides */
    assert_near(v->speedup.high, v->cpu_us.high / 21, 1e-9);
    assert_int_equal(v->decision, DECISION_OFFLOAD);
    assert_int_equal(v->evidence, EVIDENCE_PROJECTED);
    v = at(0, PLACEMENT_EVERY);
    assert_near(v->gpu_us.value, 1035, 1e-9);
    assert_int_equal(v->decision, DECISION_STAY);
    v = at(0, PLACEMENT_ONCE);
    assert_near(v->gpu_us.value, 25 + 100 + 10 + 900.0 / ONCE_CALLS, 1e-9);
    assert_int_equal(v->decision, DECISION_OFFLOAD);
    assert_near(v->calls, ONCE_CALLS, 0);
    /* 900 us shared by n calls that gain 400 - 135 us each: 4 calls */
    assert_near(v->reuse_n.value, 4, 0);
    assert_true(v->reuse_n.low <= 4 && v->reuse_n.high >= 4 &&
                isfinite(v->reuse_n.high));
    assert_non_null(strstr(v->because, "simd"));
    assert_non_null(strstr(v->because, "fast"));
}

/* Reuse is what a search over n finds. */
static void test_reuse_by_search(void **state)
{
    const struct verdict *v;
    double n = 1;

    (void)state;
    add_cpu("gemm", 1, "simd", 137);
    add_gpu("gemm", 1, 20);
    judge();
    v = at(0, PLACEMENT_RESIDENT);
    while (n * v->cpu_us.value <= 900 + n * 135)
        n++;
    assert_near(v->reuse_n.value, n, 0);
    assert_true(isinf(v->reuse_n.high)); /* within the intervals it may never pay */
}

static void test_never(void **state)
{
    const struct verdict *v;

    (void)state;
    add_cpu("gemm", 1, "simd", 100);
    add_gpu("gemm", 1, 20);
    judge();
    v = at(0, PLACEMENT_RESIDENT);
    assert_true(isnan(v->reuse_n.value) && !isnan(v->reuse_n.low));
    assert_non_null(strstr(v->flip, "which sharing the upload does not save"));
}

static void test_ties_and_straddles(void **state)
{
    (void)state;
    add_cpu("a", 1, "simd", 25); /* 1.0x: 0.83-1.19 */
    add_gpu("a", 1, 20);
    add_cpu("b", 1, "simd", 18); /* all below 1 */
    add_gpu("b", 1, 20);
    add_cpu("c", 1, "simd", 31.3); /* low end 1.03x, within the tie band */
    add_gpu("c", 1, 20);
    judge();
    assert_int_equal(at(0, PLACEMENT_RESIDENT)->decision, DECISION_UNDECIDED);
    assert_int_equal(at(1, PLACEMENT_RESIDENT)->decision, DECISION_STAY);
    assert_int_equal(at(2, PLACEMENT_RESIDENT)->decision, DECISION_UNDECIDED);
    assert_non_null(strstr(at(0, PLACEMENT_RESIDENT)->because, "too close"));
}

static void test_strongest_correct_cpu_variant(void **state)
{
    struct record *wrong, *failed, *overhead, *software;

    (void)state;
    add_cpu("gemm", 1, "slow", 900);
    add_cpu("gemm", 1, "best", 400);
    wrong = add_cpu("gemm", 1, "wrong", 1);
    wrong->outcome = OUTCOME_WRONG;
    failed = add_cpu("gemm", 1, "failed", 1);
    failed->outcome = OUTCOME_FAILED;
    overhead = add_cpu("launch", 1, "empty", 1);
    overhead->judged = 0;
    software = add_cpu("gemm", 1, "pocl", 1);
    software->evidence = EVIDENCE_SOFTWARE;
    software->device_kind = DEVICE_OPENCL;
    strcpy(software->device.text, "opencl:0");
    add_gpu("gemm", 1, 20);
    judge();
    assert_int_equal(report.contests, 1);
    assert_int_equal(report.contest[0].cpus, 2);
    assert_string_equal(report.contest[0].cpu[0].record->variant.text, "best");
    assert_int_equal(report.gpus, 1); /* an emulated device is no GPU */
    assert_int_equal(report.left_outs, 2);
    assert_int_equal(report.overheads, 1);
    assert_int_equal(report.checks,
                     5); /* all that were compared; a failed one was not */
    assert_non_null(strstr(at(0, PLACEMENT_RESIDENT)->flip, "slow"));
}

static bool has_note(const char *words)
{
    for (size_t i = 0; i < report.notes; i++)
        if (strstr(report.note[i], words))
            return true;
    return false;
}

/* The bar is set by pages dealt out over the nodes: left to the system the same code is weaker. */
static void test_nodes_set_the_bar(void **state)
{
    struct record *r;

    (void)state;
    add_cpu("gemm", 1, "simd", 600)->threads = 2;
    r = add_cpu("gemm", 1, "simd", 400);
    r->threads = 2;
    strcpy(r->nodes.text, "interleaved over 2 nodes");
    r = add_cpu("gemm", 1, "simd", 500);
    r->threads = 1;
    strcpy(r->nodes.text, "node 0");
    add_gpu("gemm", 1, 20);
    judge();
    assert_int_equal(report.contest[0].cpus, 3);
    assert_string_equal(report.contest[0].cpu->record->nodes.text, "interleaved over 2 nodes");
    assert_near(report.contest[0].straw[STRAW_NODES].factor, 1.5, 1e-9);
    assert_non_null(strstr(at(0, PLACEMENT_RESIDENT)->because, "simd, interleaved over 2 nodes"));
    assert_true(has_note("NUMA: of 1 problems 1 are fastest with pages interleaved"));
}

static bool is_noted(const char *words)
{
    for (size_t i = 0; i < report.notes; i++)
        if (strstr(report.note[i], words))
            return true;
    return false;
}

/* Of one GPU's own variants the fastest competes, whatever their order. */
static void test_a_gpu_has_one_contender(void **state)
{
    static const double us[] = {30, 20, 40};

    (void)state;
    add_cpu("gemm", 1, "simd", 400);
    for (int i = 0; i < 3; i++) {
        struct record *r = add("gemm", 1, i == 1 ? "best" : "other", "cuda:0");

        r->device_kind = DEVICE_CUDA;
        rounds_push(r, us[i]);
    }
    judge();
    assert_int_equal(report.contest[0].gpus, 1);
    assert_string_equal(report.contest[0].gpu[0].record->variant.text, "best");
}

/* 40 mJ in 400 us; a counter that is suspect adds nothing. */
static void test_energy_is_what_sure_counters_saw(void **state)
{
    struct measure measure = {.unit = {"J"}, .value = 0.04};
    struct record *r = add_cpu("gemm", 1, "simd", 400);

    (void)state;
    record_observe(r, &measure);
    measure.is_suspect = true;
    record_observe(r, &measure);
    add_gpu("gemm", 1, 20);
    judge();
    assert_near(at(0, PLACEMENT_RESIDENT)->money.cpu.joule, 0.04, 1e-9);
}

/* Small pages matter to cells that leave the caches: 5 MB do, 3 MB do not. */
static void test_small_pages_are_noted(void **state)
{
    struct record *large = add_cpu("gemm", 1, "simd", 400);

    (void)state;
    large->page_bytes = 4096;
    large->bytes_read = 5e6;
    judge();
    assert_true(is_noted("1 of 1 CPU cells"));
    report_release(&report);
    large->bytes_read = 3e6;
    judge();
    assert_false(is_noted("small pages"));
    report_release(&report);
    large->bytes_read = 5e6;
    large->page_bytes = 2 << 20;
    judge();
    assert_false(is_noted("small pages"));
}

/* The strongest uses both threads; weak ways are told, and the reference never competes. */
static void test_straw_men(void **state)
{
    struct record *r;

    (void)state;
    for (int n = 1; n <= 100; n *= 10) {
        add_cpu("gemm", n, "simd", 4.0 * n)->threads = 2;
        add_cpu("gemm", n, "simd", 6.0 * n)->threads = 1;
        r = add_cpu("gemm", n, "simd", 8.0 * n);
        r->threads = 2;
        strcpy(r->isa.text, "baseline");
        r = add_cpu("gemm", n, "reference", 80.0 * n);
        r->judged = 0;
        r->straw = 1;
        add_gpu("gemm", n, 20); /* 25 us whatever the size: pays from 7 on */
    }
    judge();
    assert_int_equal(report.contests, 3);
    assert_int_equal(report.contest[0].cpus, 3);
    assert_int_equal(report.overheads, 0);
    assert_int_equal(report.contest[0].cpu->record->threads, 2);
    assert_near(report.contest[0].straw[STRAW_ONE_THREAD].factor, 1.5, 1e-9);
    assert_near(report.contest[0].straw[STRAW_WEAKER_ISA].factor, 2, 1e-9);
    assert_near(report.straw[STRAW_REFERENCE].median, 20, 1e-9);
    assert_int_equal(report.straw[STRAW_REFERENCE].contests, 3);
    /* resident: 4, 40, 400 us against 25 pay from 10 on, 80, 800, 8000 from 1 on */
    assert_true(report.straw[STRAW_REFERENCE].crossings > 0);
    assert_near(report.straw[STRAW_REFERENCE].moved, 10, 1e-9);
    assert_true(report.straw[STRAW_REFERENCE].turned > 0);
    assert_true(is_noted("the size at which it wins would be 10x smaller"));
}

static void test_contended_rounds_are_set_aside(void **state)
{
    struct record *r;

    (void)state;
    r = add_cpu("gemm", 1, "simd", 400);
    r->wall_ns.value[0] = r->wall_ns.value[3] = 9e6;
    series_push(&r->contended, 0);
    series_push(&r->contended, 3);
    add_gpu("gemm", 1, 20);
    judge();
    assert_near(report.contest[0].cpu->time_us.value, 400, 0.01);
    assert_true(report.contest[0].cpu->time_us.high < 410);
    assert_int_equal(report.contest[0].cpu->contended, 2);
    assert_int_equal(report.contest[0].cpu->rounds, 8);
}

/* All rounds disturbed: an upper bound allows `stay`, never `offload` without ceilings.
 */
static void test_disturbed_times_are_upper_bounds(void **state)
{
    struct record *r;

    (void)state;
    for (int n = 1; n <= 2; n++) {
        r = add_cpu("gemm", n, "simd", n == 1 ? 16000 : 10);
        for (int i = 0; i < 10; i++)
            series_push(&r->contended, i);
        add_gpu("gemm", n, 20);
    }
    judge();
    assert_true(at(0, PLACEMENT_RESIDENT)->cpu->is_disturbed);
    assert_int_equal(at(0, PLACEMENT_RESIDENT)->decision, DECISION_UNDECIDED);
    assert_int_equal(at(1, PLACEMENT_RESIDENT)->decision, DECISION_STAY);
}

/* A ceiling says how fast it could have been at best: 8 MB at 40 GB/s take 200 us. */
static void test_disturbed_times_end_at_the_ceilings(void **state)
{
    struct record *r = add_cpu("gemm", 1, "simd", 16000);

    (void)state;
    r->dram_bytes_per_s = 40e9;
    for (int i = 0; i < 10; i++)
        series_push(&r->contended, i);
    add_gpu("gemm", 1, 20);
    judge();
    assert_near(at(0, PLACEMENT_RESIDENT)->cpu->time_us.low, 200 / 1.2, 0.01);
    assert_int_equal(at(0, PLACEMENT_RESIDENT)->decision, DECISION_OFFLOAD);
}

/* One thread won because other work never let two run: they may take half as long. */
static void test_disturbed_threads_widen_the_winner(void **state)
{
    struct record *r = add_cpu("gemm", 1, "simd", 16000);

    (void)state;
    r->threads = 1;
    r = add_cpu("gemm", 1, "simd", 18000);
    r->threads = 2;
    for (int i = 0; i < 10; i++)
        series_push(&r->contended, i);
    add_gpu("gemm", 1, 10000);
    judge();
    assert_near(at(0, PLACEMENT_RESIDENT)->cpu->time_us.value, 16000, 0.01);
    assert_near(at(0, PLACEMENT_RESIDENT)->cpu->time_us.low, 8000, 0.01);
    assert_true(at(0, PLACEMENT_RESIDENT)->cpu->is_disturbed);
    assert_int_equal(at(0, PLACEMENT_RESIDENT)->decision, DECISION_UNDECIDED);
    assert_true(is_noted("more threads"));
}

static void test_measured_gpus_are_paired(void **state)
{
    struct record *cpu = add_cpu("gemm", 1, "simd", 400), *gpu;
    const struct verdict *v;

    (void)state;
    gpu = add_cpu("gemm", 1, "tiles", 200);
    strcpy(gpu->device.text, "fast");
    gpu->device_kind = DEVICE_OPENCL;
    for (int i = 0; i < 10; i++) { /* the machine slows both down alike */
        cpu->wall_ns.value[i] *= 1 + i;
        gpu->wall_ns.value[i] *= 1 + i;
    }
    judge();
    v = at(0, PLACEMENT_RESIDENT);
    assert_true(v->is_paired);
    assert_int_equal(v->evidence, EVIDENCE_MEASURED);
    assert_near(v->speedup.low, 2, 0.01);
    assert_near(v->speedup.high, 2, 0.01);
    assert_int_equal(report.verdicts, 1); /* no transfers were measured */
    assert_string_equal(report.caution, "");
}

/* How many problems pay on the first GPU and which most; of further ones three are counted. */
static void test_headline_of_a_list(void **state)
{
    char name[16];

    (void)state;
    json_object_set_new(results.header, "threads", json_integer(2));
    add_cpu("gemm", 1, "simd", 400);
    add_cpu("norm", 1, "simd", 20);
    add_cpu("rope", 1, "simd", 2);
    for (int g = 0; g < 6; g++) {
        snprintf(name, sizeof name, "gpu-%d", g);
        for (int i = 0; i < 3; i++)
            strcpy(add_gpu(i == 0 ? "gemm" : i == 1 ? "norm" : "rope", 1, 15)->device.text, name);
    }
    judge();
    assert_non_null(strstr(report.headline, "Of 3 problems, moving from this CPU (2 threads) to gpu-0 "
                                            "would pay for 1 (1 undecided) when the data are there "
                                            "already and for none when they are sent on every call. "));
    assert_non_null(strstr(report.headline, "At best, with the data there, gemm f32 would be "));
    assert_non_null(strstr(report.headline, "; on gpu-3: 1 (1 undecided) and none; 2 more in the tables "
                                            "(projected)."));
    assert_null(strstr(report.headline, "gpu-4"));
}

static void test_bounds(void **state)
{
    struct record *peak;

    (void)state;
    for (int i = 0; i < 2; i++) { /* 100 GFLOP/s and 10 GB/s */
        peak = add_cpu("peak", 1, "simd", 100);
        peak->judged = 0;
        json_object_set_new(peak->shape, "op", json_string(i ? "read" : "fma"));
        peak->flops = i ? 0 : 1e7;
        peak->bytes_read = i ? 1e6 : 0;
    }
    add_cpu("memory", 1, "simd", 1000);               /* 8 MB: 80 % of the DRAM rate */
    add_cpu("compute", 1, "simd", 1000)->flops = 9e7; /* 90 % of the peak */
    add_cpu("call", 1, "simd", 3)->bytes_read = 100;
    add_gpu("memory", 1, 20);
    judge();
    assert_near(report_flops_per_s(&report, "cpu", DTYPE_F32), 1e11, 0.02);
    assert_near(report_bytes_per_s(&report, "cpu"), 1e10, 0.02);
    assert_true(isnan(report_flops_per_s(&report, "cpu", DTYPE_F64)));
    assert_near(report_bytes_per_s(&report, "fast"), 1e12, 1e-9);
    assert_int_equal(report.contests, 3);
    assert_string_equal(report.contest[0].cpu->bound.kind.text, "latency");
    assert_string_equal(report.contest[1].cpu->bound.kind.text, "compute");
    assert_near(report.contest[1].cpu->bound.share, 0.9, 0.02);
    assert_string_equal(report.contest[2].cpu->bound.kind.text, "memory");
    assert_near(report.contest[2].cpu->bound.share, 0.8, 0.02);
    assert_non_null(strstr(at(2, PLACEMENT_RESIDENT)->because, "DRAM"));
}

static void test_crossover_brackets(void **state)
{
    static const double cpu_us[] = {2, 10, 26, 200, 2000};
    static const int size[] = {10, 100, 1000, 10000, 100000};
    const struct crossover *x;

    (void)state;
    for (int i = 4; i >= 0; i--) { /* the order of records does not matter */
        add_cpu("sum", size[i], "simd", cpu_us[i]);
        add_gpu("sum", size[i], 20);
    }
    judge();
    assert_int_equal(report.crossovers, 3); /* one per placement */
    x = &report.crossover[0];
    assert_int_equal(x->placement, PLACEMENT_RESIDENT);
    assert_int_equal(x->found.kind, CROSSOVER_ONE);
    assert_near(x->found.change[0].low, 100, 0); /* 1000 is undecided and widens the bracket */
    assert_near(x->found.change[0].high, 10000, 0);
    assert_int_equal(x->found.change[0].before, DECISION_STAY);
    assert_int_equal(x->found.change[0].after, DECISION_OFFLOAD);
}

static void test_winner_never_changes(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++) {
        add_cpu("sum", n, "simd", 1);
        add_gpu("sum", n, 20);
    }
    judge();
    assert_int_equal(report.crossovers, 3);
    assert_int_equal(report.crossover[0].found.kind, CROSSOVER_NEVER);
}

/* ---- chains ---------------------------------------------------------------------- */

static json_t *chain_line[1];

static void add_chain(void)
{
    chain_line[0] = json_pack(
        "{s:s,s:s,s:s,s:i,s:i,s:f,s:[{s:s,s:s,s:s,s:s,s:{s:i},s:i},{s:s,s:s,s:s,s:s,s:{"
        "s:i},"
        "s:i}]}",
        "kind", "chain", "model", "tiny", "phase", "decode", "batch", 1, "context", 64,
        "tokens", 1.0, "links", "op", "big", "workload", "gemm", "dtype", "f32",
        "cache", "cold", "shape", "n", 1, "count", 4, "op", "small", "workload", "norm",
        "dtype", "f32", "cache", "cold", "shape", "n", 1, "count", 8);
    results.chain = chain_line;
    results.chains = 1;
}

static void test_chain_adds_up(void **state)
{
    const struct chain *c;

    (void)state;
    add_chain();
    add_cpu("norm", 1, "simd", 1);
    add_gpu("norm", 1, 2);
    add_cpu("gemm", 1, "simd", 1000);
    add_gpu("gemm", 1, 20);
    judge();
    assert_int_equal(report.chains, 1);
    c = &report.chain[0];
    assert_string_equal(report.contest[0].op.text,
                        "big"); /* a model's order and names */
    assert_near(c->cpu_us.value, 4008, 1e-3);
    assert_near(c->gpu_us.value, 4 * 25 + 8 * 7, 1e-9);
    /* back over the link once, then the small ones on the CPU: beats all of it there (156)
     * and operation by operation (4 * 135 + 8) */
    assert_near(c->mix_us.value, 4 * 25 + 10 + 8, 1e-3);
    assert_near(c->step[0].gpu_moved_us, 4 * 135, 1e-9);
    assert_near(c->moved, 1, 0);
    assert_int_equal(c->decision, DECISION_OFFLOAD);
    assert_near(chain_tokens_per_s(c, c->cpu_us).value, 1e6 / 4008, 1e-3);
    assert_near(c->weight_bytes, 12 * 7e6, 1e-9);
    assert_non_null(strstr(report.headline, "Worth it"));
    assert_non_null(strstr(report.headline, "projected"));
    assert_non_null(strstr(report.caution, "No GPU was measured"));
}

/* Faster is not cheaper: at the prices given the answer says both. */
static void test_headline_at_prices(void **state)
{
    (void)state;
    add_chain();
    add_cpu("norm", 1, "simd", 1);
    add_gpu("norm", 1, 2);
    add_cpu("gemm", 1, "simd", 1000);
    add_gpu("gemm", 1, 20);
    json_object_set_new(results.header, "prices",
                        json_pack("{s:f,s:{s:f}}", "cpu_per_hour", 1.0, "gpu_per_hour", "*",
                                  1000.0));
    judge();
    assert_non_null(strstr(report.headline, "Worth it"));
    assert_non_null(strstr(report.headline, "By cost, at the prices given: "));
    assert_non_null(strstr(report.headline, " stay (0.0"));
}

static void test_chain_mixes(void **state)
{
    const struct chain *c;

    (void)state;
    add_chain();
    add_cpu("norm", 1, "simd", 1);
    add_gpu("norm", 1, 200); /* hopeless on the GPU */
    add_cpu("gemm", 1, "simd", 1000);
    add_gpu("gemm", 1, 20);
    judge();
    c = &report.chain[0];
    assert_near(c->advised_us.value, 4 * 135 + 8, 1e-3);
    /* resident between the four: one way back over the link, not eight */
    assert_near(c->mix_us.value, 4 * 25 + 10 + 8, 1e-3);
    assert_near(c->route[PLACEMENT_RESIDENT].crossings, 1, 0);
    assert_near(c->route[PLACEMENT_ONCE].us.value, 118 + 4 * 900.0 / ONCE_CALLS, 1e-3);
    /* 900 us of weights and 25 each, against 1000 on the CPU */
    assert_near(c->route[PLACEMENT_EVERY].us.value, 4 * 925 + 10 + 8, 1e-3);
    assert_near(c->step[0].moved, 4, 0);
    assert_true(c->step[0].moved > 0 && c->step[1].moved == 0);
}

static void test_shared_weights_count_once(void **state)
{
    (void)state;
    add_chain();
    json_object_set_new(json_array_get(json_object_get(chain_line[0], "links"), 1), "shared",
                        json_true());
    add_cpu("norm", 1, "simd", 1);
    add_cpu("gemm", 1, "simd", 1000);
    add_gpu("gemm", 1, 20);
    judge();
    assert_near(report.chain[0].weight_bytes, 4 * 7e6, 1e-9);
}

/* 84 MB do not fit into 50 MB: whatever the placement, weights are sent on every pass. */
static void test_too_large_weights_are_sent_again(void **state)
{
    const struct chain *c;

    (void)state;
    add_chain();
    json_object_set_new(json_array_get(json_object_get(results.header, "gpus"), 0),
                        "memory_bytes", json_real(5e7));
    add_cpu("norm", 1, "simd", 1);
    add_gpu("norm", 1, 200);
    add_cpu("gemm", 1, "simd", 1000);
    add_gpu("gemm", 1, 20);
    judge();
    c = &report.chain[0];
    assert_true(c->is_too_large);
    assert_near(c->mix_us.value, c->route[PLACEMENT_EVERY].us.value, 1e-12);
}

static void test_chain_with_holes(void **state)
{
    const struct chain *c;

    (void)state;
    add_chain();
    add_cpu("gemm", 1, "simd", 1000);
    add_gpu("gemm", 1, 20);
    judge();
    c = &report.chain[0];
    assert_true(isnan(c->cpu_us.value) && isnan(c->gpu_us.value) &&
                isnan(c->mix_us.value));
    assert_true(isnan(c->advised_us.value) && isnan(c->moved));
    for (int p = PLACEMENT_RESIDENT; p <= PLACEMENT_EVERY; p++) {
        assert_true(isnan(c->route[p].us.value) && isnan(c->route[p].moved));
        assert_int_equal(c->route[p].decision, DECISION_UNDECIDED);
    }
    assert_near(c->missing, 1, 0);
    assert_int_equal(c->decision, DECISION_UNDECIDED);
    assert_non_null(strstr(c->because, "not known"));
}

/* Without the link's times only the plan with the weights there already is known. */
static void test_chain_without_link_times(void **state)
{
    const struct chain *c;

    (void)state;
    add_chain();
    add_cpu("norm", 1, "simd", 1);
    add_gpu("norm", 1, 1)->upload_us = estimate_missing();
    add_cpu("gemm", 1, "simd", 1000);
    add_gpu("gemm", 1, 20)->upload_us = estimate_missing();
    judge();
    c = &report.chain[0];
    assert_int_equal(c->route[PLACEMENT_RESIDENT].decision, DECISION_OFFLOAD);
    assert_true(isnan(c->route[PLACEMENT_ONCE].us.value) &&
                isnan(c->route[PLACEMENT_EVERY].us.value));
    assert_int_equal(c->route[PLACEMENT_EVERY].decision, DECISION_UNDECIDED);
}

static void test_chain_without_any_gpu(void **state)
{
    (void)state;
    json_object_del(results.header, "gpus");
    add_chain();
    add_cpu("norm", 1, "simd", 1);
    add_cpu("gemm", 1, "simd", 1000);
    judge();
    assert_int_equal(report.chains, 1);
    assert_null(report.chain[0].gpu);
    assert_near(report.chain[0].cpu_us.value, 4008, 1e-3);
    assert_int_equal(report.verdicts, 0);
    assert_non_null(strstr(report.headline, "No verdict"));
}

/* A GPU's time alone: fp8, which no CPU variant here has. */
static void test_gpu_alone(void **state)
{
    const char *note = NULL;

    (void)state;
    add_gpu("gemm", 1, 10)->dtype = DTYPE_E4M3;
    judge();
    assert_int_equal(report.verdicts, 0);
    assert_non_null(strstr(report.headline, "no right result of this CPU"));
    for (size_t i = 0; i < report.notes; i++)
        if (strstr(report.note[i], "1 problem (gemm in e4m3) without a verdict"))
            note = report.note[i];
    assert_non_null(note);
    assert_non_null(strstr(note, "no library for CPUs here multiplies e4m3"));
}

static void test_nothing_measured(void **state)
{
    struct why why = {{0}};

    (void)state;
    assert_int_equal(report_build(&results, &report, &why), STATUS_INVALID);
    assert_non_null(strstr(why.text, "nothing was measured"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_placements),
        T(test_reuse_by_search),
        T(test_never),
        T(test_ties_and_straddles),
        T(test_strongest_correct_cpu_variant),
        T(test_straw_men), T(test_a_gpu_has_one_contender), T(test_small_pages_are_noted),
        T(test_energy_is_what_sure_counters_saw),
        T(test_nodes_set_the_bar),
        T(test_contended_rounds_are_set_aside),
        T(test_disturbed_times_are_upper_bounds),
        T(test_disturbed_times_end_at_the_ceilings),
        T(test_disturbed_threads_widen_the_winner),
        T(test_measured_gpus_are_paired),
        T(test_headline_at_prices),
        T(test_headline_of_a_list),
        T(test_bounds),
        T(test_crossover_brackets),
        T(test_winner_never_changes),
        T(test_chain_adds_up),
        T(test_chain_mixes),
        T(test_shared_weights_count_once),
        T(test_too_large_weights_are_sent_again),
        T(test_chain_with_holes),
        T(test_chain_without_link_times),
        T(test_chain_without_any_gpu),
        T(test_gpu_alone),
        T(test_nothing_measured),
    };

    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
