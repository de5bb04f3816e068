/* SPDX-License-Identifier: MIT */
/* The sentence in every combination of what bounds the two sides; PRINT=1 prints them to be read
 * aloud. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/judge.h"

static struct record cpu_record, gpu_record;
static struct contender cpu, gpu;
static struct contest contest;

static struct estimate about(double us)
{
    return (struct estimate){us, 0.95 * us, 1.05 * us};
}

static int begin(void **state)
{
    (void)state;
    record_init(&cpu_record);
    record_init(&gpu_record);
    strcpy(cpu_record.variant.text, "openblas");
    strcpy(gpu_record.device.text, "h100-sxm");
    gpu_record.kind = RECORD_PROJECTION;
    cpu_record.flops = gpu_record.flops = 2e9;
    cpu_record.bytes_read = gpu_record.bytes_read = gpu_record.upload_bytes = 12e6;
    cpu_record.bytes_written = gpu_record.bytes_written = gpu_record.download_bytes = 4e6;
    gpu_record.stationary_bytes = 0;
    cpu = (struct contender){.record = &cpu_record, .time_us = about(20000)};
    gpu = (struct contender){.record = &gpu_record, .time_us = about(400)};
    contest = (struct contest){.about = &cpu_record, .cpu = &cpu, .cpus = 1};
    return 0;
}

static void set_bound(struct contender *c, const char *kind)
{
    strcpy(c->bound.kind.text, kind);
    c->bound.share = 0.9;
    c->bound.flops_per_s = 2e9 / (c->time_us.value * 1e-6);
    c->bound.bytes_per_s = 16e6 / (c->time_us.value * 1e-6);
}

/* `link_us`: of a GPU call that takes everything over the link. */
static const char *because(const char *on_cpu, const char *on_gpu, double link_us)
{
    static struct verdict v;

    set_bound(&cpu, on_cpu);
    set_bound(&gpu, on_gpu);
    v = (struct verdict){.contest = &contest, .cpu = &cpu, .gpu = &gpu, .calls = 1,
                         .placement = link_us > 0 ? PLACEMENT_EVERY : PLACEMENT_RESIDENT,
                         .cpu_us = cpu.time_us, .gpu_us = about(gpu.time_us.value + link_us),
                         .reuse_n = {1, 1, 1}};
    v.speedup = (struct estimate){v.cpu_us.value / v.gpu_us.value, v.cpu_us.low / v.gpu_us.high,
                                  v.cpu_us.high / v.gpu_us.low};
    v.decision = decision_of(v.speedup);
    verdict_explain(NULL, &v);
    if (getenv("PRINT"))
        print_message("%s / %s: %s.\n", on_cpu, on_gpu, v.because);
    return v.because;
}

static void expect(const char *sentence, const char *words)
{
    if (!strstr(sentence, words))
        fail_msg("no '%s' in: %s", words, sentence);
}

static const struct {
    const char *cpu, *gpu, *words;
} combinations[] = {
    {"memory", "memory", "moves 16.0 MB at 800 MB/s, 90 % of its DRAM rate; h100-sxm would move"},
    {"memory", "memory", "; both are limited by memory bandwidth: the GPU would be 50x as fast ("},
    {"memory", "compute", "; the CPU is limited by memory bandwidth, the GPU by arithmetic: the GPU"},
    {"memory", "latency", "by memory bandwidth, the GPU by launch and latency:"},
    {"memory", "instructions", "by memory bandwidth, the GPU by issuing instructions:"},
    {"cache", "memory", "; the CPU is limited by its caches, the GPU by memory bandwidth:"},
    {"cache", "cache", "; both are limited by their caches:"},
    {"cache", "compute", "; the CPU is limited by its caches, the GPU by arithmetic:"},
    {"cache", "latency", "; the CPU is limited by its caches, the GPU by launch and latency:"},
    {"cache", "instructions", "by its caches, the GPU by issuing instructions:"},
    {"compute", "memory", "; the CPU is limited by arithmetic, the GPU by memory bandwidth:"},
    {"compute", "compute", "; both are limited by arithmetic: the GPU would be 50x as fast ("},
    {"compute", "latency", "; the CPU is limited by arithmetic, the GPU by launch and latency:"},
    {"compute", "instructions", "by arithmetic, the GPU by issuing instructions:"},
    {"latency", "memory", "by the cost of a call, the GPU by memory bandwidth:"},
    {"latency", "compute", "by the cost of a call, the GPU by arithmetic:"},
    {"latency", "latency", "; fixed costs decide on both sides:"},
    {"latency", "instructions", "by the cost of a call, the GPU by issuing instructions:"},
    {"", "memory", "; h100-sxm would move 16.0 MB at 40.0 GB/s: the GPU would be 50x as fast"},
    {"memory", "", "; h100-sxm would need 400 us: the GPU would be 50x as fast"},
};

static void test_every_combination(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof combinations / sizeof *combinations; i++)
        expect(because(combinations[i].cpu, combinations[i].gpu, 0), combinations[i].words);
}

static void test_who_loses_and_who_cannot_tell(void **state)
{
    const char *sentence;

    (void)state;
    cpu.time_us = about(40);
    expect(because("latency", "latency", 0), "sides: the GPU would take 10x as long (9.05-11x)");
    expect(because("compute", "memory", 4000), "; the link decides: the GPU would take 110x as long");
    cpu.time_us = about(430);
    sentence = because("compute", "compute", 0);
    expect(sentence, "arithmetic: too close to call, the speed-up lies within 0.97-1.19x");
    assert_null(strstr(sentence, "as fast"));
    gpu_record.kind = RECORD_CELL;
    cpu.time_us = about(4000);
    expect(because("compute", "compute", 0), "h100-sxm computes at 5.00 TFLOP/s; both");
    expect(because("compute", "compute", 0), "arithmetic: the GPU is 10x as fast");
    cpu.time_us = about(40);
    expect(because("compute", "compute", 0), ": the GPU takes 10x as long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_combination, begin),
        cmocka_unit_test_setup(test_who_loses_and_who_cannot_tell, begin),
    };

    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
