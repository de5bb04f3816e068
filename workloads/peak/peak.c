/* SPDX-License-Identifier: MIT */
/* What this CPU can do at most: multiply-adds from registers, reading of a buffer of any size
 * (a cache level's, or DRAM's). The report draws its roofline under these cells. */
#include "workloads/peak/peak.h"

#include <math.h>

#include "base/clock.h"
#include "base/half.h"
#include "workloads/isa.h"
#include "workloads/workload.h"

ISA_DECLARE(const struct peak_simd, peak_simd);

enum { OP, BYTES, ROUNDS };
enum { X, OUT };
enum peak_op { PEAK_FMA, PEAK_READ };

static const char *const ops[] = {"fma", "read", NULL};

/* fma: batches enough to share out among 128 threads; steps a round that hide the region's
 * start and end (about 2 us). */
enum { LANES = 128 * PEAK_LANES, FMA_STEPS = 1000 };

static bool is_fma(const struct problem *p)
{
    return p->shape.n[OP] == PEAK_FMA;
}

/* bf16 has two inputs a lane, see peak.h. */
static int64_t elements(const struct problem *p)
{
    if (is_fma(p))
        return p->dtype == DTYPE_BF16 ? 2 * LANES : LANES;
    return p->shape.n[BYTES] / (int64_t)dtype_bytes(p->dtype);
}

static int64_t results(const struct problem *p)
{
    return is_fma(p) ? LANES : 1;
}

static struct cost cost(const struct problem *p)
{
    double rounds = (double)p->shape.n[ROUNDS], flops = p->dtype == DTYPE_BF16 ? 4 : 2;
    double n = (double)elements(p), bytes = (double)dtype_bytes(p->dtype);

    if (is_fma(p))
        return (struct cost){.flops = flops * LANES * rounds * FMA_STEPS,
                             .bytes_read = n * bytes, .bytes_written = LANES * bytes};
    return (struct cost){.flops = n * rounds, .bytes_read = n * rounds * bytes,
                         .bytes_written = bytes};
}

static double length(const struct problem *p)
{
    return is_fma(p) ? (double)p->shape.n[ROUNDS] * FMA_STEPS
                     : (double)p->shape.n[ROUNDS] * (double)elements(p);
}

static void operation(const struct problem *p, struct operation *op)
{
    op->op = is_fma(p) ? "fma" : "sum";
    op->rows = 1;
    op->cols = elements(p);
}

/* Closed forms of what peak.h defines. */
static void reference_fma(const struct problem *p, const void *x, double *want, double *scale)
{
    double steps = (double)p->shape.n[ROUNDS] * FMA_STEPS, power = pow(PEAK_FACTOR, steps);

    for (int64_t i = 0; i < LANES; i++) {
        if (p->dtype == DTYPE_BF16) {
            double one = element_get(p->dtype, x, 2 * i) / 2;
            double two = element_get(p->dtype, x, 2 * i + 1) / 4;

            want[i] = steps * (one + two);
            scale[i] = steps * (fabs(one) + fabs(two));
        } else {
            double limit = PEAK_TERM / (1 - PEAK_FACTOR);
            double start = element_get(p->dtype, x, i);

            want[i] = power * start + limit * (1 - power);
            scale[i] = fabs(start) + limit;
        }
    }
}

static void reference(const struct problem *p, const void *const *in, double *const *want,
                      double *const *scale)
{
    double sum = 0, magnitude = 0;

    if (is_fma(p)) {
        reference_fma(p, in[X], want[OUT], scale[OUT]);
        return;
    }
#pragma omp parallel for reduction(+ : sum, magnitude)
    for (int64_t i = 0; i < elements(p); i++) {
        double x = element_get(p->dtype, in[X], i);

        sum += x;
        magnitude += fabs(x);
    }
    want[OUT][0] = sum * (double)p->shape.n[ROUNDS];
    scale[OUT][0] = magnitude * (double)p->shape.n[ROUNDS];
}

static int simd_prepare(struct call *call, struct why *why)
{
    if (is_fma(call->problem) && !ISA_PICK(peak_simd)->fma[call->problem->dtype])
        return why_fail(why, STATUS_UNAVAILABLE,
                        "this processor has no bf16 dot product (avx512_bf16): bf16 work is "
                        "converted and done at the f32 rate");
    return 0;
}

static int simd(struct call *call, struct why *why)
{
    const struct problem *p = call->problem;
    const struct peak_simd *peak = ISA_PICK(peak_simd);
    int64_t rounds = p->shape.n[ROUNDS];
    struct peak_call fma = {call->arg[X].data, call->arg[OUT].data, LANES, rounds * FMA_STEPS,
                            call->threads};

    (void)why;
    if (is_fma(p))
        peak->fma[p->dtype](&fma);
    else
        element_set(p->dtype, call->arg[OUT].data, 0,
                    peak->read[p->dtype](call->arg[X].data, elements(p), rounds, call->threads));
    return 0;
}

double peak_read_bytes_per_s(const void *buffer, size_t bytes, int threads)
{
    int64_t n = (int64_t)(bytes / sizeof(double)), start;
    volatile double sum; /* so that the reading is not left out */

    /* wakes the threads and their clocks, outside the time */
    sum = ISA_PICK(peak_simd)->read[DTYPE_F64](buffer, n < 512 ? n : 512, 1, threads);
    start = clock_ns();
    sum = ISA_PICK(peak_simd)->read[DTYPE_F64](buffer, n, 1, threads);
    (void)sum;
    return (double)n * sizeof(double) / (double)(clock_ns() - start) * 1e9;
}

static const struct shape smoke[] = {{{PEAK_FMA, 8, 1}}, {{PEAK_READ, 4096, 3}},
                                     {{PEAK_READ, 100008, 1}}};

static const struct sweep sweeps[] = {
    {.name = "read", .mul = {0, 1, 0}, .add = {PEAK_READ, 0, 1}},
    {.name = "fma", .mul = {0, 0, 1}, .add = {PEAK_FMA, 8, 0}},
    {0},
};

static const struct variant variants[] = {
    {.name = "reference", .on = DEVICE_CPU, .reference = reference},
    {.name = "simd", .on = DEVICE_CPU, .prepare = simd_prepare, .run = simd},
    {0},
};

const struct workload workload_peak = {
    .name = "peak",
    .brief = "the ceilings of this CPU: multiply-adds, reading",
    .role = ROLE_OVERHEAD,
    .dtypes = 1u << DTYPE_F32 | 1u << DTYPE_F64 | 1u << DTYPE_BF16,
    .axis = {{"op", "fma or read", ops, AXIS_REQUIRED, 0},
             {"bytes", "read: size of the buffer", NULL, 256 << 20, 8},
             {"rounds", "read: times over the buffer; fma: thousands of steps", NULL, 1, 1}},
    .smoke = smoke,
    .smokes = sizeof smoke / sizeof *smoke,
    .sweeps = sweeps,
    .args = {{.name = "x", .type = DTYPE_SAME, .flow = FLOW_IN, .count = elements},
             {.name = "out", .type = DTYPE_SAME, .flow = FLOW_OUT, .count = results}},
    .variants = variants,
    .cost = cost,
    .length = length,
    .operation = operation,
};
